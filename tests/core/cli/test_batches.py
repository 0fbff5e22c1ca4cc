"""Folders as they are, names that say what is written, and batches that go on."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.engine.batches import find_photos, plan_jobs, sentence
from core.errors import PhotoError
from core.files import FileError, Metadata, read, write_codes
from core.files.payloads import strip
from core.files.safe_write import SafeFile
from tests.core.files.conftest import exif_blob, packet_of

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {"tiff": ".tif", "png": ".png"}
CODES = np.random.default_rng(4).integers(0, 256, (24, 30, 3), dtype=np.uint8)


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "in"
    photos.mkdir()
    write_codes(photos / "a.png", CODES)
    return photos


def test_what_servers_and_archives_leave_in_a_folder_is_no_photo(folder: Path) -> None:
    for name in ("._a.jpg", ".a.tif.partial.tif", "Thumbs.db", ".DS_Store", "notes.txt"):
        (folder / name).write_bytes(b"x")
    for name in ("@eaDir", ".hidden", "__MACOSX", "#recycle"):
        (folder / name).mkdir()
        write_codes(folder / name / "b.png", CODES)
    assert [path.name for path, _ in find_photos([str(folder)])] == ["a.png"]


@pytest.mark.parametrize("name", ["b.HIF", "b.jfif", "b.jpe", "b.crw", "b.SRW", "b.nrw", "b.mpo"])
def test_every_suffix_of_a_photo_is_found(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    assert name in [path.name for path, _ in find_photos([str(folder)])]


@pytest.mark.parametrize("inside", ["wide", "."], ids=["folder below", "same folder"])
@pytest.mark.parametrize("format_key", ["tiff", "png", "jxl", "avif"])
def test_results_are_never_expanded_again(
    folder: Path, inside: str, format_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.png").rename(folder / "a.tmp")
    write_codes(folder / "a.jpg", CODES)
    out = folder / inside
    command = ("expand", folder, "-o", out, "--model", "naive", "--format", format_key, "--json")
    assert run(*command) == 0
    before = sorted(folder.rglob("*"))
    capsys.readouterr()
    assert run(*command, "--overwrite") == 0
    assert sorted(folder.rglob("*")) == before
    files = json.loads(capsys.readouterr().out)["files"]
    assert [os.path.basename(one["input"]) for one in files] == ["a.jpg"]


def test_a_file_in_a_form_that_is_not_read_does_not_stop_the_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = b"\0\0\0\x14ftypavif\0\0\0\0avif" + b"\0\0\0\x08mini"
    (folder / "short.avif").write_bytes(boxes)
    assert run("expand", folder, "-o", tmp_path / "wide", "--model", "naive") == 1
    assert (tmp_path / "wide" / "a.tif").exists()
    assert "short.avif" in capsys.readouterr().err


def test_what_another_run_is_writing_is_left_to_it(folder: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    (wide / ".a.tif.partial-0123abcd").write_bytes(b"of a run that was killed")
    other = SafeFile(wide / "a.tif")
    other.file.write(b"of a run that goes on")
    assert run("expand", folder, "-o", wide, "--model", "naive") == 0
    assert len(list(wide.iterdir())) == 2, "the result, and what the other run has of it"
    other.discard()
    assert [path.name for path in wide.iterdir()] == ["a.tif"]


class TestStrip:
    @pytest.fixture
    def carriers(self, tmp_path: Path) -> list[Path]:
        photos = [tmp_path / name / "x.png" for name in ("a", "b")]
        for photo in photos:
            photo.parent.mkdir()
            write_codes(photo, CODES, extra_metadata=b"a hint")
        return photos

    @pytest.mark.parametrize("more", [(), ("--overwrite",)])
    def test_two_photos_never_become_one(
        self, carriers: list[Path], tmp_path: Path, more: tuple[str, ...]
    ) -> None:
        assert run("strip", *carriers, "-o", tmp_path / "out", *more) == 2
        assert not (tmp_path / "out").exists()

    def test_a_folder_of_one_photo_becomes_a_folder(
        self, carriers: list[Path], tmp_path: Path
    ) -> None:
        assert run("strip", carriers[0].parent, "-o", tmp_path / "out.2024") == 0
        assert (tmp_path / "out.2024" / "x.png").is_file()

    def test_a_name_of_another_format_is_refused(
        self, carriers: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("strip", carriers[0], "-o", tmp_path / "bare.jpg") == 2
        assert "keeps its format; end" in capsys.readouterr().err
        assert run("strip", carriers[0], "-o", tmp_path / "bare.PNG") == 0

    def test_a_photo_that_is_gone_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(FileError, match="does not exist"):
            strip(tmp_path / "gone.png", tmp_path / "bare.png")


def test_a_folder_of_results_is_reduced_but_not_expanded_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide, back = tmp_path / "wide", tmp_path / "back"
    assert run("expand", folder, "-o", wide, "--model", "naive") == 0
    assert run("reduce", wide, "-o", back, "--no-hint") == 0
    np.testing.assert_array_equal(read(back / "a.png").pixels, CODES)
    assert run("expand", wide, "-o", tmp_path / "again", "--model", "naive") == 2
    assert "nothing but results of this program" in capsys.readouterr().err


@pytest.mark.parametrize("format_key", ["tiff", "png", "jxl", "avif", "jpeg", "webp"])
def test_results_are_never_reduced_again(folder: Path, format_key: str) -> None:
    # More of it than the beginning of a file that is looked at first.
    packet = packet_of(f'xmp:CreatorTool="{"x" * 60_000}"')
    source = folder / ("b.webp" if format_key == "jpeg" else "b.jpg")
    Image.fromarray(CODES).save(source, xmp=packet, exif=b"Exif\0\0" + exif_blob())
    (folder / "a.png").unlink()
    command = ("reduce", folder, "-o", folder, "--no-hint", "--format", format_key)
    assert run(*command) == 0
    before = sorted(folder.iterdir())
    assert run(*command, "--overwrite") == 0
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "format_key", "words"),
    [
        ("y.tif", "png", "--format png does not go with the name"),
        ("x.jpg", None, r"end it in \.tif or \.png"),
        ("x.xyz", None, r"end it in \.tif or \.png"),
        ("afile/x.tif", None, "afile is a file, not a folder"),
    ],
)
def test_a_name_that_cannot_be_is_one_sentence(
    folder: Path, tmp_path: Path, name: str, format_key: str | None, words: str
) -> None:
    (tmp_path / "afile").touch()
    with pytest.raises(PhotoError, match=words):
        plan_jobs([str(folder / "a.png")], str(tmp_path / name), FORMATS, format_key)


def test_a_name_of_the_format_that_is_asked_for_is_taken(folder: Path, tmp_path: Path) -> None:
    (job,) = plan_jobs([str(folder / "a.png")], str(tmp_path / "y.tiff"), FORMATS, "tiff")
    assert job.target == tmp_path / "y.tiff"


def test_resume_knows_the_result_from_before_there_was_a_namesake(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    os.utime(folder / "a.png", (1, 1))
    assert run("expand", folder, "-o", out, "--model", "naive") == 0
    write_codes(folder / "a.tif", 255 - CODES)
    os.utime(folder / "a.tif", (2**32, 2**32))
    assert run("expand", folder, "-o", out, "--model", "naive", "--resume") == 0
    assert "1 done, 1 kept from before" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["a-tif.tif", "a.tif"]


def test_whatever_one_photo_does_the_others_are_worked_on(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_codes(folder / "b.png", CODES)
    from core.engine import files

    original = files.file_expansion

    def failing(source, *arguments, **more):
        if source.name == "a.png":
            raise ZeroDivisionError("division by zero")
        return original(source, *arguments, **more)

    monkeypatch.setattr(files, "file_expansion", failing)
    command = ("expand", folder, "-o", tmp_path / "out", "--model", "naive")
    assert run(*command, "--json") == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["failed"][0]["input"].endswith("a.png")
    assert "ZeroDivisionError" in report["failed"][0]["error"]
    assert "Traceback" not in captured.err
    assert len(report["files"]) == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_output_never_depends_on_the_encoding_of_the_terminal(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    # A Latin-1 name under UTF-8, and one that no European code page has.
    for name in (b"caf\xe9.png", "写真.png".encode()):
        (folder / "a.png").with_name(os.fsdecode(name)).write_bytes((folder / "a.png").read_bytes())
    printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", printed)
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert run("info", folder) == 0
    assert run("expand", folder, "-o", tmp_path / "out", "--model", "naive") == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_reduce_keeps_opacity_or_says_that_it_does_not(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alpha = CODES[..., 0]
    write_codes(tmp_path / "in.png", CODES, alpha=alpha)
    assert run("reduce", tmp_path / "in.png", "-o", tmp_path / f"out{suffix}") == 0
    found = read(tmp_path / f"out{suffix}").alpha
    if suffix == ".jpg":
        assert found is None
        assert "opacity (alpha) was left out" in capsys.readouterr().out
    else:
        np.testing.assert_array_equal(found, alpha)


def test_the_sentence_of_an_unforeseen_error_says_what_to_do() -> None:
    assert "gamut -v" in sentence(TypeError("x"))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("drops", [False, True])
def test_reduce_drops_what_is_private_when_asked(
    tmp_path: Path, suffix: str, drops: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = Metadata(exif=exif_blob(), xmp=packet_of('photoshop:City="Secretville"'))
    write_codes(tmp_path / "in.png", CODES, metadata=metadata)
    more = ("--drop-private",) if drops else ()
    assert run("reduce", tmp_path / "in.png", "-o", tmp_path / f"out{suffix}", *more) == 0
    photo = read(tmp_path / f"out{suffix}")
    assert photo.metadata.has_place is not drops
    assert (b"Secretville" in (tmp_path / f"out{suffix}").read_bytes()) is not drops
    assert photo.info.camera == "Maker Model 1"


def test_resume_in_the_folder_of_the_photos_knows_its_results(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("expand", folder, "-o", folder, "--model", "naive", "--resume", "--format", "avif")
    assert run(*command) == 0
    assert run(*command) == 0
    assert "0 done, 1 kept from before, 0 failed" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir()) == ["a.avif", "a.png"]


def test_a_batch_ends_with_what_was_clipped_most(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        codes = np.full((24, 30, 3), 100, np.uint8)
        codes[: 3 * number, :, 0] = 0
        write_codes(folder / f"{number}.png", codes)
    (folder / "a.png").unlink()
    assert run("expand", folder, "-o", tmp_path / "out", "--model", "naive") == 0
    lines = capsys.readouterr().out.splitlines()
    listed = lines[lines.index("clipped most:") + 1 :]
    assert [line.split() for line in listed] == [
        [f"{number / 8:.2%}", str(folder / f"{number}.png")] for number in (6, 5, 4, 3, 2)
    ]


def test_waiting_threads_leave_the_processor_to_others(tmp_path: Path) -> None:
    """The variable has to be set before torch is loaded, and a person's own choice stays."""
    script = (
        "import os, sys; from core.cli import main; assert 'torch' not in sys.modules; "
        "main(['methods']); print(os.environ['OMP_WAIT_POLICY'])"
    )
    for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"} | given
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1] == expected, done.stderr
