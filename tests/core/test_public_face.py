"""What scripts find in `core`, and that importing it costs next to nothing."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import core


@pytest.mark.parametrize("name", core.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(core, name).__name__ == name


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restore'"):
        core.restore  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    code = "import core, sys; print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def _modules() -> list[str]:
    found = pkgutil.walk_packages(core.__path__, "core.")
    return ["core", *(each.name for each in found if not each.name.endswith("__main__"))]


def test_the_examples_are_true() -> None:
    outcomes = {name: doctest.testmod(importlib.import_module(name)) for name in _modules()}
    assert [name for name, outcome in outcomes.items() if outcome.failed] == []
    assert sum(outcome.attempted > 0 for outcome in outcomes.values()) >= 20


_GROUND_FLOOR = (
    "colour", "colour_difference", "gamut", "images", "metrics", "progress", "source_gamut",
    "spaces", "styles", "pictures.seen", "engine.expansion", "methods.registry",
)  # fmt: skip


@pytest.mark.parametrize("name", _GROUND_FLOOR)
def test_every_function_that_scripts_call_has_an_example(name: str) -> None:
    module = importlib.import_module(f"core.{name}")
    missing = [
        each
        for each, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not each.startswith("_")
        and ">>>" not in (function.__doc__ or "")
    ]
    assert missing == []
