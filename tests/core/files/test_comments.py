"""What JPEG and Photoshop say outside of EXIF, XMP and IPTC: comments, rights, paths."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from core.colour import PROPHOTO
from core.files import OUTPUT_FORMATS, FileError, read, write, write_codes
from core.files.formats import png
from core.files.privacy import without_private
from core.files.xmp import DC, EXIF, RIGHTS, properties

if TYPE_CHECKING:
    from pathlib import Path

CODES = np.full((16, 24, 3), 90, np.uint8)
COMMENT = "Dämmerung, seen from the pier"


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def resource(number: int, content: bytes) -> bytes:
    return (
        b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)
    )


def jpeg(path: Path, *segments: bytes) -> Path:
    buffer = io.BytesIO()
    Image.fromarray(CODES).save(buffer, "JPEG")
    data = buffer.getvalue()
    path.write_bytes(data[:2] + b"".join(segments) + data[2:])
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_a_comment_is_carried_into_every_format(
    tmp_path: Path, encoding: str, format_key: str
) -> None:
    photo = read(jpeg(tmp_path / "a.jpg", segment(0xFE, COMMENT.encode(encoding) + b"\0")))
    path = tmp_path / f"out{OUTPUT_FORMATS[format_key]}"
    write(path, photo.scene(), PROPHOTO, metadata=photo.metadata)
    carried = read(path).metadata
    if format_key == "png":
        assert ("Comment", COMMENT) in carried.texts
    else:
        assert properties(carried.xmp)[EXIF, "UserComment"] == [COMMENT]


def test_a_comment_stays_one_in_jpeg(tmp_path: Path) -> None:
    photo = read(jpeg(tmp_path / "a.jpg", segment(0xFE, COMMENT.encode()), segment(0xFE, b"2nd")))
    assert write_codes(tmp_path / "b.jpg", CODES, metadata=photo.metadata) == ()
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["comment"] == b"2nd"
    assert read(tmp_path / "b.jpg").metadata.texts == (("Comment", COMMENT), ("Comment", "2nd"))


def test_a_comment_may_be_private(tmp_path: Path) -> None:
    photo = read(jpeg(tmp_path / "a.jpg", segment(0xFE, COMMENT.encode())))
    assert without_private(photo.metadata).texts == ()


def test_rights_that_only_photoshop_s_resources_state_become_xmp(tmp_path: Path) -> None:
    block = resource(0x040A, b"\1") + resource(0x040B, b"https://example.org/rights")
    photo = read(jpeg(tmp_path / "a.jpg", segment(0xED, b"Photoshop 3.0\0" + block)))
    said = properties(photo.metadata.xmp)
    assert said[RIGHTS, "Marked"] == ["True"]
    assert said[RIGHTS, "WebStatement"] == ["https://example.org/rights"]
    assert photo.notes == ()
    assert without_private(photo.metadata).xmp is None


def test_paths_of_photoshop_are_named(tmp_path: Path) -> None:
    block = resource(2000, bytes(26))
    photo = read(jpeg(tmp_path / "a.jpg", segment(0xED, b"Photoshop 3.0\0" + block)))
    assert "paths that Photoshop stored" in " ".join(photo.notes)


@pytest.mark.parametrize("format_key", OUTPUT_FORMATS)
def test_a_text_with_signs_that_xml_does_not_know_is_carried(
    tmp_path: Path, format_key: str
) -> None:
    data = png.insert_chunks(
        bytes(imagecodecs.png_encode(CODES)), [(b"iTXt", b"Title\0\0\0\0\0Dusk\x01\x1b[0m")]
    )
    (tmp_path / "a.png").write_bytes(data)
    photo = read(tmp_path / "a.png")
    path = tmp_path / f"out{OUTPUT_FORMATS[format_key]}"
    write(path, photo.scene(), PROPHOTO, metadata=photo.metadata)
    carried = read(path).metadata
    if format_key != "png":
        assert properties(carried.xmp)[DC, "title"] == ["Dusk[0m"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [(b"unci", "uncompressed pixels"), (b"j2k1", "JPEG 2000 inside"), (b"xxxx", "this kind of")],
)
def test_a_heif_of_another_kind_is_not_called_damaged(
    tmp_path: Path, kind: bytes, words: str
) -> None:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(CODES)).save(buffer)
    (tmp_path / "a.heif").write_bytes(buffer.getvalue().replace(b"hvc1", kind))
    with pytest.raises(FileError, match=words) as caught:
        read(tmp_path / "a.heif")
    assert "not supported" in str(caught.value)
