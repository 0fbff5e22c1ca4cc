"""Samples of the original, and polynomials for each pattern of clipping."""

from __future__ import annotations

import numpy as np
import pytest

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings
from core.evaluation.measuring import evaluate_photo
from core.evaluation.protocol import PROTOCOLS, EvaluationSettings
from core.gamut import naive_inversion, reduce
from core.methods.sampled import FittedSamples, Sampled
from core.progress import finished
from core.styles import AS_IS
from tests.core.conftest import wide_photo

PLACE, SETTINGS = None, ExpansionSettings()


def restored(codes: np.ndarray, wide: np.ndarray, window: np.ndarray) -> np.ndarray:
    fitted = FittedSamples(codes, wide.astype(np.float32), 0.0)
    return fitted.estimate(window, PLACE, SETTINGS)  # type: ignore[arg-type]


def test_each_pattern_of_clipping_has_a_polynomial_of_its_own() -> None:
    rng = np.random.default_rng(1)
    scene = rng.uniform(0.1, 0.8, (4000, 3))
    # Red was cut off above, or blue below: what they were depends on green.
    scene[:2000, 0] = 1.1 + 0.5 * scene[:2000, 1]
    scene[2000:, 2] = -0.3 * scene[2000:, 1] ** 2
    codes = reduce(scene)
    again = restored(codes, scene, codes[None])[0]
    assert np.abs(again - scene).max() < 0.01
    assert np.abs(naive_inversion(codes) - scene).max() > 0.1


def test_few_samples_of_a_case_give_their_mean() -> None:
    codes = np.array([[255, 50, 50], [255, 60, 60]], np.uint8)
    wide = naive_inversion(codes) + np.array([[0.2, 0, 0], [0.4, 0, 0]])
    again = restored(codes, wide, codes[None])[0]
    np.testing.assert_allclose(again[:, 0], 1.3, atol=1e-4)


def test_what_was_not_clipped_and_cases_without_a_sample_stay() -> None:
    codes = np.array([[255, 50, 50]], np.uint8)
    window = np.array([[[100, 120, 140], [0, 50, 50], [0, 0, 0], [255, 255, 255]]], np.uint8)
    again = restored(codes, np.array([[1.5, 0.1, 0.1]]), window)
    np.testing.assert_array_equal(again, naive_inversion(window))


@pytest.mark.parametrize("protocol", ["box", "paper"])
def test_they_bring_colours_back(protocol: str) -> None:
    settings = EvaluationSettings(
        styles={"as-is": AS_IS}, perceptual=False, protocol=PROTOCOLS[protocol]
    )
    _, row = evaluate_photo([Sampled()], "photo", wide_photo(1), settings)
    assert row.gain["out_of_gamut"] > 5.0
    assert (row.method, row.payload_size % 6) == ("sampled", 0)


def test_no_more_samples_travel_than_allowed() -> None:
    scene = convert(wide_photo(1), PROPHOTO, SRGB)
    method = Sampled(100)
    fitted = finished(method.fitted(reduce(scene), scene, 0.0, "Bradford"))
    assert 300 < fitted.payload_size <= 600 == method.payload_size
