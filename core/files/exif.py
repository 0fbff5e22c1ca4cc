r"""EXIF: the directories of a TIFF structure, read, changed and written.

EXIF travels as a *blob*: a small TIFF file without pixels, as it stands in JPEG after
``Exif\\0\\0`` and in PNG, WebP, AVIF and JPEG XL (CIPA DC-008-2023, section 4.5). A blob is
changed in place wherever possible: makers' notes hold places of their own and do not survive
being moved.
"""

from __future__ import annotations

import io
import logging
import struct
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

ORIENTATION, EXIF_IFD, GPS_IFD, INTEROP_IFD = 274, 34665, 34853, 40965
COLOUR_SPACE, INTEROP_INDEX, MAKER_NOTE, GAMMA = 40961, 1, 37500, 42240
MAKE, MODEL, SOFTWARE, DATE, DATE_TAKEN = 271, 272, 305, 306, 36867
ARTIST, EXPOSURE_TIME, F_NUMBER, SENSITIVITY, FOCAL_LENGTH = 315, 33434, 33437, 34855, 37386
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
XMP_TAG, IPTC_TAG, PHOTOSHOP_TAG = 700, 33723, 34377
_SIZES_STATED = ((256, 257), (40962, 40963))
"""ImageWidth and ImageLength in the first directory, PixelXDimension and PixelYDimension."""
_COLORIMETRY = (301, 318, 319)
"""TransferFunction, WhitePoint and PrimaryChromaticities, which cameras write for Adobe RGB."""

_DESCRIPTIVE = frozenset(
    {
        269,  # DocumentName
        270,  # ImageDescription
        MAKE,
        MODEL,
        X_RESOLUTION,
        Y_RESOLUTION,
        285,  # PageName
        RESOLUTION_UNIT,
        SOFTWARE,
        DATE,
        ARTIST,
        316,  # HostComputer
        18246,  # Rating
        18249,  # RatingPercent
        33432,  # Copyright
        *range(40091, 40096),  # XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject
        50341,  # PrintImageMatching
    }
)
"""What the first directory says about the photo, rather than about how its pixels are stored."""

_UNIT_SIZES = {
    **{1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 129: 1},
    **{16: 8, 17: 8, 18: 8},
}
_SIZES = {**_UNIT_SIZES, 5: 8, 10: 8}
_NARROW = {16: 4, 17: 9, 18: 13}
_LONG = 4
_THUMBNAIL = (513, 514)
"""JPEGInterchangeFormat and JPEGInterchangeFormatLength."""
_MOST_BYTES = 32 << 20
"""The most that the values of one file may have together."""
_MOST_ENTRIES = 2000
_FARTHEST_NOTE = 1 << 16
"""How far from the start a makers' note may stand that has to keep its place."""

_MOVABLE_NOTES = (
    b"Nikon\0\2",
    b"FUJIFILM",
    b"OLYMPUS\0",
    b"OM SYSTEM\0",
    b"Apple iOS\0",
    b"PENTAX \0",
    b"HDRP\2",
)
"""How makers' notes begin whose places count from their own start."""


@dataclass(frozen=True)
class Entry:
    """One field of a directory: its type, its count, and its value in little-endian order.

    `place` is where the value stood in the file it was read from.
    """

    kind: int
    count: int
    data: bytes
    place: int | None = field(default=None, compare=False)

    @classmethod
    def text(cls, value: str) -> Entry:
        """Return a field of text: ASCII, or UTF-8 where that does not suffice."""
        data = value.encode("utf-8", "replace") + b"\0"
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
    def octets(cls, data: bytes) -> Entry:
        """Return a field of bytes."""
        return cls(1, len(data), data)

    @classmethod
    def opaque(cls, data: bytes) -> Entry:
        """Return a field of bytes without a meaning to others."""
        return cls(7, len(data), data)

    def as_text(self) -> str:
        """Return a text field's value, without what follows its end."""
        return self.data.split(b"\0")[0].decode("utf-8", "replace").strip()

    def as_bytes(self, order: str) -> bytes:
        """Return the value as it stands in a file of a byte order."""
        return _swapped(self.data, self.kind, order)

    def as_int(self) -> int:
        """Return the first number of a field, 0 if it holds none."""
        size = _UNIT_SIZES.get(self.kind, 1)
        return int.from_bytes(self.data[:size], "little")

    def as_float(self) -> float | None:
        """Return the first number of a field of fractions or integers, None if it has none."""
        if self.kind in (5, 10):
            numerator, denominator = struct.unpack_from("<2I", self.data)
            return numerator / denominator if denominator else None
        return float(self.as_int())


@dataclass
class Directory:
    """The fields of an image file directory, and the directories it points to.

    `order` is the byte order of the file: ``"<"`` or ``">"``. Values without a type of their
    own, such as comments in Unicode, depend on it without saying so.
    """

    entries: dict[int, Entry] = field(default_factory=dict)
    children: dict[int, Directory] = field(default_factory=dict)
    order: str = field(default="<", compare=False)

    def child(self, tag: int) -> Directory:
        """Return a directory it points to; an empty one if there is none."""
        return self.children.get(tag, Directory())

    def text(self, tag: int) -> str:
        """Return a text field's value, empty if there is none."""
        entry = self.entries.get(tag)
        return entry.as_text() if entry is not None and entry.kind in (2, 129) else ""

    def serialise(self, start: int) -> bytes:
        """Return the directory with everything it points to, as TIFF.

        Parameters
        ----------
        start : int
            Where in the file the result will stand.

        Returns
        -------
        bytes
            The directory itself stands at the beginning.
        """
        layout = _Layout(self.order, start)
        layout.add(self)
        return bytes(layout.data)


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

    Examples
    --------
    >>> blob = blob_from(Directory({MODEL: Entry.text("X100V"), ORIENTATION: Entry.shorts(6)}))
    >>> main = parse(blob)
    >>> main.text(MODEL), main.entries[ORIENTATION].as_int()
    ('X100V', 6)
    >>> parse(b"no EXIF")
    Traceback (most recent call last):
    ValueError: This is not EXIF.
    """
    return parse_file(io.BytesIO(blob))


def blob_from(directory: Directory) -> bytes:
    r"""Return the EXIF blob of directories, in their byte order.

    A makers' note whose places count from the start of the file keeps its own place there.

    Examples
    --------
    >>> inner = Directory({FOCAL_LENGTH: Entry.rational(35, 1)})
    >>> blob = blob_from(Directory({MAKE: Entry.text("Fujifilm")}, {EXIF_IFD: inner}))
    >>> blob[:4], parse(blob).child(EXIF_IFD).entries[FOCAL_LENGTH].as_float()
    (b'II*\x00', 35.0)
    """
    note = directory.child(EXIF_IFD).entries.get(MAKER_NOTE)
    layout = _Layout(directory.order, 8, note if _must_stay(note) else None)
    start = layout.add(directory)
    mark = b"II*\0" if directory.order == "<" else b"MM\0*"
    return mark + struct.pack(directory.order + "I", start) + bytes(layout.data)


def parse_file(file: IO[bytes], start: int | None = None) -> Directory:
    """Return the directories of a TIFF, a BigTIFF or a TIFF-like RAW, as :func:`parse` does.

    Parameters
    ----------
    file : binary file
        Seekable.
    start : int, optional
        Where the main directory stands; the first of the file unless given.

    Examples
    --------
    >>> tiff = io.BytesIO(blob_from(Directory({SOFTWARE: Entry.text("darktable 5.0")})))
    >>> parse_file(tiff).text(SOFTWARE)
    'darktable 5.0'
    """
    reader = _Reader(file)
    main = reader.directory(reader.start if start is None else start, (EXIF_IFD, GPS_IFD))
    if not main.entries and not main.children:
        raise ValueError("This is not EXIF.")
    return main


def blob_of_photo(whole: Directory) -> tuple[bytes | None, tuple[str, ...]]:
    """Return what the directories of a TIFF file say about its photo.

    Parameters
    ----------
    whole : Directory
        All that the file says.

    Returns
    -------
    blob : bytes or None
        EXIF in the file's byte order; None if nothing is about the photo.
    notes : tuple of str
        Sentences for people about what had to be left out.

    Examples
    --------
    >>> whole = Directory({MODEL: Entry.text("X100V"), 256: Entry.longs(6000)})  # 256: ImageWidth
    >>> blob, notes = blob_of_photo(whole)
    >>> sorted(parse(blob).entries) == [MODEL], notes
    (True, ())
    """
    kept = _descriptive(whole)
    if not kept.children and not kept.entries.keys() - {SOFTWARE, DATE, RESOLUTION_UNIT}:
        return None, ()
    notes: tuple[str, ...] = ()
    fields = kept.child(EXIF_IFD).entries
    note = fields.get(MAKER_NOTE)
    if _must_stay(note) and not _can_stay(note):
        del fields[MAKER_NOTE]
        notes = (MAKER_NOTE_LEFT_OUT,)
    return blob_from(kept), notes


def with_resolution(blob: bytes | None, x: Entry, y: Entry, unit: Entry) -> bytes:
    """Return EXIF that states a print resolution where it stated none.

    Examples
    --------
    >>> dpi = Entry.rational(300, 1)
    >>> blob = with_resolution(None, dpi, dpi, Entry.shorts(2))
    >>> parse(blob).entries[X_RESOLUTION].as_float()
    300.0
    >>> other = Entry.rational(72, 1)
    >>> with_resolution(blob, other, other, Entry.shorts(2)) == blob  # what is stated stays
    True
    """
    try:
        directory = parse(blob) if blob is not None else Directory()
    except ValueError:
        directory = Directory()
    if blob is not None and X_RESOLUTION in directory.entries:
        return blob
    directory.entries |= {X_RESOLUTION: x, Y_RESOLUTION: y, RESOLUTION_UNIT: unit}
    return blob_from(directory)


MAKER_NOTE_LEFT_OUT = (
    "The camera maker's own notes (MakerNote) cannot be moved without damage and were left out."
)


def described(blob: bytes) -> tuple[Directory, dict[int, int]]:
    """Return what the first directory says about the photo, to be merged into a TIFF's.

    Returns
    -------
    directory : Directory
        Its fields, in the blob's byte order, without the directories it points to.
    pointers : dict
        The tags of those directories, and where in the blob they stand.

    Examples
    --------
    >>> inner = Directory({F_NUMBER: Entry.rational(28, 10)})
    >>> blob = blob_from(Directory({MODEL: Entry.text("X100V")}, {EXIF_IFD: inner}))
    >>> directory, pointers = described(blob)
    >>> directory.text(MODEL), list(pointers) == [EXIF_IFD]
    ('X100V', True)
    """
    try:
        whole = parse(blob)
        order, start = _byte_order(blob[:8])
        places = {tag: _find(blob, order, start, tag) for tag in (EXIF_IFD, GPS_IFD)}
    except (struct.error, ValueError):
        return Directory(), {}
    kept = _descriptive(whole)
    pointers = {
        tag: struct.unpack_from(order + "I", blob, place + 8)[0]
        for tag, place in places.items()
        if place is not None and tag in kept.children
    }
    return Directory(kept.entries, {}, order), pointers


def orientation(blob: bytes | None) -> int:
    """Return how an EXIF blob says the pixels must be turned: 1 to 8, 1 for not at all.

    Examples
    --------
    >>> orientation(blob_from(Directory({ORIENTATION: Entry.shorts(6)})))  # a quarter to the right
    6
    >>> orientation(None)
    1
    """
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
        A copy that differs in these places only; None if `blob` is no EXIF.

    Examples
    --------
    >>> blob = blob_from(Directory({ORIENTATION: Entry.shorts(6), MODEL: Entry.text("X100V")}))
    >>> turned = upright(blob)
    >>> orientation(turned), parse(turned).text(MODEL), len(turned) == len(blob)
    (1, 'X100V', True)
    >>> upright(b"no EXIF") is None
    True
    """
    if blob is None:
        return None
    try:
        directory = parse(blob)
        if _lacks_next_pointer(blob):
            # Readers would take whatever stands there for the place of another directory.
            blob = blob_from(directory)
        patch = _Patch(blob)
        patch.drop_thumbnail()
        patch.set_short(patch.main, ORIENTATION, 1)
    except (struct.error, ValueError):
        logger.info("unreadable EXIF left out")
        return None
    return bytes(patch.data)


def stating(blob: bytes, width: int, height: int, *, srgb: bool) -> bytes:
    """Return EXIF whose statements about the pixels are true of the file that it goes into.

    Parameters
    ----------
    blob : bytes
        EXIF blob.
    width, height : int
        Of the photo.
    srgb : bool
        Whether its space is sRGB; any other is "uncalibrated", and the profile says the rest.

    Returns
    -------
    bytes
        Fields are changed where they exist, in place; none is added.

    Examples
    --------
    >>> sizes = {40962: Entry.longs(6000), 40963: Entry.longs(4000), COLOUR_SPACE: Entry.shorts(1)}
    >>> blob = stating(blob_from(Directory({}, {EXIF_IFD: Directory(sizes)})), 600, 400, srgb=False)
    >>> inner = parse(blob).child(EXIF_IFD).entries
    >>> [inner[tag].as_int() for tag in (40962, 40963, COLOUR_SPACE)]
    [600, 400, 65535]
    """
    try:
        patch = _Patch(blob)
        patch.set_long(patch.main, _SIZES_STATED[0][0], width)
        patch.set_long(patch.main, _SIZES_STATED[0][1], height)
        inner = patch.child(patch.main, EXIF_IFD)
        interop = patch.child(inner, INTEROP_IFD)
        patch.set_long(inner, _SIZES_STATED[1][0], width)
        patch.set_long(inner, _SIZES_STATED[1][1], height)
        patch.set_short(inner, COLOUR_SPACE, 1 if srgb else 0xFFFF)
        for tag in _COLORIMETRY:
            patch.remove(patch.main, tag)
        patch.remove(inner, GAMMA)
        if not (srgb and patch.starts_with(interop, INTEROP_INDEX, b"R98")):
            patch.remove(interop, INTEROP_INDEX)
    except (struct.error, ValueError):
        return blob
    return bytes(patch.data)


def without_maker_note(blob: bytes) -> bytes:
    """Return EXIF without the makers' note, and without anything that is not EXIF.

    Examples
    --------
    >>> fields = {MAKER_NOTE: Entry.opaque(bytes(70_000)), F_NUMBER: Entry.rational(28, 10)}
    >>> blob = blob_from(Directory({}, {EXIF_IFD: Directory(fields)}))
    >>> len(blob) > 65_533, len(without_maker_note(blob))  # 65,533 bytes fit into a JPEG
    (True, 52)
    """
    directory = parse(blob)
    directory.child(EXIF_IFD).entries.pop(MAKER_NOTE, None)
    return blob_from(directory)


def summary(blob: bytes | None) -> Summary:
    """Return what EXIF says for people; an empty summary where there is none.

    Examples
    --------
    >>> main = {MAKE: Entry.text("FUJIFILM"), MODEL: Entry.text("X100V")}
    >>> taken = Directory({DATE_TAKEN: Entry.text("2024:05:17 18:02:11")})
    >>> summary(blob_from(Directory(main, {EXIF_IFD: taken})))
    Summary(camera='FUJIFILM X100V', date='2024:05:17 18:02:11', has_gps=False, is_adobe_rgb=False)
    """
    if blob is None:
        return Summary()
    try:
        main = parse(blob)
    except ValueError:
        return Summary()
    exif = main.child(EXIF_IFD)
    make, model = main.text(MAKE), main.text(MODEL)
    camera = model if model.startswith(make) else f"{make} {model}".strip()
    date = exif.text(DATE_TAKEN) or main.text(DATE)
    colour_space = exif.entries.get(COLOUR_SPACE)
    stated = colour_space.as_int() if colour_space is not None else 0
    # DCF 2.0: Adobe RGB is marked by "R03"; ColorSpace 2 is what several makers write for it.
    index = exif.child(INTEROP_IFD).text(INTEROP_INDEX)
    adobe = stated == 2 or (stated != 1 and index == "R03")
    return Summary(camera, date, bool(main.child(GPS_IFD).entries), adobe)


def _descriptive(whole: Directory) -> Directory:
    return Directory(
        {tag: entry for tag, entry in whole.entries.items() if tag in _DESCRIPTIVE},
        {tag: child for tag, child in whole.children.items() if child.entries},
        whole.order,
    )


def _must_stay(note: Entry | None) -> bool:
    return note is not None and len(note.data) > 4 and not note.data.startswith(_MOVABLE_NOTES)


def _can_stay(note: Entry | None) -> bool:
    place = note.place if note is not None else None
    return place is not None and 8 <= place <= _FARTHEST_NOTE


class _Layout:
    """Directories and their values, laid one behind the other from a place in a file."""

    def __init__(self, order: str, start: int, pinned: Entry | None = None) -> None:
        self.data = bytearray()
        self._order = order
        self._start = start
        self._pinned = pinned if _can_stay(pinned) else None

    def add(self, directory: Directory) -> int:
        """Lay a directory and everything it points to; returns its place."""
        tags = sorted({*directory.entries, *directory.children})
        start = self._room(2 + 12 * len(tags) + 4)
        rows = []
        for tag in tags:
            if tag in directory.children:
                place = self.add(directory.children[tag])
                rows.append(struct.pack(self._order + "HHII", tag, _LONG, 1, place))
                continue
            entry = directory.entries[tag]
            value = entry.as_bytes(self._order)
            if len(value) <= 4:
                last = value.ljust(4, b"\0")
            else:
                last = struct.pack(self._order + "I", self._lay(entry, value))
            rows.append(struct.pack(self._order + "HHI", tag, entry.kind, entry.count) + last)
        table = struct.pack(self._order + "H", len(tags)) + b"".join(rows) + bytes(4)
        self._put(start, table)
        return start

    def _lay(self, entry: Entry, value: bytes) -> int:
        if entry is self._pinned and entry.place is not None:
            place = entry.place
            self.data.extend(bytes(max(0, place + len(value) - self._start - len(self.data))))
        else:
            place = self._room(len(value))
        self._put(place, value)
        return place

    def _room(self, size: int) -> int:
        place = self._start + len(self.data)
        place += place % 2
        if self._pinned is not None and self._pinned.place is not None:
            first, last = self._pinned.place, self._pinned.place + len(self._pinned.data)
            if place < last and place + size > first:
                place = last + last % 2
        self.data.extend(bytes(place + size - self._start - len(self.data)))
        return place

    def _put(self, place: int, data: bytes) -> None:
        self.data[place - self._start : place - self._start + len(data)] = data


class _Patch:
    """A copy of a blob whose fields are changed where they stand."""

    def __init__(self, blob: bytes) -> None:
        self.data = bytearray(blob)
        self._order, self.main = _byte_order(blob[:8])

    def child(self, start: int | None, tag: int) -> int | None:
        """Return where a directory stands that another points to."""
        place = self._find(start, tag)
        if place is None:
            return None
        (target,) = struct.unpack_from(self._order + "I", self.data, place + 8)
        return target if 8 <= target <= len(self.data) - 2 else None

    def set_short(self, start: int | None, tag: int, value: int) -> None:
        """Set a field that exists."""
        place = self._find(start, tag)
        if place is not None:
            struct.pack_into(self._order + "HIHH", self.data, place + 2, 3, 1, value, 0)

    def set_long(self, start: int | None, tag: int, value: int) -> None:
        """Set a field that exists."""
        place = self._find(start, tag)
        if place is not None:
            struct.pack_into(self._order + "HII", self.data, place + 2, _LONG, 1, value)

    def starts_with(self, start: int | None, tag: int, value: bytes) -> bool:
        """Return whether a field of at most four bytes begins so."""
        place = self._find(start, tag)
        return place is not None and self.data.startswith(value, place + 8)

    def remove(self, start: int | None, tag: int) -> None:
        """Remove a field; those behind it move up, their values stay where they are."""
        place = self._find(start, tag)
        if place is None or start is None:
            return
        (count,) = struct.unpack_from(self._order + "H", self.data, start)
        end = min(start + 2 + 12 * count + 4, len(self.data))
        self.data[place:end] = self.data[place + 12 : end] + bytes(12)
        struct.pack_into(self._order + "H", self.data, start, count - 1)

    def drop_thumbnail(self) -> None:
        """Remove the second directory and its picture, which may show more than the photo does."""
        (count,) = struct.unpack_from(self._order + "H", self.data, self.main)
        link = self.main + 2 + 12 * count
        (second,) = struct.unpack_from(self._order + "I", self.data, link)
        struct.pack_into(self._order + "I", self.data, link, 0)
        start, size = (self._number(second, tag) for tag in _THUMBNAIL)
        end = min(start + size, len(self.data))
        used = _extents(self.data, self._order, self.main, (EXIF_IFD, GPS_IFD))
        if start < 8 or start >= end or any(start < to and of < end for of, to in used):
            return
        if end == len(self.data):
            del self.data[start:]
        else:
            self.data[start:end] = bytes(end - start)

    def _number(self, start: int, tag: int) -> int:
        if not 8 <= start <= len(self.data) - 2:
            return 0
        place = self._find(start, tag)
        return _number(self.data, self._order + "I", place + 8) if place is not None else 0

    def _find(self, start: int | None, tag: int) -> int | None:
        return _find(self.data, self._order, start, tag) if start is not None else None


def _number(data: bytes | bytearray, form: str, place: int) -> int:
    value: int = struct.unpack_from(form, data, place)[0]
    return value


def _byte_order(header: bytes) -> tuple[str, int]:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(header[:4])
    if order is None or len(header) < 8:
        raise ValueError("This is not EXIF.")
    return order, _number(header, order + "I", 4)


def _find(blob: bytes | bytearray, order: str, start: int, tag: int) -> int | None:
    count = _number(blob, order + "H", start)
    for place in range(start + 2, min(start + 2 + 12 * count, len(blob) - 11), 12):
        if _number(blob, order + "H", place) == tag:
            return place
    return None


def _extents(
    blob: bytes | bytearray, order: str, start: int, pointers: tuple[int, ...]
) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a blob that a directory and those it points to take up."""
    if not 8 <= start <= len(blob) - 2:
        return
    count = _number(blob, order + "H", start)
    yield start, start + 2 + 12 * count
    followed = set()
    for place in range(start + 2, min(start + 2 + 12 * count, len(blob) - 11), 12):
        tag, kind, number, target = struct.unpack_from(order + "HHII", blob, place)
        size = _SIZES.get(kind, 0) * number
        if tag in pointers and tag not in followed:
            followed.add(tag)
            yield from _extents(blob, order, target, (INTEROP_IFD,) if tag == EXIF_IFD else ())
        elif size > 4:
            yield target, target + size


def _lacks_next_pointer(blob: bytes) -> bool:
    order, start = _byte_order(blob[:8])
    link = start + 2 + 12 * _number(blob, order + "H", start)
    used = _extents(blob, order, start, (EXIF_IFD, GPS_IFD))
    return link + 4 > len(blob) or any(of < link + 4 and link < to for of, to in used)


class _Reader:
    """Directories of a classic TIFF or BigTIFF; damaged fields are left out.

    All values together may not be larger than the file, since fields that overlap would
    otherwise make much of little.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._budget = min(file.seek(0, io.SEEK_END), _MOST_BYTES)
        file.seek(0)
        head = file.read(16)
        self._big = head[:4] in (b"II+\0", b"MM\0+") and len(head) == 16
        if self._big:
            self._order = "<" if head[:2] == b"II" else ">"
            self.start = _number(head, self._order + "Q", 8)
        else:
            self._order, self.start = _byte_order(head)

    def directory(self, start: int, pointers: tuple[int, ...]) -> Directory:
        found = Directory(order=self._order)
        width, count_form, row, word = (8, "Q", 20, "Q") if self._big else (2, "H", 12, "I")
        head = self._at(start, width)
        if len(head) < width:
            return found
        count = min(_number(head, self._order + count_form, 0), _MOST_ENTRIES)
        table = self._at(start + width, row * count)
        for place in range(0, len(table) - row + 1, row):
            tag, kind, number = struct.unpack_from(self._order + "HH" + word, table, place)
            inline = table[place + (12 if self._big else 8) : place + row]
            if tag in found.children:
                continue  # Directories that are named over and over would be read without end.
            if tag in pointers:
                target = _number(inline, self._order + word, 0)
                inner = (INTEROP_IFD,) if tag == EXIF_IFD else ()
                found.children[tag] = self.directory(target, inner)
                continue
            size = _SIZES.get(kind, 0) * number
            if size == 0 or size > self._budget:
                continue
            data, where = inline[:size], None
            if size > len(inline):
                where = _number(inline, self._order + word, 0)
                data = self._at(where, size)
            if len(data) == size:
                self._budget -= size
                value = Entry(kind, number, _swapped(data, kind, self._order), where)
                entry = _narrowed(value)
                if entry is not None:
                    found.entries[tag] = entry
        return found

    def _at(self, place: int, size: int) -> bytes:
        try:
            self._file.seek(place)
        except (OSError, OverflowError, ValueError):
            return b""
        return self._file.read(size)


def _narrowed(entry: Entry) -> Entry | None:
    """Return a field of BigTIFF's 64-bit numbers as one that every TIFF can hold."""
    if entry.kind not in _NARROW:
        return entry
    form = "q" if entry.kind == 17 else "Q"
    values = struct.unpack(f"<{entry.count}{form}", entry.data)
    try:
        data = struct.pack(f"<{entry.count}{form.replace('q', 'i').replace('Q', 'I')}", *values)
    except struct.error:
        return None
    return Entry(_NARROW[entry.kind], entry.count, data)


def _swapped(data: bytes, kind: int, order: str) -> bytes:
    """Turn the bytes of numbers between little-endian and another order."""
    unit = _UNIT_SIZES.get(kind, 1)
    if order == "<" or unit == 1:
        return data
    whole = len(data) - len(data) % unit
    return np.frombuffer(data[:whole], f"u{unit}").byteswap().tobytes() + data[whole:][::-1]
