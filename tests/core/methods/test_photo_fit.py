"""Networks that are fitted to one photo as their papers have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.engine.method import Needs
from core.errors import PhotoError
from core.evaluation.measuring import evaluate_photo
from core.evaluation.protocol import PROTOCOLS, EvaluationSettings
from core.gamut import reduce
from core.methods import photo_fit
from core.methods.gamut_mlp_paper import EncodedNetwork, GamutMlpAsPublished
from core.methods.photo_fit import FitsToPhoto, PhotoFitSettings, samples_of, train
from core.methods.registry import method
from core.methods.siren import SineNetwork, Siren
from core.progress import finished
from core.styles import AS_IS
from tests.core.conftest import wide_photo

QUICK = PhotoFitSettings(steps=300, batch=1024, outside=1, inside=2)
PAPER = EvaluationSettings(
    styles={"as-is": AS_IS},
    perceptual=False,
    protocol=PROTOCOLS["paper"],
    expansion=ExpansionSettings(device="cpu"),
)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("gamut-mlp-paper", (120 + 32 + 3) * 32),
        ("gamut-mlp-paper-11kb", (120 + 16 + 3) * 16),
        ("gamut-mlp-paper-53kb", (120 + 64 + 3) * 64),
        ("gamut-mlp-paper-colour", (72 + 32 + 3) * 32),
        ("gamut-mlp-paper-place", (48 + 32 + 3) * 32),
        ("siren", 51 * 3 + 2 * 51 * 52 + 3 * 52),
    ],
)
def test_sizes_are_those_of_the_ablation(name: str, weights: int) -> None:
    known = method(name)
    assert known.name == name
    assert known.needs is Needs.ORIGINAL
    assert (known.parameters, known.payload_size) == (weights, 4 * weights)


def test_padded_as_the_authors_library_pads_they_have_the_papers_sizes() -> None:
    for width, kilobytes in ((16, 11), (32, 23), (64, 53)):
        stored = 4 * (128 + width + 16) * width
        # A file of weights has about a kilobyte of its own.
        assert abs(stored / 1024 + 1 - kilobytes) < 0.5


@pytest.mark.parametrize(
    "fits", [GamutMlpAsPublished(settings=QUICK), Siren(replace(QUICK, learning_rate=1e-4))]
)
def test_they_bring_colours_back_and_leave_codes_changed(fits: FitsToPhoto) -> None:
    _, row = evaluate_photo([fits], "photo", wide_photo(1), PAPER)
    assert row.gain["out_of_gamut"] > 3.0
    assert row.kept < 1.0, "all channels change: nothing is projected"
    assert 0.0 < row.fitting <= row.seconds
    assert row.payload_size == fits.payload_size
    assert row.method == fits.name


def test_what_a_network_does_not_know_does_not_matter_to_it() -> None:
    codes = np.full((8, 8, 3), 255, np.uint8)
    codes[..., 1] = 40
    scene = convert(wide_photo(2)[:8, :8], PROPHOTO, SRGB)
    for inputs, flat in (("colour", True), ("both", False), ("place", False)):
        fits = GamutMlpAsPublished(inputs=inputs, settings=replace(QUICK, steps=5))
        fitted = finished(fits.fitted(codes, scene, 0.0, "Bradford"))
        values = expand(codes, fitted, ExpansionSettings(project=False)).values
        assert bool(np.ptp(values, axis=(0, 1)).max() < 1e-6) is flat


def test_tiles_are_those_of_the_whole_photo() -> None:
    original = wide_photo(1)
    scene = convert(original, PROPHOTO, SRGB)
    codes = np.tile(reduce(scene), (2, 2, 1))
    fits = GamutMlpAsPublished(settings=replace(QUICK, steps=20))
    fitted = finished(fits.fitted(codes, np.tile(scene, (2, 2, 1)), 0.0, "Bradford"))
    one, other = (
        expand(codes, fitted, ExpansionSettings(tile=tile, project=False)).values
        for tile in (64, 512)
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_features_that_would_fill_the_memory_are_computed_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = convert(wide_photo(1), PROPHOTO, SRGB)
    samples = samples_of(reduce(scene), scene, QUICK, "Bradford")
    networks = []
    for most in (1 << 16, 1):
        monkeypatch.setattr(photo_fit, "_PIXELS_AT_ONCE", most)
        network = EncodedNetwork()
        assert (samples.encoded_by(network).features is None) is (most == 1)
        finished(train(network, samples, replace(QUICK, steps=5, batch=100)))
        networks.append(network)
    one, other = (torch.cat([w.flatten() for w in n.parameters()]) for n in networks)
    torch.testing.assert_close(one, other)


def test_the_method_itself_is_not_changed_by_a_photo() -> None:
    fits = GamutMlpAsPublished(settings=replace(QUICK, steps=2))
    before = [weight.clone() for weight in fits.network.parameters()]
    scene = convert(wide_photo(0), PROPHOTO, SRGB)
    finished(fits.fitted(reduce(scene), scene, 0.0, "Bradford"))
    assert all(map(torch.equal, before, fits.network.parameters()))


def test_the_first_layers_of_sines_vary_as_the_paper_says() -> None:
    with torch.inference_mode():
        places = torch.rand((4096, 2)) * 2 - 1
        state = places
        for layer in SineNetwork().layers[:-1]:
            driven = 30.0 * (layer(state) - layer.bias)
            state = torch.sin(30.0 * layer(state))
            assert 0.65 < float(state.std()) < 0.75, "sines fill their range"
    # Section 3.2 of the paper: what drives a sine is normal with a deviation of 1.
    assert 0.9 < float(driven.std()) < 1.1


def test_without_the_original_there_is_nothing_to_restore_with() -> None:
    codes = np.full((4, 4, 3), 255, np.uint8)
    for name in ("gamut-mlp-paper", "siren", "sampled", "soft-clip"):
        with pytest.raises(PhotoError, match="original"):
            expand(codes, method(name))


def test_another_photo_is_refused() -> None:
    scene = convert(wide_photo(0), PROPHOTO, SRGB)
    fits = GamutMlpAsPublished(settings=replace(QUICK, steps=1))
    fitted = finished(fits.fitted(reduce(scene), scene, 0.0, "Bradford"))
    with pytest.raises(PhotoError, match="another size"):
        expand(np.zeros((5, 5, 3), np.uint8), fitted)


@pytest.mark.parametrize("change", [{"steps": 0}, {"outside": 0}, {"learning_rate": 0.0}])
def test_settings_out_of_range_are_named(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(QUICK, **change)  # type: ignore[arg-type]
