"""OpenEXR, through OpenImageIO: scene-linear by definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import OpenImageIO

from core.colour import D65, SRGB
from core.files import xmp
from core.files.encoding import are_usable, from_gamma
from core.files.errors import ExcessError, FileError, unsupported
from core.files.formats import exr_header
from core.files.header import Header
from core.files.metadata import Metadata, Resolution, named

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what the header says (see :mod:`core.files.formats`)."""
    with path.open("rb") as file:
        head = exr_header.parse(file.read(exr_header.LONGEST_HEADER))
    if head.is_subsampled:
        raise unsupported(path, "an OpenEXR with luma and chroma instead of RGB")
    if head.compression > _NEWEST_COMPRESSION:
        raise unsupported(path, "the compression of this OpenEXR")
    if head.stored_pixels > _ROOM + _MOST_OUTSIDE * head.shown_pixels:
        raise ExcessError("pixels far outside of its display window")
    said, others = head.as_properties()
    image = _opened(path)
    try:
        spec = image.spec()
        order = _channel_order(path, spec)
        stated = spec.getattribute("chromaticities")
        primaries, white = SRGB.primaries, D65
        notes: tuple[str, ...] = ()
        if stated is not None:
            red, green, blue, neutral = np.asarray(stated, float).reshape(4, 2).round(6).tolist()
            if are_usable((tuple(red), tuple(green), tuple(blue)), tuple(neutral)):
                primaries, white = (tuple(red), tuple(green), tuple(blue)), tuple(neutral)
            else:
                notes = ("The stated primaries make no colour space; those of sRGB were used.",)
        if others:
            notes = (*notes, f"Attributes of OpenEXR were left out: {named(others)}.")
        parts = 1
        while image.seek_subimage(parts, 0):
            parts += 1
        return Header(
            "OpenEXR",
            spec.full_width,
            spec.full_height,
            16 if str(spec.format) == "half" else 32,
            len(order),
            is_float=True,
            is_lossy=str(spec.get_string_attribute("compression")) in _LOSSY,
            stated=from_gamma(1.0, primaries, white),
            metadata=Metadata(xmp=xmp.with_properties(None, said), resolution=_resolution(head)),
            frames=parts,
            is_premultiplied=True,
            notes=notes,
        )
    finally:
        image.close()


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.float32]:
    """Return the decoded values (see :mod:`core.files.formats`)."""
    image = _opened(path)
    try:
        spec = image.spec()
        order = _channel_order(path, spec)
        first, end = min(order), max(order) + 1
        # Renderers store dozens of channels beside the colours: those need no memory.
        stretches = (
            [(first, end)] if end - first <= _FEW_CHANNELS else [(one, one + 1) for one in order]
        )
        pieces = [image.read_image(0, 0, start, stop, "float") for start, stop in stretches]
        if any(piece is None for piece in pieces):
            raise ValueError(image.geterror())
        pixels = np.concatenate([np.atleast_3d(piece) for piece in pieces], axis=-1)
        if len(pieces) == 1:
            pixels = pixels[..., [one - first for one in order]]
        return _displayed(pixels, spec)
    finally:
        image.close()


def _displayed(stored: npt.NDArray[np.float32], spec: Any) -> npt.NDArray[np.float32]:
    """Return what lies in the display window: cropped, or black where it has no pixels."""
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    height, width = spec.full_height, spec.full_width
    if (left, top, *stored.shape[:2]) == (0, 0, height, width):
        return np.ascontiguousarray(stored)
    shown = np.zeros((height, width, stored.shape[2]), np.float32)
    rows = slice(max(top, 0), max(min(top + stored.shape[0], height), 0))
    columns = slice(max(left, 0), max(min(left + stored.shape[1], width), 0))
    shown[rows, columns] = stored[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return shown


def _resolution(head: exr_header.ExrHeader) -> Resolution | None:
    return Resolution(head.density, head.density) if head.density > 0 else None


_FEW_CHANNELS = 8
_NEWEST_COMPRESSION = 9
"""DWAB."""
_MOST_OUTSIDE, _ROOM = 4, 100_000_000
_LOSSY = {"pxr24", "b44", "b44a", "dwaa", "dwab"}


def _opened(path: Path) -> Any:
    image = OpenImageIO.ImageInput.open(str(path))
    if image is None:
        raise ValueError(OpenImageIO.geterror())
    return image


def _channel_order(path: Path, spec: Any) -> list[int]:
    names = [name.upper() for name in spec.channelnames]
    if spec.deep:
        raise FileError(f"“{path}” is a deep OpenEXR file; flatten it first.")
    for wanted in ("RGBA", "RGB", "YA", "Y"):
        if all(name in names for name in wanted):
            return [names.index(name) for name in wanted]
    raise FileError(f"“{path}” has no channels named R, G and B; save it with these names.")
