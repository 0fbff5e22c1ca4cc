"""Where the data of a RAW file end, as its container says: LibRaw hides what is missing."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING

from core.files.tiff_directory import TiffStructure

if TYPE_CHECKING:
    from pathlib import Path

_TIFF_LIKE = (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
_PANASONIC = b"IIU\0"
_PANASONIC_START, _PANASONIC_SIZE = 0x118, 0x117
_NOWHERE = 0xFFFFFFFF
_FUJI = b"FUJIFILMCCD-RAW"
_FUJI_TABLE = 84
_CIFF = b"HEAPCCDR"
_FOVEON, _FOVEON_DIRECTORY = b"FOVb", b"SECd"
_MOST_BOXES = 100_000


def check(path: Path) -> None:
    """Refuse a RAW file whose container names data behind its end.

    TIFF and its kin (DNG, NEF, CR2, ARW, ORF, RW2) name places and sizes in directories, RAF in a
    table, CR3 in boxes; CRW and X3F end with the place of a directory.

    Raises
    ------
    ValueError, struct.error
        If data are missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> import tifffile
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "cut.dng")
    ...     tifffile.imwrite(photo, np.zeros((40, 60), np.uint16), photometric="cfa")
    ...     check(photo)
    ...     _ = photo.write_bytes(photo.read_bytes()[:-1000])
    ...     check(photo)
    Traceback (most recent call last):
    ValueError: the data ends before the image does
    """
    with path.open("rb") as file:
        head = file.read(128)
        size = file.seek(0, 2)
        if head[:4] == _PANASONIC:
            _check_panasonic(TiffStructure(file), size)
        elif head[:4] in _TIFF_LIKE:
            structure = TiffStructure(file)
            for page in structure.pages:
                for one in (page, *page.children):
                    structure.check_extents(one)
        elif head.startswith(_FUJI):
            numbers = struct.unpack_from(">6I", head, _FUJI_TABLE)
            _within(size, *zip(numbers[::2], numbers[1::2], strict=True))
        elif head[4:8] == b"ftyp":
            _check_boxes(file, size)
        elif head[6:14] == _CIFF:
            _check_ciff(file, head, size)
        elif head[:4] == _FOVEON:
            file.seek(_last(file, size))
            if file.read(4) != _FOVEON_DIRECTORY:
                raise ValueError("the directory is missing")


def _within(size: int, *extents: tuple[int, int]) -> None:
    if any(start + length > size for start, length in extents):
        raise ValueError("the data ends before the image does")


def _last(file: IO[bytes], size: int) -> int:
    file.seek(max(0, size - 4))
    return int.from_bytes(file.read(4), "little")


def _check_panasonic(structure: TiffStructure, size: int) -> None:
    page = structure.pages[0]
    start = structure.number(page, _PANASONIC_START)
    length = structure.number(page, _PANASONIC_SIZE)
    if 0 < start < _NOWHERE:
        _within(size, (start, max(1, length if length < _NOWHERE else 1)))


def _check_boxes(file: IO[bytes], size: int) -> None:
    place = 0
    for _ in range(_MOST_BOXES):
        if place >= size:
            return
        file.seek(place)
        length, _ = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        elif length == 0:
            return
        _within(size, (place, max(length, 8)))
        place += max(length, 8)


def _check_ciff(file: IO[bytes], head: bytes, size: int) -> None:
    # The heap ends with the place of its directory, counted from its beginning (CIFF 1.0, 2.2).
    (start,) = struct.unpack_from("<I", head, 2)
    place = start + _last(file, size)
    _within(size, (place, 2))
    file.seek(place)
    (count,) = struct.unpack("<H", file.read(2))
    for kind, length, where in struct.iter_unpack("<HII", file.read(10 * count)):
        if not kind & 0xC000:
            _within(size - 4, (start + where, length))
