"""What a whole photo says about its lost colours: a few numbers computed from its codes.

A dark red of a night scene is rarely clipped; the same red beside many clipped ones is. The
network sees tiles, so that it is given these statistics of the whole photo beside them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.gamut import Codes, clipped_channels, code_maximum

SAMPLES = 16384
"""About how many pixels of a photo the statistics are taken from."""

DARK = 0.15
"""Encoded value of the largest channel up to which a pixel counts as dark."""

NEAR_END = 3 / 255
"""How far from an end of the range a code is near it, encoded."""

SATURATIONS = (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.999, 1.001)
"""The limits of the classes of HSV saturation."""

STATISTICS = 6 + 12 + (len(SATURATIONS) - 1) + 1 + 6 + 2
"""How many numbers there are."""


def photo_statistics(pixels: Codes, tolerance: float = 0.0) -> npt.NDArray[np.float32]:
    """Describe the colours of a photo.

    Parameters
    ----------
    pixels : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes: the photo, or an even sample of about :data:`SAMPLES` pixels of it.
    tolerance : float
        The noise of a lossy file, in 8-bit codes: so close to an end counts as at it.

    Returns
    -------
    ndarray, float32, shape (STATISTICS,)
        Mean and deviation of the encoded channels; square roots of the shares of codes at 0,
        at the maximum, just above 0 and just below the maximum; of the distribution of HSV
        saturation (of pixels that are not dark); of codes at 0 in dark and in other pixels;
        and of black and white pixels.

    Examples
    --------
    >>> photo_statistics(np.zeros((4, 4, 3), np.uint8)).dtype
    dtype('float32')
    """
    planes: Codes = np.moveaxis(pixels.reshape(-1, 3), -1, 0).copy()
    encoded = planes.astype(np.float32) / np.float32(code_maximum(planes))
    at_zero, at_maximum = clipped_channels(planes, tolerance)
    near = NEAR_END + tolerance / 255
    largest, smallest = encoded.max(0), encoded.min(0)
    saturation = (largest - smallest) / np.maximum(largest, np.float32(1 / 255))
    dark = largest <= DARK
    counts, _ = np.histogram(saturation[~dark], SATURATIONS)
    shares = np.concatenate(
        [
            at_zero.mean(1),
            at_maximum.mean(1),
            (~at_zero & (encoded <= near)).mean(1),
            (~at_maximum & (encoded >= 1.0 - near)).mean(1),
            counts / dark.size,
            [dark.mean()],
            (at_zero & dark).mean(1),
            (at_zero & ~dark).mean(1),
            [at_zero.all(0).mean(), at_maximum.all(0).mean()],
        ]
    )
    moments = np.concatenate([encoded.mean(1), encoded.std(1)])
    return np.concatenate([moments, np.sqrt(shares)]).astype(np.float32)
