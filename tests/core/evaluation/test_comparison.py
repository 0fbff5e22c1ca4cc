from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.engine.expansion import ExpansionSettings
from core.evaluation.comparison import Comparison, compare_methods
from core.evaluation.measuring import evaluate_photo
from core.evaluation.protocol import EvaluationSettings
from core.methods.gamut_mlp import GamutMlpMethod
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.network.letnet import BOX
from core.network.models import random_model
from core.network.solver import SolverSettings
from core.payload.gamut_mlp import FitSettings
from core.progress import finished
from core.styles import AS_IS
from tests.core.conftest import wide_photo

METHODS = [NaiveInversion(), LetNetMethod(random_model(replace(BOX, channels=8)), "random")]
SETTINGS = EvaluationSettings(
    styles={"as-is": AS_IS},
    perceptual=False,
    expansion=ExpansionSettings(device="cpu", tile=64, solver=SolverSettings(max_steps=3)),
)


def run() -> tuple[list[tuple[int, int]], Comparison]:
    work = compare_methods(wide_photo(1, 70, 130), METHODS, SETTINGS)
    seen = []
    while True:
        try:
            seen.append(next(work))
        except StopIteration as end:
            return seen, end.value


def test_it_measures_what_an_evaluation_measures() -> None:
    _, comparison = run()
    rows = list(evaluate_photo(METHODS, "photo", wide_photo(1, 70, 130), SETTINGS))
    for restoration, row in zip(comparison.restorations, rows, strict=True):
        assert restoration.method == row.method
        assert restoration.metrics == row.metrics
        assert restoration.steps == row.steps
        everywhere = restoration.metrics.regions["all"].delta_e_mean
        assert restoration.delta_e.mean() == pytest.approx(everywhere, rel=1e-4)


def test_the_photos_are_kept_for_drawings() -> None:
    _, comparison = run()
    assert np.array_equal(comparison.original, wide_photo(1, 70, 130))
    assert comparison.codes.shape == comparison.original.shape
    assert 0.0 < comparison.out_of_gamut.mean() < 1.0


def test_progress_rises_to_the_end_over_all_methods() -> None:
    seen, _ = run()
    done = [step[0] for step in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]


def test_a_network_is_fitted_to_the_original_where_one_is_asked_for() -> None:
    fitted = GamutMlpMethod(FitSettings(steps=200, batch=512)).renamed("fitted")
    seen: list[tuple[int, int]] = []
    work = compare_methods(wide_photo(1, 70, 130), [METHODS[0], fitted], SETTINGS)
    comparison = finished(work, lambda *step: seen.append(step))
    naive, ours = (one.metrics.regions["out_of_gamut"].psnr for one in comparison.restorations)
    assert ours > naive + 10.0
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    assert len(seen) > 8, "fitting reports its steps, too"
