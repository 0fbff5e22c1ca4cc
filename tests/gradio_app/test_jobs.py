from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
import torch

from core.errors import PhotoError
from core.network.solver import SolverSettings, solve
from gradio_app.jobs import Job, stoppable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


def work(log: list[str]) -> Generator[tuple[int, int], None, str]:
    try:
        for done in (1, 2, 3):
            yield done, 3
        log.append("finished")
        return "result"
    finally:
        log.append("cleaned up")


def test_it_gives_progress_and_then_the_result() -> None:
    log: list[str] = []
    job = Job(work(log), seconds=60)
    assert list(job.steps()) == [(1, 3), (2, 3), (3, 3)]
    assert job.result == "result"


def test_closing_it_gives_up_the_work() -> None:
    log: list[str] = []
    steps = Job(work(log), seconds=60).steps()
    next(steps)
    steps.close()
    assert log == ["cleaned up"]


def test_work_that_takes_too_long_is_given_up() -> None:
    log: list[str] = []
    with pytest.raises(PhotoError, match="longer than 0 seconds"):
        list(Job(work(log), seconds=0).steps())
    assert log == ["cleaned up"]


def test_work_that_takes_too_long_is_given_up_within_a_step() -> None:
    log: list[str] = []

    def endless() -> Generator[tuple[int, int], None, str]:
        try:
            settings = SolverSettings(max_steps=10**9, tolerance=0.0)
            solve(lambda state: state + 1.0, torch.ones(1, 4), settings)
            yield 1, 1
            return "result"
        finally:
            log.append("cleaned up")

    with pytest.raises(PhotoError, match="longer than"):
        list(Job(endless(), seconds=0.1).steps())
    assert log == ["cleaned up"]


class Endless:
    """A handler whose second step would never end, and what became of it."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.log: list[str] = []

    def handler(self, first: str) -> Iterator[str]:
        try:
            yield first
            self.started.set()
            solve(
                lambda state: state + 1.0,
                torch.ones(1, 4),
                SolverSettings(max_steps=10**9, tolerance=0.0),
            )
            yield "never"
        except Exception:
            self.log.append("taken for a failure")
        finally:
            self.log.append("cleaned up")


def test_a_handler_can_be_stopped_in_the_middle_of_a_step() -> None:
    endless = Endless()

    async def main() -> None:
        values = stoppable(endless.handler)("first")
        assert await anext(values) == "first"
        second = asyncio.ensure_future(anext(values))
        await asyncio.to_thread(endless.started.wait)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(main())
    assert endless.log == ["cleaned up"]


def test_who_cancels_twice_waits_for_the_step_all_the_same() -> None:
    log: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def handler() -> Iterator[str]:
        try:
            started.set()
            go_on.wait()
            yield "never"
        finally:
            log.append("cleaned up")

    async def main() -> None:
        task = asyncio.ensure_future(anext(stoppable(handler)()))
        await asyncio.to_thread(started.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert log == ["cleaned up"]


def test_a_handler_can_be_closed_between_two_steps() -> None:
    endless = Endless()

    async def main() -> None:
        values = stoppable(endless.handler)("first")
        await anext(values)
        await values.aclose()

    asyncio.run(main())
    assert endless.log == ["cleaned up"]
    assert not endless.started.is_set()


def test_a_stoppable_handler_passes_on_values_and_errors() -> None:
    def handler() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("three")

    async def main() -> list[int]:
        values = []
        with pytest.raises(ValueError, match="three"):
            async for value in stoppable(handler)():
                values.append(value)
        return values

    assert asyncio.run(main()) == [1, 2]
