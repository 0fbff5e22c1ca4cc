"""The pixels of a photo that have lost colour, and their original colours, to learn from."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.colour import PROPHOTO, SRGB, Adaptation, ColourSpace, convert
from core.engine.expansion import ExpansionSettings, solve_bands
from core.engine.tiling import ArraySource
from core.gamut import Codes, FloatImage, clipped_mask, naive_inversion, out_of_gamut_mask
from core.source_gamut import SOURCES

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.engine.method import Method
    from core.progress import Check

_LOST_TO_LIMIT = 0.01
"""A space is the source gamut if limiting the original to it costs no more than this share of
the squared error that the reduction to sRGB makes."""


@dataclass(frozen=True, eq=False)
class LostPixels:
    """Those pixels of a photo that may have lost colour.

    Attributes
    ----------
    size : (int, int)
        Height and width of the photo.
    places : ndarray, int64, shape (P,)
        Where they lie, row by row from the top.
    codes : ndarray, uint8 or uint16, shape (P, 3)
        Their sRGB codes.
    estimate : ndarray, float32, shape (P, 3)
        What a method makes of them, in scene-linear sRGB: the naive inversion where there is
        none.
    original : ndarray, float32, shape (P, 3)
        What they were, in scene-linear sRGB.
    settings : ExpansionSettings
        With which they are restored.
    """

    size: tuple[int, int]
    places: npt.NDArray[np.int64]
    codes: Codes
    estimate: FloatImage
    original: FloatImage
    settings: ExpansionSettings


def lost_pixels(
    codes: Codes,
    original: FloatImage,
    method: Method | None = None,
    *,
    stated: ColourSpace | None = None,
    settings: ExpansionSettings | None = None,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, LostPixels]:
    """Find the pixels of a photo that have lost colour, and let a method estimate it.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB codes that the original was reduced to, as they will be read again.
    original : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    method : Method, optional
        Whose estimate is to be improved.
    stated : ColourSpace, optional
        As for :func:`source_gamut_of`.
    settings : ExpansionSettings, optional
        Tolerance, adaptation, device and so on.
    check : callable, optional
        As for :func:`core.engine.expansion.expansion`.

    Yields
    ------
    (int, int)
        Tiles done and in all. Closing the generator cancels the work.

    Returns
    -------
    LostPixels
        Their settings name the source gamut.

    Examples
    --------
    >>> from core.gamut import reduce
    >>> from core.progress import finished
    >>> scene = np.array([[[1.2, -0.1, 0.0], [0.5, 0.5, 0.5]]], np.float32)
    >>> lost = finished(lost_pixels(reduce(scene), scene))
    >>> lost.places.tolist(), lost.codes.tolist(), lost.estimate.tolist()
    ([0], [[255, 0, 0]], [[1.0, 0.0, 0.0]])
    """
    settings = settings or ExpansionSettings()
    source = source_gamut_of(original, stated, settings.adaptation)
    settings = replace(settings, space=PROPHOTO, strength=1.0, project=True, source=source)
    clipped = clipped_mask(codes, settings.tolerance)
    places = np.flatnonzero(clipped)
    lost = codes[clipped]
    estimate = naive_inversion(lost)
    if method is not None:
        done = 0
        with closing(solve_bands(ArraySource(codes), method, settings, check)) as bands:
            for band in bands:
                if band.answers is not None and band.worker is not None and len(band.answers):
                    part = slice(done, done + len(band.answers))
                    estimate[part] = band.worker.scene(lost[part], band.answers, source)
                    done = part.stop
                yield band.done, band.total
        unknown = ~np.isfinite(estimate).all(-1)
        estimate[unknown] = naive_inversion(lost[unknown])
    return LostPixels(codes.shape[:2], places, lost, estimate, original[clipped], settings)


def source_gamut_of(
    original: FloatImage,
    stated: ColourSpace | None = None,
    adaptation: Adaptation = "Bradford",
) -> ColourSpace:
    """Return the smallest space that holds the colours of an original.

    Parameters
    ----------
    original : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    stated : ColourSpace, optional
        The space of its file, which wins where it is among the small ones that do.
    adaptation : {"Bradford", "CAT02"}
        As for :func:`core.engine.expansion.expand`.

    Returns
    -------
    ColourSpace
        One of :data:`core.source_gamut.SOURCES`: ProPhoto where no smaller one does.

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> red = convert(np.array([[[1.0, 0.0, 0.0]]], np.float32), DISPLAY_P3, SRGB)
    >>> source_gamut_of(red).name
    'Display P3'
    >>> source_gamut_of(convert(np.array([[[0.0, 1.0, 0.0]]], np.float32), PROPHOTO, SRGB)).name
    'ProPhoto RGB'
    """
    pixels = original[out_of_gamut_mask(original)]
    lost = float(np.square(pixels - np.clip(pixels, 0.0, 1.0)).sum(dtype=np.float64))
    candidates = [space for space in SOURCES if space != PROPHOTO]
    candidates.sort(key=lambda space: space != stated)
    for space in candidates:
        limited = np.clip(convert(pixels, SRGB, space, adaptation), 0.0, 1.0)
        away = np.square(pixels - convert(limited, space, SRGB, adaptation))
        if float(away.sum(dtype=np.float64)) <= _LOST_TO_LIMIT * lost:
            return space
    return PROPHOTO
