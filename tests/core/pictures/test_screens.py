from __future__ import annotations

import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.expansion import expand
from core.gamut import ROUNDING, out_of_gamut_mask, reduce
from core.methods.naive import NaiveInversion
from core.pictures.chart import wide_gamut_chart
from core.pictures.screens import display_image, outside_mask


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (24, 31, 3), dtype=np.uint8)


def test_an_srgb_screen_shows_an_expanded_photo_as_before(codes: np.ndarray) -> None:
    values = expand(codes, NaiveInversion()).values
    assert np.array_equal(display_image(values, PROPHOTO), codes)


def test_an_srgb_screen_shows_wide_colours_as_their_reduction() -> None:
    chart = wide_gamut_chart(8)
    expected = reduce(convert(chart, PROPHOTO, SRGB))
    assert np.array_equal(display_image(chart, PROPHOTO), expected)


def test_a_display_p3_screen_shows_its_own_colours_exactly() -> None:
    encoded = np.random.default_rng(2).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    linear = DISPLAY_P3.decode(encoded / np.float32(255)).astype(np.float32)
    assert np.array_equal(display_image(linear, DISPLAY_P3, DISPLAY_P3), encoded)


def test_colours_beyond_a_display_p3_screen_keep_their_hue_side() -> None:
    # Pure Rec.2020-like green in ProPhoto: the green channel stays the largest, none overflows.
    green = np.zeros((1, 1, 3), np.float32)
    green[..., 1] = 0.8
    shown = display_image(green, PROPHOTO, DISPLAY_P3)[0, 0]
    assert shown[1] == shown.max() > shown[0]


def test_the_mask_of_an_srgb_screen_is_the_out_of_gamut_mask() -> None:
    chart = wide_gamut_chart(8)
    expected = out_of_gamut_mask(convert(chart, PROPHOTO, SRGB), ROUNDING)
    assert np.array_equal(outside_mask(chart, PROPHOTO), expected)


def test_a_display_p3_screen_shows_more() -> None:
    chart = wide_gamut_chart(8)
    beyond_srgb, beyond_p3 = (outside_mask(chart, PROPHOTO, s) for s in (SRGB, DISPLAY_P3))
    assert 0 < beyond_p3.sum() < beyond_srgb.sum()
    assert not (beyond_p3 & ~beyond_srgb).any()
