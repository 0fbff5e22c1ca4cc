import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.tiling import (
    ArraySource,
    Span,
    Tile,
    pieces,
    plan_spans,
    sample_patches,
    sample_pixels,
)


@given(st.integers(1, 3000), st.integers(64, 600), st.integers(0, 100))
def test_spans_fill_an_axis_once_and_see_their_halo(length: int, tile: int, halo: int) -> None:
    spans = plan_spans(length, tile, halo)
    covered = np.zeros(length, int)
    for span in spans:
        covered[span.start : span.stop] += 1
        assert span.window_start == max(0, span.start - halo)
        assert span.window_stop == min(length, span.stop + halo)
        window = np.arange(span.window_start, span.window_stop)
        assert window[span.inner].tolist() == list(range(span.start, span.stop))
    assert (covered == 1).all()


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_windows_begin_on_the_grid_of_the_network(scale: int) -> None:
    spans = plan_spans(1001, 128, 32)
    assert all(span.window_start % scale == 0 for span in spans)


@given(st.integers(1, 90), st.integers(1, 90))
def test_sampled_pixels_are_the_photos_own(height: int, width: int) -> None:
    codes = np.arange(height * width * 3, dtype=np.uint16).reshape(height, width, 3)
    sample = sample_pixels(ArraySource(codes), 100).reshape(-1, 3)
    assert len(sample) >= min(1, height * width)
    known = {tuple(pixel) for pixel in codes.reshape(-1, 3)}
    assert all(tuple(pixel) in known for pixel in sample)


def test_a_small_photo_is_sampled_whole() -> None:
    codes = np.zeros((50, 70, 3), np.uint8)
    patches, corners = sample_patches(ArraySource(codes), 64, 4)
    assert patches.shape == (1, 50, 70, 3)
    assert corners == [(0, 0)]


def test_patches_of_a_large_photo_lie_where_their_corners_say() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (300, 500, 3)).astype(np.uint8)
    patches, corners = sample_patches(ArraySource(codes), 64, 8)
    assert 6 <= len(patches) <= 10
    for patch, (top, left) in zip(patches, corners, strict=True):
        assert np.array_equal(patch, codes[top : top + 64, left : left + 64])
    assert (0, 0) in corners
    assert (236, 436) in corners


def test_patches_of_a_strip_are_as_broad_as_it_is() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (20, 5_000, 3)).astype(np.uint8)
    for photo in (codes, codes.transpose(1, 0, 2)):
        patches, corners = sample_patches(ArraySource(photo), 64, 4)
        assert patches[0].size <= 20 * 64 * 3
        assert patches.size <= 4 * 64 * 64 * 3
        assert len(patches) >= 4
        for patch, (top, left) in zip(patches, corners, strict=True):
            height, width, _ = patch.shape
            assert np.array_equal(patch, photo[top : top + height, left : left + width])


def whole_tile(height: int, width: int, top: int = 0, left: int = 0) -> Tile:
    return Tile(Span(top, top + height, 0, 0), Span(left, left + width, 0, 0))


@given(st.data())
def test_pieces_hold_every_wanted_pixel_once_and_see_their_halo(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 200))
    wanted = np.zeros((height, width), bool)
    for _ in range(data.draw(st.integers(0, 12))):
        y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        wanted[y : y + data.draw(st.integers(1, 60)), x : x + data.draw(st.integers(1, 60))] = True
    halo = data.draw(st.sampled_from([0, 8, 32]))
    shape = (height + 90, width + 90, 3)
    filled = np.zeros(shape[:2], int)
    for piece in pieces(whole_tile(height, width, 64, 32), wanted, shape, halo):
        for span, length, first in ((piece.rows, shape[0], 64), (piece.columns, shape[1], 32)):
            assert (span.start - first) % 16 == 0
            assert span.window_start == max(0, span.start - halo)
            assert span.window_stop == min(length, span.stop + halo)
        filled[piece.rows.start : piece.rows.stop, piece.columns.start : piece.columns.stop] += 1
    assert filled.max() <= 1
    inside = filled[64 : 64 + height, 32 : 32 + width]
    assert (inside[wanted] == 1).all()
    assert filled.sum() == inside.sum()


def test_two_distant_spots_are_two_small_pieces() -> None:
    wanted = np.zeros((512, 512), bool)
    wanted[3, 5] = wanted[500, 400] = True
    first, second = pieces(whole_tile(512, 512), wanted, (512, 512, 3), 32)
    assert first.window_shape == (48, 48)
    assert second.window_shape == (16 + 32, 16 + 64)
    assert (second.rows.start, second.columns.start) == (496, 400)


def test_a_tile_that_is_wanted_everywhere_is_not_cut() -> None:
    wanted = np.random.default_rng(0).random((512, 512)) < 0.05
    (piece,) = pieces(whole_tile(512, 512), wanted, (512, 512, 3), 32)
    assert piece.window_shape == (512, 512)


def test_a_frame_is_cut_into_its_four_sides() -> None:
    """No single cut pays by itself as much as all of them together."""
    wanted = np.ones((512, 512), bool)
    wanted[16:-16, 16:-16] = False
    sides = pieces(whole_tile(512, 512), wanted, (2000, 2000, 3), 32)
    seen = sum(height * width for height, width in (side.window_shape for side in sides))
    assert seen < 0.6 * 512 * 512
