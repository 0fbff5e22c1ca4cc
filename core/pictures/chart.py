"""A chart of colours that reach beyond sRGB, made by numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.colour import PROPHOTO, REC2020, convert

if TYPE_CHECKING:
    from core.gamut import FloatImage

_HUES = 12
_CHROMAS = (0.25, 0.5, 0.75, 0.9, 1.0)
_LEVELS = (0.85, 0.45)
_GREY = 0.18


def wide_gamut_chart(patch: int = 40) -> FloatImage:
    """Return a chart of patches: hues across, saturation and lightness down, greys below.

    Parameters
    ----------
    patch : int
        Side of a patch in pixels, with its grey frame, 8 or more.

    Returns
    -------
    ndarray, float32, shape (11 patch, 12 patch, 3)
        Linear ProPhoto RGB in 0..1. The purest patches lie on the edge of Rec.2020, where sRGB
        cannot reach; the greys and the palest patches lie inside sRGB.

    Examples
    --------
    >>> from core.gamut import out_of_gamut_mask
    >>> from core.colour import SRGB
    >>> chart = wide_gamut_chart(8)
    >>> chart.shape, f"{out_of_gamut_mask(convert(chart, PROPHOTO, SRGB)).mean():.0%} beyond sRGB"
    ((88, 96, 3), '33% beyond sRGB')
    """
    hue = 6.0 * np.arange(_HUES) / _HUES
    pure = np.clip(np.abs((hue[:, None] + np.array([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0, 0.0, 1.0)
    rows = [level * (1.0 - chroma + chroma * pure) for level in _LEVELS for chroma in _CHROMAS]
    greys = np.linspace(0.0, 1.0, _HUES)[:, None] ** 2.2
    table = np.stack([*rows, np.repeat(greys, 3, axis=1)])
    chart = np.kron(table, np.ones((patch, patch, 1)))
    frame = np.arange(patch) < patch // 8
    framed = np.tile(frame, len(table))[:, None] | np.tile(frame, _HUES)[None]
    chart[framed] = _GREY
    values: FloatImage = convert(chart, REC2020, PROPHOTO).astype(np.float32)
    return np.clip(values, 0.0, 1.0, out=values)
