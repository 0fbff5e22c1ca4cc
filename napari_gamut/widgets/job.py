"""Long work beside the window: one generator in a thread, with progress and cancelling."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from napari.qt.threading import GeneratorWorker, create_worker

from core.apart import others_go_on
from core.engine.memory import return_freed_memory
from core.errors import PhotoError
from core.progress import Check, Stop, Stopped

Result = TypeVar("Result")
Work = Callable[[Check], Generator[Any, None, Result]]

_SHORTEST = 0.1
"""Seconds between two reports of progress: each of them makes the window draw."""


class _Failure:
    """Why a job came to nothing; a worker that returns an error itself raises it."""

    def __init__(self, error: PhotoError) -> None:
        self.error = error


class _Cancelled:
    """What a job returns that was stopped."""


class _Worker(GeneratorWorker):  # type: ignore[misc]
    """A worker that napari, too, stops by the job's own sign when a window closes.

    Its own way to quit would leave the generator open, with all its memory.
    """

    def __init__(self, func: Any, begin: Work[Any], stop: Stop) -> None:
        super().__init__(func, begin, stop)
        self._sign = stop

    def quit(self) -> None:
        self._sign.set()


class Job:
    """A generator that works in a thread, while its owner lives.

    Parameters
    ----------
    begin : callable
        Takes a check that it may hand on to long work; returns a generator, which yields its
        progress and returns the result. It must not touch layers or widgets.
    progress : callable
        Called in the window's thread with progress, ten times a second at most.
    done : callable
        Called in the window's thread with the result, unless the job was cancelled.
    failed : callable
        Called in the window's thread with the error that people are to know.
    ended : callable
        Called last in any case, unless the job was abandoned.
    """

    def __init__(
        self,
        begin: Work[Result],
        *,
        progress: Callable[[Any], None],
        done: Callable[[Result], None],
        failed: Callable[[PhotoError], None],
        ended: Callable[[], None],
    ) -> None:
        self._abandoned = False
        self._done, self._failed, self._ended = done, failed, ended
        self._progress = progress
        self._stop = Stop()
        self._worker = create_worker(
            _guarded, begin, self._stop, _start_thread=False, _worker_class=_Worker
        )
        self._worker.yielded.connect(self._on_progress)
        self._worker.returned.connect(self._on_result)
        self._worker.finished.connect(self._on_end)
        self._worker.start()

    def cancel(self) -> None:
        """Stop at the next step or iteration; neither a result nor a failure will come."""
        self._stop.set()

    def abandon(self) -> None:
        """Stop at the next step and call nobody any more: nobody waits."""
        self._abandoned = True
        self._stop.set()

    def _on_progress(self, value: Any) -> None:
        if not self._abandoned and not self._stop.is_set:
            self._progress(value)

    def _on_result(self, value: Any) -> None:
        if self._abandoned or self._stop.is_set:
            return
        if isinstance(value, _Failure):
            self._failed(value.error)
        else:
            self._done(value)

    def _on_end(self) -> None:
        if not self._abandoned:
            self._ended()
        # A result may be large, and the last worker is kept by the list of its callbacks.
        del self._done, self._failed, self._progress, self._ended


class TimeLeft:
    """How long the rest of a job will take, from what is done."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def sentence(self, done: int, total: int) -> str:
        """Return the time left in words; empty until there is something to go by."""
        if not 0 < done < total:
            return ""
        seconds = (time.monotonic() - self._started) * (total - done) / done
        return duration(seconds) + " left"


def duration(seconds: float) -> str:
    """Return a duration in words."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _is_news(progress: object) -> bool:
    """Return whether progress holds something that nobody must miss."""
    return bool(getattr(progress, "is_news", False))


def _guarded(
    begin: Work[Result], stop: Stop
) -> Generator[Any, None, Result | _Failure | _Cancelled]:
    try:
        with others_go_on():
            return (yield from _told(begin(stop.check), stop))
    finally:
        return_freed_memory()


def _told(
    work: Generator[Any, None, Result], stop: Stop
) -> Generator[Any, None, Result | _Failure | _Cancelled]:
    told = -_SHORTEST
    try:
        while not stop.is_set:
            progress = next(work)
            now = time.monotonic()
            if now - told >= _SHORTEST or _is_news(progress):
                told = now
                yield progress
    except Stopped:
        return _Cancelled()
    except StopIteration as end:
        result: Result = end.value
        return result
    except PhotoError as error:
        return _Failure(error.with_traceback(None))
    except MemoryError:
        return _Failure(
            PhotoError(
                "There is not enough memory for this photo; choose a smaller tile in the "
                "preferences, or close other programs."
            )
        )
    work.close()
    return _Cancelled()
