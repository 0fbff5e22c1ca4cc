"""Many photos at once: real worker processes, of which some are killed, stopped or not wanted."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import sys
import threading
import time
import warnings
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cloudpickle
import numpy as np
import psutil
import pytest

from core.cli import main
from core.engine.cluster import Cluster, Workers
from core.errors import PhotoError
from core.files import write_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals stop and kill the workers"),
    # The libraries of the cluster leave sockets to the garbage collector when a worker dies.
    pytest.mark.filterwarnings("ignore"),
]
PHOTOS = 6


@pytest.fixture(scope="module", autouse=True)
def _functions_of_this_file_travel_whole() -> Iterator[None]:
    """Workers need not find this file to do what it asks for."""
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    yield
    cloudpickle.unregister_pickle_by_value(here)


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = tmp_path_factory.mktemp("photos") / "in"
    for number in range(PHOTOS):
        codes = np.random.default_rng(number).integers(0, 256, (96, 128, 3), dtype=np.uint8)
        (photos / str(number % 2)).mkdir(parents=True, exist_ok=True)
        write_codes(photos / str(number % 2) / f"{number}.png", codes)
    return photos


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, str]:
    """What a single process makes of the photos."""
    out = folder.parent / "alone"
    assert run("expand", folder, "-o", out, "-q") == 0
    return hashes(out)


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def workers() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def once_begun(out: Path, act: Callable[[psutil.Process], None]) -> threading.Thread:
    """Do something to a worker as soon as the first file is being written."""

    def wait() -> None:
        while not any(out.rglob(".*partial-*")) and not any(out.rglob("*.tif")):
            time.sleep(0.005)
        act(workers()[0])

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def stop_for_a_while(worker: psutil.Process) -> None:
    os.kill(worker.pid, signal.SIGSTOP)
    time.sleep(2.0)
    os.kill(worker.pid, signal.SIGCONT)


def kill(worker: psutil.Process) -> None:
    os.kill(worker.pid, signal.SIGKILL)


@pytest.mark.parametrize("act", [kill, stop_for_a_while])
def test_a_worker_that_dies_or_pauses_loses_nothing(
    folder: Path,
    alone: dict[str, str],
    tmp_path: Path,
    act: Callable[[psutil.Process], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    trouble = once_begun(out, act)
    assert run("expand", folder, "-o", out, "--workers", 2, "--json") == 0
    trouble.join(timeout=10)
    report = json.loads(capsys.readouterr().out)
    assert [Path(one["input"]).name for one in report["files"]] == [
        f"{number}.png" for number in (0, 2, 4, 1, 3, 5)
    ]
    assert len(alone) == PHOTOS
    assert hashes(out) == alone


@pytest.mark.parametrize("more", [[], ["--workers", 1]])
def test_what_killed_runs_left_is_removed(
    folder: Path, alone: dict[str, str], tmp_path: Path, more: list[object]
) -> None:
    out = tmp_path / "out"
    assert run("expand", folder / "0", "-o", out, "-q") == 0
    (out / "0.tif").unlink()
    of_others = [out / ".mine.tif.partial-00112233", out / ".0.tif.partial-notours"]
    left = [out / ".0.tif.partial-0a1b2c3d", out / ".2.tif.partial-0a1b2c3d"]
    for path in (*left, *of_others):
        path.write_bytes(b"half a pho")
    assert run("expand", folder / "0", "-o", out, "-q", "--resume", *more) == 0
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in of_others)
    assert hashes(out)["0.tif"] == alone[os.path.join("0", "0.tif")]


def test_photos_that_fail_or_exist_are_named_and_the_others_are_done(
    folder: Path, alone: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes((folder / "0" / "0.png").read_bytes()[:5000])
    out = tmp_path / "out"
    out.mkdir()
    (out / "2.tif").write_bytes(b"mine")
    photos = [folder / "0" / "0.png", folder / "0" / "2.png", damaged]
    assert run("expand", *photos, "-o", out, "--workers", 1, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [Path(one["input"]).name for one in report["failed"]] == ["2.png", "damaged.png"]
    assert "exists already" in report["failed"][0]["error"]
    assert (out / "2.tif").read_bytes() == b"mine"
    assert hashes(out)["0.tif"] == alone[os.path.join("0", "0.tif")]


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of many bands, with clipped pixels in each."""
    photo = tmp_path_factory.mktemp("mosaic") / "mosaic.png"
    codes = np.random.default_rng(7).integers(0, 256, (1100, 200, 3), dtype=np.uint8)
    write_codes(photo, codes)
    return photo


@pytest.mark.parametrize("model", ["letnet-box", "letnet"])
def test_a_large_photo_is_shared_by_all_workers_of_which_one_dies(
    mosaic: Path, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["--model", model, "--tile", 64, "--steps", 4, "--threads", 1]
    assert run("expand", mosaic, "-o", tmp_path / "alone.tif", "-q", *settings) == 0
    monkeypatch.setattr("core.cli.common.is_large", lambda path: path == mosaic)
    shared = tmp_path / "shared"
    shared.mkdir()
    trouble = once_begun(shared, kill)
    assert run("expand", mosaic, "-o", shared / "a.tif", "--workers", 2, "-q", *settings) == 0
    trouble.join(timeout=10)
    assert (shared / "a.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()


def test_a_large_photo_that_cannot_be_read_is_named_and_the_others_are_done(
    mosaic: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(mosaic.read_bytes()[:90_000])
    small = tmp_path / "small.png"
    write_codes(small, np.full((32, 32, 3), 255, np.uint8))
    monkeypatch.setattr("core.cli.common.is_large", lambda path: path == damaged)
    out = tmp_path / "out"
    assert run("expand", damaged, small, "-o", out, "--workers", 1, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert "damaged" in report["failed"][0]["error"]
    assert [path.name for path in out.iterdir()] == ["small.tif"]


def squared(task: int, check: Callable[[], None]) -> int:
    time.sleep(0.3 if task == 0 else 0.0)
    return task**2


def test_results_come_in_the_order_of_the_tasks() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    with (
        Workers(Cluster(workers=2)) as two,
        closing(two.spread_in_order(squared, tasks(), ahead=3)) as outcomes,
    ):
        assert two.count == 2
        assert next(outcomes).result == 0
        assert taken == [0, 1, 2]
        assert [outcome.result for outcome in outcomes] == [number**2 for number in range(1, 9)]


def forever(task: int, check: Callable[[], None], place: str) -> int:
    """Works until nobody wants it; says so in a file."""
    started = Path(place) / f"{task}-started"
    started.touch()
    if task == 0:
        return 0
    try:
        while True:
            time.sleep(0.05)
            check()
    finally:
        (Path(place) / f"{task}-ended").touch()


def test_work_that_is_given_up_ends_on_all_workers(tmp_path: Path) -> None:
    work = partial(forever, place=str(tmp_path))
    with Workers(Cluster(workers=2)) as two:
        with closing(two.spread(work, [0, 1, 2, 3, 4])) as outcomes:
            assert next(outcomes).result == 0
            while len(list(tmp_path.glob("*-started"))) < 3:
                time.sleep(0.05)
    started = {path.name.split("-")[0] for path in tmp_path.glob("*-started")}
    assert {"0"} < started < {"0", "1", "2", "3", "4"}
    assert workers() == []


def setting(name: str, check: Callable[[], None]) -> object:
    import dask

    return dask.config.get(name)


def test_workers_keep_no_records_of_every_photo() -> None:
    with Workers(Cluster(workers=1)) as one:
        (outcome,) = one.spread(setting, ["distributed.worker.profile.enabled"])
    assert outcome.result is False


def test_two_commands_with_workers_do_not_disturb_each_other() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with Workers(Cluster(workers=1)) as one, Workers(Cluster(workers=1)) as other:
            assert (one.count, other.count) == (1, 1)


def test_a_worker_that_dies_while_it_starts_is_started_again() -> None:
    killed = []

    def strike() -> None:
        while not (found := workers()):
            time.sleep(0.005)
        killed.append(found[0].pid)
        kill(found[0])

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    with Workers(Cluster(workers=1)) as one:
        thread.join(timeout=10)
        assert [outcome.result for outcome in one.spread(squared, [1, 2])] == [1, 4]
    assert killed


def test_a_worker_that_lacks_a_package_says_so_for_each_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_this_machine_alone.py").write_text("def work(task, check):\n    return task\n")
    with Workers(Cluster(workers=1)) as one:
        monkeypatch.syspath_prepend(tmp_path)
        work = importlib.import_module("of_this_machine_alone").work
        outcomes = list(one.spread(work, [1, 2]))
        with closing(one.spread(squared, [3])) as after:
            assert next(after).result == 9
    for outcome in outcomes:
        with pytest.raises(PhotoError, match=r"worker at tcp://.* lacks .*of_this_machine_alone"):
            outcome.get()


def test_a_cluster_of_another_version_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    monkeypatch.setattr("core.engine.cluster._version", lambda: "9.9")
    with distributed.LocalCluster(n_workers=1, processes=True, dashboard_address=None) as local:
        there = Workers(Cluster(address=local.scheduler_address))
        with (
            pytest.raises(PhotoError, match=r"has version \d.* of .*, this machine has 9\.9"),
            there,
        ):
            raise AssertionError("it was entered")


def test_workers_that_cannot_be_started_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def dies(**_: object) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", dies)
    with pytest.raises(PhotoError, match="2 workers could not be started"), Workers(Cluster(2)):
        raise AssertionError("it was entered")


def test_a_cluster_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engine.cluster._PATIENCE", 0.5)
    there = Workers(Cluster(address="tcp://127.0.0.1:1"))
    with pytest.raises(PhotoError, match=r"no cluster at tcp://127\.0\.0\.1:1"), there:
        raise AssertionError("it was entered")


@pytest.mark.parametrize("settings", [{}, {"workers": 0}, {"workers": 1, "address": "tcp://a:1"}])
def test_a_cluster_is_one_place(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="workers"):
        Cluster(**settings)  # type: ignore[arg-type]
