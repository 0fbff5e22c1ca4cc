"""Boxes: what hostile tables may claim, what is missing, and what was cropped away."""

from __future__ import annotations

import io
import struct
import tracemalloc
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from core.colour import SRGB
from core.files import FileError, Metadata, icc_profile, inspect, isobmff, read
from core.files.formats import avif
from core.files.metadata import GAIN_MAP_LEFT_OUT

if TYPE_CHECKING:
    from pathlib import Path


def avif_of(photo: np.ndarray) -> bytes:
    return bytes(imagecodecs.avif_encode(photo, level=100, pixelformat="444"))


def heic_of(photo: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo)).save(buffer, quality=95)
    return buffer.getvalue()


def with_property(file: bytes, kind: bytes, content: bytes) -> bytes:
    """The file with one more property of the photo; places of the data corrected."""
    meta = isobmff.find(file, b"meta")
    images = isobmff.read_images(file)
    parts = {box.kind: file[box.start : box.end] for box in isobmff.boxes(
        file, meta.start + 4, meta.end)}  # fmt: skip
    parts[b"iprp"] = isobmff._add_property(
        parts[b"iprp"], images.primary, kind, content, essential=True
    )
    contents = {n: isobmff.item_data(file, item) for n, item in sorted(images.items.items())}
    sizes = {number: len(content) for number, content in contents.items()}
    before = file[: meta.start - meta.header]

    def head(start: int) -> bytes:
        parts[b"iloc"] = isobmff._locations(sizes, start)
        inner = b"".join(isobmff.make_box(name, part) for name, part in parts.items())
        return before + isobmff.make_box(b"meta", bytes(4) + inner)

    whole = head(len(head(0)) + 8)
    return whole + isobmff.make_box(b"mdat", b"".join(contents.values()))


def clap(width: int, height: int, right: tuple[int, int], below: tuple[int, int]) -> bytes:
    return struct.pack(">IIIIiIiI", width, 1, height, 1, *right, *below)


@pytest.mark.parametrize("encode", [avif_of, heic_of])
def test_what_was_cropped_away_does_not_come_back(
    tmp_path: Path, photo: np.ndarray, encode
) -> None:
    # 64 × 80; seen are columns 10 to 50 and rows 4 to 64.
    whole = np.ascontiguousarray(photo[:80, :64])
    crop = clap(40, 60, (2 * 10 + 40 - 64, 2), (2 * 4 + 60 - 80, 2))
    (tmp_path / "a").write_bytes(with_property(encode(whole), b"clap", crop))
    read_back = read(tmp_path / "a")
    assert read_back.pixels.shape == (60, 40, 3)
    info = inspect(tmp_path / "a")
    assert (info.width, info.height) == (40, 60)
    assert np.abs(read_back.pixels.astype(int) - whole[4:64, 10:50]).mean() < 6


def test_an_aperture_outside_the_image_is_no_reason_to_show_all_of_it(
    tmp_path: Path, photo: np.ndarray
) -> None:
    whole = np.ascontiguousarray(photo[:80, :64])
    file = with_property(avif_of(whole), b"clap", clap(70, 60, (0, 1), (0, 1)))
    (tmp_path / "a").write_bytes(file)
    with pytest.raises(FileError, match="damaged"):
        read(tmp_path / "a")


def hostile_locations(extents: int, widths: bytes) -> bytes:
    table = bytes([1, 0, 0, 0]) + widths + struct.pack(">H", 10)
    table += b"".join(struct.pack(">HHHH", n, 0, 0, extents) for n in range(10))
    return isobmff.make_box(b"iloc", table)


def file_with(locations: bytes) -> bytes:
    inner = isobmff.make_box(b"pitm", bytes(4) + b"\0\1")
    inner += isobmff.make_box(b"iinf", bytes(6))
    inner += locations
    inner += isobmff.make_box(b"iprp", isobmff.make_box(b"ipco", b""))
    return isobmff.make_box(b"ftyp", b"avif\0\0\0\0avif") + isobmff.make_box(
        b"meta", bytes(4) + inner
    )


@pytest.mark.parametrize("widths", [b"\0\0", b"\x11\x11", b"\x44\x00"], ids=["0", "1", "4"])
def test_a_table_of_places_is_no_longer_than_its_bytes(tmp_path: Path, widths: bytes) -> None:
    data = file_with(hostile_locations(65535, widths))
    tracemalloc.start()
    with pytest.raises(ValueError):
        isobmff.read_images(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    (tmp_path / "a.avif").write_bytes(data)
    with pytest.raises(FileError, match="damaged"):
        read(tmp_path / "a.avif")


def test_an_item_is_no_longer_than_its_file() -> None:
    item = isobmff.Item(extents=[(0, 1000)] * 50_000)
    with pytest.raises(ValueError, match="longer"):
        isobmff.item_data(bytes(1000), item)


@pytest.mark.parametrize("encode", [avif_of, heic_of])
@pytest.mark.parametrize("share", [0.6, 0.95])
def test_missing_data_is_not_filled_with_flat_colour(
    tmp_path: Path, photo: np.ndarray, encode, share: float
) -> None:
    data = encode(photo)
    (tmp_path / "a").write_bytes(data[: int(share * len(data))])
    with pytest.raises(FileError, match="damaged or incomplete"):
        inspect(tmp_path / "a")


@pytest.mark.parametrize("brand", [b"avis", b"msf1"])
@pytest.mark.parametrize("more", [b"", isobmff.make_box(b"meta", bytes(4))])
def test_moving_pictures_without_a_still_one_are_not_called_damaged(
    tmp_path: Path, brand: bytes, more: bytes
) -> None:
    kind = isobmff.make_box(b"ftyp", brand + bytes(4) + brand)
    (tmp_path / "a").write_bytes(kind + isobmff.make_box(b"moov", bytes(8)) + more)
    with pytest.raises(FileError, match="without a still picture"):
        read(tmp_path / "a")


def test_a_photo_whose_gain_map_is_bad_is_read_without_it(
    tmp_path: Path, photo: np.ndarray
) -> None:
    plain = avif_of(photo)
    size = int.from_bytes(plain[:4], "big")
    bad = isobmff.with_profile_and_metadata(plain, icc_profile(SRGB), Metadata(xmp=b"no map"))
    # The item becomes a map, which the brands announce and the photo is said to have part in.
    bad = bad.replace(b"mimeapplication/rdf+xml", b"tmapapplication/rdf+xml").replace(
        b"mime\0application/rdf+xml", b"tmap\0application/rdf+xml"
    )
    bad = bad.replace(b"cdsc", b"dimg")
    assert size % 4 == 0
    bad = bad[:16] + b"tmap" + bad[20:]
    (tmp_path / "bad.avif").write_bytes(bad)
    (tmp_path / "plain.avif").write_bytes(plain)
    with pytest.raises((RuntimeError, SyntaxError, ValueError)):
        Image.open(tmp_path / "bad.avif").load()
    found = read(tmp_path / "bad.avif")
    assert GAIN_MAP_LEFT_OUT in found.notes
    np.testing.assert_array_equal(found.pixels, read(tmp_path / "plain.avif").pixels)


@pytest.mark.parametrize("size", [(17000, 17000), (40000, 10)])
def test_a_picture_too_large_for_the_decoder_is_not_called_damaged(
    tmp_path: Path, photo: np.ndarray, size: tuple[int, int]
) -> None:
    height, width = photo.shape[:2]
    stated, large = (struct.pack(">4s4xII", b"ispe", *one) for one in ((width, height), size))
    assert stated in avif_of(photo)
    (tmp_path / "a.avif").write_bytes(avif_of(photo).replace(stated, large))
    with pytest.raises(FileError, match=f"{size[0]} × {size[1]} pixels, more than the 268 mega"):
        inspect(tmp_path / "a.avif")


@pytest.mark.parametrize("kind", [RuntimeError, SyntaxError])
def test_what_the_decoder_does_not_implement_is_not_called_damaged(
    tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def refusing(*arguments: object) -> None:
        raise kind("Failed to decode image: Not implemented")

    (tmp_path / "a.avif").write_bytes(avif_of(photo))
    monkeypatch.setattr(avif, "opened", refusing)
    with pytest.raises(FileError, match="this kind of AVIF file is not supported"):
        read(tmp_path / "a.avif")
