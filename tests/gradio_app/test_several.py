from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import PhotoError
from gradio_app.several import Entry, archive_of, cut_short, planned

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Made:
    """An outcome, as far as an archive knows it."""

    target: Path


def entry(number: int, folder: Path, name: str, content: bytes) -> Entry:
    made = Entry(number, f"/uploads/{name}")
    target = made.folder_in(folder) / name
    target.write_bytes(content)
    outcome: Any = Made(target)
    made.outcome = outcome
    return made


def test_all_files_are_in_one_archive_under_names_that_tell_them_apart(tmp_path: Path) -> None:
    entries = [entry(n, tmp_path, "photo-prophoto.tif", bytes([n])) for n in (1, 2, 3)]
    entries.append(Entry(4, "/uploads/broken.png", problem="It is damaged."))
    archive = archive_of(entries, tmp_path)
    assert archive is not None
    with zipfile.ZipFile(archive) as pack:
        assert {name: pack.read(name) for name in pack.namelist()} == {
            "photo-prophoto.tif": b"\1",
            "photo-prophoto-2.tif": b"\2",
            "photo-prophoto-3.tif": b"\3",
        }
    assert [path.name for path in tmp_path.rglob("*.tif")] == [], "they are not kept twice"


def test_without_any_file_there_is_no_archive(tmp_path: Path) -> None:
    assert archive_of([Entry(1, "/uploads/broken.png", problem="It is damaged.")], tmp_path) is None


def test_too_many_photos_are_refused_before_any_work() -> None:
    assert [each.number for each in planned(["a", "b"], 2)] == [1, 2]
    with pytest.raises(PhotoError, match="3 photos, and 2 are taken at once"):
        planned(["a", "b", "c"], 2)


def test_of_photos_that_were_cut_short_it_is_said_which_are_done(tmp_path: Path) -> None:
    entries = [entry(n, tmp_path, f"{n}.tif", b"1") for n in (1, 2, 3)]
    entries.append(Entry(4, "/uploads/broken.png", problem="It is damaged."))
    entries += [Entry(5, "/uploads/late.png"), Entry(6, "/uploads/later.png")]
    said = cut_short(entries, 300.0)
    assert "The 300 seconds that one press may take are over: 1, 2 and 3 are done" in said
    assert "send the others again, or use the program on your own computer." in said
    assert [each.said for each in entries[3:]] == [
        "It is damaged.",
        *["not done: the time was over"] * 2,
    ]
    assert "over: 1 is done" in cut_short(entries[:1], 300.0)
    assert "before a photo was done; choose smaller" in cut_short([Entry(1, "a.png")], 300.0)


def test_what_became_of_a_photo_is_said() -> None:
    assert Entry(1, "/uploads/<a>.png").name == "_a_"
    assert Entry(1, "/uploads/a.png").said == "waits"
    assert Entry(1, "/uploads/a.png", problem="It is damaged.").said == "It is damaged."
