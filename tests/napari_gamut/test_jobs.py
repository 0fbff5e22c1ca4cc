"""One job at a time on a page, the newest wish last, and what people are told of several."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image
from napari.layers._source import Source

from napari_gamut.photos import photo_of
from napari_gamut.records import record_in
from napari_gamut.widgets import see_page
from tests.napari_gamut.test_widgets import add_two, box, select

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A sign for which the rendering of a comparison waits."""
    go_on, real = threading.Event(), see_page.pair_of

    def waiting(before: Any, after: Any, look: str, check: Any) -> Any:
        while not go_on.wait(0.02):
            check()
            yield 0, 5
        return (yield from real(before, after, look, check))

    monkeypatch.setattr(see_page, "pair_of", waiting)
    return go_on


def test_a_photo_that_changes_while_it_is_compared_is_compared_again(
    viewer: Viewer, dock: Any, qtbot: Any, held: threading.Event
) -> None:
    before, after = add_two(viewer)
    page = dock("See")
    page.before.value, page.after.value = before, after
    page.show_box.value = "after"
    page.start()
    after.data = np.full((20, 40, 3), 100, np.uint8)
    page.layer_changed(after)
    page.look.value = "srgb"
    held.set()
    qtbot.waitUntil(lambda: page.is_showing and not page.busy, timeout=60_000)
    assert (page._shown.data == 100).all()
    page.look.value = "display-p3"
    qtbot.waitUntil(lambda: not page.busy, timeout=60_000)
    assert page._pair.screen == "Display P3"


def test_cancelling_forgets_that_more_was_wanted(
    viewer: Viewer, dock: Any, held: threading.Event
) -> None:
    before, after = add_two(viewer)
    page = dock("See")
    page.before.value, page.after.value = before, after
    page.start()
    page.layer_changed(after)
    page.cancel()
    assert not page.busy
    held.set()


def test_a_new_job_takes_the_place_of_the_one_that_runs(dock: Any, qtbot: Any, finish: Any) -> None:
    page, go_on, results = dock("See"), threading.Event(), []

    def first(check: Any) -> Any:
        while not go_on.wait(0.02):
            yield 0, 1
        return "first"

    def second(check: Any) -> Any:
        yield 0, 1
        return "second"

    page.start_job(first, results.append)
    page.start_job(second, results.append)
    finish(page)
    go_on.set()
    qtbot.wait(200)
    assert results == ["second"]
    assert page.run.text == "Compare"


def test_photos_that_fail_are_not_counted_and_not_forgotten(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, warnings_shown: list[str]
) -> None:
    bad = np.full(codes.shape, 3.0, np.float32)
    photos = [
        viewer.add_image(data, rgb=True, name=f"photo {number}", contrast_limits=(0, 1))
        for number, data in enumerate((bad, codes, codes))
    ]
    page = dock("Expand")
    page.choice.model.value = "naive"
    page.region.value = box(viewer)
    photos[2].translate = (500.0, 500.0)  # The region is not on it.
    select(viewer, page, photos)
    page.start()
    qtbot.waitUntil(lambda: len(viewer.layers) == 5 and not page.busy, timeout=60_000)
    assert page.note.startswith("1 of 3 photos is expanded. “photo 0” cannot be used.")
    assert "holds no pixel" in page.note
    assert len(warnings_shown) == 2


def test_the_layer_that_is_converted_is_the_one_that_cannot_be_used(
    viewer: Viewer, dock: Any, finish: Any, tmp_path: Path, warnings_shown: list[str]
) -> None:
    layer = Image(
        np.full((9, 8, 3), 7, np.int32), rgb=True, name="numbers", scale=(2, 3), translate=(4, 5)
    )
    layer._source = Source(path=str(tmp_path / "photo.jpg"))
    viewer.add_layer(layer)
    good = viewer.add_image(np.zeros((9, 8, 3), np.uint8), rgb=True, name="good")
    page = dock("See")
    page.before.value, page.after.value = layer, good
    page.start()
    assert "“numbers”" in warnings_shown[-1]
    page.remedy.changed.emit(True)
    finish(page)
    added = viewer.layers[-1]
    assert added.name == "numbers (converted)"
    assert (added.data == 7).all()
    assert added.data_to_world((1, 1)) == pytest.approx(layer.data_to_world((1, 1)))
    assert added.scale.tolist() == [2.0, 3.0]
    record = record_in(added.metadata)
    assert record.path.endswith("photo.jpg")
    assert photo_of(added).tolerance > 0


def test_channels_that_were_opened_as_a_dimension_stand_where_they_stood(
    viewer: Viewer, dock: Any, finish: Any, warnings_shown: list[str]
) -> None:
    grey = viewer.add_image(
        np.full((9, 8, 3), 7, np.uint8), rgb=False, scale=(2, 3, 1), rotate=(0, 0, 30), name="grey"
    )
    page = dock("Expand")
    page.start()
    page.remedy.changed.emit(True)
    finish(page)
    added = viewer.layers[-1]
    assert added.rgb
    for point in ((0, 0), (3, 2)):
        world = grey.data_to_world((*point, 0))[:2]
        assert added.data_to_world(point) == pytest.approx(world)
