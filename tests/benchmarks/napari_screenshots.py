"""Photograph every panel of the napari plugin in a real window, in both themes.

Run it with a display (or under xvfb-run):

    python tests/benchmarks/napari_screenshots.py FOLDER
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import napari
from napari.settings import get_plugin_settings
from npe2 import PluginManager, PluginManifest
from qtpy.QtWidgets import QApplication

import napari_gamut

_PLUGIN = "napari-gamut"


class Session:
    """A window whose panels are photographed one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1400, 900)

    def settle(self, moments: int = 30) -> None:
        """Let the window draw what it has to."""
        for _ in range(moments):
            QApplication.processEvents()
            time.sleep(0.01)

    def open(self, title: str) -> Any:
        """Return a panel of the plugin."""
        return self.viewer.window.add_plugin_dock_widget(_PLUGIN, title)[1]

    def run(self, panel: Any) -> None:
        """Do what a panel's run button does, and wait for it."""
        panel.start()
        self.wait(panel)

    def wait(self, panel: Any) -> None:
        """Wait for a panel's job."""
        while panel.busy:
            QApplication.processEvents()
            time.sleep(0.01)
        self.settle()

    def photograph(self, name: str, panel: Any) -> None:
        """Write the window in both themes and close the panel."""
        for theme in ("dark", "light"):
            self.viewer.theme = theme
            self.settle()
            path = self._folder / f"{name}-{theme}.png"
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        self.viewer.window.remove_dock_widget(panel.native)


def main() -> None:
    """Write the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    manager = PluginManager.instance()
    manager.discover()
    if _PLUGIN not in manager:
        manifest = Path(napari_gamut.__file__).parent / "napari.yaml"
        manager.register(PluginManifest.from_file(manifest))
    settings = get_plugin_settings(_PLUGIN)
    before = settings.screen.space
    session = Session(folder)
    try:
        settings.screen.space = "Display P3"
        photograph_photo(session)
        photograph_chart(session)
    finally:
        settings.screen.space = before
        session.viewer.close()


def photograph_photo(session: Session) -> None:
    """Photograph what is done to a photo."""
    viewer = session.viewer
    viewer.open_sample(_PLUGIN, "astronaut")
    expand = session.open("Expand Layer")
    session.run(expand)
    session.photograph("expand", expand)
    source, expanded = viewer.layers

    masks = session.open("Masks and Error Maps")
    masks.layer.value = expanded
    session.run(masks)
    session.photograph("masks", masks)
    viewer.layers.pop()

    compare = session.open("Compare Before and After")
    compare.before.value, compare.after.value = source, expanded
    session.run(compare)
    session.photograph("compare", compare)
    viewer.layers.pop()

    measure = session.open("Measure Colours")
    measure.layer.value, measure.reference.value = expanded, None
    measure.draw_diagram()
    session.wait(measure)
    session.photograph("chromaticities", measure)

    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch, "photos")
        photos.mkdir()
        for name in ("coffee", "cat"):
            viewer.open_sample(_PLUGIN, name)
            viewer.layers.pop().save(str(photos / f"{name}.png"), plugin=_PLUGIN)
        batch = session.open("Expand Folder")
        batch.source.value, batch.target.value = photos, Path(scratch, "wide")
        session.run(batch)
        session.photograph("folder", batch)


def photograph_chart(session: Session) -> None:
    """Photograph what needs a wide-gamut original."""
    viewer = session.viewer
    viewer.layers.clear()
    viewer.open_sample(_PLUGIN, "chart")
    original, reduced = viewer.layers

    errors = session.open("Masks and Error Maps")
    errors.layer.value, errors.reference.value = reduced, original
    for kind, box in errors.boxes.items():
        box.value = kind == "delta_e"
    session.run(errors)
    session.photograph("errors", errors)
    viewer.layers.pop()

    measure = session.open("Measure Colours")
    measure.layer.value, measure.reference.value = reduced, original
    session.run(measure)
    measure.draw_diagram()
    session.wait(measure)
    session.photograph("measure", measure)

    convergence = session.open("Convergence")
    convergence.layer.value, convergence.reference.value = reduced, original
    session.run(convergence)
    convergence.slider.value = 3
    session.photograph("convergence", convergence)


if __name__ == "__main__":
    main()
