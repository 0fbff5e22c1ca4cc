"""Errors about files, and the sentences for what an operating system reports."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from core.errors import PhotoError

if TYPE_CHECKING:
    from pathlib import Path


class FileError(PhotoError):
    """A file cannot be read or written; the message names it and says what to do."""


class ExcessError(ValueError):
    """A file would take far more work than any photo; the message says too much of what."""


_SENTENCES = {
    errno.ENOENT: "“{path}” does not exist; check the name and the folder.",
    errno.EACCES: "There is no permission to {verb} “{path}”; change its permissions.",
    errno.EPERM: "There is no permission to {verb} “{path}”; change its permissions.",
    errno.EROFS: "“{path}” is on a read-only disk; choose another folder.",
    errno.EISDIR: "“{path}” is a folder, not a photo; name a file.",
    errno.ENOTDIR: "A part of the path “{path}” is a file, not a folder; check the path.",
    errno.ENAMETOOLONG: "The name “{path}” is too long; choose a shorter one.",
    errno.ENOSPC: "The disk is full, so “{path}” was not written; make room and run it again.",
    errno.EDQUOT: "The disk quota is used up, so “{path}” was not written; make room first.",
    errno.EFBIG: "“{path}” would be larger than the disk allows; choose another disk.",
    errno.EEXIST: "“{path}” exists already; choose another name or allow overwriting.",
}


def from_os_error(error: OSError, path: Path, verb: str) -> FileError:
    """Return the sentence for an error of the operating system.

    Parameters
    ----------
    error : OSError
        What was raised.
    path : Path
        The file the person named.
    verb : {"read", "write"}
        What was tried.

    Returns
    -------
    FileError
        To be raised from `error`.

    Examples
    --------
    >>> from pathlib import Path
    >>> error = OSError(errno.ENOSPC, "No space left on device")
    >>> print(from_os_error(error, Path("wide.tif"), "write"))
    The disk is full, so “wide.tif” was not written; make room and run it again.
    """
    sentence = _SENTENCES.get(error.errno or 0)
    if sentence is None:
        reason = error.strerror or type(error).__name__
        return FileError(f"“{path}” could not be {_PAST[verb]} ({reason}); check the disk.")
    return FileError(sentence.format(path=path, verb=verb))


def damaged(path: Path, format_name: str) -> FileError:
    """Return the error for a file whose content breaks off or contradicts itself.

    Examples
    --------
    >>> from pathlib import Path
    >>> print(damaged(Path("holiday.jpg"), "JPEG"))
    “holiday.jpg” is a damaged or incomplete JPEG file; use another copy of the photo.
    """
    return FileError(
        f"“{path}” is a damaged or incomplete {format_name} file; use another copy of the photo."
    )


def unsupported(path: Path, what: str) -> FileError:
    """Return the error for a sound file of a kind that is not read here.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        The kind, as the subject of a sentence: "this kind of TIFF file".

    Examples
    --------
    >>> from pathlib import Path
    >>> error = unsupported(Path("scan.tif"), "this kind of TIFF file")
    >>> print(error)  # doctest: +NORMALIZE_WHITESPACE
    “scan.tif” cannot be read, since this kind of TIFF file is not supported; save it as 16-bit
    TIFF or PNG in another program.
    """
    return FileError(
        f"“{path}” cannot be read, since {what} is not supported; save it as 16-bit TIFF or PNG "
        "in another program."
    )


def moving(path: Path, format_name: str) -> FileError:
    """Return the error for a file of moving pictures without a still one.

    Examples
    --------
    >>> from pathlib import Path
    >>> print(moving(Path("cat.heics"), "HEIC"))
    “cat.heics” is an animated HEIC without a still picture; save one of its frames.
    """
    return FileError(
        f"“{path}” is an animated {format_name} without a still picture; save one of its frames."
    )


def excessive(path: Path, error: ExcessError) -> FileError:
    """Return the error for a file that would keep the computer busy for minutes or hours.

    Examples
    --------
    >>> from pathlib import Path
    >>> error = excessive(Path("odd.png"), ExcessError("more than 100000 chunks"))
    >>> print(error)  # doctest: +NORMALIZE_WHITESPACE
    “odd.png” holds more than 100000 chunks, far more than a photo needs, and would take very
    long; save it anew in another program.
    """
    return FileError(
        f"“{path}” holds {error}, far more than a photo needs, and would take very long; save it "
        "anew in another program."
    )


def unreadable(path: Path, format_name: str, error: Exception) -> FileError:
    """Return the error for a file on which its reader failed in an unforeseen way.

    Examples
    --------
    >>> from pathlib import Path
    >>> error = unreadable(Path("odd.jxl"), "JPEG XL", AttributeError("no such box"))
    >>> print(error)  # doctest: +NORMALIZE_WHITESPACE
    “odd.jxl” is a JPEG XL file that this program cannot read (AttributeError); save it as
    16-bit TIFF or PNG in another program.
    """
    return FileError(
        f"“{path}” is a {format_name} file that this program cannot read "
        f"({type(error).__name__}); save it as 16-bit TIFF or PNG in another program."
    )


_PAST = {"read": "read", "write": "written"}
