"""Maps, iterations, tables and folders: the work of the panels without a window."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import expand
from core.errors import PhotoError
from core.files import read, write_codes
from core.gamut import ROUNDING, clipped_mask, out_of_gamut_mask, reduce, share
from core.methods.convergence import Window
from core.methods.registry import method
from core.metrics import compare, delta_e_map
from core.payload.embedding import write_embedded
from core.payload.gamut_mlp import FitSettings
from core.pictures.chart import wide_gamut_chart
from core.pictures.seen import muted
from core.progress import finished
from napari_gamut.folders import FolderReport, FolderRequest, expand_folder
from napari_gamut.iterations import LARGEST, solve_visibly, window_within
from napari_gamut.mapping import KINDS, Map, maps_of
from napari_gamut.measuring import chosen_colours, measure
from napari_gamut.naming import percentage
from napari_gamut.photos import LayerError, photo_of
from napari_gamut.records import KEY, Record, WidePixels
from napari_gamut.reducing import reducing
from napari_gamut.requests import Request
from napari_gamut.tables import HEADER, SUBJECT, Table, rows_of
from tests.core.conftest import network_in
from tests.napari_gamut.test_engine import result_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def original() -> np.ndarray:
    return wide_gamut_chart(8)


@pytest.fixture
def reference(original: np.ndarray) -> Any:
    record = Record(WidePixels(original, "prophoto", "Bradford", "srgb"))
    data = reduce(convert(original, PROPHOTO, SRGB))
    layer = Image(data, rgb=True, name="original", contrast_limits=(0, 255), metadata={KEY: record})
    return photo_of(layer)


@pytest.fixture
def photo(original: np.ndarray) -> Any:
    data = reduce(convert(original, PROPHOTO, SRGB))
    return photo_of(Image(data, rgb=True, name="photo", contrast_limits=(0, 255)))


def maps(kinds: list[Any], photo: Any, reference: Any) -> list[Map]:
    return result_of(maps_of(kinds, photo, reference, "srgb"))[1]


def test_masks_are_those_of_the_engine(photo: Any, reference: Any, original: np.ndarray) -> None:
    found = {
        item.kind: item
        for item in maps(["clipped", "outside_srgb", "outside_screen"], photo, reference)
    }
    clipped = clipped_mask(photo.codes())
    assert np.array_equal(found["clipped"].values, clipped)
    assert found["clipped"].title.endswith(percentage(share(clipped)))
    expected = out_of_gamut_mask(convert(original, PROPHOTO, SRGB), ROUNDING)
    assert np.array_equal(found["outside_srgb"].values, expected)
    assert not found["outside_screen"].values.any()  # The photo itself is sRGB.


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (0.0, "0 %"),
        (0.0002, "less than 0.1 %"),
        (0.034, "3.4 %"),
        (0.762, "76 %"),
        (0.9951, "99.5 %"),
        (0.9996, "more than 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_neither_rounded_to_none_nor_to_all(part: float, told: str) -> None:
    assert percentage(part) == told


def test_what_lies_outside_srgb_is_the_same_on_every_page() -> None:
    linear = np.full((2, 3, 3), 0.5, np.float32)
    linear[0] = (1.0 + ROUNDING / 2, 0.5, 0.5)  # Outside by less than codes can say.
    linear[1, 0] = (1.5, 0.0, 0.0)
    record = Record(WidePixels(linear, "srgb", "Bradford", "srgb"))
    subject = photo_of(Image(reduce(linear), rgb=True, metadata={KEY: record}))
    (item,) = maps(["outside_srgb"], subject, subject)
    metrics = result_of(measure(subject, subject))[1]
    lost = result_of(reducing(subject))[1].lost
    assert item.values.mean() == metrics.out_of_gamut_share == lost == pytest.approx(1 / 6)


def test_error_maps_are_those_of_the_metrics(
    photo: Any, reference: Any, original: np.ndarray
) -> None:
    found = {item.kind: item for item in maps(["delta_e", "restored"], photo, reference)}
    assert np.array_equal(found["delta_e"].values, delta_e_map(original, photo.prophoto()))
    assert not found["restored"].values.any()
    assert found["delta_e"].limits == found["restored"].limits  # One unit, one scale.


def test_the_restored_amount_of_the_original_is_its_distance_from_srgb(
    reference: Any, photo: Any, original: np.ndarray
) -> None:
    (item,) = maps(["restored"], reference, None)
    assert np.allclose(item.values, delta_e_map(photo.prophoto(), original), atol=1e-3)


def test_errors_without_a_reference_are_refused_in_one_sentence(photo: Any) -> None:
    with pytest.raises(LayerError, match="choose it as the reference"):
        maps(list(KINDS), photo, None)


def test_the_last_iteration_is_the_expansion(photo: Any, weights: Path) -> None:
    steps, trace = result_of(solve_visibly(photo, Request(str(weights)), {}, look="srgb"))
    expected = expand(photo.codes(), method(weights))
    assert steps[-1][0] == len(trace.kept) == len(trace.residuals)
    assert trace.residuals[-1] == pytest.approx(expected.tiles[0].residual, rel=1e-3)
    assert np.array_equal(trace.kept[-1].image, photo.codes())
    assert not trace.mse


def test_each_iteration_is_measured_against_the_reference(
    photo: Any, reference: Any, weights: Path
) -> None:
    _, trace = result_of(solve_visibly(photo, Request(str(weights)), {}, reference))
    assert set(trace.mse) == {"all", "out_of_gamut", "in_gamut"}
    assert all(len(values) == len(trace.residuals) for values in trace.mse.values())
    assert trace.kept[-1].error.shape == photo.size
    assert trace.limits("error", 1) == trace.limits("error", 2)
    assert trace.limits("error", 1)[1] > 0
    assert list(trace.quality.iterations) == list(range(1, len(trace.kept) + 1))


def test_iterations_are_seen_on_any_screen(photo: Any, weights: Path) -> None:
    _, trace = result_of(solve_visibly(photo, Request(str(weights)), {}))
    naive = muted(photo.linear(SRGB))
    shown = [kept.image for kept in trace.kept]
    assert all((image != naive).any() for image in shown)
    assert (shown[0] != shown[-1]).any()


def test_no_change_is_drawn_black(photo: Any, weights: Path) -> None:
    _, trace = result_of(solve_visibly(photo, Request(str(weights)), {}))
    for number, kept in enumerate(trace.kept, 1):
        if kept.change.any():
            assert kept.change.max() >= trace.limits("change", number)[1] * 0.99


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"method": "picard", "damping": 0.5}, "Picard, β = 0.5"),
        ({"memory": 2}, "Anderson, m = 2, β = 1"),
    ],
)
def test_the_solver_can_be_chosen(
    photo: Any, weights: Path, changes: dict[str, Any], label: str
) -> None:
    _, usual = result_of(solve_visibly(photo, Request(str(weights)), {}))
    _, trace = result_of(solve_visibly(photo, Request(str(weights)), changes))
    assert trace.label == label
    assert trace.residuals != usual.residuals


def test_a_region_is_solved_on_the_grid_of_the_network(photo: Any, weights: Path) -> None:
    request = Request(str(weights))
    _, trace = result_of(
        solve_visibly(photo, request, {}, bounds=(11.0, 21.5, 30.2, 41.0), look="srgb")
    )
    assert (trace.top, trace.left) == (10, 20)
    assert trace.kept[0].image.shape == (21, 21, 3)
    assert np.array_equal(trace.kept[-1].image, photo.codes()[10:31, 20:41])


def test_a_preview_is_the_middle_of_a_large_photo() -> None:
    window = window_within((3000, 4000), None, 2)
    assert window.height * window.width == pytest.approx(LARGEST, rel=0.01)
    assert abs(window.top + window.height / 2 - 1500) <= 2
    assert window_within((30, 40), None, 2) == Window(0, 0, 30, 40)


@pytest.mark.parametrize(
    ("bounds", "says"), [((50, 0, 60, 9), "outside the photo"), ((0, 0, 9, 0), "outside")]
)
def test_a_region_beside_the_photo_is_refused(bounds: Any, says: str) -> None:
    with pytest.raises(LayerError, match=says):
        window_within((40, 40), bounds, 2)


def test_naive_inversion_has_no_iterations(photo: Any) -> None:
    with pytest.raises(LayerError, match="choose an equilibrium network"):
        result_of(solve_visibly(photo, Request("naive"), {}))


def test_a_table_has_a_row_for_each_region(photo: Any, original: np.ndarray) -> None:
    mask = out_of_gamut_mask(convert(original, PROPHOTO, SRGB))
    metrics = compare(original, photo.prophoto(), mask)
    rows = rows_of(metrics)
    assert [row[0] for row in rows] == ["All pixels", "Out of gamut", "In gamut"]
    assert rows[0][1] == f"{metrics.regions['all'].psnr:.2f}"
    table = Table("a, photo", "original", "square", rows)
    assert table.title == "“a, photo” against “original”, inside “square”:"
    back = list(csv.reader(io.StringIO(table.separated())))
    subject = ["a, photo", "original", "square"]
    assert back == [[*SUBJECT, *HEADER], *[[*subject, *row] for row in rows]]
    assert table.separated("\t").count("\t") == (len(SUBJECT) + len(HEADER) - 1) * 4


def test_two_photos_are_drawn_as_two(photo: Any) -> None:
    long = "a very long beginning that many names of photos share"
    photos = [replace(photo, name=f"{long} ({end})") for end in ("original", "sRGB")]
    assert len(finished(chosen_colours(photos))) == 2


def test_a_table_of_equal_photos_is_readable(original: np.ndarray) -> None:
    rows = rows_of(compare(original, original, np.zeros(original.shape[:2], bool)))
    assert rows[0][1] == "∞"
    assert rows[1][1:] == ("–", "–", "–", "–", "0")


@pytest.fixture
def folder(tmp_path: Path, codes: np.ndarray) -> Path:
    source = tmp_path / "in"
    (source / "inner").mkdir(parents=True)
    write_codes(source / "first.png", codes)
    write_codes(source / "inner" / "second.png", codes[::-1])
    (source / "third.png").write_text("nothing")
    return source


def test_a_folder_is_expanded_file_by_file(folder: Path, tmp_path: Path, codes: Any) -> None:
    request = FolderRequest(folder, tmp_path / "out")
    steps, report = result_of(expand_folder(request, Request("naive", "display-p3")))
    assert report == FolderReport(expanded=2, kept=0, failed=1)
    lines = [step.line for step in steps if step.line]
    assert len(lines) == 3
    assert any("third.png" in line and "not a photo" in line for line in lines)
    photo = read(tmp_path / "out" / "inner" / "second.tif")
    assert photo.space.key == "display-p3"
    assert np.array_equal(reduce(photo.scene()), codes[::-1])


def test_files_that_exist_are_kept_or_replaced(folder: Path, tmp_path: Path) -> None:
    for existing, expected in (
        ("keep", FolderReport(2, 0, 1)),
        ("keep", FolderReport(0, 2, 1)),
        ("replace", FolderReport(2, 0, 1)),
    ):
        request = FolderRequest(folder, tmp_path / "out", existing=existing)
        assert result_of(expand_folder(request, Request("naive")))[1] == expected


def test_whatever_one_photo_does_the_others_are_worked_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.engine import files

    original = files.file_expansion

    def failing(source, *arguments):
        if source.name == "first.png":
            raise ZeroDivisionError("division by zero")
        return original(source, *arguments)

    monkeypatch.setattr(files, "file_expansion", failing)
    steps, report = result_of(
        expand_folder(FolderRequest(folder, tmp_path / "out"), Request("naive"))
    )
    assert report == FolderReport(expanded=1, kept=0, failed=2)
    assert any("first.png: This photo made the program fail" in step.line for step in steps)


def test_closing_the_work_leaves_no_broken_file(folder: Path, tmp_path: Path) -> None:
    work = expand_folder(FolderRequest(folder, tmp_path / "out"), Request("naive"))
    for step in work:
        if step.total:
            break
    work.close()
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["missing", "in/first.png"])
def test_what_is_no_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    work = expand_folder(FolderRequest(tmp_path / name, tmp_path / "out"), Request("naive"))
    with pytest.raises(PhotoError, match="no folder"):
        next(work)


def test_each_photo_of_a_folder_is_expanded_by_the_network_that_it_carries(
    original: np.ndarray, tmp_path: Path
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    scene = convert(original, PROPHOTO, SRGB)
    carrier = source / "carrier.png"
    finished(write_embedded(carrier, reduce(scene), scene, None, FitSettings(steps=60, batch=256)))
    write_codes(source / "plain.png", reduce(scene))
    steps, report = result_of(expand_folder(FolderRequest(source, target), Request("embedded")))
    assert report == FolderReport(expanded=1, kept=0, failed=1)
    assert any("carries no network of its own" in step.line for step in steps)
    expected = expand(reduce(scene), network_in(carrier)).values
    written = convert(read(target / "carrier.tif").scene(), SRGB, PROPHOTO)
    assert np.abs(written - expected).max() < 1e-3
