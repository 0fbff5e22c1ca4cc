"""The colours of the drawings, on a light and on a dark page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

ThemeName = Literal["light", "dark"]

NARROW = 3.6
"""Width in inches of drawings whose panels are stacked."""


@dataclass(frozen=True)
class Theme:
    """The colours of one page, as CSS texts.

    Attributes
    ----------
    page, panel : str
        Behind the drawing, and behind the data.
    text, faint : str
        Labels and titles; grid lines and frames.
    series : tuple of str
        Data series, in this order; told apart with any colour vision (Okabe and Ito 2008,
        lightened for the dark page).
    """

    page: str
    panel: str
    text: str
    faint: str
    series: tuple[str, ...]


_THEMES: dict[str, Theme] = {
    "light": Theme(
        "#ffffff",
        "#ffffff",
        "#1f2328",
        "#c4c9cf",
        ("#0072b2", "#d55e00", "#008060", "#a3478b", "#7a5c00", "#505a64"),
    ),
    "dark": Theme(
        "#1e2127",
        "#16181d",
        "#e6e8eb",
        "#454b55",
        ("#56b4e9", "#f0955a", "#35c9a0", "#e08bc4", "#e6c845", "#a9b2bd"),
    ),
}


def theme_named(name: ThemeName) -> Theme:
    """Return a theme by its name, or raise a ValueError that lists the names.

    Examples
    --------
    >>> theme_named("dark").page
    '#1e2127'
    >>> theme_named("sepia")
    Traceback (most recent call last):
    ValueError: There is no theme named 'sepia'; choose one of light, dark.
    """
    try:
        return _THEMES[name]
    except KeyError:
        known = ", ".join(get_args(ThemeName))
        raise ValueError(f"There is no theme named {name!r}; choose one of {known}.") from None


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches, laid out so that nothing is cut off.

    Examples
    --------
    >>> new_figure(theme_named("light"), 6.0, 4.0).get_size_inches().tolist()
    [6.0, 4.0]
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor=theme.page)


def style_axes(axes: Axes, theme: Theme) -> None:
    """Give the frame, ticks and labels of a panel the theme's colours.

    Examples
    --------
    >>> dark = theme_named("dark")
    >>> axes = new_figure(dark, 4.0, 3.0).subplots()
    >>> style_axes(axes, dark)
    >>> axes.title.get_color() == dark.text
    True
    """
    axes.set_facecolor(theme.panel)
    axes.tick_params(which="both", colors=theme.text, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(theme.faint)
    axes.xaxis.label.set_color(theme.text)
    axes.yaxis.label.set_color(theme.text)
    axes.title.set_color(theme.text)
    axes.title.set_fontsize(11)


def style_legend(legend: Legend, theme: Theme) -> None:
    """Give a legend the theme's colours.

    Examples
    --------
    >>> dark = theme_named("dark")
    >>> axes = new_figure(dark, 4.0, 3.0).subplots()
    >>> _ = axes.plot([0, 1], label="Anderson")
    >>> style_legend(legend := axes.legend(), dark)
    >>> legend.get_texts()[0].get_color() == dark.text
    True
    """
    frame = legend.get_frame()
    frame.set_facecolor(theme.page)
    frame.set_edgecolor(theme.faint)
    for text in legend.get_texts():
        text.set_color(theme.text)


def style_colour_bar(bar: Colorbar, theme: Theme, label: str) -> None:
    """Give a colour bar its label and the theme's colours.

    Examples
    --------
    >>> figure = new_figure(theme_named("dark"), 4.0, 3.0)
    >>> bar = figure.colorbar(figure.subplots().imshow([[0.0, 1.0]]))
    >>> style_colour_bar(bar, theme_named("dark"), "ΔE2000")
    >>> bar.ax.get_ylabel()
    'ΔE2000'
    """
    bar.set_label(label, color=theme.text)
    bar.ax.tick_params(which="both", colors=theme.text, labelsize=9)
    bar.outline.set_edgecolor(theme.faint)
