"""The engine on layers: the work of a panel, step by step, without any window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import SRGB, convert
from core.gamut import clipped_mask, naive_inversion, share
from core.methods.registry import EMBEDDED, NAIVE
from core.pictures.screens import DISPLAYS, display_image
from core.source_gamut import UNKNOWN
from napari_gamut.levels import levels
from napari_gamut.origins import carried_by
from napari_gamut.photos import LayerError
from napari_gamut.previewing import WORTH_IT, glimpse, glimpse_again
from napari_gamut.records import Fingerprint, Provenance, Record, WidePixels
from napari_gamut.requests import AS_FILE, Request, prepared
from napari_gamut.saving import metadata_of
from napari_gamut.seeing import MUTED, gain_between
from napari_gamut.stacks import Frames

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Method, TileReport
    from core.engine.solved import SolvedPhoto
    from core.gamut import Codes, FloatImage
    from core.pictures.seen import Gain
    from core.progress import Check
    from napari_gamut.photos import LayerPhoto
    from napari_gamut.previewing import Glimpse, View
    from napari_gamut.regions import Region

_UNUSED = (
    "The file carries what helps to recover its colours, which this method does not use; choose "
    "another one."
)


@dataclass(frozen=True, eq=False)
class Solve:
    """What a method found of a photo: finished anew when strength, source or space change.

    Attributes
    ----------
    photo : Fingerprint
        Of the photo's codes.
    solved : SolvedPhoto
        What was found.
    weight : Fingerprint or None
        Of the weights of a region; None for the whole photo.
    """

    photo: Fingerprint
    solved: SolvedPhoto
    weight: Fingerprint | None = None

    def serves(
        self,
        codes: Codes,
        method: Method,
        settings: ExpansionSettings,
        weight: FloatImage | None = None,
    ) -> bool:
        """Return whether it can be finished instead of solving a photo again."""
        known = (self.solved.model, self.solved.sha256)
        return (
            known == (method.name, method.sha256)
            and self.solved.serves(settings)
            and self.weight == (None if weight is None else Fingerprint.of(weight))
            and Fingerprint.of(codes) == self.photo
        )


@dataclass(frozen=True, eq=False)
class Expanded:
    """An expanded layer, to be added to the viewer.

    Attributes
    ----------
    data : ndarray, Frames, or list of ndarray, uint8
        What is shown; a list holds levels of detail.
    record : Record
        What travels with it.
    gain : Gain or None
        How much a person sees come back; None for stacks.
    solve : Solve or None
        What was found, to be kept as long as settings may change; None for stacks, and for
        photos of which it would take too much memory.
    notes : tuple of str
        Sentences for people about what the photo's file carries.
    """

    data: Any
    record: Record
    gain: Gain | None = None
    solve: Solve | None = None
    notes: tuple[str, ...] = ()


def expand_photo(
    photo: LayerPhoto,
    request: Request,
    check: Check | None = None,
    solve: Solve | None = None,
    region: Region | None = None,
    view: View | None = None,
) -> Generator[tuple[int, int] | Glimpse, None, Expanded]:
    """Expand a layer's photo.

    Parameters
    ----------
    photo : LayerPhoto
        A stack is returned at once: see :class:`napari_gamut.stacks.Frames`.
    request : Request
        What is asked for.
    check : callable, optional
        Called often; what it raises gives up the work.
    solve : Solve, optional
        An earlier one, taken where it serves.
    region : Region, optional
        Outside of it, nothing is restored.
    view : View, optional
        What is seen of the photo: a preview of it comes first, where the whole takes longer.

    Yields
    ------
    (int, int) or Glimpse
        Tiles done and in all; the preview.

    Raises
    ------
    PhotoError
        If the layer's values are no codes, or the method cannot be used.
    """
    yield 0, 0
    method, settings = prepared(request)
    if photo.leading:
        if request.model == EMBEDDED:
            raise LayerError("A stack carries no network of its own; choose another method.")
        if region is not None:
            raise LayerError("A region is of a single photo; choose the whole photo for a stack.")
        photo.frame((0,) * len(photo.leading)).codes()
        settings, _ = _sourced(settings, method, request, photo)
        return _stack(photo, request, method, settings)
    codes = photo.codes()
    method, notes = _bound(method, photo, codes)
    settings, reason = _sourced(settings, method, request, photo)
    notes = (*notes, *reason)
    weight = None if region is None else region.weight(photo.size)
    if solve is not None and not solve.serves(codes, method, settings, weight):
        solve = None
    if view is not None and codes.shape[0] * codes.shape[1] > WORTH_IT and request.model != NAIVE:
        look = MUTED if request.display == "srgb" else request.display
        if solve is not None:
            yield glimpse_again(solve.solved, view, settings, look=look)
        else:
            yield (
                yield from glimpse(
                    codes, view, method, settings, weight=weight, look=look, check=check
                )
            )
    values, tiles, solve = yield from _values(codes, method, settings, check, solve, weight)
    made = replace(
        _made(photo, request, method, settings),
        region="" if region is None else region.name,
        steps=tuple(tile.steps for tile in tiles),
        residuals=tuple(tile.residual for tile in tiles),
        unconverged=sum(tile.status.failed for tile in tiles),
        clipped_share=share(clipped_mask(codes, request.tolerance)),
    )
    wide = WidePixels(values, request.space, settings.adaptation, request.display)
    picture = display_image(values, settings.space, DISPLAYS[request.display])
    shown = Fingerprint.of(picture)
    record = replace(photo.record, wide=wide, made=made, alpha=photo.alpha(), shown=shown)
    if check is not None:
        check()
    naive = naive_inversion(codes)
    scene = convert(values, settings.space, SRGB, settings.adaptation)
    gain = gain_between(naive, scene, made.clipped_share or 0.0)
    return Expanded(levels(picture), record, gain, solve, notes)


def _values(
    codes: Codes,
    method: Method,
    settings: ExpansionSettings,
    check: Check | None,
    solve: Solve | None,
    weight: FloatImage | None,
) -> Generator[tuple[int, int], None, tuple[FloatImage, tuple[TileReport, ...], Solve | None]]:
    """Solve a photo, unless it is solved already, and finish it."""
    from core.engine.expansion import expansion
    from core.engine.solved import LARGEST, kept_bytes, photo_solve

    if solve is None:
        if kept_bytes(codes, settings) > LARGEST:
            expanded = yield from expansion(codes, method, settings, check, weight)
            return expanded.values, expanded.tiles, None
        solved = yield from photo_solve(codes, method, settings, check, weight=weight)
        shares = None if weight is None else Fingerprint.of(weight)
        solve = Solve(Fingerprint.of(codes), solved, shares)
    values = np.empty(codes.shape, np.float32)
    for top, part in solve.solved.bands(settings):
        if check is not None:
            check()
        values[top : top + len(part)] = part
    return values, solve.solved.tiles, solve


def _bound(method: Method, photo: LayerPhoto, codes: Codes) -> tuple[Method, tuple[str, ...]]:
    """Return the method for this photo, whose file may carry a network or a hint; and notes."""
    from core.engine.method import Needs, Subject
    from core.engine.tiling import ArraySource

    path = photo.record.path
    if not path and method.needs is Needs.PAYLOAD:
        raise LayerError(
            f"“{photo.name}” comes from no file, so it carries no network; choose another method."
        )
    if not path:
        return method, ()
    payload = carried_by(photo)
    method = method.bound(Subject(ArraySource(codes), payload, str(path)))
    notes = method.notes
    if payload is not None and not notes:
        notes = (_UNUSED,)
    return method, notes


def _sourced(
    settings: ExpansionSettings, method: Method, request: Request, photo: LayerPhoto
) -> tuple[ExpansionSettings, tuple[str, ...]]:
    """Return the settings with the source gamut, and why it is that one.

    What the file carries holds for people who do not know better.
    """
    from core.engine.origin import sourced

    detect = request.source == AS_FILE or method.source is not None
    settings, notes = sourced(settings, method, metadata_of(photo.record), detect=detect)
    return method.projected(settings), notes


def _made(
    photo: LayerPhoto, request: Request, method: Method, settings: ExpansionSettings
) -> Provenance:
    return Provenance(
        source=photo.name,
        model=method.name,
        sha256=method.sha256,
        strength=request.strength,
        tolerance=request.tolerance,
        space=request.space,
        origin=UNKNOWN if settings.source is None else settings.source.key,
        layer=photo.layer,
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
    record = replace(photo.record, wide=wide, made=_made(photo, request, method, settings))
    return Expanded(frames, record)
