"""Waiting for long work whose caller needs the result: the window lives on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEventLoop, Qt, QThread
from qtpy.QtWidgets import QApplication, QProgressDialog

from core.progress import finished
from napari_gamut.widgets.job import Job

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.progress import Check
    from napari_gamut.widgets.job import Result, Work

_PATIENCE_MS = 400


def waited(begin: Work[Result], title: str) -> Result | None:
    """Do work in a thread and return its result; people see a dialog and may cancel.

    napari calls readers and writers in the thread of the window and waits for them.

    Parameters
    ----------
    begin : callable
        As for :class:`napari_gamut.widgets.job.Job`; progress is (done, total).
    title : str
        What is being done.

    Returns
    -------
    object or None
        None if people cancelled.

    Raises
    ------
    Exception
        What the work raises.
    """
    app = QApplication.instance()
    if app is None or QThread.currentThread() != app.thread():
        return finished(begin(_never))
    outcome: list[Result] = []
    errors: list[Exception] = []
    loop = QEventLoop()
    dialog = QProgressDialog(f"{title} …", "Cancel", 0, 0, app.activeWindow())
    dialog.setWindowTitle(title)
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(_PATIENCE_MS)
    dialog.setAutoReset(False)

    def show(value: tuple[int, int]) -> None:
        done, total = value
        if total > 1:
            dialog.setMaximum(total)
            dialog.setValue(done)

    def kept(check: Check) -> Generator[Any, None, Result | None]:
        try:
            return (yield from begin(check))
        except Exception as error:  # Raised again for whoever called.
            errors.append(error)
            return None

    def done(result: Result | None) -> None:
        if result is not None:
            outcome.append(result)

    job = Job(kept, progress=show, done=done, failed=errors.append, ended=loop.quit)

    def cancel() -> None:
        job.abandon()
        loop.quit()

    dialog.canceled.connect(cancel)
    loop.exec()
    dialog.canceled.disconnect(cancel)
    dialog.close()
    dialog.deleteLater()
    if errors:
        raise errors[0]
    return outcome[0] if outcome else None


def _never() -> None:
    """Give up nothing."""
