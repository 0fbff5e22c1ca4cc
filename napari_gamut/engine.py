"""The engine on layers: the work of a panel, step by step, without any window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import WIDE_SPACES
from core.gamut import clipped_mask, share
from core.methods.registry import EMBEDDED, entries
from core.pictures.screens import DISPLAYS, display_image, display_pyramid
from napari_gamut.layer_data import LayerError
from napari_gamut.metadata import Provenance, Record, WidePixels
from napari_gamut.stacks import Frames

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Method
    from core.gamut import Codes, FloatImage
    from core.progress import Check
    from napari_gamut.layer_data import LayerPhoto

LONGEST_SINGLE = 8192
"""Photos with a longer side are shown from several levels of detail."""

OWN_FILE = "file"


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
    space : str
        Key of the target space.
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
    strength: float = 1.0
    tolerance: float = 0.0
    iterations: int = 50
    project: bool = True
    display: str = "srgb"
    device: str = "auto"
    tile: int = 512


@dataclass(frozen=True, eq=False)
class Expanded:
    """An expanded layer, to be added to the viewer.

    Attributes
    ----------
    data : ndarray, Frames, or list of ndarray, uint8
        What is shown; a list holds levels of detail.
    record : Record
        What travels with it.
    """

    data: Any
    record: Record


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
        tolerance=request.tolerance,
        strength=request.strength,
        project=request.project,
        solver=solver,
        device=request.device,
        tile=request.tile,
    )
    return chosen, settings


def expand_photo(
    photo: LayerPhoto, request: Request, check: Check | None = None
) -> Generator[tuple[int, int], None, Expanded]:
    """Expand a layer's photo; yields tiles done and tiles in all, and returns the result.

    A stack is returned at once: see :class:`napari_gamut.stacks.Frames`.

    Raises
    ------
    PhotoError
        If the layer's values are no codes, or the method cannot be used.
    """
    from core.engine.expansion import expansion

    yield 0, 0
    method, settings = prepared(request)
    if photo.leading:
        if request.model == EMBEDDED:
            raise LayerError("A stack carries no network of its own; choose another method.")
        photo.frame((0,) * len(photo.leading)).codes()
        return _stack(photo, request, method, settings)
    codes = photo.codes()
    method = _bound(method, photo, codes)
    expanded = yield from expansion(codes, method, settings, check)
    made = replace(
        _made(photo, request, method),
        steps=tuple(tile.steps for tile in expanded.tiles),
        residuals=tuple(tile.residual for tile in expanded.tiles),
        unconverged=sum(tile.status.failed for tile in expanded.tiles),
        clipped_share=share(clipped_mask(codes, request.tolerance)),
    )
    wide = WidePixels(expanded.values, request.space, settings.adaptation, request.display)
    data: Any
    if max(photo.size) > LONGEST_SINGLE:
        data = display_pyramid(expanded.values, settings.space, DISPLAYS[request.display])
    else:
        data = display_image(expanded.values, settings.space, DISPLAYS[request.display])
    return Expanded(data, replace(photo.record, wide=wide, made=made, alpha=photo.alpha()))


def _bound(method: Method, photo: LayerPhoto, codes: Codes) -> Method:
    """Return the method for this photo, whose file may carry a network or a hint of it."""
    from core.engine.method import Needs, Subject
    from core.engine.tiling import ArraySource
    from core.files import carried_bytes

    path = photo.record.path
    if not path and method.needs is Needs.PAYLOAD:
        raise LayerError(
            f"“{photo.name}” comes from no file, so it carries no network; choose another method."
        )
    if not path:
        return method
    try:
        payload = carried_bytes(Path(path))
    except OSError:
        # A layer outlives its file.
        payload = None
    return method.bound(Subject(ArraySource(codes), payload, str(path)))


def _made(photo: LayerPhoto, request: Request, method: Method) -> Provenance:
    return Provenance(
        source=photo.name,
        model=method.name,
        sha256=method.sha256,
        strength=request.strength,
        tolerance=request.tolerance,
    )


def _stack(
    photo: LayerPhoto, request: Request, method: Method, settings: ExpansionSettings
) -> Expanded:
    import dask
    import dask.array as da

    from core.engine.expansion import expansion

    def solve(
        frame: LayerPhoto, check: Check | None = None
    ) -> Generator[tuple[int, int], None, FloatImage]:
        expanded = yield from expansion(frame.codes(), method, settings, check)
        return expanded.values

    def render(values: FloatImage) -> Any:
        return display_image(values, settings.space, DISPLAYS[request.display])

    frames = Frames(photo, solve, render)
    lazy = [
        da.from_delayed(dask.delayed(frames.values, pure=False)(i), frames.shape[-3:], np.float32)
        for i in np.ndindex(photo.leading)
    ]
    wide = WidePixels(
        da.stack(lazy).reshape(frames.shape), request.space, settings.adaptation, request.display
    )
    record = replace(photo.record, wide=wide, made=_made(photo, request, method))
    return Expanded(frames, record)
