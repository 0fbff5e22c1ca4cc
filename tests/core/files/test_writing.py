"""What is written is what others read: codes, colours, EXIF; and it is written safely."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import OpenImageIO
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from core.colour import ACESCG, ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SPACES, SRGB, convert
from core.files import (
    OUTPUT_FORMATS,
    FileError,
    Metadata,
    PhotoWriter,
    icc_profile,
    inspect,
    read,
    write,
    write_codes,
)
from core.files.exif import upright
from core.files.safe_write import SafeFile
from tests.core.files.conftest import exif_blob
from tests.core.files.test_exif import big_endian_blob

if TYPE_CHECKING:
    from pathlib import Path

ENCODED = [space for space in SPACES.values() if not space.transfer.is_linear]
CODES_BITS = {"tiff": 16, "png": 16, "jxl": 16, "avif": 12}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def by_another_reader(path: Path) -> tuple[np.ndarray, bytes]:
    """The codes and the profile, by libraries that did not write them."""
    if path.suffix == ".avif":
        codes = imagecodecs.avif_decode(path.read_bytes())
        with Image.open(path) as image:
            return codes, image.info["icc_profile"]
    untouched = OpenImageIO.ImageSpec()
    untouched.attribute("oiio:UnassociatedAlpha", 1)
    source = OpenImageIO.ImageInput.open(str(path), untouched)
    assert source is not None, OpenImageIO.geterror()
    spec = source.spec()
    codes = np.asarray(source.read_image(0, 0, 0, spec.nchannels, spec.format))
    profile = np.asarray(spec.getattribute("ICCProfile"), np.uint8).tobytes()
    source.close()
    return codes, profile


@pytest.mark.parametrize("space", ENCODED, ids=lambda space: space.key)
@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
@pytest.mark.parametrize("version", [2, 4])
def test_another_reader_finds_the_codes_and_the_profile(
    tmp_path: Path, wide: np.ndarray, space, format_key, version
) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    write(path, wide, space, icc_version=version)
    codes, profile = by_another_reader(path)
    top = 2 ** CODES_BITS[format_key] - 1
    expected = np.rint(space.encode(wide) * top)
    np.testing.assert_array_equal(codes, expected)
    assert profile == icc_profile(space, version)


@pytest.mark.parametrize("space", ENCODED, ids=lambda space: space.key)
@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_reading_back_gives_the_colours(
    tmp_path: Path, wide: np.ndarray, space, format_key
) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    write(path, wide, space)
    read_back = read(path)
    assert read_back.space is space
    assert not read_back.lossy
    assert read_back.profile_name == space.name
    half_a_code = 0.501 / (2 ** CODES_BITS[format_key] - 1)
    encoded = read_back.pixels / np.float64(65535)
    assert np.abs(encoded - space.encode(wide.astype(np.float64))).max() < half_a_code + 1e-5
    np.testing.assert_allclose(
        read_back.scene(), convert(space.decode(encoded), space, SRGB), atol=2e-6
    )


@pytest.mark.parametrize("suffix", [".tif", ".jxl"])
@pytest.mark.parametrize(("depth", "dtype"), [(None, np.float32), (16, np.float16)])
def test_a_linear_space_is_written_in_float(
    tmp_path: Path, wide: np.ndarray, suffix: str, depth: int | None, dtype: type
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, wide, ACESCG, depth=depth)
    codes, profile = by_another_reader(path)
    np.testing.assert_array_equal(codes, wide.astype(dtype))
    assert codes.dtype == dtype
    assert profile == icc_profile(ACESCG)
    read_back = read(path)
    assert read_back.space is ACESCG
    assert read_back.linear


@pytest.mark.parametrize("suffix", [".png", ".avif"])
def test_a_linear_space_is_refused_where_there_is_no_float(
    tmp_path: Path, wide: np.ndarray, suffix: str
) -> None:
    with pytest.raises(FileError, match="ACEScg is linear"):
        write(tmp_path / f"a{suffix}", wide, ACESCG)
    assert names(tmp_path) == []


def test_ten_bit_avif(tmp_path: Path, wide: np.ndarray) -> None:
    write(tmp_path / "a.avif", wide, DISPLAY_P3, depth=10)
    codes, _ = by_another_reader(tmp_path / "a.avif")
    np.testing.assert_array_equal(codes, np.rint(DISPLAY_P3.encode(wide) * 1023))
    assert inspect(tmp_path / "a.avif").bits == 10


def test_lossy_avif_says_so(tmp_path: Path, photo: np.ndarray) -> None:
    linear = (photo / 255).astype(np.float32)
    write(tmp_path / "a.avif", linear, REC2020, quality=80)
    read_back = read(tmp_path / "a.avif")
    assert read_back.lossy
    assert np.abs(REC2020.encode(linear) - read_back.pixels / 65535).mean() < 0.02


def test_depths_that_a_format_lacks_are_refused(tmp_path: Path, wide: np.ndarray) -> None:
    with pytest.raises(FileError, match="12 or 10"):
        write(tmp_path / "a.avif", wide, PROPHOTO, depth=16)
    with pytest.raises(FileError, match="16 bits"):
        write(tmp_path / "a.tif", wide, PROPHOTO, depth=8)


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_exif_alpha_and_private_data_are_carried(
    tmp_path: Path, wide: np.ndarray, exif: bytes, format_key
) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    alpha = np.random.default_rng(0).integers(0, 65536, wide.shape[:2], dtype=np.uint16)
    write(
        path, wide, PROPHOTO, metadata=Metadata(exif), alpha=alpha, extra_metadata=b"\0private\xff"
    )
    read_back = read(path)
    assert read_back.payload == b"\0private\xff"
    info = inspect(path)
    assert (info.camera, info.date, info.has_gps) == ("Maker Model 1", "2024:05:06 07:08:09", True)
    assert info.channels == 4
    step = 65535 / (2 ** CODES_BITS[format_key] - 1)
    assert np.abs(read_back.alpha.astype(float) - alpha).max() <= (step / 2 if step > 1 else 0)
    codes, _ = by_another_reader(path)
    top = 2 ** CODES_BITS[format_key] - 1
    np.testing.assert_array_equal(codes[..., :3], np.rint(PROPHOTO.encode(wide) * top))


# All but JPEG XL, which Pillow does not know.
@pytest.mark.parametrize("format_key", ["tiff", "png", "avif"])
def test_pillow_reads_the_exif(tmp_path: Path, wide: np.ndarray, exif: bytes, format_key) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    # Pillow opens no TIFF of 16-bit RGB, but of 8 bits, by the same writer.
    if format_key == "tiff":
        write_codes(path, np.zeros((9, 9, 3), np.uint8), PROPHOTO, metadata=Metadata(exif))
    else:
        write(path, wide, PROPHOTO, metadata=Metadata(exif))
    with Image.open(path) as image:
        found = image.getexif()
        assert found[271] == "Maker"
        assert found.get_ifd(34853)[2] == (50.0, 26.0, 23.1)
        details = found.get_ifd(34665)
        assert details[36867] == "2024:05:06 07:08:09"
        assert details[37500] == bytes(range(64))
        # Wide pixels are not sRGB, whatever the camera's JPEG was.
        assert details[40961] == 65535


def test_libtiff_and_tifffile_agree_on_the_tiff(tmp_path: Path, wide: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    write(path, wide, PROPHOTO, metadata=Metadata(exif_blob()))
    np.testing.assert_array_equal(tifffile.imread(path), by_another_reader(path)[0])
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert page.tile == (256, 256)
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert page.predictor == tifffile.PREDICTOR.HORIZONTAL
        assert page.tags["ExifTag"].value["DateTimeOriginal"] == "2024:05:06 07:08:09"
        assert page.tags["GPSTag"].value["GPSLatitudeRef"] == "N"
        assert page.software == "napari-gamut"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_takes_the_byte_order_of_its_exif(tmp_path: Path, dtype: type) -> None:
    blob = big_endian_blob()
    codes = np.random.default_rng(1).integers(0, 256, (300, 270, 3)).astype(dtype)
    codes *= np.iinfo(dtype).max // 255
    path = tmp_path / "a.tif"
    write_codes(path, codes, metadata=Metadata(upright(blob)))
    assert path.read_bytes().startswith(b"MM")
    np.testing.assert_array_equal(tifffile.imread(path), codes)
    np.testing.assert_array_equal(by_another_reader(path)[0], codes)
    np.testing.assert_array_equal(read(path).pixels, codes)
    # Behind the header, EXIF stands as it was.
    assert path.read_bytes()[8 : len(blob)] == upright(blob)[8:]


@pytest.mark.parametrize("depth", [16, 32])
def test_a_float_tiff_takes_the_byte_order_of_its_exif(
    tmp_path: Path, wide: np.ndarray, depth: int
) -> None:
    path = tmp_path / "a.tif"
    write(path, wide, ACESCG, depth=depth, metadata=Metadata(upright(big_endian_blob())))
    expected = wide.astype(f"float{depth}")
    np.testing.assert_array_equal(tifffile.imread(path), expected)
    np.testing.assert_array_equal(by_another_reader(path)[0], expected)
    np.testing.assert_array_equal(read(path).pixels, expected)


def test_littlecms_makes_the_same_screen_picture_of_every_space(
    tmp_path: Path, photo: np.ndarray
) -> None:
    linear = SRGB.decode(photo / 255).astype(np.float32)
    target = ImageCms.createProfile("sRGB")
    for space in (PROPHOTO, DISPLAY_P3, ADOBE_RGB, REC2020):
        path = tmp_path / f"{space.key}.png"
        inside = np.clip(convert(linear, SRGB, space), 0, 1)
        write_codes(path, np.rint(space.encode(inside) * 255).astype(np.uint8), space)
        with Image.open(path) as image:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            seen = ImageCms.profileToProfile(
                image, profile, target, ImageCms.Intent.RELATIVE_COLORIMETRIC
            )
            assert seen is not None
            # 8 bits of a wide space step over a code or two of sRGB here and there.
            assert np.abs(np.asarray(seen).astype(int) - photo).mean() < 1.0


@pytest.mark.parametrize(
    ("space", "points"),
    [(SRGB, b"\x01\x0d"), (DISPLAY_P3, b"\x0c\x0d"), (REC2020, b"\x09\x0e"), (PROPHOTO, None)],
)
def test_png_states_code_points_where_there_are_any(
    tmp_path: Path, wide: np.ndarray, space, points: bytes | None
) -> None:
    write(tmp_path / "a.png", wide, space)
    data = (tmp_path / "a.png").read_bytes()
    if points is None:
        assert b"cICP" not in data
    else:
        assert b"cICP" + points + b"\0\x01" in data
        assert data.index(b"cICP") < data.index(b"iCCP") < data.index(b"IDAT")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 530),
    width=st.integers(1, 530),
    bands=st.lists(st.integers(1, 300), min_size=1, max_size=6),
)
def test_any_size_in_any_bands_is_the_same_tiff(
    tmp_path: Path, height: int, width: int, bands: list[int]
) -> None:
    rows = np.random.default_rng(height * 1000 + width).random((height, width, 3)).astype("f4")
    path = tmp_path / "a.tif"
    with PhotoWriter(path, width, height, PROPHOTO, overwrite=True) as writer:
        start = 0
        while start < height:
            count = bands[start % len(bands)]
            writer.write_rows(rows[start : start + count])
            start += count
    np.testing.assert_array_equal(tifffile.imread(path), np.rint(PROPHOTO.encode(rows) * 65535))


def test_tiff_needs_memory_for_a_band_not_for_the_photo(tmp_path: Path) -> None:
    width, height = 2000, 4000
    band = np.full((100, width, 3), 0.25, np.float32)
    with PhotoWriter(tmp_path / "a.tif", width, height, PROPHOTO) as writer:
        writer.write_rows(band)
        tracemalloc.start()
        for _ in range(height // 100 - 1):
            writer.write_rows(band)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    whole = width * height * 3 * 2
    assert peak < whole / 3


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_an_exception_leaves_nothing(tmp_path: Path, wide: np.ndarray, format_key) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    height, width = wide.shape[:2]
    with pytest.raises(KeyboardInterrupt), PhotoWriter(path, width, height, PROPHOTO) as writer:
        writer.write_rows(wide[:100])
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_missing_rows_leave_nothing(tmp_path: Path, wide: np.ndarray) -> None:
    height, width = wide.shape[:2]
    with (
        pytest.raises(ValueError, match="100 of 300"),
        PhotoWriter(tmp_path / "a.tif", width, height, PROPHOTO) as writer,
    ):
        writer.write_rows(wide[:100])
    assert names(tmp_path) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_never_written(tmp_path: Path, bad: float) -> None:
    rows = np.full((4, 4, 3), bad, np.float32)
    with pytest.raises(ValueError, match="finite"):
        write(tmp_path / "a.tif", rows, PROPHOTO)
    assert names(tmp_path) == []


def test_rows_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="do not fit"),
        PhotoWriter(tmp_path / "a.tif", 4, 4, PROPHOTO) as writer,
    ):
        writer.write_rows(np.zeros((5, 4, 3), np.float32))


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, wide: np.ndarray, monkeypatch: pytest.MonkeyPatch, format_key
) -> None:
    class Full(io.RawIOBase):
        def __init__(self, file) -> None:
            self._file = file

        def writable(self) -> bool:
            return True

        def seek(self, *place: int) -> int:
            return self._file.seek(*place)

        def truncate(self, size: int | None = None) -> int:
            return self._file.truncate(size)

        def write(self, data) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None:
            self._file.close()
            super().close()

    original = SafeFile.__init__

    def full(self, *arguments, **settings) -> None:
        original(self, *arguments, **settings)
        self.file = Full(self.file)

    monkeypatch.setattr(SafeFile, "__init__", full)
    with pytest.raises(FileError, match="disk is full"):
        write(tmp_path / f"a{OUTPUT_FORMATS[format_key]}", wide, PROPHOTO)
    assert names(tmp_path) == []


def test_nothing_is_overwritten_unasked(tmp_path: Path, wide: np.ndarray) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"precious")
    with pytest.raises(FileError, match="exists already"):
        write(path, wide, PROPHOTO)
    with pytest.raises(FileError, match="is being read"):
        write(path, wide, PROPHOTO, overwrite=True, source=path)
    assert path.read_bytes() == b"precious"
    write(path, wide, PROPHOTO, overwrite=True)
    assert read(path).space is PROPHOTO
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("name", ["a.gif", "a", "a.jpg"])
def test_suffixes_without_a_wide_format_are_refused(
    tmp_path: Path, wide: np.ndarray, name: str
) -> None:
    with pytest.raises(FileError):
        write(tmp_path / name, wide, PROPHOTO)
    assert names(tmp_path) == []


def test_sixteen_bits_do_not_go_into_jpeg(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="8 bits only"):
        write_codes(tmp_path / "a.jpg", np.zeros((4, 4, 3), np.uint16))


@pytest.mark.parametrize("suffix", [".jxl", ".avif"])
def test_other_threads_run_while_a_photo_is_encoded(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(1).random((300, 300, 3), np.float32)
    beats, over = [], threading.Event()

    def beat() -> None:
        while not over.wait(0.005):
            beats.append(time.perf_counter())

    thread = threading.Thread(target=beat)
    thread.start()
    writer = PhotoWriter(tmp_path / f"photo{suffix}", 300, 300, PROPHOTO)
    writer.write_rows(values)
    started = time.perf_counter()
    writer.close()
    ended = time.perf_counter()
    over.set()
    thread.join()
    assert sum(started < each < ended for each in beats) > 4
