"""A network fitted to one photo gives back what the photo lost, and touches nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.errors import PhotoError
from core.gamut import clipped_channels, naive_inversion, out_of_gamut_mask, reduce
from core.methods.gamut_mlp import FittedGamutMlp
from core.methods.naive import NaiveInversion
from core.metrics import compare
from core.payload.gamut_mlp import PARAMETERS, FitSettings, GamutMlp, encoded, fit
from core.progress import finished
from tests.core.conftest import wide_photo

QUICK = FitSettings(steps=300, batch=512)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return convert(wide_photo(1, 70, 130), PROPHOTO, SRGB)


@pytest.fixture(scope="module")
def codes(scene: np.ndarray) -> np.ndarray:
    return reduce(scene)


@pytest.fixture(scope="module")
def mlp(codes: np.ndarray, scene: np.ndarray) -> GamutMlp:
    return finished(fit(codes, scene, QUICK))


def weights(mlp: GamutMlp) -> np.ndarray:
    return np.concatenate([w.numpy().ravel() for w in mlp.network.state_dict().values()])


def test_it_has_the_weights_of_the_paper(mlp: GamutMlp) -> None:
    assert weights(mlp).size == PARAMETERS == 4960


def test_most_of_what_was_lost_comes_back(
    codes: np.ndarray, scene: np.ndarray, mlp: GamutMlp
) -> None:
    original, outside = wide_photo(1, 70, 130), out_of_gamut_mask(scene)
    settings = ExpansionSettings(device="cpu", tile=64)
    naive, ours = (
        compare(original, expand(codes, method, settings).values, outside, codes=codes)
        for method in (NaiveInversion(), FittedGamutMlp(mlp))
    )
    gain = ours.regions["out_of_gamut"].psnr - naive.regions["out_of_gamut"].psnr
    assert gain > 10.0
    assert ours.round_trip == 1.0


def test_it_moves_only_channels_at_an_end_of_the_range(codes: np.ndarray, mlp: GamutMlp) -> None:
    low, high = clipped_channels(codes)
    estimate, naive = mlp.estimate(codes), naive_inversion(codes)
    assert np.array_equal(estimate[~(low | high)], naive[~(low | high)])
    assert (estimate[low | high] != naive[low | high]).mean() > 0.9


def test_a_part_of_the_photo_gets_the_colours_that_it_has_in_the_whole(
    codes: np.ndarray, mlp: GamutMlp
) -> None:
    part = mlp.estimate(codes[20:50, 30:90], 20, 30)
    assert np.allclose(part, mlp.estimate(codes)[20:50, 30:90], rtol=0, atol=1e-6)


def test_the_same_seed_gives_the_same_weights(
    codes: np.ndarray, scene: np.ndarray, mlp: GamutMlp
) -> None:
    state = torch.get_rng_state()
    assert finished(fit(codes, scene, QUICK)).sha256 == mlp.sha256
    other = finished(fit(codes, scene, FitSettings(steps=300, batch=512, seed=1)))
    assert other.sha256 != mlp.sha256
    assert torch.equal(torch.get_rng_state(), state), "nobody else's random numbers change"


def test_a_photo_that_lost_nothing_needs_no_fitting() -> None:
    codes = np.full((9, 12, 3), 128, np.uint8)
    work = fit(codes, naive_inversion(codes), QUICK)
    assert next(work) == (300, 300)
    mlp = finished(work)
    assert np.array_equal(mlp.estimate(codes), naive_inversion(codes))


def test_progress_rises_to_the_end_and_the_work_can_be_given_up(
    codes: np.ndarray, scene: np.ndarray
) -> None:
    steps = []
    finished(fit(codes, scene, FitSettings(steps=60, batch=64)), lambda *s: steps.append(s))
    assert steps == [(25, 60), (50, 60), (60, 60)]
    work = fit(codes, scene, QUICK)
    next(work)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_fewer_samples_are_spread_over_the_photo(codes: np.ndarray, scene: np.ndarray) -> None:
    few = finished(fit(codes, scene, FitSettings(steps=300, batch=512, samples=400)))
    low, high = clipped_channels(codes)
    clipped = low | high
    lost = np.abs(scene - naive_inversion(codes))[clipped].mean()
    left = np.abs(few.estimate(codes) - scene)[clipped].mean()
    assert left < 0.5 * lost


def test_noise_of_a_lossy_file_widens_what_may_move(codes: np.ndarray, mlp: GamutMlp) -> None:
    near = (codes == 3).any(-1) & (codes > 0).all(-1) & (codes < 250).all(-1)
    assert near.any()
    naive = naive_inversion(codes)[near]
    assert np.array_equal(mlp.estimate(codes)[near], naive)
    assert (mlp.estimate(codes, tolerance=6.0)[near] != naive).any()


def test_inputs_are_encoded_by_sines_and_cosines() -> None:
    inputs = torch.linspace(-1, 1, 35).reshape(7, 5)
    angles = [2**k * torch.pi * inputs.double() for k in range(12)]
    expected = torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], -1)
    assert (encoded(inputs) - expected).abs().max() < 2e-3


def test_another_photo_is_refused(mlp: GamutMlp) -> None:
    with pytest.raises(PhotoError, match="130 × 70 pixels, not 60 × 50"):
        expand(
            np.zeros((50, 60, 3), np.uint8), FittedGamutMlp(mlp), ExpansionSettings(device="cpu")
        )


@pytest.mark.parametrize(
    "setting",
    [{"steps": 0}, {"batch": 0}, {"samples": 0}, {"learning_rate": 0.0}, {"learning_rate": 2.0}],
)
def test_settings_out_of_range_are_named(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        FitSettings(**setting)
