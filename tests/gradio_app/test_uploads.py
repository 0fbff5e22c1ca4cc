from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.batches import PHOTO_SUFFIXES
from gradio_app.settings import DemoSettings
from gradio_app.uploads import SUFFIXES, UploadError, checked, safe_stem
from tests.web_demo import write_photo

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = DemoSettings(max_megapixels=0.1, max_megabytes=1.0)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, with hardly any pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    size = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    chunks = [chunk(b"IHDR", size), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_photo_is_taken_with_its_name(tmp_path: Path) -> None:
    upload = checked(str(write_photo(tmp_path / "My holiday.jpg")), tmp_path, SETTINGS)
    assert (upload.stem, upload.name) == ("My holiday", "My holiday.jpg")


def test_nothing_sent_asks_for_a_photo(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="Choose a photo"):
        checked(None, tmp_path, SETTINGS)


def test_files_outside_the_uploads_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    outside = write_photo(tmp_path / "private.png")
    link = tmp_path / "uploads" / "link.png"
    link.symlink_to(outside)
    for path in (outside, link, tmp_path / "uploads" / ".." / "private.png"):
        with pytest.raises(UploadError, match="not sent with the request"):
            checked(str(path), tmp_path / "uploads", SETTINGS)


def test_a_photo_is_not_opened_here(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"no photo")
    assert checked(str(path), tmp_path, SETTINGS).path == path.resolve()


def test_every_suffix_of_the_command_line_can_be_chosen() -> None:
    assert set(SUFFIXES) == PHOTO_SUFFIXES
    assert {".crw", ".srw", ".jpg"} <= set(SUFFIXES)


def test_a_photo_that_was_deleted_meanwhile_is_asked_for_again(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="deleted after 60 minutes; drop it again"):
        checked(str(tmp_path / "photo.png"), tmp_path, SETTINGS)


@given(st.text(max_size=300))
def test_names_hold_nothing_that_a_page_or_a_disk_could_take_for_more(name: str) -> None:
    stem = safe_stem(name.replace("\0", ""))
    assert 1 <= len(stem) <= 60
    assert not set(stem) & set("<>&\"'/\\:*?|`\n\r\t")
    assert stem.strip(" .") or stem == "photo"


def test_a_name_that_is_a_script_becomes_harmless() -> None:
    assert safe_stem("<img src=x onerror=alert(1)>.png") == "_img src_x onerror_alert_1__"
