"""EXIF blobs: read, changed in place, and moved into TIFF."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.files.exif import (
    EXIF_IFD,
    GPS_IFD,
    INTEROP_IFD,
    MAKER_NOTE,
    Directory,
    Entry,
    Summary,
    blob_from,
    blob_of_photo,
    described,
    orientation,
    parse,
    parse_file,
    stating,
    summary,
    upright,
    with_resolution,
    without_maker_note,
)
from tests.core.files.conftest import exif_blob

DPI_240 = (Entry.rational(240, 1), Entry.rational(240, 1), Entry.shorts(2))


def big_endian_blob(turned: int = 6) -> bytes:
    """EXIF as cameras of the other byte order write it, with a comment in Unicode."""
    comment = b"UNICODE\0" + "über allen Gipfeln".encode("utf-16-be")
    fields = Directory({36867: Entry.text("2024:05:06 07:08:09"), 37510: Entry.opaque(comment)})
    main = Directory(
        {271: Entry.text("Maker"), 272: Entry.text("Model 1"), 274: Entry.shorts(turned)},
        {EXIF_IFD: fields},
        ">",
    )
    return blob_from(main)


def with_thumbnail(blob: bytes, picture: bytes) -> bytes:
    """Append a second directory and its picture, as cameras do."""
    count = int.from_bytes(blob[8:10], "little")
    link = 10 + 12 * count
    second = struct.pack("<HHHIIHHIII", 2, 513, 4, 1, len(blob) + 30, 514, 4, 1, len(picture), 0)
    return blob[:link] + struct.pack("<I", len(blob)) + blob[link + 4 :] + second + picture


def without_next_pointer(blob: bytes) -> bytes:
    """Take the four bytes behind the first directory away; only inline values may follow."""
    count = int.from_bytes(blob[8:10], "little")
    return blob[: 10 + 12 * count]


def test_pillow_reads_the_blob_that_is_written(exif: bytes) -> None:
    read = Image.Exif()
    read.load(b"Exif\0\0" + exif)
    assert read[271] == "Maker"
    assert read.get_ifd(34665)[36867] == "2024:05:06 07:08:09"
    assert read.get_ifd(34853)[2] == (50.0, 26.0, 23.1)


@pytest.mark.parametrize("order", ["<", ">"])
def test_writing_inverts_parsing(exif: bytes, order: str) -> None:
    directory = parse(exif)
    directory.order = order
    blob = blob_from(directory)
    assert blob_from(parse(blob)) == blob
    assert parse(blob) == parse(exif)


def test_big_endian_exif_means_the_same(exif: bytes) -> None:
    big = Image.Exif()
    big.endian = ">"
    big[271], big[272], big[274] = "Maker", "Model 1", 6
    big.get_ifd(34665)[36867] = "2024:05:06 07:08:09"
    blob = big.tobytes().removeprefix(b"Exif\0\0")
    assert blob.startswith(b"MM")
    assert orientation(blob) == 6
    assert summary(blob).camera == "Maker Model 1"
    assert orientation(upright(blob)) == 1


@pytest.mark.parametrize("stated", range(1, 9))
def test_upright_changes_the_orientation_and_nothing_else(stated: int) -> None:
    blob = exif_blob(stated)
    assert orientation(blob) == stated
    assert upright(blob) == exif_blob(1)


def test_upright_takes_the_thumbnail_out(exif: bytes) -> None:
    picture = b"\xff\xd8 the uncropped scene \xff\xd9"
    cleaned = upright(with_thumbnail(exif, picture))
    assert cleaned is not None
    assert b"uncropped" not in cleaned
    assert parse(cleaned) == parse(exif)


def test_a_thumbnail_that_claims_other_fields_bytes_leaves_them_alone(exif: bytes) -> None:
    blob = bytearray(with_thumbnail(exif, b"picture"))
    second = int.from_bytes(blob[10 + 12 * blob[8] : 14 + 12 * blob[8]], "little")
    struct.pack_into("<I", blob, second + 2 + 8, 8)
    cleaned = upright(bytes(blob))
    assert cleaned is not None
    assert parse(cleaned) == parse(exif)


def test_exif_that_ends_without_the_place_of_a_next_directory_is_kept() -> None:
    fields = {271: Entry.text("ACM"), 274: Entry.shorts(6), 33432: Entry.text("(c)")}
    cut = without_next_pointer(blob_from(Directory(fields)))
    kept = upright(cut)
    assert kept is not None
    assert parse(kept).text(33432) == "(c)"
    assert orientation(kept) == 1
    assert with_next_pointer(kept) == 0


def test_values_in_the_place_of_the_next_pointer_are_not_taken_for_one() -> None:
    text = b"A long name\0"
    table = struct.pack("<HHHII", 1, 271, 2, len(text), 22)
    kept = upright(b"II*\0\x08\0\0\0" + table + text)
    assert kept is not None
    assert parse(kept).text(271) == "A long name"
    assert with_next_pointer(kept) == 0


def with_next_pointer(blob: bytes) -> int:
    start = int.from_bytes(blob[4:8], "little")
    count = int.from_bytes(blob[start : start + 2], "little")
    place = start + 2 + 12 * count
    return int.from_bytes(blob[place : place + 4].ljust(4, b"\xff"), "little")


def test_the_summary_says_camera_date_and_place(exif: bytes) -> None:
    assert summary(exif) == Summary("Maker Model 1", "2024:05:06 07:08:09", True, False)


@pytest.mark.parametrize(
    ("colour_space", "interop", "expected"),
    [(1, "R98", False), (2, "R98", True), (65535, "R03", True), (1, "R03", False)],
)
def test_adobe_rgb_by_exif(colour_space: int, interop: str, expected: bool) -> None:
    assert summary(exif_blob(1, colour_space, interop)).is_adobe_rgb is expected


def test_the_words_on_the_pixels_follow_the_file() -> None:
    gamma, white = Entry.rational(22, 10), Entry(5, 2, struct.pack("<4I", 1, 3, 1, 3))
    interop = Directory({1: Entry.text("R03"), 2: Entry.opaque(b"0100")})
    sizes = {40962: Entry.shorts(4000), 40963: Entry.shorts(3000)}
    fields = Directory({40961: Entry.shorts(65535), 42240: gamma, **sizes}, {INTEROP_IFD: interop})
    blob = blob_from(Directory({271: Entry.text("Maker"), 318: white}, {EXIF_IFD: fields}))
    wide = parse(stating(blob, 3000, 400_000, srgb=False))
    assert wide.entries.keys() == {271}
    said = wide.child(EXIF_IFD)
    assert {tag: entry.as_int() for tag, entry in said.entries.items()} == {
        40961: 65535,
        40962: 3000,
        40963: 400_000,
    }
    assert said.child(INTEROP_IFD).entries.keys() == {2}
    srgb = parse(stating(blob, 1, 1, srgb=True)).child(EXIF_IFD)
    assert srgb.entries[40961].as_int() == 1


def test_exif_that_is_true_keeps_its_bytes(exif: bytes) -> None:
    assert stating(exif, 5, 5, srgb=True) == exif


def test_a_shorter_blob_lacks_the_makers_note_only(exif: bytes) -> None:
    whole = parse(exif)
    del whole.child(EXIF_IFD).entries[MAKER_NOTE]
    assert parse(without_maker_note(exif)) == whole


def test_a_resolution_is_added_where_there_is_none(exif: bytes) -> None:
    stated = with_resolution(exif, *DPI_240)
    assert parse(stated).entries[282].as_float() == 240
    assert with_resolution(stated, *[Entry.rational(72, 1)] * 2, Entry.shorts(2)) == stated
    assert parse(with_resolution(None, *DPI_240)).entries[296].as_int() == 2


@pytest.mark.parametrize("bigtiff", [False, True], ids=["classic", "BigTIFF"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_exif_of_a_tiff_has_its_byte_order(bigtiff: bool, order: str) -> None:
    buffer = io.BytesIO()
    codes = np.zeros((4, 5, 3), np.uint8)
    tags = [(271, 2, 0, "ACME", True), (33432, 2, 0, "(c) someone", True), (18246, 3, 1, 4, True)]
    tifffile.imwrite(
        buffer, codes, photometric="rgb", bigtiff=bigtiff, byteorder=order, extratags=tags
    )
    blob, notes = blob_of_photo(parse_file(buffer))
    assert blob is not None
    assert blob[:2] == (b"II" if order == "<" else b"MM")
    kept = parse(blob)
    assert (kept.text(271), kept.text(33432), kept.entries[18246].as_int()) == (
        "ACME",
        "(c) someone",
        4,
    )
    assert not notes


def test_a_tiff_without_a_word_on_the_photo_has_no_exif() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "TIFF")
    assert blob_of_photo(parse_file(buffer)) == (None, ())


def tiff_with_note(note: bytes, place: int) -> io.BytesIO:
    """A TIFF with a makers' note at a place of its own."""
    fields = struct.pack("<HHHIII", 1, MAKER_NOTE, 7, len(note), place, 0)
    main = struct.pack("<HHHIIHHIII", 2, 271, 2, 4, 0x43494E, EXIF_IFD, 4, 1, 38, 0)
    head = b"II*\0\x08\0\0\0" + main
    assert len(head) == 38
    return io.BytesIO((head + fields).ljust(place, b"\0") + note)


def test_a_note_whose_places_count_from_the_files_start_keeps_its_place() -> None:
    note = b"absolute places inside"
    blob, notes = blob_of_photo(parse_file(tiff_with_note(note, 500)))
    assert blob is not None
    assert blob.index(note) == 500
    assert not notes


def test_a_note_that_cannot_keep_its_place_is_left_out_and_that_is_said() -> None:
    blob, notes = blob_of_photo(parse_file(tiff_with_note(b"absolute places inside", 90_000)))
    assert blob is not None
    assert b"absolute" not in blob
    assert "MakerNote" in notes[0]


def test_a_note_that_counts_from_its_own_start_may_move() -> None:
    blob, notes = blob_of_photo(parse_file(tiff_with_note(b"Nikon\0\2 its own TIFF", 90_000)))
    assert blob is not None
    assert b"its own TIFF" in blob
    assert not notes


def test_what_goes_into_a_tiff_points_into_the_blob(exif: bytes) -> None:
    directory, pointers = described(exif)
    assert directory.entries.keys() == {271, 272}
    assert pointers.keys() == {EXIF_IFD, GPS_IFD}
    start = pointers[EXIF_IFD]
    assert int.from_bytes(exif[start : start + 2], "little") == 4
    assert described(big_endian_blob())[0].order == ">"


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_damaged_exif_raises_nothing_but_value_errors(tail: bytes, place: int, value: int) -> None:
    damaged = bytearray(with_thumbnail(exif_blob(), b"picture"))
    damaged[place % len(damaged)] = value
    for blob in (bytes(damaged), bytes(damaged[:place]), b"II*\0\x08\0\0\0" + tail, tail):
        try:
            parse(blob)
        except ValueError as error:
            assert str(error)
        assert 1 <= orientation(blob) <= 8
        upright(blob)
        stating(blob, 1, 1, srgb=False)
        summary(blob)
        described(blob)


def test_a_directory_that_points_to_itself_ends() -> None:
    blob = bytearray(blob_from(Directory({271: Entry.text("Maker")}, {34665: Directory()})))
    place = blob.index((34665).to_bytes(2, "little"))
    blob[place + 8 : place + 12] = (8).to_bytes(4, "little")
    assert parse(bytes(blob)).text(271) == "Maker"


def test_fields_that_overlap_do_not_make_much_of_little() -> None:
    size, count = 500_000, 1000
    rows = [struct.pack("<HHII", tag, 7, size, 20_000) for tag in range(1000, 1000 + count)]
    table = struct.pack("<H", count) + b"".join(rows) + bytes(4)
    blob = (b"II*\0\x08\0\0\0" + table).ljust(20_000 + size, b"x")
    kept = parse(blob)
    assert sum(len(entry.data) for entry in kept.entries.values()) <= len(blob)


def test_64_bit_numbers_that_fit_become_32_bit_ones() -> None:
    row = struct.pack("<HHQQ", 18246, 16, 1, 4)
    large = struct.pack("<HHQQ", 18249, 16, 1, 1 << 40)
    text = struct.pack("<HHQ8s", 271, 2, 4, b"ABC\0")
    file = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 3) + row + large + text + bytes(8)
    kept = parse_file(io.BytesIO(file))
    assert kept.entries[18246] == Entry.longs(4)
    assert kept.entries.keys() == {18246, 271}
