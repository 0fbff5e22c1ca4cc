"""What scripts find in `core`, and that importing it costs next to nothing."""

from __future__ import annotations

import doctest
import importlib
import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

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


_MODULES = sorted(
    ".".join(path.relative_to(Path(core.__file__).parents[1]).with_suffix("").parts)
    for path in Path(core.__file__).parent.rglob("*.py")
    if path.stem not in ("__init__", "__main__")
)
_PACKAGES = sorted({"core", *(name.rpartition(".")[0] for name in _MODULES)})


@pytest.mark.parametrize("name", [*_PACKAGES, *_MODULES])
def test_the_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_no_example_is_left_out_or_says_nothing() -> None:
    idle = {doctest.SKIP, doctest.ELLIPSIS, doctest.IGNORE_EXCEPTION_DETAIL}
    for name in (*_PACKAGES, *_MODULES):
        for found in doctest.DocTestFinder().find(importlib.import_module(name)):
            for example in found.examples:
                assert not idle & example.options.keys(), f"{found.name}: {example.source}"


Function = Callable[..., object]


def _functions(name: str) -> dict[str, Function]:
    return {
        each: function
        for each, function in vars(importlib.import_module(name)).items()
        if (inspect.isfunction(function) or hasattr(function, "__wrapped__"))
        and function.__module__ == name
        and not each.startswith("_")
    }


def _call(name: str, each: str, function: Function) -> tuple[str, str, tuple[str, ...]]:
    """A package, a name, and what has to be given: the same in all modules of one protocol."""
    parameters = inspect.signature(function).parameters.values()
    needed = tuple(one.name for one in parameters if one.default is inspect.Parameter.empty)
    return name.rpartition(".")[0], each, needed


def _hooks() -> set[tuple[str, str, tuple[str, ...]]]:
    """What three modules of a package or more offer to be called alike, such as each command."""
    calls = Counter(
        _call(name, each, function)
        for name in _MODULES
        for each, function in _functions(name).items()
    )
    return {call for call, count in calls.items() if count >= 3}


@pytest.mark.parametrize("name", _MODULES)
def test_every_public_function_has_an_example(name: str) -> None:
    hooks = _hooks()
    missing = [
        each
        for each, function in _functions(name).items()
        if ">>>" not in (function.__doc__ or "") and _call(name, each, function) not in hooks
    ]
    assert missing == []


def test_a_protocol_of_many_modules_has_its_example_in_their_package() -> None:
    packages = {package for package, _, _ in _hooks()}
    assert packages == {"core.cli", "core.files.formats"}
    for package in packages:
        assert ">>>" in (importlib.import_module(package).__doc__ or ""), package
