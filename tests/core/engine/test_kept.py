from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.colour import DISPLAY_P3, REC2020
from core.engine.expansion import ExpansionSettings, expand
from core.engine.files import FileSettings, file_expansion
from core.engine.kept import KeptAnswers
from core.engine.method import Method
from core.files import write_codes
from core.methods.naive import NaiveInversion
from core.progress import finished
from tests.core.engine.test_solved import CPU, RESIDUAL, TOLD, UNTOLD, Constant, codes_of

CODES = codes_of(8)


def again(
    folder: Path, method: Method, settings: ExpansionSettings, photo: str = "photo"
) -> tuple[bool, Any]:
    """Expand with what is kept; whether it was."""
    answers = KeptAnswers(folder, photo)
    expansion = expand(CODES, answers.of(method), settings)
    answers.save()
    return answers.served, expansion


@pytest.mark.parametrize("method", [UNTOLD, TOLD, RESIDUAL, Constant()])
@pytest.mark.parametrize("tolerance", [0.0, 6.0])
def test_other_settings_give_what_a_new_solve_gives(
    tmp_path: Path, method: Method, tolerance: float
) -> None:
    settings = replace(CPU, tolerance=tolerance)
    assert not again(tmp_path, method, settings)[0]
    for changes in ({}, {"strength": 0.35}, {"strength": 2.0, "space": DISPLAY_P3}):
        changed = replace(settings, **changes)  # type: ignore[arg-type]
        served, kept = again(tmp_path, method, changed)
        assert served
        anew = expand(CODES, method, changed)
        np.testing.assert_array_equal(kept.values, anew.values)
        assert kept.tiles == anew.tiles


@pytest.mark.parametrize(
    ("method", "settings", "photo"),
    [
        (UNTOLD, replace(CPU, tolerance=6.0), "photo"),
        (TOLD, CPU, "photo"),
        (UNTOLD, CPU, "another photo"),
        (UNTOLD, replace(CPU, tile=128), "photo"),
    ],
)
def test_what_is_of_something_else_is_solved_anew(
    tmp_path: Path, method: Method, settings: ExpansionSettings, photo: str
) -> None:
    again(tmp_path, UNTOLD, CPU)
    served, kept = again(tmp_path, method, settings, photo)
    assert not served
    np.testing.assert_array_equal(kept.values, expand(CODES, method, settings).values)
    assert again(tmp_path, method, settings, photo)[0]


def test_the_source_counts_only_for_a_network_that_is_told_it(tmp_path: Path) -> None:
    for method, name in ((TOLD, "told"), (UNTOLD, "untold")):
        folder = tmp_path / name
        folder.mkdir()
        again(folder, method, CPU)
        served, kept = again(folder, method, replace(CPU, source=REC2020))
        assert served is (method is UNTOLD)
        anew = expand(CODES, method, replace(CPU, source=REC2020))
        np.testing.assert_array_equal(kept.values, anew.values)


def test_files_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    write_codes(photo, CODES)
    settings = replace(CPU, strength=0.7, space=DISPLAY_P3)
    for name, answers in (("kept.png", KeptAnswers(tmp_path, "x")), ("anew.png", None)):
        if answers is not None:
            again(tmp_path, UNTOLD, CPU, "x")
        method = UNTOLD if answers is None else answers.of(UNTOLD)
        work = file_expansion(photo, tmp_path / name, method, settings, FileSettings(format="png"))
        finished(work, None)
        assert answers is None or answers.served
    assert (tmp_path / "kept.png").read_bytes() == (tmp_path / "anew.png").read_bytes()


def test_what_is_not_finished_or_too_much_is_not_kept(tmp_path: Path) -> None:
    unfinished = KeptAnswers(tmp_path, "photo")
    expand(CODES, unfinished.of(UNTOLD), CPU)
    assert not again(tmp_path, UNTOLD, CPU)[0]
    small = KeptAnswers(tmp_path, "larger", most=1000)
    expand(CODES, small.of(UNTOLD), CPU)
    small.save()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]
    assert not again(tmp_path, UNTOLD, CPU, "larger")[0]


def test_another_folder_is_looked_into_and_left_as_it_is(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    for folder in (first, second, third):
        folder.mkdir()
    again(first, UNTOLD, CPU)
    before = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    for folder, settings, served in (
        (second, replace(CPU, strength=0.5), True),
        (third, replace(CPU, tolerance=6.0), False),
    ):
        answers = KeptAnswers(folder, "photo", first)
        values = expand(CODES, answers.of(UNTOLD), settings).values
        answers.save()
        assert answers.served is served
        np.testing.assert_array_equal(values, expand(CODES, UNTOLD, settings).values)
        assert again(folder, UNTOLD, settings)[0]
    assert {path: path.stat().st_mtime_ns for path in first.iterdir()} == before


def test_where_nothing_is_asked_nothing_is_kept(tmp_path: Path) -> None:
    assert not again(tmp_path, NaiveInversion(), CPU)[0]
    assert list(tmp_path.iterdir()) == []
