"""Authorship and capture data, carried from every format into every format."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, PngImagePlugin

from core.colour import DISPLAY_P3, PROPHOTO
from core.files import OUTPUT_FORMATS, inspect, read, write, write_codes
from core.files.exif import EXIF_IFD, Directory, Entry, blob_from, orientation
from core.files.formats import png
from core.files.iptc import as_properties, from_photoshop, photoshop
from core.files.metadata import GAIN_MAP_LEFT_OUT, Metadata, Resolution
from core.files.xmp import DC, EXIF, Facts, corrected, parted, properties
from tests.core.files.conftest import exif_blob, packet_of
from tests.core.files.test_exif import big_endian_blob

if TYPE_CHECKING:
    from pathlib import Path

CODES = np.full((20, 30, 3), 120, np.uint8)
LINEAR = np.full((20, 30, 3), 0.25, np.float32)
XMP = packet_of(
    'xmp:Rating="4"',
    "<dc:creator><rdf:Seq><rdf:li>A. Author</rdf:li></rdf:Seq></dc:creator>"
    '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© A. Author</rdf:li></rdf:Alt></dc:rights>',
)
IPTC = b"".join(
    struct.pack(">BBBH", 28, 2, number, len(value)) + value
    for number, value in ((25, b"alps"), (25, b"snow"), (80, b"A. Author"), (55, b"20240506"))
)
FULL = Metadata(exif_blob(), XMP, IPTC, Resolution(240, 240))
GENERATED = (("parameters", "a tree\nSteps: 40"), ("workflow", '{"nodes": []}'), ("Note", "日本"))


def seen(path: Path) -> dict[str, Any]:
    """What ExifTool reads."""
    found = subprocess.run(
        ["exiftool", "-json", "-G1", "-n", str(path)], capture_output=True, check=True
    )
    (report,) = json.loads(found.stdout)
    # The makers' note of these tests is an invented one.
    complaint = report.get("ExifTool:Warning", "[minor] Unrecognized MakerNotes")
    assert complaint == "[minor] Unrecognized MakerNotes"
    return report


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_exiftool_reads_all_of_it(tmp_path: Path, format_key: str) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    write(path, LINEAR, PROPHOTO, metadata=FULL)
    found = seen(path)
    assert found["IFD0:Make"] == "Maker"
    assert found["ExifIFD:DateTimeOriginal"] == "2024:05:06 07:08:09"
    assert found["ExifIFD:ColorSpace"] == 65535
    assert found["XMP-dc:Creator"] == "A. Author"
    assert found["XMP-dc:Rights"] == "© A. Author"
    assert found["XMP-xmp:Rating"] == 4
    keywords = found["IPTC:Keywords" if format_key in ("tiff", "png") else "XMP-dc:Subject"]
    assert keywords == ["alps", "snow"]


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_exiftool_reads_all_of_it_in_files_of_codes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert write_codes(path, CODES, metadata=FULL) == ()
    found = seen(path)
    assert found["XMP-dc:Creator"] == "A. Author"
    assert found["IPTC:Keywords"] == ["alps", "snow"]
    assert found["ExifIFD:ColorSpace"] == 1


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".jxl", ".avif"])
def test_what_was_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix in (".jxl", ".avif"):
        write(path, LINEAR, DISPLAY_P3, metadata=FULL)
    else:
        write_codes(path, CODES, metadata=FULL)
    back = read(path).metadata
    assert properties(back.xmp)[DC, "creator"] == ["A. Author"]
    assert back.iptc == (IPTC if suffix in (".tif", ".png", ".jpg") else None)
    if suffix not in (".jxl", ".avif"):
        assert back.print_resolution == Resolution(240, 240)
    if suffix in (".tif", ".png"):
        assert back.xmp == XMP
    else:  # The program's name is there, too, where a format has no other place for it.
        assert {**properties(back.xmp), **properties(XMP)} == properties(back.xmp)
    assert inspect(path).metadata[:2] == ("EXIF", "XMP")


@pytest.mark.parametrize("kind", ["WEBP", "HEIF", "AVIF"])
def test_xmp_of_other_programs_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.dat"
    image = Image.fromarray(CODES)
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(path, xmp=XMP, exif=b"Exif\0\0" + exif_blob())
    else:
        image.save(path, kind, xmp=XMP, exif=b"Exif\0\0" + exif_blob())
    assert properties(read(path).metadata.xmp)[DC, "creator"] == ["A. Author"]
    assert inspect(path).camera == "Maker Model 1"


@pytest.mark.parametrize("compressed", [False, True], ids=["iTXt", "compressed iTXt"])
def test_xmp_of_png(tmp_path: Path, compressed: bool) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=compressed)
    Image.fromarray(CODES).save(tmp_path / "a.png", pnginfo=text)
    assert read(tmp_path / "a.png").metadata == Metadata(xmp=XMP)


def raw_profile(name: str, content: bytes) -> tuple[bytes, bytes]:
    digits = content.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name}\n{len(content):8}\n{lines}\n".encode()
    return b"zTXt", f"Raw profile type {name}".encode() + b"\0\0" + zlib.compress(text)


def test_the_profiles_that_imagemagick_writes_as_text(tmp_path: Path) -> None:
    Image.fromarray(CODES).save(tmp_path / "a.png")
    profiles = [
        raw_profile("exif", b"Exif\0\0" + exif_blob(6)),
        raw_profile("xmp", XMP),
        raw_profile("iptc", photoshop(IPTC)),
    ]
    content = png.insert_chunks((tmp_path / "a.png").read_bytes(), profiles)
    (tmp_path / "a.png").write_bytes(content)
    photo = read(tmp_path / "a.png")
    assert photo.pixels.shape == (30, 20, 3)
    assert photo.metadata == Metadata(exif_blob(1), XMP, IPTC)
    assert orientation(photo.metadata.exif) == 1


def test_long_xmp_is_put_together_and_parted_again(tmp_path: Path) -> None:
    caption = "word " * 40_000
    alt = f"<rdf:Alt><rdf:li xml:lang='x-default'>{caption}</rdf:li></rdf:Alt>"
    long = packet_of('xmp:Rating="4"', f"<dc:description>{alt}</dc:description>")
    write_codes(tmp_path / "a.jpg", CODES, metadata=Metadata(xmp=long))
    assert seen(tmp_path / "a.jpg")["XMP-dc:Description"].split() == caption.split()
    back = properties(read(tmp_path / "a.jpg").metadata.xmp)
    assert back[DC, "description"] == [caption.strip()]
    packet, extension, identity = parted(long)
    assert len(packet) < 65_000
    assert hashlib.md5(extension, usedforsecurity=False).hexdigest().upper() == identity


def test_xmp_follows_the_file() -> None:
    packet = packet_of(
        'tiff:Orientation="6" exif:PixelXDimension="20" exif:ColorSpace="1" tiff:Compression="6"'
        ' photoshop:ICCProfile="sRGB" dc:format="image/jpeg" hdrgm:Version="1.0"'
        ' GCamera:MotionPhoto="1" xmp:Rating="4"',
        "<exif:PixelYDimension>30</exif:PixelYDimension>"
        "<xmp:Thumbnails><rdf:Alt><rdf:li>old colours</rdf:li></rdf:Alt></xmp:Thumbnails>"
        "<Container:Directory><rdf:Seq/></Container:Directory>",
    )
    right = corrected(packet, Facts(30, 20, False, "ProPhoto RGB", "image/tiff"))
    said = {name: texts[0] for (_, name), texts in properties(right).items()}
    assert said == {
        "Orientation": "1",
        "PixelXDimension": "30",
        "PixelYDimension": "20",
        "ColorSpace": "65535",
        "ICCProfile": "ProPhoto RGB",
        "format": "image/tiff",
        "Rating": "4",
    }
    assert (EXIF, "PixelXDimension") in properties(right)


def test_true_xmp_keeps_its_bytes() -> None:
    assert corrected(XMP, Facts(1, 1, False, "ProPhoto RGB", "image/png")) == XMP


@pytest.mark.parametrize(
    "packet", [b"<x", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a/>", b"\0"]
)
def test_xmp_that_cannot_be_read_is_left_out_and_that_is_said(
    tmp_path: Path, packet: bytes
) -> None:
    Image.fromarray(CODES).save(tmp_path / "a.webp", xmp=packet)
    photo = read(tmp_path / "a.webp")
    assert "XMP is damaged" in " ".join(photo.notes)
    write_codes(tmp_path / "a.png", CODES, metadata=photo.metadata)
    assert read(tmp_path / "a.png").metadata.xmp is None


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_a_comment_in_unicode_means_the_same_everywhere(tmp_path: Path, format_key: str) -> None:
    path = tmp_path / f"a{OUTPUT_FORMATS[format_key]}"
    write(path, LINEAR, PROPHOTO, metadata=Metadata(big_endian_blob(1)))
    assert seen(path)["ExifIFD:UserComment"] == "über allen Gipfeln"


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_the_print_resolution_is_kept_and_never_invented(tmp_path: Path, format_key: str) -> None:
    stated, silent = (tmp_path / f"{n}{OUTPUT_FORMATS[format_key]}" for n in "ab")
    write(stated, LINEAR, PROPHOTO, metadata=Metadata(resolution=Resolution(240, 240)))
    write(silent, LINEAR, PROPHOTO)
    assert read(stated).metadata.print_resolution == Resolution(240, 240)
    assert read(silent).metadata.print_resolution is None


def test_metres_stand_for_whole_inches_where_they_can() -> None:
    assert Resolution.per_metre(9449, 9449) == Resolution(240, 240)
    assert Resolution.per_metre(9455, 9455) == Resolution(94.55, 94.55, per_inch=False)
    assert Resolution.per_metre(0, 5) is None


def test_the_texts_of_image_generators_stay_in_png(tmp_path: Path) -> None:
    write(tmp_path / "a.png", LINEAR, PROPHOTO, metadata=Metadata(texts=GENERATED))
    assert read(tmp_path / "a.png").metadata.texts == GENERATED
    with Image.open(tmp_path / "a.png") as image:
        assert image.text["workflow"] == '{"nodes": []}'


def test_other_formats_say_that_such_texts_are_left_out(tmp_path: Path) -> None:
    texts = (*GENERATED, ("Author", "A. Author"))
    notes = write_codes(tmp_path / "a.tif", CODES, metadata=Metadata(texts=texts))
    assert notes == ("Texts that only PNG holds were left out: parameters, workflow, Note.",)
    assert properties(read(tmp_path / "a.tif").metadata.xmp) == {(DC, "creator"): ["A. Author"]}


def test_a_gain_map_is_named(tmp_path: Path) -> None:
    Image.fromarray(CODES).save(tmp_path / "a.jpg", xmp=packet_of('hdrgm:Version="1.0"'))
    assert GAIN_MAP_LEFT_OUT in inspect(tmp_path / "a.jpg").notes


def test_exif_too_long_for_a_jpeg_loses_the_makers_note_and_that_is_said(tmp_path: Path) -> None:
    fields = Directory({37500: Entry.opaque(bytes(range(1, 71)) * 1000)})
    blob = blob_from(Directory({271: Entry.text("Maker")}, {EXIF_IFD: fields}))
    notes = write_codes(tmp_path / "a.jpg", CODES, metadata=Metadata(blob))
    assert "MakerNote" in notes[0]
    assert inspect(tmp_path / "a.jpg").camera == "Maker"


def test_iptc_as_xmp() -> None:
    said, complete = as_properties(IPTC)
    assert complete
    assert {name: texts for (_, name), texts in said.items()} == {
        "subject": ["alps", "snow"],
        "creator": ["A. Author"],
        "DateCreated": ["2024-05-06"],
    }
    assert not as_properties(IPTC + struct.pack(">BBBH", 28, 2, 150, 1) + b"x")[1]


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_damaged_blocks_of_photoshop_give_what_they_have(cut: int) -> None:
    found = from_photoshop(photoshop(IPTC)[:cut])
    assert found is None or IPTC.startswith(found)
