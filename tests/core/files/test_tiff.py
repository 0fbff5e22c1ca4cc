"""TIFF: one truth for rows and whole photos, the page that is the photo, and bounded work."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.colour import SRGB
from core.files import FileError, Resolution, icc_profile, inspect, open_rows, read
from core.files.exif import parse
from tests.core.files.conftest import packet_of

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(11)
VALUES = RANDOM.random((37, 29, 5))
CODES = (VALUES[..., :3] * 255).astype(np.uint8)


def rows_of(path: Path, band: int = 8) -> np.ndarray:
    with open_rows(path) as reader:
        height = reader.shape[0]
        return np.concatenate(
            [reader.rows(start, min(start + band, height)) for start in range(0, height, band)]
        )


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def plain_tiff(extra: list[bytes], *, following: int = 0) -> bytes:
    """An uncompressed 37 × 29 RGB TIFF with more fields; its directory stands at 8."""
    count = 9 + len(extra)
    data_start = 8 + 2 + 12 * count + 4
    fields = [
        entry(256, 3, 1, 29),
        entry(257, 3, 1, 37),
        entry(258, 3, 1, 8),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 2),
        entry(273, 4, 1, data_start),
        entry(277, 3, 1, 3),
        entry(278, 3, 1, 37),
        entry(279, 4, 1, CODES.size),
        *extra,
    ]
    table = b"".join(sorted(fields, key=lambda one: struct.unpack_from("<H", one)[0]))
    head = b"II*\0" + struct.pack("<IH", 8, count)
    return head + table + struct.pack("<I", following) + CODES.tobytes()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from(["u1", "u2", "f2", "f4", "f8"]),
    samples=st.sampled_from([1, 2, 3, 4, 5]),
    order=st.sampled_from("<>"),
    compression=st.sampled_from([None, "lzw", "zlib", "packbits", "zstd", "lzma"]),
    predictor=st.booleans(),
    planar=st.booleans(),
    layout=st.sampled_from([{}, {"rowsperstrip": 5}, {"rowsperstrip": 64}, {"tile": (16, 32)}]),
    big=st.booleans(),
    photometric=st.sampled_from(["rgb", "minisblack", "miniswhite"]),
    extra=st.sampled_from(["unassalpha", "assocalpha", "unspecified"]),
    tagged=st.booleans(),
)
def test_rows_and_the_whole_photo_are_what_was_stored(
    tmp_path: Path,
    dtype: str,
    samples: int,
    order: str,
    compression: str | None,
    predictor: bool,
    planar: bool,
    layout: dict[str, Any],
    big: bool,
    photometric: str,
    extra: str,
    tagged: bool,
) -> None:
    colours = 3 if photometric == "rgb" else 1
    assume(colours <= samples < colours + 3)
    # Grey with two channels of no stated meaning is refused.
    assume((colours, samples, extra) != (1, 3, "unspecified"))
    full = np.iinfo(dtype).max if dtype[0] == "u" else 1
    stored = (VALUES[..., :samples] * full).astype(dtype)
    path = tmp_path / "a.tif"
    separate = planar and samples > 1
    extras = ["unspecified", extra] if samples == colours + 2 else [extra]
    tifffile.imwrite(
        path,
        np.moveaxis(stored, -1, 0) if separate else stored if samples > 1 else stored[..., 0],
        photometric=photometric,
        planarconfig=("separate" if separate else "contig") if samples > 1 else None,
        extrasamples=extras if samples > colours else None,
        byteorder=order,
        compression=compression,
        predictor=predictor and compression not in (None, "packbits"),
        bigtiff=big,
        iccprofile=icc_profile(SRGB) if tagged and colours == 3 else None,
        metadata=None,
        **layout,
    )
    photo = read(path)
    np.testing.assert_array_equal(rows_of(path), photo.pixels)
    expected = stored[..., :colours].astype("f4" if dtype[0] == "f" else dtype)
    if photometric == "miniswhite":
        expected = full - expected
    has_alpha = samples > colours and (extra != "unspecified" or samples == colours + 1)
    assert (photo.alpha is not None) is has_alpha
    if photo.alpha is not None:
        alpha = stored[..., samples - 1].astype(expected.dtype)
        np.testing.assert_array_equal(photo.alpha, alpha)
        if extra == "assocalpha":
            alpha = alpha.astype(float)[..., None]
            factor = np.divide(full, alpha, out=np.ones_like(alpha), where=alpha > 0)
            expected = expected * factor
            if dtype[0] == "u":
                expected = np.rint(np.clip(expected, 0, full))
    assert photo.pixels.dtype == ("f4" if dtype[0] == "f" else dtype)
    # A product that is rounded in float32 can fall on the other side of a half.
    slack = {"u": 1, "f": 1e-6 * np.abs(expected).max()}[dtype[0]] if extra == "assocalpha" else 0
    difference = np.abs(photo.pixels.astype(float) - expected.astype(float))
    assert difference.max() <= slack


def test_a_half_float_with_a_profile_is_never_taken_for_codes(tmp_path: Path) -> None:
    values = VALUES[..., :3].astype(np.float16)
    profile = icc_profile(SRGB)
    tifffile.imwrite(
        tmp_path / "a.tif", values, photometric="rgb", compression="zlib", iccprofile=profile
    )
    np.testing.assert_array_equal(rows_of(tmp_path / "a.tif"), values.astype(np.float32))


@pytest.mark.parametrize("padding", [0, 1, 7])
def test_padding_behind_the_rows_of_a_strip_is_no_part_of_the_photo(
    tmp_path: Path, padding: int
) -> None:
    strips = [CODES[start : start + 10].tobytes() + bytes(padding) for start in range(0, 37, 10)]
    data = b"".join(strips)
    starts = np.cumsum([0] + [len(one) for one in strips[:-1]]) + 8
    places = 8 + len(data)
    fields = [
        entry(256, 3, 1, 29),
        entry(257, 3, 1, 37),
        entry(258, 3, 1, 8),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 2),
        entry(273, 4, 4, places),
        entry(277, 3, 1, 3),
        entry(278, 3, 1, 10),
        entry(279, 4, 4, places + 16),
    ]
    tables = struct.pack("<4I", *starts) + struct.pack("<4I", *map(len, strips))
    directory = struct.pack("<H", len(fields)) + b"".join(fields) + bytes(4)
    head = b"II*\0" + struct.pack("<I", places + len(tables))
    (tmp_path / "a.tif").write_bytes(head + data + tables + directory)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, CODES)
    np.testing.assert_array_equal(rows_of(tmp_path / "a.tif"), CODES)


@pytest.mark.parametrize("following", [8, 20, 10**9], ids=["itself", "its middle", "nowhere"])
@pytest.mark.timeout(20)
def test_a_chain_of_directories_that_leads_nowhere_ends(tmp_path: Path, following: int) -> None:
    (tmp_path / "a.tif").write_bytes(plain_tiff([], following=following))
    assert inspect(tmp_path / "a.tif").frames == 1
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, CODES)
    np.testing.assert_array_equal(rows_of(tmp_path / "a.tif"), CODES)


def test_a_directory_below_that_is_the_one_above_ends(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(plain_tiff([entry(330, 4, 1, 8)]))
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, CODES)


def test_fields_of_other_programs_lead_nowhere(tmp_path: Path) -> None:
    # What microscopes, slide scanners and ImageJ write makes tifffile look for more.
    extra = [entry(tag, 4, 1 << 12, 8) for tag in (33628, 33629, 34412, 50838, 50839, 65420)]
    (tmp_path / "a.tif").write_bytes(plain_tiff([*extra, entry(50706, 1, 4, 0x00000401)]))
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, CODES)


def test_a_developed_photo_that_still_says_dng_is_a_tiff(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(plain_tiff([entry(50706, 1, 4, 0x00000401)]))
    photo = read(tmp_path / "a.tif")
    assert photo.format == "TIFF"
    np.testing.assert_array_equal(photo.pixels, CODES)


@pytest.mark.parametrize("place", ["chain", "below"])
def test_the_photo_is_not_the_thumbnail_before_it(tmp_path: Path, place: str) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        below = 1 if place == "below" else 0
        writer.write(CODES[::4, ::4], photometric="rgb", subfiletype=1, subifds=below)
        writer.write(CODES, photometric="rgb", subfiletype=0, compression="zlib")
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, CODES)
    np.testing.assert_array_equal(rows_of(tmp_path / "a.tif"), CODES)
    assert inspect(tmp_path / "a.tif").frames == 1


def test_what_the_pages_of_a_thumbnail_and_a_photo_say_is_carried(tmp_path: Path) -> None:
    artist, rights = (315, 2, 0, "A. Author", True), (33432, 2, 0, "(c) A", True)
    packet = packet_of('xmp:Rating="4"')
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(
            CODES[::4, ::4],
            photometric="rgb",
            subfiletype=1,
            extratags=[artist],
            resolution=(72, 72),
        )
        writer.write(
            CODES,
            photometric="rgb",
            extratags=[rights, (700, 1, len(packet), packet, True)],
            resolution=(240, 240),
        )
    carried = read(tmp_path / "a.tif").metadata
    main = parse(carried.exif)
    assert (main.text(315), main.text(33432)) == ("A. Author", "(c) A")
    assert carried.xmp == packet
    assert carried.print_resolution == Resolution(240, 240)


def test_a_palette_with_opacity(tmp_path: Path) -> None:
    table = RANDOM.integers(0, 65536, (3, 256), dtype=np.uint16)
    indices = RANDOM.integers(0, 256, (12, 17, 2), dtype=np.uint8)
    data = table.astype("<u2").tobytes() + indices.tobytes()
    fields = [
        entry(256, 3, 1, 17),
        entry(257, 3, 1, 12),
        entry(258, 3, 2, 8 | 8 << 16),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 3),
        entry(273, 4, 1, 8 + table.nbytes),
        entry(277, 3, 1, 2),
        entry(278, 3, 1, 12),
        entry(279, 4, 1, indices.nbytes),
        entry(320, 3, 768, 8),
        entry(338, 3, 1, 2),
    ]
    directory = struct.pack("<H", len(fields)) + b"".join(fields) + bytes(4)
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    (tmp_path / "a.tif").write_bytes(head + data + directory)
    photo = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels, np.moveaxis(table[:, indices[..., 0]], 0, -1))
    np.testing.assert_array_equal(photo.alpha, indices[..., 1].astype(np.uint16) * 257)


def test_a_palette_of_two_colours(tmp_path: Path) -> None:
    table = np.array([[65535, 0], [257, 514], [0, 771]], np.uint16)
    bits = RANDOM.integers(0, 2, (10, 16), dtype=np.uint8)
    fields = [
        entry(256, 3, 1, 16),
        entry(257, 3, 1, 10),
        entry(258, 3, 1, 1),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 3),
        entry(273, 4, 1, 20),
        entry(277, 3, 1, 1),
        entry(278, 3, 1, 10),
        entry(279, 4, 1, 20),
        entry(320, 3, 6, 8),
    ]
    data = table.astype("<u2").tobytes() + np.packbits(bits, axis=1).tobytes()
    directory = struct.pack("<H", len(fields)) + b"".join(fields) + bytes(4)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<I", 40) + data + directory)
    expected = np.moveaxis((table >> 8).astype(np.uint8)[:, bits], 0, -1)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected)


@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha"])
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_opacity_beside_another_channel(tmp_path: Path, kind: str, first: bool) -> None:
    alpha = RANDOM.integers(100, 256, CODES.shape[:2], dtype=np.uint8)
    colours = CODES
    if kind == "assocalpha":
        colours = np.rint(CODES * (alpha[..., None] / 255)).astype(np.uint8)
    extras = [kind, "unspecified"] if first else ["unspecified", kind]
    others = [alpha, 255 - alpha] if first else [255 - alpha, alpha]
    stored = np.dstack([colours, *others])
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=extras)
    photo = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.alpha, alpha)
    assert np.abs(photo.pixels.astype(int) - CODES).max() <= (2 if kind == "assocalpha" else 0)
    assert "extra channel" in " ".join(photo.notes)


def test_a_compression_that_is_not_read_is_named_and_not_called_damage(tmp_path: Path) -> None:
    data = plain_tiff([]).replace(entry(259, 3, 1, 1), entry(259, 3, 1, 34925 + 7))
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(FileError, match="TIFF compression 34932") as caught:
        read(tmp_path / "a.tif")
    assert "damaged" not in str(caught.value)


def test_oddities_are_not_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").write_bytes(plain_tiff([entry(305, 2, 10**8, 10**9)], following=8))
    read(tmp_path / "a.tif")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
