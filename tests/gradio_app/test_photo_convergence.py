from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.errors import PhotoError
from core.files import read
from core.network.solver import SolverSettings
from core.progress import finished
from gradio_app.photo_convergence import Trace, Watching, convergence
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.context import Context

WATCHING = Watching(MODEL_NAME, max_steps=4, side=64)


def watched(context: Context, photo: Path, folder: Path, wanted: Watching = WATCHING) -> Trace:
    totals: list[int] = []
    work = convergence(context.workplace, str(photo), wanted, folder)
    trace = finished(work, lambda _, total: totals.append(total))
    assert totals == [wanted.max_steps] * len(trace.residuals)
    return trace


def test_every_iteration_has_a_residual_a_picture_and_a_difference(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    trace = watched(context, write_photo(uploads / "photo.png"), tmp_path)
    assert len(trace.residuals) == len(trace.pictures) == len(trace.differences) == 4
    first, last = read(trace.pictures[0]), read(trace.pictures[-1])
    assert first.profile_name == "Display P3"
    assert first.pixels.shape == (64, 64, 3)
    assert (first.pixels != last.pixels).any()
    assert np.ptp(read(trace.differences[-1]).pixels.astype(int), axis=(0, 1)).max() == 0
    assert np.ptp(read(trace.differences[0]).pixels.astype(int), axis=(0, 1)).max() > 0


def test_solvers_differ(context: Context, uploads: Path, tmp_path: Path) -> None:
    photo = write_photo(uploads / "photo.png")
    traces = {}
    for method, memory, damping in (("anderson", 5, 1), ("anderson", 2, 1), ("picard", 5, 0.5)):
        folder = tmp_path / f"{method}{memory}"
        folder.mkdir()
        wanted = Watching(MODEL_NAME, method, memory, damping, 4, 64)
        trace = watched(context, photo, folder, wanted)
        traces[trace.title] = trace.residuals
    assert list(traces) == [
        "Anderson, m = 5, β = 1",
        "Anderson, m = 2, β = 1",
        "Picard, β = 0.5",
    ]
    assert len(set(traces.values())) == 3


def test_without_a_folder_there_are_no_pictures(context: Context, uploads: Path) -> None:
    photo = write_photo(uploads / "photo.png")
    trace = finished(convergence(context.workplace, str(photo), WATCHING, None))
    assert len(trace.residuals) == 4
    assert trace.pictures == trace.differences == ()


def test_a_method_that_does_not_iterate_is_refused(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "photo.png")
    with pytest.raises(PhotoError, match="does not iterate"):
        watched(context, photo, tmp_path, replace(WATCHING, model="naive"))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"memory": 0}, "memory m lies between 1 and 10"),
        ({"memory": 11}, "memory m lies between 1 and 10"),
        ({"memory": float("nan")}, "memory m lies between 1 and 10"),
        ({"max_steps": 61}, "between 1 and 60 steps"),
        ({"max_steps": float("nan")}, "between 1 and 60 steps"),
        ({"side": 4096}, "side between"),
    ],
)
def test_what_is_too_much_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        replace(WATCHING, **wrong)


@pytest.mark.parametrize(
    "wrong", [{"method": "newton"}, {"damping": 3.0}, {"damping": float("nan")}]
)
def test_a_wrong_solver_setting_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(PhotoError, match="out of range"):
        replace(WATCHING, **wrong).solver(SolverSettings())
