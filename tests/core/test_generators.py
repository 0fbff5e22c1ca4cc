"""Work that yields: whoever resumes it, in whichever thread, finds the thread as it was."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import core
from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.expansion import ArraySource, ExpansionSettings, expand_bands, expansion
from core.engine.files import FileSettings, file_expansion
from core.evaluation.comparison import compare_methods
from core.evaluation.protocol import EvaluationSettings
from core.files import write_codes
from core.gamut import naive_inversion
from core.methods.convergence import iterates
from core.methods.registry import method
from core.payload.reduction import ReductionSettings, file_reduction
from core.pictures.busiest_window import busiest_window
from tests.web_demo import clipped_photo, write_model

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from core.methods.letnet import LetNetMethod

    Work = Generator[Any, None, Any]

_MODES = {
    *("no_grad", "inference_mode", "enable_grad", "set_grad_enabled", "autocast"),
    *("errstate", "localcontext"),
}
"""Contexts that hold in one thread until they are left."""


def _yields_within(tree: ast.AST, within: bool = False) -> Iterator[int]:
    """The lines of yields in the midst of such a context."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _yields_within(node)
            continue
        if isinstance(node, ast.Yield | ast.YieldFrom) and within:
            yield node.lineno
        entered = isinstance(node, ast.With) and any(
            isinstance(part, ast.Attribute | ast.Name)
            and (part.attr if isinstance(part, ast.Attribute) else part.id) in _MODES
            for item in node.items
            for part in ast.walk(item.context_expr)
        )
        yield from _yields_within(node, within or entered)


def test_no_generator_yields_within_a_mode_of_its_thread() -> None:
    sources = sorted(Path(core.__file__).parent.rglob("*.py"))
    found = {
        str(path): lines
        for path in sources
        if (lines := list(_yields_within(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert len(sources) > 50
    assert found == {}


def test_such_a_yield_is_found() -> None:
    bad = (
        "def work():\n    with torch.inference_mode():\n        for _ in x:\n            yield 1\n"
    )
    assert list(_yields_within(ast.parse(bad))) == [4]
    good = "def work():\n    with torch.inference_mode():\n        x()\n    yield 1\n"
    assert list(_yields_within(ast.parse(good))) == []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LetNetMethod:
    found: Any = method(str(write_model(tmp_path_factory.mktemp("model") / "trial.safetensors")))
    return found  # type: ignore[no-any-return]


def _mode() -> tuple[Any, ...]:
    """What work could leave behind in a thread."""
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        tuple(np.geterr().items()),
    )


def _resumed_in_turn(work: Work) -> tuple[int, Any]:
    """Do work in two threads by turns; return how often it yielded, and its result."""
    steps = 0
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        threads = [one, two]
        before = [thread.submit(_mode).result() for thread in threads]
        try:
            while True:
                threads[steps % 2].submit(next, work).result()
                steps += 1
                assert [thread.submit(_mode).result() for thread in threads] == before
        except StopIteration as finished:
            assert [thread.submit(_mode).result() for thread in threads] == before
            return steps, finished.value


def _begin(name: str, model: LetNetMethod, folder: Path) -> Work:
    codes = clipped_photo(96, 120)
    settings = ExpansionSettings(tile=64, device="cpu")
    photo = folder / "photo.png"
    write_codes(photo, codes, DISPLAY_P3 if name == "file_reduction" else SRGB)
    ways: dict[str, Callable[[], Any]] = {
        "expansion": lambda: expansion(codes, model, settings),
        "expand_bands": lambda: expand_bands(ArraySource(codes), model, settings),
        "file_expansion": lambda: file_expansion(
            photo, folder / "out.tif", model, settings, FileSettings()
        ),
        "iterates": lambda: iterates(codes, model, settings, busiest_window(codes, 64, 0.0)),
        "compare_methods": lambda: compare_methods(
            convert(naive_inversion(codes), SRGB, PROPHOTO).clip(0, 1),
            [model],
            EvaluationSettings(perceptual=False, expansion=settings),
        ),
        "file_reduction": lambda: file_reduction(
            photo, folder / "out.png", model, ReductionSettings(device="cpu")
        ),
    }
    return ways[name]()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "name",
    [
        *("expansion", "expand_bands", "file_expansion", "iterates", "compare_methods"),
        "file_reduction",
    ],
)
def test_work_can_be_resumed_by_other_threads(
    name: str, model: LetNetMethod, tmp_path: Path
) -> None:
    steps, _ = _resumed_in_turn(_begin(name, model, tmp_path))
    assert steps > 1
