"""The paper's figures of photos: quality by iteration, error maps, gamut plots."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import expand
from core.evaluation.protocol import reduced
from core.gamut import naive_inversion
from core.methods.convergence import Window, iterates, largest_window
from core.methods.letnet import LetNetMethod, is_equilibrium
from core.metrics import REGIONS, Region, absolute_error_map, mse_by_region
from core.pictures import QualityTrace, chromaticity_figure, convergence_figure, error_figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matplotlib.figure import Figure

    from core.colour import ColourSpace
    from core.engine.method import Method
    from core.evaluation.protocol import EvaluationSettings
    from core.gamut import Codes, FloatImage
    from core.network.solver import SolverSettings
    from core.pictures import ThemeName
    from core.styles import Style

ERROR_ITERATIONS = (10, 15, 20, 30, 40, 50)
"""Those of figure 6 of Xiao et al. 2024."""

_LEAST_RESIDUAL = 1e-12
"""Stands for a residual of 0, which has no logarithm."""


@dataclass(frozen=True, eq=False)
class ConvergenceData:
    """What a network's iterations are worth on one photo.

    Attributes
    ----------
    residuals : list of float
        Relative residual after iterations 1, 2, ...
    quality : QualityTrace
        Errors against the original; iteration 0 is the naive inversion.
    error_maps : dict of int to ndarray, float32, shape (h, w)
        Absolute error of linear ProPhoto, averaged over channels, at some iterations.
    window : Window
        The part of the photo that was solved, as one tile.
    """

    residuals: list[float]
    quality: QualityTrace
    error_maps: Mapping[int, FloatImage]
    window: Window


def convergence_data(
    method: LetNetMethod,
    reference: FloatImage,
    settings: EvaluationSettings,
    iterations: Sequence[int] = ERROR_ITERATIONS,
) -> ConvergenceData:
    """Restore a photo, measuring every iteration.

    Parameters
    ----------
    method : LetNetMethod
        An equilibrium network.
    reference : ndarray, float32, shape (H, W, 3)
        The finished original, linear ProPhoto RGB in 0..1. Of a large one, the middle is taken.
    settings : EvaluationSettings
        Protocol and solver. The solver goes on to the last of `iterations`, whatever its
        tolerance.
    iterations : sequence of int
        Where error maps are kept.

    Returns
    -------
    ConvergenceData

    Examples
    --------
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.methods.registry import method
    >>> from core.pictures.chart import wide_gamut_chart
    >>> chart = wide_gamut_chart(8)
    >>> data = convergence_data(method("letnet"), chart, EvaluationSettings(), iterations=(1, 4))
    >>> list(data.error_maps), data.residuals[-1] < data.residuals[0]
    ([1, 4], True)
    """
    codes, outside = reduced(reference, settings)
    window = largest_window(codes.shape, method.model.network.config)
    part = (window.rows, window.columns)
    expansion = settings.expansion_settings(method)
    assert expansion.solver is not None
    solver = expansion.solver.changed(max_steps=max(iterations), tolerance=0.0)
    expansion = replace(expansion, solver=solver)
    truth, mask = reference[part], outside[part]
    mse = mse_by_region(truth, _naive(codes[part], settings), mask)
    traces: dict[Region, list[float]] = {region: [mse[region]] for region in REGIONS}
    residuals: list[float] = []
    maps: dict[int, FloatImage] = {}
    for step in iterates(codes, method, expansion, window):
        values = step.values()
        residuals.append(step.residual)
        mse = mse_by_region(truth, values, mask)
        for region in REGIONS:
            traces[region].append(mse[region])
        if step.number in iterations:
            maps[step.number] = absolute_error_map(truth, values)
    quality = QualityTrace(range(len(residuals) + 1), traces)
    return ConvergenceData(residuals, quality, maps, window)


def draw_convergence(
    every: Sequence[ConvergenceData],
    name: str,
    solver: SolverSettings,
    theme: ThemeName = "light",
) -> Figure:
    """Draw PSNR and RMSE of the three regions against the iteration (figure 5).

    Parameters
    ----------
    every : sequence of ConvergenceData
        Of one photo, or of several to average: the residuals geometrically, PSNR and RMSE
        arithmetically.
    name : str
        Of the network.
    solver : SolverSettings
        Whose tolerance is marked.
    theme : {"light", "dark"}
        The page.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> quality = QualityTrace([0, 1, 2], {region: [0.1, 0.06, 0.05] for region in REGIONS})
    >>> data = ConvergenceData([0.5, 0.1], quality, {}, Window(0, 0, 4, 6))
    >>> figure = draw_convergence([data], "letnet", method("letnet").solver)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Relative residual', 'PSNR (dB)', 'RMSE']
    """
    common = min(len(data.residuals) for data in every)
    residuals = [
        math.exp(statistics.fmean(math.log(max(value, _LEAST_RESIDUAL)) for value in values))
        for values in zip(*(data.residuals[:common] for data in every), strict=True)
    ]
    traces = [data.quality.until(common) for data in every]
    return convergence_figure({name: residuals}, traces, tolerance=solver.tolerance, theme=theme)


def draw_errors(data: ConvergenceData, theme: ThemeName = "light") -> Figure:
    """Draw the error maps at some iterations, on one scale (figure 6).

    Examples
    --------
    >>> import numpy as np
    >>> trace = QualityTrace([0], {region: [0.1] for region in REGIONS})
    >>> maps = {1: np.full((4, 6), 0.2, np.float32), 8: np.full((4, 6), 0.1, np.float32)}
    >>> figure = draw_errors(ConvergenceData([0.5], trace, maps, Window(0, 0, 4, 6)))
    >>> [axes.get_title() for axes in figure.axes][:2]
    ['K = 1  (mean 0.200)', 'K = 8  (mean 0.100)']
    """
    maps = {f"K = {number}": error for number, error in data.error_maps.items()}
    return error_figure(maps, "Absolute error (linear ProPhoto)", theme=theme)


def draw_gamuts(
    methods: Sequence[Method], reference: FloatImage, settings: EvaluationSettings
) -> Figure:
    """Draw the gamuts of original, input and what networks restored (figure 3).

    Parameters
    ----------
    methods : sequence of Method
        What restores it.
    reference : ndarray, float32, shape (H, W, 3)
        The finished original, linear ProPhoto RGB in 0..1.
    settings : EvaluationSettings
        Protocol, JPEG, solver.

    Examples
    --------
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> figure = draw_gamuts(methods(["letnet-box"]), wide_gamut_chart(8), EvaluationSettings())
    >>> [axes.get_title() for axes in figure.axes][:3]
    ['Original', 'sRGB', 'letnet-box']
    """
    codes, _ = reduced(reference, settings)
    images = {"Original": reference, "sRGB": _naive(codes, settings)}
    for method in methods:
        images[method.name] = expand(codes, method, settings.expansion_settings(method)).values
    return chromaticity_figure(images)


def draw_photos(
    methods: Sequence[Method],
    photos: Iterable[tuple[str, FloatImage, ColourSpace | None]],
    style: Style,
    settings: EvaluationSettings,
) -> Iterator[tuple[str, Figure]]:
    """Draw all the figures of photos in one style, then their averages if they are several.

    Parameters
    ----------
    methods : sequence of Method
        Those that have no fixed point are drawn in the gamut plots alone.
    photos : iterable of (name, ndarray, ColourSpace or None)
        Originals: float32, shape (H, W, 3), linear ProPhoto RGB in 0..1; and their source gamuts,
        where they are known.
    style : Style
        How the photos are finished.
    settings : EvaluationSettings
        Protocol, JPEG, solver.

    Yields
    ------
    (str, Figure)
        What is shown, "<photo> gamuts", "<photo> convergence <method>" and "<photo> errors
        <method>", and its figure; "average" stands for the photo of an average.

    Examples
    --------
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> chart = [("chart", wide_gamut_chart(8), None)]
    >>> drawn = draw_photos(methods(["naive"]), chart, STYLES["vivid"], EvaluationSettings())
    >>> [title for title, _ in drawn]  # the naive inversion has no fixed point
    ['chart gamuts']
    """
    measured: list[tuple[LetNetMethod, list[ConvergenceData]]] = [
        (method, []) for method in methods if is_equilibrium(method)
    ]
    for name, original, gamut in photos:
        reference, told = style.apply(original), settings.told(gamut, style)
        yield f"{name} gamuts", draw_gamuts(methods, reference, told)
        for method, sofar in measured:
            data = convergence_data(method, reference, told)
            yield f"{name} convergence {method.name}", _draw([data], method, settings)
            if data.error_maps:
                yield f"{name} errors {method.name}", draw_errors(data)
            sofar.append(replace(data, error_maps={}))
    for method, every in measured:
        if len(every) > 1:
            yield f"average convergence {method.name}", _draw(every, method, settings)


def _draw(
    every: Sequence[ConvergenceData], method: LetNetMethod, settings: EvaluationSettings
) -> Figure:
    solver = settings.expansion_settings(method).solver
    assert solver is not None
    return draw_convergence(every, method.name, solver)


def _naive(codes: Codes, settings: EvaluationSettings) -> FloatImage:
    return convert(naive_inversion(codes), SRGB, PROPHOTO, settings.protocol.adaptation)
