"""Exact colours of known pixels on the canvas of a window that is really shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from core.colour import DISPLAY_P3, PROPHOTO
from core.pictures.chart import wide_gamut_chart
from core.pictures.screens import display_image
from napari_gamut import commands
from napari_gamut.places import view_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer

SIDE = 60


@pytest.fixture
def window(plugin: Any, make_napari_viewer: Callable[..., Viewer]) -> Viewer:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1000, 700)
    return viewer


def canvas(viewer: Viewer) -> np.ndarray:
    """Screenshot in which the whole photo fills the canvas, RGB."""
    viewer.reset_view(margin=0)
    for _ in range(5):
        QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3]


def patches(*colours: tuple[int, int, int]) -> np.ndarray:
    return np.repeat(np.repeat(np.array([colours], np.uint8), SIDE, 0), SIDE, 1)


def seen(viewer: Viewer, count: int) -> list[list[int]]:
    """Return the colour in the middle of each patch."""
    shot = canvas(viewer)
    height, width = shot.shape[:2]
    side = min(width / count, height)
    left = width / 2 - side * count / 2
    return [shot[height // 2, int(left + side * (i + 0.5))].tolist() for i in range(count)]


def open_panel(viewer: Viewer, title: str) -> Any:
    panel = viewer.window.add_plugin_dock_widget("napari-gamut", "Gamut Expansion")[1]
    return panel.open(title)


def test_the_engine_is_loaded_once_the_panel_is_seen(
    window: Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    monkeypatch.setattr("napari_gamut.widgets.panel.get_ready", lambda: loads.append("engine"))
    open_panel(window, "Expand")
    assert loads == []  # First the panel is drawn.
    qtbot.waitUntil(lambda: loads != [], timeout=10_000)


def test_an_expanded_photo_looks_like_its_source_on_an_srgb_screen(
    window: Viewer, finish: Any, weights: Path
) -> None:
    colours = [(255, 85, 0), (153, 76, 38), (0, 255, 128), (12, 34, 56)]
    window.add_image(patches(*colours), rgb=True, name="photo")
    panel = open_panel(window, "Expand")
    panel.choice.model.value = "file"
    panel.choice.weights.value = weights
    panel.start()
    finish(panel)
    window.layers["photo"].visible = False
    assert seen(window, 4) == [list(colour) for colour in colours]


def test_a_photo_without_the_ends_of_the_range_is_not_stretched(
    window: Viewer, finish: Any
) -> None:
    # napari would stretch values of 100 to 150 over the whole range.
    colours = [(100, 110, 120), (150, 140, 130)]
    window.add_image(patches(*colours).astype(np.float32) / 255, rgb=True, contrast_limits=(0, 1))
    panel = open_panel(window, "Expand")
    panel.choice.model.value = "naive"
    panel.start()
    finish(panel)
    window.layers[0].visible = False
    assert seen(window, 2) == [list(colour) for colour in colours]


def test_the_chart_is_shown_for_a_display_p3_screen(window: Viewer) -> None:
    from napari.settings import get_plugin_settings

    get_plugin_settings("napari-gamut").screen.space = "Display P3"
    window.open_sample("napari-gamut", "chart")
    window.layers[1].visible = False
    shot = canvas(window)
    expected = display_image(wide_gamut_chart(), PROPHOTO, DISPLAY_P3)
    # The patch in the last column and the fifth row of the photo, 440 x 480 pixels.
    scale = min(shot.shape[0] / 440, shot.shape[1] / 480)
    y = shot.shape[0] / 2 + (180 - 220) * scale
    x = shot.shape[1] / 2 + (460 - 240) * scale
    assert shot[int(y), int(x)].tolist() == expected[180, 460].tolist()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pages_fit_the_window_and_the_window_a_small_screen(window: Viewer, theme: str) -> None:
    window.theme = theme
    window.window.resize(1280, 720)
    photo = window.add_image(patches((1, 2, 3)), rgb=True, name="a photo with a long name " * 4)
    for title in ("Expand", "See", "Maps", "Iterations", "Measure", "Reduce", "Folder"):
        page = open_panel(window, title)
        page.follow(photo)
        for _ in range(20):
            QApplication.processEvents()
        assert page._content.width() <= page.native.viewport().width(), title
        assert page.native.width() <= page.panel.width(), title
        assert page.panel.minimumSizeHint().height() <= 400, title
        smallest = window.window._qt_window.minimumSizeHint()
        assert smallest.width() <= 1280, title
        assert smallest.height() <= 720, title


def test_a_mask_covers_the_clipped_pixels_alone(window: Viewer, finish: Any) -> None:
    window.add_image(patches((255, 10, 20), (120, 130, 140)), rgb=True, name="photo")
    panel = open_panel(window, "Maps")
    panel.start()
    finish(panel)
    window.layers[1].opacity = 1.0
    clipped, other = seen(window, 2)
    assert clipped == [255, 59, 212]
    assert other == [120, 130, 140]


def test_the_curtain_divides_the_canvas(window: Viewer, finish: Any) -> None:
    colours = [(200, 40, 40)] * 4, [(40, 40, 200)] * 4
    for name, half in zip(("before", "after"), colours, strict=True):
        window.add_image(patches(*half), rgb=True, name=name)
    panel = open_panel(window, "See")
    panel.before.value, panel.after.value = list(window.layers)[:2]
    panel.start()
    finish(panel)
    panel.look.value = "srgb"
    panel.start()
    finish(panel)
    panel.position.value = 0.5
    assert seen(window, 4) == [[200, 40, 40]] * 2 + [[40, 40, 200]] * 2


def test_what_is_seen_of_a_photo_is_known(window: Viewer) -> None:
    photo = window.add_image(np.zeros((400, 800, 3), np.uint8), rgb=True, scale=(2.0, 2.0))
    canvas(window)
    whole = view_of(photo, window)
    assert (whole.top, whole.left, whole.bottom, whole.right) == (0, 0, 400, 800)
    assert whole.step == pytest.approx(1 / (2.0 * window.scene.camera.zoom))
    window.scene.camera.center = (200.0, 300.0)
    window.scene.camera.zoom *= 8
    for _ in range(5):
        QApplication.processEvents()
    part = view_of(photo, window)
    assert part.step == pytest.approx(whole.step / 8)
    assert (part.top + part.bottom) / 2 == pytest.approx(100, abs=2)
    assert (part.left + part.right) / 2 == pytest.approx(150, abs=2)
    assert part.right - part.left == pytest.approx(100, abs=4)


@pytest.mark.parametrize("zoomed", [False, True])
def test_opening_the_panel_leaves_the_whole_photo_in_sight(
    window: Viewer, qtbot: Any, monkeypatch: pytest.MonkeyPatch, zoomed: bool
) -> None:
    photo = window.add_image(np.zeros((400, 600, 3), np.uint8), rgb=True)
    monkeypatch.setattr("napari.current_viewer", lambda: window)
    qtbot.wait(200)
    window.reset_view()
    if zoomed:
        window.scene.camera.zoom *= 4
    before = window.scene.camera.zoom
    commands.expand()
    qtbot.wait(500)
    if zoomed:  # People look at what they chose to look at.
        assert window.scene.camera.zoom == pytest.approx(before)
    else:
        whole = view_of(photo, window)
        assert (whole.left, whole.right) == (0, 600)
        assert window.scene.camera.zoom < before
