"""What is saved is what is shown, and nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import expand
from core.files import read
from core.methods.registry import method
from core.progress import Stop, Stopped, finished
from napari_gamut.edits import placements
from napari_gamut.engine import expand_photo
from napari_gamut.mapping import maps_of
from napari_gamut.photos import LayerError, photo_of
from napari_gamut.records import KEY, record_in
from napari_gamut.requests import Request
from napari_gamut.saving import saving, target_of
from tests.napari_gamut.test_engine import photo, result_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def expanded(codes: np.ndarray, weights: Path) -> Image:
    """A layer that was expanded."""
    result = result_of(expand_photo(photo(codes), Request(str(weights))))[1]
    return Image(
        result.data, rgb=True, name="wide", contrast_limits=(0, 255), metadata={KEY: result.record}
    )


EDITS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "nothing": lambda data: data,
    "a copy": np.copy,
    "a crop": lambda data: data[10:40, 20:70],
    "a turn": np.rot90,
    "a crop, turned and mirrored": lambda data: np.rot90(data[5:60, 3:33], 3)[:, ::-1].copy(),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_layer_is_saved_as_it_is_shown(
    expanded: Image, tmp_path: Path, edit: str
) -> None:
    values = record_in(expanded.metadata).wide.values
    expanded.data = EDITS[edit](expanded.data)
    saved = finished(saving(photo_of(expanded), tmp_path / "wide.tif"))
    written = read(saved.paths[0])
    assert written.space is PROPHOTO
    assert written.pixels.shape == expanded.data.shape
    assert np.allclose(convert(written.scene(), SRGB, PROPHOTO), EDITS[edit](values), atol=1e-4)


def test_a_cropped_layer_is_masked_and_measured_as_it_is_shown(expanded: Image) -> None:
    whole = result_of(maps_of(["restored"], photo_of(expanded), None, "srgb"))[1][0].values
    expanded.data = expanded.data[10:40, 20:70]
    part = result_of(maps_of(["restored"], photo_of(expanded), None, "srgb"))[1][0].values
    assert np.array_equal(part, whole[10:40, 20:70])


@pytest.mark.parametrize("how", ["in place", "with new data", "made smaller"])
def test_a_repainted_layer_is_noticed(expanded: Image, tmp_path: Path, how: str) -> None:
    if how == "in place":
        expanded.data[30:33, 40:43] = 7
    else:
        expanded.data = expanded.data[::2, ::2] if how == "made smaller" else 255 - expanded.data
    with pytest.raises(LayerError, match="“wide” was edited since") as error:
        finished(saving(photo_of(expanded), tmp_path / "wide.tif"))
    assert "undo the edit" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_could_be_several_is_refused() -> None:
    whole = np.zeros((8, 8, 3), np.uint8)
    assert len(list(placements(whole[:2, :2], whole))) > 1


def test_opacity_is_cropped_with_the_photo(codes: np.ndarray, tmp_path: Path) -> None:
    alpha = np.arange(codes.shape[0] * codes.shape[1]).reshape(codes.shape[:2]).astype(np.uint8)
    source = Image(np.dstack([codes, alpha]), rgb=True, name="photo", contrast_limits=(0, 255))
    result = result_of(expand_photo(photo_of(source), Request("naive")))[1]
    layer = Image(result.data[3:30, 5:50], rgb=True, metadata={KEY: result.record})
    finished(saving(photo_of(layer), tmp_path / "part.png"))
    stored = read(tmp_path / "part.png").alpha
    assert np.array_equal(stored >> 8, alpha[3:30, 5:50])


def test_every_frame_of_an_expanded_stack_is_saved(
    codes: np.ndarray, weights: Path, tmp_path: Path
) -> None:
    stack = np.stack([codes, codes[::-1]])
    result = result_of(expand_photo(photo(stack), Request(str(weights))))[1]
    layer = Image(result.data, rgb=True, name="stack", metadata={KEY: result.record})
    saved = finished(saving(photo_of(layer), tmp_path / "stack.tif"))
    assert [path.name for path in saved.paths] == ["stack-1.tif", "stack-2.tif"]
    for path, frame in zip(saved.paths, stack, strict=True):
        values = expand(frame, method(weights)).values
        assert np.allclose(convert(read(path).scene(), SRGB, PROPHOTO), values, atol=1e-4)
    with pytest.raises(LayerError, match=r"stack-1\.tif exists already"):
        finished(saving(photo_of(layer), tmp_path / "stack.tif"))


def test_a_plain_stack_is_saved_code_for_code(codes: np.ndarray, tmp_path: Path) -> None:
    stack = np.stack([codes, 255 - codes])
    saved = finished(saving(photo(stack), tmp_path / "stack.png"))
    for path, frame in zip(saved.paths, stack, strict=True):
        assert np.array_equal(read(path).srgb_codes(), frame)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jxl"])
def test_cancelling_at_the_last_moment_leaves_the_old_file(
    expanded: Image, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"wide{suffix}"
    path.write_bytes(b"old")
    stop = Stop()
    with pytest.raises(Stopped):
        for done, total in saving(photo_of(expanded), path, stop.check):
            if total and done == total:
                stop.set()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_without_an_ending_is_a_tiff(tmp_path: Path) -> None:
    assert target_of(tmp_path / "photo").name == "photo.tif"
    with pytest.raises(LayerError, match=r"end its name in .*\.avif") as error:
        target_of("photo.jpg")
    assert ".jpg," not in str(error.value)


def expanded_in(viewer: Any, dock: Any, finish: Any, codes: np.ndarray) -> Any:
    viewer.add_image(codes, rgb=True, name="photo")
    page = dock("Expand")
    page.choice.model.value = "naive"
    page.start()
    finish(page)
    return viewer.layers[-1]


@pytest.mark.parametrize("name", ["wide.tif", "wide.png", "wide"])
def test_naparis_own_save_keeps_the_wide_colours(
    viewer: Any, dock: Any, finish: Any, codes: np.ndarray, tmp_path: Path, name: str
) -> None:
    layer = expanded_in(viewer, dock, finish, codes)
    viewer.layers.selection = {layer}
    (path,) = viewer.layers.save(str(tmp_path / name), selected=True)
    photo_written = read(path)
    assert photo_written.space is PROPHOTO
    assert photo_written.pixels.dtype == np.uint16


def test_people_are_told_where_napari_loses_colours(
    viewer: Any,
    dock: Any,
    finish: Any,
    codes: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("napari_gamut.widgets.save_guard.show_warning", told.append)
    layer = expanded_in(viewer, dock, finish, codes)
    viewer.layers.selection = {layer}
    assert viewer.layers.save(str(tmp_path / "wide.jpg"), selected=True)
    assert "without the restored colours" in told[0]
    assert viewer.layers.save(str(tmp_path / "all"))
    assert "one at a time" in told[1]


def test_layers_without_wide_colours_are_naparis_business(
    viewer: Any, dock: Any, codes: np.ndarray, tmp_path: Path
) -> None:
    dock("Expand")
    viewer.add_image(codes, rgb=True, name="photo")
    (path,) = viewer.layers.save(str(tmp_path / "photo.tif"), selected=True)
    assert np.array_equal(read(path).pixels, codes)
