"""The average of a network's weights over the steps of a training."""

from __future__ import annotations

import pytest
import torch

from core.training.averaging import moving_average


def averaged(decay: float, steps: int) -> float:
    """The average after a ramp from 0 to 1."""
    update = moving_average(decay)
    average = [torch.zeros(2)]
    for step in range(steps):
        update(average, [torch.full((2,), step / (steps - 1))], step)
    return average[0][0].item()


@pytest.mark.parametrize("steps", [20, 200, 2_000])
def test_a_training_of_any_length_is_averaged_over_its_end(steps: int) -> None:
    """About over the last eleventh of it, however long it was."""
    assert averaged(0.9999, steps) == pytest.approx(1 - 1 / 11, abs=0.05)


def test_a_long_one_over_the_time_of_its_decay() -> None:
    assert averaged(0.99, 10_000) == pytest.approx(1 - 0.01, abs=1e-3)


def test_the_first_step_replaces_what_was_there() -> None:
    average = [torch.full((2,), 7.0)]
    moving_average(0.999)(average, [torch.ones(2)], 0)
    assert average[0].tolist() == [1.0, 1.0]


def test_counts_are_taken_over() -> None:
    average = [torch.tensor(3)]
    moving_average(0.999)(average, [torch.tensor(17)], 5)
    assert average[0].item() == 17


def test_without_decay_it_is_the_last_weights() -> None:
    assert averaged(0.0, 50) == 1.0
