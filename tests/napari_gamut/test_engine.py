from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image

from core.errors import PhotoError
from core.expansion import ExpansionSettings, expand
from core.models import load_model
from napari_gamut import engine
from napari_gamut.engine import Request, expand_photo
from napari_gamut.layer_data import photo_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def result_of(work: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as end:
            return steps, end.value


def photo(data: np.ndarray) -> Any:
    return photo_of(Image(data, rgb=True, name="photo", contrast_limits=(0, 255)))


def test_the_result_is_the_engines(codes: np.ndarray, weights: Path) -> None:
    steps, result = result_of(expand_photo(photo(codes), Request(str(weights), tile=64)))
    expected = expand(codes, load_model(weights), ExpansionSettings(tile=64))
    assert np.array_equal(result.record.wide.values, expected.values)
    assert result.record.made.steps == tuple(tile.steps for tile in expected.tiles)
    assert result.record.made.sha256 == expected.sha256
    assert steps[-1] == (4, 4)


def test_an_srgb_screen_shows_the_same_photo_again(codes: np.ndarray, weights: Path) -> None:
    _, result = result_of(expand_photo(photo(codes), Request(str(weights))))
    assert np.array_equal(result.data, codes)


def test_the_source_is_not_changed(codes: np.ndarray, weights: Path) -> None:
    before = codes.copy()
    result_of(expand_photo(photo(codes), Request(str(weights))))
    assert np.array_equal(codes, before)


def test_a_long_photo_is_shown_in_levels_of_detail(
    codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LONGEST_SINGLE", 80)
    data = np.tile(codes, (8, 8, 1))
    _, result = result_of(expand_photo(photo(data), Request("naive")))
    assert [level.shape[:2] for level in result.data] == [(560, 720), (280, 360)]


def test_a_stack_is_expanded_when_it_is_looked_at(
    codes: np.ndarray, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved = []
    real = expand
    monkeypatch.setattr(
        "core.expansion.expand", lambda *a, **k: solved.append(a[0]) or real(*a, **k)
    )
    stack = np.stack([codes, codes[::-1], codes[:, ::-1]])
    _, result = result_of(expand_photo(photo(stack), Request(str(weights))))
    assert result.data.shape == stack.shape
    assert solved == []
    assert np.array_equal(result.data[1].compute(), stack[1])
    assert len(solved) == 1
    expected = real(stack[2], load_model(weights)).values
    assert np.array_equal(result.record.wide.values[2].compute(), expected)


def test_an_unknown_model_is_refused_in_one_sentence(codes: np.ndarray) -> None:
    with pytest.raises(PhotoError, match="no model named"):
        result_of(expand_photo(photo(codes), Request("unknown")))


def test_a_request_reaches_the_engine(weights: Path) -> None:
    request = Request(
        str(weights), "rec2020", 0.5, 2.0, iterations=7, project=False, device="cpu", tile=128
    )
    _, settings = engine.prepared(request)
    assert (settings.space.key, settings.strength, settings.tolerance) == ("rec2020", 0.5, 2.0)
    assert (settings.project, settings.device, settings.tile) == (False, "cpu", 128)
    assert settings.solver.max_steps == 7
