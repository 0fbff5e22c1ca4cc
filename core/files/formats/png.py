"""PNG (W3C PNG, third edition): chunks by hand, pixels through libpng."""

from __future__ import annotations

import logging
import struct
import zlib
from typing import IO, TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from core.colour import D65, SRGB
from core.files.encoding import Encoding, SpaceEncoding, are_usable, from_gamma
from core.files.errors import ExcessError, unsupported
from core.files.formats import png_text
from core.files.header import Header
from core.files.payloads import PNG_CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# libpng's opinions reach people as an error or not at all.
if logging.getLogger("imagecodecs").level == logging.NOTSET:
    logging.getLogger("imagecodecs").setLevel(logging.CRITICAL)

_APPLE = b"CgBI"
_OTHER_FRAMES = {b"fcTL", b"fdAT"}
_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}
_LARGEST_PROFILE = 64 << 20
_BEST_DEFLATE = 1032
_FEW_CHUNKS, _BYTES_A_CHUNK = 50_000, 4096
"""Encoders write pixels in chunks of 8 KB and more."""


def read_header(path: Path) -> Header:
    """Return what the chunks say (see :mod:`core.files.formats`)."""
    found: dict[bytes, bytes] = {}
    texts: list[tuple[bytes, bytes]] = []
    compressed = 0
    with path.open("rb") as file:
        file.seek(len(SIGNATURE))
        for kind, size in walk(file):
            if kind == b"IDAT":
                compressed += size
                file.seek(size, 1)
            elif kind == PNG_CHUNK:
                file.seek(size, 1)
            elif kind in _OTHER_FRAMES:
                pass
            elif size > _LARGEST_PROFILE:
                raise ValueError(f"a {kind!r} chunk of {size} bytes")
            elif kind in png_text.TEXT_CHUNKS:
                texts.append((kind, file.read(size)))
            else:
                found.setdefault(kind, file.read(size))
    if _APPLE in found:
        raise unsupported(path, "a PNG in the form that Apple packs into its programs")
    width, height, bits, colour = struct.unpack_from(">IIBB", found[b"IHDR"])
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour] + (b"tRNS" in found)
    stored = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if height * (width * stored * bits // 8) > compressed * _BEST_DEFLATE:
        # A header that no such file can fulfil: not worth the memory of trying.
        if width * height <= 400_000_000:
            raise ValueError("more pixels than the data can hold")
    icc, note = _profile(found.get(b"iCCP"))
    carried = png_text.read_metadata(found.get(b"eXIf"), found.get(b"pHYs"), texts)
    cicp = found.get(b"cICP")
    frames = struct.unpack_from(">I", found[b"acTL"])[0] if b"acTL" in found else 1
    return Header(
        "PNG",
        width,
        height,
        8 if colour == 3 else bits,
        channels,
        orientation=carried.orientation,
        icc=icc,
        cicp=(cicp[0], cicp[1]) if cicp is not None and len(cicp) == 4 else None,
        is_narrow=cicp is not None and len(cicp) == 4 and cicp[3] == 0,
        stated=_stated(found),
        metadata=carried,
        frames=frames,
        notes=note,
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[Any]:
    """Return the decoded codes (see :mod:`core.files.formats`)."""
    # libpng prints its opinion of profiles and texts: it only gets what makes the pixels.
    kept = bytearray(SIGNATURE)
    with path.open("rb") as file:
        file.seek(len(SIGNATURE))
        for kind, size in walk(file):
            if kind in _PIXEL_CHUNKS:
                file.seek(-8, 1)
                whole = file.read(size + 12)
                if _crc(whole[4:-4]) != whole[-4:]:
                    raise ValueError(f"a checksum of {kind!r} is wrong")
                kept += whole
    kept += chunk(b"IEND", b"")
    pixels: npt.NDArray[Any] = imagecodecs.png_decode(bytes(kept))
    return pixels


def insert_chunks(png: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Return a PNG with chunks added behind its header.

    Parameters
    ----------
    png : bytes
        A whole file.
    chunks : list of (type, content)
        In the order they shall have.

    Returns
    -------
    bytes

    Examples
    --------
    >>> bare = imagecodecs.png_encode(np.zeros((1, 1, 3), np.uint8))
    >>> named = insert_chunks(bare, [(b"tEXt", b"Author" + bytes(1) + b"Ada")])
    >>> len(named) - len(bare), named.index(b"tEXt") < named.index(b"IDAT")
    (22, True)
    """
    end = len(SIGNATURE) + 25
    return png[:end] + b"".join(chunk(kind, content) for kind, content in chunks) + png[end:]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk with its length and checksum.

    Examples
    --------
    >>> chunk(b"IEND", b"").hex(" ")
    '00 00 00 00 49 45 4e 44 ae 42 60 82'
    """
    return struct.pack(">I", len(content)) + kind + content + _crc(kind + content)


def profile_chunk(name: str, icc: bytes) -> tuple[bytes, bytes]:
    """Return the iCCP chunk of a profile.

    Examples
    --------
    >>> kind, content = profile_chunk("Display P3", b"a profile")
    >>> name, _, packed = content.partition(bytes(2))
    >>> kind, name, zlib.decompress(packed)
    (b'iCCP', b'Display P3', b'a profile')
    """
    return b"iCCP", name.encode("latin-1", "replace")[:79] + b"\0\0" + zlib.compress(icc, 9)


def _crc(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def walk(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield the kind and the size of chunk after chunk, up to the end mark.

    Parameters
    ----------
    file : binary file
        Behind the signature, or behind a chunk. What is yielded stands before the content, which
        may be read.

    Raises
    ------
    ValueError
        If the chunks are damaged, or too many.

    Examples
    --------
    >>> import io
    >>> png = insert_chunks(bytes(imagecodecs.png_encode(np.zeros((4, 6), np.uint8))), [])
    >>> file = io.BytesIO(png)
    >>> _ = file.seek(len(SIGNATURE))
    >>> [kind for kind, _ in walk(file)]
    [b'IHDR', b'IDAT']
    """
    begin = file.tell()
    end = file.seek(0, 2)
    file.seek(begin)
    left = _FEW_CHUNKS + end // _BYTES_A_CHUNK
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        left -= 1
        if left < 0:
            raise ExcessError(f"more than {_FEW_CHUNKS} chunks")
        if size > end - file.tell():
            raise ValueError("a chunk goes beyond the end of the file")
        after = file.tell() + size + 4
        yield kind, size
        file.seek(after)
    raise ValueError("the file ends before its end mark")


def _profile(content: bytes | None) -> tuple[bytes | None, tuple[str, ...]]:
    if content is None:
        return None, ()
    try:
        packed = content[content.index(b"\0") + 2 :]
        unpacker = zlib.decompressobj()
        return unpacker.decompress(packed, _LARGEST_PROFILE), ()
    except (ValueError, zlib.error):
        return None, ("The colour profile is damaged and was ignored.",)


def _stated(found: dict[bytes, bytes]) -> Encoding | None:
    if b"sRGB" in found:
        return SpaceEncoding(SRGB)
    if b"gAMA" not in found:
        return None
    (exponent,) = struct.unpack(">I", found[b"gAMA"])
    if exponent == 0:
        return None
    primaries, white = SRGB.primaries, D65
    if len(found.get(b"cHRM", b"")) == 32:
        numbers = [value / 1e5 for value in struct.unpack(">8I", found[b"cHRM"])]
        white = numbers[0], numbers[1]
        primaries = (
            (numbers[2], numbers[3]),
            (numbers[4], numbers[5]),
            (numbers[6], numbers[7]),
        )
        if not are_usable(primaries, white):
            return None
    if exponent in _SRGB_EXPONENTS:
        # 1/2.2 is what programs write to mean sRGB's curve.
        distances = np.abs(np.array([*primaries, white]) - np.array([*SRGB.primaries, D65]))
        if distances.max() < 2e-3:
            return SpaceEncoding(SRGB)
    return from_gamma(1e5 / exponent, primaries, white)


_SRGB_EXPONENTS = range(45000, 46001)
