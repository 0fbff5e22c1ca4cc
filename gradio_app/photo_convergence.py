"""A photo at every iteration of the solver: what the tab and the API have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.colour import DISPLAY_P3, SRGB
from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.files import read, write_codes
from core.gamut import LOSSY_TOLERANCE, reduce
from core.methods.convergence import iterates
from core.methods.letnet import is_equilibrium
from core.metrics import delta_e_map
from core.pictures import heat_map, shared_limits
from core.pictures.busiest_window import busiest_window
from core.pictures.previews import prophoto_screen_codes
from gradio_app.uploads import checked, sentence

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.gamut import FloatImage
    from core.network.solver import SolverSettings
    from core.progress import Check
    from gradio_app.context import Context

SMALLEST, LARGEST = 64, 512
"""Sides of the part that is looked at, in pixels."""

MOST_STEPS = 60
MOST_MEMORY = 10


@dataclass(frozen=True)
class Trace:
    """What a solver did, iteration by iteration.

    Attributes
    ----------
    title : str
        The solver and its settings.
    residuals : tuple of float
        Relative residual of each iteration.
    tolerance : float
        The residual at which it stops.
    pictures, differences : tuple of str
        Paths of the photo at each iteration (PNG, Display P3), and of its CIEDE2000 to the last
        one (PNG, sRGB).
    largest_difference : float
        CIEDE2000 of the brightest colour of the differences.
    reduced : bool
        Whether the photo was wide-gamut and had to be reduced to sRGB first.
    """

    title: str
    residuals: tuple[float, ...]
    tolerance: float
    pictures: tuple[str, ...]
    differences: tuple[str, ...]
    largest_difference: float
    reduced: bool


def convergence(
    context: Context,
    path: str | None,
    name: str,
    solver: SolverSettings,
    side: int,
    folder: str,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, Trace]:
    """Watch a solver at work on the part of an upload that lost the most colour.

    Parameters
    ----------
    context : Context
        Models and limits.
    path : str or None
        The upload.
    name : str
        An equilibrium network.
    solver : SolverSettings
        How its fixed point is sought.
    side : int
        Of the part, in pixels.
    folder : str
        Where pictures are written.
    check : callable, optional
        Called before each iteration; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Iterations done, and the most that there will be.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    method = context.method(name)
    if not is_equilibrium(method):
        raise PhotoError(f"{name} does not iterate; choose an equilibrium network.")
    if not SMALLEST <= side <= LARGEST or solver.max_steps > MOST_STEPS:
        raise PhotoError(
            f"Choose a side between {SMALLEST} and {LARGEST} pixels and at most {MOST_STEPS} steps."
        )
    upload = checked(path, context.uploads, context.settings)
    try:
        photo = read(upload.path, limits=context.settings.limits)
    except PhotoError as error:
        raise PhotoError(sentence(error, upload.path)) from error
    stored = photo.srgb_codes()
    codes = reduce(photo.scene()) if stored is None else stored
    settings = ExpansionSettings(
        solver=solver,
        tolerance=LOSSY_TOLERANCE if upload.lossy else 0.0,
        device=context.settings.device,
    )
    window = busiest_window(codes, side, settings.tolerance)
    part = codes[window.rows, window.columns]
    place = Path(folder)
    states: list[FloatImage] = []
    residuals: list[float] = []
    pictures: list[str] = []
    for iterate in iterates(codes, method, settings, window, check):
        states.append(iterate.values())
        residuals.append(iterate.residual)
        picture = place / f"iteration-{iterate.number:02d}.png"
        write_codes(picture, prophoto_screen_codes(states[-1], part), DISPLAY_P3)
        pictures.append(str(picture))
        yield iterate.number, solver.max_steps
    maps = [delta_e_map(states[-1], state) for state in states]
    scale = shared_limits(maps)
    differences = []
    for number, values in enumerate(maps, start=1):
        picture = place / f"difference-{number:02d}.png"
        write_codes(picture, heat_map(values, scale)[..., :3], SRGB)
        differences.append(str(picture))
    return Trace(
        _title(solver),
        tuple(residuals),
        solver.tolerance,
        tuple(pictures),
        tuple(differences),
        scale[1],
        reduced=stored is None,
    )


def solver_settings(
    default: SolverSettings, method: str, memory: float, damping: float, max_steps: float
) -> SolverSettings:
    """Return a network's solver settings with somebody's changes.

    Raises
    ------
    PhotoError
        If one is out of range.
    """
    if not 1 <= memory <= MOST_MEMORY:
        raise PhotoError(f"The memory m lies between 1 and {MOST_MEMORY}; choose such a number.")
    if not 1 <= max_steps <= MOST_STEPS:
        raise PhotoError(f"Choose between 1 and {MOST_STEPS} steps.")
    try:
        return replace(
            default,
            method=method,  # type: ignore[arg-type]
            memory=int(memory),
            damping=float(damping),
            max_steps=int(max_steps),
        )
    except (TypeError, ValueError) as error:
        raise PhotoError(f"{error} Choose another one.") from error


def _title(solver: SolverSettings) -> str:
    if solver.method == "picard":
        return f"Picard, β = {solver.damping:g}"
    return f"Anderson, m = {solver.memory}, β = {solver.damping:g}"
