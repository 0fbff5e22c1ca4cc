from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.progress import finished, scaled

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
