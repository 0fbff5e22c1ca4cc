"""The iterations of a fixed point, as the views show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.errors import PhotoError
from core.gamut import Codes, reduce
from core.methods.convergence import Window, iterates, largest_window
from core.methods.letnet import LetNetMethod
from core.network.letnet import BOX, PAPER, LetNetConfig
from core.network.models import random_model
from core.network.solver import SolverSettings
from tests.core.conftest import wide_photo

BOX_MODEL = LetNetMethod(random_model(replace(BOX, channels=8), scale=0.3))
PAPER_MODEL = LetNetMethod(random_model(replace(PAPER, channels=8), scale=0.02))
TIGHT = ExpansionSettings(device="cpu", solver=SolverSettings(tolerance=1e-6))


def codes(height: int = 33, width: int = 45) -> Codes:
    return reduce(convert(wide_photo(0, height, width), PROPHOTO, SRGB))


def disabled_fixed_point(mode: str) -> LetNetMethod:
    return LetNetMethod(random_model(LetNetConfig(channels=8, mode=mode)))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", [BOX_MODEL, PAPER_MODEL], ids=["box", "paper"])
class TestIterates:
    def test_they_end_where_the_expansion_does(self, model: LetNetMethod) -> None:
        steps = list(iterates(codes(), model, TIGHT))
        whole = expand(codes(), model, TIGHT).values
        np.testing.assert_allclose(steps[-1].values(), whole, atol=2e-5)

    def test_they_are_numbered_and_settle(self, model: LetNetMethod) -> None:
        steps = list(iterates(codes(), model, TIGHT))
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        assert steps[-1].residual <= 1e-6 < steps[0].residual

    def test_an_iterate_stays_what_it_was(self, model: LetNetMethod) -> None:
        first, *_ = steps = list(iterates(codes(), model, TIGHT))
        (alone, *_) = iterates(codes(), model, TIGHT)
        np.testing.assert_array_equal(first.values(), alone.values())
        assert np.abs(first.values() - steps[-1].values()).max() > 0.0

    def test_each_keeps_the_codes(self, model: LetNetMethod) -> None:
        for step in iterates(codes(), model, TIGHT):
            again = reduce(convert(step.values(), PROPHOTO, SRGB))
            np.testing.assert_array_equal(again, codes())

    def test_the_projection_can_be_left_out(self, model: LetNetMethod) -> None:
        settings = replace(TIGHT, project=False)
        *_, last = iterates(codes(), model, settings)
        np.testing.assert_allclose(
            last.values(), expand(codes(), model, settings).values, atol=2e-5
        )

    def test_the_space_is_that_of_the_settings(self, model: LetNetMethod) -> None:
        settings = replace(TIGHT, space=DISPLAY_P3)
        *_, last = iterates(codes(), model, settings)
        np.testing.assert_allclose(
            last.values(), expand(codes(), model, settings).values, atol=2e-5
        )

    def test_a_window_shows_that_part_of_the_photo(self, model: LetNetMethod) -> None:
        window = Window(8, 10, 20, 24)
        *_, part = iterates(codes(), model, TIGHT, window)
        *_, whole = iterates(codes(), model, TIGHT)
        assert part.values().shape == (20, 24, 3)
        there = whole.values()[window.rows, window.columns]
        elsewhere = whole.values()[: window.height, : window.width]
        centre = (slice(7, -7), slice(7, -7))
        assert np.abs(part.values() - there)[centre].max() < 0.02
        assert np.abs(part.values() - elsewhere)[centre].max() > 0.1


class TestLimits:
    def test_settings_of_the_solver_count(self) -> None:
        settings = replace(TIGHT, solver=SolverSettings(max_steps=3, tolerance=0.0))
        assert len(list(iterates(codes(), BOX_MODEL, settings))) == 3

    def test_the_model_s_own_solver_is_the_default(self) -> None:
        *_, last = iterates(codes(), BOX_MODEL, ExpansionSettings(device="cpu"))
        assert last.residual <= BOX_MODEL.model.descriptor.solver.tolerance

    @pytest.mark.parametrize("mode", ["plain", "recurrent"])
    def test_networks_without_fixed_point_are_refused(self, mode: str) -> None:
        with pytest.raises(PhotoError, match="fixed point"):
            next(iterates(codes(), disabled_fixed_point(mode)))

    @pytest.mark.parametrize(
        "window", [Window(-1, 0, 4, 4), Window(0, 0, 0, 4), Window(30, 0, 4, 4)]
    )
    def test_a_window_outside_is_refused(self, window: Window) -> None:
        with pytest.raises(PhotoError, match="outside"):
            next(iterates(codes(), BOX_MODEL, TIGHT, window))

    def test_a_window_that_needs_too_much_memory_is_refused(self) -> None:
        large = np.zeros((1200, 1200, 3), np.uint8)
        with pytest.raises(PhotoError, match="megapixels"):
            next(
                iterates(large, LetNetMethod(random_model(PAPER)), TIGHT, Window(0, 0, 1200, 1200))
            )

    def test_the_default_window_is_the_photo_if_that_is_small(self) -> None:
        assert largest_window((33, 45, 3), BOX) == Window(0, 0, 33, 45)

    def test_it_is_the_middle_of_a_large_one(self) -> None:
        window = largest_window((4000, 6000, 3), PAPER)
        assert window.height / window.width == pytest.approx(4000 / 6000, rel=0.01)
        assert window.top + window.height / 2 == pytest.approx(2000, abs=1)
        assert window.left + window.width / 2 == pytest.approx(3000, abs=1)
        assert 0.9e9 < 4 * 15 * window.height * window.width * PAPER.channels < 1.1e9

    def test_networks_that_work_on_a_coarse_grid_take_more(self) -> None:
        fine, coarse = (largest_window((4000, 6000, 3), form) for form in (PAPER, BOX))
        assert coarse.height > 1.5 * fine.height
