"""From what a method found to the colours of a photo: strength, limits and the target space.

Nothing here is solved for, so that all of it can be done again in a moment when one of these
settings changes (:class:`core.engine.solved.SolvedPhoto`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.gamut import (
    Codes,
    FloatImage,
    Mask,
    clip_within,
    clipping_weight,
    feasible_box,
    fit_into,
    naive_inversion,
)

if TYPE_CHECKING:
    from core.engine.expansion import ExpansionSettings, SolvedBand

_SCENE_LIMIT = 4.0
"""No colour of a wide space is further out; estimates beyond it are of untrained networks."""

_ROWS_AT_ONCE = 32
_PIXELS_AT_ONCE = 1 << 15


def finish(
    codes: Codes, scene: FloatImage, clipped: Mask, settings: ExpansionSettings
) -> FloatImage:
    """Turn an estimate of a photo's colours into values of the settings' space.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    scene : ndarray, float32, shape (H, W, 3)
        The estimate, scene-linear sRGB; what is not finite is replaced by the naive inversion.
    clipped : ndarray, bool, shape (H, W)
        Pixels that may have lost colour; with a projection only they change, those of a lossy
        file the less the farther their codes are from the ends of the range.
    settings : ExpansionSettings
        Space, adaptation, tolerance, strength, projection.

    Returns
    -------
    ndarray, float32, shape (H, W, 3)
        Linear RGB of the space, in 0..1.

    Examples
    --------
    >>> from core.engine.expansion import ExpansionSettings
    >>> from core.gamut import clipped_mask
    >>> codes = np.array([[[255, 0, 0], [128, 128, 128]]], np.uint8)
    >>> guess = np.full((1, 2, 3), [1.4, -0.2, -0.1], np.float32)  # of both pixels
    >>> settings = ExpansionSettings()
    >>> values = finish(codes, guess, clipped_mask(codes), settings)
    >>> red, grey = convert(values, settings.space, SRGB)[0]
    >>> bool(red[0] > 1.0), bool(np.allclose(grey, grey[0], atol=1e-5))  # grey was not lost
    (True, True)
    """
    naive = naive_inversion(codes)
    step = np.where(np.isfinite(scene), scene, naive) - naive
    if settings.project:
        step *= clipped[..., None]
        if settings.tolerance > 0.0:
            step *= clipping_weight(codes, settings.tolerance)[..., None]
    estimate = np.clip(naive + np.float32(settings.strength) * step, -_SCENE_LIMIT, _SCENE_LIMIT)
    if not settings.project:
        values: FloatImage = convert(estimate, SRGB, settings.space, settings.adaptation)
        return np.clip(values, 0.0, 1.0, out=values)
    box = feasible_box(codes, settings.tolerance)
    space, source, adaptation = settings.space, settings.source, settings.adaptation
    inside = box.project(estimate)
    if source is not None:
        inside = clip_within(inside, box, source, adaptation)
    elif space != PROPHOTO:
        prophoto = fit_into(inside, naive, PROPHOTO, adaptation)
        inside = box.project(convert(prophoto, PROPHOTO, SRGB, adaptation))
    if space not in (PROPHOTO, source):
        inside = clip_within(inside, box, space, adaptation)
    # Each step may undo a little of the one before; this one holds all limits at once.
    within = [] if source is None or source == space else [source]
    return fit_into(inside, naive, space, adaptation, within=within)


def finish_band(band: SolvedBand, settings: ExpansionSettings) -> FloatImage:
    """Turn what a method found of a band into values of the settings' space.

    Parameters
    ----------
    band : SolvedBand
        With its answers.
    settings : ExpansionSettings
        Space, adaptation, source, tolerance, strength, projection.

    Returns
    -------
    ndarray, float32, shape (h, W, 3)
        Linear RGB of the space, in 0..1.

    Examples
    --------
    >>> from core.engine.expansion import ExpansionSettings, solve_bands
    >>> from core.engine.tiling import ArraySource
    >>> from core.methods.registry import method
    >>> settings = ExpansionSettings()
    >>> codes = ArraySource(np.full((4, 6, 3), [255, 0, 0], np.uint8))
    >>> *_, band = solve_bands(codes, method("letnet-box"), settings)
    >>> values = finish_band(band, settings)
    >>> values.shape, bool((convert(values, settings.space, SRGB)[..., 0] >= 0.999).all())
    ((4, 6, 3), True)
    """
    values = np.empty(band.codes.shape, np.float32)
    finish_rows(band, settings, values, whole=True)
    return values


def finish_rows(
    band: SolvedBand,
    settings: ExpansionSettings,
    values: FloatImage,
    rows: slice | None = None,
    *,
    whole: bool,
) -> None:
    """Finish some rows of a band, a few at a time: it needs many copies.

    Parameters
    ----------
    band, settings
        As for :func:`finish_band`.
    values : ndarray, float32, shape (number of rows, W, 3)
        Receives linear RGB of the space.
    rows : slice, optional
        Which rows of the band; all unless given.
    whole : bool
        Whether all pixels are wanted, or only those that the method changes: the others hold
        what this function wrote for the same space before.

    Examples
    --------
    >>> from core.engine.expansion import ExpansionSettings, solve_bands
    >>> from core.engine.tiling import ArraySource
    >>> from core.methods.registry import method
    >>> settings = ExpansionSettings()
    >>> codes = ArraySource(np.full((4, 6, 3), [255, 0, 0], np.uint8))
    >>> *_, band = solve_bands(codes, method("letnet-box"), settings)
    >>> values = np.empty((2, 6, 3), np.float32)
    >>> finish_rows(band, settings, values, slice(1, 3), whole=True)
    >>> bool((values == finish_band(band, settings)[1:3]).all())
    True
    """
    start, stop, _ = (rows or slice(None)).indices(len(band.codes))
    if whole and (settings.project or band.weight is not None):
        for top in range(start, stop, _ROWS_AT_ONCE):
            part = slice(top, min(top + _ROWS_AT_ONCE, stop))
            values[top - start : part.stop - start] = _untouched(band.codes[part], settings)
    answers = band.answers
    assert answers is not None
    lost = band.concerned(settings)
    places = np.flatnonzero(lost)
    begin, end = np.count_nonzero(lost[:start]), np.count_nonzero(lost[:stop])
    codes, clipped = band.codes.reshape(-1, 3), band.clipped.reshape(-1)
    weight = None if band.weight is None else band.weight.reshape(-1)
    # Always the same groups, so that a pixel's value never depends on what else is asked.
    for first in range(begin // _PIXELS_AT_ONCE * _PIXELS_AT_ONCE, end, _PIXELS_AT_ONCE):
        group = places[first : first + _PIXELS_AT_ONCE]
        found = answers[first : first + _PIXELS_AT_ONCE]
        made = _made(band, codes[group], found, clipped[group], settings)
        if weight is not None:
            made = _weighted(made, codes[group], weight[group], settings)
        inside = slice(max(begin - first, 0), end - first)
        down, across = np.divmod(group[inside], lost.shape[1])
        values[down - start, across] = made[inside]


def _made(
    band: SolvedBand, codes: Codes, found: FloatImage, clipped: Mask, settings: ExpansionSettings
) -> FloatImage:
    if band.worker is None or not len(found):
        scene = naive_inversion(codes)
    else:
        scene = band.worker.scene(codes, found, settings.source)
    return finish(codes, scene, clipped, settings)


def _weighted(
    made: FloatImage, codes: Codes, weight: FloatImage, settings: ExpansionSettings
) -> FloatImage:
    """Return colours between naive inversion and what was made of it.

    Both lie in the feasible box and in all spaces that limit the photo, which are convex: what
    lies between does, too.
    """
    share = weight[:, None]
    naive = _untouched(codes, settings)
    # At a weight of 1 the sum may be off by its rounding, which nobody asked for.
    between: FloatImage = np.where(share < 1.0, naive + share * (made - naive), made)
    return between


def _untouched(codes: Codes, settings: ExpansionSettings) -> FloatImage:
    """Return the values of pixels that lost nothing: what their codes say."""
    values: FloatImage = convert(naive_inversion(codes), SRGB, settings.space, settings.adaptation)
    return np.clip(values, 0.0, 1.0, out=values)
