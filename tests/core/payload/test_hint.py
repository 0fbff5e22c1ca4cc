"""A hint of 64 bytes tells how far to go, and never makes a photo worse than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SRGB,
    ColourSpace,
    convert,
)
from core.engine.expansion import ExpansionSettings, expand
from core.engine.method import Method, Place, Subject, WindowMethod
from core.engine.tiling import ArraySource
from core.gamut import clipped_channels, naive_inversion, out_of_gamut_mask, reduce
from core.methods.hinted import HintedMethod, with_hint
from core.methods.naive import NaiveInversion
from core.metrics import compare
from core.payload.hint import LARGEST_HINT, Curve, Hint, make_hint
from core.payload.lost import lost_pixels, source_gamut_of
from core.payload.records import Kind, joined, parsed
from core.progress import finished
from tests.core.conftest import wide_photo

if TYPE_CHECKING:
    from core.gamut import Codes, FloatImage
    from core.metrics import PhotoMetrics

CPU = ExpansionSettings(device="cpu", tile=64)


class Overshooting(WindowMethod):
    """Knows the original, but goes a certain multiple of the way."""

    name, summary, sha256 = "overshooting", "", "abcd"

    def __init__(self, original: FloatImage, times: float | FloatImage) -> None:
        self.original, self.times = original, times

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        height, width, _ = window.shape
        part = slice(place.top, place.top + height), slice(place.left, place.left + width)
        naive = naive_inversion(window)
        low, high = clipped_channels(window)
        return naive + self.times * (low | high) * (self.original[part] - naive)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return convert(wide_photo(1, 70, 90), PROPHOTO, SRGB)


def hint_of(scene: np.ndarray, method: Method, settings: ExpansionSettings = CPU) -> Hint:
    codes = reduce(scene)
    return make_hint(finished(lost_pixels(codes, scene, method, settings=settings)))


def measured(scene: np.ndarray, method: Method) -> PhotoMetrics:
    prophoto = np.clip(convert(scene, SRGB, PROPHOTO), 0.0, 1.0)
    codes = reduce(scene)
    values = expand(codes, method, CPU).values
    return compare(prophoto, values, out_of_gamut_mask(scene), codes=codes)


@pytest.mark.parametrize("times", [0.5, 1.0, 2.0])
def test_it_takes_back_what_a_network_goes_too_far(scene: np.ndarray, times: float) -> None:
    method = Overshooting(scene, times)
    hint = hint_of(scene, method)
    assert len(hint.curves) == 6
    # Where a curve counts, its factors are 1 / times, which is a multiple of their unit.
    factors = np.concatenate([curve.factors for curve in hint.curves.values()])
    assert (np.abs(factors - 1.0 / times) <= 1 / 16).sum() >= len(factors) / 2
    hinted = measured(scene, HintedMethod(method, hint))
    assert hinted.regions["all"].psnr > 45.0
    assert hinted.round_trip == 1.0


def test_steps_the_wrong_way_are_not_taken(scene: np.ndarray) -> None:
    method = Overshooting(scene, -1.0)
    hint = hint_of(scene, method)
    factors = np.concatenate([curve.factors for curve in hint.curves.values()])
    assert (factors == 0.0).sum() >= len(factors) / 2
    naive, ours = (
        measured(scene, each).regions["all"].psnr
        for each in (NaiveInversion(), HintedMethod(method, hint))
    )
    assert ours >= naive - 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_no_photo_gets_worse_than_naive(seed: int) -> None:
    scene = convert(wide_photo(seed, 40, 50), PROPHOTO, SRGB)
    noise = np.random.default_rng(seed).normal(0.3, 2.0, scene.shape).astype(np.float32)
    method = Overshooting(scene, noise)
    naive, ours = (
        measured(scene, each)
        for each in (NaiveInversion(), HintedMethod(method, hint_of(scene, method)))
    )
    for region in ("all", "out_of_gamut"):
        assert ours.regions[region].psnr >= naive.regions[region].psnr - 1e-6


@pytest.mark.parametrize("ends", [(), (2,), (0, 5), (0, 1, 3), (0, 1, 2, 3, 4, 5)])
def test_it_fits_into_64_bytes_and_comes_back(ends: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(ends))
    knots = {0: 0, 1: 20, 2: 20, 3: 18, 6: 8}[len(ends)]
    curves = {
        which: Curve(3 * which, 255 - which, rng.integers(0, 64, knots) / 16) for which in ends
    }
    codes = np.zeros((2, 3, 3), np.uint8)
    record = Hint(ADOBE_RGB, curves).record(codes, "00ff")
    assert len(record.serialise()) <= LARGEST_HINT
    (again,) = parsed(joined([record]))
    hint = Hint.from_record(again)
    assert hint.source is ADOBE_RGB
    assert set(hint.curves) == set(ends)
    for which, curve in curves.items():
        assert (hint.curves[which].first, hint.curves[which].last) == (curve.first, curve.last)
        assert np.array_equal(hint.curves[which].factors, curve.factors)


def test_records_of_another_form_are_no_hints() -> None:
    record = Hint(None, {1: Curve(0, 9, np.ones(20))}).record(np.zeros((1, 1, 3), np.uint8), "")
    for changes in (
        {"detail": 0x40},
        {"detail": 3},
        {"body": record.body + b"\0"},
        {"kind": Kind.NETWORK},
    ):
        with pytest.raises(ValueError, match="hint"):
            Hint.from_record(type(record)(**{**record.__dict__, **changes}))


def test_factors_run_evenly_over_the_brightness() -> None:
    curve = Curve(0, 255, np.array([1.0, 2.0, 3.0]))
    assert curve.at(np.array([0.0, 0.25, 0.5, 0.75, 1.0])).tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]
    hint = Hint(None, {1: Curve(0, 255, np.full(20, 0.5))})
    codes = np.array([[[0, 0, 7], [9, 9, 9], [0, 255, 1]]], np.uint8)
    assert hint.factors(codes).tolist() == [[[1.0, 0.5, 1.0], [1.0] * 3, [1.0] * 3]]


@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB, REC2020, PROPHOTO])
def test_the_source_is_the_smallest_space_that_holds_the_colours(space: ColourSpace) -> None:
    corners = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]], np.float32)
    scene = convert(corners, space, SRGB)
    assert source_gamut_of(scene) is space
    assert source_gamut_of(scene, PROPHOTO) is space


def test_a_stated_space_wins_among_those_that_hold_the_colours() -> None:
    scene = np.full((2, 2, 3), 0.5, np.float32)
    assert source_gamut_of(scene, ADOBE_RGB) is ADOBE_RGB


def test_an_edited_photo_keeps_its_source_alone(scene: np.ndarray) -> None:
    method, codes = Overshooting(scene, 2.0), reduce(scene)
    hint = hint_of(scene, method)
    payload = joined([hint.record(codes, method.sha256)])
    own = with_hint(method, Subject(ArraySource(codes), payload))
    assert isinstance(own, HintedMethod)
    assert "hint of its original" in own.notes[0]
    edited = codes.copy()
    edited[0, 0, 0] ^= 1
    other = with_hint(method, Subject(ArraySource(edited), payload))
    assert not isinstance(other, HintedMethod)
    assert other.source is hint.source
    assert "edited" in other.notes[0]
    assert hint.source is not None
    assert hint.source.name in other.notes[0]


def test_other_weights_get_the_source_alone(scene: np.ndarray) -> None:
    method, codes = Overshooting(scene, 2.0), reduce(scene)
    payload = joined([hint_of(scene, method).record(codes, "beef")])
    bound = with_hint(method, Subject(ArraySource(codes), payload))
    assert not isinstance(bound, HintedMethod)
    assert bound.source is not None
    assert "another network" in bound.notes[0]


def test_damage_is_named_and_harmless(scene: np.ndarray) -> None:
    method, codes = Overshooting(scene, 2.0), reduce(scene)
    bound = with_hint(method, Subject(ArraySource(codes), b"nonsense"))
    assert bound.source is None
    assert "damaged" in bound.notes[0]


def test_another_source_than_the_hints_takes_the_steps_as_they_are(scene: np.ndarray) -> None:
    method = Overshooting(scene, 2.0)
    hinted = HintedMethod(method, hint_of(scene, method))
    settings = ExpansionSettings(device="cpu", tile=64, source=DISPLAY_P3)
    plain, told = (expand(reduce(scene), each, settings).values for each in (method, hinted))
    assert np.array_equal(plain, told)


def test_noise_of_a_lossy_file_counts() -> None:
    scene = convert(wide_photo(3, 40, 50), PROPHOTO, SRGB)
    method = Overshooting(scene, 2.0)
    hint = hint_of(scene, method, ExpansionSettings(device="cpu", tile=64, tolerance=6.0))
    codes = np.array([[[3, 128, 250]]], np.uint8)
    assert hint.factors(codes)[0, 0].tolist() == [1.0, 1.0, 1.0]
    assert hint.factors(codes, 6.0)[0, 0, 0] < 1.0
