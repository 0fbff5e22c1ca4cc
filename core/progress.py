"""Work that is done step by step, so that the caller sees progress and can cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

Check = Callable[[], None]
"""Called often during long work, by its own thread; what it raises gives up the work."""

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
Step = TypeVar("Step")


class Stopped(BaseException):
    """The caller cancelled the work. Not an error: handlers of errors let it pass."""


class Stop:
    """A request that work end, which another thread may make.

    Examples
    --------
    >>> from core.progress import Stop
    >>> stop = Stop()
    >>> stop.check()
    >>> stop.set()
    >>> stop.is_set
    True
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def is_set(self) -> bool:
        """Whether the work should end."""
        return self._event.is_set()

    def set(self) -> None:
        """Let the work end at its next check."""
        self._event.set()

    def check(self) -> None:
        """Raise :class:`Stopped` if the work should end."""
        if self._event.is_set():
            raise Stopped


class Behind:
    """A thread that does one thing while its owner does the next; a context manager.

    At most one thing waits to be done: memory holds no more. What fails is raised when the next
    is given, or at :meth:`wait`; leaving the block waits, too.

    Examples
    --------
    >>> from core.progress import Behind
    >>> written = []
    >>> with Behind() as behind:
    ...     behind.do(written.append, 1)
    ...     behind.do(written.append, 2)
    ...     behind.wait()
    >>> written
    [1, 2]
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="behind")
        self._last: Future[object] | None = None

    def do(
        self,
        work: Callable[Parameters, object],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> None:
        """Start something as soon as what was started before is done."""
        self.wait()
        self._last = self._thread.submit(work, *arguments, **named)

    def wait(self) -> None:
        """Wait until all is done; raise what went wrong."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown(wait=True)


def finished(
    work: Generator[tuple[int, int], None, Result],
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Do all the work and return its result.

    Parameters
    ----------
    work : generator
        Yields what is done and what there is to do; returns the result.
    progress : callable, optional
        Called with both after each step. What it raises gives up the work.

    Examples
    --------
    >>> def work():
    ...     yield 1, 2
    ...     yield 2, 2
    ...     return "done"
    >>> finished(work(), print)
    1 2
    2 2
    'done'
    """
    with closing(work):
        while True:
            try:
                done, total = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            if progress:
                progress(done, total)


def mapped(
    work: Generator[tuple[int, int], None, Result], change: Callable[[int, int], Step]
) -> Generator[Step, None, Result]:
    """Do work that is part of something larger, and report its progress in another form.

    Parameters
    ----------
    work : generator
        As for :func:`finished`.
    change : callable
        Returns what is yielded, from what is done and what there is to do.

    Returns
    -------
    object
        The result of the part.

    Examples
    --------
    >>> def work():
    ...     yield 1, 2
    ...     return "done"
    >>> list(mapped(work(), lambda done, total: f"{done} of {total}"))
    ['1 of 2']
    """
    with closing(work):
        while True:
            try:
                done, total = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield change(done, total)


def scaled(
    work: Generator[tuple[int, int], None, Result], begin: int, stop: int, end: int
) -> Generator[tuple[int, int], None, Result]:
    """Do work that is part of something larger: progress runs from `begin` to `stop` of `end`.

    Parameters
    ----------
    work : generator
        As for :func:`finished`.
    begin, stop, end : int
        In the units of the whole.

    Returns
    -------
    object
        The result of the part.

    Examples
    --------
    >>> def work():
    ...     yield 1, 2
    ...     return "done"
    >>> list(scaled(work(), 10, 20, 100))
    [(15, 100)]
    """
    return mapped(work, lambda done, total: (begin + (stop - begin) * done // total, end))
