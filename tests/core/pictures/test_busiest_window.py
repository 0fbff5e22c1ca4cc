from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.gamut import clipped_mask
from core.methods.convergence import Window
from core.pictures.busiest_window import busiest_window


def test_it_finds_the_clipped_corner() -> None:
    codes = np.full((60, 80, 3), 128, np.uint8)
    codes[50:58, 70:78, 0] = 0
    window = busiest_window(codes, 10)
    assert clipped_mask(codes[window.rows, window.columns]).sum() == 64


def test_a_photo_without_clipped_pixels_gives_the_middle() -> None:
    assert busiest_window(np.full((61, 81, 3), 128, np.uint8), 21) == Window(20, 30, 21, 21)


def test_a_small_photo_is_taken_whole() -> None:
    assert busiest_window(np.zeros((7, 9, 3), np.uint8), 64) == Window(0, 0, 7, 9)


def test_the_noise_of_a_lossy_file_counts() -> None:
    codes = np.full((40, 40, 3), 128, np.uint8)
    codes[0, 0, 0] = 2
    assert busiest_window(codes, 8, tolerance=3.0).top == 0
    assert busiest_window(codes, 8).top == 16


def test_a_window_needs_a_pixel() -> None:
    with pytest.raises(ValueError, match="1 pixel or more"):
        busiest_window(np.zeros((7, 9, 3), np.uint8), 0)


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_no_other_window_holds_more(seed: int, side: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.array([0, 128, 255], np.uint8), (20, 25, 3), p=(0.05, 0.9, 0.05))
    clipped = clipped_mask(codes)
    window = busiest_window(codes, side)
    here = clipped[window.rows, window.columns].sum()
    tops = range(20 - window.height + 1)
    lefts = range(25 - window.width + 1)
    most = max(
        clipped[t : t + window.height, x : x + window.width].sum() for t in tops for x in lefts
    )
    assert here == most
