"""Photograph every page of the napari plugin in a real window.

Run it with a display (or under xvfb-run):

    python tests/benchmarks/napari_screenshots.py FOLDER
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from npe2 import PluginManager, PluginManifest
from qtpy.QtWidgets import QApplication
from skimage import data

import napari_gamut
from napari_gamut import remembered
from napari_gamut.widgets.preview_layer import NAME

_PLUGIN = "napari-gamut"


class Session:
    """A window whose pages are photographed one after the other."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._folder = folder
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(*size)
        self.settle()

    def settle(self, moments: int = 20) -> None:
        """Let the window draw what it has to."""
        for _ in range(moments):
            QApplication.processEvents()
            time.sleep(0.01)

    def open(self, title: str) -> Any:
        """Return a page of the plugin's panel."""
        panel = self.viewer.window.add_plugin_dock_widget(_PLUGIN, "Gamut Expansion")[1]
        page = panel.open(title)
        self.settle()
        return page

    def run(self, page: Any) -> None:
        """Do what a page's run button does, and wait for it."""
        page.start()
        self.wait(page)

    def wait(self, page: Any) -> None:
        """Wait for a page's job."""
        while page.busy:
            QApplication.processEvents()
            time.sleep(0.01)
        self.settle()

    def photograph(self, name: str, *themes: str) -> None:
        """Write the window in one theme or several."""
        for theme in themes or ("dark",):
            self.viewer.theme = theme
            self.settle()
            path = self._folder / f"{name}-{theme}.png"
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)


def main() -> None:
    """Write the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 720), help="of the window")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    manager = PluginManager.instance()
    manager.discover()
    if _PLUGIN not in manager:
        manifest = Path(napari_gamut.__file__).parent / "napari.yaml"
        manager.register(PluginManifest.from_file(manifest))
    # As for people who start the plugin for the first time; what they chose stays as it is.
    remembered.recall = lambda page: {}
    remembered.store = lambda page, values: None
    session = Session(options.folder, tuple(options.size))
    try:
        photograph_nothing(session)
        photograph_photo(session)
        photograph_preview(session)
        photograph_chart(session)
        photograph_warning(session)
    finally:
        session.viewer.close()


def photograph_nothing(session: Session) -> None:
    """Photograph the panel before there is a photo."""
    session.open("Expand")
    session.photograph("0-nothing", "dark", "light")


def photograph_warning(session: Session) -> None:
    """Photograph what people are told who ask for something that cannot be done."""
    session.viewer.layers.clear()
    session.settle()
    session.run(session.open("Expand"))
    session.photograph("11-told")


def photograph_preview(session: Session) -> None:
    """Photograph the preview of a large photo while the whole of it is solved."""
    viewer = session.viewer
    viewer.layers.clear()
    session.settle()
    small = data.astronaut()
    large = np.kron(small, np.ones((4, 4, 1), np.uint8))
    viewer.add_image(large, rgb=True, name="large", contrast_limits=(0, 255))
    session.settle()
    viewer.reset_view()
    expand = session.open("Expand")
    expand.start()
    while expand.busy and NAME not in viewer.layers:
        session.settle(1)
    session.settle()
    session.photograph("4c-preview", "dark", "light")
    expand.cancel()
    session.settle()
    session.photograph("4d-cancelled")


def photograph_photo(session: Session) -> None:
    """Photograph what is done to a photo."""
    viewer = session.viewer
    viewer.open_sample(_PLUGIN, "coffee")
    expand = session.open("Expand")
    session.photograph("1-open")
    session.run(expand)
    session.photograph("2-expanded", "dark", "light")
    see = session.open("See")
    see.gained.value = False
    session.run(see)
    session.photograph("3-curtain", "dark", "light")
    see.gained.value = True
    session.settle()
    session.photograph("4-came-back", "dark", "light")
    for layer in list(viewer.layers)[2:]:
        viewer.layers.remove(layer)
    photograph_region(session)
    maps = session.open("Maps")
    session.run(maps)
    session.photograph("5-maps")
    viewer.layers.pop()
    viewer.layers.selection.active = viewer.layers[-1]
    maps.boxes["clipped"].value, maps.boxes["restored"].value = False, True
    session.run(maps)
    session.photograph("5b-restored")
    viewer.layers.pop()
    measure = session.open("Measure")
    measure.draw_diagram()
    session.wait(measure)
    session.photograph("6-chromaticities")
    session.open("Folder")
    session.photograph("7-folder")


def photograph_region(session: Session) -> None:
    """Photograph what is expanded inside a painted region alone, with all settings."""
    viewer = session.viewer
    photo = viewer.layers["coffee"]
    painted = np.zeros(photo.data.shape[:2], int)
    painted[60:180, 120:290] = 1
    labels = viewer.add_labels(painted, name="cup")
    viewer.layers.selection.active = photo
    expand, see = session.open("Expand"), session.open("See")
    expand.region.value = labels
    session.open("Expand")
    session.run(expand)
    labels.visible = False
    see.show_box.value, see.gained.value = "after", True
    session.run(see)
    expand.fold.turn()
    session.photograph("4b-region")
    expand.fold.turn()
    expand.region.value = None
    for layer in list(viewer.layers)[2:]:
        viewer.layers.remove(layer)


def photograph_chart(session: Session) -> None:
    """Photograph what needs a wide-gamut original."""
    viewer = session.viewer
    viewer.layers.clear()
    viewer.open_sample(_PLUGIN, "chart")
    _, reduced = viewer.layers
    viewer.layers.selection.active = reduced
    measure = session.open("Measure")
    session.run(measure)
    measure.draw_diagram()
    session.wait(measure)
    session.photograph("8-measure", "dark", "light")
    measure.overlaid.value = True
    measure.draw_diagram()
    session.wait(measure)
    session.photograph("8b-overlaid", "dark", "light")
    measure.diagram.value = "codes"
    session.photograph("8c-codes", "dark", "light")
    measure.diagram.value, measure.overlaid.value = "xy", False
    iterations = session.open("Iterations")
    session.run(iterations)
    iterations.player.slider.value = 3
    session.photograph("9-iterations", "dark", "light")
    session.open("Reduce")
    session.photograph("10-reduce")


if __name__ == "__main__":
    main()
