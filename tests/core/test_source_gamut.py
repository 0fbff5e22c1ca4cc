"""The source gamut: which spaces can be one, how it is told, and what a table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SPACES, SRGB
from core.errors import PhotoError
from core.source_gamut import SOURCES, contains_srgb, index_entry, source_named, told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("space", SOURCES, ids=str)
def test_every_source_holds_srgb(space: object) -> None:
    assert contains_srgb(space)  # type: ignore[arg-type]


def test_each_is_told_in_its_own_way_and_none_as_unknown() -> None:
    ways = np.stack([told(space) for space in SOURCES])
    assert np.array_equal(ways, np.eye(len(SOURCES), dtype=np.float32))
    assert not told(None).any()
    assert not told(SPACES["acescg"]).any()


def test_words_name_spaces() -> None:
    assert source_named("display-p3") is DISPLAY_P3
    assert source_named("adobe-rgb") is ADOBE_RGB
    assert source_named("rec2020") is REC2020
    assert source_named("prophoto") is PROPHOTO
    for word in ("unknown", "srgb", "", None, "fuji"):
        assert source_named(word) is None
    assert SPACES["srgb"] is SRGB


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_beside_the_photos_or_above_them_is_read(tmp_path: Path, encoding: str) -> None:
    table = "file,source_gamut,source\na.png,display-p3,somebody\n"
    (tmp_path / "INDEX.csv").write_text(table, encoding=encoding)
    (tmp_path / "val").mkdir()
    for photo in (tmp_path / "a.png", tmp_path / "val" / "a.png"):
        entry = index_entry(photo)
        assert entry is not None
        assert entry["source_gamut"] == "display-p3"
    assert index_entry(tmp_path / "b.png") is None
    assert index_entry(tmp_path / "val" / "deeper" / "a.png") is None


@pytest.mark.parametrize(
    "content", ["file,source\né.png,x\n".encode("latin-1"), b"file\n" + b"a" * 200_000]
)
def test_a_table_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "INDEX.csv").write_bytes(content)
    with pytest.raises(PhotoError, match=r"INDEX\.csv” cannot be read as a table"):
        index_entry(tmp_path / "a.png")
