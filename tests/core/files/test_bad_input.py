"""Bad files: one sentence each, before memory is spent, and nothing else on any channel."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from core.colour import ACESCG, PROPHOTO
from core.files import FileError, Limits, inspect, open_rows, read, write
from core.files.formats import jxl, png

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_SENTENCE = 300


def sentence(path: Path, **arguments) -> str:
    """The sentence that reading a file ends with."""
    with pytest.raises(FileError) as caught:
        read(path, **arguments)
    with pytest.raises(FileError), open_rows(path, **arguments) as reader:
        reader.rows(0, reader.shape[0])
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < LONGEST_SENTENCE + len(str(path))
    assert str(path) in text
    return text


def pillow_bytes(image: Image.Image, format_name: str, **arguments) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **arguments)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> dict[str, bytes]:
    """A small sound file of every format."""
    image = Image.fromarray(photo)
    folder = tmp_path_factory.mktemp("samples")
    linear = (photo / 255).astype(np.float32)
    files = {
        "JPEG": pillow_bytes(image, "JPEG"),
        "WebP": pillow_bytes(image, "WEBP"),
        "WebP lossless": pillow_bytes(image, "WEBP", lossless=True),
        "AVIF 8": pillow_bytes(image, "AVIF"),
    }
    heic = io.BytesIO()
    pillow_heif.from_pillow(image).save(heic)
    files["HEIC"] = heic.getvalue()
    for name in ("tif", "png", "jxl", "avif"):
        write(folder / f"a.{name}", linear, PROPHOTO)
        files[name] = (folder / f"a.{name}").read_bytes()
    write(folder / "float.tif", linear, ACESCG)
    files["float TIFF"] = (folder / "float.tif").read_bytes()
    for compression in (None, "lzw", "jpeg"):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, photo, photometric="rgb", compression=compression, rowsperstrip=9)
        files[f"TIFF {compression}"] = buffer.getvalue()
    return files


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert "is empty" in sentence(tmp_path / "a.jpg")


def test_missing(tmp_path: Path) -> None:
    assert "does not exist" in sentence(tmp_path / "a.jpg")


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in sentence(tmp_path)


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    assert "not an ordinary file" in sentence(tmp_path / "a.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the administrator")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.jpg").chmod(0)
    assert "no permission" in sentence(tmp_path / "a.jpg")


def test_no_permission_as_the_system_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    assert "no permission to read" in sentence(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just some text, by the name of a photo", "not a photo in a known format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing; save it as"),
        (b"  \n<?xml version='1.0'?><svg/>", "is an XML file or an SVG drawing; save it as"),
        (b"%PDF-1.7", "is a PDF document; save it as"),
        (b"GIF89a" + bytes(40), "is a GIF picture; save it as"),
        (b"BM" + bytes(60), "is a BMP picture; save it as"),
        (b"8BPS" + bytes(60), "is a Photoshop document; save it as"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "video"),
        (b"\0", "not a photo"),
    ],
)
def test_not_a_photo_whatever_its_name(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert words in sentence(tmp_path / "a.jpg")


def png_claiming(width: int, height: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        png.SIGNATURE + png.chunk(b"IHDR", header) + png.chunk(b"IDAT", zlib.compress(data))
    ) + png.chunk(b"IEND", b"")


def test_a_gigantic_png_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_claiming(65535, 65535, bytes(1000)))
    assert "65535 × 65535" in sentence(tmp_path / "a.png")


def test_a_png_that_claims_more_than_its_data_can_hold(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_claiming(19000, 19000, bytes(1000)))
    assert "damaged or incomplete PNG" in sentence(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["JPEG", "WebP", "AVIF 8", "HEIC", "tif", "png", "jxl", "avif"])
def test_every_format_heeds_the_limit(tmp_path: Path, samples: dict[str, bytes], name: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(samples[name])
    assert "limit" in sentence(path, limits=Limits(max_pixels=1000))
    assert "limit" in sentence(path, limits=Limits(max_bytes=100))
    with pytest.raises(FileError, match="limit"):
        inspect(path, limits=Limits(max_pixels=1000))
    assert inspect(path).width == 70


def test_a_jpeg_xl_is_not_decoded_to_learn_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = imagecodecs.jpegxl_encode(np.zeros((900, 900, 3), np.uint8), lossless=True)
    (tmp_path / "a.jxl").write_bytes(data)
    monkeypatch.delattr(jxl, "_opened")
    assert "900 × 900" in sentence(tmp_path / "a.jxl", limits=Limits(max_pixels=1000))


def test_a_jpeg_of_gigantic_size(tmp_path: Path, samples: dict[str, bytes]) -> None:
    data = bytearray(samples["JPEG"])
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = b"\xff" * 4
    (tmp_path / "a.jpg").write_bytes(data)
    assert "65535 × 65535" in sentence(tmp_path / "a.jpg")


def test_a_tiff_of_gigantic_size(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4, 3), np.uint8), photometric="rgb")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    for tag in (256, 257):
        place = data.index(struct.pack("<HHII", tag, 4, 1, 4))
        struct.pack_into("<I", data, place + 8, 1 << 20)
    (tmp_path / "a.tif").write_bytes(data)
    assert "1048576 × 1048576" in sentence(tmp_path / "a.tif")


def test_cmyk(tmp_path: Path, photo: np.ndarray) -> None:
    image = Image.fromarray(photo).convert("CMYK")
    (tmp_path / "a.jpg").write_bytes(pillow_bytes(image, "JPEG"))
    (tmp_path / "a.tif").write_bytes(pillow_bytes(image, "TIFF"))
    assert "CMYK" in sentence(tmp_path / "a.jpg")
    assert "CMYK" in sentence(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("frame", "depth", "words"),
    [(0xC3, 8, "lossless"), (0xC5, 8, "hierarchical"), (0xF7, 8, "lossless"), (0xC1, 12, "8 bits")],
)
def test_a_jpeg_of_another_kind_is_not_called_damaged(
    tmp_path: Path, samples: dict[str, bytes], frame: int, depth: int, words: str
) -> None:
    data = bytearray(samples["JPEG"])
    place = data.index(b"\xff\xc0")
    data[place + 1], data[place + 4] = frame, depth
    (tmp_path / "a.jpg").write_bytes(data)
    text = sentence(tmp_path / "a.jpg")
    assert words in text
    assert "not supported" in text


def test_a_png_of_apple_s_own_is_not_called_damaged(tmp_path: Path, photo: np.ndarray) -> None:
    data = pillow_bytes(Image.fromarray(photo), "PNG")
    (tmp_path / "a.png").write_bytes(data[:8] + png.chunk(b"CgBI", bytes(4)) + data[8:])
    assert "not supported" in sentence(tmp_path / "a.png")


def test_lab_tiff(tmp_path: Path, photo: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", photo, photometric="cielab")
    assert "Lab" in sentence(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.int32, np.complex64])
def test_unusual_numbers_in_tiff(tmp_path: Path, dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), dtype), photometric="rgb")
    assert "unusual way" in sentence(tmp_path / "a.tif")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    values = np.full((8, 8, 3), 0.5, np.float32)
    values[3, 4, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    assert "not numbers" in sentence(tmp_path / "a.tif")


def test_a_profile_that_is_not_rgb(tmp_path: Path, photo: np.ndarray) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = pillow_bytes(Image.fromarray(photo), "JPEG", icc_profile=lab)
    (tmp_path / "a.jpg").write_bytes(data)
    assert "for Lab images, not RGB" in sentence(tmp_path / "a.jpg")


def test_a_profile_that_unpacks_without_end_is_cut(tmp_path: Path, photo: np.ndarray) -> None:
    bomb = b"x\0\0" + zlib.compress(bytes(200 << 20), 9)
    data = png.insert_chunks(bytes(imagecodecs.png_encode(photo)), [(b"iCCP", bomb)])
    (tmp_path / "a.png").write_bytes(data)
    read_back = read(tmp_path / "a.png")
    assert "profile was ignored" in " ".join(read_back.notes)


@pytest.mark.parametrize(
    "name",
    ["JPEG", "WebP", "WebP lossless", "AVIF 8", "HEIC", "tif", "png", "jxl", "avif", "float TIFF",
     "TIFF None", "TIFF lzw", "TIFF jpeg"],
)  # fmt: skip
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated(
    tmp_path: Path,
    samples: dict[str, bytes],
    name: str,
    share: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = samples[name]
    (tmp_path / "a").write_bytes(data[: int(share * len(data))])
    assert "damaged or incomplete" in sentence(tmp_path / "a")
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["JPEG", "WebP", "HEIC", "tif", "png", "jxl", "avif", "TIFF lzw"]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=5
    ),
)
def test_damage_ends_in_a_photo_or_a_sentence(
    tmp_path: Path, samples: dict[str, bytes], name: str, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(samples[name])
    for place, value in changes:
        data[int(place**3 * len(data))] = value
    (tmp_path / "a").write_bytes(data)
    try:
        scene = read(tmp_path / "a", limits=Limits(max_pixels=1_000_000)).scene()
    except FileError as error:
        assert str(tmp_path) in str(error)
    else:
        assert scene.shape[2] == 3
