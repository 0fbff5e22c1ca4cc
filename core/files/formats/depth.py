"""Codes of odd bit depths, stretched to a whole 8 or 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def stretched(codes: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Return codes of 1..16 bits over the whole range of 8 or 16 bits.

    Parameters
    ----------
    codes : ndarray, bool or unsigned integer
        Values in 0..2**bits - 1.
    bits : int
        Their depth.

    Returns
    -------
    ndarray, uint8 or uint16
        uint8 for up to 8 bits; the largest code becomes 255 or 65535.

    Examples
    --------
    >>> stretched(np.array([0, 512, 1023], np.uint16), 10).tolist()  # of a 10-bit HEIC
    [0, 32800, 65535]
    >>> stretched(np.array([False, True]), 1).tolist()
    [0, 255]
    """
    target = 8 if bits <= 8 else 16
    top, full = 2**bits - 1, 2**target - 1
    whole: npt.NDArray[Any] = codes
    if bits != target:
        table = (np.arange(top + 1, dtype=np.uint64) * full + top // 2) // top
        whole = table[np.minimum(codes.astype(np.uint16, copy=False), top)]
    if target == 8:
        return whole.astype(np.uint8, copy=False)
    return whole.astype(np.uint16, copy=False)
