"""WebP, through Pillow: eight bits are all there is."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import WebPImagePlugin

from core.files.errors import ExcessError
from core.files.formats.pillow import opened
from core.files.header import Header
from core.files.metadata import Metadata

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_MOST_CHUNKS = 20_000
"""A frame of an animation is one."""


def read_header(path: Path) -> Header:
    """Return what the RIFF chunks say (see :mod:`core.files.formats`)."""
    found: dict[bytes, bytes] = {}
    frames, left = 0, _MOST_CHUNKS
    kinds = set()
    with path.open("rb") as file:
        size = struct.unpack("<4xI4x", file.read(12))[0] + 8
        if size > path.stat().st_size:
            raise ValueError("the file is shorter than it says")
        while len(head := file.read(8)) == 8 and file.tell() < size:
            kind, length = struct.unpack("<4sI", head)
            if length > size - file.tell():
                raise ValueError("a chunk goes beyond the end of the file")
            left -= 1
            if left < 0:
                raise ExcessError(f"more than {_MOST_CHUNKS} chunks")
            after = file.tell() + length + length % 2
            kinds.add(kind)
            if kind == b"ANMF":
                frames += 1
                if b"VP8 " in file.read(min(length, 64)):
                    kinds.add(b"VP8 ")
            elif kind in (b"ICCP", b"EXIF", b"XMP "):
                found[kind] = file.read(length)
            elif kind in (b"VP8X", b"VP8 ", b"VP8L"):
                found[kind] = file.read(10)
            file.seek(after)
    width, height, alpha = _size(found)
    blob = found[b"EXIF"].removeprefix(b"Exif\0\0") if b"EXIF" in found else None
    carried = Metadata(exif=blob, xmp=found.get(b"XMP "))
    return Header(
        "WebP",
        width,
        height,
        8,
        4 if alpha else 3,
        is_lossy=b"VP8 " in kinds,
        orientation=carried.orientation,
        icc=found.get(b"ICCP"),
        metadata=carried,
        frames=max(1, frames),
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.uint8]:
    """Return the decoded codes of the first frame (see :mod:`core.files.formats`)."""
    with opened(WebPImagePlugin.WebPImageFile, path) as image:
        return np.asarray(image)


def _size(found: dict[bytes, bytes]) -> tuple[int, int, bool]:
    if b"VP8X" in found:
        head = found[b"VP8X"]
        width, height = (int.from_bytes(head[i : i + 3], "little") + 1 for i in (4, 7))
        return width, height, bool(head[0] & 0x10)
    if b"VP8L" in found:
        bits = int.from_bytes(found[b"VP8L"][1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = struct.unpack_from("<HH", found[b"VP8 "], 6)
    return width & 0x3FFF, height & 0x3FFF, False
