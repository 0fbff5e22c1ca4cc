"""How often each sRGB code occurs in a photo, and how many channels lie at an end of the range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.gamut import code_maximum
from core.pictures.theme import NARROW, ThemeName, new_figure, style_axes, theme_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from core.gamut import Codes

Doubles = npt.NDArray[np.float64]

_CHANNELS = ("Red", "Green", "Blue")
_COLOURS = {
    "light": ("#d0021b", "#1b7f2a", "#1f5fd0"),
    "dark": ("#ff6b6b", "#5bd66f", "#6fa8ff"),
}
_LEAST = 1e-5


def code_shares(codes: Codes) -> Doubles:
    """Return the share of the pixels that have each code.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes.

    Returns
    -------
    ndarray, float64, shape (256, 3)
        Of each channel. Codes of 16 bits are rounded to 8, but the first and the last place are
        those of clipped channels alone.

    Examples
    --------
    >>> shares = code_shares(np.array([[0, 7, 255], [0, 8, 255]], np.uint8))
    >>> shares[0].tolist(), shares[255].tolist()
    ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    """
    top = code_maximum(codes)
    pixels = codes.reshape(-1, 3)
    found = np.empty((256, 3), np.float64)
    for channel in range(3):
        counts = np.bincount(pixels[:, channel], minlength=top + 1)
        if top > 255:
            places = np.clip(np.rint(np.arange(top + 1) / 257).astype(int), 1, 254)
            places[0], places[-1] = 0, 255
            counts = np.bincount(places, weights=counts, minlength=256)
        found[:, channel] = counts / max(1, len(pixels))
    return found


def code_figure(
    photos: Mapping[str, Doubles], *, stacked: bool = False, theme: ThemeName = "light"
) -> Figure:
    """Draw how often each code occurs, and how many channels are clipped at each end.

    Parameters
    ----------
    photos : mapping of title to ndarray, float64, shape (256, 3)
        As of :func:`code_shares`.
    stacked : bool
        Whether the panels stand one above the other, for a narrow place.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a photo; shares are on a logarithmic scale.

    Examples
    --------
    >>> shares = code_shares(np.array([[[0, 90, 255], [0, 90, 120]]], np.uint8))
    >>> figure = code_figure({"photo": shares})
    >>> figure.axes[0].texts[0].get_text()
    'clipped: 33.3% at 0, 16.7% at the top'
    """
    style = theme_named(theme)
    count = max(1, len(photos))
    down, across = (count, 1) if stacked else (1, count)
    width = NARROW if stacked else 4.4
    figure = new_figure(style, width * across, 2.6 * down)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (title, shares) in zip(grid, photos.items(), strict=False):
        style_axes(axes, style)
        axes.set_title(title)
        axes.set_yscale("log")
        axes.set(xlim=(-6, 261), xlabel="Code (of 255)", ylabel="Share of the pixels")
        axes.label_outer()
        for channel, (name, colour) in enumerate(zip(_CHANNELS, _COLOURS[theme], strict=True)):
            values = np.maximum(shares[:, channel], _LEAST)
            axes.plot(
                np.arange(1, 255), values[1:-1], color=colour, linewidth=0.9, alpha=0.85, label=name
            )
            for end in (0, 255):
                # Beside each other, so that none hides another.
                place = end + (channel - 1) * 2.0
                axes.bar(place, values[end], 2.0, color=colour, label="_clipped")
        low, high = (float(shares[end].sum() / 3) for end in (0, 255))
        axes.text(
            0.5,
            0.97,
            f"clipped: {low:.1%} at 0, {high:.1%} at the top",
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=7.5,
            color=style.text,
        )
    for axes in grid[len(photos) :]:
        axes.set_visible(False)
    peak = max((float(shares.max()) for shares in photos.values()), default=1.0)
    grid[0].set_ylim(_LEAST, 6 * max(peak, 10 * _LEAST))
    return figure
