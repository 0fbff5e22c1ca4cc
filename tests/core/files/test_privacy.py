"""Nothing private is left: secrets in every place that the standards name, every format grepped.

The places are those of CIPA DC-008-2023 (Exif 3.0), TIFF 6.0, DNG 1.7, ISO 16684-2 (XMP), IIM 4.2,
the IPTC Photo Metadata Standard and PNG; the rule under test knows none of them.
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import PROPHOTO
from core.files import OUTPUT_FORMATS, REDUCED_FORMATS, inspect, read, write, write_codes
from core.files.exif import (
    EXIF_IFD,
    GPS_IFD,
    INTEROP_IFD,
    Directory,
    Entry,
    blob_from,
    parse,
    summary,
)
from core.files.formats import png
from core.files.metadata import Metadata, Resolution
from core.files.privacy import without_private
from core.files.xmp import properties
from tests.core.files.conftest import packet_of

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Zwiebelturm"
TRACES = [
    SECRET.encode(),
    SECRET.encode("utf-16-le"),
    SECRET.encode("utf-16-be"),
    SECRET.encode().hex().encode(),
]

MAIN_TEXTS = [
    *(269, 270, 285, 315, 316, 33432),  # document, description, page, artist, computer, copyright
    *(0xC62F, 0xC614, 0xC615, 0xC68B),  # CameraSerialNumber, UniqueCameraModel, OriginalRawFileName
    *(0x000B, 337, 0x8298),  # ProcessingSoftware, TargetPrinter
]
MAIN_WIDE = [40091, 40092, 40093, 40094, 40095]  # XPTitle, XPComment, XPAuthor, XPKeywords, ...
MAIN_BYTES = [700, 33723, 34377, 0xC634, 0xEA1C, 50341, 42112, 34735, 37510]
EXIF_TEXTS = [
    *(0xA420, 0xA430, 0xA431, 0xA435),  # ImageUniqueID, CameraOwnerName, Body-, LensSerialNumber
    *(0xA436, 0xA437, 0xA438, 0xA439, 0xA43A, 0xA43B, 0xA43C),  # title, photographer, editor, ...
    *(0xFDE8, 0xFDE9, 0xFDEA, 0xA432 + 0x100, 0x8824, 0xA004),  # Camera Raw's owner, serial, ...
]
EXIF_BYTES = [0x927C, 0x9286, 0xEA1C, 0xA40B, 0x828D, 0xA302, 0x9213]  # MakerNote, UserComment, ...
GPS_TEXTS = [1, 3, 8, 18, 29]
GPS_BYTES = [27, 28]  # GPSProcessingMethod, GPSAreaInformation
ALLOWED_TAGS_MISUSED = [33434, 34855, 36864, 36867, 37386, 40961, 42034]

XMP_ATTRIBUTES = [
    *("dc:source", "dc:identifier", "dc:coverage", "xmp:Label", "xmp:BaseURL", "xmp:Nickname"),
    *("xmpRights:Owner", "xmpRights:WebStatement", "xmpMM:DocumentID", "xmpMM:InstanceID"),
    *("photoshop:City", "photoshop:State", "photoshop:Country", "photoshop:Credit"),
    *("photoshop:Headline", "photoshop:Instructions", "photoshop:AuthorsPosition"),
    *("photoshop:CaptionWriter", "photoshop:Source", "photoshop:TransmissionReference"),
    *("Iptc4xmpCore:Location", "Iptc4xmpCore:CountryCode", "Iptc4xmpCore:IntellectualGenre"),
    *("aux:SerialNumber", "aux:OwnerName", "aux:LensSerialNumber", "aux:ImageNumber"),
    *("exifEX:BodySerialNumber", "exifEX:CameraOwnerName", "exifEX:LensSerialNumber"),
    *("exif:GPSLatitude", "exif:GPSLongitude", "exif:GPSAreaInformation", "exif:ImageUniqueID"),
    *("exif:ExposureTime", "exif:DateTimeOriginal"),
    *("crs:RawFileName", "darktable:history_end", "tiff:Artist", "tiff:Copyright"),
]
XMP_LISTS = [
    *("dc:creator", "dc:rights", "dc:title", "dc:description", "dc:subject", "dc:contributor"),
    *("dc:publisher", "Iptc4xmpExt:PersonInImage", "exif:UserComment", "exif:ISOSpeedRatings"),
    *("photoshop:SupplementalCategories", "xmp:Identifier", "xmpRights:UsageTerms"),
]
XMP_STRUCTURES = [
    *("Iptc4xmpCore:CreatorContactInfo", "Iptc4xmpExt:LocationCreated", "xmpMM:DerivedFrom"),
    *("mwg-rs:Regions", "xmpMM:History", "xmp:Thumbnails", "exif:Flash", "tiff:Make"),
]
IPTC_SETS = [*((1, n) for n in (5, 30, 50, 70)), *((2, n) for n in range(5, 160)), (3, 10), (6, 1)]
PNG_KEYWORDS = [
    *("Title", "Author", "Description", "Copyright", "Creation Time", "Disclaimer", "Warning"),
    *("Source", "Comment", "Collection", "parameters", "workflow", "prompt", "Raw profile type x"),
]


def text(value: str = SECRET) -> Entry:
    return Entry.text(value)


def secret_exif() -> bytes:
    wide = Entry.octets(SECRET.encode("utf-16-le"))
    opaque = Entry.opaque(SECRET.encode())
    comment = Entry.opaque(b"UNICODE\0" + SECRET.encode("utf-16-le"))
    hidden = Entry(2, 24, (b"Maker\0" + SECRET.encode()).ljust(24, b"\0"))
    interop = Directory({1: Entry.text("R98"), 2: Entry.opaque(b"0100"), 4096: text()})
    fields = {
        **dict.fromkeys(EXIF_TEXTS, text()),
        **dict.fromkeys(EXIF_BYTES, opaque),
        37510: comment,
        **dict.fromkeys(ALLOWED_TAGS_MISUSED, text()),
        33437: Entry.rational(28, 10),
        42036: text("Lens 50 mm"),
    }
    main = {
        **dict.fromkeys(MAIN_TEXTS, text()),
        **dict.fromkeys(MAIN_WIDE, wide),
        **dict.fromkeys(MAIN_BYTES, opaque),
        271: hidden,
        272: text("Model 1"),
        18246: Entry.shorts(4),
    }
    place = {**dict.fromkeys(GPS_TEXTS, text()), **dict.fromkeys(GPS_BYTES, opaque)}
    blob = blob_from(
        Directory(
            main, {EXIF_IFD: Directory(fields, {INTEROP_IFD: interop}), GPS_IFD: Directory(place)}
        )
    )
    # A thumbnail of the uncropped photo, and something between the fields.
    link = 10 + 12 * int.from_bytes(blob[8:10], "little")
    picture = b"\xff\xd8" + SECRET.encode()
    second = struct.pack("<HHHIIHHIII", 2, 513, 4, 1, len(blob) + 30, 514, 4, 1, len(picture), 0)
    return blob[:link] + struct.pack("<I", len(blob)) + blob[link + 4 :] + second + picture


def secret_xmp() -> bytes:
    said = " ".join(f'{name}="{SECRET}"' for name in XMP_ATTRIBUTES)
    lists = "".join(
        f"<{name}><rdf:Bag><rdf:li>{SECRET}</rdf:li></rdf:Bag></{name}>" for name in XMP_LISTS
    )
    structures = "".join(
        f'<{name} rdf:parseType="Resource"><dc:source>{SECRET}</dc:source></{name}>'
        for name in XMP_STRUCTURES
    )
    more = f'<!-- {SECRET} --><aux:Lens xml:lang="{SECRET}">Lens 50 mm</aux:Lens>'
    packet = packet_of(f'{said} xmp:Rating="4"', lists + structures + more)
    return packet.replace(b'rdf:about=""', f'rdf:about="{SECRET}"'.encode())


def secret_iptc() -> bytes:
    value = SECRET.encode()
    return b"".join(struct.pack(">BBBH", 28, *key, len(value)) + value for key in IPTC_SETS)


def secret_metadata() -> Metadata:
    return Metadata(
        secret_exif(),
        secret_xmp(),
        secret_iptc(),
        Resolution(240, 240),
        tuple((keyword, SECRET) for keyword in PNG_KEYWORDS),
    )


def unpacked(path: Path) -> bytes:
    """A file's bytes, and those that its compressed text chunks stand for."""
    content = path.read_bytes()
    if not content.startswith(png.SIGNATURE):
        return content
    place = len(png.SIGNATURE)
    more = b""
    while place < len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        chunk = content[place + 8 : place + 8 + size]
        if kind == b"zTXt":
            more += zlib.decompress(chunk[chunk.index(b"\0") + 2 :])
        elif kind == b"iTXt" and chunk[chunk.index(b"\0") + 1]:
            more += zlib.decompress(chunk.split(b"\0", 5)[-1])
        place += size + 12
    return content + more


def assert_nothing_of_the_secret(path: Path) -> None:
    content = unpacked(path)
    assert not [trace for trace in TRACES if trace in content]
    seen = subprocess.run(
        ["exiftool", "-a", "-u", "-U", "-G1", "-ee", str(path)], capture_output=True, check=True
    )
    assert SECRET.encode() not in seen.stdout


@pytest.fixture(params=["tiff", "png", "jpeg"])
def secretive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of which every place holds the secret."""
    path = tmp_path / {"tiff": "in.tif", "png": "in.png", "jpeg": "in.jpg"}[request.param]
    write_codes(path, np.full((20, 24, 3), 90, np.uint8), metadata=secret_metadata())
    assert any(trace in unpacked(path) for trace in TRACES)
    return path


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_no_secret_is_left_in_any_format(secretive: Path, tmp_path: Path, format_key: str) -> None:
    photo = read(secretive)
    path = tmp_path / f"out{OUTPUT_FORMATS[format_key]}"
    write(
        path,
        np.full((20, 24, 3), 0.3, np.float32),
        PROPHOTO,
        metadata=without_private(photo.metadata),
    )
    assert_nothing_of_the_secret(path)
    info = inspect(path)
    assert info.camera == "Maker Model 1"
    assert not info.has_gps


@pytest.mark.parametrize("suffix", REDUCED_FORMATS.values())
def test_no_secret_is_left_in_files_of_codes(secretive: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    photo = read(secretive)
    write_codes(path, photo.pixels, metadata=without_private(photo.metadata))
    assert_nothing_of_the_secret(path)


def test_with_all_kept_the_secrets_are_there(tmp_path: Path) -> None:
    # What the tests above do not find would be found.
    for format_key, suffix in OUTPUT_FORMATS.items():
        path = tmp_path / f"out{suffix}"
        write(path, np.zeros((9, 9, 3), np.float32), PROPHOTO, metadata=secret_metadata())
        content = unpacked(path)
        assert TRACES[0] in content, format_key
        assert TRACES[1] in content, format_key


def test_what_is_harmless_stays() -> None:
    exposure = {
        33434: Entry.rational(1, 60),
        33437: Entry.rational(28, 10),
        34855: Entry.shorts(200),
        36867: Entry.text("2024:05:06 07:08:09"),
        36880: Entry.text("+02:00"),
        37386: Entry.rational(50, 1),
        42036: Entry.text("Lens 50 mm"),
    }
    main = {271: Entry.text("Maker"), 272: Entry.text("Model 1"), 18246: Entry.shorts(4)}
    for order in "<>":
        blob = blob_from(Directory(main, {EXIF_IFD: Directory(exposure)}, order))
        assert without_private(Metadata(blob)).exif == blob
    packet = packet_of(
        'tiff:Make="Maker" exif:DateTimeOriginal="2024-05-06T07:08:09+02:00" xmp:Rating="4"',
        "<exif:ISOSpeedRatings><rdf:Seq><rdf:li>200</rdf:li></rdf:Seq></exif:ISOSpeedRatings>",
    )
    kept = without_private(Metadata(xmp=packet)).xmp
    assert properties(kept) == properties(packet)
    dated = struct.pack(">BBBH", 28, 2, 55, 8) + b"20240506"
    assert without_private(Metadata(iptc=dated)).iptc == dated


def test_the_print_resolution_stays() -> None:
    assert without_private(secret_metadata()).resolution == Resolution(240, 240)


def test_the_place_goes() -> None:
    blob = blob_from(
        Directory({272: text("Model 1")}, {GPS_IFD: Directory({1: text("N"), 2: text("S")})})
    )
    assert summary(blob).has_gps
    kept = without_private(Metadata(blob)).exif
    assert kept is not None
    assert parse(kept) == Directory({272: text("Model 1")})


def test_what_is_damaged_is_left_out() -> None:
    damaged = Metadata(b"hello, this is no EXIF", b"<no XMP", b"no IPTC")
    assert without_private(damaged) == Metadata()
    assert without_private(Metadata()) == Metadata()
