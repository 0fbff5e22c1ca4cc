"""The panels in a viewer."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from napari.layers import Image, Labels
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.shortcuts import _default_shortcuts
from qtpy.QtWidgets import QApplication

from core.colour import DISPLAY_P3
from core.engine.expansion import ExpansionSettings, expand
from core.files import read, write_codes
from core.gamut import LOSSY_TOLERANCE, clipped_mask
from core.methods.registry import method
from core.network.solver import SolverSettings, solve
from napari_gamut import levels, samples
from napari_gamut.engine import Expanded
from napari_gamut.naming import percentage, recipe
from napari_gamut.photos import photo_of
from napari_gamut.previewing import Glimpse
from napari_gamut.records import record_in
from napari_gamut.settings import Preferences, preferences
from napari_gamut.widgets import expand_page
from napari_gamut.widgets.preview_layer import NAME
from napari_gamut.widgets.shortcuts import BEFORE, EXPAND, GAINED, KEYS, SEE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer

TITLES = ("Expand", "See", "Maps", "Iterations", "Measure", "Reduce", "Folder")


def choose(panel: Any, weights: Path) -> None:
    panel.choice.model.value = "file"
    panel.choice.weights.value = weights


def add_chart(viewer: Viewer) -> tuple[Any, Any]:
    for data, meta, _ in samples.chart():
        viewer.add_image(data[::4, ::4] if "metadata" not in meta else data, **meta)
    return viewer.layers[0], viewer.layers[1]


def controls(container: Any) -> list[Any]:
    found = []
    for widget in container:
        found += controls(widget) if hasattr(widget, "__iter__") else [widget]
    return found


@pytest.mark.parametrize("title", TITLES)
def test_a_panel_opens_in_an_empty_viewer(
    viewer: Viewer, dock: Callable[[str], Any], warnings_shown: list[str], title: str
) -> None:
    panel = dock(title)
    panel.start()
    assert not panel.busy
    (sentence,) = warnings_shown
    assert sentence.endswith(".")
    assert panel.note == sentence


@pytest.mark.parametrize("title", TITLES)
def test_every_control_has_a_help_text(dock: Callable[[str], Any], title: str) -> None:
    panel = dock(title)
    inner = [getattr(panel, name, None) for name in ("_buttons", "player")]
    parts = [getattr(part, "controls", part) for part in inner if part is not None]
    widgets = controls(panel) + [widget for part in parts for widget in controls(part)]
    without = [
        widget.name or widget
        for widget in [*widgets, panel.run]
        if widget is not panel.progress and not widget.tooltip
    ]
    assert without == []


def test_expanding_adds_a_layer_where_the_source_stands(
    viewer: Viewer,
    dock: Callable[[str], Any],
    finish: Callable[[Any], None],
    codes: np.ndarray,
    weights: Path,
) -> None:
    turned = [[0.9, 0.1, 3.0], [-0.1, 0.9, 4.0], [0.0, 0.0, 1.0]]
    source = viewer.add_image(
        codes,
        rgb=True,
        name="photo",
        scale=(2.0, 3.0),
        translate=(5.0, 6.0),
        units=("mm", "mm"),
        affine=turned,
    )
    panel = dock("Expand")
    choose(panel, weights)
    panel.start()
    assert panel.busy
    assert panel.run.text == "Cancel"
    finish(panel)
    assert panel.run.text == "Expand"
    added = viewer.layers[-1]
    assert added.name.startswith("photo · 100% · random")
    assert added.name.endswith(" · source unknown · in ProPhoto")
    assert np.array_equal(added.data, codes)
    assert added.rgb
    assert tuple(added.contrast_limits) == (0, 255)
    assert np.array_equal(added.scale, source.scale)
    assert np.array_equal(added.translate, source.translate)
    assert np.array_equal(added.affine.affine_matrix, source.affine.affine_matrix)
    assert added.units == source.units
    assert np.array_equal(source.data, codes)
    record = record_in(added.metadata)
    assert record.made.model.startswith("random")
    assert record.wide.values.dtype == np.float32
    assert "of the pixels" in panel.note


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (np.full((9, 9, 3), np.nan), "not numbers"),
        (np.full((9, 9, 3), 2.0), "go from 0 to 2"),
        (np.full((9, 9, 3), 7, np.int32), "type int32"),
    ],
)
def test_wrong_values_are_a_notification(
    viewer: Viewer,
    dock: Callable[[str], Any],
    finish: Callable[[Any], None],
    warnings_shown: list[str],
    data: np.ndarray,
    says: str,
) -> None:
    viewer.add_image(data, rgb=True, contrast_limits=(0, 1))
    panel = dock("Expand")
    panel.choice.model.value = "naive"
    panel.start()
    finish(panel)
    (sentence,) = warnings_shown
    assert says in sentence
    assert len(viewer.layers) == 1


def test_only_image_layers_can_be_chosen(viewer: Viewer, dock: Callable[[str], Any]) -> None:
    panel = dock("Expand")
    viewer.add_labels(np.zeros((9, 9), int))
    assert panel.layer.choices == ()
    added = viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True)
    assert panel.layer.choices == (added,)


def test_a_jpeg_gets_the_tolerance_of_lossy_files(
    viewer: Viewer, dock: Callable[[str], Any], tmp_path: Path, codes: np.ndarray
) -> None:
    panel = dock("Expand")
    viewer.add_image(codes, rgb=True, name="lossless")
    assert panel.tolerance.value == 0
    write_codes(tmp_path / "photo.jpg", codes)
    layer = Image(codes, rgb=True, name="lossy")
    layer._source = layer.source.model_copy(update={"path": str(tmp_path / "photo.jpg")})
    viewer.add_layer(layer)
    assert panel.layer.value is layer
    assert panel.tolerance.value == LOSSY_TOLERANCE


class Gate:
    """Work that waits for a sign, to be cancelled meanwhile."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.started = threading.Event()
        self.closed = threading.Event()

    def __call__(self, photo: Any, request: Any, check: Any, **_: Any) -> Any:
        self.started.set()
        try:
            yield 0, 2
            while not self.open.wait(0.02):
                yield 1, 2
            return Expanded(photo.data, photo.record)
        finally:
            self.closed.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr("napari_gamut.widgets.expand_page.expand_photo", gate)
    return gate


def running(viewer: Viewer, dock: Callable[[str], Any], codes: np.ndarray, gate: Gate) -> Any:
    viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Expand")
    panel.start()
    assert gate.started.wait(10)
    return panel


def test_no_bar_moves_by_itself(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    # Each of its moves would draw the whole window again.
    panel = running(viewer, dock, codes, gate)
    assert (panel.progress.native.minimum(), panel.progress.native.maximum()) == (0, 1)
    qtbot.waitUntil(lambda: panel.progress.max == 2, timeout=10_000)
    panel.cancel()
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)


def test_reports_that_come_while_a_bar_is_drawn_are_left_out(
    viewer: Viewer,
    dock: Any,
    qtbot: Any,
    codes: np.ndarray,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # napari handles events while it draws: on a busy machine each report came within another.
    panel = running(viewer, dock, codes, gate)
    depth: list[int] = []

    def again(page: Any, done: int, total: int) -> None:
        depth.append(done)
        page.show_bar(done + 1, total)

    monkeypatch.setattr("napari_gamut.widgets.page.Page._draw_bar", again)
    panel.show_bar(1, 2000)
    assert depth == [1]
    panel.cancel()
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)


def test_pressing_cancel_stops_the_work(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    panel = running(viewer, dock, codes, gate)
    panel.run.changed.emit(True)
    assert not panel.busy
    assert panel.run.text == "Expand"
    assert panel.note == "Cancelled."
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
    assert len(viewer.layers) == 1


def test_cancelling_ends_a_solver_between_two_iterations(
    viewer: Viewer,
    dock: Any,
    qtbot: Any,
    codes: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started, ended = threading.Event(), threading.Event()

    def endless(photo: Any, request: Any, check: Any, **_: Any) -> Any:
        yield 0, 1
        started.set()
        solver = SolverSettings(max_steps=10**9, tolerance=0.0)
        try:
            solve(lambda state: state + 1.0, torch.ones(1, 4), solver, check=check)
        finally:
            ended.set()

    monkeypatch.setattr("napari_gamut.widgets.expand_page.expand_photo", endless)
    viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Expand")
    panel.start()
    assert started.wait(10)
    panel.run.changed.emit(True)
    assert panel.note == "Cancelled."
    qtbot.waitUntil(ended.is_set, timeout=10_000)


def test_removing_the_layer_stops_the_work(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    panel = running(viewer, dock, codes, gate)
    viewer.layers.remove("photo")
    assert not panel.busy
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
    assert len(viewer.layers) == 0
    assert "layer was removed" in panel.note


def test_closing_the_panel_stops_the_work(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    panel = running(viewer, dock, codes, gate)
    viewer.window.remove_dock_widget(panel.panel)
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
    QApplication.processEvents()
    assert len(viewer.layers) == 1


def test_closing_the_window_stops_the_work(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    running(viewer, dock, codes, gate)
    viewer.close()
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)


# napari ignores this warning of its own, but superqt's workers set the filters of all threads back.
@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_two_jobs_at_once_do_not_disturb_each_other(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    panels = [dock("Expand"), dock("Maps")]
    choose(panels[0], weights)
    for panel in panels:
        panel.start()
    for panel in panels:
        finish(panel)
    names = {layer.name for layer in viewer.layers}
    assert any(name.startswith("photo · 100% · random") for name in names)
    assert any(name.startswith("clipped") for name in names)


def expanded_stack(viewer: Viewer, dock: Any, finish: Any, weights: Path, data: Any) -> Any:
    from napari.settings import get_plugin_settings

    get_plugin_settings("napari-gamut").screen.space = "Display P3"
    viewer.add_image(data, rgb=True, name="stack")
    panel = dock("Expand")
    choose(panel, weights)
    panel.start()
    finish(panel)
    return panel


def test_the_frame_of_a_stack_that_is_shown_is_expanded_beside_the_window(
    viewer: Viewer, dock: Any, finish: Any, qtbot: Any, codes: np.ndarray, weights: Path
) -> None:
    stack = np.stack([codes, codes[::-1], codes[:, ::-1]])
    panel = expanded_stack(viewer, dock, finish, weights, stack)
    frames = viewer.layers[-1].data
    shown = viewer.dims.current_step[0]
    qtbot.waitUntil(lambda: (shown,) in frames, timeout=60_000)
    viewer.dims.set_current_step(0, 2)
    assert (2,) not in frames
    qtbot.waitUntil(lambda: (2,) in frames, timeout=60_000)
    qtbot.waitUntil(lambda: panel.note == "Frame 2 is expanded.", timeout=10_000)
    assert not np.array_equal(frames[2], stack[2])
    assert (0,) not in frames


def test_removing_an_expanded_stack_stops_its_expansion(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    expanded_stack(viewer, dock, finish, weights, np.stack([codes, codes]))
    frames = viewer.layers[-1].data
    viewer.layers.remove(viewer.layers[-1])
    assert frames.wanted is None


def test_a_damaged_frame_is_a_notification(
    viewer: Viewer,
    dock: Any,
    finish: Any,
    qtbot: Any,
    weights: Path,
    warnings_shown: list[str],
) -> None:
    stack = np.zeros((2, 20, 20, 3), np.float32)
    stack[1] = np.nan
    expanded_stack(viewer, dock, finish, weights, stack)
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: any("not numbers" in text for text in warnings_shown), timeout=60_000)


def test_saving_writes_the_wide_colours(
    viewer: Viewer, dock: Any, finish: Any, tmp_path: Path, codes: np.ndarray, weights: Path
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Expand")
    choose(panel, weights)
    panel.start()
    finish(panel)
    panel.save(tmp_path / "wide.tif")
    finish(panel)
    assert read(tmp_path / "wide.tif").profile_name.startswith("ProPhoto")
    assert panel.note == "Saved as wide.tif."


def test_masks_and_maps_become_layers(viewer: Viewer, dock: Any, finish: Any) -> None:
    original, _ = add_chart(viewer)
    panel = dock("Maps")
    panel.layer.value, panel.reference.value = original, original
    for box in panel.boxes.values():
        box.value = True
    panel.start()
    finish(panel)
    added = list(viewer.layers)[2:]
    assert [isinstance(layer, Labels) for layer in added] == [False] * 3 + [True] * 3
    assert added[3].name.startswith("clipped ")
    assert [layer.colorbar.visible for layer in added[:3]] == [False, False, True]
    assert all(layer.opacity < 0.9 for layer in added)  # The photo below is seen, too.


def test_the_slider_shows_iterations_and_the_plot_follows(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    viewer.add_image(codes, rgb=True, name="photo", scale=(2.0, 2.0))
    panel = dock("Iterations")
    choose(panel, weights)
    panel.start()
    finish(panel)
    count = len(panel.trace.kept)
    slider = panel.player.slider
    assert slider.value == slider.max == count > 2
    shown = viewer.layers["iteration"]
    assert shown.scale.tolist() == [2.0, 2.0]
    slider.value = 2
    assert np.array_equal(shown.data, panel.trace.kept[1].image)
    assert f"Iteration 2 of {count}" in panel.note
    assert panel.plot.marked == 2
    panel.player.view.value = "change"
    change = viewer.layers["change (ΔE2000)"]
    slider.value = 1
    assert np.array_equal(change.data, panel.trace.kept[0].change)
    assert viewer.layers["photo"].data is codes


def test_a_click_into_the_plot_moves_the_slider(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    from matplotlib.backend_bases import MouseEvent

    viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Iterations")
    choose(panel, weights)
    panel.start()
    finish(panel)
    axes = panel.plot.figure.axes[0]
    panel.plot.canvas.draw()
    x, y = axes.transData.transform((3, panel.trace.residuals[0]))
    event = MouseEvent("button_press_event", panel.plot.canvas, x, y, button=1)
    panel.plot.canvas.callbacks.process("button_press_event", event)
    assert panel.player.slider.value == 3


def test_playing_runs_to_the_end(
    viewer: Viewer, dock: Any, finish: Any, qtbot: Any, codes: np.ndarray, weights: Path
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Iterations")
    choose(panel, weights)
    panel.start()
    finish(panel)
    player = panel.player
    player.timer.setInterval(5)
    for _ in range(2):
        player.play.changed.emit(True)
        assert player.play.text == "Stop"
        assert player.slider.value == 1
        qtbot.waitUntil(lambda: player.slider.value == player.slider.max, timeout=10_000)
        assert player.play.text == "Play"
        assert not player.timer.isActive()


def test_curves_of_several_solvers_share_a_plot_that_is_saved(
    viewer: Viewer,
    dock: Any,
    finish: Any,
    codes: np.ndarray,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Iterations")
    choose(panel, weights)
    for solver in ("anderson", "picard"):
        panel.method.value = solver
        panel.start()
        finish(panel)
    labels = [line.get_label() for line in panel.plot.figure.axes[0].lines]
    assert labels[:2] == ["Anderson, m = 5, β = 1", "Picard, β = 1"]
    asked = tmp_path / "curves.svg"
    monkeypatch.setattr("napari_gamut.widgets.iterations_page.asked_path", lambda *_: asked)
    panel.save_plot.changed.emit(True)
    assert asked.stat().st_size > 1000
    panel.forget.changed.emit(True)
    labels = [line.get_label() for line in panel.plot.figure.axes[0].lines]
    assert labels[0] == "Picard, β = 1"


def test_measuring_fills_the_table_and_the_clipboard(
    viewer: Viewer, dock: Any, finish: Any, tmp_path: Path
) -> None:
    (original, _), (codes, _) = [item[:2] for item in samples.chart()]
    reference = viewer.add_image(original, **samples.chart()[0][1])
    photo = viewer.add_image(codes, rgb=True, name="photo")
    panel = dock("Measure")
    panel.layer.value, panel.reference.value = photo, reference
    panel.start()
    finish(panel)
    texts = [[panel.table.item(line, column).text() for line in range(5)] for column in range(3)]
    assert texts == [list(row[1:]) for row in panel.measured.rows]
    assert float(texts[1][0]) < float(texts[2][0])  # Out of gamut, in gamut.
    panel.layer.value = reference  # The table stays, and says what it is of.
    assert panel.measured_label.text() == f"“photo” against “{reference.name}”:"
    panel.copy.changed.emit(True)
    text = QApplication.clipboard().text()
    assert text.splitlines()[1].split("\t") == [
        "photo",
        reference.name,
        "",
        *panel.measured.rows[0],
    ]
    panel.save_rows(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text("utf-8-sig").splitlines()[0].startswith("Photo,")


def test_chromaticities_of_a_region_are_drawn_and_saved(
    viewer: Viewer, dock: Any, finish: Any, tmp_path: Path, warnings_shown: list[str]
) -> None:
    for data, meta, _ in samples.chart():
        viewer.add_image(data, **meta)
    panel = dock("Measure")
    panel.layer.value = viewer.layers[1]
    panel.reference.value = viewer.layers[0]
    panel.region.value = viewer.add_shapes([[10, 10], [60, 90]], shape_type="rectangle")
    panel.diagram.value = "uv"
    panel.draw_diagram()
    finish(panel)
    titles = [axes.get_title() for axes in panel.plot.figure.axes]
    assert titles[:2] == ["chart (sRGB)", "chart (original)"]
    hover_over(panel, 0.64, 0.33, "uv")
    panel.overlaid.value = True
    (legend,) = panel.plot.figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == titles[:2]
    panel.diagram.value = "codes"
    assert "clipped: " in panel.plot.figure.axes[0].texts[0].get_text()
    assert not panel.overlaid.enabled
    for name in ("plot.png", "plot.svg"):
        panel.save_drawing(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    panel.region.value.data = []
    panel.draw_diagram()
    assert "draw a shape over it" in warnings_shown[-1]


def hover_over(panel: Any, x: float, y: float, diagram: str) -> None:
    from matplotlib.backend_bases import MouseEvent

    from core.pictures import pointed_at

    axes = panel.plot.figure.axes[0]
    panel.plot.canvas.draw()
    place = (4 * x / (-2 * x + 12 * y + 3), 9 * y / (-2 * x + 12 * y + 3))
    where = axes.transData.transform(place)
    event = MouseEvent("motion_notify_event", panel.plot.canvas, *where)
    panel.plot.canvas.callbacks.process("motion_notify_event", event)
    assert pointed_at(*place, diagram).sentence[-12:] in panel.hovered.text()


def add_two(viewer: Viewer) -> tuple[Any, Any]:
    before = viewer.add_image(np.full((20, 40, 3), 50, np.uint8), rgb=True, name="before")
    after = viewer.add_image(np.full((20, 40, 3), 200, np.uint8), rgb=True, name="after")
    return before, after


def test_the_curtain_shows_before_at_the_left(viewer: Viewer, dock: Any, finish: Any) -> None:
    before, after = add_two(viewer)
    panel = dock("See")
    panel.before.value, panel.after.value = before, after
    panel.start()
    finish(panel)
    panel.position.value = 0.25
    shown = viewer.layers["before | after"].data
    assert shown[:, :8].max() == 50
    assert shown[:, 13:].min() == 200
    assert shown[:, 9:11].max() == 255  # The line between them.
    panel.show_box.value = "before"
    assert (shown == 50).all()
    panel.show_box.value = "after"
    assert (shown == 200).all()


def test_holding_a_key_shows_the_photo_before(viewer: Viewer, dock: Any, finish: Any) -> None:
    before, after = add_two(viewer)
    panel = dock("See")
    panel.before.value, panel.after.value = before, after
    panel.show_box.value = "after"
    panel.start()
    finish(panel)
    shown = viewer.layers["before | after"].data
    pressed = key(viewer, BEFORE)(viewer)
    next(pressed)
    assert (shown == 50).all()
    next(pressed, None)
    assert (shown == 200).all()


def key(viewer: Viewer, name: str) -> Any:
    """Return what a key of the viewer does."""
    (found,) = [action for bound, action in viewer.keymap.items() if str(bound) == name]
    return found


def test_no_key_is_one_of_naparis() -> None:
    taken = [coerce_keybinding(each) for keys in _default_shortcuts.values() for each in keys]
    assert coerce_keybinding("B") in taken
    assert not any(coerce_keybinding(each) in taken for each in KEYS)


def test_keys_expand_compare_and_mark(
    viewer: Viewer, panel: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    expand = panel.page("Expand")
    expand.choice.model.value = "file"
    expand.choice.weights.value = weights
    key(viewer, EXPAND)(viewer)
    finish(expand)
    key(viewer, SEE)(viewer)
    see = panel.page("See")
    finish(see)
    assert see.is_showing
    key(viewer, GAINED)(viewer)
    assert viewer.layers["what came back"].visible
    assert "the brighter, the more" in see.note
    key(viewer, GAINED)(viewer)
    assert not viewer.layers["what came back"].visible
    assert "Lit up" not in see.note


def test_keys_go_with_the_panel(viewer: Viewer, panel: Any) -> None:
    assert {str(bound) for bound in viewer.keymap} >= set(KEYS)
    panel.close_down()
    assert not {str(bound) for bound in viewer.keymap} & set(KEYS)


def test_without_a_result_people_are_told_what_to_do(
    viewer: Viewer, panel: Any, codes: np.ndarray, warnings_shown: list[str]
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    expand = panel.page("Expand")
    expand.see_button.changed.emit(True)
    assert warnings_shown == ["There is no expanded layer yet; expand the photo first."]
    key(viewer, SEE)(viewer)
    assert "“photo”" in warnings_shown[1]
    assert "expand it first" in warnings_shown[1]


def test_people_are_told_of_a_layer_that_covers_the_comparison(
    viewer: Viewer, dock: Any, finish: Any
) -> None:
    before, after = add_two(viewer)
    panel = dock("See")
    panel.before.value, panel.after.value = before, after
    panel.start()
    finish(panel)
    panel.hold(True)
    assert "lies over" not in panel.note
    cover = viewer.add_image(np.zeros((20, 40, 3), np.uint8), rgb=True, name="cover")
    panel.hold(True)
    assert panel.note == "“cover” lies over the picture; hide it to see both photos."
    panel.hold(False)
    panel.say("")
    panel.show_box.value = "before"
    assert panel.note == "“cover” lies over the picture; hide it to see both photos."
    cover.visible = False
    panel.say("")
    panel.hold(True)
    assert panel.note == ""


def test_the_same_layer_is_not_compared_with_itself(
    viewer: Viewer, dock: Any, warnings_shown: list[str]
) -> None:
    for _ in range(2):
        viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True)
    panel = dock("See")
    panel.before.value = panel.after.value
    panel.start()
    assert "two different" in warnings_shown[0]


def test_photos_of_two_sizes_are_not_compared(
    viewer: Viewer, dock: Any, warnings_shown: list[str]
) -> None:
    viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True)
    viewer.add_image(np.zeros((9, 8, 3), np.uint8), rgb=True)
    panel = dock("See")
    panel.before.value, panel.after.value = viewer.layers
    panel.start()
    assert "same size" in warnings_shown[0]


def test_a_folder_is_expanded(
    viewer: Viewer, dock: Any, finish: Any, tmp_path: Path, codes: np.ndarray
) -> None:
    (tmp_path / "in").mkdir()
    write_codes(tmp_path / "in" / "photo.png", codes)
    panel = dock("Folder")
    panel.source.value, panel.target.value = tmp_path / "in", tmp_path / "out"
    panel.choice.model.value = "naive"
    panel.start()
    finish(panel)
    assert (tmp_path / "out" / "photo.tif").exists()
    assert panel.note == "1 expanded, 0 kept from before, 0 failed."
    assert "photo.png → photo.tif" in panel.log.toPlainText()


def test_preferences_reach_the_panels(viewer: Viewer, dock: Any) -> None:
    from napari.settings import get_plugin_settings

    assert preferences() == Preferences("auto", 512, "srgb")
    settings = get_plugin_settings("napari-gamut")
    settings.engine.device = "cpu"
    settings.engine.tile = 256
    settings.screen.space = "Display P3"
    request = dock("Expand").request()
    assert (request.device, request.tile, request.display) == ("cpu", 256, "display-p3")


def test_strength_and_space_move_without_solving_again(
    viewer: Viewer,
    dock: Any,
    finish: Any,
    qtbot: Any,
    codes: np.ndarray,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Expand")
    choose(page, weights)
    page.start()
    finish(page)
    (result,) = list(viewer.layers)[1:]
    monkeypatch.setattr("core.engine.solved.photo_solve", None)
    page.choice.strength.value = 0.5
    page.choice.space.value = "display-p3"

    def adjusted() -> bool:
        made = record_in(result.metadata).made
        return (made.strength, made.space) == (0.5, "display-p3") and not page.busy

    qtbot.waitUntil(adjusted, timeout=60_000)
    settings = ExpansionSettings(space=DISPLAY_P3, strength=0.5)
    expected = expand(codes, method(weights), settings).values
    assert np.array_equal(record_in(result.metadata).wide.values, expected)
    assert result.name.endswith("source unknown · in P3")
    assert len(viewer.layers) == 2


def test_the_newest_wish_wins_and_is_previewed(
    viewer: Viewer,
    dock: Any,
    finish: Any,
    qtbot: Any,
    codes: np.ndarray,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Expand")
    choose(page, weights)
    page.start()
    finish(page)
    result = viewer.layers[1]
    before = record_in(result.metadata)
    ready, previews, asked = threading.Event(), [], []
    real = expand_page.expand_photo

    def slow(photo: Any, request: Any, **settings: Any) -> Any:
        asked.append(request.strength)
        yield Glimpse(np.full((20, 30, 3), 255 * request.strength, np.uint8), 0, 0, 2)
        while not ready.is_set():
            settings["check"]()
            yield 0, 1
        settings["view"] = None
        return (yield from real(photo, request, **settings))

    def held(photo: Any, request: Any, check: Any, **settings: Any) -> Any:
        return slow(photo, request, check=check, **settings)

    monkeypatch.setattr(expand_page, "expand_photo", held)

    def previewed(strength: float) -> bool:
        shown = [layer for layer in viewer.layers if layer.name == NAME]
        previews.extend(layer for layer in shown if layer not in previews)
        return bool(shown) and (shown[0].data == int(255 * strength)).all()

    for strength in (0.2, 0.4):
        page.choice.strength.value = strength
        qtbot.waitUntil(lambda strength=strength: previewed(strength), timeout=60_000)
    page.choice.strength.value = 1.0  # As it is: what runs is given up.
    qtbot.waitUntil(lambda: page.settled, timeout=60_000)
    assert record_in(result.metadata) is before
    page.choice.strength.value = 0.6
    ready.set()
    qtbot.waitUntil(lambda: record_in(result.metadata) is not before, timeout=60_000)
    finish(page)
    assert record_in(result.metadata).made.strength == 0.6
    assert asked == [0.2, 0.4, 0.6]
    assert list(viewer.layers) == [source, result]


def test_the_panel_tells_how_the_selected_layer_was_made(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    source = viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Expand")
    choose(page, weights)
    page.choice.strength.value = 0.5
    page.start()
    finish(page)
    result = viewer.layers[1]
    assert page.told_of_layer == recipe(record_in(result.metadata).made)
    assert "“photo”" in page.told_of_layer
    assert "strength 50%, source unknown, in ProPhoto" in page.told_of_layer
    viewer.layers.selection.active = source
    assert page.told_of_layer == ""


def test_pages_follow_the_selected_layer(viewer: Viewer, dock: Any, finish: Any) -> None:
    first = viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True, name="first")
    second = viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True, name="second")
    page = dock("Expand")
    assert page.layer.value is second
    viewer.layers.selection.active = first
    assert page.layer.value is first
    page.choice.model.value = "naive"
    page.start()
    finish(page)
    result = viewer.layers.selection.active
    assert page.layer.value is first
    see = dock("See")
    assert (see.before.value, see.after.value) == (first, result)
    assert result not in page.layer.choices


def test_a_region_alone_is_measured(viewer: Viewer, dock: Any, finish: Any) -> None:
    original, _ = add_chart(viewer)
    page = dock("Measure")
    page.layer.value, page.reference.value = original, original
    page.region.value = viewer.add_shapes(
        [[9.6, 9.6], [9.6, 59.4], [59.4, 59.4], [59.4, 9.6]], shape_type="polygon", name="box"
    )
    page.start()
    finish(page)
    assert page.measured.rows[0][-1] == "2500"
    assert page.note.startswith("2500 pixels inside “box”")


def test_a_picture_of_one_frame_does_not_stay_over_the_next(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray
) -> None:
    viewer.add_image(np.stack([codes, codes]), rgb=True, name="stack", scale=(2.0, 1.0, 1.0))
    viewer.dims.set_current_step(0, 1)
    page = dock("Maps")
    page.start()
    finish(page)
    mask = viewer.layers[-1]
    assert mask.data.shape == (1, *codes.shape[:2])
    assert mask.data_to_world((0, 0, 0)) == pytest.approx((2.0, 0.0, 0.0))


def test_settings_survive_the_panel(viewer: Viewer, dock: Any) -> None:
    page = dock("Expand")
    page.choice.strength.value = 0.75
    dock("Measure")
    viewer.window.remove_dock_widget(page.panel)
    panel = viewer.window.add_plugin_dock_widget("napari-gamut", "Gamut Expansion")[1]
    assert panel.page("Expand").choice.strength.value == 0.75
    assert panel._places.currentWidget() is panel.page("Measure").native


def test_a_photo_of_other_numbers_is_converted_by_a_button(
    viewer: Viewer, dock: Any, finish: Any, warnings_shown: list[str]
) -> None:
    viewer.add_image(np.full((9, 9, 3), 7, np.int32), rgb=True, name="photo")
    page = dock("Expand")
    page.start()
    assert "convert it" in warnings_shown[-1]
    page.remedy.changed.emit(True)
    finish(page)
    assert viewer.layers[-1].data.dtype == np.uint8
    assert page.layer.value is viewer.layers[-1]


def test_a_renamed_layer_and_a_chosen_source_stay_chosen(viewer: Viewer, dock: Any) -> None:
    viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True, name="first")
    second = viewer.add_image(np.zeros((9, 9, 3), np.uint8), rgb=True, name="second")
    page = dock("Expand")
    page.origin.source.value = "adobe-rgb"
    second.name = "renamed"
    viewer.add_labels(np.zeros((9, 9), int))
    assert page.layer.value is second
    assert page.origin.source.value == "adobe-rgb"


def box(viewer: Viewer, size: int = 40) -> Any:
    """A painted square at the upper left."""
    painted = np.zeros((70, 90), int)
    painted[:size, :size] = 1
    return viewer.add_labels(painted, name="square")


def test_a_region_alone_is_expanded_and_stays_so_when_settings_change(
    viewer: Viewer, dock: Any, finish: Any, qtbot: Any, codes: np.ndarray, weights: Path
) -> None:
    source = viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Expand")
    choose(page, weights)
    page.region.value = box(viewer)
    page.feather.value = 5
    page.layer.value = source
    page.start()
    finish(page)
    result = viewer.layers.selection.active
    assert result.name.endswith("inside square")
    expected = photo_of(result).linear()
    outside = photo_of(source).linear()
    assert np.array_equal(expected[:, 40:], np.clip(outside, 0, 1)[:, 40:])
    assert not np.array_equal(expected[:40, :40], outside[:40, :40])
    page.choice.strength.value = 0.5
    qtbot.waitUntil(
        lambda: record_in(result.metadata).made.strength == 0.5 and not page.busy, timeout=60_000
    )
    assert np.array_equal(photo_of(result).linear()[:, 40:], expected[:, 40:])
    assert not np.array_equal(photo_of(result).linear(), expected)


def test_masks_respect_a_region(viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray) -> None:
    source = viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Maps")
    page.region.value = box(viewer)
    page.layer.value = source
    page.boxes["restored"].value = True
    page.start()
    finish(page)
    mask, restored = viewer.layers[-1], viewer.layers[-2]
    inside = clipped_mask(codes)[:40, :40]
    assert np.array_equal(mask.data[:40, :40], inside)
    assert mask.data[40:].max() == 0
    assert percentage(inside.mean()) in mask.name
    assert np.isnan(restored.data[40:]).all()
    assert np.isfinite(restored.data[:40, :40]).all()


def select(viewer: Viewer, page: Any, photos: list[Any]) -> None:
    viewer.layers.selection.active = photos[0]
    viewer.layers.selection = set(photos)
    page.layer.value = photos[0]


def test_selected_photos_are_expanded_one_after_the_other(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, warnings_shown: list[str]
) -> None:
    photos = [viewer.add_image(codes, rgb=True, name=f"photo {n}") for n in range(3)]
    page = dock("Expand")
    page.choice.model.value = "naive"
    page.region.value = box(viewer)
    photos[1].translate = (500.0, 500.0)  # The region is not on it.
    select(viewer, page, photos)
    page.origin.source.value = "adobe-rgb"
    page._on_selection()
    assert page.run.text == "Expand 3 photos"
    page.start()
    qtbot.waitUntil(lambda: len(viewer.layers) == 6 and not page.busy, timeout=60_000)
    made = [record_in(layer.metadata).made for layer in list(viewer.layers)[4:]]
    assert [item.source for item in made] == ["photo 0", "photo 2"]
    assert [item.origin for item in made] == ["adobe-rgb"] * 2
    assert "holds no pixel" in warnings_shown[0]


def test_cancelling_ends_the_queue(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    photos = [viewer.add_image(codes, rgb=True, name=f"photo {n}") for n in range(3)]
    page = dock("Expand")
    select(viewer, page, photos)
    page.start()
    assert gate.started.wait(10)
    qtbot.waitUntil(lambda: page.note.startswith("Photo 1 of 3: "), timeout=10_000)
    page.run.changed.emit(True)
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
    assert not page.busy
    assert len(viewer.layers) == 3


def test_a_preview_is_shown_until_the_whole_is_done(
    viewer: Viewer, dock: Any, finish: Any, qtbot: Any, codes: np.ndarray, monkeypatch: Any
) -> None:
    go_on = threading.Event()
    picture = np.full((7, 9, 3), 99, np.uint8)

    def two_parts(photo: Any, request: Any, check: Any, **_: Any) -> Any:
        yield 0, 0
        yield Glimpse(picture, 10, 20, 4)
        while not go_on.wait(0.02):
            yield 0, 2
        return Expanded(photo.data, record_in({}))

    monkeypatch.setattr("napari_gamut.widgets.expand_page.expand_photo", two_parts)
    monkeypatch.setattr("napari_gamut.widgets.expand_page.ExpandPage._add", lambda *_: None)
    source = viewer.add_image(codes, rgb=True, name="photo", scale=(2.0, 2.0))
    page = dock("Expand")
    page.start()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=10_000)
    shown = viewer.layers[-1]
    assert np.array_equal(shown.data, picture)
    assert shown.data_to_world((0, 0)) == pytest.approx((23.0, 43.0))
    assert viewer.layers.selection.active is source
    assert shown not in page.layer.choices
    go_on.set()
    finish(page)
    assert list(viewer.layers) == [source]


def test_presets_are_kept_set_and_forgotten(viewer: Viewer, dock: Any) -> None:
    page = dock("Expand")
    page.choice.strength.value, page.choice.space.value = 0.6, "display-p3"
    page.presets.keep("Skin")
    page.choice.strength.value, page.choice.space.value = 1.2, "prophoto"
    page.presets.keep("Flowers")
    page.presets.choice.value = "Skin"
    assert (page.choice.strength.value, page.choice.space.value) == (0.6, "display-p3")
    viewer.window.remove_dock_widget(page.panel)
    panel = viewer.window.add_plugin_dock_widget("napari-gamut", "Gamut Expansion")[1]
    page = panel.page("Expand")
    assert set(page.presets.choice.choices) == {None, "Flowers", "Skin"}
    page.presets.choice.value = "Flowers"
    assert page.choice.strength.value == 1.2
    page.presets._forget.changed.emit(True)
    assert set(page.presets.choice.choices) == {None, "Skin"}


def test_the_comparison_follows_the_result(
    viewer: Viewer, dock: Any, finish: Any, qtbot: Any, codes: np.ndarray, weights: Path
) -> None:
    viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Expand")
    choose(page, weights)
    page.start()
    finish(page)
    see = dock("See")
    see.show_box.value = "after"
    see.start()
    finish(see)
    shown = see._shown
    before = shown.data.copy()
    page.choice.strength.value = 0.0
    qtbot.waitUntil(lambda: not np.array_equal(shown.data, before), timeout=60_000)
    assert see._shown is shown
    assert shown in viewer.layers


def test_a_large_photo_is_shown_in_levels_everywhere(
    viewer: Viewer, dock: Any, finish: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "LONGEST_SINGLE", 600)
    rng = np.random.default_rng(0)
    codes = np.clip(rng.normal(128, 90, (40, 1200, 3)), 0, 255).astype(np.uint8)
    write_codes(tmp_path / "large.png", codes)
    (photo,) = viewer.open(tmp_path / "large.png", plugin="napari-gamut")
    assert [level.shape[1] for level in photo.data] == [1200, 600, 300]
    page = dock("Expand")
    page.choice.model.value = "naive"
    page.start()
    finish(page)
    result = viewer.layers.selection.active
    assert result.multiscale
    assert np.array_equal(result.data[0], codes)
    page.choice.space.value = "display-p3"
    page.adjust()
    finish(page)
    assert record_in(result.metadata).wide.space == "display-p3"
    see = dock("See")
    see.gained.value = True
    see.start()
    finish(see)
    shown = see._shown
    see.show_box.value = "before"
    before = shown.data[1].copy()
    see.show_box.value = "curtain"
    assert shown.multiscale
    assert not np.array_equal(shown.data[1], before)  # The line, in all levels.
    maps = dock("Maps")
    maps.boxes["restored"].value = True
    maps.layer.value = result
    maps.start()
    finish(maps)
    mask, restored = viewer.layers[-1], viewer.layers[-2]
    assert mask.multiscale and restored.multiscale
    assert np.array_equal(mask.data[0], clipped_mask(codes))
    page = dock("Expand")
    page.save(tmp_path / "large.tif", result)
    finish(page)
    assert read(tmp_path / "large.tif").pixels.shape == codes.shape


def test_nothing_of_removed_layers_is_held(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray, weights: Path
) -> None:
    photo = viewer.add_image(codes, rgb=True, name="photo")
    expand_page, see, iterations = (dock(title) for title in ("Expand", "See", "Iterations"))
    for page in (expand_page, iterations):
        choose(page, weights)
    for page in (expand_page, see, iterations):
        page.layer.value = photo if page is not see else viewer.layers.selection.active
        page.start()
        finish(page)
    held = [
        weakref.ref(record_in(viewer.layers[1].metadata).wide.values),
        weakref.ref(expand_page._last.solve.solved),
        weakref.ref(see._pair),
        weakref.ref(iterations.player.trace.kept[0]),
    ]
    assert all(ref() is not None for ref in held)
    viewer.layers.clear()
    QApplication.processEvents()
    gc.collect()
    assert [ref() for ref in held] == [None] * 4
    iterations.player.slider.value = 1  # Nothing happens, and nothing fails.


def test_a_file_of_weights_that_nobody_chose_is_asked_for(
    viewer: Viewer, dock: Any, codes: np.ndarray, warnings_shown: list[str]
) -> None:
    viewer.add_image(codes, rgb=True)
    page = dock("Expand")
    page.choice.model.value = "file"
    page.start()
    assert warnings_shown == ["Choose a file of weights (.safetensors), or another method."]


def test_naive_inversion_claims_nothing(
    viewer: Viewer, dock: Any, finish: Any, codes: np.ndarray
) -> None:
    viewer.add_image(codes, rgb=True)
    page = dock("Expand")
    page.choice.model.value = "naive"
    page.start()
    finish(page)
    assert page.note.startswith("Naive inversion restores nothing")


def test_one_thing_is_counted_in_the_singular(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    page = running(viewer, dock, codes, gate)
    # What the job itself tells has been shown: it waits from now on.
    qtbot.waitUntil(lambda: page.progress.max == 2, timeout=10_000)
    page.show_progress((1, 1))
    assert page.note == "1 of 1 tile"
    page.show_progress((2, 2))
    assert page.note == "2 of 2 tiles"
    page.cancel()
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
