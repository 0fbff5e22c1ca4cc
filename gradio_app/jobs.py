"""Work that reports its progress, ends in time and can be given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from core.errors import PhotoError
from core.solver import checked_before_each_step

if TYPE_CHECKING:
    from collections.abc import Generator

Result = TypeVar("Result")


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
