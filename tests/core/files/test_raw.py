"""Camera RAW: what is to be seen of it, and that it is whole."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from core.files import FileError, inspect, read
from core.files.formats import raw_extent
from core.files.isobmff import make_box
from tests.core.files.conftest import DNG_FIELDS

if TYPE_CHECKING:
    from pathlib import Path

MOSAIC = np.random.default_rng(11).integers(100, 4000, (128, 192), dtype=np.uint16)
ORIGIN, SIZE, USER_CROP = 50719, 50720, 51125


def dng(path: Path, *more: tuple) -> Path:
    tifffile.imwrite(path, MOSAIC, photometric="cfa", extratags=[*DNG_FIELDS, *more])
    return path


CROPS = {
    "none": ([], (0, 128), (0, 192)),
    "whole numbers": ([(ORIGIN, 3, 2, (8, 4)), (SIZE, 3, 2, (160, 100))], (4, 104), (8, 168)),
    "fractions": (
        [(ORIGIN, 5, 2, (8, 1, 4, 1)), (SIZE, 5, 2, (160, 1, 100, 1))],
        (4, 104),
        (8, 168),
    ),
    "the photographer's": (
        [
            (ORIGIN, 4, 2, (16, 8)),
            (SIZE, 4, 2, (160, 100)),
            (USER_CROP, 5, 4, (1, 4, 1, 2, 3, 4, 1, 1)),
        ],
        (33, 83),
        (96, 176),
    ),
    # Rounded to the inside.
    "half pixels": (
        [(ORIGIN, 5, 2, (17, 2, 9, 2)), (SIZE, 5, 2, (100, 1, 50, 1))],
        (5, 54),
        (9, 108),
    ),
}


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_what_a_dng_crops_away_does_not_come_back(
    tmp_path: Path, crop: str, orientation: int
) -> None:
    more, rows, columns = CROPS[crop]
    turned = (274, 3, 1, orientation, True)
    whole = read(dng(tmp_path / "whole.dng")).pixels
    path = dng(tmp_path / "a.dng", turned, *((*field, True) for field in more))
    expected = np.rot90(whole[slice(*rows), slice(*columns)], -1 if orientation == 6 else 0)
    np.testing.assert_array_equal(read(path).pixels, expected)
    assert (inspect(path).height, inspect(path).width) == expected.shape[:2]


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (8, 1)])
def test_a_dng_is_turned_upright(tmp_path: Path, orientation: int, turns: int) -> None:
    whole = read(dng(tmp_path / "whole.dng")).pixels
    path = dng(tmp_path / "a.dng", (274, 3, 1, orientation, True))
    np.testing.assert_array_equal(read(path).pixels, np.rot90(whole, turns))


def test_a_crop_outside_of_the_image_is_no_reason_to_show_all(tmp_path: Path) -> None:
    path = dng(tmp_path / "a.dng", (ORIGIN, 3, 2, (500, 4), True), (SIZE, 3, 2, (160, 100), True))
    with pytest.raises(FileError, match="damaged or incomplete"):
        read(path)


def raf() -> bytes:
    """A table whose last stretch ends at byte 1000."""
    head = b"FUJIFILMCCD-RAW 0201FF389501".ljust(84, b"\0")
    return (head + struct.pack(">6I", 148, 100, 248, 52, 300, 700)).ljust(1000, b"\1")


def cr3() -> bytes:
    return make_box(b"ftyp", b"crx \0\0\0\1crx isom") + make_box(b"mdat", bytes(900))


def x3f() -> bytes:
    return b"FOVb".ljust(900, b"\0") + b"SECd" + bytes(20) + struct.pack("<I", 900)


def crw() -> bytes:
    """A heap with one value, its directory, and the directory's place at the end."""
    head = struct.pack("<2sI8s", b"II", 26, b"HEAPCCDR").ljust(26, b"\0")
    return head + b"\1" * 500 + struct.pack("<HHIII", 1, 0x2005, 500, 0, 500)


def tiff_like(mark: bytes, *fields: tuple[int, int]) -> bytes:
    rows = sorted([(256, 8), (257, 8), *fields])
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in rows)
    directory = struct.pack("<H", len(rows)) + table + bytes(4)
    return (mark + struct.pack("<I", 8) + directory).ljust(1000, b"\1")


WHOLE = {
    "raf": raf(),
    "cr3": cr3(),
    "x3f": x3f(),
    "crw": crw(),
    "orf": tiff_like(b"IIRO", (273, 400), (279, 600)),
    "rw2": tiff_like(b"IIU\0", (273, 0xFFFFFFFF), (0x117, 600), (0x118, 400)),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_raw_file_that_ends_before_its_data_do_is_damaged(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(WHOLE[kind])
    raw_extent.check(path)
    path.write_bytes(WHOLE[kind][:480])
    with pytest.raises((ValueError, struct.error)):
        raw_extent.check(path)
    with pytest.raises(FileError, match="damaged or incomplete"):
        read(path)
