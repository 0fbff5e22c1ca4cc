"""The directories of a TIFF file, walked once and within bounds (TIFF 6.0, BigTIFF).

Whatever a file claims, the walk ends: a directory is visited once, and all tables together are
no longer than the file. The page that is the photo is chosen here, and tifffile is then shown
a file that consists of this page alone (:func:`shown_alone`), so that no chain, private field
or convention of a microscope's maker leads it elsewhere.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np

from core.files.errors import ExcessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

SUBFILE, OLD_SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = (
    254,
    255,
    256,
    257,
    258,
    259,
    262,
)
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_COUNTS = 273, 274, 277, 278, 279
PLANAR, COLOUR_MAP, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS = (
    284,
    320,
    322,
    323,
    324,
    325,
)
SUB_DIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_OFFSET, JPEG_LENGTH = 330, 338, 339, 513, 514
PREDICTOR, FILL_ORDER, DEPTH, ICC = 317, 266, 32997, 34675

_DECODING = frozenset(
    {SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIP_OFFSETS, SAMPLES}
    | {ROWS_PER_STRIP, STRIP_COUNTS, PLANAR, 292, 293, PREDICTOR, COLOUR_MAP, TILE_WIDTH}
    | {TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, EXTRA_SAMPLES, SAMPLE_FORMAT, 347, *range(512, 522)}
    | {*range(529, 533), DEPTH, 32998, 50674}
)
"""What a decoder needs to know; everything else is kept from it."""

_REDUCED, _MASK = 1, 4
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8}
_FRACTION, _FEW = 5, 16
_WHOLE_NUMBERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4"}
_WHOLE_NUMBERS |= {16: "u8", 17: "i8", 18: "u8"}
_MOST_DIRECTORIES = 4096
_MOST_FIELDS = 4096
_MOST_CHILDREN = 64
_MOST_SEGMENTS = 250_000
_ROOM = 1 << 20
_SHARED = 4
"""How often the bytes of a file may be shared: writers do so with blank tiles."""


@dataclass(frozen=True)
class Field:
    """One field: its type, its count, and where its value stands."""

    kind: int
    count: int
    place: int
    entry: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return _SIZES[self.kind] * self.count


@dataclass(frozen=True)
class Page:
    """A directory of a file, with the directories below it."""

    place: int
    fields: Mapping[int, Field]
    children: tuple[Page, ...] = ()


class TiffStructure:
    """The directories of an open TIFF file.

    Parameters
    ----------
    file : binary file
        Seekable; it has to stay open.

    Attributes
    ----------
    pages : tuple of Page
        The chain of directories, as far as it makes sense.
    size : int
        Of the file.

    Raises
    ------
    ValueError
        If it is no TIFF, or its first directory cannot be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        if not self.order or len(head) < 8:
            raise ValueError("this is no TIFF")
        self.is_big = struct.unpack_from(self.order + "H", head, 2)[0] == 43
        if self.is_big and len(head) < 16:
            raise ValueError("the header breaks off")
        self._left = self.size
        self._numbers_left = self.size + _ROOM
        if self.is_big:
            (first,) = struct.unpack_from(self.order + "Q", head, 8)
        else:
            (first,) = struct.unpack_from(self.order + "I", head, 4)
        self._visited: set[int] = set()
        self.pages = tuple(self._chain(first))
        if not self.pages:
            raise ValueError("the first directory cannot be read")

    def numbers(self, page: Page, tag: int, most: int = 1 << 16) -> npt.NDArray[np.int64]:
        """Return the whole numbers of a field, at most `most`; an empty array if it has none."""
        found = page.fields.get(tag)
        if found is None or found.kind not in _WHOLE_NUMBERS:
            return np.zeros(0, np.int64)
        count = min(found.count, most)
        self._numbers_left -= count
        if self._numbers_left < 0:
            raise ExcessError("more directories and tables than bytes")
        self.file.seek(found.place)
        kind = np.dtype(self.order + _WHOLE_NUMBERS[found.kind])
        data = self.file.read(count * kind.itemsize)
        return np.frombuffer(data, kind, len(data) // kind.itemsize).astype(np.int64)

    def number(self, page: Page, tag: int, default: int = 0) -> int:
        """Return the first whole number of a field."""
        values = self.numbers(page, tag, 1)
        return int(values[0]) if len(values) else default

    def fractions(self, page: Page, tag: int) -> list[float]:
        """Return the numbers of a field of whole numbers or fractions, a few at most."""
        found = page.fields.get(tag)
        if found is None or found.kind != _FRACTION:
            return [float(value) for value in self.numbers(page, tag, _FEW)]
        self.file.seek(found.place)
        data = self.file.read(8 * min(found.count, _FEW))
        pairs = struct.iter_unpack(self.order + "II", data)
        return [over / under if under else 0.0 for over, under in pairs]

    def content(self, page: Page, tag: int) -> bytes | None:
        """Return the bytes of a field, None if it does not exist."""
        found = page.fields.get(tag)
        if found is None:
            return None
        self.file.seek(found.place)
        return self.file.read(found.size)

    def photo(self) -> Page:
        """Return the page that is the photo: the first that is no thumbnail and no mask."""
        everywhere = [*self.pages, *(child for page in self.pages for child in page.children)]
        return next((page for page in everywhere if self.is_whole(page)), self.pages[0])

    def is_whole(self, page: Page) -> bool:
        """Return whether a page is an image, no reduced version of another, and no mask."""
        if WIDTH not in page.fields or LENGTH not in page.fields:
            return False
        old = self.number(page, OLD_SUBFILE) if SUBFILE not in page.fields else 0
        return not self.number(page, SUBFILE) & (_REDUCED | _MASK) and old != 2

    def check_extents(self, page: Page) -> None:
        """Refuse a page whose data lie beyond the end of the file, or are too many to decode.

        Raises
        ------
        ValueError
            If data would lie beyond the end.
        ExcessError
            If there are far more strips or tiles than any writer makes, or if they share bytes,
            so that little is to be decoded over and over.
        """
        for places, counts in (
            (STRIP_OFFSETS, STRIP_COUNTS),
            (TILE_OFFSETS, TILE_COUNTS),
            (JPEG_OFFSET, JPEG_LENGTH),
        ):
            starts = self.numbers(page, places, _MOST_SEGMENTS + 1)
            sizes = self.numbers(page, counts, _MOST_SEGMENTS + 1)
            common = min(len(starts), len(sizes))
            ends = starts[:common] + sizes[:common]
            if (starts >= self.size).any() or (ends > self.size).any() or (sizes < 0).any():
                raise ValueError("the data ends before the image does")
            if len(starts) > _MOST_SEGMENTS:
                raise ExcessError(f"more than {_MOST_SEGMENTS} strips or tiles")
            if sizes.sum() > _SHARED * self.size + _ROOM:
                raise ExcessError("strips or tiles that repeat the same bytes")

    def _chain(self, place: int) -> Iterator[Page]:
        for _ in range(_MOST_DIRECTORIES):
            if place == 0:
                return
            page, place = self._page(place)
            if page is None:
                return
            below = self.numbers(page, SUB_DIRECTORIES, _MOST_CHILDREN)
            children = [self._page(int(start))[0] for start in below]
            kept = tuple(child for child in children if child is not None)
            yield Page(page.place, page.fields, kept)

    def _page(self, place: int) -> tuple[Page | None, int]:
        """Return a directory and the place of the next; None where there is no more to see."""
        if place in self._visited or not 0 < place < self.size:
            return None, 0
        self._visited.add(place)
        self.file.seek(place)
        if self.is_big:
            count_format, entry_size, next_format, inline = "Q", 20, "Q", 8
        else:
            count_format, entry_size, next_format, inline = "H", 12, "I", 4
        head = self.file.read(struct.calcsize("=" + count_format))
        if len(head) < struct.calcsize("=" + count_format):
            return None, 0
        (count,) = struct.unpack(self.order + count_format, head)
        self._left -= count * entry_size
        if count > _MOST_FIELDS or self._left < 0:
            return None, 0
        table = self.file.read(count * entry_size)
        after = self.file.read(struct.calcsize("=" + next_format))
        fields: dict[int, Field] = {}
        for start in range(0, len(table) - entry_size + 1, entry_size):
            entry = table[start : start + entry_size]
            tag, kind = struct.unpack_from(self.order + "HH", entry)
            (number,) = struct.unpack_from(self.order + next_format, entry, 4)
            size = _SIZES.get(kind, 0) * number
            value = place + len(head) + start + entry_size - inline
            if size > inline:
                (value,) = struct.unpack_from(self.order + next_format, entry, entry_size - inline)
            if size and value + size <= self.size:
                fields.setdefault(tag, Field(kind, number, value, entry))
        following = 0
        if len(after) == struct.calcsize("=" + next_format):
            (following,) = struct.unpack(self.order + next_format, after)
        return Page(place, fields), following


def shown_alone(structure: TiffStructure, page: Page, counts: Mapping[int, int]) -> IO[bytes]:
    """Return the file as if it had one page and nothing but what decodes it.

    Parameters
    ----------
    structure : TiffStructure
        The file.
    page : Page
        One of its pages.
    counts : mapping of int to int
        How many values of a field make sense at most; the rest is cut off.

    Returns
    -------
    binary file
        Read-only; closing it leaves the file itself open.

    Examples
    --------
    >>> import tifffile
    >>> file = io.BytesIO()
    >>> with tifffile.TiffWriter(file) as writer:
    ...     writer.write(np.zeros((32, 48, 3), np.uint8), subfiletype=1)  # a thumbnail comes first
    ...     writer.write(np.zeros((64, 96, 3), np.uint8))
    >>> structure = TiffStructure(file)
    >>> with (
    ...     shown_alone(structure, structure.photo(), {}) as alone,
    ...     tifffile.TiffFile(alone) as tiff,
    ... ):
    ...     [page.shape for page in tiff.pages]
    [(64, 96, 3)]
    """
    big = structure.is_big
    inline = 8 if big else 4
    number_format = structure.order + ("Q" if big else "I")
    entries = []
    for tag in sorted(page.fields.keys() & _DECODING):
        found = page.fields[tag]
        entry = bytearray(found.entry)
        if found.count > counts.get(tag, found.count):
            struct.pack_into(number_format, entry, 4, counts[tag])
            size = _SIZES[found.kind] * counts[tag]
            if size <= inline < found.size:
                structure.file.seek(found.place)
                entry[-inline:] = structure.file.read(size).ljust(inline, b"\0")
        entries.append(bytes(entry))
    count = struct.pack(structure.order + ("Q" if big else "H"), len(entries))
    directory = count + b"".join(entries) + bytes(inline)
    first = struct.pack(number_format, page.place)
    patches = ((8 if big else 4, first), (page.place, directory))
    return io.BufferedReader(_Patched(structure.file, structure.size, patches))


class _Patched(io.RawIOBase):
    """A file some of whose bytes are others; it ends where the file or the last patch ends."""

    def __init__(self, file: IO[bytes], size: int, patches: tuple[tuple[int, bytes], ...]) -> None:
        self._file = file
        self._patches = patches
        self._size = max(size, *(start + len(data) for start, data in patches))
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        start = self._place
        wanted = max(0, min(len(buffer), self._size - start))
        self._file.seek(start)
        rest = memoryview(buffer)[:wanted]
        read: int = self._file.readinto(rest)  # type: ignore[attr-defined]
        rest[read:] = bytes(wanted - read)
        for place, patch in self._patches:
            first, last = max(start, place), min(start + wanted, place + len(patch))
            if first < last:
                buffer[first - start : last - start] = patch[first - place : last - place]
        self._place += wanted
        return wanted
