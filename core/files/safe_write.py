"""Writing a file so that its name never stands for half a file.

The bytes go to a hidden neighbour, ``.NAME.partial-XXXXXXXX``, reach the disk, and only then
take the final name. A job that is killed leaves at most that neighbour, which says what it is.
While it is written it is locked, so that nobody takes it for such a remnant.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
import weakref
from typing import IO, TYPE_CHECKING

from core.files.errors import FileError, from_os_error

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LONGEST_NAME = 255
_TOKEN = 4
_PARTIAL = ".partial-"
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}


class SafeFile:
    """A binary file that takes its name only when it is whole.

    Parameters
    ----------
    path : Path
        The final name.
    overwrite : bool
        Whether a file of that name may be replaced.
    source : Path, optional
        The file that is being read meanwhile; writing over it is refused in any case.

    Raises
    ------
    FileError
        If the name is taken, is the source, or cannot be written.
    """

    def __init__(self, path: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
        self.path = path
        self._overwrite = overwrite
        check_target(path, overwrite=overwrite, source=source)
        self.temporary = path.with_name(_partial_stem(path) + secrets.token_hex(_TOKEN))
        self.file: IO[bytes]
        self._lock = contextlib.ExitStack()
        # Whatever interrupts the work, and wherever, the neighbour goes with this object.
        self._removal = weakref.finalize(self, _abandon, self.temporary, self._lock)
        with translated(path):
            # "x" makes the name ours alone; the umask decides the permissions, as for any file.
            self.file = self.temporary.open("x+b")
        with contextlib.suppress(OSError):  # A disk without locks.
            self._lock.enter_context(_locked(self.file))

    def commit(self) -> None:
        """Bring the bytes to the disk and give the file its final name."""
        try:
            with translated(self.path):
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
                if self._overwrite:
                    self.temporary.replace(self.path)
                else:
                    _rename_without_overwriting(self.temporary, self.path)
                self._removal.detach()
                self._lock.close()
                _sync_folder(self.path.parent)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written; the final name stays as it was."""
        # Closing flushes, which fails again on a full disk: nothing of it is wanted.
        with contextlib.suppress(OSError):
            self.file.close()
        self._removal()


def write_bytes(
    path: Path, content: bytes, *, overwrite: bool = False, source: Path | None = None
) -> None:
    """Write a whole file at once, safely (see :class:`SafeFile`).

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder, "report.csv"), b"style,gain")
    ...     write_bytes(Path(folder, "report.csv"), b"another", overwrite=True)
    ...     [(path.name, path.read_bytes()) for path in Path(folder).iterdir()]
    [('report.csv', b'another')]
    """
    target = SafeFile(path, overwrite=overwrite, source=source)
    try:
        with translated(path):
            target.file.write(content)
    except BaseException:
        target.discard()
        raise
    target.commit()


def check_target(path: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Refuse a target that cannot be written, before any work is done.

    Raises
    ------
    FileError
        If the folder is missing, the name is taken, or the target is the source.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_target(Path("wide.tif"), source=Path("photo.jpg"))
    >>> check_target(Path("no such folder/wide.tif"))
    Traceback (most recent call last):
    core.files.errors.FileError: The folder “no such folder” does not exist; create it first.
    """
    if source is not None and is_same_file(path, source):
        raise FileError(
            f"“{path}” is the photo that is being read; choose another name for the result."
        )
    with translated(path):
        if path.is_dir():
            raise FileError(f"“{path}” is a folder; name the file to be written.")
        if not path.parent.is_dir():
            raise FileError(f"The folder “{path.parent}” does not exist; create it first.")
        if not overwrite and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def remove_partials(paths: Iterable[Path]) -> None:
    """Remove what killed jobs left of files; what others are writing is left to them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "wide.tif")
    ...     _ = Path(folder, ".wide.tif.partial-0a1b2c3d").write_bytes(b"half a pho")
    ...     remove_partials([photo])
    ...     list(Path(folder).iterdir())
    []
    """
    stems: dict[Path, set[str]] = {}
    for path in paths:
        stems.setdefault(path.parent, set()).add(_partial_stem(path))
    for folder, known in stems.items():
        for neighbour in folder.glob(f".*{_PARTIAL}{'?' * 2 * _TOKEN}"):
            if neighbour.name[: -2 * _TOKEN] in known:
                with (
                    contextlib.suppress(OSError),
                    neighbour.open("rb") as file,
                    _locked(file),
                ):
                    neighbour.unlink()


def _partial_stem(path: Path) -> str:
    """Return how the temporary names of a file begin."""
    stem = os.fsencode(path.name)[: _LONGEST_NAME - len(_PARTIAL) - 2 * _TOKEN - 1]
    return f".{os.fsdecode(stem)}{_PARTIAL}"


def is_same_file(first: Path, second: Path) -> bool:
    """Return whether two names stand for one file, through links or upper and lower case.

    Examples
    --------
    >>> from core.files.sample import sample_photo
    >>> photo = sample_photo()
    >>> is_same_file(photo, photo.parent / ".." / photo.parent.name / photo.name)
    True
    """
    try:
        return first.samefile(second)
    except OSError:
        return False


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of the operating system into a :class:`FileError` about `path`.

    Examples
    --------
    >>> from pathlib import Path
    >>> with translated(Path("wide.tif")):
    ...     raise OSError(errno.EROFS, "Read-only file system")
    Traceback (most recent call last):
    core.files.errors.FileError: “wide.tif” is on a read-only disk; choose another folder.
    """
    try:
        yield
    except OSError as error:
        raise from_os_error(error, path, "write") from error


@contextlib.contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """Lock an open file, also when it is closed, until the end of the block or of the process.

    Raises
    ------
    OSError
        If somebody else holds the lock, or the disk has none.
    """
    if sys.platform == "win32":  # There, a file that is open is not removed.
        yield
        return
    # The lock belongs to the open file, which a duplicate of its descriptor keeps open.
    descriptor = os.dup(file.fileno())
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _abandon(temporary: Path, lock: contextlib.ExitStack) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink()
    lock.close()


def _rename_without_overwriting(temporary: Path, path: Path) -> None:
    # A rename would replace a file that appeared meanwhile; a hard link fails instead.
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A disk without hard links (exFAT, some network shares): reserve the name, then replace.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        temporary.replace(path)
    else:
        temporary.unlink()


def _sync_folder(folder: Path) -> None:
    # Folders cannot be opened on Windows, and some network disks refuse to sync them.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
