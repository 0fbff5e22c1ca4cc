"""OpenEXR: what its header says of the photo, and what is no photo."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import OpenImageIO
import pytest

from core.files import FileError, read
from core.files.formats import exr_header
from core.files.xmp import DC, EXIF, EXIF_EX, properties

if TYPE_CHECKING:
    from pathlib import Path

VALUES = np.random.default_rng(5).random((12, 20, 3)).astype(np.float32)


def exr(path: Path, channels: tuple[str, ...] = ("R", "G", "B"), **attributes: object) -> Path:
    values = np.zeros((12, 20, len(channels)), np.float32)
    for index, name in enumerate(channels):
        if name in "RGB":
            values[..., index] = VALUES[..., "RGB".index(name)]
    spec = OpenImageIO.ImageSpec(20, 12, len(channels), "float")
    spec.channelnames = channels
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    output = OpenImageIO.ImageOutput.create("exr")
    assert output.open(str(path), spec), output.geterror()
    output.write_image(values)
    output.close()
    return path


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def header(*attributes: bytes, sampling: int = 1, compression: int = 0) -> bytes:
    channel = b"RY\0" + struct.pack("<iB3xii", 1, 0, sampling, sampling)
    window = struct.pack("<4i", 0, 0, 7, 7)
    return (
        b"\x76\x2f\x31\x01\2\0\0\0"
        + attribute("channels", "chlist", channel + b"\0")
        + attribute("compression", "compression", bytes([compression]))
        + attribute("dataWindow", "box2i", window)
        + attribute("displayWindow", "box2i", window)
        + b"".join(attributes)
        + b"\0"
    )


def test_luma_and_chroma_are_told_by_the_header_alone(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(header(sampling=2) + bytes(500))
    with pytest.raises(FileError, match="luma and chroma instead of RGB is not supported"):
        read(tmp_path / "a.exr")


def test_a_compression_that_is_not_known_is_not_called_damage(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(header(compression=11) + bytes(500))
    with pytest.raises(FileError, match="the compression of this OpenEXR is not supported"):
        read(tmp_path / "a.exr")


def test_pixels_far_outside_of_the_display_window_are_not_decoded(tmp_path: Path) -> None:
    data = exr(tmp_path / "a.exr").read_bytes()
    place = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    wide = data[:place] + struct.pack("<4i", 0, 0, 99_999, 9_999) + data[place + 16 :]
    (tmp_path / "a.exr").write_bytes(wide)
    with pytest.raises(FileError, match="pixels far outside of its display window"):
        read(tmp_path / "a.exr")


@pytest.mark.parametrize(
    "channels",
    [
        ("R", "G", "B"),
        ("B", "G", "R"),
        ("A1", "B", "G", "R", "Z"),
        ("B", *(f"D.{number:02}" for number in range(20)), "G", "R"),
    ],
    ids=["plain", "reversed", "others beside", "many between"],
)
def test_colours_are_found_among_other_channels(tmp_path: Path, channels: tuple) -> None:
    np.testing.assert_array_equal(read(exr(tmp_path / "a.exr", channels)).pixels, VALUES)


def test_who_made_a_photo_when_and_how_is_carried() -> None:
    found, others = exr_header.parse(
        header(
            attribute("owner", "string", b"Jo Doe"),
            attribute("comments", "string", b"A dusk.\x01"),
            attribute("capDate", "string", b"2024:05:06 07:08:09"),
            attribute("expTime", "float", struct.pack("<f", 0.125)),
            attribute("isoSpeed", "float", struct.pack("<f", 400)),
            attribute("longitude", "float", struct.pack("<f", 12.5)),
        )
    ).as_properties()
    assert found == {
        (DC, "rights"): ["Jo Doe"],
        (DC, "description"): ["A dusk."],
        (EXIF, "DateTimeOriginal"): ["2024-05-06T07:08:09"],
        (EXIF, "ExposureTime"): ["125000/1000000"],
        (EXIF_EX, "PhotographicSensitivity"): ["400"],
    }
    assert others == ("longitude",)


def test_what_is_not_carried_is_named(tmp_path: Path) -> None:
    path = exr(tmp_path / "a.exr", Copyright="Jo Doe", shutterAngle="none", XResolution=240.0)
    photo = read(path)
    assert properties(photo.metadata.xmp)[DC, "rights"] == ["Jo Doe"]
    assert "Attributes of OpenEXR were left out: shutterAngle." in " ".join(photo.notes)
    assert photo.metadata.resolution is not None
    assert photo.metadata.resolution.x == 240
