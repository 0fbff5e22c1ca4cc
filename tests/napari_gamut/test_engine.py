from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image
from napari.layers._source import Source
from skimage.io import imread

from core.colour import ADOBE_RGB, DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.errors import PhotoError
from core.files import read, write_codes
from core.gamut import reduce
from core.methods.registry import method
from core.payload.embedding import write_embedded
from core.payload.gamut_mlp import FitSettings
from core.pictures.screens import display_image
from core.progress import finished
from napari_gamut import levels, requests, stacks
from napari_gamut.engine import expand_photo
from napari_gamut.photos import photo_of
from napari_gamut.requests import Request
from tests.core.conftest import network_in, wide_photo

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
    expected = expand(codes, method(weights), ExpansionSettings(tile=64))
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
    monkeypatch.setattr(levels, "LONGEST_SINGLE", 80)
    data = np.tile(codes, (8, 8, 1))
    _, result = result_of(expand_photo(photo(data), Request("naive")))
    assert [level.shape[:2] for level in result.data] == [(560, 720), (280, 360)]


def test_a_stack_is_expanded_frame_by_frame(codes: np.ndarray, weights: Path) -> None:
    stack = np.stack([codes, codes[::-1], codes[:, ::-1]])
    _, result = result_of(expand_photo(photo(stack), Request(str(weights), display="display-p3")))
    frames = result.data
    asked: list[Any] = []
    frames.wanted = asked.append
    assert frames.shape == stack.shape
    assert np.array_equal(frames[1], stack[1])  # As it was, at once.
    assert asked == [(1,)]
    steps, _ = result_of(frames.expand((1,)))
    assert steps[-1] == (1, 1)
    values = expand(stack[1], method(weights)).values
    assert np.array_equal(frames[1], display_image(values, PROPHOTO, DISPLAY_P3))
    assert asked == [(1,)]
    assert np.array_equal(result.record.wide.values[1].compute(), values)


def test_a_stack_as_an_array_is_expanded_throughout(codes: np.ndarray, weights: Path) -> None:
    stack = np.stack([codes, codes[::-1]])[:, None]
    _, result = result_of(expand_photo(photo(stack), Request(str(weights), display="display-p3")))
    whole = np.asarray(result.data)
    for index in np.ndindex(2, 1):
        assert index not in result.data
        result_of(result.data.expand(index))
        assert np.array_equal(whole[index], result.data[index])
    assert not np.array_equal(whole, stack)


@pytest.mark.parametrize(
    "key",
    [1, -1, (1, 0), (slice(None), 0), (..., 2), (1, ..., slice(3, 9), 0), (slice(0, 2), ..., 0)],
)
def test_a_stack_is_sliced_like_an_array(codes: np.ndarray, key: Any) -> None:
    stack = np.stack([codes, codes[::-1], codes // 2])
    _, result = result_of(expand_photo(photo(stack), Request("naive")))
    assert np.array_equal(result.data[key], stack[key])


def test_frames_looked_at_long_ago_are_forgotten(
    codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "MOST_BYTES", 2 * codes.nbytes)
    _, result = result_of(expand_photo(photo(np.stack([codes] * 3)), Request("naive")))
    for index in range(3):
        result_of(result.data.expand((index,)))
    assert [(index,) in result.data for index in range(3)] == [False, True, True]


def test_an_unknown_model_is_refused_in_one_sentence(codes: np.ndarray) -> None:
    with pytest.raises(PhotoError, match="no method named"):
        result_of(expand_photo(photo(codes), Request("unknown")))


def test_a_request_reaches_the_engine(weights: Path) -> None:
    request = Request(
        str(weights),
        "rec2020",
        "adobe-rgb",
        0.5,
        2.0,
        iterations=7,
        project=False,
        device="cpu",
        tile=128,
    )
    _, settings = requests.prepared(request)
    assert (settings.space.key, settings.strength, settings.tolerance) == ("rec2020", 0.5, 2.0)
    assert settings.source is ADOBE_RGB
    assert (settings.project, settings.device, settings.tile) == (False, "cpu", 128)
    assert settings.solver.max_steps == 7


@pytest.fixture
def carrier(tmp_path: Path) -> Path:
    """A photo whose file carries its own network."""
    scene = convert(wide_photo(1), PROPHOTO, SRGB)
    path = tmp_path / "carrier.png"
    finished(write_embedded(path, reduce(scene), scene, None, FitSettings(steps=60, batch=256)))
    return path


def opened(path: Path) -> Any:
    """The photo as napari itself opens it."""
    layer = Image(imread(path), rgb=True, name=path.stem, contrast_limits=(0, 255))
    layer._source = Source(path=str(path))
    return photo_of(layer)


def test_a_photo_is_expanded_by_the_network_that_its_file_carries(carrier: Path) -> None:
    _, result = result_of(expand_photo(opened(carrier), Request("embedded")))
    expected = expand(read(carrier).pixels, network_in(carrier))
    assert np.array_equal(result.record.wide.values, expected.values)
    assert result.record.made.model == "gamut-mlp"
    assert result.record.made.sha256 == expected.sha256


def test_a_hint_is_used_by_itself(tmp_path: Path) -> None:
    scene = convert(wide_photo(1), PROPHOTO, SRGB)
    hinted, plain = tmp_path / "hinted.png", tmp_path / "plain.png"
    finished(write_embedded(hinted, reduce(scene), scene, method("letnet-box")))
    write_codes(plain, reduce(scene))
    errors = []
    for path in (plain, hinted):
        _, result = result_of(expand_photo(opened(path), Request("letnet-box")))
        errors.append(np.abs(result.record.wide.values - wide_photo(1)).mean())
    assert errors[1] < 0.7 * errors[0]


def test_a_network_is_refused_where_it_does_not_belong(carrier: Path, codes: np.ndarray) -> None:
    edited = opened(carrier)
    edited.data[2, 3, 0] ^= 1
    stack = photo(np.stack([codes, codes]))
    for subject, reason in ((edited, "edited"), (photo(codes), "no file"), (stack, "A stack")):
        with pytest.raises(PhotoError, match=reason):
            result_of(expand_photo(subject, Request("embedded")))
