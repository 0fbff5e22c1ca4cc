"""What people ask of the engine, and the method and settings that it means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.colour import WIDE_SPACES
from core.methods.registry import EMBEDDED, entries
from core.source_gamut import UNKNOWN, source_named

if TYPE_CHECKING:
    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Method

OWN_FILE = "file"
AS_FILE = "file"
"""The source that a photo's file states: by what it carries, else by its metadata."""


def method_choices(*, carried: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the methods to choose from: titles for people, and names of the engine.

    Parameters
    ----------
    carried : bool
        Whether what a photo's own file carries is among them.

    Returns
    -------
    tuple of (str, str)
        "file" stands for the path of weights beside it. Nothing is loaded for it.
    """
    found = [
        (entry.title, name)
        for name, entry in entries().items()
        if not (entry.needs_original or entry.study) and (carried or name != EMBEDDED)
    ]
    return (*found, ("Own weights file", OWN_FILE))


@dataclass(frozen=True)
class Request:
    """What a person asks of the engine.

    Attributes
    ----------
    model : str
        A method's name or the path of a weights file, as for
        :func:`core.methods.registry.method`.
    space, source : str
        Keys of the target space, and of the one in which the photo's colours lay, or "unknown",
        or :data:`AS_FILE`, which the photo decides.
    strength, tolerance : float
        As in :class:`core.engine.expansion.ExpansionSettings`.
    iterations : int
        Most evaluations of the cell.
    project : bool
        Whether the result reduces to the same sRGB photo again.
    display : str
        Key of the screen's space.
    device : str
        Where the network runs.
    tile : int
        Side of a tile in pixels.
    """

    model: str = "letnet-box"
    space: str = "prophoto"
    source: str = UNKNOWN
    strength: float = 1.0
    tolerance: float = 0.0
    iterations: int = 50
    project: bool = True
    display: str = "srgb"
    device: str = "auto"
    tile: int = 512


def prepared(request: Request) -> tuple[Method, ExpansionSettings]:
    """Return the method and the engine's settings that a request means.

    Raises
    ------
    PhotoError
        If there is no such method.
    """
    from core.engine.expansion import ExpansionSettings
    from core.engine.memory import keep_freed_memory
    from core.methods.registry import method

    keep_freed_memory()
    chosen = method(request.model)
    solver = None
    if chosen.solver is not None:
        solver = replace(chosen.solver, max_steps=request.iterations)
    settings = ExpansionSettings(
        space=WIDE_SPACES[request.space],
        source=None if request.source == AS_FILE else source_named(request.source),
        tolerance=request.tolerance,
        strength=request.strength,
        project=request.project,
        solver=solver,
        device=request.device,
        tile=request.tile,
    )
    return chosen, settings
