"""Work that reports its progress, ends in time and can be given up."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.errors import PhotoError
from core.network.solver import checked_before_each_step

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator

Result = TypeVar("Result")

_END = object()


class Job(Generic[Result]):
    """A generator of the engine with a time limit.

    Iterate over :meth:`steps`, then take :attr:`result`. Closing the iteration gives up the work
    and whatever it has written.

    Parameters
    ----------
    work : generator
        Yields what is done and what there is to do; returns the result.
    seconds : float
        How long it may take. It is looked at after each step, and within a step before each
        iteration of a solver.
    """

    result: Result

    def __init__(self, work: Generator[tuple[int, int], None, Result], seconds: float) -> None:
        self._work = work
        self._seconds = seconds

    def steps(self) -> Generator[tuple[int, int], None, None]:
        """Yield progress.

        Raises
        ------
        PhotoError
            If the time is over.
        """
        end = time.monotonic() + self._seconds

        def check() -> None:
            if time.monotonic() > end:
                raise PhotoError(
                    f"The job took longer than {self._seconds:g} seconds; choose a smaller "
                    "photo, or use the program on your own computer."
                )

        try:
            while True:
                try:
                    with checked_before_each_step(check):
                        step = next(self._work)
                except StopIteration as finished:
                    self.result = finished.value
                    return
                check()
                yield step
        finally:
            self._work.close()


def stoppable(handler: Callable[..., Iterator[Any]]) -> Callable[..., AsyncGenerator[Any]]:
    """Let whoever cancels a handler, or goes away, stop it in the middle of a step.

    Parameters
    ----------
    handler : generator function
        Does its work in a thread. When it is cancelled, the solver that it runs ends before its
        next iteration, and the handler with it; what else it does between two yields is finished.

    Returns
    -------
    asynchronous generator function
        With the same parameters and values.
    """

    @functools.wraps(handler)
    async def run(*arguments: Any) -> AsyncGenerator[Any]:
        cancelled = threading.Event()

        def check() -> None:
            if cancelled.is_set():
                raise asyncio.CancelledError

        def step() -> Any:
            try:
                with checked_before_each_step(check):
                    return next(work, _END)
            except asyncio.CancelledError:
                return _END

        work = handler(*arguments)
        try:
            while True:
                running = asyncio.ensure_future(asyncio.to_thread(step))
                try:
                    value = await asyncio.shield(running)
                except asyncio.CancelledError:
                    cancelled.set()
                    await _ended(running)
                    raise
                if value is _END:
                    return
                yield value
        finally:
            work.close()  # type: ignore[attr-defined]

    return run


async def _ended(running: asyncio.Future[Any]) -> None:
    """Wait for a step, however often it is cancelled: its thread still holds the generator."""
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([running])
