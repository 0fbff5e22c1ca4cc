"""JPEG XL (ISO/IEC 18181): the header's bits by hand, pixels and profile through OpenImageIO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import OpenImageIO

from core.files import isobmff
from core.files.header import Header
from core.files.metadata import GAIN_MAP_LEFT_OUT, Metadata

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
CODESTREAM = b"\xff\x0a"

_LARGEST_METADATA = 64 << 20


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height (before the orientation) from the first bytes."""
    data = path.read_bytes()
    stream = b"".join(_streams(data)) if data.startswith(CONTAINER) else data
    width, height, _ = _size_and_kind(stream)
    return width, height


def read_header(path: Path) -> Header:
    """Return what the codestream's header and the boxes say (see :mod:`core.files.formats`)."""
    data = path.read_bytes()
    stream, found = data, dict[bytes, bytes]()
    if data.startswith(CONTAINER):
        stream, found = b"".join(_streams(data)), _metadata_boxes(data)
    width, height, xyb = _size_and_kind(stream)
    image = _opened(path)
    try:
        spec = image.spec()
        turned = (spec.width, spec.height) != (width, height)
        profile = spec.getattribute("ICCProfile")
        kind = str(spec.format)
        bits = int(spec.get_int_attribute("oiio:BitsPerSample", 8 * spec.format.basesize()))
        return Header(
            "JPEG XL",
            height if turned else width,
            width if turned else height,
            bits,
            spec.nchannels,
            is_float=kind in ("half", "float"),
            is_lossy=xyb or b"jbrd" in found,
            icc=np.asarray(profile, np.uint8).tobytes() if profile is not None else None,
            metadata=Metadata(
                exif=isobmff.exif_payload(found.get(b"Exif", b"")), xmp=found.get(b"xml ")
            ),
            notes=(GAIN_MAP_LEFT_OUT,) if b"jhgm" in found else (),
            decoded=_decoded(image, spec.nchannels, kind in ("half", "float"), bits),
        )
    finally:
        image.close()


def read_pixels(path: Path, header: Header) -> npt.NDArray[Any]:
    """Return the decoded values, upright as the format demands (see :mod:`core.files.formats`)."""
    if header.decoded is None:
        raise ValueError("the header came without its pixels")
    return header.decoded


def container(codestream: bytes, metadata: Metadata, payload: bytes | None) -> bytes:
    """Return a file with a codestream, EXIF, XMP and private data.

    Parameters
    ----------
    codestream : bytes
        Bare, or already in a container.
    metadata : Metadata
        EXIF and XMP.
    payload : bytes or None
        Private data.

    Returns
    -------
    bytes
    """
    if codestream.startswith(CONTAINER):
        codestream = b"".join(_streams(codestream))
    if metadata.exif is None and metadata.xmp is None and payload is None:
        return codestream
    file = CONTAINER + isobmff.make_box(b"ftyp", b"jxl \0\0\0\0jxl ")
    if metadata.exif is not None:
        file += isobmff.make_box(b"Exif", bytes(4) + metadata.exif)
    if metadata.xmp is not None:
        file += isobmff.make_box(b"xml ", metadata.xmp)
    if payload is not None:
        file += isobmff.payload_box(payload)
    return file + isobmff.make_box(b"jxlc", codestream)


def _decoded(image: Any, channels: int, is_float: bool, bits: int) -> npt.NDArray[Any]:
    # OpenImageIO has decoded the file when it was opened: a second opening would do it again.
    kind = "float" if is_float else "uint8" if bits <= 8 else "uint16"
    pixels = image.read_image(0, 0, 0, channels, kind)
    if pixels is None:
        raise ValueError(image.geterror())
    return np.asarray(pixels)


def _opened(path: Path) -> Any:
    untouched = OpenImageIO.ImageSpec()
    untouched.attribute("oiio:UnassociatedAlpha", 1)
    image = OpenImageIO.ImageInput.open(str(path), untouched)
    if image is None:
        raise ValueError(OpenImageIO.geterror())
    return image


def _streams(data: bytes) -> list[bytes]:
    pieces = []
    for box in isobmff.boxes(data):
        if box.kind == b"jxlc":
            pieces.append(data[box.start : box.end])
        elif box.kind == b"jxlp":
            pieces.append(data[box.start + 4 : box.end])
    return pieces


def _metadata_boxes(data: bytes) -> dict[bytes, bytes]:
    """Return the first box of each kind that says something about the photo."""
    found: dict[bytes, bytes] = {}
    for box in isobmff.boxes(data):
        kind, content = box.kind, data[box.start : box.end]
        if kind == b"brob" and content[:4] in (b"Exif", b"xml "):
            kind = content[:4]
            content = bytes(imagecodecs.brotli_decode(content[4:], out=_LARGEST_METADATA))
        if kind in (b"Exif", b"xml ", b"jbrd", b"jhgm"):
            found.setdefault(kind, content)
    return found


class _Bits:
    """The bits of a codestream, least significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:64], "little")

    def take(self, count: int) -> int:
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def choice(self, *options: tuple[int, int]) -> int:
        offset, count = options[self.take(2)]
        return offset + self.take(count)


_EXTENTS = ((1, 9), (1, 13), (1, 18), (1, 30))
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def _size_and_kind(stream: bytes) -> tuple[int, int, bool]:
    # ISO/IEC 18181-1:2024, annex D: SizeHeader, then ImageMetadata as far as xyb_encoded.
    if not stream.startswith(CODESTREAM):
        raise ValueError("there is no codestream")
    bits = _Bits(stream[2:])
    height, width = _extent(bits)
    if bits.take(1):
        return width, height, True
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            _extent(bits)
        if bits.take(1) or bits.take(1):
            # A preview or an animation: too rare to follow, and to be called lossy is safe.
            return width, height, True
    _skip_depth(bits)
    bits.take(1)
    extra = bits.choice((0, 0), (1, 0), (2, 4), (1, 12))
    for _ in range(extra):
        if not bits.take(1) and not _skip_alpha(bits):
            return width, height, True
    return width, height, bool(bits.take(1))


def _extent(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = 8 * (1 + bits.take(5)) if small else bits.choice(*_EXTENTS)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio]
        return height, height * numerator // denominator
    return height, 8 * (1 + bits.take(5)) if small else bits.choice(*_EXTENTS)


def _skip_alpha(bits: _Bits) -> bool:
    kind = bits.choice((0, 0), (1, 0), (2, 4), (18, 6))
    _skip_depth(bits)
    bits.choice((0, 0), (3, 0), (4, 0), (1, 3))
    name = bits.choice((0, 0), (0, 4), (16, 5), (48, 10))
    bits.take(8 * name)
    bits.take(1)
    return kind == 0


def _skip_depth(bits: _Bits) -> None:
    if bits.take(1):
        bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
    else:
        bits.choice((8, 0), (10, 0), (12, 0), (1, 6))
