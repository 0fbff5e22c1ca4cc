"""Which package may import which: arrows point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import core

ROOT = Path(core.__file__).parents[1]
GROUND = {
    *("apart", "checks", "colour", "colour_difference", "errors", "gamut", "images", "metrics"),
    *("progress", "source_gamut", "spaces", "styles"),
}
ROOMS = (
    *("files", "network", "engine", "payload", "methods", "pictures", "evaluation"),
    *("training", "cli"),
)
"""From the ground up: a room imports the ground floor, itself, and the rooms before it."""

EXCEPTIONS = {
    # The page is served by a command, which belongs to the page.
    ("cli", "gradio_app"),
}


def imports(path: Path) -> set[str]:
    """The modules that a file imports, also within functions and for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_of_core_imports_what_lies_below_it(path: Path) -> None:
    room = path.relative_to(ROOT / "core").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    allowed = set(GROUND)
    if room in ROOMS:
        allowed |= set(ROOMS[: ROOMS.index(room) + 1])
    for name in imports(path):
        first, _, rest = name.partition(".")
        assert first not in ("napari", "qtpy", "PyQt6", "gradio", "napari_gamut") or (
            (room, first) in EXCEPTIONS
        ), f"{path} imports {name}"
        if first != "core" or not rest:
            continue
        other = rest.split(".")[0]
        granted = any(
            room == who and (rest + ".").startswith(what + ".") for who, what in EXCEPTIONS
        )
        assert other in allowed or granted, f"{path} imports {name}"


@pytest.mark.parametrize("package", ["napari_gamut", "gradio_app"])
def test_a_face_imports_neither_the_other_face_nor_command_line_nor_training(package: str) -> None:
    other = {"napari_gamut": "gradio_app", "gradio_app": "napari_gamut"}[package]
    for path in modules(package):
        for name in imports(path):
            assert not name.startswith(other), f"{path} imports {name}"
            assert not name.startswith(("core.cli", "core.training")), f"{path} imports {name}"
