"""Colours that are squeezed into sRGB and let out again."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.expansion import ExpansionSettings, expand
from core.evaluation.comparison import compare_methods
from core.evaluation.measuring import evaluate_photo
from core.evaluation.protocol import PROTOCOLS, EvaluationSettings
from core.gamut import reduce
from core.methods.naive import NaiveInversion
from core.methods.soft_clip import Reach, SoftClip, SoftlyClipped
from core.progress import finished
from core.styles import AS_IS
from tests.core.conftest import wide_photo

SETTINGS = EvaluationSettings(styles={"as-is": AS_IS}, perceptual=False)


def test_the_bounds_are_those_of_the_authors() -> None:
    scene = np.array([[-0.2, 0.5, 0.5], [0.05, 0.5, 0.9], [0.5, 0.5, 1.4]], np.float32)
    reach = Reach.of(scene)
    assert (reach.lowest, reach.highest) == pytest.approx((-0.2, 1.4))
    squeezed = reach.squeezed(scene)
    expected = [[0.0, 0.5, 0.5], [0.05, 0.5, 0.9], [0.5, 0.5, 1.0]]
    np.testing.assert_allclose(squeezed, expected, atol=1e-6)
    half = np.array([[-0.075, 0.5, 1.15]], np.float32)
    np.testing.assert_allclose(reach.squeezed(half), [[0.025, 0.5, 0.95]], atol=1e-6)


def test_letting_out_undoes_squeezing() -> None:
    rng = np.random.default_rng(0)
    scene = rng.uniform(-0.3, 1.5, (1000, 3)).astype(np.float32)
    reach = Reach.of(scene)
    ends = (scene <= 0.05).all(-1) | (scene >= 0.9).all(-1)
    assert 0.0 < ends.mean() < 0.5
    again = reach.let_out(reach.squeezed(scene))
    np.testing.assert_allclose(again, scene, atol=1e-5)


def test_near_black_and_near_white_are_clipped() -> None:
    scene = np.array([[[-0.1, 0.01, 0.02], [1.2, 0.95, 1.0]]], np.float32)
    np.testing.assert_array_equal(SoftClip().reduced(scene), reduce(scene))


def test_a_photo_inside_srgb_is_hardly_changed() -> None:
    scene = np.random.default_rng(3).uniform(0.0, 1.0, (8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(SoftClip().reduced(scene), reduce(scene))


@pytest.mark.parametrize("protocol", ["box", "paper"])
def test_it_is_measured_on_codes_of_its_own_and_never_projected(protocol: str) -> None:
    settings = EvaluationSettings(
        styles={"as-is": AS_IS}, perceptual=False, protocol=PROTOCOLS[protocol]
    )
    _, row = evaluate_photo([SoftClip()], "photo", wide_photo(1), settings)
    assert row.gain["out_of_gamut"] > 8.0
    assert row.payload_size == 8


def test_the_engine_does_not_project_what_was_not_clipped() -> None:
    codes = np.array([[[5, 128, 250]]], np.uint8)
    method = SoftlyClipped(Reach(-0.2, 1.4))
    kept, free = (
        expand(codes, method, ExpansionSettings(project=project)).values
        for project in (True, False)
    )
    np.testing.assert_array_equal(kept, free)
    assert np.abs(kept - expand(codes, NaiveInversion()).values).max() > 0.02


def test_it_is_compared_beside_others() -> None:
    comparison = finished(compare_methods(wide_photo(1), [NaiveInversion(), SoftClip()], SETTINGS))
    naive, soft = comparison.restorations
    regions = soft.metrics.regions, naive.metrics.regions
    assert regions[0]["out_of_gamut"].psnr > regions[1]["out_of_gamut"].psnr + 8.0
