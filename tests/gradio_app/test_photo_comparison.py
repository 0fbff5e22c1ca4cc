from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from core.errors import PhotoError
from gradio_app import tables
from gradio_app.photo_comparison import ASK, Compares, comparison
from gradio_app.results import Compared
from tests.core.conftest import wide_photo, write_untagged
from tests.web_demo import MODEL_NAME, has_the_form

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.context import Context


@pytest.fixture
def photo(uploads: Path) -> str:
    path = uploads / "wide.png"
    write_untagged(path, wide_photo(1, 24, 32))
    return str(path)


def compared(context: Context, photo: str, names: list[str], style: str, *more: Any) -> Compares:
    work = comparison(context.workplace, photo, names, style, *more)
    while True:
        try:
            next(work)
        except StopIteration as finished:
            result: Compares = finished.value
            return result


def test_methods_are_measured_in_the_order_of_the_page(context: Context, photo: str) -> None:
    result = compared(context, photo, ["naive", MODEL_NAME], "as-is", "prophoto")
    assert list(result.report["methods"]) == [MODEL_NAME, "naive"]
    markup = result.table
    assert re.findall(r'scope="rowgroup" rowspan="3">(\w+)<', markup) == [MODEL_NAME, "naive"]
    assert re.findall(r'scope="row">([\w ]+)<', markup) == [*tables.REGION_NAMES.values()] * 2
    psnr = result.report["methods"]["naive"]["regions"]["all"]["psnr"]
    assert isinstance(psnr, float)
    assert f"<td>{psnr:.2f}</td>" in markup


def test_a_network_can_be_fitted_to_the_original(context: Context, photo: str) -> None:
    result = compared(context, photo, ["gamut-mlp", "naive"], "as-is", "prophoto")
    assert list(result.report["methods"]) == ["naive", "gamut-mlp"]
    before, after = (
        one["regions"]["out_of_gamut"]["psnr"] for one in result.report["methods"].values()
    )
    assert isinstance(before, float)
    assert isinstance(after, float)
    assert after > before + 10.0


def test_the_table_is_laid_out_for_screen_readers(context: Context, photo: str) -> None:
    root = ElementTree.fromstring(compared(context, photo, ["naive"], "as-is", "prophoto").table)
    heads = [head.text for head in root.iterfind("table/thead/tr/th")]
    first, *others = root.iterfind("table/tbody/tr")
    assert len(first) == len(heads)
    assert all(len(row) == len(heads) - 1 for row in others)
    assert all(head.get("scope") for head in root.iter("th"))


def test_programs_get_the_same_figures(context: Context, photo: str) -> None:
    result = compared(context, photo, ["naive"], "as-is", "prophoto")
    assert has_the_form(result.report, Compared)
    assert result.report["out_of_gamut_share"] == pytest.approx(result.out_of_gamut_share)


def test_the_photographs_are_shown(context: Context, photo: str, tmp_path: Path) -> None:
    names = [MODEL_NAME, "naive"]
    result = compared(context, photo, names, "as-is", "prophoto", tmp_path)
    assert result.pictures is not None
    shown = [side.name for side in result.pictures.sides]
    assert shown == ["Reduced to sRGB", MODEL_NAME, "Original"]
    assert all(side.wide.exists() and side.muted.exists() for side in result.pictures.sides)
    assert all(drawing.exists() for drawing in result.drawings)


def test_a_photo_that_says_nothing_is_asked_about(context: Context, photo: str) -> None:
    with pytest.raises(PhotoError, match=r"“wide\.png” does not say its colour space"):
        compared(context, photo, ["naive"], "as-is", ASK)
    with pytest.raises(PhotoError, match="does not say its colour space"):
        compared(context, photo, ["naive"], "as-is")
    as_srgb = compared(context, photo, ["naive"], "as-is", "srgb")
    assert as_srgb.out_of_gamut_share == 0.0
    assert compared(context, photo, ["naive"], "as-is", "prophoto").out_of_gamut_share > 0.1


def test_a_vivid_finish_pushes_more_colours_out(context: Context, photo: str) -> None:
    plain, vivid = (
        compared(context, photo, ["naive"], style, "prophoto") for style in ("as-is", "vivid")
    )
    assert vivid.out_of_gamut_share > plain.out_of_gamut_share


def test_a_region_without_pixels_has_no_figures() -> None:
    assert tables._text(float("nan"), 2) == "–"
    assert tables._text(float("inf"), 2) == "∞"


@pytest.mark.parametrize(
    ("names", "style", "reason"),
    [
        ([], "as-is", "at least one method"),
        (["other"], "as-is", "no such model"),
        (["naive"], "sepia", "style"),
    ],
)
def test_what_does_not_exist_is_refused(
    context: Context, photo: str, names: list[str], style: str, reason: str
) -> None:
    with pytest.raises(PhotoError, match=reason):
        compared(context, photo, names, style)
