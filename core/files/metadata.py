r"""EXIF: the directories of a TIFF structure, read, changed and written.

EXIF travels as a *blob*: a small TIFF file without pixels, as it stands in JPEG after
``Exif\\0\\0`` and in PNG, WebP, AVIF and JPEG XL (CIPA DC-008-2023, section 4.5).
"""

from __future__ import annotations

import io
import logging
import struct
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

ORIENTATION, EXIF_IFD, GPS_IFD, INTEROP_IFD = 274, 34665, 34853, 40965
_COLOUR_SPACE, _INTEROP_INDEX, _MAKER_NOTE = 40961, 1, 37500
_MAKE, _MODEL, _DATE, _DATE_TAKEN = 271, 272, 306, 36867
_DESCRIPTIVE = frozenset({270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, *range(40091, 40096)})
"""What the first directory says about the photo, rather than about how its pixels are stored."""

_UNIT_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
_SIZES = {**_UNIT_SIZES, 5: 8, 10: 8}
_LARGEST_ENTRY = 32 << 20
_MOST_ENTRIES = 2000


@dataclass(frozen=True)
class Entry:
    """One field of a directory: its type, its count, and its value in little-endian order."""

    kind: int
    count: int
    data: bytes

    @classmethod
    def text(cls, value: str) -> Entry:
        """Return a field of ASCII text."""
        data = value.encode("ascii", "replace") + b"\0"
        return cls(2, len(data), data)

    @classmethod
    def shorts(cls, *values: int) -> Entry:
        """Return a field of unsigned 16-bit numbers."""
        return cls(3, len(values), struct.pack(f"<{len(values)}H", *values))

    @classmethod
    def longs(cls, *values: int) -> Entry:
        """Return a field of unsigned 32-bit numbers."""
        return cls(4, len(values), struct.pack(f"<{len(values)}I", *values))

    @classmethod
    def rational(cls, numerator: int, denominator: int) -> Entry:
        """Return a field of one fraction."""
        return cls(5, 1, struct.pack("<2I", numerator, denominator))

    @classmethod
    def opaque(cls, data: bytes) -> Entry:
        """Return a field of bytes without a meaning to others."""
        return cls(7, len(data), data)

    def as_text(self) -> str:
        """Return a text field's value, without what follows its end."""
        return self.data.split(b"\0")[0].decode("utf-8", "replace").strip()

    def as_int(self) -> int:
        """Return the first number of a field, 0 if it holds none."""
        size = _UNIT_SIZES.get(self.kind, 1)
        return int.from_bytes(self.data[:size], "little")


@dataclass
class Directory:
    """The fields of an image file directory, and the directories it points to."""

    entries: dict[int, Entry] = field(default_factory=dict)
    children: dict[int, Directory] = field(default_factory=dict)

    def child(self, tag: int) -> Directory:
        """Return a directory it points to; an empty one if there is none."""
        return self.children.get(tag, Directory())

    def serialise(self, start: int) -> bytes:
        """Return the directory with everything it points to, as little-endian TIFF.

        Parameters
        ----------
        start : int
            Where in the file the result will stand.

        Returns
        -------
        bytes
            The directory itself stands at the beginning.
        """
        tags = sorted({*self.entries, *self.children})
        table = struct.pack("<H", len(tags))
        place = start + 2 + 12 * len(tags) + 4
        tail = b""
        for tag in tags:
            if tag in self.children:
                block = self.children[tag].serialise(place + len(tail))
                table += struct.pack("<HHII", tag, 4, 1, place + len(tail))
            else:
                entry = self.entries[tag]
                table += struct.pack("<HHI", tag, entry.kind, entry.count)
                if len(entry.data) <= 4:
                    table += entry.data.ljust(4, b"\0")
                    continue
                block = entry.data
                table += struct.pack("<I", place + len(tail))
            tail += block + bytes(len(block) % 2)
        return table + bytes(4) + tail


@dataclass(frozen=True)
class Summary:
    """What EXIF says of a photo, for people."""

    camera: str = ""
    date: str = ""
    has_gps: bool = False
    is_adobe_rgb: bool = False


def parse(blob: bytes) -> Directory:
    """Return the directories of an EXIF blob; damaged fields are left out.

    Raises
    ------
    ValueError
        If it is no EXIF at all.
    """
    return _parse_file(io.BytesIO(blob))


def blob_from(directory: Directory) -> bytes:
    """Return the EXIF blob of directories."""
    return b"II*\0" + struct.pack("<I", 8) + directory.serialise(8)


def from_tiff(file: IO[bytes]) -> bytes | None:
    """Return the EXIF of a TIFF file (or a TIFF-like RAW) as a blob, None if it has none."""
    try:
        whole = _parse_file(file)
    except ValueError:
        return None
    kept = _descriptive(whole)
    if not kept.children and not kept.entries.keys() - {282, 283, 296, 305}:
        return None
    return blob_from(kept)


def described(blob: bytes) -> Directory:
    """Return what an EXIF blob says about the photo, to be merged into a TIFF's directory."""
    try:
        return _descriptive(parse(blob))
    except ValueError:
        return Directory()


def orientation(blob: bytes | None) -> int:
    """Return how an EXIF blob says the pixels must be turned: 1 to 8, 1 for not at all."""
    if blob is None:
        return 1
    try:
        entry = parse(blob).entries.get(ORIENTATION)
    except ValueError:
        return 1
    stated = entry.as_int() if entry is not None else 1
    return stated if 1 <= stated <= 8 else 1


def upright(blob: bytes | None) -> bytes | None:
    """Return EXIF for pixels that have been turned: orientation 1, no thumbnail.

    Parameters
    ----------
    blob : bytes or None
        EXIF blob.

    Returns
    -------
    bytes or None
        A copy that differs in these two places only, since makers' notes do not survive any
        movement; None if `blob` is no EXIF.
    """
    if blob is None:
        return None
    patched = bytearray(blob)
    try:
        order, start = _byte_order(blob[:8])
        (count,) = struct.unpack_from(order + "H", blob, start)
        struct.pack_into(order + "I", patched, start + 2 + 12 * count, 0)
        place = _find(blob, order, start, ORIENTATION)
    except (struct.error, ValueError):
        logger.info("unreadable EXIF left out")
        return None
    if place is not None:
        struct.pack_into(order + "HIHH", patched, place + 2, 3, 1, 1, 0)
    return bytes(patched)


def with_colour_space(blob: bytes, *, srgb: bool) -> bytes:
    """Return EXIF whose ColorSpace field says sRGB (1) or uncalibrated (65535).

    The field of 40961 is changed where it exists; the profile in the file says the rest.
    """
    patched = bytearray(blob)
    try:
        order, start = _byte_order(blob[:8])
        pointer = _find(blob, order, start, EXIF_IFD)
        if pointer is None:
            return blob
        (inner,) = struct.unpack_from(order + "I", blob, pointer + 8)
        place = _find(blob, order, inner, _COLOUR_SPACE)
        if place is not None:
            value = 1 if srgb else 0xFFFF
            struct.pack_into(order + "HIHH", patched, place + 2, 3, 1, value, 0)
    except (struct.error, ValueError):
        return blob
    return bytes(patched)


def without_maker_note(blob: bytes) -> bytes:
    """Return EXIF that is shorter by the makers' note and anything that is not EXIF."""
    directory = parse(blob)
    directory.child(EXIF_IFD).entries.pop(_MAKER_NOTE, None)
    return blob_from(directory)


def summary(blob: bytes | None) -> Summary:
    """Return what EXIF says for people; an empty summary where there is none."""
    if blob is None:
        return Summary()
    try:
        main = parse(blob)
    except ValueError:
        return Summary()
    exif = main.child(EXIF_IFD)
    make, model = (_text(main.entries, tag) for tag in (_MAKE, _MODEL))
    camera = model if model.startswith(make) else f"{make} {model}".strip()
    date = _text(exif.entries, _DATE_TAKEN) or _text(main.entries, _DATE)
    interop = exif.child(INTEROP_IFD).entries
    colour_space = exif.entries.get(_COLOUR_SPACE)
    stated = colour_space.as_int() if colour_space is not None else 0
    # DCF 2.0: Adobe RGB is marked by "R03"; ColorSpace 2 is what several makers write for it.
    adobe = stated == 2 or (stated != 1 and _text(interop, _INTEROP_INDEX) == "R03")
    return Summary(camera, date, bool(main.child(GPS_IFD).entries), adobe)


def _descriptive(whole: Directory) -> Directory:
    return Directory(
        {tag: entry for tag, entry in whole.entries.items() if tag in _DESCRIPTIVE},
        {tag: child for tag, child in whole.children.items() if child.entries},
    )


def _text(entries: Mapping[int, Entry], tag: int) -> str:
    entry = entries.get(tag)
    return entry.as_text() if entry is not None and entry.kind == 2 else ""


def _byte_order(header: bytes) -> tuple[str, int]:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(header[:4])
    if order is None or len(header) < 8:
        raise ValueError("This is not EXIF.")
    return order, struct.unpack_from(order + "I", header, 4)[0]


def _find(blob: bytes, order: str, start: int, tag: int) -> int | None:
    (count,) = struct.unpack_from(order + "H", blob, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from(order + "H", blob, place)[0] == tag:
            return place
    return None


def _parse_file(file: IO[bytes]) -> Directory:
    file.seek(0)
    order, start = _byte_order(file.read(8))
    main = _read_directory(file, order, start, (EXIF_IFD, GPS_IFD))
    if not main.entries and not main.children:
        raise ValueError("This is not EXIF.")
    return main


def _read_directory(
    file: IO[bytes], order: str, start: int, pointers: tuple[int, ...]
) -> Directory:
    directory = Directory()
    file.seek(start)
    head = file.read(2)
    if len(head) < 2:
        return directory
    count = min(struct.unpack(order + "H", head)[0], _MOST_ENTRIES)
    table = file.read(12 * count)
    for place in range(0, len(table) - 11, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", table, place)
        if tag in pointers:
            (target,) = struct.unpack_from(order + "I", table, place + 8)
            inner = (INTEROP_IFD,) if tag == EXIF_IFD else ()
            directory.children[tag] = _read_directory(file, order, target, inner)
            continue
        size = _SIZES.get(kind, 0) * number
        if size == 0 or size > _LARGEST_ENTRY:
            continue
        data = table[place + 8 : place + 8 + size]
        if size > 4:
            (target,) = struct.unpack_from(order + "I", table, place + 8)
            file.seek(target)
            data = file.read(size)
        if len(data) == size:
            directory.entries[tag] = Entry(kind, number, _little_endian(data, kind, order))
    return directory


def _little_endian(data: bytes, kind: int, order: str) -> bytes:
    unit = _UNIT_SIZES[kind]
    if order == "<" or unit == 1:
        return data
    return b"".join(data[i : i + unit][::-1] for i in range(0, len(data), unit))
