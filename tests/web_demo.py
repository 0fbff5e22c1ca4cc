"""What the tests of the web demo share: a small network, photos, a server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from core.files import write_codes
from core.network.letnet import BOX
from core.network.models import random_model, to_bytes
from core.network.solver import SolverSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MODEL_NAME = "trial"

PATIENCE = 120.0
"""Seconds that a test waits for an answer: on a busy machine the usual five are not enough."""


@dataclass(frozen=True)
class Demo:
    """A running demo, the folder that it keeps files in, its model's file, and its process."""

    url: str
    folder: Path
    model: Path
    process: subprocess.Popen[str]

    @property
    def memory(self) -> int:
        """Of its own process, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return 1024 * int(line.split()[1])

    def get(self, path: str, **settings: Any) -> httpx.Response:
        """Ask for a path, with patience."""
        return httpx.get(self.url + path, timeout=PATIENCE, **settings)

    def post(self, path: str, **settings: Any) -> httpx.Response:
        """Send something there, with patience."""
        return httpx.post(self.url + path, timeout=PATIENCE, **settings)


def clipped_photo(height: int, width: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """sRGB codes: soft colours, some of whose channels are clipped all over the photo."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 40
    waves = [np.sin(a * x + b * y) for a, b in rng.uniform(-2, 2, (3, 2))]
    codes: npt.NDArray[np.uint8] = np.clip(128 + 160 * np.stack(waves, -1), 0, 255).astype(np.uint8)
    return codes


def write_photo(path: Path, height: int = 90, width: int = 120, **settings: object) -> Path:
    """Write such a photo; the format follows the name."""
    write_codes(path, clipped_photo(height, width), **settings)  # type: ignore[arg-type]
    return path


def write_model(path: Path, name: str = MODEL_NAME, steps: int = 6) -> Path:
    """Write a small network with random weights; one that takes many steps takes long."""
    model = random_model(replace(BOX, channels=8), scale=5.0)
    solver = SolverSettings(max_steps=steps, tolerance=1e-3 if steps < 100 else 1e-9)
    descriptor = replace(model.descriptor, name=name, solver=solver)
    path.write_bytes(to_bytes(model.network, descriptor))
    return path


@contextmanager
def running_demo(folder: Path, *flags: str) -> Iterator[Demo]:
    """Serve the demo on a free port of this computer, in a process of its own.

    Parameters
    ----------
    folder : Path
        Empty; everything that the demo keeps is in it.
    *flags : str
        More of them.
    """
    model = write_model(folder / "trial.safetensors")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limits = ["--max-megapixels=3", "--max-megabytes=8", "--queue=4", "--threads=1"]
    command = [sys.executable, "-m", "gradio_app", f"--port={port}", f"--models={model}"]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with (folder / "log.txt").open("w+") as log:
        process = subprocess.Popen(
            [*command, "--device=cpu", *limits, *flags],
            cwd=Path(__file__).parents[1],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert f":{port}" in line, (folder / "log.txt").read_text()
            (own,) = folder.glob("gamut-demo-*")
            yield Demo(f"http://127.0.0.1:{port}", own.resolve(), model, process)
            killed = -signal.SIGKILL
            assert process.poll() in (None, killed), "the demo has ended on its own"
        finally:
            process.terminate()
            process.wait(60)
            process.stdout.close()


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true; far more time than it needs."""
    for _ in range(1800):
        if condition():
            return True
        time.sleep(0.05)
    return False


def has_the_form(report: Mapping[str, Any], form: Any) -> bool:
    """Whether an answer is as the API documents it, no more and no less."""
    TypeAdapter(form).validate_python(report)
    return set(report) == set(form.__annotations__)
