"""Bands of a photo are the photo, and a large TIFF is not decoded at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from core.colour import ADOBE_RGB, SRGB
from core.files import FileError, Metadata, icc_profile, open_rows, read, rows, write_codes

if TYPE_CHECKING:
    from pathlib import Path

CODES = np.random.default_rng(2).integers(0, 65536, (150, 100, 3), dtype=np.uint16)
LAYOUTS = [
    {},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "compression": "lzw", "predictor": True},
    {"tile": (32, 48), "compression": "zlib", "predictor": True},
    {"tile": (32, 48), "byteorder": ">"},
    {"compression": "zlib", "rowsperstrip": 150},
    {"byteorder": ">"},
]


def walk(path: Path, band: int, overlap: int) -> np.ndarray:
    with open_rows(path) as reader:
        parts = []
        for start in range(0, reader.shape[0], band):
            stop = min(start + band, reader.shape[0])
            before = max(0, start - overlap)
            parts.append(reader.rows(before, stop)[start - before :])
            assert parts[-1].dtype == reader.dtype
        return np.concatenate(parts)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("band", "overlap"), [(1, 0), (20, 9), (150, 0)])
def test_bands_make_the_photo(
    tmp_path: Path, layout: dict, dtype: type, band: int, overlap: int
) -> None:
    codes = (CODES >> (16 - 8 * dtype().itemsize)).astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, codes, photometric="rgb", **layout)
    with open_rows(path) as reader:
        assert reader.photo is None
        assert reader.is_srgb_codes
        assert reader.shape == codes.shape
        assert reader.info.format == "TIFF"
    np.testing.assert_array_equal(walk(path, band, overlap), codes)


def test_going_down_decodes_every_segment_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, CODES, photometric="rgb", tile=(32, 48), compression="zlib")
    decoded = []
    original = rows._TiffSegments._decoded
    monkeypatch.setattr(
        rows._TiffSegments,
        "_decoded",
        lambda self, band: decoded.append(band) or original(self, band),
    )
    walk(path, 10, 5)
    assert decoded == [0, 1, 2, 3, 4]


def test_a_file_of_our_own_is_read_by_bands(tmp_path: Path, exif: bytes) -> None:
    write_codes(tmp_path / "a.tif", CODES, metadata=Metadata(exif), extra_metadata=b"private")
    with open_rows(tmp_path / "a.tif") as reader:
        assert reader.photo is None
        assert reader.metadata.exif is not None
        assert reader.alpha is None
        assert reader.payload == b"private"
        assert reader.info.camera == "Maker Model 1"
    np.testing.assert_array_equal(walk(tmp_path / "a.tif", 64, 8), CODES)


@pytest.mark.parametrize("kind", ["png", "adobe", "alpha", "turned", "grey", "planar", "half"])
def test_other_files_are_decoded_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.png" if kind == "png" else "a.tif")
    if kind == "png":
        write_codes(path, CODES)
    elif kind == "adobe":
        tifffile.imwrite(path, CODES, photometric="rgb", iccprofile=icc_profile(ADOBE_RGB))
    elif kind == "alpha":
        write_codes(path, CODES, alpha=CODES[..., 0])
    elif kind == "turned":
        tags = [(274, 3, 1, 6, True)]
        tifffile.imwrite(path, CODES, photometric="rgb", extratags=tags)
    elif kind == "grey":
        tifffile.imwrite(path, CODES[..., 0], photometric="minisblack")
    elif kind == "half":
        half = (CODES / 65535).astype(np.float16)
        tifffile.imwrite(path, half, photometric="rgb", iccprofile=icc_profile(SRGB))
    else:
        separate = np.moveaxis(CODES, -1, 0)
        tifffile.imwrite(path, separate, photometric="rgb", planarconfig="separate")
    with open_rows(path) as reader:
        assert reader.photo is not None
        assert reader.is_srgb_codes is (kind not in ("adobe", "half"))
        assert reader.shape == reader.photo.pixels.shape
        assert (reader.alpha is not None) is (kind == "alpha")
    np.testing.assert_array_equal(walk(path, 20, 3), read(path).pixels)


def test_rows_outside_are_refused(tmp_path: Path) -> None:
    write_codes(tmp_path / "a.tif", CODES)
    with open_rows(tmp_path / "a.tif") as reader, pytest.raises(ValueError, match="151"):
        reader.rows(0, 151)


def test_damage_in_the_middle_is_met_there(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, CODES, photometric="rgb", rowsperstrip=50, compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[2]
    data = bytearray(path.read_bytes())
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    with open_rows(path) as reader:
        np.testing.assert_array_equal(reader.rows(0, 100), CODES[:100])
        with pytest.raises(FileError, match="damaged"):
            reader.rows(100, 150)


def test_rows_are_those_of_the_whole_photo_in_every_format(
    tmp_path: Path, samples: list[bytes]
) -> None:
    for content in samples:
        (tmp_path / "a").write_bytes(content)
        try:
            whole = read(tmp_path / "a").pixels
        except FileError:
            continue  # LibRaw refuses the bare raw data.
        bands = walk(tmp_path / "a", 20, 3)
        assert bands.dtype == whole.dtype
        np.testing.assert_array_equal(bands, whole)
