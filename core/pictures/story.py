"""A photo, its expansion, and how much colour came back: four panels for any screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.gamut import clipped_mask, naive_inversion, share
from core.images import area_reduced
from core.pictures.chromaticity import draw_diagram, draw_points
from core.pictures.error_maps import COLOUR_MAP
from core.pictures.seen import STRONGEST, Gain, difference_to, gain_of, muted
from core.pictures.theme import ThemeName, new_figure, style_axes, style_colour_bar, theme_named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.gamut import Codes, FloatImage

_LONGEST_DRAWN = 900
_PANEL = 6.2
_SPACES = (SRGB, DISPLAY_P3, PROPHOTO)


@dataclass(frozen=True)
class Story:
    """What happened to a photo.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Before, after, where how much colour came back, and the chromaticities.
    gain : Gain
        The figures of it.
    """

    figure: Figure
    gain: Gain


def tell(
    before: Codes,
    after: FloatImage,
    *,
    title: str = "",
    tolerance: float = 0.0,
    screen: ColourSpace = DISPLAY_P3,
    theme: ThemeName = "light",
) -> Story:
    """Draw what an expansion gave back to a photo, so that it is seen on any screen.

    Parameters
    ----------
    before : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    after : ndarray, float32, shape (H, W, 3)
        The expansion in scene-linear sRGB, unbounded.
    title : str
        What stands above, before the sentence about the gain.
    tolerance : float
        Noise of a lossy file, in 8-bit codes.
    screen : ColourSpace
        The wide-gamut screen that the two photos are muted for.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    Story

    Raises
    ------
    PhotoError
        If the two photos differ in size.

    Examples
    --------
    >>> import numpy as np
    >>> codes = np.full((40, 60, 3), [255, 0, 0], np.uint8)
    >>> after = np.full((40, 60, 3), [1.2, -0.03, -0.02], np.float32)
    >>> tell(codes, after).gain.sentence
    '100 % of the pixels gain a colour that you can see (ΔE above 2, typically 7.3).'
    """
    if before.shape != after.shape:
        raise PhotoError("The photo before and the photo after have to be of the same size.")
    difference = difference_to(before, after)
    gain = gain_of(difference, share(clipped_mask(before, tolerance)))
    naive = area_reduced(naive_inversion(before), _LONGEST_DRAWN)
    restored = area_reduced(after, _LONGEST_DRAWN)
    style = theme_named(theme)
    height = _PANEL * min(naive.shape[0] / naive.shape[1], 1.4)
    figure = new_figure(style, 2 * _PANEL + 0.8, height + max(height, 4.6) + 1.3)
    heading = f"{title}: {gain.sentence[0].lower()}{gain.sentence[1:]}" if title else gain.sentence
    figure.suptitle(heading, color=style.text, fontsize=12)
    rows = {"height_ratios": [height, max(height, 4.6)]}
    (first, second), (third, fourth) = figure.subplots(2, 2, gridspec_kw=rows)
    for axes, name, scene in ((first, "Before", naive), (second, "After", restored)):
        axes.imshow(muted(scene, naive, space=screen), aspect="equal")
        axes.set_title(f"{name}, as on a {screen.name} screen (muted)")
    drawn = third.imshow(
        area_reduced(difference, _LONGEST_DRAWN), cmap=COLOUR_MAP, vmin=0.0, vmax=STRONGEST
    )
    third.set_title("How much colour came back, and where")
    for axes in (first, second, third):
        style_axes(axes, style)
        axes.set(xticks=[], yticks=[])
    bar = figure.colorbar(drawn, ax=third, location="left", extend="max", fraction=0.04, pad=0.02)
    style_colour_bar(bar, style, "CIEDE2000 (2 is seen side by side)")
    draw_diagram(fourth, "uv", _SPACES, style)
    for name, scene, series in (("After", restored, 0), ("Before", naive, 5)):
        colours = convert(scene, SRGB, PROPHOTO)
        draw_points(fourth, colours, "uv", label=name, colour=style.series[series])
    fourth.set_title("Chromaticities before and after")
    legend = fourth.legend(loc="lower right", fontsize=8)
    for handle in legend.legend_handles[-2:]:
        handle.set_sizes([20.0])
    legend.get_frame().set_facecolor(style.panel)
    for text in legend.get_texts():
        text.set_color(style.text)
    return Story(figure, gain)
