"""How quickly the iteration slider answers, and what the plugin costs at the start of napari.

Run it on a quiet machine where the plugin is installed (``pip install -e ".[napari]"``), with
a display or under xvfb-run:

    python tests/benchmarks/slider.py

The slider moves over the kept iterations of a photo of a megapixel in a window that is shown;
each time until the canvas has been drawn again is measured. Start-up is measured in fresh
processes, in turn with the plugin and with it disabled.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SIZE = (1000, 1000)

_START = """
import time
started = time.perf_counter()
import napari
viewer = napari.Viewer(show=True)
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
import sys
print(time.perf_counter() - started, 'torch' in sys.modules)
viewer.close()
"""


def slider_times(repeats: int) -> list[float]:
    """Return the seconds from moving the slider until the canvas is drawn, move by move."""
    import napari
    from npe2 import PluginManager
    from qtpy.QtWidgets import QApplication

    from core.network.letnet import BOX
    from core.network.models import random_model, to_bytes

    manager = PluginManager.instance()
    manager.discover()
    if "napari-gamut" not in manager:
        raise SystemExit('Install the plugin first: pip install -e ".[napari]"')
    model = random_model(BOX, scale=0.3)
    folder = tempfile.TemporaryDirectory()
    weights = Path(folder.name, "random.safetensors")
    weights.write_bytes(to_bytes(model.network, model.descriptor))
    codes = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 900)
    viewer.add_image(codes, rgb=True, name="photo")
    page: Any = viewer.window.add_plugin_dock_widget("napari-gamut", "Gamut Expansion")[1].open(
        "Iterations"
    )
    page.choice.model.value = "file"
    page.choice.weights.value = weights
    page.iterations.value = 8
    page.start()
    while page.busy:
        QApplication.processEvents()
        time.sleep(0.01)
    folder.cleanup()
    drawn = 0

    def count(_: object) -> None:
        nonlocal drawn
        drawn += 1

    viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(count)
    times = []
    for move in range(repeats + 3):
        target = 1 + (move * 3) % page.player.slider.max
        if target == page.player.slider.value:
            target = target % page.player.slider.max + 1
        before = drawn
        started = time.perf_counter()
        page.player.slider.value = target
        while drawn == before:
            QApplication.processEvents()
        times.append(time.perf_counter() - started)
        time.sleep(0.1)
        QApplication.processEvents()
    viewer.close()
    return times[3:]


def start_times(repeats: int) -> dict[str, list[float]]:
    """Return the seconds of napari's start with the plugin and without it."""
    disabled = _START.replace(
        "import napari\n",
        "import napari\nfrom npe2 import PluginManager\n"
        "PluginManager.instance().discover()\n"
        "PluginManager.instance().disable('napari-gamut')\n",
    )
    times: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(repeats):
        for name, program in (("with", _START), ("without", disabled)):
            done = subprocess.run(
                [sys.executable, "-c", program], capture_output=True, text=True, check=True
            )
            seconds, has_torch = done.stdout.split()
            if name == "with" and has_torch != "False":
                raise SystemExit("Starting napari with the plugin imports torch.")
            times[name].append(float(seconds))
    return times


def main() -> None:
    """Measure and print figures as JSON, in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=60, help="of the slider")
    parser.add_argument("--starts", type=int, default=5, help="of napari, each way")
    options = parser.parse_args()
    moves = slider_times(options.moves)
    starts = start_times(options.starts)
    report = {
        "slider_median_ms": 1000 * statistics.median(moves),
        "slider_p95_ms": 1000 * float(np.percentile(moves, 95)),
        **{f"start_{name}_median_ms": 1000 * statistics.median(t) for name, t in starts.items()},
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
