"""The page opens a photo once and hands it on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from core.colour import DISPLAY_P3, SRGB
from core.files import write_codes
from core.payload.gamut_mlp import FitSettings
from gradio_app import photo_reduction
from gradio_app.full_size import full_size
from gradio_app.photo_comparison import comparison
from gradio_app.photo_convergence import Watching, convergence
from gradio_app.photo_expansion import Request, expansion
from gradio_app.photo_reduction import reduction
from tests.openings import Openings
from tests.web_demo import MODEL_NAME, clipped_photo

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gradio_app.context import Context


def outcome_of(work: Generator[Any, None, Any]) -> Any:
    """What comes of work, whatever it tells on the way."""
    while True:
        try:
            next(work)
        except StopIteration as finished:
            return finished.value


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif", "jxl"])
def test_to_expand_it(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = uploads / f"photo.{suffix}"
    write_codes(photo, clipped_photo(60, 80), SRGB)
    openings = Openings(monkeypatch, photo)
    request = Request(MODEL_NAME)
    outcome_of(expansion(context.workplace, str(photo), request, tmp_path, shown=True))
    assert openings.taken() == (1, 1)


@pytest.mark.parametrize("suffix", ["jpg", "tif", "jxl"])  # Each fits a network.
def test_to_reduce_it(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = uploads / f"photo.{suffix}"
    write_codes(photo, clipped_photo(24, 32), DISPLAY_P3)
    openings = Openings(monkeypatch, photo)
    monkeypatch.setattr(photo_reduction, "FitSettings", partial(FitSettings, steps=20))
    outcome_of(reduction(context.workplace, str(photo), False, tmp_path))
    assert openings.taken() == (1, 1)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "jxl"])
def test_to_watch_the_solver(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = uploads / f"photo.{suffix}"
    write_codes(photo, clipped_photo(64, 80), SRGB)
    openings = Openings(monkeypatch, photo)
    wanted = Watching(MODEL_NAME, side=64)
    outcome_of(convergence(context.workplace, str(photo), wanted, tmp_path))
    assert openings.taken() == (1, 1)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "jxl"])
def test_to_compare_methods(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = uploads / f"photo.{suffix}"
    write_codes(photo, clipped_photo(60, 80), DISPLAY_P3)
    openings = Openings(monkeypatch, photo)
    names = [MODEL_NAME, "naive"]
    outcome_of(comparison(context.workplace, str(photo), names, "as-is", folder=tmp_path))
    assert openings.taken() == (1, 1)


def test_to_look_closer(context: Context, uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = uploads / "photo.png"
    write_codes(photo, clipped_photo(60, 80), SRGB)
    with context.result_folder() as folder:
        place = context.workplace
        outcome = outcome_of(expansion(place, str(photo), Request(MODEL_NAME), folder))
        before, after = Openings(monkeypatch, photo), Openings(monkeypatch, outcome.target)
        outcome_of(full_size(place, str(photo), outcome))
    assert before.taken() == (1, 1)
    assert after.taken() == (1, 1)
