"""Work that reports its progress, ends in time and can be given up."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.errors import PhotoError
from core.progress import Stop, Stopped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator

    from core.progress import Check

Result = TypeVar("Result")

_END = object()


class Job(Generic[Result]):
    """A generator of the engine with a time limit.

    Iterate over :meth:`steps`, then take :attr:`result`. Closing the iteration gives up the work
    and whatever it has written.

    Parameters
    ----------
    begin : callable
        Takes a check that it hands on to long work; returns a generator, which yields what is done
        and what there is to do, and returns the result.
    seconds : float
        How long it may take. It is looked at after each step, and within a step whenever the work
        checks, as solvers do before each iteration.
    stop : Stop
        Whether somebody wants it to end before.
    """

    result: Result

    def __init__(
        self,
        begin: Callable[[Check], Generator[tuple[int, int], None, Result]],
        seconds: float,
        stop: Stop,
    ) -> None:
        self._seconds, self._stop = seconds, stop
        self._end = time.monotonic() + seconds
        self._work = begin(self._check)

    def steps(self) -> Generator[tuple[int, int], None, None]:
        """Yield progress.

        Raises
        ------
        PhotoError
            If the time is over.
        """
        self._end = time.monotonic() + self._seconds
        try:
            while True:
                try:
                    step = next(self._work)
                except StopIteration as finished:
                    self.result = finished.value
                    return
                self._check()
                yield step
        finally:
            self._work.close()

    def _check(self) -> None:
        self._stop.check()
        if time.monotonic() > self._end:
            raise PhotoError(
                f"The job took longer than {self._seconds:g} seconds; choose a smaller photo, or "
                "use the program on your own computer."
            )


def stoppable(handler: Callable[..., Iterator[Any]]) -> Callable[..., AsyncGenerator[Any]]:
    """Let whoever cancels a handler, or goes away, stop it in the middle of a step.

    Parameters
    ----------
    handler : generator function
        Takes a :class:`core.progress.Stop` before its other parameters, and does its work in a
        thread. When it is cancelled, work that checks the stop ends at once, as solvers do before
        their next iteration, and the handler with it; what else it does between two yields is
        finished.

    Returns
    -------
    asynchronous generator function
        With the other parameters and the same values.
    """

    @functools.wraps(handler)
    async def run(*arguments: Any) -> AsyncGenerator[Any]:
        stop = Stop()

        def step() -> Any:
            try:
                return next(work, _END)
            except Stopped:
                return _END

        work = handler(stop, *arguments)
        try:
            while True:
                running = asyncio.ensure_future(asyncio.to_thread(step))
                try:
                    value = await asyncio.shield(running)
                except asyncio.CancelledError:
                    stop.set()
                    await _ended(running)
                    raise
                if value is _END:
                    return
                yield value
        finally:
            work.close()  # type: ignore[attr-defined]

    # Gradio counts the parameters, and takes the types of an endpoint from them.
    signature = inspect.signature(handler)
    others = list(signature.parameters.values())[1:]
    run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    return run


async def _ended(running: asyncio.Future[Any]) -> None:
    """Wait for a step, however often it is cancelled: its thread still holds the generator."""
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([running])
