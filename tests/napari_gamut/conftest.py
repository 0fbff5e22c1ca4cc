"""A viewer that knows the plugin, small photos and small networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari_builtins
import numpy as np
import pytest
from npe2 import PluginManifest

import napari_gamut
from core.network.letnet import BOX
from core.network.models import random_model, to_bytes
from napari_gamut import remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

MANIFEST = Path(napari_gamut.__file__).parent / "napari.yaml"
BUILT_IN = Path(napari_builtins.__file__).parent / "builtins.yaml"


@pytest.fixture
def codes() -> np.ndarray:
    """A small sRGB photo with clipped pixels."""
    rng = np.random.default_rng(3)
    return np.clip(rng.normal(128, 110, (70, 90, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights."""
    model = random_model(BOX, scale=0.3)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    path.write_bytes(to_bytes(model.network, model.descriptor))
    return path


@pytest.fixture
def plugin(npe2pm: Any, plugin_settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Napari's plugin manager with its own plugin and this one, and settings of its own."""
    npe2pm.register(PluginManifest.from_file(BUILT_IN))
    npe2pm.register(PluginManifest.from_file(MANIFEST))
    monkeypatch.setattr(remembered, "_path", lambda: None)
    remembered.forget()
    return npe2pm


@pytest.fixture
def viewer(plugin: Any, make_napari_viewer: Callable[..., Viewer]) -> Viewer:
    """A viewer that is not shown."""
    return make_napari_viewer()


@pytest.fixture
def panel(viewer: Viewer) -> Any:
    """The panel of the plugin, in its dock."""
    return viewer.window.add_plugin_dock_widget("napari-gamut", "Gamut Expansion")[1]


@pytest.fixture
def dock(viewer: Viewer) -> Callable[[str], Any]:
    """Open a page of the plugin's panel by its title."""

    def open_page(title: str) -> Any:
        panel = viewer.window.add_plugin_dock_widget("napari-gamut", "Gamut Expansion")[1]
        return panel.open(title)

    return open_page


@pytest.fixture
def finish(qtbot: Any) -> Callable[[Any], None]:
    """Wait until the job of a panel has ended."""

    def wait(panel: Any) -> None:
        qtbot.waitUntil(lambda: not panel.busy, timeout=60_000)

    return wait


@pytest.fixture
def warnings_shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that people would see."""
    shown: list[str] = []
    monkeypatch.setattr("napari_gamut.widgets.page.show_warning", shown.append)
    return shown
