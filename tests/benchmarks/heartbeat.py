"""How long napari's window stands still while a large photo is opened, expanded and saved.

Run it where the plugin is installed, with a display or under xvfb-run:

    python tests/benchmarks/heartbeat.py

A timer beats every 5 ms. For each piece of work the longest times between two beats are told, as
they passed and as time of the processor in the window's own thread, which a busy machine changes
little, and where the thread was during beats that took long. What napari needs by itself for a
layer of that size is measured in the same run. Before that, the memory after each of several
expansions, whose layers are removed again.
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

import napari_gamut
from core.files import write_codes
from napari_gamut import remembered
from napari_gamut.levels import shown
from napari_gamut.readiness import get_ready
from napari_gamut.records import PICTURE
from napari_gamut.widgets.preview_layer import NAME as PREVIEW

if TYPE_CHECKING:
    from collections.abc import Callable

_PLUGIN = "napari-gamut"
_LONG = 0.05
"""Seconds from which people feel that the window stands still."""
_MOST_TOLD = 5


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
        self._beats: list[tuple[float, float]] = []
        self._places.clear()
        self._last, self._last_busy = time.perf_counter(), time.thread_time()

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self._beats.append((now - self._last, busy - self._last_busy))
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
        passed, own = (
            [round(1000 * each) for each in sorted(times, reverse=True)[:_MOST_TOLD]]
            for times in zip(*self._beats, strict=True)
        )
        return {"ms": passed, "own_ms": own, "where": dict(self._places.most_common(4))}


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


class Session:
    """A window with the panel, in which one thing after the other is done and measured."""

    def __init__(self, size: tuple[int, int], method: str) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 720)
        self.photo = photo(*size)
        self._started = 0.0
        self._preview: float | None = None
        self.viewer.layers.events.inserted.connect(self._on_layer)
        self.told = _Told()
        self.heart = Heart()
        # What napari does once, for its first picture, is its own business.
        self.viewer.add_image(photo(300, 3000)[:, ::8], rgb=True)
        self.settle()
        self.viewer.layers.clear()
        self.settle()
        self.measure("open the panel", self._open_panel, lambda: get_ready().is_alive())
        self.page.choice.model.value = method

    def _open_panel(self) -> None:
        panel = self.viewer.window.add_plugin_dock_widget(_PLUGIN, "Gamut Expansion")[1]
        self.page: Any = panel.open("Expand")
        self.settle()

    def settle(self, moments: int = 30) -> None:
        """Let the window do what it has to."""
        for _ in range(moments):
            QApplication.processEvents()
            time.sleep(0.01)

    def measure(
        self, name: str, act: Callable[[], Any], busy: Callable[[], bool] | None = None
    ) -> None:
        """Do something, wait for the page, and tell how the heart beat meanwhile."""
        self.settle()
        self.heart.reset()
        self._started, self._preview = time.perf_counter(), None
        started = self._started
        act()
        self.settle(2)
        while not self.page.settled if busy is None else busy():
            QApplication.processEvents()
            time.sleep(0.001)
        seconds = time.perf_counter() - started
        self.settle()
        told = {"seconds": round(seconds, 1), "preview after": self._preview}
        self.told[name] = {**told, **self.heart.report()}

    def _on_layer(self, event: Any) -> None:
        if event.value.name == PREVIEW and self._preview is None:
            self._preview = round(time.perf_counter() - self._started, 2)

    def napari_alone(self) -> None:
        """Measure a layer of the photo's size, added and removed without the plugin."""
        data = shown(self.photo)
        # Beside another one, as a result is: the first layer also moves the view.
        other = self.viewer.add_image(photo(300, 400), rgb=True, metadata=PICTURE)
        add = partial(
            self.viewer.add_image, **data, rgb=True, contrast_limits=(0, 255), metadata=PICTURE
        )
        self.measure("napari alone, a layer like the photo", add)
        for layer in (self.viewer.layers[-1], other):
            self.viewer.layers.remove(layer)
            self.settle()

    def expand_and_forget(self) -> int:
        """Expand once more, remove the result, and return the memory that is held then."""
        self.page.start()
        while self.page.busy:
            QApplication.processEvents()
            time.sleep(0.001)
        self.viewer.layers.remove(self.viewer.layers[-1])
        for _ in range(4):
            self.settle()
        return memory()


def main() -> None:
    """Measure and print figures, each as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=2, default=(3000, 4000))
    parser.add_argument("--method", default="naive", help="of the expansion")
    parser.add_argument("--no-saving", action="store_true", help="open and expand alone")
    parser.add_argument("--rounds", type=int, default=10, help="expansions, for the memory")
    options = parser.parse_args()
    manager = PluginManager.instance()
    manager.discover()
    if _PLUGIN not in manager:
        manifest = Path(napari_gamut.__file__).parent / "napari.yaml"
        manager.register(PluginManifest.from_file(manifest))
    remembered.store = lambda page, values: None  # What people chose stays as it is.
    session = Session(tuple(options.size), options.method)
    viewer, page = session.viewer, session.page
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.png")
        write_codes(path, session.photo, compression=1)
        session.measure("open", lambda: viewer.open(path, plugin=_PLUGIN))
        session.measure("expand", page.start)
        session.measure("strength", lambda: setattr(page.choice.strength, "value", 0.5))
        for suffix in () if options.no_saving else ("tif", "jxl"):
            target = Path(folder, f"wide.{suffix}")
            session.measure(f"save {suffix}", partial(page.save, target))
        if not options.no_saving:
            session.measure("open jxl", lambda: viewer.open(target, plugin=_PLUGIN))
            viewer.layers.remove(viewer.layers[-1])
            session.settle()
        viewer.layers.remove(viewer.layers[-1])
        session.settle()
        held = []
        for number in range(options.rounds):
            held.append(session.expand_and_forget())
            session.told[f"memory after round {number + 1}, MB"] = held[-1]
        if held:
            session.told["memory, last of first"] = round(held[-1] / held[0], 3)
        session.napari_alone()  # Last: what it removes may end a process that draws by itself.
    viewer.close()


if __name__ == "__main__":
    main()
