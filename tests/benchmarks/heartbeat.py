"""How long the window of napari stands still while a large photo is opened, expanded and saved.

Run it where the plugin is installed, with a display or under xvfb-run:

    python tests/benchmarks/heartbeat.py

A timer beats every 5 ms. For each piece of work the longest time between two beats is told, as
it passed and as time of the processor in the window's own thread, which a busy machine does not
change, and where the thread was during beats that took long; and the memory after each of several
rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import napari
import numpy as np
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

import napari_gamut
from core.files import write_codes

_PLUGIN = "napari-gamut"
_LONG = 0.05
"""Seconds from which people feel that the window stands still."""


class Heart:
    """Beats in the window's thread."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._places: Counter[str] = Counter()
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)
        self.reset()
        threading.Thread(target=self._watch, daemon=True).start()
        self._timer.start()

    def reset(self) -> None:
        """Begin a new measurement."""
        self.longest = self.longest_busy = 0.0
        self._places.clear()
        self._last, self._last_busy = time.perf_counter(), time.thread_time()

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self.longest_busy = max(self.longest_busy, busy - self._last_busy)
        self._last, self._last_busy = now, busy

    def _watch(self) -> None:
        while True:
            time.sleep(0.01)
            if time.perf_counter() - self._last < _LONG:
                continue
            frame = sys._current_frames().get(self._thread)
            if frame is not None:
                calls = traceback.extract_stack(frame)[-8:]
                self._places[" > ".join(f"{Path(c.filename).stem}.{c.name}" for c in calls)] += 1

    def report(self) -> dict[str, Any]:
        """Return the longest pauses in milliseconds, and where the thread was most often."""
        found = {"ms": round(1000 * self.longest), "own_ms": round(1000 * self.longest_busy)}
        return {**found, "where": dict(self._places.most_common(4))}


class _Told(dict[str, Any]):
    """Figures, which are printed as they come: the next one may take long."""

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        sys.stdout.write(json.dumps({name: value}, indent=2) + "\n")
        sys.stdout.flush()


def memory() -> int:
    """Return what the process holds now, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 // 2**20


def photo(height: int, width: int) -> Any:
    """Return a photo with clipped colours, made by numbers."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / 400
    planes = [np.sin(x * (1 + i) + y * (3 - i)) for i in range(3)]
    return np.clip(np.stack(planes, -1) * 160 + 128, 0, 255).astype(np.uint8)


def main() -> None:
    """Measure and print figures, each as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=2, default=(3000, 4000))
    parser.add_argument("--method", default="naive", help="of the expansion")
    parser.add_argument("--no-saving", action="store_true", help="open and expand alone")
    parser.add_argument("--rounds", type=int, default=3, help="expansions, for the memory")
    options = parser.parse_args()
    manager = PluginManager.instance()
    manager.discover()
    if _PLUGIN not in manager:
        manifest = Path(napari_gamut.__file__).parent / "napari.yaml"
        manager.register(PluginManifest.from_file(manifest))
    viewer = napari.Viewer(show=True)
    page: Any = viewer.window.add_plugin_dock_widget(_PLUGIN, "Gamut Expansion")[1].open("Expand")
    page.choice.model.value = options.method
    heart, told = Heart(), _Told()

    def settle() -> None:
        for _ in range(30):
            QApplication.processEvents()
            time.sleep(0.01)

    def wait() -> None:
        while page.busy:
            QApplication.processEvents()
            time.sleep(0.001)

    # What napari does once, for its first picture, is its own business.
    viewer.add_image(photo(300, 3000)[:, ::8], rgb=True)
    settle()
    viewer.layers.clear()
    heart.reset()
    small = viewer.add_image(photo(9, 9), rgb=True)
    settle()
    told["napari, a layer of 81 pixels"] = heart.report()
    viewer.layers.remove(small)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.png")
        write_codes(path, photo(*options.size), compression=1)
        settle()
        heart.reset()
        viewer.open(path, plugin=_PLUGIN)
        told["open"] = heart.report()
        settle()
        heart.reset()
        page.start()
        wait()
        told["expand"] = heart.report()
        settle()
        for suffix in () if options.no_saving else ("tif", "jxl"):
            heart.reset()
            page.save(Path(folder, f"wide.{suffix}"))
            wait()
            told[f"save {suffix}"] = heart.report()
        held = []
        for _ in range(options.rounds):
            page.start()
            wait()
            viewer.layers.remove(viewer.layers[-1])
            for _ in range(4):
                settle()
            held.append(memory())
        told["memory_mb"] = held
    viewer.close()


if __name__ == "__main__":
    main()
