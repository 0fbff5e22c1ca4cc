"""JPEG XL (ISO/IEC 18181): the header's bits by hand, pixels and profile through OpenImageIO."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import OpenImageIO

from core.apart import called
from core.files import isobmff
from core.files.errors import FileError, unsupported
from core.files.header import EXTRA_LEFT_OUT, Header
from core.files.metadata import GAIN_MAP_LEFT_OUT, Metadata

if TYPE_CHECKING:
    import numpy.typing as npt

CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
CODESTREAM = b"\xff\x0a"

_LARGEST_METADATA = 64 << 20
_MOST_EXTRAS = 256
_LEAST_BYTES = 128


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height (before the orientation) from the first bytes.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write_codes
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "small.jxl")
    ...     _ = write_codes(photo, np.zeros((4, 6, 3), np.uint8))
    ...     read_size(photo)
    (6, 4)
    """
    data = path.read_bytes()
    stream = b"".join(_streams(data)) if data.startswith(CONTAINER) else data
    stated = _stated(stream)
    return stated.width, stated.height


def read_header(path: Path) -> Header:
    """Return what the codestream's header and the boxes say (see :mod:`core.files.formats`)."""
    data = path.read_bytes()
    stream, found = data, dict[bytes, bytes]()
    if data.startswith(CONTAINER):
        stream, found = b"".join(_streams(data)), _metadata_boxes(data)
    stated = _stated(stream)
    _refuse_unusual(path, stated)
    width, height = stated.width, stated.height
    # What is no opacity OpenImageIO hands out as if it were.
    dropped = bool(stated.extras) and _ALPHA not in stated.extras
    pixels = called(_decoded, path, dropped)
    turned = (pixels.width, pixels.height) != (width, height)
    return Header(
        "JPEG XL",
        height if turned else width,
        width if turned else height,
        pixels.bits,
        pixels.values.shape[2],
        is_float=pixels.values.dtype == np.float32,
        is_lossy=stated.is_xyb or b"jbrd" in found,
        icc=pixels.icc,
        metadata=Metadata(
            exif=isobmff.exif_payload(found.get(b"Exif", b"")), xmp=found.get(b"xml ")
        ),
        notes=(
            *((GAIN_MAP_LEFT_OUT,) if b"jhgm" in found else ()),
            *((EXTRA_LEFT_OUT,) if dropped else ()),
        ),
        decoded=pixels.values,
    )


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

    Examples
    --------
    >>> bare = bytes([0xFF, 0x0A, 0, 0])
    >>> container(bare, Metadata(), None) == bare  # nothing to add, no box needed
    True
    >>> whole = container(bare, Metadata(xmp=b"<x:xmpmeta/>"), None)
    >>> [box.kind for box in isobmff.boxes(whole)]
    [b'JXL ', b'ftyp', b'xml ', b'jxlc']
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


@dataclass(frozen=True, eq=False)
class _Decoded:
    """What OpenImageIO finds in a file; `values` have the shape (H, W, C)."""

    width: int
    height: int
    bits: int
    icc: bytes | None
    values: npt.NDArray[Any]


def _decoded(path: Path, without_last: bool) -> _Decoded:
    # OpenImageIO decodes the file when it is opened: all that is needed is taken at once.
    image = _opened(path)
    try:
        spec = image.spec()
        profile = spec.getattribute("ICCProfile")
        bits = int(spec.get_int_attribute("oiio:BitsPerSample", 8 * spec.format.basesize()))
        is_float = str(spec.format) in ("half", "float")
        kind = "float" if is_float else "uint8" if bits <= 8 else "uint16"
        values = image.read_image(0, 0, 0, spec.nchannels - without_last, kind)
        if values is None:
            raise ValueError(image.geterror())
        return _Decoded(
            spec.width,
            spec.height,
            bits,
            np.asarray(profile, np.uint8).tobytes() if profile is not None else None,
            np.asarray(values),
        )
    finally:
        image.close()


def _opened(path: Path) -> Any:
    untouched = OpenImageIO.ImageSpec()
    untouched.attribute("oiio:UnassociatedAlpha", 1)
    if path.stat().st_size >= _LEAST_BYTES:
        image = OpenImageIO.ImageInput.open(str(path), untouched)
    else:
        # OpenImageIO takes a file for no JPEG XL if it is shorter than what it reads to know it.
        with tempfile.TemporaryDirectory() as folder:
            longer = Path(folder) / "photo.jxl"
            longer.write_bytes(path.read_bytes().ljust(_LEAST_BYTES, b"\0"))
            image = OpenImageIO.ImageInput.open(str(longer), untouched)
    if image is None:
        raise ValueError(OpenImageIO.geterror())
    return image


def _refuse_unusual(path: Path, stated: _Stated) -> None:
    if stated.is_animated:
        raise FileError(
            f"“{path}” is an animated JPEG XL; save one of its pictures as PNG or TIFF first."
        )
    if _BLACK in stated.extras:
        raise FileError(
            f"“{path}” is a CMYK JPEG XL for printing; convert it to RGB in a photo editor first."
        )
    if _SPOT in stated.extras:
        raise unsupported(path, "a JPEG XL with spot colours")
    if len(stated.extras) > 1:
        raise unsupported(path, "a JPEG XL with several channels beside its colours")


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
        self._value = int.from_bytes(data[:_LONGEST_HEAD], "little")

    def take(self, count: int) -> int:
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def choice(self, *options: tuple[int, int]) -> int:
        offset, count = options[self.take(2)]
        return offset + self.take(count)


_LONGEST_HEAD = 4096
_EXTENTS = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_EXTENTS = ((1, 6), (65, 8), (321, 10), (1345, 12))
_PREVIEW_BLOCKS = ((16, 0), (32, 0), (1, 5), (33, 9))
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_ALPHA, _SPOT, _BLACK, _MOSAIC = 0, 2, 4, 5


@dataclass(frozen=True)
class _Stated:
    """What a codestream says of itself before its first frame."""

    width: int
    height: int
    is_xyb: bool = True
    is_animated: bool = False
    extras: tuple[int, ...] = ()


def _stated(stream: bytes) -> _Stated:
    # ISO/IEC 18181-1:2024, annex D: SizeHeader, then ImageMetadata as far as xyb_encoded.
    if not stream.startswith(CODESTREAM):
        raise ValueError("there is no codestream")
    bits = _Bits(stream[2:])
    height, width = _extent(bits)
    if bits.take(1):
        return _Stated(width, height)
    is_animated = False
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            _extent(bits)
        if bits.take(1):
            _skip_preview(bits)
        is_animated = bool(bits.take(1))
        if is_animated:
            bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))
            bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))
            bits.choice((0, 0), (0, 3), (0, 16), (0, 32))
            bits.take(1)
    _skip_depth(bits)
    bits.take(1)
    count = bits.choice((0, 0), (1, 0), (2, 4), (1, 12))
    if count > _MOST_EXTRAS:
        raise ValueError("an image of too many channels")
    extras = tuple(_extra(bits) for _ in range(count))
    return _Stated(width, height, bool(bits.take(1)), is_animated, extras)


def _extent(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)
    height = 8 * (1 + bits.take(5)) if small else bits.choice(*_EXTENTS)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio]
        return height, height * numerator // denominator
    return height, 8 * (1 + bits.take(5)) if small else bits.choice(*_EXTENTS)


def _skip_preview(bits: _Bits) -> None:
    sizes = _PREVIEW_BLOCKS if bits.take(1) else _PREVIEW_EXTENTS
    bits.choice(*sizes)
    if not bits.take(3):
        bits.choice(*sizes)


def _extra(bits: _Bits) -> int:
    """Return the kind of an extra channel."""
    if bits.take(1):
        return _ALPHA
    kind = bits.choice((0, 0), (1, 0), (2, 4), (18, 6))
    _skip_depth(bits)
    bits.choice((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.choice((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == _ALPHA:
        bits.take(1)
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _MOSAIC:
        bits.choice((1, 0), (0, 2), (3, 4), (19, 8))
    return kind


def _skip_depth(bits: _Bits) -> None:
    if bits.take(1):
        bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
    else:
        bits.choice((8, 0), (10, 0), (12, 0), (1, 6))
