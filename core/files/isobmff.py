"""The ISO base media file format, as far as AVIF and JPEG XL need it (ISO/IEC 14496-12, 23008-12).

Reading gives the properties of the primary item. Writing adds a colour profile and EXIF to an
AVIF file that an encoder made without them.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from core.files.errors import ExcessError
from core.files.payloads import BOX_IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.files.metadata import Metadata

_DEEPEST = 200_000
_MOST_LEVELS, _MOST_LAYERS, _MOST_WORK = 16, 8, 1_000_000_000
GAIN_MAP = b"tmap"
XMP_TYPE = b"application/rdf+xml"


@dataclass(frozen=True)
class Box:
    """One box: its type, and where its content lies."""

    kind: bytes
    start: int
    end: int
    header: int


@dataclass
class Item:
    """What an image item says of itself."""

    kind: bytes = b""
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)
    content_type: bytes = b""
    in_item_data: bool = False

    def property(self, kind: bytes) -> bytes | None:
        """Return the content of the first property of a type."""
        return next((content for name, content in self.properties if name == kind), None)


@dataclass(frozen=True)
class Images:
    """The items of a file, and which of them is the photo."""

    primary: int
    items: dict[int, Item]
    sources: dict[int, list[int]] = field(default_factory=dict)
    """Which items others are made of (``dimg``), as often as they are named."""

    @property
    def has_gain_map(self) -> bool:
        """Whether the file also holds a gain map for HDR screens (ISO 21496-1)."""
        return any(item.kind == GAIN_MAP for item in self.items.values())

    @property
    def photo(self) -> Item:
        """The primary item."""
        return self.items[self.primary]


class MotionError(ValueError):
    """A file of moving pictures without a still one."""


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes of a stretch of a file; one that reaches beyond it is an error.

    Examples
    --------
    >>> file = make_box(b"ftyp", b"avif") + make_box(b"free", b"")
    >>> [(box.kind, file[box.start : box.end]) for box in boxes(file)]
    [(b'ftyp', b'avif'), (b'free', b'')]
    """
    place = start
    end = len(data) if end is None else end
    for _ in range(_DEEPEST):
        if place + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, place)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, place + 8)
            header = 16
        elif size == 0:
            size = end - place
        if size < header or place + size > end:
            raise ValueError(f"the box {kind!r} reaches beyond its end")
        yield Box(kind, place + header, place + size, header)
        place += size


def find(data: bytes, kind: bytes, start: int = 0, end: int | None = None) -> Box:
    """Return the first box of a type, or raise a ValueError.

    Examples
    --------
    >>> file = make_box(b"ftyp", b"avif") + make_box(b"uuid", b"...")
    >>> find(file, b"uuid").start
    20
    >>> find(file, b"meta")
    Traceback (most recent call last):
    ValueError: there is no box b'meta'
    """
    for box in boxes(data, start, end):
        if box.kind == kind:
            return box
    raise ValueError(f"there is no box {kind!r}")


def read_images(data: bytes) -> Images:
    """Return the image items of a file.

    Raises
    ------
    MotionError
        If there are moving pictures, but no still one.
    ValueError, struct.error, IndexError, KeyError
        If the boxes are damaged.
    NotImplementedError
        If they are written in a form that is not read here.

    Examples
    --------
    >>> import imagecodecs
    >>> import numpy as np
    >>> images = read_images(imagecodecs.avif_encode(np.zeros((4, 6, 3), np.uint8), speed=10))
    >>> images.photo.kind, struct.unpack(">4xII", images.photo.property(b"ispe"))
    (b'av01', (6, 4))
    """
    kinds = {box.kind for box in boxes(data)}
    if b"mini" in kinds and b"meta" not in kinds:
        raise NotImplementedError("the short form of the boxes (ISO/IEC 23008-12:2025)")
    if b"moov" in kinds and b"meta" not in kinds:
        raise MotionError
    meta = find(data, b"meta")
    inner = {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}
    if b"moov" in kinds and b"pitm" not in inner:
        raise MotionError
    pitm = inner[b"pitm"]
    primary = _number(data, pitm.start + 4, 4 if data[pitm.start] else 2)
    items: dict[int, Item] = {}
    _read_infos(data, inner[b"iinf"], items)
    _read_locations(data, inner[b"iloc"], items)
    _read_properties(data, inner[b"iprp"], items)
    sources = _sources(data, inner[b"iref"]) if b"iref" in inner else {}
    return Images(primary, items, sources)


def item_data(data: bytes, item: Item) -> bytes:
    """Return the bytes of an item.

    Examples
    --------
    >>> item_data(b"headEXIFmoreEXIF", Item(extents=[(4, 4), (12, 4)]))
    b'EXIFEXIF'
    >>> item_data(b"head", Item(extents=[(0, 4)] * 1000))
    Traceback (most recent call last):
    ValueError: an item is longer than its file
    """
    if item.in_item_data:
        meta = find(data, b"meta")
        base = find(data, b"idat", meta.start + 4, meta.end).start
    else:
        base = 0
    if sum(size for _, size in item.extents) > len(data):
        raise ValueError("an item is longer than its file")
    return b"".join(data[base + start : base + start + size] for start, size in item.extents)


def check_extents(data: bytes, images: Images) -> None:
    """Raise a ValueError if a part of an image lies beyond the end of the file.

    Examples
    --------
    >>> check_extents(bytes(100), Images(1, {1: Item(extents=[(20, 80)])}))
    >>> check_extents(bytes(100), Images(1, {1: Item(extents=[(20, 81)])}))
    Traceback (most recent call last):
    ValueError: the data ends before the image does
    """
    for item in images.items.values():
        end = max((start + size for start, size in item.extents), default=0)
        if end > len(data) and not item.in_item_data:
            raise ValueError("the data ends before the image does")


def check_work(images: Images) -> None:
    """Refuse an image that is made of the same items over and over.

    Raises
    ------
    ExcessError
        If far more pixels are to be decoded than the photo has.
    ValueError
        If an image is made of itself.

    Examples
    --------
    >>> grid = Item(properties=[(b"ispe", struct.pack(">4xII", 1024, 512))])
    >>> tile = Item(properties=[(b"ispe", struct.pack(">4xII", 512, 512))])
    >>> check_work(Images(1, {1: grid, 2: tile, 3: tile}, {1: [2, 3]}))
    >>> check_work(Images(1, {1: grid, 2: tile}, {1: [2] * 100_000}))
    Traceback (most recent call last):
    core.files.errors.ExcessError: an image that is put together from the same parts over and over
    """
    work: dict[int, int] = {}

    def decoded(number: int, above: tuple[int, ...]) -> int:
        if number in above or len(above) > _MOST_LEVELS:
            raise ValueError("an image that is made of itself")
        if number not in work:
            parts = images.sources.get(number, [])
            work[number] = _area(images.items.get(number, Item())) + sum(
                decoded(part, (*above, number)) for part in parts
            )
        return work[number]

    for number in images.items:
        if decoded(number, ()) > _MOST_WORK + _MOST_LAYERS * _area(images.photo):
            raise ExcessError("an image that is put together from the same parts over and over")


def _area(item: Item) -> int:
    extent = item.property(b"ispe")
    return _number(extent, 4, 4) * _number(extent, 8, 4) if extent is not None else 0


def aperture(item: Item, width: int, height: int) -> tuple[slice, slice]:
    """Return the rows and columns of an image that are to be seen (``clap``).

    Parameters
    ----------
    item : Item
        The image.
    width, height : int
        As it is stored.

    Returns
    -------
    tuple of slice
        Rows and columns; all of them where the file states no aperture (ISO/IEC 14496-12, 12.1.4).

    Raises
    ------
    ValueError
        If the aperture lies outside: what was cropped away must not come back.

    Examples
    --------
    >>> middle = struct.pack(">IIIIiIiI", 80, 1, 60, 1, 0, 1, 0, 1)  # 80 × 60, in the centre
    >>> aperture(Item(properties=[(b"clap", middle)]), 100, 100)
    (slice(20, 80, None), slice(10, 90, None))
    """
    content = item.property(b"clap")
    if content is None:
        return slice(0, height), slice(0, width)
    numbers = struct.unpack_from(">IIIIiIiI", content)
    if 0 in numbers[1::2]:
        raise ValueError("an aperture without a size")
    across, down, right, below = (
        Fraction(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)
    )
    left = math.ceil(right + Fraction(width) / 2 - across / 2)
    top = math.ceil(below + Fraction(height) / 2 - down / 2)
    last_column, last_row = left + math.floor(across), top + math.floor(down)
    if not (0 <= left < last_column <= width and 0 <= top < last_row <= height):
        raise ValueError("an aperture outside the image")
    return slice(top, last_row), slice(left, last_column)


def exif_of(images: Images, data: bytes) -> bytes | None:
    r"""Return the EXIF blob of a file, None if it has none.

    Examples
    --------
    >>> file = bytes(4) + b"II*" + bytes(9)  # where EXIF begins, and EXIF
    >>> exif_of(Images(1, {2: Item(b"Exif", extents=[(0, 16)])}), file)
    b'II*\x00\x00\x00\x00\x00\x00\x00\x00\x00'
    >>> exif_of(Images(1, {1: Item(b"av01")}), b"") is None
    True
    """
    for item in images.items.values():
        if item.kind == b"Exif":
            return exif_payload(item_data(data, item))
    return None


def xmp_of(images: Images, data: bytes) -> bytes | None:
    """Return the XMP packet of a file, None if it has none.

    Examples
    --------
    >>> packet = Item(b"mime", extents=[(0, 12)], content_type=XMP_TYPE)
    >>> xmp_of(Images(1, {2: packet}), b"<x:xmpmeta/>")
    b'<x:xmpmeta/>'
    """
    for item in images.items.values():
        if item.kind == b"mime" and item.content_type == XMP_TYPE:
            return item_data(data, item)
    return None


def exif_payload(content: bytes) -> bytes | None:
    r"""Return the EXIF blob of an ``Exif`` item or box, which opens with its own offset.

    Examples
    --------
    >>> exif_payload(bytes([0, 0, 0, 6]) + b"Exif\0\0II*" + bytes(5))  # EXIF begins 6 bytes on
    b'II*\x00\x00\x00\x00\x00'
    """
    if len(content) < 12:
        return None
    start = 4 + _number(content, 0, 4)
    return content[start:].removeprefix(b"Exif\0\0")


def make_box(kind: bytes, content: bytes) -> bytes:
    r"""Return a box.

    Examples
    --------
    >>> make_box(b"free", b"....")
    b'\x00\x00\x00\x0cfree....'
    """
    return struct.pack(">I4s", len(content) + 8, kind) + content


def without_gain_map(data: bytes) -> bytes:
    r"""Return a file whose gain map is hidden from decoders: a bad one is no fault of the photo.

    Examples
    --------
    >>> item = make_box(b"infe", bytes([2, 0, 0, 0, 0, 1, 0, 0]) + b"tmap\0")
    >>> table = make_box(b"iinf", bytes([0, 0, 0, 0, 0, 1]) + item)
    >>> meta = make_box(b"meta", bytes(4) + table)
    >>> file = make_box(b"ftyp", b"avif" + bytes(4) + b"avif" + b"tmap") + meta
    >>> hidden = without_gain_map(file)
    >>> b"tmap" in hidden, len(hidden) == len(file)
    (False, True)
    """
    meta = find(data, b"meta")
    table = find(data, b"iinf", meta.start + 4, meta.end)
    hidden = bytearray(data)
    for info in boxes(data, table.start + (8 if data[table.start] else 6), table.end):
        place = info.start + (10 if data[info.start] == 3 else 8)
        if info.kind == b"infe" and data[place : place + 4] == GAIN_MAP:
            hidden[place : place + 4] = b"free"
    brands = find(data, b"ftyp")
    for place in range(brands.start + 8, brands.end - 3, 4):
        if data[place : place + 4] == GAIN_MAP:
            hidden[place : place + 4] = b"mif1"
    return bytes(hidden)


def with_profile_and_metadata(avif: bytes, icc: bytes, metadata: Metadata) -> bytes:
    """Return an AVIF file with an ICC profile for every image, EXIF and XMP.

    Parameters
    ----------
    avif : bytes
        A file with one photo (and perhaps its alpha), as an encoder makes it.
    icc : bytes
        The profile.
    metadata : Metadata
        EXIF and XMP.

    Returns
    -------
    bytes
        The boxes are rebuilt and the places of the data corrected.

    Examples
    --------
    >>> import imagecodecs
    >>> import numpy as np
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.metadata import Metadata
    >>> from core.files.profile import icc_profile
    >>> icc = icc_profile(DISPLAY_P3)
    >>> bare = imagecodecs.avif_encode(np.zeros((4, 6, 3), np.uint8), speed=10)
    >>> whole = with_profile_and_metadata(bare, icc, Metadata(xmp=b"<x:xmpmeta/>"))
    >>> images = read_images(whole)
    >>> (b"colr", b"prof" + icc) in images.photo.properties, xmp_of(images, whole)
    (True, b'<x:xmpmeta/>')
    """
    meta = find(avif, b"meta")
    images = read_images(avif)
    parts = {box.kind: avif[box.start : box.end] for box in boxes(avif, meta.start + 4, meta.end)}
    parts[b"iprp"] = _add_property(parts[b"iprp"], images.primary, b"colr", b"prof" + icc)
    items = {
        number: (item.kind, item_data(avif, item)) for number, item in sorted(images.items.items())
    }
    more: list[tuple[bytes, bytes, bytes]] = []
    if metadata.exif is not None:
        more.append((b"Exif", b"", bytes(4) + metadata.exif))
    if metadata.xmp is not None:
        more.append((b"mime", XMP_TYPE + b"\0", metadata.xmp))
    for kind, content_type, content in more:
        number = max(items) + 1
        items[number] = (kind, content)
        parts[b"iinf"] = _add_info(parts[b"iinf"], number, kind, content_type)
        reference = make_box(b"cdsc", struct.pack(">HHH", number, 1, images.primary))
        parts[b"iref"] = parts.get(b"iref", bytes(4)) + reference
    parts.pop(b"idat", None)
    media = b"".join(content for _, content in items.values())
    before, after = avif[: meta.start - meta.header], avif[meta.end :]
    others = b"".join(
        after[box.start - box.header : box.end]
        for box in boxes(after)
        if box.kind not in (b"mdat", b"free")
    )

    def assembled(media_start: int) -> bytes:
        parts[b"iloc"] = _locations({n: len(c) for n, (_, c) in items.items()}, media_start)
        inner = b"".join(make_box(kind, content) for kind, content in parts.items())
        return before + make_box(b"meta", bytes(4) + inner) + others

    # The table of places has one size whatever it says, so one draft tells where the data goes.
    head = assembled(len(assembled(0)) + 8)
    return head + make_box(b"mdat", media)


def _number(data: bytes, place: int, size: int) -> int:
    if place + size > len(data):
        raise ValueError("a box ends too early")
    return int.from_bytes(data[place : place + size], "big")


def _read_infos(data: bytes, box: Box, items: dict[int, Item]) -> None:
    wide = data[box.start] > 0
    for info in boxes(data, box.start + (8 if wide else 6), box.end):
        version = data[info.start]
        if info.kind != b"infe" or version < 2:
            continue
        size = 4 if version == 3 else 2
        number = _number(data, info.start + 4, size)
        kind = data[info.start + 6 + size : info.start + 10 + size]
        item = items.setdefault(number, Item())
        item.kind = kind
        if kind == b"mime":
            item.content_type = data[info.start + 10 + size : info.end].split(b"\0")[1]


def _read_locations(data: bytes, box: Box, items: dict[int, Item]) -> None:
    version = data[box.start]
    sizes = data[box.start + 4 : box.start + 6]
    offset_size, length_size = sizes[0] >> 4, sizes[0] & 15
    base_size, index_size = sizes[1] >> 4, (sizes[1] & 15) if version else 0
    if not {offset_size, length_size, base_size, index_size} <= {0, 4, 8}:
        raise ValueError("numbers of an impossible width")
    wide = 4 if version == 2 else 2
    place = box.start + 6
    count = _number(data, place, wide)
    place += wide
    for _ in range(min(count, _DEEPEST)):
        number = _number(data, place, wide)
        place += wide
        method = 0
        if version:
            method = _number(data, place, 2) & 15
            place += 2
        place += 2
        base = _number(data, place, base_size)
        place += base_size
        extents = _number(data, place, 2)
        place += 2
        # Every extent takes room in the table; without numbers there is one, the whole file.
        width = index_size + offset_size + length_size
        if extents * width > box.end - place or (not width and extents > 1):
            raise ValueError("the table of places ends too early")
        item = items.setdefault(number, Item())
        item.in_item_data = method == 1
        for _ in range(extents):
            place += index_size
            start = base + _number(data, place, offset_size)
            place += offset_size
            item.extents.append((start, _number(data, place, length_size)))
            place += length_size


def _sources(data: bytes, box: Box) -> dict[int, list[int]]:
    size = 4 if data[box.start] else 2
    found: dict[int, list[int]] = {}
    for link in boxes(data, box.start + 4, box.end):
        if link.kind != b"dimg":
            continue
        count = _number(data, link.start + size, 2)
        first = link.start + size + 2
        if first + count * size > link.end:
            raise ValueError("a table of references ends too early")
        parts = (_number(data, first + i * size, size) for i in range(count))
        found.setdefault(_number(data, link.start, size), []).extend(parts)
    return found


def _read_properties(data: bytes, box: Box, items: dict[int, Item]) -> None:
    container = find(data, b"ipco", box.start, box.end)
    known = [
        (one.kind, data[one.start : one.end]) for one in boxes(data, container.start, container.end)
    ]
    for links in boxes(data, box.start, box.end):
        if links.kind != b"ipma":
            continue
        version, flags = data[links.start], _number(data, links.start + 1, 3)
        place = links.start + 4
        count = _number(data, place, 4)
        place += 4
        for _ in range(min(count, _DEEPEST)):
            size = 2 if version < 1 else 4
            number = _number(data, place, size)
            place += size
            linked = data[place]
            place += 1
            width = 2 if flags & 1 else 1
            for _ in range(linked):
                index = _number(data, place, width) & (0x7FFF if width == 2 else 0x7F)
                place += width
                if 0 < index <= len(known):
                    items.setdefault(number, Item()).properties.append(known[index - 1])


def _add_property(
    iprp: bytes, item: int, kind: bytes, content: bytes, *, essential: bool = False
) -> bytes:
    container = find(iprp, b"ipco")
    inner = iprp[container.start : container.end]
    index = sum(1 for _ in boxes(inner)) + 1
    rebuilt = make_box(b"ipco", inner + make_box(kind, content))
    for links in boxes(iprp):
        if links.kind == b"ipma":
            rebuilt += _add_link(iprp[links.start : links.end], item, index, essential)
    return rebuilt


def _add_link(ipma: bytes, item: int, index: int, essential: bool) -> bytes:
    version, wide = ipma[0], bool(ipma[3] & 1)
    size, width = (2 if version < 1 else 4), (2 if wide else 1)
    place, rebuilt = 8, bytearray(ipma[:8])
    for _ in range(_number(ipma, 4, 4)):
        number, linked = _number(ipma, place, size), ipma[place + size]
        end = place + size + 1 + linked * width
        entry = bytearray(ipma[place:end])
        if number == item:
            entry[size] += 1
            entry += (index | essential << (8 * width - 1)).to_bytes(width, "big")
        rebuilt += entry
        place = end
    return make_box(b"ipma", bytes(rebuilt))


def _add_info(iinf: bytes, number: int, kind: bytes, content_type: bytes) -> bytes:
    size = 4 if iinf[0] else 2
    count = (_number(iinf, 4, size) + 1).to_bytes(size, "big")
    entry = bytes([2, 0, 0, 1]) + struct.pack(">HH", number, 0) + kind + b"\0" + content_type
    return iinf[:4] + count + iinf[4 + size :] + make_box(b"infe", entry)


def _locations(sizes: dict[int, int], start: int) -> bytes:
    table = bytes(4) + bytes([0x44, 0x00]) + struct.pack(">H", len(sizes))
    for number, size in sizes.items():
        table += struct.pack(">HHHII", number, 0, 1, start, size)
        start += size
    return table


def payload_box(payload: bytes) -> bytes:
    """Return the box that holds private data of this product.

    Examples
    --------
    >>> next(boxes(payload_box(b"hint"))).kind, len(payload_box(b"hint"))
    (b'uuid', 28)
    """
    return make_box(b"uuid", BOX_IDENTITY + payload)
