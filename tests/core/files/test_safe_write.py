"""A name never stands for half a file, and no file is lost."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import PhotoError
from core.files import FileError, check_target, is_same_file, write_bytes
from core.files.safe_write import SafeFile


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_and_alone(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.bin", b"content")
    assert names(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"content"


def test_until_then_there_is_only_a_neighbour_that_says_what_it_is(tmp_path: Path) -> None:
    target = SafeFile(tmp_path / "a.bin")
    target.file.write(b"half")
    (name,) = names(tmp_path)
    assert name.startswith(".a.bin.partial-")
    target.discard()
    assert names(tmp_path) == []


def test_an_existing_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(FileError, match="exists already"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_asked_to_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    write_bytes(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_appears_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _refuse_link)
    path = tmp_path / "a.bin"
    target = SafeFile(path)
    target.file.write(b"ours")
    path.write_bytes(b"theirs")
    with pytest.raises(FileError, match="exists already"):
        target.commit()
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.bin"]


def test_disks_without_hard_links_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _refuse_link)
    write_bytes(tmp_path / "a.bin", b"content")
    assert names(tmp_path) == ["a.bin"]


def _refuse_link(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_photo_that_is_read_is_never_the_target(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"photo")
    (tmp_path / "link").symlink_to(path)
    for name in (path, tmp_path / "link", tmp_path / "." / "a.bin"):
        with pytest.raises(FileError, match="is being read"):
            write_bytes(name, b"new", overwrite=overwrite, source=path)
    assert path.read_bytes() == b"photo"


@pytest.mark.parametrize(
    ("target", "words"),
    [("folder", "folder"), ("missing/a.bin", "does not exist"), ("file/a.bin", "does not exist")],
)
def test_impossible_targets_are_refused_before_any_work(
    tmp_path: Path, target: str, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=words):
        check_target(tmp_path / target)


def test_the_longest_name_still_has_room_for_its_neighbour(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 125 + ".tif")
    write_bytes(path, b"content")
    assert names(tmp_path) == [path.name]
    with pytest.raises(FileError, match="too long"):
        write_bytes(tmp_path / ("a" * 300), b"content")


class _FullDisk:
    def __init__(self, file: object) -> None:
        self._file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    target = SafeFile(tmp_path / "a.bin")
    target.file = _FullDisk(target.file)  # type: ignore[assignment]
    with pytest.raises(FileError, match="disk is full"):
        target.commit()
    assert names(tmp_path) == []


def test_a_killed_job_leaves_no_file_of_the_final_name(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from core.files.safe_write import SafeFile\n"
        "target = SafeFile(Path(sys.argv[1])); target.file.write(b'half'); target.file.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = tmp_path / "a.bin"
    root = Path(__file__).parents[3]
    job = subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, check=False)
    assert job.returncode == -signal.SIGKILL
    (name,) = names(tmp_path)
    assert name.startswith(".a.bin.partial-")


def test_two_names_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert is_same_file(tmp_path / "a", tmp_path / "b")
    assert not is_same_file(tmp_path / "a", tmp_path / "missing")


def test_every_error_is_a_photo_error() -> None:
    assert issubclass(FileError, PhotoError)
