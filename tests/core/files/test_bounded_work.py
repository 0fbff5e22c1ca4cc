"""Small files that would take minutes or hours to decode: each ends at once in one sentence."""

from __future__ import annotations

import io
import struct
import time
import zlib
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from core.files import FileError, inspect, read
from core.files.exif import EXIF_IFD, INTEROP_IFD, parse, upright
from core.files.formats import av1, png
from core.files.isobmff import boxes, find, make_box

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 5.0
"""Seconds of the processor for one file; it is 0.1 to 1 on a quiet machine."""


def refused(path: Path, data: bytes) -> str:
    """The sentence that a file ends with, at once, whether it is decoded or only looked at."""
    path.write_bytes(data)
    sentences = []
    started = time.process_time()
    for look in (read, inspect):
        with pytest.raises(FileError, match="far more than a photo needs") as caught:
            look(path)
        sentences.append(str(caught.value))
    assert time.process_time() - started < 2 * LONGEST
    assert sentences[0] == sentences[1]
    return sentences[0]


def jpeg_of_scans(size: int, more: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    buffer = io.BytesIO()
    Image.new("L", (size, size), 128).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * more + b"\xff\xd9"


def test_a_jpeg_of_absurdly_many_scans(tmp_path: Path) -> None:
    data = jpeg_of_scans(2048, 100_000)
    assert len(data) < 5_000_000
    assert "more than 500 scans" in refused(tmp_path / "a.jpg", data)


def test_a_jpeg_of_many_scans_over_many_pixels(tmp_path: Path) -> None:
    data = bytearray(jpeg_of_scans(64, 400))
    place = data.index(b"\xff\xc2")
    struct.pack_into(">HH", data, place + 5, 20_000, 20_000)
    assert "more than 50 scans" in refused(tmp_path / "a.jpg", bytes(data))


def test_a_jpeg_of_as_many_scans_as_programs_write_is_a_photo(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg_of_scans(64, 100))
    assert (read(tmp_path / "a.jpg").pixels == 128).all()


def test_a_tiff_whose_strips_are_jpegs_of_absurdly_many_scans(tmp_path: Path) -> None:
    strip = jpeg_of_scans(512, 20_000)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((512, 512), np.uint8), compression="jpeg", rowsperstrip=512)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        tags = tiff.pages[0].tags
        for code, value in ((273, len(data)), (279, len(strip))):
            struct.pack_into("<HII", data, tags[code].offset + 2, 4, 1, value)
    (tmp_path / "a.tif").write_bytes(data + strip)
    with pytest.raises(FileError, match="more than 500 scans"):
        read(tmp_path / "a.tif")


def test_a_jpeg_of_millions_of_segments(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG")
    data = buffer.getvalue()
    sentence = refused(tmp_path / "a.jpg", data[:2] + b"\xff\xe5\0\2" * 3_000_000 + data[2:])
    assert "segments" in sentence


def png_of(*inserted: bytes) -> bytes:
    data = bytes(imagecodecs.png_encode(np.zeros((16, 16, 3), np.uint8)))
    end = len(png.SIGNATURE) + 25
    return data[:end] + b"".join(inserted) + data[end:]


@pytest.mark.parametrize("kind", [b"IDAT", b"fdAT", b"tEXt", b"junk"])
def test_a_png_of_millions_of_chunks(tmp_path: Path, kind: bytes) -> None:
    data = png_of(png.chunk(kind, b"") * 1_000_000)
    assert "chunks" in refused(tmp_path / "a.png", data)


def test_texts_that_unpack_to_more_than_there_is_room_for_are_unpacked_once(
    tmp_path: Path,
) -> None:
    bomb = png.chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(65 << 20), 9))
    (tmp_path / "a.png").write_bytes(png_of(bomb * 200))
    started = time.process_time()
    assert read(tmp_path / "a.png").metadata.texts == ()
    assert time.process_time() - started < LONGEST


def test_a_damaged_text_leaves_room_for_the_others(tmp_path: Path) -> None:
    broken = png.chunk(b"zTXt", b"k\0\0" + bytes(100_000))
    sound = png.chunk(b"tEXt", b"Title\0Dusk")
    (tmp_path / "a.png").write_bytes(png_of(broken, sound))
    assert read(tmp_path / "a.png").metadata.texts == (("Title", "Dusk"),)


@pytest.mark.parametrize("kind", ["frames", "chunks"])
def test_a_webp_of_absurdly_many_chunks(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    first, second = (Image.new("RGB", (16, 16), (value, 0, 0)) for value in (0, 9))
    first.save(buffer, "WEBP", save_all=True, append_images=[second], lossless=True)
    data = buffer.getvalue()
    place = data.index(b"ANMF")
    size = 8 + struct.unpack_from("<I", data, place + 4)[0]
    repeated = data[place : place + size + size % 2] if kind == "frames" else b"junk\0\0\0\0"
    body = data[12:] + repeated * 300_000
    file = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    assert "chunks" in refused(tmp_path / "a.webp", file)


def tiff_of_strips(count: int, size: int, kind: int = 3) -> bytes:
    """One column of pixels, a strip for each, all of them the same bytes."""
    form = {3: "<u2", 4: "<u4"}[kind]
    starts, sizes = np.full(count, 8, form).tobytes(), np.full(count, size, form).tobytes()
    first = 8 + 2 + 12 * 10 + 4
    fields = [(256, 4, 1, 1), (257, 4, 1, count), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    fields += [(273, kind, count, first), (277, 3, 1, 1), (278, 3, 1, 1)]
    fields += [(279, kind, count, first + len(starts)), (284, 3, 1, 1)]
    table = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *row) for row in fields)
    return b"II*\0" + struct.pack("<I", 8) + table + bytes(4) + starts + sizes


def test_a_tiff_of_millions_of_strips(tmp_path: Path) -> None:
    assert "strips or tiles" in refused(tmp_path / "a.tif", tiff_of_strips(5_000_000, 1))


def test_a_tiff_whose_strips_share_their_bytes(tmp_path: Path) -> None:
    data = tiff_of_strips(100_000, 500_000, kind=4)
    assert "repeat the same bytes" in refused(tmp_path / "a.tif", data)


def test_a_tiff_of_as_many_strips_as_scanners_write_is_a_photo(tmp_path: Path) -> None:
    rows = np.arange(30_000).astype(np.uint8)[:, None]
    tifffile.imwrite(tmp_path / "a.tif", rows, rowsperstrip=1, photometric="minisblack")
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels[..., 0], rows)


def directory(rows: list[tuple[int, int]]) -> bytes:
    """A directory of pointers: tags, and where they point to."""
    table = b"".join(struct.pack("<HHII", tag, 4, 1, place) for tag, place in rows)
    return struct.pack("<H", len(rows)) + table + bytes(4)


def test_directories_of_exif_that_are_named_over_and_over() -> None:
    count = 1500
    size = 2 + 12 * count + 4
    places = [8, 8 + size, 8 + 2 * size]
    blob = b"II*\0" + struct.pack("<I", 8)
    for tag, place in ((EXIF_IFD, places[1]), (INTEROP_IFD, places[2]), (1, 0)):
        blob += directory([(tag, place)] * count)
    started = time.process_time()
    assert parse(blob).children.keys() == {EXIF_IFD}
    assert upright(blob) is not None
    assert time.process_time() - started < LONGEST


def test_an_image_that_is_put_together_from_the_same_part_over_and_over(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(buffer)
    data = buffer.getvalue()
    meta = find(data, b"meta")
    parts = {box.kind: data[box.start : box.end] for box in boxes(data, meta.start + 4, meta.end)}
    # Item 2 shows item 1, and item 3 item 2, as often as a table can say: four thousand million.
    references = b"".join(
        make_box(b"dimg", struct.pack(">HH", above, 65535) + struct.pack(">H", below) * 65535)
        for above, below in ((2, 1), (3, 2))
    )
    parts[b"iref"] = parts.get(b"iref", bytes(4)) + references
    for number in (2, 3):
        entry = make_box(b"infe", bytes([2, 0, 0, 0]) + struct.pack(">HH", number, 0) + b"iovl\0")
        count = struct.unpack_from(">H", parts[b"iinf"], 4)[0] + 1
        parts[b"iinf"] = parts[b"iinf"][:4] + struct.pack(">H", count) + parts[b"iinf"][6:] + entry
    inner = b"".join(make_box(kind, content) for kind, content in parts.items())
    # The places of the data move; nobody shall come so far as to look there.
    file = data[: meta.start - meta.header] + make_box(b"meta", bytes(4) + inner)
    sentence = refused(tmp_path / "a.heic", file + data[meta.end :])
    assert "same parts over and over" in sentence


def test_units_of_an_av1_stream_are_looked_at_up_to_its_frame() -> None:
    started = time.process_time()
    assert not av1.is_lossless(b"\x12\0" * 20_000_000)
    assert time.process_time() - started < LONGEST
