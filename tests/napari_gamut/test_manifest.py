from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_gamut
from napari_gamut import commands
from tests.napari_gamut.conftest import MANIFEST

HEAVY = ("torch", "matplotlib", "gradio", "imagecodecs", "dask")


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(MANIFEST)


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_every_page_is_in_a_menu(manifest: PluginManifest) -> None:
    contributions = manifest.contributions
    (widget,) = contributions.widgets or ()
    assert widget.command == "napari-gamut.panel"
    placed = {
        item.command
        for items in contributions.menus.values()
        for item in items
        if hasattr(item, "command")
    }
    pages = {name for name in dir(commands) if name.islower() and not name.startswith("_")}
    assert placed == {f"napari-gamut.{page}" for page in pages - {"annotations"}} | {
        "napari-gamut.open_without_asking"
    }


def test_expanding_is_offered_for_rgb_layers_only(manifest: PluginManifest) -> None:
    (item,) = manifest.contributions.menus["napari/layers/filter"]
    assert (item.command, item.when) == ("napari-gamut.expand", "active_layer_is_rgb")


def test_the_readme_names_the_page_of_the_preferences(manifest: PluginManifest) -> None:
    readme = (Path(napari_gamut.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    # napari calls the page by the name of the plugin.
    assert f"Preferences > {manifest.display_name}" in " ".join(readme.split())


def test_threads_do_not_spin_while_they_wait() -> None:
    ask = "import os, napari_gamut; print(os.environ['OMP_WAIT_POLICY'])"
    others = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        done = subprocess.run(
            [sys.executable, "-c", ask], env=others | given, capture_output=True, check=True
        )
        assert done.stdout.decode().strip() == expected


def test_importing_the_commands_imports_nothing_heavy(manifest: PluginManifest) -> None:
    modules = {
        command.python_name.split(":")[0] for command in manifest.contributions.commands or ()
    }
    # What napari itself imports does not count.
    program = (
        "import sys, napari.viewer, napari.qt.threading, magicgui.widgets\n"
        "before = set(sys.modules)\n"
        f"for name in {sorted(modules)}: __import__(name)\n"
        f"print([n for n in {HEAVY} if n in sys.modules and n not in before])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_engine_is_loaded_beside_the_window() -> None:
    program = (
        "import gc, sys, threading\n"
        "from napari_gamut.readiness import get_ready\n"
        "print('torch' in sys.modules)\n"
        "thread = get_ready()\n"
        "print(thread is not threading.main_thread(), get_ready() is thread)\n"
        "thread.join()\n"
        "print('torch' in sys.modules, 'core.engine.expansion' in sys.modules)\n"
        "print(gc.isenabled())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True", "True", "True", "True", "True"]
