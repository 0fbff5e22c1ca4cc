"""Where in a photo the most colour was lost: the part worth looking at closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.gamut import clipped_mask
from core.methods.convergence import Window

if TYPE_CHECKING:
    from core.gamut import Codes


def busiest_window(codes: Codes, side: int, tolerance: float = 0.0) -> Window:
    """Return the square of a photo that holds the most clipped pixels.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    side : int
        Pixels of its sides at most, 1 or more; where the photo is smaller, so is the window.
    tolerance : float
        Noise of a lossy file, in 8-bit codes.

    Returns
    -------
    Window
        The one nearest to the middle of the photo, where several hold as many.

    Examples
    --------
    >>> codes = np.full((100, 100, 3), 128, np.uint8)
    >>> codes[60:70, 80:90] = [255, 0, 0]
    >>> busiest_window(codes, 10)
    Window(top=60, left=80, height=10, width=10)
    """
    if side < 1:
        raise ValueError(f"A window has a side of 1 pixel or more, not {side}.")
    total = clipped_mask(codes, tolerance).astype(np.int64)
    total = np.pad(total.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = min(side, codes.shape[0]), min(side, codes.shape[1])
    inside = (total[height:, width:] - total[:-height, width:] - total[height:, :-width]) + total[
        :-height, :-width
    ]
    tops, lefts = np.nonzero(inside == inside.max())
    middle = (np.array(inside.shape) - 1) / 2
    nearest = np.argmin((tops - middle[0]) ** 2 + (lefts - middle[1]) ** 2)
    return Window(int(tops[nearest]), int(lefts[nearest]), height, width)
