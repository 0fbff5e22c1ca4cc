from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.errors import PhotoError
from core.files import read
from core.network.solver import SolverSettings
from gradio_app.jobs import Job
from gradio_app.photo_convergence import Trace, convergence, solver_settings
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.context import Context

SOLVER = SolverSettings(max_steps=4, tolerance=0.0)


def watched(
    context: Context,
    photo: Path,
    folder: Path,
    solver: SolverSettings = SOLVER,
    *,
    name: str = MODEL_NAME,
    side: int = 64,
) -> Trace:
    job = Job(convergence(context, str(photo), name, solver, side, str(folder)), 60)
    assert [total for _, total in job.steps()] == [solver.max_steps] * len(job.result.residuals)
    return job.result


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
        solver = solver_settings(SOLVER, method, memory, damping, 4)
        trace = watched(context, photo, folder, solver)
        traces[trace.title] = trace.residuals
    assert list(traces) == [
        "Anderson, m = 5, β = 1",
        "Anderson, m = 2, β = 1",
        "Picard, β = 0.5",
    ]
    assert len(set(traces.values())) == 3


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"name": "naive"}, "does not iterate"),
        ({"side": 4096}, "side between"),
        ({"solver": SolverSettings(max_steps=1000)}, "at most 60 steps"),
    ],
)
def test_what_is_too_much_is_refused(
    context: Context, uploads: Path, tmp_path: Path, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PhotoError, match=reason):
        watched(context, write_photo(uploads / "photo.png"), tmp_path, **wrong)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (("newton", 5, 1.0, 10), "out of range"),
        (("anderson", 0, 1.0, 10), "memory m lies between 1 and 10"),
        (("anderson", 11, 1.0, 10), "memory m lies between 1 and 10"),
        (("anderson", float("nan"), 1.0, 10), "memory m lies between 1 and 10"),
        (("picard", 5, 3.0, 10), "out of range"),
        (("picard", 5, float("nan"), 10), "out of range"),
        (("picard", 5, 1.0, 61), "between 1 and 60 steps"),
        (("picard", 5, 1.0, float("nan")), "between 1 and 60 steps"),
    ],
)
def test_a_wrong_solver_setting_is_named(values: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        solver_settings(SOLVER, *values)
