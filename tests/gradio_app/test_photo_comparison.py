from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from core.errors import PhotoError
from gradio_app import tables
from gradio_app.jobs import Job
from gradio_app.photo_comparison import comparison
from tests.core.conftest import wide_photo, write_untagged
from tests.web_demo import MODEL_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluation.comparison import Comparison
    from gradio_app.context import Context


@pytest.fixture
def photo(uploads: Path) -> str:
    path = uploads / "wide.png"
    write_untagged(path, wide_photo(1))
    return str(path)


def compared(context: Context, photo: str, names: list[str], style: str) -> Comparison:
    job = Job(comparison(context, photo, names, style), 60)
    for _ in job.steps():
        pass
    return job.result


def test_methods_are_measured_in_the_order_of_the_page(context: Context, photo: str) -> None:
    result = compared(context, photo, ["naive", MODEL_NAME], "as-is")
    assert [one.method for one in result.restorations] == [MODEL_NAME, "naive"]
    markup = tables.markup(result)
    assert re.findall(r'scope="rowgroup" rowspan="3">(\w+)<', markup) == [MODEL_NAME, "naive"]
    assert re.findall(r'scope="row">([\w ]+)<', markup) == [*tables.REGION_NAMES.values()] * 2
    assert f"<td>{result.restorations[1].metrics.regions['all'].psnr:.2f}</td>" in markup


def test_a_network_can_be_fitted_to_the_original(context: Context, photo: str) -> None:
    result = compared(context, photo, ["gamut-mlp", "naive"], "as-is")
    naive, fitted = result.restorations
    assert (naive.method, fitted.method) == ("naive", "gamut-mlp")
    before, after = (one.metrics.regions["out_of_gamut"].psnr for one in (naive, fitted))
    assert after > before + 10.0


def test_the_table_is_laid_out_for_screen_readers(context: Context, photo: str) -> None:
    root = ElementTree.fromstring(tables.markup(compared(context, photo, ["naive"], "as-is")))
    heads = [head.text for head in root.iterfind("table/thead/tr/th")]
    first, *others = root.iterfind("table/tbody/tr")
    assert len(first) == len(heads)
    assert all(len(row) == len(heads) - 1 for row in others)
    assert all(head.get("scope") for head in root.iter("th"))


def test_programs_get_the_same_figures(context: Context, photo: str) -> None:
    result = compared(context, photo, ["naive"], "as-is")
    report = tables.as_dict(result)
    measured = result.restorations[0].metrics
    assert report["methods"]["naive"]["regions"] == measured.as_dict()["regions"]
    assert report["out_of_gamut_share"] == pytest.approx(measured.out_of_gamut_share)


def test_a_vivid_finish_pushes_more_colours_out(context: Context, photo: str) -> None:
    plain, vivid = (compared(context, photo, ["naive"], style) for style in ("as-is", "vivid"))
    assert vivid.out_of_gamut.mean() > plain.out_of_gamut.mean()


def test_a_region_without_pixels_has_no_figures() -> None:
    assert tables._text(float("nan"), 2) == "–"
    assert tables._text(float("inf"), 2) == "∞"


@pytest.mark.parametrize(
    ("names", "style", "reason"),
    [
        ([], "as-is", "at least one method"),
        (["other"], "as-is", "no such method"),
        (["naive"], "sepia", "style"),
    ],
)
def test_what_does_not_exist_is_refused(
    context: Context, photo: str, names: list[str], style: str, reason: str
) -> None:
    with pytest.raises(PhotoError, match=reason):
        compared(context, photo, names, style)
