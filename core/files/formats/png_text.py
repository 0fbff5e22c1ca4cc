"""The text chunks of PNG: XMP, profiles written in hexadecimal digits, and words (11.3.3)."""

from __future__ import annotations

import binascii
import zlib
from typing import TYPE_CHECKING

from core.files import iptc
from core.files.metadata import Metadata, Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_XMP = "XML:com.adobe.xmp"
_RAW = "raw profile type "
_OURS = {"Software"}
_MOST_TEXT = 64 << 20
_LONGEST_KEYWORD = 79
_STEP = 1 << 20
_WORTH_PACKING = 1024
_EXIF_MARK = b"Exif\0\0"
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


def read_metadata(
    exif: bytes | None, physical: bytes | None, chunks: Sequence[tuple[bytes, bytes]]
) -> Metadata:
    r"""Return what the chunks say.

    Parameters
    ----------
    exif : bytes or None
        Content of eXIf.
    physical : bytes or None
        Content of pHYs.
    chunks : sequence of (type, content)
        Text chunks, in the order of the file. Damaged ones are left out.

    Returns
    -------
    Metadata

    Examples
    --------
    >>> chunks = [(b"tEXt", b"Author" + bytes(1) + b"Ada"), (b"zTXt", b"damaged")]
    >>> metadata = read_metadata(None, b"\0\0\x2e\x23\0\0\x2e\x23\1", chunks)
    >>> metadata.texts, metadata.resolution
    ((('Author', 'Ada'),), Resolution(x=300, y=300, per_inch=True))
    """
    blob, packet, records = exif, None, None
    texts = []
    budget = _MOST_TEXT
    for kind, content in chunks:
        keyword, value, work = _unpacked(kind, content, budget)
        budget -= work
        if keyword == _XMP:
            packet = packet or value
        elif keyword.lower().startswith(_RAW):
            profile = _from_digits(value)
            if profile.startswith(_EXIF_MARK):
                blob = blob or profile.removeprefix(_EXIF_MARK)
            elif profile.startswith(_XMP_MARK) or keyword.lower() == _RAW + "xmp":
                packet = packet or profile.removeprefix(_XMP_MARK)
            elif keyword.lower() == _RAW + "exif":
                blob = blob or profile or None
            elif keyword.lower() in (_RAW + "iptc", _RAW + "8bim"):
                records = records or iptc.from_photoshop(profile) or _bare(profile)
        elif keyword and keyword not in _OURS:
            texts.append((keyword, value.decode("utf-8", "replace")))
    return Metadata(blob, packet, records, _resolution(physical), tuple(texts))


def written_metadata(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    r"""Return the chunks of metadata, as (type, content).

    Examples
    --------
    >>> from core.files.metadata import Resolution
    >>> written_metadata(Metadata(resolution=Resolution(300, 300), texts=(("Author", "Ada"),)))
    [(b'pHYs', b'\x00\x00.#\x00\x00.#\x01'), (b'tEXt', b'Author\x00Ada')]
    """
    chunks = []
    if metadata.resolution is not None:
        across, down = (round(value / 0.0254) for value in metadata.resolution.dots_per_inch)
        chunks.append((b"pHYs", across.to_bytes(4, "big") + down.to_bytes(4, "big") + b"\1"))
    if metadata.exif is not None:
        chunks.append((b"eXIf", metadata.exif))
    if metadata.xmp is not None:
        chunks.append((b"iTXt", _XMP.encode() + b"\0\0\0\0\0" + metadata.xmp))
    if metadata.iptc is not None:
        # There is no chunk of its own: this is what ImageMagick made of it, and all read.
        chunks.append((b"zTXt", b"Raw profile type iptc\0\0" + _as_digits(metadata.iptc)))
    chunks += [_text(keyword, value) for keyword, value in metadata.texts]
    return chunks


def _unpacked(kind: bytes, content: bytes, budget: int) -> tuple[str, bytes, int]:
    """Return a text chunk's keyword, empty if damaged, its text in UTF-8, and the bytes made."""
    name, mark, rest = content.partition(b"\0")
    keyword = name.decode("latin-1")
    if not mark or not 0 < len(name) <= _LONGEST_KEYWORD or budget <= 0:
        return "", b"", 0
    if kind == b"tEXt":
        return keyword, rest.decode("latin-1").encode(), len(rest)
    packed, encoded = True, rest[1:]
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        _, _, tail = rest[2:].partition(b"\0")
        _, _, encoded = tail.partition(b"\0")
    work = len(encoded)
    if packed:
        encoded, work, is_whole = _inflated(encoded, budget)
        if not is_whole:
            return "", b"", work
    text = encoded if kind == b"iTXt" else encoded.decode("latin-1").encode()
    return keyword, text, work


def _inflated(packed: bytes, most: int) -> tuple[bytes, int, bool]:
    """Return what was unpacked, how many bytes that took, and whether it came to its end."""
    unpacker, made = zlib.decompressobj(), bytearray()
    try:
        while not unpacker.eof and len(made) < most:
            piece = unpacker.decompress(packed, min(_STEP, most - len(made)))
            packed = unpacker.unconsumed_tail
            made += piece
            if not piece and not packed:
                break
    except zlib.error:
        return b"", len(made) + _STEP, False
    return bytes(made), len(made), unpacker.eof


def _text(keyword: str, value: str) -> tuple[bytes, bytes]:
    name = keyword.encode("latin-1", "replace")
    try:
        plain = value.encode("latin-1")
    except UnicodeEncodeError:
        return b"iTXt", name + b"\0\1\0\0\0" + zlib.compress(value.encode())
    if len(plain) > _WORTH_PACKING:
        return b"zTXt", name + b"\0\0" + zlib.compress(plain)
    return b"tEXt", name + b"\0" + plain


def _from_digits(value: bytes) -> bytes:
    # A newline, the profile's name, its length, and lines of hexadecimal digits.
    lines = value.strip().split(b"\n", 2)
    if len(lines) < 3:
        return b""
    try:
        return binascii.unhexlify(b"".join(lines[2].split()))
    except binascii.Error:
        return b""


def _as_digits(records: bytes) -> bytes:
    block = iptc.photoshop(records)
    digits = binascii.hexlify(block).decode()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    return zlib.compress(f"\niptc\n{len(block):8}\n{lines}\n".encode())


def _bare(profile: bytes) -> bytes | None:
    return profile if profile.startswith(b"\x1c") else None


def _resolution(physical: bytes | None) -> Resolution | None:
    if physical is None or len(physical) != 9 or physical[8] != 1:
        return None
    return Resolution.per_metre(
        int.from_bytes(physical[:4], "big"), int.from_bytes(physical[4:8], "big")
    )
