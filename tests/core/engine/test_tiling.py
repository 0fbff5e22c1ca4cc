import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.tiling import ArraySource, plan_spans, sample_patches, sample_pixels


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
