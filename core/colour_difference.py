"""The CIEDE2000 colour difference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def delta_e_2000(lab1: Floats, lab2: Floats) -> Floats:
    """Return the CIEDE2000 colour difference with unit parametric factors.

    Parameters
    ----------
    lab1, lab2 : ndarray, float32 or float64, shape (..., 3)
        CIE 1976 L*a*b* under the same white, L* in 0..100.

    Returns
    -------
    ndarray, shape (...)
        Of the same precision; symmetric in the two colours. Sharma, Wu, Dalal 2005,
        "The CIEDE2000 Color-Difference Formula", equations 2 to 22.

    Examples
    --------
    >>> one, other = np.array([50.0, 2.6772, -79.7751]), np.array([50.0, 0.0, -82.7485])
    >>> round(float(delta_e_2000(one, other)), 4)
    2.0425
    """
    lightness1, a1, b1 = np.moveaxis(lab1, -1, 0)
    lightness2, a2, b2 = np.moveaxis(lab2, -1, 0)

    stretch = 1.0 + 0.5 * (1.0 - _chroma_weight((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    a1, a2 = stretch * a1, stretch * a2
    chroma1, chroma2 = np.hypot(a1, b1), np.hypot(a2, b2)
    hue1 = np.degrees(np.arctan2(b1, a1)) % 360.0
    hue2 = np.degrees(np.arctan2(b2, a2)) % 360.0

    product = chroma1 * chroma2
    turn = hue2 - hue1
    # The formula jumps beyond opposite hues: exactly opposite ones must not jump by rounding.
    half_turn = 180.0 * (1.0 + 8.0 * np.finfo(turn.dtype).eps)
    wrapped = np.where(turn > half_turn, turn - 360.0, turn)
    wrapped = np.where(turn < -half_turn, turn + 360.0, wrapped)
    delta_hue = 2.0 * np.sqrt(product) * np.sin(np.radians(wrapped / 2.0))
    delta_chroma = chroma2 - chroma1
    delta_lightness = lightness2 - lightness1

    both = hue1 + hue2
    across = np.where(both < 360.0, both + 360.0, both - 360.0)
    hue = np.where(np.abs(turn) > half_turn, across, both) / 2.0
    hue = np.where(product == 0.0, both, hue)
    chroma = (chroma1 + chroma2) / 2.0
    off_middle = ((lightness1 + lightness2) / 2.0 - 50.0) ** 2

    tint = (
        1.0
        - 0.17 * np.cos(np.radians(hue - 30.0))
        + 0.24 * np.cos(np.radians(2.0 * hue))
        + 0.32 * np.cos(np.radians(3.0 * hue + 6.0))
        - 0.20 * np.cos(np.radians(4.0 * hue - 63.0))
    )
    lightness_term = delta_lightness / (1.0 + 0.015 * off_middle / np.sqrt(20.0 + off_middle))
    chroma_term = delta_chroma / (1.0 + 0.045 * chroma)
    hue_term = delta_hue / (1.0 + 0.015 * chroma * tint)
    blue_turn = np.radians(60.0 * np.exp(-(((hue - 275.0) / 25.0) ** 2)))
    rotation = -2.0 * _chroma_weight(chroma) * np.sin(blue_turn)
    square = lightness_term**2 + chroma_term**2 + hue_term**2 + rotation * chroma_term * hue_term
    difference: Floats = np.sqrt(np.maximum(square, 0.0))
    return difference


def _chroma_weight(chroma: Floats) -> Floats:
    seventh = chroma**7
    weight: Floats = np.sqrt(seventh / (seventh + 25.0**7))
    return weight
