"""The iterates of a solver, kept in a form that a slider can show at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.gamut import ROUNDING, out_of_gamut_mask
from core.metrics import delta_e_map, mse_by_region
from napari_gamut.photos import LayerError, same_size
from napari_gamut.requests import Request, prepared
from napari_gamut.seeing import MUTED, rendered

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from core.methods.convergence import Window
    from core.metrics import Region
    from core.network.solver import SolverSettings
    from core.pictures import QualityTrace
    from core.progress import Check
    from napari_gamut.photos import LayerPhoto

LARGEST = 1_000_000
"""Pixels of a preview: enough for a view, and its iterates fit into memory."""


@dataclass(frozen=True, eq=False)
class Kept:
    """One iteration, ready to be shown.

    Attributes
    ----------
    image : ndarray, uint8, shape (h, w, 3)
        Rendered for people: muted, or for a screen.
    change : ndarray, float16, shape (h, w)
        Colour difference (CIEDE2000) to the iteration before; to naive inversion for the first.
    error : ndarray, float16, shape (h, w), or None
        Colour difference to the reference.
    """

    image: npt.NDArray[np.uint8]
    change: npt.NDArray[np.float16]
    error: npt.NDArray[np.float16] | None


@dataclass(frozen=True, eq=False)
class Trace:
    """The course of one solve.

    Attributes
    ----------
    label : str
        The solver and its settings.
    top, left : int
        Where the window lies in the photo.
    tolerance : float
        Relative residual at which the solver stops.
    residuals : list of float
        After iterations 1, 2, ...
    kept : list of Kept
        The same iterations.
    mse : dict of Region to list of float
        Errors against the reference; empty without one.
    """

    label: str
    top: int
    left: int
    tolerance: float
    residuals: list[float] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    mse: dict[Region, list[float]] = field(default_factory=dict)

    @property
    def quality(self) -> QualityTrace | None:
        """The errors as the drawing takes them; None without a reference."""
        from core.pictures import QualityTrace

        if not self.mse:
            return None
        return QualityTrace(range(1, len(self.residuals) + 1), self.mse)

    def limits(self, name: str, number: int) -> tuple[float, float]:
        """Return the ends of the colour scale for a map at an iteration.

        Changes become a thousand times smaller on the way, so that each has its own scale;
        errors have one for all iterations.
        """
        from core.pictures import shared_limits

        chosen = self.kept if name == "error" else [self.kept[number - 1]]
        maps = [getattr(kept, name) for kept in chosen]
        return shared_limits(values.astype(np.float32) for values in maps if values is not None)


def label_of(solver: SolverSettings) -> str:
    """Return a solver's name with its settings."""
    if solver.method == "picard":
        return f"Picard, β = {solver.damping:g}"
    return f"Anderson, m = {solver.memory}, β = {solver.damping:g}"


def window_within(size: tuple[int, int], bounds: tuple[float, ...] | None, scale: int) -> Window:
    """Return the part of a photo to be solved.

    Parameters
    ----------
    size : (int, int)
        Height and width of the photo.
    bounds : (top, left, bottom, right) or None
        A rectangle in pixels; None for the largest preview in the middle.
    scale : int
        The window begins on the grid of the network.

    Raises
    ------
    LayerError
        If the rectangle lies outside the photo.
    """
    from core.methods.convergence import Window

    height, width = size
    if bounds is None:
        shrink = min(1.0, (LARGEST / (height * width)) ** 0.5)
        part_height, part_width = int(height * shrink), int(width * shrink)
        top, left = (
            (n - part) // 2 // scale * scale
            for n, part in zip(size, (part_height, part_width), strict=True)
        )
        return Window(top, left, part_height, part_width)
    top, left = (max(0, int(bounds[i]) // scale * scale) for i in (0, 1))
    bottom, right = min(height, int(np.ceil(bounds[2]))), min(width, int(np.ceil(bounds[3])))
    if bottom <= top or right <= left:
        raise LayerError("The region lies outside the photo; draw it over the photo.")
    if (bottom - top) * (right - left) > LARGEST:
        raise LayerError(
            f"The region has {(bottom - top) * (right - left) / 1e6:.1f} megapixels; draw one of "
            f"at most {LARGEST / 1e6:g}."
        )
    return Window(top, left, bottom - top, right - left)


def solve_visibly(
    photo: LayerPhoto,
    request: Request,
    solver_changes: dict[str, Any],
    reference: LayerPhoto | None = None,
    bounds: tuple[float, ...] | None = None,
    look: str = MUTED,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, Trace]:
    """Solve for a part of a photo and keep every iteration.

    Parameters
    ----------
    photo : LayerPhoto
        The sRGB photo.
    request : Request
        Model, space, screen.
    solver_changes : dict
        Fields of :class:`core.network.solver.SolverSettings` that differ from the model's own.
    reference : LayerPhoto, optional
        Its wide-gamut original.
    bounds : (top, left, bottom, right), optional
        The part, in pixels.
    look : str
        How iterations are rendered, a key of :data:`napari_gamut.seeing.LOOKS`.
    check : callable, optional
        Called before each iteration; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Iterations done, and the most that may come.

    Raises
    ------
    PhotoError
        If the model has no fixed point, or the part cannot be solved.
    """
    from core.methods.convergence import iterates
    from core.methods.letnet import is_equilibrium

    yield 0, 0
    if reference is not None:
        same_size(photo, reference)
    method, settings = prepared(request)
    if not is_equilibrium(method):
        raise LayerError(f"{method.name} has no iterations; choose an equilibrium network.")
    model = method.model
    solver = replace(settings.solver or model.descriptor.solver, **solver_changes)
    settings = replace(settings, solver=solver)
    codes = photo.codes()
    window = window_within(photo.size, bounds, model.network.config.scale)
    part = (window.rows, window.columns)
    trace = Trace(label_of(solver), window.top, window.left, solver.tolerance)
    original = mask = None
    if reference is not None:
        original = reference.prophoto()[part]
        mask = out_of_gamut_mask(convert(original, PROPHOTO, SRGB), margin=ROUNDING)
    last = photo.prophoto()[part]
    naive = photo.linear(SRGB)[part]
    for step in iterates(codes, method, settings, window, check):
        values = step.values()
        seen = np.clip(convert(values, settings.space, PROPHOTO), 0.0, 1.0)
        error = None
        if original is not None and mask is not None:
            error = delta_e_map(original, seen).astype(np.float16)
            for region, mse in mse_by_region(original, seen, mask).items():
                trace.mse.setdefault(region, []).append(mse)
        change = delta_e_map(last, seen).astype(np.float16)
        scene = convert(values, settings.space, SRGB, settings.adaptation)
        trace.kept.append(Kept(rendered(scene, look, naive), change, error))
        trace.residuals.append(step.residual)
        last = seen
        yield step.number, solver.max_steps
    return trace
