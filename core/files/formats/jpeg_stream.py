"""The markers of a JPEG, walked once (ITU-T T.81, annex B): metadata, and what makes pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.files.errors import ExcessError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOI, _EOI, _SOS, _DNL = 0xD8, 0xD9, 0xDA, 0xDC
_APP0, _APP14, _COM = 0xE0, 0xEE, 0xFE
_TALLEST = 65535
_APPS = range(0xE0, 0xF0)
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Starts of frames, that of JPEG-LS (ITU-T T.87) among them."""
_ALONE = frozenset({0x01, _SOI, *range(0xD0, 0xD8)})
"""Markers without content: TEM, the start of an image, restarts."""
_NEXT = re.compile(rb"\xff[^\x00\xff]")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_JFIF = b"\xff\xe0\0\x10JFIF\0\1\2\0\0\1\0\1\0\0"
_JFIF_SIZE, _ADOBE_SIZE = 14, 12
_MOST_SEGMENTS = 20_000
_MOST_SCANS = 500
"""Programs write about ten; one for every bit of every frequency would be a few hundred."""
_MOST_WORK = 20_000_000_000
"""Pixels times scans."""


@dataclass(frozen=True)
class JpegStream:
    """The first image of a JPEG file.

    Attributes
    ----------
    segments : tuple of (name, content)
        Application segments and comments before the pixels: ``("APP1", b"Exif...")``, ``("COM",
        b"...")``.
    frame : int
        The marker that starts the frame, which tells the kind of coding.
    depth, width, height, components : int
        As the frame states them.
    pixels : bytes
        A file of nothing but what makes the pixels. It ends early where the original does.
    """

    segments: tuple[tuple[str, bytes], ...]
    frame: int
    depth: int
    width: int
    height: int
    components: int
    pixels: bytes


def parse(data: bytes) -> JpegStream:
    """Return the first image of a JPEG file.

    What a decoder does not need is kept from it: nonsense in application segments and between
    them is no reason to refuse a photo.

    Raises
    ------
    ExcessError
        If decoding would take far more work than its pixels are worth.
    ValueError
        If there is no frame, or the file ends before its pixels begin.

    Examples
    --------
    >>> import imagecodecs
    >>> import numpy as np
    >>> stream = parse(imagecodecs.jpeg8_encode(np.zeros((4, 6, 3), np.uint8)))
    >>> stream.width, stream.height, stream.components
    (6, 4, 3)
    """
    segments: list[tuple[str, bytes]] = []
    kept = [data[:2]]
    frame: tuple[int, bytes] | None = None
    for count, (marker, start, content) in enumerate(_segments(data)):
        if count >= _MOST_SEGMENTS:
            raise ExcessError(f"more than {_MOST_SEGMENTS} segments")
        if marker in _APPS or marker == _COM:
            segments.append((f"APP{marker - _APP0}" if marker != _COM else "COM", content))
            kept.append(_needed(marker, content))
        elif marker == _SOS:
            if frame is None:
                raise ValueError("pixels without a frame")
            kind, stated = frame
            height, width = (int.from_bytes(stated[i : i + 2], "big") for i in (1, 3))
            end, lines = _end_of_scans(data, start, width * (height or _TALLEST))
            if not height:
                # The number of lines may follow the first scan (B.2.5); libjpeg wants it before.
                height, stated = lines, stated[:1] + lines.to_bytes(2, "big") + stated[3:]
            head = b"".join([*kept, _segment(kind, stated)])
            pixels = head + data[start:end]
            return JpegStream(tuple(segments), kind, stated[0], width, height, stated[5], pixels)
        else:
            if marker in _FRAMES and frame is None:
                if len(content) < 6:
                    raise ValueError("a frame that breaks off")
                frame = marker, content
            else:
                kept.append(_segment(marker, content))
    raise ValueError("the file ends before its pixels begin")


def check_scans(scans: int, size: int) -> None:
    """Refuse absurdly many scans.

    Parameters
    ----------
    scans : int
        How many there are; each goes over the whole image.
    size : int
        Pixels.

    Raises
    ------
    ExcessError

    Examples
    --------
    >>> check_scans(10, 24_000_000)  # as progressive JPEGs have
    >>> check_scans(5000, 64)
    Traceback (most recent call last):
    core.files.errors.ExcessError: more than 500 scans
    """
    if scans > _MOST_SCANS or scans * size > _MOST_WORK:
        raise ExcessError(f"more than {min(scans - 1, _MOST_SCANS)} scans")


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield marker, place and content of each segment; what stands between them is skipped."""
    place = 2
    while (found := _NEXT.search(data, place)) is not None:
        marker, place = data[found.end() - 1], found.end()
        if marker in _ALONE:
            continue
        if marker == _EOI or place + 2 > len(data):
            return
        size = max(int.from_bytes(data[place : place + 2], "big"), 2)
        if place + size > len(data):
            return
        yield marker, found.start(), data[place + 2 : place + size]
        place += size


def _end_of_scans(data: bytes, start: int, size: int) -> tuple[int, int]:
    """Return where the image ends, and its number of lines, if that is stated behind a scan."""
    place, scans, lines = start, 0, 0
    while (found := _AFTER_SCAN.search(data, place)) is not None:
        marker, place = data[found.end() - 1], found.end()
        if marker == _EOI:
            return place, lines
        if marker in _ALONE:
            continue
        if marker == _DNL:
            lines = int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _SOS:
            scans += 1
            check_scans(scans, size)
        place += max(int.from_bytes(data[place : place + 2], "big"), 2)
    return len(data), lines


def _needed(marker: int, content: bytes) -> bytes:
    """Return what a decoder needs of an application segment to know luma and chroma from RGB."""
    if marker == _APP0 and content.startswith(b"JFIF\0") and len(content) >= _JFIF_SIZE:
        return _JFIF
    if marker == _APP14 and content.startswith(b"Adobe") and len(content) >= _ADOBE_SIZE:
        return _segment(marker, content[:_ADOBE_SIZE])
    return b""


def _segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2, "big") + content
