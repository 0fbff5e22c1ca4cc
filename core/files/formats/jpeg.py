"""JPEG, through Pillow: eight bits are all there is."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import JpegImagePlugin

from core.files.errors import FileError, unsupported
from core.files.formats import jpeg_segments
from core.files.formats.pillow import opened
from core.files.header import Header
from core.files.payloads import JPEG_MARKER

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what the markers say (see :mod:`core.files.formats`)."""
    _refuse_unusual(path)
    with _opened(path) as image:
        mode = image.mode
        icc = image.info.get("icc_profile")
        carried, notes = jpeg_segments.read_metadata(image.applist)
        width, height = image.size
    if mode not in ("RGB", "L"):
        raise FileError(
            f"“{path}” is a {mode} JPEG for printing; convert it to RGB in a photo editor first."
        )
    return Header(
        "JPEG",
        width,
        height,
        8,
        3 if mode == "RGB" else 1,
        is_lossy=True,
        orientation=carried.orientation,
        icc=icc,
        metadata=carried,
        notes=notes,
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.uint8]:
    """Return the decoded codes (see :mod:`core.files.formats`)."""
    with _opened(path) as image:
        return np.asarray(image)


def segments(payload: bytes) -> bytes:
    """Return the application segments that hold private data."""
    room = 65533 - len(JPEG_MARKER)
    pieces = [payload[i : i + room] for i in range(0, len(payload), room)]
    return b"".join(
        b"\xff\xea" + struct.pack(">H", len(piece) + len(JPEG_MARKER) + 2) + JPEG_MARKER + piece
        for piece in pieces
    )


_FRAMES = range(0xC0, 0xD0)
_NO_FRAMES = {0xC4, 0xC8, 0xCC}
_USUAL = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""Start of frame: baseline, extended and progressive, with either entropy coding."""


def _refuse_unusual(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(2)
        while len(head := file.read(4)) == 4 and head[0] == 0xFF:
            if head[1] in _FRAMES and head[1] not in _NO_FRAMES:
                depth = file.read(1)
                if head[1] not in _USUAL:
                    raise unsupported(path, "a lossless or hierarchical JPEG")
                if depth != b"\x08":
                    raise unsupported(path, "a JPEG of more than 8 bits")
                return
            file.seek(int.from_bytes(head[2:], "big") - 2, 1)


def _opened(path: Path) -> Any:
    # The plain JPEG reader: a second image (gain map, depth) behind the first is left alone.
    return opened(JpegImagePlugin.JpegImageFile, path)
