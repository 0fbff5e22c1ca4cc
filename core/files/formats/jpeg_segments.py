"""The application segments of JPEG that hold metadata (CIPA DC-008, ISO 16684-3, IIM)."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from core.files import exif, iptc, xmp
from core.files.exif import Entry
from core.files.metadata import COMMENT, GAIN_MAP_LEFT_OUT, Metadata, Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

    Segments = Sequence[tuple[str, bytes]]

_EXIF, _EXIF_HEAD = b"Exif\0", 6
"""Some writers fill the sixth byte with other than zero."""
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_PROFILE = b"ICC_PROFILE\0"
_MULTI_PICTURE = b"MPF\0"
_PICTURES, _VIEWS = 0xB002, 2
"""MPEntry, and the kind of pictures that are no preview."""
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_EXTENSION_HEAD = len(_EXTENSION) + 40
_LONGEST = 65533
_LARGEST_EXTENSION = 64 << 20
_MOST_COMMENTS = 16
_LARGEST_EXIF = 16 << 20


def read_metadata(segments: Segments) -> tuple[Metadata, tuple[str, ...]]:
    """Return what application segments say.

    Parameters
    ----------
    segments : sequence of (name, content)
        ``("APP1", b"Exif...")``, in the order of the file.

    Returns
    -------
    metadata : Metadata
        Long EXIF, extended XMP and split IPTC are put together.
    notes : tuple of str
        Sentences for people.

    Examples
    --------
    >>> metadata, notes = read_metadata([("COM", b"A quiet evening"), ("APP13", b"damaged")])
    >>> metadata.texts, notes
    ((('Comment', 'A quiet evening'),), ())
    """
    blob = b"".join(
        content[_EXIF_HEAD:]
        for name, content in segments
        if name == "APP1" and content.startswith(_EXIF)
    )
    packet = next(
        (
            content.removeprefix(_XMP)
            for name, content in segments
            if name == "APP1" and content.startswith(_XMP)
        ),
        None,
    )
    notes: tuple[str, ...] = ()
    if packet is not None:
        if xmp.has_gain_map(packet):
            notes = (GAIN_MAP_LEFT_OUT,)
        extension = _extension(segments, xmp.extension_of(packet))
        if extension is not None:
            packet = xmp.merged(packet, extension)
    if any(name == "APP2" and content.startswith(_GAIN_MAP) for name, content in segments):
        notes = (GAIN_MAP_LEFT_OUT,)
    block = b"".join(
        content.removeprefix(iptc.PHOTOSHOP_MARKER)
        for name, content in segments
        if name == "APP13" and content.startswith(iptc.PHOTOSHOP_MARKER)
    )
    comments = [content for name, content in segments if name == "COM" and content.strip(b"\0 ")]
    texts = tuple((COMMENT, _text(content)) for content in comments[:_MOST_COMMENTS])
    # Every change copies it; what makers add to it is at most a few megabytes.
    records = iptc.from_photoshop(block)
    packet = xmp.with_properties(packet, iptc.rights_in_photoshop(block))
    if iptc.has_paths(block):
        notes = (*notes, iptc.PATHS_LEFT_OUT)
    return Metadata(
        blob[:_LARGEST_EXIF] or None, packet, records, _resolution(segments), texts
    ), notes


def read_profile(segments: Segments) -> tuple[bytes | None, bool]:
    r"""Return the ICC profile, put together, and whether no part of it is missing (ICC.1, B.4).

    Examples
    --------
    >>> from core.colour import SRGB
    >>> from core.files.profile import icc_profile
    >>> icc = icc_profile(SRGB)
    >>> first = ("APP2", b"ICC_PROFILE\0" + bytes([1, 2]) + icc[:200])
    >>> second = ("APP2", b"ICC_PROFILE\0" + bytes([2, 2]) + icc[200:])
    >>> read_profile([second, first]) == (icc, True)  # the numbers count, not the places
    True
    >>> read_profile([first])
    (None, False)
    """
    head = len(_PROFILE) + 2
    held = [
        content
        for name, content in segments
        if name == "APP2" and content.startswith(_PROFILE) and len(content) >= head
    ]
    pieces = [(content[head - 2], content[head:]) for content in held]
    # Some writers count wrongly; how long the whole is, it says itself.
    profile = b"".join(piece for _, piece in sorted(pieces, key=lambda one: one[0]))
    count = max((content[head - 1] for content in held), default=0)
    is_whole = len(pieces) >= count or len(profile) >= int.from_bytes(profile[:4], "big")
    return profile if pieces and is_whole else None, is_whole


def pictures(segments: Segments) -> int:
    r"""Return how many photos a file holds: parts of a panorama, or views (CIPA DC-007, 5.2.3.3).

    Previews of the first one, and maps that belong to it, are none.

    Examples
    --------
    >>> pair = (2 << 16).to_bytes(4, "little").ljust(16, b"\0") * 2  # Two views of one scene.
    >>> index = exif.blob_from(exif.Directory({0xB002: Entry.opaque(pair)}))
    >>> pictures([("APP2", b"MPF\0" + index)]), pictures([])
    (2, 1)
    """
    entries, order = b"", "<"
    for name, content in segments:
        if name == "APP2" and content.startswith(_MULTI_PICTURE):
            with contextlib.suppress(ValueError):
                found = exif.parse(content.removeprefix(_MULTI_PICTURE))
                entries = entries or found.entries.get(_PICTURES, Entry.opaque(b"")).as_bytes("<")
                order = found.order
    kinds = [
        int.from_bytes(entries[place : place + 4], "little" if order == "<" else "big")
        for place in range(16, len(entries) - 15, 16)
    ]
    return 1 + sum(kind >> 16 & 0xFF == _VIEWS for kind in kinds)


def written_metadata(metadata: Metadata) -> bytes:
    r"""Return the segments of XMP, comments and IPTC, to stand behind those of JFIF and EXIF.

    Examples
    --------
    >>> written_metadata(Metadata(texts=(("Comment", "A quiet evening"),)))
    b'\xff\xfe\x00\x11A quiet evening'
    """
    parts = b""
    if metadata.xmp is not None:
        packet, extension = metadata.xmp, b""
        if len(packet) > _LONGEST - len(_XMP):
            packet, extension, identity = xmp.parted(packet)
            head = _EXTENSION + identity.encode()
        parts += _segment(0xE1, _XMP + packet)
        room = _LONGEST - _EXTENSION_HEAD
        for start in range(0, len(extension), room):
            place = struct.pack(">II", len(extension), start)
            parts += _segment(0xE1, head + place + extension[start : start + room])
    for _, comment in metadata.texts:
        parts += _segment(0xFE, comment.encode()[:_LONGEST])
    if metadata.iptc is not None:
        block = iptc.photoshop(metadata.iptc)
        room = _LONGEST - len(iptc.PHOTOSHOP_MARKER)
        for start in range(0, len(block), room):
            parts += _segment(0xED, iptc.PHOTOSHOP_MARKER + block[start : start + room])
    return parts


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.rstrip("\0").strip()


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def packet_in(head: bytes) -> bytes | None:
    r"""Return the XMP packet of a JPEG of which only the beginning is at hand.

    Examples
    --------
    >>> marked = b"\xff\xe1" + (len(_XMP) + 8).to_bytes(2, "big") + _XMP + b"packet"
    >>> packet_in(b"\xff\xd8" + marked), packet_in(b"\xff\xd8") is None
    (b'packet', True)
    """
    place = head.find(_XMP)
    if place < 4 or head[place - 4 : place - 2] != b"\xff\xe1":
        return None
    return head[place + len(_XMP) : place - 2 + int.from_bytes(head[place - 2 : place], "big")]


def _extension(segments: Segments, identity: str) -> bytes | None:
    if not identity:
        return None
    pieces: dict[int, bytes] = {}
    total = 0
    for name, content in segments:
        if name != "APP1" or not content.startswith(_EXTENSION + identity.encode()):
            continue
        if len(content) >= _EXTENSION_HEAD:
            total, start = struct.unpack_from(">II", content, _EXTENSION_HEAD - 8)
            pieces[start] = content[_EXTENSION_HEAD:]
    whole = b"".join(pieces[start] for start in sorted(pieces))
    return whole if whole and len(whole) == total <= _LARGEST_EXTENSION else None


def _resolution(segments: Segments) -> Resolution | None:
    for name, content in segments:
        if name == "APP0" and content.startswith(b"JFIF\0") and len(content) >= 12:
            unit, across, down = struct.unpack_from(">BHH", content, 7)
            if unit in (1, 2) and across and down:
                return Resolution(across, down, per_inch=unit == 1)
    return None
