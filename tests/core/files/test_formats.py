"""One list of formats: what is documented, what is found in folders, what opens by itself."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import OpenImageIO
import pillow_heif
import pytest
import tifffile
import yaml
from PIL import Image

from core.cli.main import build_parser
from core.engine.batches import PHOTO_SUFFIXES, find_photos
from core.files import PHOTO_FORMATS, FileError, read
from tests.core.files.conftest import DNG_FIELDS
from tests.core.files.test_raw import MOSAIC

ROOT = Path(__file__).parents[3]
NAMES = ", ".join(PHOTO_FORMATS)
CODES = np.full((16, 16, 3), 99, np.uint8)


def sample(name: str, folder: Path) -> bytes:
    """A small sound file of a format."""
    buffer = io.BytesIO()
    if name == "HEIC":
        pillow_heif.from_pillow(Image.fromarray(CODES)).save(buffer)
    elif name == "camera RAW":
        tifffile.imwrite(buffer, MOSAIC, photometric="cfa", extratags=DNG_FIELDS)
    elif name == "JPEG XL":
        return bytes(imagecodecs.jpegxl_encode(CODES, lossless=True))
    elif name == "OpenEXR":
        output = OpenImageIO.ImageOutput.create("exr")
        output.open(str(folder / "made.exr"), OpenImageIO.ImageSpec(16, 16, 3, "half"))
        output.write_image(CODES / np.float32(255))
        output.close()
        return (folder / "made.exr").read_bytes()
    else:
        Image.fromarray(CODES).save(buffer, name)
    return buffer.getvalue()


@pytest.mark.parametrize("name", PHOTO_FORMATS)
def test_every_suffix_is_found_in_a_folder_and_opens_by_itself(tmp_path: Path, name: str) -> None:
    data = sample(name, tmp_path)
    photos = tmp_path / "photos"
    photos.mkdir()
    suffixes = PHOTO_FORMATS[name]
    for suffix in suffixes:
        (photos / f"photo{suffix.upper()}").write_bytes(data)
    found = [path for path, _ in find_photos([str(photos)])]
    assert sorted(path.suffix.lower() for path in found) == sorted(suffixes)
    # One stands for all: the content decides, not the name.
    assert read(found[-1]).format == name


def test_folders_are_searched_for_nothing_else() -> None:
    listed = [suffix for suffixes in PHOTO_FORMATS.values() for suffix in suffixes]
    assert len(listed) == len(set(listed))
    assert set(listed) == PHOTO_SUFFIXES


def test_the_readme_says_what_is_read() -> None:
    (row,) = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| reads")
    ]
    assert row.split("|")[2].split(";")[0].strip() == NAMES


@pytest.mark.parametrize("command", ["expand", "reduce", "info"])
def test_the_help_says_what_is_read(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    assert NAMES in " ".join(capsys.readouterr().out.split())


def test_the_sentence_about_other_files_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"some text by the name of a photo")
    with pytest.raises(FileError) as caught:
        read(tmp_path / "a.jpg")
    assert str(caught.value).replace(" or ", ", ").endswith(f"use {NAMES}.")


def test_napari_offers_photos_alone() -> None:
    manifest = yaml.safe_load((ROOT / "napari_gamut" / "napari.yaml").read_text())
    for reader in manifest["contributions"]["readers"]:
        patterns = {pattern.removeprefix("*") for pattern in reader["filename_patterns"]}
        assert patterns <= PHOTO_SUFFIXES
