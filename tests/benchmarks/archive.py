"""One archive, all night: a tree of small photos, by one process and by several.

    python tests/benchmarks/archive.py [--photos 2000] [--workers 1 2] [--side 160] [--kills 20]

For each number of workers: files per second, and the memory of all processes after a tenth of the
photos and at the end. Then kills at random moments, in turn of one worker, whose photo another one
gets, and of all processes, after which --resume goes on; the results of all runs are compared byte
for byte. At last, what handing out a task costs that does nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from core.engine.cluster import Cluster, Workers
from core.files import read, sample_photo, write_codes

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_archive(root / "in", options.photos, options.side)
        print("| processes | seconds | files a second | MB at a tenth | MB at the end |")
        print("|--:|--:|--:|--:|--:|")
        found = set()
        for workers in (0, *options.workers):
            out = root / f"out{workers}"
            seconds, early, late = watched(root / "in", out, workers, options.photos)
            found.add(digest(out, options.photos))
            name = f"{workers} workers" if workers else "this one"
            print(
                f"| {name} | {seconds:.1f} | {options.photos / seconds:.2f} | {early:.0f} "
                f"| {late:.0f} |",
                flush=True,
            )
        out = root / "killed"
        kill_again_and_again(root / "in", out, max(options.workers), options)
        found.add(digest(out, options.photos))
        print(f"\n{options.kills} kills: {count(out)} of {options.photos} files")
        print("all runs wrote the same bytes" if len(found) == 1 else "THE RUNS DIFFER")
    print(f"handing out a task: {1000 * handing_out(max(options.workers)):.1f} ms")


def kill_again_and_again(
    source: Path, out: Path, workers: int, options: argparse.Namespace
) -> None:
    """Kill one worker or all processes, `kills` times, while the archive is worked on."""
    rng = random.Random(0)
    marks = sorted(rng.sample(range(1, options.photos - 2 * workers), options.kills))
    process = start(source, out, workers, "--resume")
    for number, mark in enumerate(marks):
        while count(out) < mark:
            assert process.poll() is None, "the work ended by itself"
            time.sleep(0.02)
        while not (busy := workers_of(process)):
            time.sleep(0.02)
        time.sleep(rng.random())
        if number % 2 == 0:
            rng.choice(busy).kill()
            continue
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
        process = start(source, out, workers, "--resume")
    assert process.wait() == 0


def workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the workers of a command that are alive."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def handing_out(workers: int, tasks: int = 1000) -> float:
    """Return the seconds that a task takes which does nothing."""
    with Workers(Cluster(workers=workers)) as place:
        for _ in place.spread(nothing, range(2 * workers)):
            pass
        started = time.perf_counter()
        for _ in place.spread(nothing, range(tasks)):
            pass
        return (time.perf_counter() - started) / tasks


def nothing(task: int, check: Callable[[], None]) -> None:
    """Do nothing."""


def make_archive(folder: Path, photos: int, side: int) -> None:
    codes = read(sample_photo()).srgb_codes()
    assert codes is not None
    rng = np.random.default_rng(0)
    for number in range(photos):
        place = folder / f"{number % 40:02d}"
        place.mkdir(parents=True, exist_ok=True)
        top, left = (rng.integers(0, length - side + 1) for length in codes.shape[:2])
        part = np.ascontiguousarray(codes[top : top + side, left : left + side])
        write_codes(place / f"{number:05d}.png", part, compression=1)


def start(source: Path, out: Path, workers: int, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "core.cli", "expand", str(source), "-o", str(out), "-q"]
    command += ["--workers", str(workers)] if workers else ["--threads", "1"]
    return subprocess.Popen([*command, *more])


def watched(source: Path, out: Path, workers: int, photos: int) -> tuple[float, float, float]:
    """Return seconds from the first file to the last, and memory early and late."""
    process = start(source, out, workers)
    while not count(out) and process.poll() is None:
        time.sleep(0.01)
    started, early, late = time.perf_counter(), 0.0, 0.0
    while process.poll() is None:
        done = count(out)
        if done < photos:
            late = memory(process.pid) or late
        if not early and done >= photos // 10:
            early = late
        time.sleep(0.5)  # Looking takes time, too.
    return time.perf_counter() - started, early, late


def memory(pid: int) -> float:
    try:
        parent = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (parent, *parent.children(True))) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def count(folder: Path) -> int:
    return sum(1 for path in folder.rglob("[!.]*.tif"))


def digest(folder: Path, photos: int) -> str:
    total = hashlib.sha256()
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(names) == photos, f"{len(names)} of {photos} files"
    for path in names:
        total.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    main()
