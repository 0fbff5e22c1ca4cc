"""Photos over each other in one chromaticity diagram, and what a place in it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, apply_matrix
from core.pictures.chromaticity import (
    Diagram,
    Doubles,
    Floats,
    draw_diagram,
    draw_points,
    in_diagram,
    primaries,
)
from core.pictures.theme import NARROW, ThemeName, new_figure, style_legend, theme_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

_SERIES = (4, 0, 5)
"""Colours of the photos: none of them is that of sRGB's, P3's or ProPhoto's triangle."""

_WIDTH = 5.6


def overlaid_figure(
    images: Mapping[str, Floats],
    *,
    diagram: Diagram = "xy",
    spaces: Sequence[ColourSpace] = (SRGB, DISPLAY_P3, PROPHOTO),
    stacked: bool = False,
    theme: ThemeName = "light",
) -> Figure:
    """Draw the colours of photos over each other in one chromaticity diagram.

    Parameters
    ----------
    images : mapping of title to ndarray, floating, shape (..., 3)
        Linear ProPhoto RGB, at most three. The first one lies on top.
    diagram : {"xy", "uv"}
        CIE 1931 x, y or CIE 1976 u', v'.
    spaces : sequence of ColourSpace
        Whose triangles are drawn, adapted (Bradford) to D65.
    stacked : bool
        Whether it is for a narrow place.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    matplotlib.figure.Figure
        One panel, with a legend of photos and spaces.

    Examples
    --------
    >>> red = np.array([[[0.5, 0.1, 0.1]]], np.float32)
    >>> figure = overlaid_figure({"before": red, "after": 1.1 * red}, diagram="uv")
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['before', 'after', 'sRGB', 'Display P3', 'ProPhoto RGB', 'White (D65)']
    """
    from matplotlib.lines import Line2D

    if len(images) > len(_SERIES):
        raise ValueError(f"At most {len(_SERIES)} photos are told apart, not {len(images)}.")
    style = theme_named(theme)
    width = NARROW if stacked else _WIDTH
    figure = new_figure(style, width, width * (1.3 if stacked else 1.15))
    axes = figure.subplots()
    series = list(zip(images.items(), (style.series[number] for number in _SERIES), strict=False))
    for (title, values), colour in reversed(series):
        draw_points(axes, values, diagram, label=f"_{title}", colour=colour)
    draw_diagram(axes, diagram, spaces, style)
    photos = [
        Line2D([], [], color=colour, marker="o", linestyle="none", label=title)
        for (title, _), colour in series
    ]
    legend = figure.legend(
        handles=[*photos, *axes.get_legend_handles_labels()[0]],
        loc="outside lower center",
        ncols=2,
        fontsize=7.5 if stacked else 9,
    )
    style_legend(legend, style)
    return figure


@dataclass(frozen=True)
class Pointed:
    """What a place in a chromaticity diagram stands for.

    Attributes
    ----------
    sentence : str
        Its coordinates, and the smallest space that holds it.
    colour : (int, int, int)
        sRGB codes of the nearest colour that a screen shows, at its brightest.
    """

    sentence: str
    colour: tuple[int, int, int]


def pointed_at(
    x: float,
    y: float,
    diagram: Diagram = "xy",
    spaces: Sequence[ColourSpace] = (SRGB, DISPLAY_P3, PROPHOTO),
) -> Pointed:
    """Return what a place in a chromaticity diagram stands for.

    Parameters
    ----------
    x, y : float
        Coordinates of the diagram, relative to D65.
    diagram : {"xy", "uv"}
        CIE 1931 x, y or CIE 1976 u', v'.
    spaces : sequence of ColourSpace
        From the smallest to the largest.

    Examples
    --------
    >>> pointed_at(0.3127, 0.329)
    Pointed(sentence='x 0.313, y 0.329: sRGB holds it.', colour=(255, 255, 255))
    >>> pointed_at(0.66, 0.325).sentence
    'x 0.660, y 0.325: Display P3 holds it, sRGB does not.'
    """
    names = ("x", "y") if diagram == "xy" else ("u′", "v′")
    told = f"{names[0]} {x:.3f}, {names[1]} {y:.3f}: "
    lacking = ""
    for space in spaces:
        if _is_within(np.array([x, y]), in_diagram(primaries(space), diagram)):
            told += f"{space.name} holds it{f', {lacking} does not' if lacking else ''}."
            break
        lacking = space.name
    else:
        told += f"beyond {lacking}."
    return Pointed(told, _shown(x, y, diagram))


def _is_within(point: Doubles, corners: Doubles) -> bool:
    before, after = corners - point, np.roll(corners, -1, axis=0) - point
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return bool((turns >= -1e-9).all() or (turns <= 1e-9).all())


def _shown(x: float, y: float, diagram: Diagram) -> tuple[int, int, int]:
    if diagram == "uv":
        scale = 6.0 * x - 16.0 * y + 12.0
        x, y = 9.0 * x / scale, 4.0 * y / scale
    xyz = np.array([x / max(y, 1e-3), 1.0, (1.0 - x - y) / max(y, 1e-3)])
    from_xyz = np.asarray(np.linalg.inv(SRGB.to_xyz), np.float64)
    linear = np.clip(apply_matrix(xyz[None], from_xyz), 0.0, None)[0]
    linear /= max(float(linear.max()), 1e-9)
    red, green, blue = (round(255 * float(code)) for code in SRGB.encode(linear))
    return red, green, blue
