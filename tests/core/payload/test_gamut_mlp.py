"""A network fitted to one photo gives back what the photo lost, and touches nothing else."""

from __future__ import annotations

import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.errors import PhotoError
from core.gamut import (
    LOSSY_TOLERANCE,
    clipped_channels,
    clipping_weight,
    naive_inversion,
    out_of_gamut_mask,
    reduce,
)
from core.methods import registry
from core.methods.gamut_mlp import FittedGamutMlp
from core.methods.naive import NaiveInversion
from core.metrics import compare
from core.payload.gamut_mlp import (
    FORMS,
    LEVELS,
    FitSettings,
    GamutMlp,
    encoded,
    fit,
    fresh,
    samples_of,
    train,
)
from core.payload.lost import lost_pixels
from core.payload.network_record import network_of, network_record
from core.payload.records import Record, joined, parsed
from core.progress import finished
from tests.core.conftest import wide_photo

QUICK = FitSettings(steps=300, batch=512, size="2")


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return convert(wide_photo(1, 70, 130), PROPHOTO, SRGB)


@pytest.fixture(scope="module")
def codes(scene: np.ndarray) -> np.ndarray:
    return reduce(scene)


@pytest.fixture(scope="module")
def mlp(codes: np.ndarray, scene: np.ndarray) -> GamutMlp:
    return fitted(codes, scene)


def fitted(codes: np.ndarray, scene: np.ndarray, settings: FitSettings = QUICK) -> GamutMlp:
    return finished(fit(finished(lost_pixels(codes, scene)), settings))


@pytest.fixture(scope="module")
def record(mlp: GamutMlp, codes: np.ndarray) -> Record:
    return network_record(mlp, codes, PROPHOTO, "")


def test_what_is_learned_is_what_restoring_needs(codes: np.ndarray, scene: np.ndarray) -> None:
    settings = ExpansionSettings(tolerance=LOSSY_TOLERANCE, device="cpu")
    lost = finished(lost_pixels(codes, scene, registry.method("letnet-box"), settings=settings))
    samples = samples_of(lost, FORMS["4"], len(lost.codes))
    naive, weight = naive_inversion(lost.codes), clipping_weight(lost.codes, LOSSY_TOLERANCE)
    faded = weight < 1.0
    assert 0.02 < faded.mean() < 0.98
    changed = weight > 0.0
    weight, naive, base = weight[changed, None], naive[changed], lost.estimate[changed]
    step = samples.missing.numpy()[changed] * samples.scale / weight
    restored = naive + weight * (base + step - naive)  # As the finishing does.
    np.testing.assert_allclose(restored, lost.original[changed], atol=1e-5)


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


def test_it_corrects_what_it_was_fitted_on(codes: np.ndarray, scene: np.ndarray) -> None:
    lost = finished(lost_pixels(codes, scene))
    lost.estimate[:] = 0.5 * (lost.original + naive_inversion(lost.codes))
    base = naive_inversion(codes)
    base.reshape(-1, 3)[lost.places] = lost.estimate
    mlp = finished(fit(lost, QUICK))
    low, high = clipped_channels(codes)
    before = np.abs(base - scene)[low | high].mean()
    after = np.abs(mlp.estimate(codes, base=base) - scene)[low | high].mean()
    assert after < 0.3 * before


@pytest.mark.parametrize("size", FORMS)
def test_a_record_is_no_larger_than_it_says(codes: np.ndarray, size: str) -> None:
    # Weights that were hardly trained are the worst case: they are spread evenly.
    mlp = fitted(codes, naive_inversion(codes) + 0.1, FitSettings(size=size, steps=1, batch=8))
    record = network_record(mlp, codes, PROPHOTO, "")
    assert len(record.serialise()) <= min(1024 * float(size), 23_000)


def test_a_network_comes_back_as_it_was(codes: np.ndarray, mlp: GamutMlp, record: Record) -> None:
    (again,) = parsed(joined([record]))
    network = network_of(again, *codes.shape[:2])
    assert np.allclose(network.estimate(codes), mlp.estimate(codes), rtol=0, atol=1e-6)
    assert network.sha256 == network_of(again, *codes.shape[:2]).sha256


def test_records_of_no_network_are_refused(record: Record) -> None:
    body = record.body
    infinite = np.array([np.nan], ">f4").tobytes() + body[4:]
    enormous = np.array([1e30], ">f4").tobytes() + body[4:]
    for changes in (
        {"detail": 99},
        {"detail": record.detail + 1},
        {"body": b""},
        {"body": body[:200]},
        {"body": body + b"\0"},
        {"body": infinite},
        {"body": enormous},
    ):
        with pytest.raises(ValueError, match=r"network|weights"):
            network_of(Record(**{**record.__dict__, **changes}), 4, 4)


def test_a_bomb_costs_no_memory(record: Record) -> None:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = coder.compress(bytes(1 << 24)) + coder.flush()
    assert len(bomb) < 20_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="damaged"):
        network_of(Record(**{**record.__dict__, "body": record.body[:12] + bomb}), 4, 4)
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()


def test_weights_have_six_bits(mlp: GamutMlp, codes: np.ndarray, record: Record) -> None:
    decoded = network_of(record, *codes.shape[:2])
    for layer in decoded.network.layers:
        levels = layer.weight / layer.weight.abs().max() * LEVELS
        assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_the_same_seed_gives_the_same_weights(
    codes: np.ndarray, scene: np.ndarray, mlp: GamutMlp
) -> None:
    state = torch.get_rng_state()
    assert fitted(codes, scene).sha256 == mlp.sha256
    other = fitted(codes, scene, FitSettings(steps=30, batch=512, seed=1, size="2"))
    assert other.sha256 != mlp.sha256
    assert torch.equal(torch.get_rng_state(), state), "nobody else's random numbers change"


def test_a_photo_that_lost_nothing_needs_no_fitting() -> None:
    codes = np.full((9, 12, 3), 128, np.uint8)
    work = fit(finished(lost_pixels(codes, naive_inversion(codes))), QUICK)
    assert next(work) == (300, 300)
    mlp = finished(work)
    assert np.array_equal(mlp.estimate(codes), naive_inversion(codes))


def test_progress_rises_to_the_end_and_the_work_can_be_given_up(
    codes: np.ndarray, scene: np.ndarray
) -> None:
    lost = finished(lost_pixels(codes, scene))
    steps: list[tuple[int, int]] = []
    finished(fit(lost, FitSettings(steps=60, batch=64)), lambda *s: steps.append(s))
    assert steps == [(25, 60), (50, 60), (60, 60), (60, 60)]
    work = fit(lost, QUICK)
    next(work)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_a_fit_that_gains_no_more_ends(codes: np.ndarray) -> None:
    lost = finished(lost_pixels(codes, naive_inversion(codes)))
    lost.original[:] = lost.estimate
    seen: list[int] = []
    settings = FitSettings(batch=8, samples=64, size="0.5", learning_rate=1e-9)
    finished(fit(lost, settings), lambda done, total: seen.append(done))
    assert seen[-2] < 0.8 * settings.steps


def test_a_photo_that_is_learned_whole_is_learned_by_heart(
    codes: np.ndarray, scene: np.ndarray
) -> None:
    """Noise, which helps nobody with pixels that are held out."""
    lost = finished(lost_pixels(codes, scene))
    noise = np.random.default_rng(0).normal(0.0, 0.02, lost.original.shape)
    lost = replace(lost, original=(lost.estimate + noise).astype(np.float32))
    settings = FitSettings(steps=400, batch=512, size="23")
    left = []
    for complete in (True, False):
        samples = replace(samples_of(lost, FORMS["23"], settings.samples), complete=complete)
        generator = torch.Generator().manual_seed(0)
        network = fresh(FORMS["23"], generator)
        for _ in train(network, samples, settings, generator):
            pass
        with torch.no_grad():
            nothing = samples.loss(lambda features: torch.zeros(len(features), 3), slice(None))
            left.append(float(samples.loss(network, slice(None)) / nothing))
    by_heart, for_others = left
    assert by_heart < 0.8
    assert for_others > 0.9


def test_fewer_samples_are_spread_over_the_photo(codes: np.ndarray, scene: np.ndarray) -> None:
    few = fitted(codes, scene, FitSettings(steps=300, batch=512, samples=400, size="2"))
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
    for count in (3, 12):
        angles = [2**k * torch.pi * inputs.double() for k in range(count)]
        expected = torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], -1)
        assert (encoded(inputs, count) - expected).abs().max() < 2e-3


def test_another_photo_is_refused(mlp: GamutMlp) -> None:
    with pytest.raises(PhotoError, match="130 × 70 pixels, not 60 × 50"):
        expand(
            np.zeros((50, 60, 3), np.uint8), FittedGamutMlp(mlp), ExpansionSettings(device="cpu")
        )


@pytest.mark.parametrize(
    "setting",
    [
        *({name: 0} for name in ("steps", "batch", "samples")),
        {"learning_rate": 0.0},
        {"learning_rate": 2.0},
        {"size": "3"},
    ],
)
def test_settings_out_of_range_are_named(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        FitSettings(**setting)
