"""The numbers that describe a photo as a whole, each against its plain definition."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import astronaut

from core.network.statistics import STATISTICS, photo_statistics

photos = arrays(
    np.uint8,
    st.tuples(st.integers(1, 8), st.integers(1, 8), st.just(3)),
    elements=st.one_of(st.sampled_from([0, 1, 3, 38, 39, 252, 254, 255]), st.integers(0, 255)),
)

MEAN, DEVIATION = slice(0, 3), slice(3, 6)
AT_ZERO, AT_MAXIMUM = slice(6, 9), slice(9, 12)
ABOVE_ZERO, BELOW_MAXIMUM = slice(12, 15), slice(15, 18)
SATURATION = slice(18, 26)
DARK = 26
ZERO_IN_DARK, ZERO_IN_OTHERS = slice(27, 30), slice(30, 33)
BLACK, WHITE = 33, 34


def shares_of(photo: Any, tolerance: float = 0.0) -> Any:
    """The statistics with the square roots of the shares undone."""
    statistics = photo_statistics(photo, tolerance).astype(np.float64)
    return np.concatenate([statistics[:6], statistics[6:] ** 2])


@given(photo=photos)
def test_there_are_as_many_as_told_all_between_0_and_1(photo: Any) -> None:
    statistics = photo_statistics(photo)
    assert statistics.shape == (STATISTICS,)
    assert statistics.dtype == np.float32
    assert statistics.min() >= 0.0
    assert statistics.max() <= 1.0


@given(photo=photos, tolerance=st.sampled_from([0.0, 1.0, 3.0]))
def test_they_are_what_they_are_said_to_be(photo: Any, tolerance: float) -> None:
    pixels = photo.reshape(-1, 3).astype(int)
    shares = shares_of(photo, tolerance)
    zero, maximum = pixels <= tolerance, pixels >= 255 - tolerance
    dark = pixels.max(1) <= 0.15 * 255
    close = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(shares[MEAN], pixels.mean(0) / 255, **close)
    np.testing.assert_allclose(shares[DEVIATION], pixels.std(0) / 255, **close)
    np.testing.assert_allclose(shares[AT_ZERO], zero.mean(0), **close)
    np.testing.assert_allclose(shares[AT_MAXIMUM], maximum.mean(0), **close)
    near_zero = ~zero & (pixels <= 3 + tolerance)
    near_maximum = ~maximum & (pixels >= 252 - tolerance)
    np.testing.assert_allclose(shares[ABOVE_ZERO], near_zero.mean(0), **close)
    np.testing.assert_allclose(shares[BELOW_MAXIMUM], near_maximum.mean(0), **close)
    assert shares[DARK] == pytest.approx(dark.mean(), abs=1e-6)
    np.testing.assert_allclose(shares[ZERO_IN_DARK], (zero & dark[:, None]).mean(0), **close)
    np.testing.assert_allclose(shares[ZERO_IN_OTHERS], (zero & ~dark[:, None]).mean(0), **close)
    assert shares[BLACK] == pytest.approx(zero.all(1).mean(), abs=1e-6)
    assert shares[WHITE] == pytest.approx(maximum.all(1).mean(), abs=1e-6)


@given(photo=photos)
def test_saturations_are_those_of_hsv_counted_where_it_is_not_dark(photo: Any) -> None:
    edges = [0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.999, 1.001]
    counts = np.zeros(8)
    pixels = photo.reshape(-1, 3)
    for pixel in pixels:
        _, saturation, value = colorsys.rgb_to_hsv(*(pixel / 255))
        # Of thirds and tenths only rounding says which side of an edge they are.
        if value > 0.15 and min(abs(saturation - edge) for edge in edges[1:]) > 1e-6:
            counts[np.searchsorted(edges, saturation, side="right") - 1] += 1
    shares = shares_of(photo)[SATURATION] * len(pixels)
    undecided = len(pixels) - counts.sum() - shares_of(photo)[DARK] * len(pixels)
    assert np.abs(shares - counts).sum() <= undecided + 1e-4
    assert shares.sum() + shares_of(photo)[DARK] * len(pixels) == pytest.approx(len(pixels))


@given(photo=photos)
def test_the_order_and_the_arrangement_of_pixels_do_not_matter(photo: Any) -> None:
    expected = photo_statistics(photo)
    pixels = photo.reshape(-1, 3)
    shuffled = np.random.default_rng(0).permutation(pixels)
    np.testing.assert_allclose(photo_statistics(pixels), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(photo_statistics(shuffled), expected, rtol=0, atol=1e-6)


def test_sixteen_bits_say_the_same_as_eight() -> None:
    photo = astronaut()[::8, ::8]
    deep = photo.astype(np.uint16) * np.uint16(257)
    np.testing.assert_allclose(photo_statistics(deep), photo_statistics(photo), rtol=0, atol=1e-6)


def test_an_even_sample_stands_for_the_photo() -> None:
    whole, sample = (photo_statistics(astronaut()[::step, ::step]) for step in (1, 4))
    np.testing.assert_allclose(sample, whole, rtol=0, atol=0.02)


def test_a_dark_photo_and_a_vivid_one_differ() -> None:
    vivid = np.zeros((4, 4, 3), np.uint8)
    vivid[..., 0] = 200
    dark = vivid // 10
    assert shares_of(dark)[DARK] == 1.0
    assert shares_of(dark)[ZERO_IN_DARK].tolist() == [0.0, 1.0, 1.0]
    assert shares_of(vivid)[DARK] == 0.0
    assert shares_of(vivid)[ZERO_IN_OTHERS].tolist() == [0.0, 1.0, 1.0]
    assert shares_of(vivid)[SATURATION].tolist() == [0.0] * 7 + [1.0]


def test_the_photo_is_left_alone() -> None:
    photo = astronaut()[:8, :8].copy()
    before = photo.copy()
    photo.setflags(write=False)
    photo_statistics(photo)
    np.testing.assert_array_equal(photo, before)


def test_other_dtypes_are_no_codes() -> None:
    with pytest.raises(TypeError, match="8- or 16-bit"):
        photo_statistics(np.zeros((2, 2, 3)))
