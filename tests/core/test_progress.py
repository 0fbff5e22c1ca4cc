from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from core.progress import Behind, finished, scaled

if TYPE_CHECKING:
    from collections.abc import Generator


def work(log: list[str]) -> Generator[tuple[int, int], None, str]:
    try:
        yield 1, 2
        yield 2, 2
        return "result"
    finally:
        log.append("cleaned up")


def test_the_result_is_returned_and_progress_told() -> None:
    log: list[str] = []
    steps: list[tuple[int, int]] = []
    assert finished(work(log), lambda *step: steps.append(step)) == "result"
    assert finished(work(log)) == "result"
    assert steps == [(1, 2), (2, 2)]
    assert log == ["cleaned up"] * 2


def test_whoever_is_told_can_give_up_the_work() -> None:
    log: list[str] = []

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finished(work(log), stop)
    assert log == ["cleaned up"]


def test_a_part_of_more_fills_its_place_in_the_progress() -> None:
    steps: list[tuple[int, int]] = []
    assert finished(scaled(work([]), 100, 140, 300), lambda *step: steps.append(step)) == "result"
    assert steps == [(120, 300), (140, 300)]


def test_one_thing_is_done_behind_another_and_in_order() -> None:
    go, order = threading.Event(), []

    def first() -> None:
        go.wait(10)
        order.append("first")

    with Behind() as behind:
        behind.do(first)
        order.append("meanwhile")
        go.set()
        behind.do(order.append, "second")
    assert order == ["meanwhile", "first", "second"]


def test_what_fails_behind_is_raised_by_the_next_step() -> None:
    with Behind() as behind:
        behind.do(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            behind.do(int, "1")
        behind.do(int, "y")
        with pytest.raises(ValueError, match="invalid literal"):
            behind.wait()
        behind.wait()
