"""A photo is opened once and handed on: its header and its pixels are read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.cli import main
from core.files import FileError, inspect, open_rows, read
from tests.openings import Openings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.files.conftest import Samples


def test_by_the_readers(tmp_path: Path, samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = tmp_path / "a"
    openings = Openings(monkeypatch, photo)
    seen = set()
    for content in samples:
        photo.write_bytes(content)
        try:
            seen.add(read(photo).format)
        except FileError:
            openings.taken()
            continue  # LibRaw refuses the bare raw data.
        assert openings.taken() == (1, 1)
        with open_rows(photo) as reader:
            reader.rows(0, 10)
            reader.srgb_codes()
        assert openings.taken() == (1, 1)
        inspect(photo)
        assert openings.taken() == (1, 0)
    assert {"JPEG", "PNG", "TIFF", "WebP", "AVIF", "HEIC", "JPEG XL", "OpenEXR"} <= seen


COMMANDS = {
    "expand": ("expand", "{photo}", "-o", "{folder}/wide.tif", "--model", "naive", "--overwrite"),
    "picture": (
        *("expand", "{photo}", "-o", "{folder}/wide.tif", "--model", "naive", "--overwrite"),
        *("--before-after", "{folder}/both.png"),
    ),
    "reduce": ("reduce", "{photo}", "-o", "{folder}/narrow.png", "--no-hint", "--overwrite"),
    "info": ("info", "{photo}"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_by_the_commands(
    tmp_path: Path, samples: Samples, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    photo = tmp_path / "a"
    openings = Openings(monkeypatch, photo)
    kinds = set()
    for content in samples:
        photo.write_bytes(content)
        try:
            kind = inspect(photo)
        except FileError:
            continue
        finally:
            openings.taken()
        if (kind.format, kind.is_float) in kinds:
            continue  # One of each kind is enough for a command.
        arguments = [text.format(photo=photo, folder=tmp_path) for text in COMMANDS[command]]
        if main(arguments) == 0:
            kinds.add((kind.format, kind.is_float))
            assert openings.taken() == (1, 1), f"{command} {kind.format}"
        openings.taken()
    formats = {name for name, _ in kinds}
    assert {"JPEG", "PNG", "TIFF", "WebP", "AVIF", "HEIC", "JPEG XL", "OpenEXR"} <= formats
