"""Making large arrays small enough for a drawing."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Array = TypeVar("Array", bound=npt.NDArray[np.floating])


def area_reduced(values: Array, longest: int) -> Array:
    """Return an image averaged over square blocks, until its longest side is short enough.

    Parameters
    ----------
    values : ndarray, floating, shape (H, W) or (H, W, C)
        Linear values: averages of encoded ones would be too dark.
    longest : int
        Pixels of the longest side at most, 1 or more.

    Returns
    -------
    ndarray
        Same dtype; `values` itself where it is small enough. Rows and columns that do not
        fill a block are cut off at the bottom and at the right.
    """
    height, width = values.shape[:2]
    factor = -(-max(height, width) // longest)
    factor = min(factor, height, width)
    if factor <= 1:
        return values
    rows, columns = height // factor, width // factor
    blocks = values[: rows * factor, : columns * factor]
    blocks = blocks.reshape(rows, factor, columns, factor, *values.shape[2:])
    averaged: Array = blocks.mean(axis=(1, 3), dtype=values.dtype)
    return averaged
