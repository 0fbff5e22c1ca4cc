"""Where a restored photo differs from its original, on one scale for several methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.images import area_reduced
from core.pictures.theme import (
    NARROW,
    ThemeName,
    new_figure,
    style_axes,
    style_colour_bar,
    theme_named,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.figure import Figure

Floats = npt.NDArray[np.floating]
Limits = tuple[float, float]

COLOUR_MAP = "magma"
_LONGEST_DRAWN = 1000


def shared_limits(
    maps: Iterable[Floats], percentile: float = 99.5, *, least: float = 0.0
) -> Limits:
    """Return one colour scale for several error maps: from 0 to nearly their maximum.

    Parameters
    ----------
    maps : iterable of ndarray, floating
        Error maps of one unit, 0 and above; values that are not finite are left out.
    percentile : float
        The largest of the maps' percentiles is the upper end, so that a few outliers do not
        darken everything else.
    least : float
        The upper end at least, so that errors nobody can see do not look like errors.

    Returns
    -------
    (float, float)
        0 and a positive number; 1 where there is no error at all.

    Examples
    --------
    >>> shared_limits([np.array([0.0, 1.0]), np.array([0.0, 4.0])], percentile=100)
    (0.0, 4.0)
    """
    ends = [
        float(np.percentile(finite, percentile))
        for values in maps
        if (finite := values[np.isfinite(values)]).size
    ]
    end = max([*ends, least])
    return (0.0, end if end > 0.0 else 1.0)


def heat_map(values: Floats, limits: Limits, colour_map: str = COLOUR_MAP) -> npt.NDArray[np.uint8]:
    """Return an error map as a picture, without axes: for overlays and layers.

    Parameters
    ----------
    values : ndarray, floating, shape (H, W)
        An error map; values that are not finite become transparent.
    limits : (float, float)
        The values of the first and the last colour; values beyond take these colours.
    colour_map : str
        The name of one of matplotlib's colour maps.

    Returns
    -------
    ndarray, uint8, shape (H, W, 4)
        sRGB codes and opacity.

    Raises
    ------
    ValueError
        If the limits are not in rising order or the colour map is unknown.

    Examples
    --------
    >>> heat_map(np.array([[0.0, np.nan]]), (0.0, 1.0)).tolist()
    [[[0, 0, 4, 255], [0, 0, 0, 0]]]
    """
    import matplotlib

    low, high = limits
    if not low < high:
        raise ValueError(f"The limits of a heat map rise; {low} and {high} do not.")
    try:
        colours = matplotlib.colormaps[colour_map]
    except KeyError:
        raise ValueError(f"There is no colour map named {colour_map!r} in matplotlib.") from None
    table = np.rint(255 * colours(np.linspace(0.0, 1.0, 256))).astype(np.uint8)
    finite = np.isfinite(values)
    scaled = (np.where(finite, values, low) - low) / (high - low)
    picture: npt.NDArray[np.uint8] = table[np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)]
    picture[~finite] = 0
    return picture


def error_figure(
    maps: Mapping[str, Floats],
    label: str,
    *,
    limits: Limits | None = None,
    columns: int = 3,
    stacked: bool = False,
    colour_map: str = COLOUR_MAP,
    theme: ThemeName = "light",
) -> Figure:
    """Draw error maps in a grid, with one colour bar for all.

    Parameters
    ----------
    maps : mapping of title to ndarray, floating, shape (H, W)
        Error maps of one unit: of several methods, or at several iterations. The mean is
        written beside each title.
    label : str
        What the maps hold, with its unit, for the colour bar.
    limits : (float, float), optional
        The ends of the scale; :func:`shared_limits` of the maps by default.
    columns : int
        The largest number of maps in a row.
    stacked : bool
        Whether the maps stand one above the other, for a narrow place.
    colour_map : str
        The name of one of matplotlib's colour maps.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> maps = {"naive": np.full((40, 60), 4.0), "letnet": np.full((40, 60), 1.5)}
    >>> figure = error_figure(maps, "ΔE2000")
    >>> [axes.get_title() for axes in figure.axes][:2], figure.axes[-1].get_ylabel()
    (['naive  (mean 4.00)', 'letnet  (mean 1.50)'], 'ΔE2000')
    """
    if not maps:
        raise ValueError("There is no error map to draw.")
    style = theme_named(theme)
    scale = limits or shared_limits(maps.values())
    columns = 1 if stacked else min(columns, len(maps))
    rows = -(-len(maps) // columns)
    ratio = max(values.shape[0] / values.shape[1] for values in maps.values())
    if stacked:
        figure = new_figure(style, NARROW, rows * (NARROW * ratio + 0.35) + 0.7)
    else:
        panel = 9.0 / columns if columns > 1 else 5.5
        figure = new_figure(style, columns * panel + 1.0, rows * (panel * ratio + 0.35) + 0.1)
    grid = figure.subplots(rows, columns, squeeze=False)
    shown = None
    for axes, (title, values) in zip(grid.flat, maps.items(), strict=False):
        style_axes(axes, style)
        axes.set(xticks=[], yticks=[])
        mean = float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else np.nan
        axes.set_title(f"{title}  (mean {mean:#.3g})")
        shown = axes.imshow(
            area_reduced(values, _LONGEST_DRAWN),
            cmap=colour_map,
            vmin=scale[0],
            vmax=scale[1],
        )
    for axes in list(grid.flat)[len(maps) :]:
        axes.set_visible(False)
    if shown is not None:
        where = {"location": "bottom", "fraction": 0.04} if stacked else {"fraction": 0.04}
        bar = figure.colorbar(shown, ax=list(grid.flat), extend="max", pad=0.02, **where)
        style_colour_bar(bar, style, label)
    return figure
