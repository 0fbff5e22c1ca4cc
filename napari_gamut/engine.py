"""The engine on layers: the work of a panel, step by step, without any window."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import WIDE_SPACES
from core.gamut import clipped_mask, share
from core.names import EMBEDDED, NAIVE
from core.pictures.screens import DISPLAYS, display_image, display_pyramid
from napari_gamut.layer_data import LayerError
from napari_gamut.metadata import Provenance, Record, WidePixels
from napari_gamut.stacks import Frames

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.engine.expansion import ExpansionSettings, Restorer, TileReport
    from core.gamut import Codes, FloatImage
    from core.network.models import Model
    from core.payload.gamut_mlp import GamutMlp
    from napari_gamut.layer_data import LayerPhoto

LONGEST_SINGLE = 8192
"""Photos with a longer side are shown from several levels of detail."""

OWN_FILE = "file"

_LABELS = {"letnet-box": "LETNet-box (recommended)", "letnet": "LETNet (the paper's form)"}


def model_choices() -> tuple[tuple[str, str], ...]:
    """Return the models to choose from: names for people, and those of the engine.

    "file" stands for a path beside it. Torch is not imported for it.
    """
    hashes = json.loads((resources.files("core") / "weights" / "SHA256.json").read_text())
    known = [name for name in _LABELS if name in hashes]
    shipped = [*known, *sorted(set(hashes) - set(known))]
    return (
        *((_LABELS.get(name, name), name) for name in shipped),
        ("Own weights file", OWN_FILE),
        ("Naive inversion (restores nothing)", NAIVE),
    )


@dataclass(frozen=True)
class Request:
    """What a person asks of the engine.

    Attributes
    ----------
    model : str
        A shipped network's name, the path of a weights file, "embedded" for the one that the photo
        carries, or "naive".
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


def prepared(request: Request) -> tuple[Model | None, ExpansionSettings]:
    """Return the network and the engine's settings that a request means.

    There is none for the naive inversion, and none yet for the networks that photos carry.

    Raises
    ------
    PhotoError
        If there is no such network.
    """
    from core.engine.expansion import ExpansionSettings
    from core.engine.memory import keep_freed_memory
    from core.network.models import load_model

    keep_freed_memory()
    model = None if request.model in (NAIVE, EMBEDDED) else load_model(request.model)
    solver = None
    if model is not None:
        solver = replace(model.descriptor.solver, max_steps=request.iterations)
    settings = ExpansionSettings(
        space=WIDE_SPACES[request.space],
        tolerance=request.tolerance,
        strength=request.strength,
        project=request.project,
        solver=solver,
        device=request.device,
        tile=request.tile,
    )
    return model, settings


def expand_photo(photo: LayerPhoto, request: Request) -> Generator[tuple[int, int], None, Expanded]:
    """Expand a layer's photo; yields tiles done and tiles in all, and returns the result.

    A stack is returned at once: see :class:`napari_gamut.stacks.Frames`.

    Raises
    ------
    PhotoError
        If the layer's values are no codes, or the network cannot be used.
    """
    yield 0, 0
    model, settings = prepared(request)
    if photo.leading:
        if request.model == EMBEDDED:
            raise LayerError("A stack carries no network of its own; choose another model.")
        photo.frame((0,) * len(photo.leading)).codes()
        return _stack(photo, request, model, settings)
    codes = photo.codes()
    restorer = _own_network(photo, codes) if request.model == EMBEDDED else model
    values, tiles = yield from _solved(codes, restorer, settings)
    made = replace(
        _made(photo, request, restorer),
        steps=tuple(tile.steps for tile in tiles),
        residuals=tuple(tile.residual for tile in tiles),
        unconverged=sum(tile.status.value != "converged" for tile in tiles),
        clipped_share=share(clipped_mask(codes, request.tolerance)),
    )
    wide = WidePixels(values, request.space, settings.adaptation, request.display)
    data: Any
    if max(photo.size) > LONGEST_SINGLE:
        data = display_pyramid(values, settings.space, DISPLAYS[request.display])
    else:
        data = display_image(values, settings.space, DISPLAYS[request.display])
    return Expanded(data, replace(photo.record, wide=wide, made=made, alpha=photo.alpha()))


def _own_network(photo: LayerPhoto, codes: Codes) -> GamutMlp:
    from core.payload.embedding import embedded_network

    if not photo.record.path:
        raise LayerError(
            f"“{photo.name}” comes from no file, so it carries no network; choose another model."
        )
    return embedded_network(photo.record.path, codes=codes)


def _solved(
    codes: Codes, model: Restorer | None, settings: ExpansionSettings
) -> Generator[tuple[int, int], None, tuple[FloatImage, list[TileReport]]]:
    from core.engine.expansion import expand_bands
    from core.engine.tiling import ArraySource

    values = np.empty(codes.shape, np.float32)
    tiles: list[TileReport] = []
    with closing(expand_bands(ArraySource(codes), model, settings)) as bands:
        for band in bands:
            if band.values is not None:
                values[band.top : band.top + len(band.values)] = band.values
                tiles.extend(band.tiles)
            yield band.done, band.total
    return values, tiles


def _made(photo: LayerPhoto, request: Request, model: Restorer | None) -> Provenance:
    return Provenance(
        source=photo.name,
        model=model.name if model else NAIVE,
        sha256=model.sha256 if model else "",
        strength=request.strength,
        tolerance=request.tolerance,
    )


def _stack(
    photo: LayerPhoto, request: Request, model: Model | None, settings: ExpansionSettings
) -> Expanded:
    import dask
    import dask.array as da

    def solve(frame: LayerPhoto) -> Generator[tuple[int, int], None, FloatImage]:
        values, _ = yield from _solved(frame.codes(), model, settings)
        return values

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
    record = replace(photo.record, wide=wide, made=_made(photo, request, model))
    return Expanded(frames, record)
