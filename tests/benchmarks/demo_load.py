"""Load on the demo: several clients at once, latencies beside those of the engine alone, memory.

Run it as ``python -m tests.benchmarks.demo_load --clients 8 --seconds 60 --jobs 400``.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError

from core.engine.files import expand_file
from core.files import write_codes
from core.methods.registry import method
from tests.web_demo import Demo, clipped_photo, running_demo

_MODEL = "letnet-box"


class _Load:
    """What the clients found."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.wrong = 0
        self.refused = 0
        self._lock = threading.Lock()

    def ask(self, demo: Demo, photo: Path, folder: Path, end: float, most: int) -> None:
        """Ask for the same photo again and again."""
        answer = _expected(photo)
        client = Client(demo.url, verbose=False, download_files=folder)
        answers = 0
        while time.monotonic() < end and answers < most:
            started = time.perf_counter()
            try:
                path, _ = client.predict(photo=handle_file(photo), api_name="/expand")
            except QueueError:
                with self._lock:
                    self.refused += 1
                time.sleep(0.5)
                continue
            elapsed = time.perf_counter() - started
            answers += 1
            wrong = Path(path).read_bytes() != answer
            Path(path).unlink()
            with self._lock:
                self.seconds.append(elapsed)
                self.wrong += wrong

    def report(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "answers": len(self.seconds),
            "wrong": self.wrong,
            "refused_as_busy": self.refused,
            **_percentiles(self.seconds),
        }


def _photo(folder: Path, number: int, side: int) -> Path:
    photo = folder / f"photo{number}.png"
    if not photo.exists():
        write_codes(photo, clipped_photo(side, side + number, number))
    return photo


def _expected(photo: Path) -> bytes:
    """Return the file that the engine makes of a photo."""
    target = photo.with_suffix(".tif")
    expand_file(photo, target, method(_MODEL))
    data = target.read_bytes()
    target.unlink()
    return data


def _alone(photo: Path, seconds: float) -> list[float]:
    """Expand a photo again and again, without a server; return the seconds of each time."""
    torch.set_num_threads(1)
    _expected(photo)
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.perf_counter()
        _expected(photo)
        found.append(time.perf_counter() - started)
    return found


def _percentiles(seconds: list[float]) -> dict[str, float]:
    values = np.percentile(seconds or [np.nan], (50, 95, 99))
    return {f"seconds_p{p}": round(float(v), 3) for p, v in zip((50, 95, 99), values, strict=True)}


def engine_alone(folder: Path, workers: int, side: int, seconds: float) -> dict[str, float]:
    """Return how long a photo takes where so many processes work at once, without a server."""
    photos = [_photo(folder, number, side) for number in range(workers)]
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        found = pool.map(_alone, photos, [seconds] * workers)
        return _percentiles([each for times in found for each in times])


def load(demo: Demo, folder: Path, clients: int, side: int, seconds: float) -> _Load:
    """Let so many clients ask for photos at once."""
    found = _Load()
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(
            target=found.ask,
            args=(demo, _photo(folder, number, side), folder / str(number), end, sys.maxsize),
        )
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def memory(demo: Demo, folder: Path, jobs: tuple[int, int], side: int) -> dict[str, Any]:
    """Return what the server's own process holds after a few jobs and after many."""
    found = _Load()
    held = []
    for number in (jobs[0], jobs[1] - jobs[0]):
        found.ask(demo, _photo(folder, 0, side), folder / "memory", math.inf, number)
        held.append(demo.memory)
    names = [f"megabytes_after_{number}_jobs" for number in jobs]
    figures = dict(zip(names, (round(each / 1e6) for each in held), strict=True))
    return {**figures, "grown_by": round(held[1] / held[0], 3), "wrong": found.wrong}


def main() -> int:
    """Measure, print JSON; the exit code is 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--side", type=int, default=256, help="of the photos, in pixels")
    parser.add_argument("--queue", type=int, default=16, help="jobs that may wait")
    parser.add_argument("--concurrency", type=int, default=1, help="jobs worked on at a time")
    parser.add_argument("--jobs", type=int, default=0, help="measure memory after so many, too")
    options = parser.parse_args()
    report: dict[str, Any] = {"clients": options.clients, "side": options.side}
    loads = [os.getloadavg()[0]]
    # A short name: sockets are in it.
    with tempfile.TemporaryDirectory() as name:
        served, asked = Path(name) / "s", Path(name) / "a"
        served.mkdir()
        asked.mkdir()
        alone = engine_alone(asked, options.clients, options.side, options.seconds / 2)
        flags = [f"--queue={options.queue}", f"--concurrency={options.concurrency}"]
        with running_demo(served, f"--models={_MODEL}", *flags) as demo:
            found = load(demo, asked, options.clients, options.side, options.seconds)
            report |= {"engine_alone": alone, **found.report()}
            report["p95_by_alone"] = round(report["seconds_p95"] / alone["seconds_p95"], 2)
            loads.append(os.getloadavg()[0])
            if options.jobs:
                report |= memory(demo, asked, (20, options.jobs), options.side)
    report["load_before_and_after"] = [round(each, 1) for each in loads]
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 1 if report["wrong"] or not found.seconds else 0


if __name__ == "__main__":
    sys.exit(main())
