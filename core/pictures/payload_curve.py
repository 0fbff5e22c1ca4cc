"""What bytes of metadata are worth: gain against the size of what a file carries."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from core.pictures.theme import ThemeName, new_figure, style_axes, theme_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

_LINEAR_UP_TO = 100.0
_TICKS = (0, 100, 1_000, 10_000, 100_000)
_LABELS = ("0", "100 B", "1 KB", "10 KB", "100 KB")
_LEVELS_PER_POINT = 0.045


@dataclass(frozen=True)
class PayloadPoint:
    """One method.

    Attributes
    ----------
    name : str
        Written beside the point.
    size : float
        Bytes of metadata.
    gain : float
        In dB.
    """

    name: str
    size: float
    gain: float


def payload_figure(
    points: Sequence[PayloadPoint], label: str, *, theme: ThemeName = "light"
) -> Figure:
    """Draw gains against bytes of metadata, those without any at the left.

    Parameters
    ----------
    points : sequence of PayloadPoint
        At least one.
    label : str
        What is gained, with its unit.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    matplotlib.figure.Figure
        Each point with its name; names that would cover each other are moved apart, and a line
        leads to their points.

    Examples
    --------
    >>> figure = payload_figure(
    ...     [PayloadPoint("hint", 64, 2.0), PayloadPoint("naive", 0, 0.0)], "dB"
    ... )
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['naive', 'hint']
    """
    if not points:
        raise ValueError("There is no point to draw.")
    style = theme_named(theme)
    figure = new_figure(style, 7.2, 4.6)
    axes = figure.subplots()
    style_axes(axes, style)
    axes.set_xscale("symlog", linthresh=_LINEAR_UP_TO)
    axes.set_xlim(-30, 3e6)
    axes.set_xticks(_TICKS, _LABELS)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Metadata in the sRGB file")
    axes.set_ylabel(label)
    axes.grid(color=style.faint, linewidth=0.5, alpha=0.6)
    axes.axhline(0.0, color=style.faint, linewidth=1.0)
    low, high = min(0.0, *(p.gain for p in points)), max(0.0, *(p.gain for p in points))
    room = max(high - low, 1.0)
    axes.set_ylim(low - 0.06 * room, high + 0.06 * room)
    for group, colour in ((False, style.series[0]), (True, style.series[1])):
        chosen = [point for point in points if (point.size > 0) is group]
        axes.plot(
            [point.size for point in chosen],
            [point.gain for point in chosen],
            color=colour,
            marker="s" if group else "o",
            markersize=5,
            linestyle="none",
            zorder=3,
        )
        heights = _apart([point.gain for point in chosen], _LEVELS_PER_POINT * room)
        right = 1.6 * max((point.size for point in chosen), default=0.0) if group else 6.0
        for point, height in zip(chosen, heights, strict=True):
            axes.annotate(
                point.name,
                (point.size, point.gain),
                xytext=(right, height),
                fontsize=8,
                va="center",
                color=style.text,
                arrowprops={"arrowstyle": "-", "color": style.faint, "linewidth": 0.7},
                zorder=4,
            )
    return figure


def _apart(values: Sequence[float], distance: float) -> list[float]:
    """Move values apart, each as little as one pass up and one pass down allow."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    moved = list(values)
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + distance)
    excess = moved[order[-1]] - values[order[-1]] if order else 0.0
    return [value - 0.5 * excess for value in moved]
