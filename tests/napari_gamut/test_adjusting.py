"""The last result follows strength, source and space of what was asked for, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.colour import ADOBE_RGB
from core.engine.expansion import ExpansionSettings, expand
from core.methods.registry import method
from napari_gamut.records import record_in
from tests.napari_gamut.test_widgets import choose

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer


@pytest.fixture
def page(viewer: Viewer, dock: Any, codes: np.ndarray, weights: Path) -> Any:
    """The page Expand, with two photos; the first is chosen."""
    first = viewer.add_image(codes, rgb=True, name="photo")
    viewer.add_image(codes[::-1], rgb=True, name="other")
    page = dock("Expand")
    choose(page, weights)
    viewer.layers.selection.active = first
    return page


def expanded(page: Any, finish: Any) -> Any:
    page.start()
    finish(page)
    return page.viewer.layers.selection.active


def made(layer: Any) -> Any:
    return record_in(layer.metadata).made


def rest(page: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: page.settled, timeout=60_000)


def test_another_photo_of_the_same_name_is_left_alone(
    page: Any, viewer: Viewer, finish: Any, qtbot: Any, codes: np.ndarray
) -> None:
    result = expanded(page, finish)
    before = record_in(result.metadata)
    viewer.layers.remove("photo")
    viewer.add_image(codes[:, ::-1], rgb=True, name="photo")
    assert page.layer.value.name == "photo"
    page.choice.strength.value = 0.5
    rest(page, qtbot)
    assert record_in(result.metadata) is before


def test_source_and_tolerance_stay_those_of_the_result(
    page: Any, viewer: Viewer, finish: Any, qtbot: Any, codes: np.ndarray, weights: Path
) -> None:
    page.origin.source.value, page.tolerance.value = "adobe-rgb", 2.0
    result = expanded(page, finish)
    viewer.layers.selection.active = viewer.layers["other"]
    assert page.origin.source.value == "unknown"
    assert page.tolerance.value == 0.0
    viewer.layers.selection.active = viewer.layers["photo"]
    assert page.origin.source.value == "adobe-rgb"
    assert page.tolerance.value == 2.0
    page.choice.strength.value = 0.5
    qtbot.waitUntil(lambda: made(result).strength == 0.5 and page.settled, timeout=60_000)
    settings = ExpansionSettings(strength=0.5, tolerance=2.0, source=ADOBE_RGB)
    expected = expand(codes, method(weights), settings).values
    assert np.array_equal(record_in(result.metadata).wide.values, expected)


def test_what_is_set_for_the_next_expansion_is_not_applied_to_the_last(
    page: Any, finish: Any, qtbot: Any, codes: np.ndarray, weights: Path
) -> None:
    result = expanded(page, finish)
    page.choice.model.value = "naive"
    page.iterations.value, page.tolerance.value, page.project.value = 3, 4.0, False
    page.choice.strength.value = 0.5
    qtbot.waitUntil(lambda: made(result).strength == 0.5 and page.settled, timeout=60_000)
    expected = expand(codes, method(weights), ExpansionSettings(strength=0.5)).values
    assert np.array_equal(record_in(result.metadata).wide.values, expected)
    page.origin.source.value = "adobe-rgb"
    qtbot.waitUntil(lambda: made(result).origin == "adobe-rgb" and page.settled, timeout=60_000)
    assert made(result).strength == 0.5
    assert made(result).model.startswith("random")


def test_a_renamed_photo_keeps_its_result(
    page: Any, viewer: Viewer, dock: Any, finish: Any, qtbot: Any
) -> None:
    source = viewer.layers["photo"]
    result = expanded(page, finish)
    source.name = "renamed"
    page.choice.strength.value = 0.5
    qtbot.waitUntil(lambda: made(result).strength == 0.5 and page.settled, timeout=60_000)
    assert result.name.startswith("renamed · 50%")
    viewer.layers.selection.active = viewer.layers["other"]
    see = dock("See")
    see.follow(result)
    assert (see.before.value, see.after.value) == (source, result)
