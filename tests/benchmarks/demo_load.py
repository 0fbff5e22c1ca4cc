"""Load on the demo: several clients at once, latencies, and no wrong or mixed-up answer.

Run it as ``python -m tests.benchmarks.demo_load --clients 4 --seconds 60``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
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

    def ask(self, demo: Demo, folder: Path, number: int, side: int, end: float) -> None:
        photo, expected = folder / f"photo{number}.png", folder / f"expected{number}.tif"
        write_codes(photo, clipped_photo(side, side + number, number))
        expand_file(photo, expected, method(_MODEL))
        answer = expected.read_bytes()
        client = Client(demo.url, verbose=False, download_files=folder / str(number))
        while time.monotonic() < end:
            started = time.perf_counter()
            try:
                path, _ = client.predict(photo=handle_file(photo), api_name="/expand")
            except QueueError:
                with self._lock:
                    self.refused += 1
                time.sleep(0.5)
                continue
            elapsed = time.perf_counter() - started
            with self._lock:
                self.seconds.append(elapsed)
                self.wrong += Path(path).read_bytes() != answer

    def report(self) -> dict[str, Any]:
        percentiles = np.percentile(self.seconds or [np.nan], (50, 90, 99))
        return {
            "answers": len(self.seconds),
            "wrong": self.wrong,
            "refused_as_busy": self.refused,
            **{
                f"seconds_p{p}": round(float(v), 3)
                for p, v in zip((50, 90, 99), percentiles, strict=True)
            },
        }


def main() -> int:
    """Measure, print JSON; the exit code is 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--side", type=int, default=256, help="of the photos, in pixels")
    parser.add_argument("--queue", type=int, default=16, help="jobs that may wait")
    options = parser.parse_args()
    load = _Load()
    with tempfile.TemporaryDirectory() as name:
        served, asked = Path(name) / "served", Path(name) / "asked"
        served.mkdir()
        asked.mkdir()
        with running_demo(
            served, f"--models={_MODEL}", f"--queue={options.queue}", "--threads=2"
        ) as demo:
            end = time.monotonic() + options.seconds
            clients = [
                threading.Thread(target=load.ask, args=(demo, asked, number, options.side, end))
                for number in range(options.clients)
            ]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
    report = {"clients": options.clients, "side": options.side, **load.report()}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 1 if load.wrong or not load.seconds else 0


if __name__ == "__main__":
    sys.exit(main())
