from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.files import write, write_codes
from core.gamut import naive_inversion
from core.pictures.previews import (
    BEYOND_MARK,
    CLIPPED_MARK,
    Previews,
    file_previews,
    prophoto_screen_codes,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def codes() -> np.ndarray:
    """Grey, with a block at the left whose red was clipped."""
    photo = np.full((40, 60, 3), 128, np.uint8)
    photo[10:30, 5:25] = (0, 200, 90)
    return photo


@pytest.fixture
def restored(codes: np.ndarray) -> np.ndarray:
    scene = naive_inversion(codes).copy()
    scene[10:30, 5:25, 0] = -0.1
    return scene


def test_only_restored_pixels_differ(codes: np.ndarray, restored: np.ndarray) -> None:
    shown = Previews(codes, restored)
    moved = (shown.before != shown.after).any(-1)
    assert moved[10:30, 5:25].all()
    assert moved.sum() == 400
    assert shown.delta_e[10:30, 5:25].min() > 1.0
    assert shown.delta_e[:10].max() == 0.0
    assert shown.space is DISPLAY_P3


def test_before_is_the_srgb_photo_as_display_p3_has_it(codes: np.ndarray) -> None:
    naive = naive_inversion(codes)
    expected = np.rint(255 * DISPLAY_P3.encode(convert(naive, SRGB, DISPLAY_P3)))
    shown = Previews(codes, naive)
    assert np.abs(shown.before.astype(int) - expected).max() <= 1
    assert np.array_equal(shown.before, shown.after)
    assert shown.beyond_share == 0.0


def test_marks_show_clipped_pixels_and_colours_beyond_srgb(
    codes: np.ndarray, restored: np.ndarray
) -> None:
    shown = Previews(codes, restored)
    assert (shown.clipped[10:30, 5:25] == CLIPPED_MARK).all()
    assert (shown.beyond_srgb[10:30, 5:25] == BEYOND_MARK).all()
    outside = shown.clipped[:10]
    assert (outside == outside[..., :1]).all(), "the rest is grey"
    assert shown.clipped_share == shown.beyond_share == pytest.approx(400 / 2400)


def test_a_large_photo_becomes_small_and_keeps_its_shares(
    codes: np.ndarray, restored: np.ndarray
) -> None:
    large = Previews(np.tile(codes, (4, 4, 1)), np.tile(restored, (4, 4, 1)), longest=60)
    assert large.before.shape == large.clipped.shape == (40, 60, 3)
    assert large.clipped_share == pytest.approx(400 / 2400)


def test_a_lone_clipped_pixel_of_a_large_photo_can_be_seen() -> None:
    photo = np.full((400, 400, 3), 128, np.uint8)
    photo[200, 200, 0] = 0
    shown = Previews(photo, naive_inversion(photo), longest=100)
    assert shown.clipped[50, 50, 0] > shown.clipped[0, 0, 0] + 20


def test_photos_of_different_sizes_are_refused(codes: np.ndarray) -> None:
    with pytest.raises(PhotoError, match="same size"):
        Previews(codes, naive_inversion(codes[1:]))


def test_previews_of_files_are_those_of_their_pixels(
    tmp_path: Path, codes: np.ndarray, restored: np.ndarray
) -> None:
    write_codes(tmp_path / "in.png", codes)
    write(tmp_path / "out.tif", convert(restored, SRGB, PROPHOTO), PROPHOTO)
    shown = file_previews(tmp_path / "in.png", tmp_path / "out.tif")
    expected = Previews(codes, restored)
    assert np.array_equal(shown.before, expected.before)
    assert np.abs(shown.after.astype(int) - expected.after).max() <= 1


def test_an_estimate_in_prophoto_is_shown_like_one_in_srgb(
    codes: np.ndarray, restored: np.ndarray
) -> None:
    picture = prophoto_screen_codes(convert(restored, SRGB, PROPHOTO), codes)
    assert np.abs(picture.astype(int) - Previews(codes, restored).after).max() <= 1
