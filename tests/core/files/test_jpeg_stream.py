"""JPEG files whose markers are odd: what other readers take is read, and read the same."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from core.colour import ADOBE_RGB
from core.files import FileError, icc_profile, inspect, read
from core.files.formats import jpeg_stream

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def plain(photo: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def without_jfif(data: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


@pytest.mark.parametrize(
    "odd",
    [
        segment(0xE0, b""),
        segment(0xE0, b"JFIF\0"),
        segment(0xE0, b"JFIF\0\1\2\1"),
        segment(0xEE, b"Adobe"),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xED, b"Photoshop 3.0\x008BIM\4\4"),
        b"\xff\xe5\0\0",
        b"\xff\xff\xff",
        b"junk between segments",
    ],
    ids=["empty", "JFIF only", "short JFIF", "Adobe", "EXIF", "ICC", "8BIM", "no length", "fill",
         "junk"],
)  # fmt: skip
def test_nonsense_between_the_segments_is_no_reason_to_refuse_a_photo(
    tmp_path: Path, plain: bytes, odd: bytes
) -> None:
    (tmp_path / "plain.jpg").write_bytes(plain)
    bare = without_jfif(plain)
    (tmp_path / "odd.jpg").write_bytes(bare[:2] + segment(0xE5, b"x") + odd + bare[2:])
    expected = read(tmp_path / "plain.jpg").pixels
    np.testing.assert_array_equal(read(tmp_path / "odd.jpg").pixels, expected)


def test_adobe_s_word_on_rgb_is_heeded(tmp_path: Path, photo: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=95, keep_rgb=True)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    with Image.open(tmp_path / "a.jpg") as image:
        np.testing.assert_array_equal(read(tmp_path / "a.jpg").pixels, np.asarray(image))


def test_a_height_that_follows_the_first_scan(tmp_path: Path, plain: bytes) -> None:
    (tmp_path / "plain.jpg").write_bytes(plain)
    data = bytearray(plain)
    place = data.index(b"\xff\xc0")
    height = bytes(data[place + 5 : place + 7])
    data[place + 5 : place + 7] = bytes(2)
    data[-2:-2] = b"\xff\xdc\0\4" + height
    (tmp_path / "late.jpg").write_bytes(data)
    expected = read(tmp_path / "plain.jpg").pixels
    np.testing.assert_array_equal(read(tmp_path / "late.jpg").pixels, expected)


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1), (1, 1), (7, 9)])
@pytest.mark.parametrize("count", [2, 1, 9])
def test_a_profile_in_parts_is_put_together(
    tmp_path: Path, plain: bytes, numbers: tuple[int, int], count: int
) -> None:
    profile = icc_profile(ADOBE_RGB)
    pieces = [profile[:200], profile[200:]]
    if numbers == (2, 1):
        pieces.reverse()
    parts = b"".join(
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + piece)
        for number, piece in zip(numbers, pieces, strict=True)
    )
    (tmp_path / "a.jpg").write_bytes(plain[:2] + parts + plain[2:])
    assert inspect(tmp_path / "a.jpg").space == "adobe-rgb"


def test_a_profile_of_which_a_part_is_missing_is_named(tmp_path: Path, plain: bytes) -> None:
    part = segment(0xE2, b"ICC_PROFILE\0\1\2" + icc_profile(ADOBE_RGB)[:200])
    (tmp_path / "a.jpg").write_bytes(plain[:2] + part + plain[2:])
    info = inspect(tmp_path / "a.jpg")
    assert info.space == "srgb"
    assert "Parts of the colour profile are missing" in " ".join(info.notes)


def test_the_second_picture_of_a_file_is_left_alone(plain: bytes) -> None:
    assert jpeg_stream.parse(plain + plain).pixels == jpeg_stream.parse(plain).pixels


def test_a_jpeg_of_two_channels_is_not_called_damaged(tmp_path: Path, plain: bytes) -> None:
    data = bytearray(plain)
    data[data.index(b"\xff\xc0") + 9] = 2
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(FileError, match="a JPEG of 2 channels is not supported"):
        read(tmp_path / "a.jpg")


def multi_picture(order: str, *kinds: int) -> bytes:
    """The segment that lists the pictures of a file (CIPA DC-007)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = b"".join(struct.pack(f"{order}IIIHH", kind, 99, 99, 0, 0) for kind in kinds)
    fields = struct.pack(f"{order}HHHII", 1, 0xB002, 7, len(entries), 26) + bytes(4)
    return segment(0xE2, b"MPF\0" + mark + struct.pack(f"{order}I", 8) + fields + entries)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ((0x20020002, 0x020002), 2),  # a stereo pair
        ((0x20020001, 0x020001, 0x020001), 3),  # a panorama
        ((0x20030000, 0x010002), 1),  # a preview of the size of a screen
        ((0x030000, 0), 1),  # a gain map
        ((), 1),
    ],
)
def test_the_photos_of_a_file_are_counted(
    tmp_path: Path, plain: bytes, order: str, kinds: tuple[int, ...], count: int
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(plain[:2] + multi_picture(order, *kinds) + plain[2:])
    info = inspect(path)
    assert info.frames == count
    assert any("the first is used" in note for note in info.notes) is (count > 1)


def test_a_list_of_pictures_that_is_none_counts_one(tmp_path: Path, plain: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(plain[:2] + segment(0xE2, b"MPF\0junk") + plain[2:])
    assert inspect(tmp_path / "a.jpg").frames == 1


def test_exif_behind_another_sixth_byte_is_read(tmp_path: Path, plain: bytes, exif: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(plain[:2] + segment(0xE1, b"Exif\0\xff" + exif) + plain[2:])
    assert inspect(tmp_path / "a.jpg").camera == "Maker Model 1"
