"""EXIF blobs: read, changed in place, and moved into TIFF."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.files import metadata
from core.files.metadata import Directory, Entry
from tests.core.files.conftest import exif_blob


def test_pillow_reads_the_blob_that_is_written(exif: bytes) -> None:
    read = Image.Exif()
    read.load(b"Exif\0\0" + exif)
    assert read[271] == "Maker"
    assert read.get_ifd(34665)[36867] == "2024:05:06 07:08:09"
    assert read.get_ifd(34853)[2] == (50.0, 26.0, 23.1)


def test_writing_inverts_parsing(exif: bytes) -> None:
    assert metadata.blob_from(metadata.parse(exif)) == exif


def test_big_endian_exif_means_the_same(exif: bytes) -> None:
    big = Image.Exif()
    big.endian = ">"
    big[271], big[272], big[274] = "Maker", "Model 1", 6
    big.get_ifd(34665)[36867] = "2024:05:06 07:08:09"
    blob = big.tobytes().removeprefix(b"Exif\0\0")
    assert blob.startswith(b"MM")
    assert metadata.orientation(blob) == 6
    assert metadata.summary(blob).camera == "Maker Model 1"
    assert metadata.orientation(metadata.upright(blob)) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_changes_the_orientation_and_nothing_else(orientation: int) -> None:
    blob = exif_blob(orientation)
    assert metadata.orientation(blob) == orientation
    assert metadata.upright(blob) == exif_blob(1)


def test_upright_drops_the_thumbnail_which_is_not_turned() -> None:
    blob = bytearray(exif_blob(6))
    count = int.from_bytes(blob[8:10], "little")
    link = slice(10 + 12 * count, 14 + 12 * count)
    blob[link] = b"\x99\0\0\0"
    upright = metadata.upright(bytes(blob))
    assert upright is not None
    assert upright[link] == bytes(4)


def test_the_summary_says_camera_date_and_place(exif: bytes) -> None:
    said = metadata.summary(exif)
    assert said == metadata.Summary("Maker Model 1", "2024:05:06 07:08:09", True, False)


@pytest.mark.parametrize(
    ("colour_space", "interop", "expected"),
    [(1, "R98", False), (2, "R98", True), (65535, "R03", True), (1, "R03", False)],
)
def test_adobe_rgb_by_exif(colour_space: int, interop: str, expected: bool) -> None:
    blob = exif_blob(1, colour_space, interop)
    assert metadata.summary(blob).is_adobe_rgb is expected


def test_the_colour_space_field_follows_the_pixels(exif: bytes) -> None:
    wide = metadata.with_colour_space(exif, srgb=False)
    assert metadata.parse(wide).child(34665).entries[40961].as_int() == 65535
    assert metadata.with_colour_space(wide, srgb=True) == exif


def test_a_shorter_blob_lacks_the_makers_note_only(exif: bytes) -> None:
    shorter = metadata.parse(metadata.without_maker_note(exif))
    whole = metadata.parse(exif)
    del whole.child(34665).entries[37500]
    assert shorter == whole


def test_a_tiff_without_a_word_on_the_photo_has_no_exif() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "TIFF")
    assert metadata.from_tiff(buffer) is None


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_damaged_exif_raises_nothing_but_value_errors(tail: bytes, place: int, value: int) -> None:
    damaged = bytearray(exif_blob())
    damaged[place % len(damaged)] = value
    for blob in (bytes(damaged), bytes(damaged[:place]), b"II*\0\x08\0\0\0" + tail, tail):
        try:
            metadata.parse(blob)
        except ValueError as error:
            assert str(error)
        assert 1 <= metadata.orientation(blob) <= 8
        metadata.upright(blob)
        metadata.with_colour_space(blob, srgb=False)
        metadata.summary(blob)


def test_a_directory_that_points_to_itself_ends() -> None:
    blob = bytearray(
        metadata.blob_from(Directory({271: Entry.text("Maker")}, {34665: Directory()}))
    )
    place = blob.index((34665).to_bytes(2, "little"))
    blob[place + 8 : place + 12] = (8).to_bytes(4, "little")
    assert metadata.parse(bytes(blob)).entries[271].as_text() == "Maker"
