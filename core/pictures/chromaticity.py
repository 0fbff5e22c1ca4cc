"""Where the colours of photos lie among those that spaces can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from core.colour import (
    DISPLAY_P3,
    PROPHOTO,
    SRGB,
    ColourSpace,
    apply_matrix,
    matrix_between,
)
from core.pictures.locus import chromaticity_of, spectral_locus
from core.pictures.theme import (
    NARROW,
    Theme,
    ThemeName,
    new_figure,
    style_axes,
    style_colour_bar,
    style_legend,
    theme_named,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Diagram = Literal["xy", "uv"]
Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]

_LABELS: dict[str, tuple[str, str, str]] = {
    "xy": ("x", "y", "CIE 1931"),
    "uv": ("u′", "v′", "CIE 1976"),
}
_EXTENTS: dict[str, tuple[float, float, float, float]] = {
    "xy": (-0.04, 0.78, -0.06, 0.90),
    "uv": (-0.04, 0.66, -0.04, 0.64),
}
_WAVELENGTHS = (460, 480, 490, 500, 510, 520, 540, 560, 580, 600, 620)
# A space keeps its look in every drawing: index of its colour, and its line.
_SPACE_LINES: dict[str, tuple[int, str]] = {
    "srgb": (1, "-"),
    "display-p3": (2, "--"),
    "prophoto": (3, "-."),
    "rec2020": (0, "--"),
    "adobe-rgb": (4, ":"),
    "acescg": (5, "-."),
}
_OTHER_LINE = (5, ":")
_LEGEND_COLUMNS = 3
_MOST_ACROSS = 3
_BIN = 0.004
_DARKEST = 0.01
_SAMPLES = 400_000
_POINTS = 20_000


def chromaticities(values: Floats, diagram: Diagram = "xy") -> Doubles:
    """Return the chromaticities of linear ProPhoto colours, relative to D65.

    Parameters
    ----------
    values : ndarray, floating, shape (..., 3)
        Linear ProPhoto RGB. Adapted (Bradford) from D50, so that a neutral falls on D65.
    diagram : {"xy", "uv"}
        CIE 1931 x, y or CIE 1976 u', v'.

    Returns
    -------
    ndarray, float64, shape (n, 2)
        One row a colour, in order; colours whose X + Y + Z is below 0.01, where the
        chromaticity is mostly rounding, are left out.

    Examples
    --------
    >>> chromaticities(np.ones((1, 3))).round(4).tolist()
    [[0.3127, 0.329]]
    """
    to_xyz = SRGB.to_xyz @ matrix_between(PROPHOTO, SRGB, "Bradford")
    xyz = apply_matrix(values.reshape(-1, 3).astype(np.float64), to_xyz)
    total = xyz.sum(axis=-1)
    bright = total >= _DARKEST
    return in_diagram(xyz[bright, :2] / total[bright, None], diagram)


def evenly_spaced(values: Floats) -> Floats:
    """Return as many pixels of a photo as :func:`chromaticity_figure` takes.

    Parameters
    ----------
    values : ndarray, floating, shape (..., 3)
        RGB of any space.

    Returns
    -------
    ndarray, floating, shape (n, 3)
        Evenly spaced pixels; all of a small photo.

    Examples
    --------
    >>> evenly_spaced(np.zeros((1000, 1000, 3), np.float32)).shape
    (500000, 3)
    """
    colours = values.reshape(-1, 3)
    return colours[:: max(1, len(colours) // _SAMPLES)]


def chromaticity_figure(
    images: Mapping[str, Floats],
    *,
    diagram: Diagram = "xy",
    spaces: Sequence[ColourSpace] = (SRGB, DISPLAY_P3, PROPHOTO),
    stacked: bool = False,
    theme: ThemeName = "light",
) -> Figure:
    """Draw how densely photos fill the chromaticity diagram, in rows of at most three.

    Parameters
    ----------
    images : mapping of title to ndarray, floating, shape (..., 3)
        Linear ProPhoto RGB: whole photos, or the pixels of a region. Of a large one, evenly
        spaced pixels are taken, always the same. An empty mapping draws the spaces alone.
    diagram : {"xy", "uv"}
        CIE 1931 x, y or CIE 1976 u', v'.
    spaces : sequence of ColourSpace
        Whose triangles are drawn, adapted (Bradford) to D65.
    stacked : bool
        Whether the panels stand one above the other, for a narrow place.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    matplotlib.figure.Figure
        One panel an image, with one scale of density.

    Examples
    --------
    >>> from core.pictures.chart import wide_gamut_chart
    >>> figure = chromaticity_figure({"Chart": wide_gamut_chart(8)}, spaces=[SRGB, PROPHOTO])
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['sRGB', 'ProPhoto RGB', 'White (D65)']
    """
    from matplotlib.colors import LogNorm

    if diagram not in _LABELS:
        raise ValueError(f"There is no diagram named {diagram!r}; choose xy or uv.")
    style = theme_named(theme)
    figure, panels = _panels(len(images), diagram, spaces, style, stacked=stacked)
    densities = [_density(values, diagram) for values in images.values()]
    peak = max((float(density.max(initial=0.0)) for density in densities), default=0.0)
    norm = LogNorm(max(peak, 1e-4) / 1e4, max(peak, 1e-4))
    left, right, bottom, top = _EXTENTS[diagram]
    shown: AxesImage | None = None
    for axes, title, density in zip(panels, images, densities, strict=False):
        axes.set_title(title)
        shown = axes.imshow(
            np.ma.masked_equal(density.T, 0.0),
            cmap=_density_colours(theme),
            norm=norm,
            extent=(left, right, bottom, top),
            origin="lower",
            interpolation="nearest",
            zorder=1.5,
        )
    if shown is not None:
        where = {"location": "bottom", "fraction": 0.02} if stacked else {"fraction": 0.03}
        bar = figure.colorbar(shown, ax=panels, pad=0.02, **where)
        style_colour_bar(bar, style, "Share of the pixels in a cell")
    return figure


def _panels(
    count: int,
    diagram: Diagram,
    spaces: Sequence[ColourSpace],
    style: Theme,
    *,
    stacked: bool,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with as many empty diagrams, at least one, and a legend of the spaces."""
    panels = max(1, count)
    left, right, bottom, top = _EXTENTS[diagram]
    down = panels if stacked else -(-panels // _MOST_ACROSS)
    across = -(-panels // down)
    columns = 2 if stacked else _LEGEND_COLUMNS * across
    legend_height = 0.2 * -(-(len(spaces) + 1) // columns)
    ratio = (top - bottom) / (right - left)
    if stacked:
        side = NARROW - 0.6
        figure = new_figure(style, NARROW, down * (side * ratio + 0.5) + 1.0 + legend_height)
    else:
        side = 4.0 if panels == 1 else 3.2
        width = (1.7 if count else 0.9) + side * across
        figure = new_figure(style, width, down * (side * ratio + 0.4) + 0.5 + legend_height)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in grid[panels:]:
        axes.set_visible(False)
    all_axes: list[Axes] = list(grid[:panels])
    for number, axes in enumerate(all_axes):
        draw_diagram(axes, diagram, spaces, style)
        name = axes.get_xlabel()
        axes.label_outer()
        if number + across >= panels:  # Nothing is drawn below, be the row the last or not.
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(name)
    size = 7.5 if stacked else 9
    handles, names = all_axes[0].get_legend_handles_labels()
    legend = figure.legend(
        handles, names, loc="outside lower center", ncols=min(columns, len(names)), fontsize=size
    )
    style_legend(legend, style)
    return figure, all_axes


def draw_diagram(axes: Axes, diagram: Diagram, spaces: Sequence[ColourSpace], style: Theme) -> None:
    """Draw an empty chromaticity diagram: locus, wavelengths, triangles and white.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    diagram : {"xy", "uv"}
        CIE 1931 x, y or CIE 1976 u', v'.
    spaces : sequence of ColourSpace
        Whose triangles are drawn, adapted (Bradford) to D65.
    style : Theme
        The page.

    Examples
    --------
    >>> figure = new_figure(theme_named("light"), 4.0, 4.0)
    >>> axes = figure.subplots()
    >>> draw_diagram(axes, "uv", [SRGB], theme_named("light"))
    >>> axes.get_xlabel()
    'u′ (CIE 1976)'
    """
    horizontal, vertical, standard = _LABELS[diagram]
    left, right, bottom, top = _EXTENTS[diagram]
    axes.set(
        xlim=(left, right),
        ylim=(bottom, top),
        aspect="equal",
        xlabel=f"{horizontal} ({standard})",
        ylabel=f"{vertical} ({standard})",
    )
    style_axes(axes, style)
    axes.grid(color=style.faint, linewidth=0.5, alpha=0.5)
    axes.set_axisbelow(True)
    outline = in_diagram(np.vstack([spectral_locus(), spectral_locus()[:1]]), diagram)
    axes.plot(*outline.T, color=style.text, linewidth=1.0, zorder=2)
    _draw_wavelengths(axes, diagram, style)
    for space in spaces:
        colour, line = _SPACE_LINES.get(space.key, _OTHER_LINE)
        corners = in_diagram(primaries(space), diagram)
        axes.plot(
            *np.vstack([corners, corners[:1]]).T,
            color=style.series[colour],
            linestyle=line,
            linewidth=1.3,
            label=space.name,
            zorder=3,
        )
    white = in_diagram(np.array([SRGB.white]), diagram)
    axes.plot(
        *white.T,
        color=style.text,
        marker="+",
        markersize=8,
        linestyle="none",
        label="White (D65)",
        zorder=4,
    )


def draw_points(axes: Axes, values: Floats, diagram: Diagram, *, label: str, colour: str) -> None:
    """Draw the chromaticities of a photo as points in a diagram.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With a diagram (:func:`draw_diagram`).
    values : ndarray, floating, shape (..., 3)
        Linear ProPhoto RGB. Of a large photo, evenly spaced pixels are taken.
    diagram : {"xy", "uv"}
        The diagram that was drawn.
    label : str
        In the legend.
    colour : str
        A CSS colour.

    Examples
    --------
    >>> figure = new_figure(theme_named("light"), 4.0, 4.0)
    >>> axes = figure.subplots()
    >>> draw_points(axes, np.full((4, 6, 3), 0.5), "xy", label="A grey photo", colour="tab:blue")
    >>> axes.collections[0].get_offsets()[0].round(3).tolist()
    [0.313, 0.329]
    """
    colours = values.reshape(-1, 3)
    points = chromaticities(colours[:: max(1, len(colours) // _POINTS)], diagram)
    axes.scatter(
        points[:, 0], points[:, 1], s=1.5, color=colour, linewidths=0, label=label, zorder=1.5
    )


def _draw_wavelengths(axes: Axes, diagram: Diagram, style: Theme) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.5, foreground=style.panel)]
    white = in_diagram(np.array([SRGB.white]), diagram)[0]
    for wavelength in _WAVELENGTHS:
        point = in_diagram(chromaticity_of(wavelength)[None], diagram)[0]
        outwards = (point - white) / np.hypot(*(point - white))
        axes.plot(*np.stack([point, point + 0.010 * outwards]).T, color=style.text, linewidth=0.8)
        axes.annotate(
            str(wavelength),
            point,
            xytext=12.0 * outwards,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7.5,
            color=style.text,
            path_effects=halo,
            zorder=5,
        )


def _density_colours(theme: ThemeName) -> ListedColormap:
    import matplotlib
    from matplotlib.colors import ListedColormap

    # The darkest quarter of the map would not be seen on the dark page.
    ends = (0.95, 0.0) if theme == "light" else (0.25, 1.0)
    return ListedColormap(matplotlib.colormaps["viridis"](np.linspace(*ends, 256)))


def _density(values: Floats, diagram: Diagram) -> Doubles:
    points = chromaticities(evenly_spaced(values), diagram)
    left, right, bottom, top = _EXTENTS[diagram]
    bins = (round((right - left) / _BIN), round((top - bottom) / _BIN))
    counts, _, _ = np.histogram2d(
        points[:, 0], points[:, 1], bins=bins, range=[(left, right), (bottom, top)]
    )
    return np.asarray(counts / max(1, len(points)), np.float64)


def primaries(space: ColourSpace) -> Doubles:
    """Return the x, y of a space's primaries, adapted (Bradford) to D65; float64, shape (3, 2).

    Examples
    --------
    >>> primaries(SRGB).round(2).tolist()
    [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06]]
    """
    xyz = SRGB.to_xyz @ matrix_between(space, SRGB, "Bradford")
    return np.asarray((xyz[:2] / xyz.sum(axis=0)).T)


def in_diagram(xy: Doubles, diagram: Diagram) -> Doubles:
    """Return CIE 1931 x, y as coordinates of a diagram; float64, shape (..., 2).

    Examples
    --------
    >>> in_diagram(np.array([0.3127, 0.3290]), "uv").round(4).tolist()  # D65
    [0.1978, 0.4683]
    """
    if diagram == "xy":
        return xy
    x, y = xy[..., 0], xy[..., 1]
    return np.asarray(np.stack([4 * x, 9 * y], axis=-1) / (-2 * x + 12 * y + 3)[..., None])
