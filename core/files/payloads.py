"""Private data of this product inside photo files: found without decoding, and taken out.

Nothing is read but the headers of a file's parts, and no more than :data:`LARGEST` bytes of
private data, whatever the file claims.
"""

from __future__ import annotations

import os
import shutil
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from core.files.errors import FileError, from_os_error
from core.files.safe_write import SafeFile, translated
from core.files.tiff_directory import TiffStructure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 1 << 17
"""Bytes of private data at most; what a file claims beyond them is not read."""

JPEG_MARKER = b"GAMUT\0"
"""Opens the application segments (APP10) that hold it in JPEG."""

PNG_CHUNK = b"gaMT"
"""In PNG and WebP. Private, ancillary, and not safe to copy into an edited image, as its
letters' case says in PNG."""

TIFF_TAG = 65271
BOX_IDENTITY = bytes.fromhex("6f1c0c5e9d2b4c0ea2f35d0b67616d74")
"""Opens the ``uuid`` box that holds it in AVIF, HEIC and JPEG XL."""

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PARTS = 100_000
_UNUSED_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True)
class _Place:
    """Where a part of the data lies: the whole of it, and what it contains."""

    start: int
    stop: int
    content: int
    content_stop: int


def carried_bytes(path: Path) -> bytes | None:
    """Return the private data of a file, unchecked; None if it has none.

    Parameters
    ----------
    path : Path
        Any file.

    Raises
    ------
    OSError
        If it cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from core.files import sample_photo, write_codes
    >>> carried_bytes(sample_photo()) is None
    True
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "photo.jpg")
    ...     _ = write_codes(photo, np.zeros((8, 8, 3), np.uint8), extra_metadata=b"a hint")
    ...     carried_bytes(photo)
    b'a hint'
    """
    with path.open("rb") as file:
        found = bytearray()
        for place in _places(file):
            file.seek(place.content)
            found += file.read(min(place.content_stop - place.content, LARGEST - len(found)))
    return bytes(found) or None


def strip(path: Path, target: Path, *, overwrite: bool = False) -> int:
    """Write a file without its private data; everything else stays byte for byte.

    Parameters
    ----------
    path : Path
        A JPEG, PNG, TIFF, WebP, AVIF, HEIC or JPEG XL.
    target : Path
        The file to write.
    overwrite : bool
        Whether a file of that name may be replaced.

    Returns
    -------
    int
        Bytes that were taken out.

    Raises
    ------
    FileError
        If there is nothing to be taken out, or the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from core.files import write_codes
    >>> with TemporaryDirectory() as folder:
    ...     plain, carrier, stripped = (Path(folder, name) for name in ("a.png", "b.png", "c.png"))
    ...     codes = np.zeros((8, 8, 3), np.uint8)
    ...     _ = write_codes(plain, codes), write_codes(carrier, codes, extra_metadata=b"a hint")
    ...     taken = strip(carrier, stripped)
    ...     taken, stripped.read_bytes() == plain.read_bytes()
    (6, True)
    """
    with ExitStack() as stack:
        try:
            source = stack.enter_context(path.open("rb"))
        except OSError as error:
            raise from_os_error(error, path, "read") from error
        places = list(_places(source))
        if not places:
            raise FileError(
                f"“{path}” carries nothing that this program put into it: nothing was changed."
            )
        safe = SafeFile(target, overwrite=overwrite, source=path)
        try:
            with translated(target):
                if _is_tiff(source):
                    source.seek(0)
                    shutil.copyfileobj(source, safe.file)
                    _strip_tiff(safe.file)
                else:
                    _copy_without(source, safe.file, places)
        except BaseException:
            safe.discard()
            raise
        safe.commit()
        return sum(place.content_stop - place.content for place in places)


def webp_with(webp: bytes, payload: bytes) -> bytes:
    r"""Return a WebP in the extended format with private data behind its other chunks.

    Parameters
    ----------
    webp : bytes
        With a VP8X chunk, as every one with a colour profile is.
    payload : bytes
        The data.

    Examples
    --------
    >>> bare = b"RIFF" + struct.pack("<I", 4) + b"WEBP"
    >>> webp_with(bare, b"odd")  # chunks begin at even places
    b'RIFF\x10\x00\x00\x00WEBPgaMT\x03\x00\x00\x00odd\x00'
    """
    padding = bytes(len(payload) % 2)
    whole = webp + PNG_CHUNK + struct.pack("<I", len(payload)) + payload + padding
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def _places(file: IO[bytes]) -> Iterator[_Place]:
    """Yield where the private data of a file lies; nothing where it is no sound photo."""
    file.seek(0)
    head = file.read(16)
    size = file.seek(0, os.SEEK_END)
    if head.startswith(b"\xff\xd8\xff"):
        yield from _in_jpeg(file, size)
    elif head.startswith(_PNG):
        yield from _in_png(file, size)
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        yield from _in_webp(file, size)
    elif head[4:8] in (b"ftyp", b"JXL "):
        yield from _in_boxes(file, size)
    elif _is_tiff(file):
        yield from _in_tiff(file)


def _in_jpeg(file: IO[bytes], size: int) -> Iterator[_Place]:
    place = 2
    while place + 4 <= size:
        file.seek(place)
        mark, kind, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF or kind == 0xDA or length < 2:
            return
        if kind == 0xFF or kind in _UNUSED_MARKERS:
            place += 1 if kind == 0xFF else 2
            continue
        stop = place + 2 + length
        if kind == 0xEA and stop <= size and file.read(len(JPEG_MARKER)) == JPEG_MARKER:
            yield _Place(place, stop, place + 4 + len(JPEG_MARKER), stop)
        place = stop


def _in_png(file: IO[bytes], size: int) -> Iterator[_Place]:
    place = len(_PNG)
    while place + 12 <= size:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        stop = place + 12 + length
        if stop > size or kind in (b"IDAT", b"IEND"):
            return
        if kind == PNG_CHUNK:
            yield _Place(place, stop, place + 8, stop - 4)
            return
        place = stop


def _in_webp(file: IO[bytes], size: int) -> Iterator[_Place]:
    place = 12
    for _ in range(_MOST_PARTS):
        if place + 8 > size:
            return
        file.seek(place)
        kind, length = struct.unpack("<4sI", file.read(8))
        content_stop = place + 8 + length
        stop = min(content_stop + length % 2, size)
        if content_stop > size:
            return
        if kind == PNG_CHUNK:
            yield _Place(place, stop, place + 8, content_stop)
            return
        place = stop


def _in_boxes(file: IO[bytes], size: int) -> Iterator[_Place]:
    place = 0
    for _ in range(_MOST_PARTS):
        if place + 8 > size:
            return
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1 and place + 16 <= size:
            (length,) = struct.unpack(">Q", file.read(8))
            head = 16
        elif length == 0:
            length = size - place
        stop = place + length
        if length < head or stop > size:
            return
        if kind == b"uuid" and file.read(16) == BOX_IDENTITY and length >= head + 16:
            yield _Place(place, stop, place + head + 16, stop)
            return
        place = stop


def _in_tiff(file: IO[bytes]) -> Iterator[_Place]:
    try:
        structure = TiffStructure(file)
    except ValueError:
        return
    found = structure.photo().fields.get(TIFF_TAG)
    if found is not None and found.size:
        yield _Place(found.place, found.place + found.size, found.place, found.place + found.size)


def _is_tiff(file: IO[bytes]) -> bool:
    file.seek(0)
    return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _copy_without(source: IO[bytes], target: IO[bytes], places: list[_Place]) -> None:
    """Copy a file without some parts, and correct the length that WebP states at its start."""
    done, taken = 0, 0
    for place in places:
        _copy(source, target, done, place.start)
        done = place.stop
        taken += place.stop - place.start
    size = source.seek(0, os.SEEK_END)
    _copy(source, target, done, size)
    source.seek(0)
    if source.read(4) == b"RIFF":
        (stated,) = struct.unpack("<I", source.read(4))
        target.seek(4)
        target.write(struct.pack("<I", stated - taken))


def _copy(source: IO[bytes], target: IO[bytes], start: int, stop: int) -> None:
    source.seek(start)
    while start < stop and (piece := source.read(min(stop - start, 1 << 20))):
        target.write(piece)
        start += len(piece)


def _strip_tiff(file: IO[bytes]) -> None:
    """Take the field out of its directory, and its value out of the file."""
    structure = TiffStructure(file)
    page = structure.photo()
    found = page.fields[TIFF_TAG]
    count_format, number_format = ("Q", "Q") if structure.is_big else ("H", "I")
    count_size = struct.calcsize("=" + count_format)
    file.seek(page.place)
    (count,) = struct.unpack(structure.order + count_format, file.read(count_size))
    size = len(found.entry)
    table = file.read(count * size + struct.calcsize("=" + number_format))
    entries = [table[i * size : (i + 1) * size] for i in range(count)]
    kept = [entry for entry in entries if entry != found.entry]
    file.seek(page.place)
    file.write(struct.pack(structure.order + count_format, len(kept)))
    file.write(b"".join(kept) + table[count * size :] + bytes(size * (count - len(kept))))
    end = file.seek(0, os.SEEK_END)
    if page.place <= found.place < page.place + count_size + count * size:
        return
    if found.place + found.size + 1 >= end:
        file.truncate(found.place)
    else:
        file.seek(found.place)
        file.write(bytes(found.size))
