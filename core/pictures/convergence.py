"""How a solver comes to rest, and what each of its iterations is worth."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.metrics import REGIONS, Region, psnr, rmse
from core.pictures.theme import (
    NARROW,
    Theme,
    ThemeName,
    new_figure,
    style_axes,
    style_legend,
    theme_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_REGION_NAMES: dict[Region, str] = {
    "all": "All pixels",
    "out_of_gamut": "Out of gamut",
    "in_gamut": "In gamut",
}
_LINES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D")
_MARKS = 12
_CURSOR = "cursor"


@dataclass(frozen=True)
class QualityTrace:
    """The error of the iterates against a reference.

    Attributes
    ----------
    iterations : sequence of int
        The iterations that were measured, rising; 0 is the start.
    mse : mapping of Region to sequence of float
        Mean squared errors at these iterations (:func:`core.metrics.mse_by_region`).
    """

    iterations: Sequence[int]
    mse: Mapping[Region, Sequence[float]]

    def __post_init__(self) -> None:
        """Refuse traces of different lengths."""
        if any(len(values) != len(self.iterations) for values in self.mse.values()):
            raise ValueError("Each region needs one error for each iteration.")

    def until(self, iteration: int) -> QualityTrace:
        """Return what was measured up to an iteration."""
        count = sum(number <= iteration for number in self.iterations)
        mse = {region: values[:count] for region, values in self.mse.items()}
        return QualityTrace(self.iterations[:count], mse)


def convergence_figure(
    residuals: Mapping[str, Sequence[float]],
    quality: QualityTrace | Sequence[QualityTrace] | None = None,
    *,
    tolerance: float | None = None,
    cursor: int | None = None,
    stacked: bool = False,
    theme: ThemeName = "light",
) -> Figure:
    """Draw residuals against the iteration, and PSNR and RMSE by region beside them.

    Parameters
    ----------
    residuals : mapping of name to sequence of float
        The relative residual after iterations 1, 2, ... of each solver. Drawn on a
        logarithmic axis; values that are not finite and positive leave a gap.
    quality : QualityTrace or sequence of them, optional
        Adds the panels of PSNR and RMSE; of several photos, the average of each.
    tolerance : float, optional
        The residual at which the solver stops.
    cursor : int, optional
        The iteration to mark; :func:`move_cursor` moves the mark.
    stacked : bool
        Whether the panels stand one above the other, for a narrow place.
    theme : {"light", "dark"}
        The page.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = convergence_figure({"Anderson": [0.5, 0.1, 0.01]}, tolerance=1e-3, cursor=2)
    >>> axes = figure.axes[0]
    >>> axes.get_yscale(), axes.get_xlabel()
    ('log', 'Iteration')
    """
    style = theme_named(theme)
    panels = 1 if quality is None else 3
    if stacked:
        figure = new_figure(style, NARROW, 2.6 * panels)
        all_axes = figure.subplots(panels, 1, squeeze=False)[:, 0]
    else:
        figure = new_figure(style, 5.0 if panels == 1 else 12.5, 3.6)
        all_axes = figure.subplots(1, panels, squeeze=False)[0]
    _draw_residuals(all_axes[0], residuals, tolerance, style)
    if quality is not None:
        traces = [quality] if isinstance(quality, QualityTrace) else quality
        _draw_quality(all_axes[1], traces, psnr, "PSNR (dB)", style)
        _draw_quality(all_axes[2], traces, rmse, "RMSE", style)
    for axes in all_axes:
        axes.set_xlabel("Iteration")
        axes.xaxis.get_major_locator().set_params(integer=True)
        style_axes(axes, style)
        axes.grid(color=style.faint, linewidth=0.5, alpha=0.6)
        axes.set_axisbelow(True)
        mark = axes.axvline(1, color=style.text, linewidth=1.2, gid=_CURSOR, visible=False)
        mark.set_zorder(3)
        if axes.get_legend_handles_labels()[0]:
            style_legend(axes.legend(fontsize=7.5 if stacked else 9), style)
    move_cursor(figure, cursor)
    return figure


def move_cursor(figure: Figure, iteration: int | None) -> None:
    """Mark an iteration in every panel of a convergence figure, or none.

    Examples
    --------
    >>> figure = convergence_figure({"Anderson": [0.5, 0.1, 0.01]}, cursor=1)
    >>> move_cursor(figure, 3)
    >>> [line.get_xdata() for line in figure.axes[0].lines if line.get_gid() == _CURSOR]
    [[3, 3]]
    """
    for axes in figure.axes:
        for line in axes.lines:
            if line.get_gid() == _CURSOR:
                line.set_visible(iteration is not None)
                line.set_xdata([iteration or 0, iteration or 0])


def _draw_residuals(
    axes: Axes, residuals: Mapping[str, Sequence[float]], tolerance: float | None, style: Theme
) -> None:
    for number, (name, values) in enumerate(residuals.items()):
        axes.plot(
            range(1, len(values) + 1),
            [value if math.isfinite(value) and value > 0 else math.nan for value in values],
            label=name,
            **_line(number, len(values), style),
        )
    if tolerance is not None:
        axes.axhline(
            tolerance, color=style.text, linewidth=1, linestyle=(0, (1, 2)), label="Tolerance"
        )
    axes.set_yscale("log")
    axes.set_ylabel("Relative residual")


def _draw_quality(
    axes: Axes,
    traces: Sequence[QualityTrace],
    figure_of: Callable[[float], float],
    label: str,
    style: Theme,
) -> None:
    for number, region in enumerate(REGIONS):
        values = _average(traces, region, figure_of)
        if values:
            axes.plot(
                traces[0].iterations,
                values,
                label=_REGION_NAMES[region],
                **_line(number, len(values), style),
            )
    axes.set_ylabel(label)


def _average(
    traces: Sequence[QualityTrace], region: Region, figure_of: Callable[[float], float]
) -> list[float]:
    """Return the average over the photos that have the region."""
    rows = [
        [figure_of(mse) for mse in trace.mse[region]]
        for trace in traces
        if region in trace.mse and not math.isnan(trace.mse[region][0])
    ]
    return [statistics.fmean(column) for column in zip(*rows, strict=True)]


def _line(number: int, points: int, style: Theme) -> dict[str, Any]:
    return {
        "color": style.series[number % len(style.series)],
        "linestyle": _LINES[number % len(_LINES)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
        "markevery": max(1, points // _MARKS),
        "linewidth": 1.6,
    }
