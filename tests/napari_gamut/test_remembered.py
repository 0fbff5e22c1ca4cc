"""What people chose is kept, beside what other windows keep."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from napari_gamut import presets, remembered

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer


@pytest.fixture
def path(plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, in a folder of its own."""
    path = tmp_path / "napari-gamut.json"
    monkeypatch.setattr(remembered, "_path", lambda: path)
    return path


def test_another_napari_s_presets_stay(path: Path) -> None:
    presets.keep("Mine", {"strength": 0.5})
    remembered.write()
    found = json.loads(path.read_text())
    found["Presets"]["Theirs"] = {"strength": 0.7}
    found["See"] = {"gained": True}
    path.write_text(json.dumps(found))
    presets.keep("Second", {"strength": 0.9})
    remembered.store("Expand", {"strength": 0.3})
    remembered.write()
    found = json.loads(path.read_text())
    assert set(found["Presets"]) == {"Mine", "Second", "Theirs"} == set(presets.names())
    assert found["See"] == {"gained": True}
    presets.forget("Theirs")
    assert presets.names() == ("Mine", "Second")
    remembered.write()
    assert set(json.loads(path.read_text())["Presets"]) == {"Mine", "Second"}


def test_steps_of_a_slider_are_written_once_beside_the_window(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_REST_S", 0.2)
    written, real = threading.Event(), remembered._write
    threads: list[threading.Thread] = []

    def counted(*arguments: Any) -> None:
        threads.append(threading.current_thread())
        real(*arguments)
        written.set()

    monkeypatch.setattr(remembered, "_write", counted)
    for step in range(20):
        remembered.store("Expand", {"strength": step / 10})
    assert not path.exists()
    assert written.wait(10)
    assert json.loads(path.read_text()) == {"Expand": {"strength": 1.9}}
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_what_was_chosen_last_is_written_when_napari_ends(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    program = (
        "from pathlib import Path\nfrom napari_gamut import remembered\n"
        f"remembered._path = lambda: Path({str(path)!r})\n"
        "remembered.store('Expand', {'strength': 0.5})\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert json.loads(path.read_text()) == {"Expand": {"strength": 0.5}}


def test_the_own_file_of_weights_is_remembered(viewer: Viewer, dock: Any, weights: Path) -> None:
    for title in ("Expand", "Iterations", "Folder"):
        page = dock(title)
        page.choice.model.value, page.choice.weights.value = "file", weights
    viewer.window.remove_dock_widget(page.panel)
    for title in ("Expand", "Iterations", "Folder"):
        page = dock(title)
        assert page.choice.name == str(weights)


def test_panels_start_with_the_screen_of_the_preferences(viewer: Viewer, dock: Any) -> None:
    from napari.settings import get_plugin_settings

    maps, see = dock("Maps"), dock("See")
    maps.boxes["restored"].value = True
    see.gained.value = True
    see.look.value = "srgb"
    viewer.window.remove_dock_widget(see.panel)
    see = dock("See")
    assert see.look.value == "srgb"  # People chose it for this screen.
    viewer.window.remove_dock_widget(see.panel)
    get_plugin_settings("napari-gamut").screen.space = "Display P3"
    maps, see = dock("Maps"), dock("See")
    assert maps.screen.value == "display-p3"
    assert see.look.value == "display-p3"
    assert maps.boxes["restored"].value
