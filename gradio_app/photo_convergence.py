"""A photo at every iteration of the solver: what the tab and the API have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from gradio_app.uploads import checked, without_paths

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from core.gamut import Codes, FloatImage
    from core.network.solver import SolverSettings
    from gradio_app.context import Workplace

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


@dataclass(frozen=True)
class Watching:
    """What somebody wants to watch, checked.

    Attributes
    ----------
    model : str
        An equilibrium network.
    method : {"anderson", "picard"}
        The solver.
    memory : int
        Of Anderson's.
    damping : float
        Of both.
    max_steps : int
        At most :data:`MOST_STEPS`.
    side : int
        Of the part that is looked at, in pixels.
    """

    model: str
    method: str = "anderson"
    memory: float = 5
    damping: float = 1.0
    max_steps: float = 30
    side: float = 256

    def __post_init__(self) -> None:
        """Refuse what is too much, in one sentence."""
        if not 1 <= self.memory <= MOST_MEMORY:
            raise PhotoError(
                f"The memory m lies between 1 and {MOST_MEMORY}; choose such a number."
            )
        if not 1 <= self.max_steps <= MOST_STEPS:
            raise PhotoError(f"Choose between 1 and {MOST_STEPS} steps.")
        if not SMALLEST <= self.side <= LARGEST:
            raise PhotoError(f"Choose a side between {SMALLEST} and {LARGEST} pixels.")

    def solver(self, default: SolverSettings) -> SolverSettings:
        """Return a network's solver settings with these changes.

        Raises
        ------
        PhotoError
            If one is out of range.
        """
        try:
            return replace(
                default,
                method=self.method,  # type: ignore[arg-type]
                memory=int(self.memory),
                damping=float(self.damping),
                max_steps=int(self.max_steps),
            )
        except (TypeError, ValueError) as error:
            raise PhotoError(f"{error} Choose another one.") from error


def convergence(
    place: Workplace, path: str | None, wanted: Watching, folder: Path | None
) -> Generator[tuple[int, int], None, Trace]:
    """Watch a solver at work on the part of an upload that lost the most colour.

    Parameters
    ----------
    place : Workplace
        Models and limits.
    path : str or None
        The upload.
    wanted : Watching
        The network, its solver, the size of the part.
    folder : Path or None
        Where pictures are written; there are none unless it is given.

    Yields
    ------
    (int, int)
        Iterations done, and the most that there will be.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    upload = checked(path, place.uploads, place.settings)
    place.begin()
    method = place.method(wanted.model)
    if not is_equilibrium(method):
        raise PhotoError(f"{wanted.model} does not iterate; choose an equilibrium network.")
    assert method.solver is not None
    solver = wanted.solver(method.solver)
    with without_paths(upload):
        photo = read(upload.path, limits=place.settings.limits)
    stored = photo.srgb_codes()
    codes = reduce(photo.scene()) if stored is None else stored
    settings = ExpansionSettings(
        solver=solver,
        tolerance=LOSSY_TOLERANCE if photo.lossy else 0.0,
        device=place.settings.device,
    )
    window = busiest_window(codes, int(wanted.side), settings.tolerance)
    states: list[FloatImage] = []
    residuals: list[float] = []
    for iterate in iterates(codes, method, settings, window):
        residuals.append(iterate.residual)
        states.append(iterate.values())
        yield iterate.number, solver.max_steps
    part = codes[window.rows, window.columns]
    pictures = () if folder is None else _pictures(states, part, folder)
    differences, largest = ((), 0.0) if folder is None else _differences(states, folder)
    return Trace(
        _title(solver),
        tuple(residuals),
        solver.tolerance,
        pictures,
        differences,
        largest,
        reduced=stored is None,
    )


def _pictures(states: list[FloatImage], part: Codes, folder: Path) -> tuple[str, ...]:
    paths = []
    for number, state in enumerate(states, start=1):
        path = folder / f"iteration-{number:02d}.png"
        write_codes(path, prophoto_screen_codes(state, part), DISPLAY_P3)
        paths.append(str(path))
    return tuple(paths)


def _differences(states: list[FloatImage], folder: Path) -> tuple[tuple[str, ...], float]:
    maps = [delta_e_map(states[-1], state) for state in states]
    scale = shared_limits(maps)
    paths = []
    for number, values in enumerate(maps, start=1):
        path = folder / f"difference-{number:02d}.png"
        write_codes(path, heat_map(values, scale)[..., :3], SRGB)
        paths.append(str(path))
    return tuple(paths), scale[1]


def _title(solver: SolverSettings) -> str:
    if solver.method == "picard":
        return f"Picard, β = {solver.damping:g}"
    return f"Anderson, m = {solver.memory}, β = {solver.damping:g}"
