"""JPEG: markers by hand, pixels through Pillow; eight bits are all there is."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import JpegImagePlugin

from core.files.errors import FileError, unsupported
from core.files.formats import jpeg_segments, jpeg_stream
from core.files.formats.pillow import opened
from core.files.header import Header
from core.files.payloads import JPEG_MARKER

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what the markers say (see :mod:`core.files.formats`)."""
    stream = jpeg_stream.parse(path.read_bytes())
    _refuse_unusual(path, stream)
    carried, notes = jpeg_segments.read_metadata(stream.segments)
    icc, complete = jpeg_segments.read_profile(stream.segments)
    return Header(
        "JPEG",
        stream.width,
        stream.height,
        8,
        stream.components,
        is_lossy=True,
        orientation=carried.orientation,
        icc=icc,
        metadata=carried,
        frames=jpeg_segments.pictures(stream.segments),
        notes=notes if complete else (*notes, _PROFILE_INCOMPLETE),
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.uint8]:
    """Return the decoded codes (see :mod:`core.files.formats`)."""
    stream = jpeg_stream.parse(path.read_bytes())
    with opened(JpegImagePlugin.JpegImageFile, io.BytesIO(stream.pixels)) as image:
        return np.asarray(image)


def segments(payload: bytes) -> bytes:
    """Return the application segments that hold private data.

    Examples
    --------
    >>> [len(segments(bytes(size))) for size in (100, 70_000)]  # one segment; two
    [110, 70020]
    """
    room = 65533 - len(JPEG_MARKER)
    pieces = [payload[i : i + room] for i in range(0, len(payload), room)]
    return b"".join(
        b"\xff\xea" + struct.pack(">H", len(piece) + len(JPEG_MARKER) + 2) + JPEG_MARKER + piece
        for piece in pieces
    )


_PROFILE_INCOMPLETE = "Parts of the colour profile are missing, so it was ignored."
_USUAL = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""Start of frame: baseline, extended and progressive, with either entropy coding."""


def _refuse_unusual(path: Path, stream: jpeg_stream.JpegStream) -> None:
    if stream.frame not in _USUAL:
        raise unsupported(path, "a lossless or hierarchical JPEG")
    if stream.depth != 8:
        raise unsupported(path, "a JPEG of more than 8 bits")
    if stream.components == 4:
        raise FileError(
            f"“{path}” is a CMYK JPEG for printing; convert it to RGB in a photo editor first."
        )
    if stream.components not in (1, 3):
        raise unsupported(path, f"a JPEG of {stream.components} channels")
