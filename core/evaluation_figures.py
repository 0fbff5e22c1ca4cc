"""The paper's figures of one photo: quality by iteration, error maps, gamut plots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.colour import PROPHOTO, SRGB, convert
from core.convergence import Window, iterates, largest_window
from core.evaluation import reduced
from core.expansion import expand
from core.figures import QualityTrace, chromaticity_figure, convergence_figure, error_figure
from core.gamut import naive_inversion
from core.metrics import REGIONS, Region, absolute_error_map, mse_by_region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from core.evaluation import EvaluationSettings
    from core.gamut import Codes, FloatImage
    from core.models import Model
    from core.solver import SolverSettings
    from core.styles import Style

ERROR_ITERATIONS = (10, 15, 20, 30, 40, 50)
"""Those of figure 6 of Xiao et al. 2024."""


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
    model: Model,
    reference: FloatImage,
    settings: EvaluationSettings,
    iterations: Sequence[int] = ERROR_ITERATIONS,
) -> ConvergenceData:
    """Restore a photo, measuring every iteration.

    Parameters
    ----------
    model : Model
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
    """
    codes, outside = reduced(reference, settings)
    window = largest_window(codes.shape, model.network.config)
    part = (window.rows, window.columns)
    solver = settings.expansion.solver or model.descriptor.solver
    solver = replace(solver, max_steps=max(iterations), tolerance=0.0)
    expansion = replace(settings.expansion_settings(), solver=solver)
    truth, mask = reference[part], outside[part]
    mse = mse_by_region(truth, _naive(codes[part], settings), mask)
    traces: dict[Region, list[float]] = {region: [mse[region]] for region in REGIONS}
    residuals: list[float] = []
    maps: dict[int, FloatImage] = {}
    for step in iterates(codes, model, expansion, window):
        values = step.values()
        residuals.append(step.residual)
        mse = mse_by_region(truth, values, mask)
        for region in REGIONS:
            traces[region].append(mse[region])
        if step.number in iterations:
            maps[step.number] = absolute_error_map(truth, values)
    quality = QualityTrace(range(len(residuals) + 1), traces)
    return ConvergenceData(residuals, quality, maps, window)


def draw_convergence(data: ConvergenceData, name: str, solver: SolverSettings) -> Figure:
    """Draw PSNR and RMSE of the three regions against the iteration (figure 5)."""
    return convergence_figure({name: data.residuals}, data.quality, tolerance=solver.tolerance)


def draw_errors(data: ConvergenceData) -> Figure:
    """Draw the error maps at some iterations, on one scale (figure 6)."""
    maps = {f"K = {number}": error for number, error in data.error_maps.items()}
    return error_figure(maps, "Absolute error (linear ProPhoto)")


def draw_gamuts(
    models: Mapping[str, Model], reference: FloatImage, settings: EvaluationSettings
) -> Figure:
    """Draw the gamuts of original, input and what networks restored (figure 3).

    Parameters
    ----------
    models : mapping of title to Model
        The networks.
    reference : ndarray, float32, shape (H, W, 3)
        The finished original, linear ProPhoto RGB in 0..1.
    settings : EvaluationSettings
        Protocol, JPEG, solver.
    """
    codes, _ = reduced(reference, settings)
    images = {"Original": reference, "sRGB": _naive(codes, settings)}
    for title, model in models.items():
        images[title] = expand(codes, model, settings.expansion_settings()).values
    return chromaticity_figure(images)


def draw_photo(
    models: Mapping[str, Model], original: FloatImage, style: Style, settings: EvaluationSettings
) -> dict[str, Figure]:
    """Draw all the figures of one photo in one style.

    Parameters
    ----------
    models : mapping of title to Model
        Networks; those that have no fixed point are drawn in the gamut plots alone.
    original : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.
    style : Style
        How the photo is finished.
    settings : EvaluationSettings
        Protocol, JPEG, solver.

    Returns
    -------
    dict of str to Figure
        By what they show: "gamuts", "convergence <title>", "errors <title>".
    """
    reference = style.apply(original)
    figures = {"gamuts": draw_gamuts(models, reference, settings)}
    for title, model in models.items():
        if model.network.config.mode == "implicit":
            data = convergence_data(model, reference, settings)
            solver = settings.expansion.solver or model.descriptor.solver
            figures[f"convergence {title}"] = draw_convergence(data, title, solver)
            if data.error_maps:
                figures[f"errors {title}"] = draw_errors(data)
    return figures


def _naive(codes: Codes, settings: EvaluationSettings) -> FloatImage:
    return convert(naive_inversion(codes), SRGB, PROPHOTO, settings.protocol.adaptation)
