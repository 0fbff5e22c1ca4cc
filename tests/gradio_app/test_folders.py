from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock

from gradio_app.folders import PREFIX, REQUESTS, UPLOADS, own_folder, sweep
from gradio_app.settings import DemoSettings

SETTINGS = DemoSettings(keep_minutes=10, seconds=60)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (UPLOADS, REQUESTS):
        (tmp_path / name).mkdir()
    return tmp_path


def age(path: Path, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock go on; the files that are made afterwards are new."""
    now = time.time()
    os.utime(path, (now, now))
    monkeypatch.setattr(time, "time", lambda: now + seconds)


def test_the_folder_is_gone_afterwards(temporary: Path) -> None:
    with own_folder() as folder:
        (folder / "file").touch()
        assert folder.parent == temporary.resolve()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_server_left_is_gone_at_the_next_start(temporary: Path) -> None:
    script = (
        "import os, signal\n"
        "from gradio_app.folders import own_folder\n"
        "with own_folder() as folder:\n"
        "    (folder / 'photo').write_text('private')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=root, check=False)
    (left,) = temporary.glob(f"{PREFIX}*")
    assert (left / "photo").exists()
    with own_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_the_folder_of_a_running_server_stays(temporary: Path) -> None:
    other = temporary / f"{PREFIX}running"
    other.mkdir()
    with FileLock(other / ".lock"), own_folder():
        assert other.exists()


def test_what_is_no_folder_of_a_server_stays(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".lock").touch()
    link = temporary / f"{PREFIX}link"
    link.symlink_to(elsewhere)
    starting = temporary / f"{PREFIX}starting"
    starting.mkdir()
    with own_folder():
        assert elsewhere.exists()
        assert starting.exists(), "it may be that of a server that is just starting"


def test_a_broken_off_upload_is_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = folder / UPLOADS / "tmpabcdef"
    part.write_bytes(bytes(1000))
    age(part, 130, monkeypatch)
    sweep(folder, SETTINGS)
    assert not part.exists()


def test_an_upload_that_still_arrives_stays(folder: Path) -> None:
    part = folder / UPLOADS / "tmpabcdef"
    part.write_bytes(bytes(1000))
    sweep(folder, SETTINGS)
    assert part.exists()


def test_old_uploads_go_with_their_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = folder / UPLOADS / "hash" / "photo.png"
    photo.parent.mkdir()
    photo.touch()
    sweep(folder, SETTINGS)
    assert photo.exists()
    age(photo, 601, monkeypatch)
    sweep(folder, SETTINGS)
    assert not photo.parent.exists()


def test_what_is_kept_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrival = folder / UPLOADS / "arrival"
    arrival.mkdir()
    (arrival / "after.webp").touch()
    sample = folder / UPLOADS / "hash" / "sample.jpg"
    sample.parent.mkdir()
    sample.touch()
    age(sample, 10_000, monkeypatch)
    sweep(folder, SETTINGS, {arrival, sample})
    assert (arrival / "after.webp").exists()
    assert sample.exists()


def test_what_requests_left_is_deleted_when_it_is_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Path(tempfile.mkdtemp(dir=folder / REQUESTS))
    (request / "picture.png").touch()
    sweep(folder, SETTINGS)
    assert request.exists()
    age(request, 601, monkeypatch)
    sweep(folder, SETTINGS)
    assert not request.exists()
