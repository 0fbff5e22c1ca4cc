from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from core.errors import PhotoError
from core.solver import SolverSettings, solve
from gradio_app.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Generator


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
