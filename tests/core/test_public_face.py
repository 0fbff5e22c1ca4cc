"""What scripts find in `core`, and that importing it costs next to nothing."""

from __future__ import annotations

import doctest
import importlib
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


@pytest.mark.parametrize(
    "name", ["core", "core.engine.expansion", "core.methods.registry", "core.progress"]
)
def test_its_examples_are_true(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0
