"""The server's own folder: found empty, swept while it runs, and gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from gradio_app.settings import DemoSettings

PREFIX = "gamut-demo-"

UPLOADS = "uploads"
REQUESTS = "requests"
"""Folders in it: of what is sent and shown, and of what jobs put down meanwhile."""

SWEEP_SECONDS = 60
"""Between two sweeps."""

STALLED_SECONDS = 120
"""An upload to which nothing has come for so long has been broken off."""

_LOCK = ".lock"
_SOCKETS = ".sockets"
"""Names the folder in which processes are talked to; it has to be elsewhere, by a short name."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder for a server while the block runs; delete what killed servers have left."""
    temporary = Path(tempfile.gettempdir())
    for folder in temporary.glob(f"{PREFIX}*"):
        if _is_abandoned(folder):
            _remove_sockets(folder)
            shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name).resolve()
        with FileLock(folder / _LOCK):
            yield folder


def _is_abandoned(folder: Path) -> bool:
    """Return whether a folder is of a server of this user that no longer runs."""
    try:
        status = folder.lstat()
        if not folder.is_dir() or folder.is_symlink():
            return False
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            return False
        if not (folder / _LOCK).exists():
            # It may be that of a server that is just starting.
            return time.time() - status.st_mtime > STALLED_SECONDS
        with FileLock(folder / _LOCK, timeout=0):
            return True
    except (OSError, Timeout):
        return False


def note_sockets(folder: Path) -> None:
    """Note where this process has its sockets, to be deleted if it is killed."""
    (folder / _SOCKETS).write_text(get_temp_dir())


def _remove_sockets(folder: Path) -> None:
    """Delete the sockets of a server that was killed."""
    with contextlib.suppress(OSError):
        sockets = Path((folder / _SOCKETS).read_text())
        if sockets.name.startswith("pymp-") and not sockets.is_symlink():
            shutil.rmtree(sockets, ignore_errors=True)


@contextmanager
def swept(
    folder: Path, settings: DemoSettings, kept: Callable[[], Collection[Path]], seconds: float
) -> Iterator[None]:
    """Delete what requests have left, now and then, while the block runs.

    Parameters
    ----------
    folder : Path
        The server's own.
    settings : DemoSettings
        How long files stay.
    kept : callable
        Returns files and folders that stay.
    seconds : float
        Between two sweeps.
    """
    over = threading.Event()

    def sweep_often() -> None:
        while not over.wait(seconds):
            sweep(folder, settings, kept())

    sweeper = threading.Thread(target=sweep_often, name="sweeper", daemon=True)
    sweeper.start()
    try:
        yield
    finally:
        over.set()
        sweeper.join()


def sweep(folder: Path, settings: DemoSettings, kept: Collection[Path] = ()) -> None:
    """Delete what nobody can want any more: old files, broken-off uploads, empty folders.

    Parameters
    ----------
    folder, settings
        As for :func:`swept`.
    kept : collection of Path
        Files and folders that stay.
    """
    now = time.time()
    age = max(60 * settings.keep_minutes, 2 * settings.seconds)
    for request in _entries(folder / REQUESTS):
        if _idle(request, now) > age:
            shutil.rmtree(request, ignore_errors=True)
    for upload in _entries(folder / UPLOADS):
        if upload in kept:
            continue
        if not upload.is_dir():
            # Gradio names files so until they have arrived.
            if _idle(upload, now) > STALLED_SECONDS:
                _remove(upload)
            continue
        for file in _entries(upload):
            if file not in kept and _idle(file, now) > 60 * settings.keep_minutes:
                _remove(file)
        if _idle(upload, now) > SWEEP_SECONDS:
            # It stays unless it is empty.
            with contextlib.suppress(OSError):
                upload.rmdir()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _idle(path: Path, now: float) -> float:
    """Return for how many seconds a file has not been written."""
    try:
        status = path.lstat()
        return now - max(status.st_mtime, status.st_ctime)
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
