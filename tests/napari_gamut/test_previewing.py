"""Previews, without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from core.colour import PROPHOTO, SRGB, convert
from core.gamut import naive_inversion, reduce
from napari_gamut import engine, previewing
from napari_gamut.engine import Solve, expand_photo
from napari_gamut.naming import result_name
from napari_gamut.photos import LayerError, photo_of
from napari_gamut.previewing import MOST_PIXELS, Glimpse, View
from napari_gamut.regions import region_of
from napari_gamut.requests import Request
from tests.napari_gamut.test_engine import result_of

if TYPE_CHECKING:
    from pathlib import Path


def layer_of(codes: np.ndarray) -> Any:
    return Image(codes, rgb=True, name="photo", contrast_limits=(0, 255))


def test_a_preview_has_no_more_pixels_than_the_screen_and_than_are_quick() -> None:
    assert View(0, 0, 100, 100).stride == 1
    assert View(0, 0, 100, 100, step=2.5).stride == 3
    large = View(0, 0, 3000, 4000)
    assert large.pixels / large.stride**2 <= MOST_PIXELS
    assert large.pixels / (large.stride - 1) ** 2 > MOST_PIXELS


def test_a_preview_of_what_is_seen_comes_first(
    codes: np.ndarray, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "WORTH_IT", 100)
    view = View(10, 20, 60, 80, step=2.0)
    work = expand_photo(photo_of(layer_of(codes)), Request(str(weights)), view=view)
    steps, result = result_of(work)
    (found,) = [step for step in steps if isinstance(step, Glimpse)]
    assert (found.top, found.left, found.step) == (10, 20, 2)
    assert found.picture.shape == (25, 30, 3)
    seen = codes[10:60:2, 20:80:2]
    before = previewing.rendered(naive_inversion(seen), "muted")
    assert np.array_equal(found.picture[:, :12], before[:, :12])
    assert not np.array_equal(found.picture[:, 18:], before[:, 18:])
    assert result.record.wide.values.shape == codes.shape

    again = expand_photo(
        photo_of(layer_of(codes)),
        Request(str(weights), strength=0.5),
        None,
        result.solve,
        None,
        view,
    )
    steps, weaker = result_of(again)
    (found,) = [step for step in steps if isinstance(step, Glimpse)]
    values = weaker.record.wide.values[10:60:2, 20:80:2]
    scene = convert(values, PROPHOTO, SRGB)
    after = previewing.rendered(scene, "muted", naive_inversion(seen))
    assert np.abs(found.picture[:, 18:].astype(int) - after[:, 18:]).max() <= 1


def test_small_photos_and_naive_inversion_need_no_preview(codes: np.ndarray, weights: Path) -> None:
    view = View(0, 0, 70, 90)
    for request in (Request(str(weights)), Request("naive")):
        steps, _ = result_of(expand_photo(photo_of(layer_of(codes)), request, view=view))
        assert not any(isinstance(step, Glimpse) for step in steps)


def test_only_a_region_is_expanded(codes: np.ndarray, weights: Path) -> None:
    layer = layer_of(codes)
    painted = np.zeros(codes.shape[:2], int)
    painted[10:40, 20:60] = 1
    region = region_of(Labels(painted, name="sky"), layer, feather=4.0)
    request = Request(str(weights))
    _, result = result_of(expand_photo(photo_of(layer), request, region=region))
    values = result.record.wide.values
    naive = convert(naive_inversion(codes), SRGB, PROPHOTO)
    outside = painted == 0
    assert np.array_equal(values[outside], np.clip(naive[outside], 0.0, 1.0))
    assert not np.array_equal(values, np.clip(naive, 0.0, 1.0))
    assert np.array_equal(reduce(convert(values, PROPHOTO, SRGB)), codes)
    assert result.record.made.region == "sky"
    assert result_name(result.record.made).endswith("in ProPhoto · inside sky")

    other = region_of(Labels(painted[::-1].copy(), name="sky"), layer, feather=4.0)
    solve: Solve = result.solve
    weight = region.weight(codes.shape[:2])
    method, settings = engine.prepared(request)
    assert solve.serves(codes, method, method.settled(settings), weight)
    assert not solve.serves(codes, method, method.settled(settings))
    assert not solve.serves(codes, method, method.settled(settings), other.weight(codes.shape[:2]))


def test_a_stack_has_no_region(codes: np.ndarray) -> None:
    stack = Image(np.stack([codes, codes]), rgb=True, name="stack", contrast_limits=(0, 255))
    region = region_of(Labels(np.ones(codes.shape[:2], int)), stack, (0,))
    with pytest.raises(LayerError, match="single photo"):
        result_of(expand_photo(photo_of(stack), Request("naive"), region=region))
