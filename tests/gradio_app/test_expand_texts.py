from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.cli import main as gamut
from core.colour import DISPLAY_P3
from core.engine.origin import Origin
from gradio_app import expand_texts
from gradio_app.photo_expansion import AUTO, SOURCE_NAMES, Request, expansion
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from gradio_app.context import Context


def test_people_choose_where_a_photo_comes_from_by_what_its_file_says() -> None:
    for origin in (
        None,
        Origin(),
        Origin(DISPLAY_P3, "Its colours lay in Display P3: it says so."),
    ):
        choices = expand_texts.source_choices(origin)
        assert {key for _, key in choices} == set(SOURCE_NAMES)
    assert expand_texts.source_choices()[0] == ("As the file says", AUTO)
    assert expand_texts.source_choices(Origin())[0] == ("The file does not say", AUTO)
    assert expand_texts.source_choices(origin)[0] == ("As the file says: Display P3", AUTO)


def test_the_evidence_is_one_sentence() -> None:
    assert expand_texts.source_evidence(Origin(DISPLAY_P3, "It says so.")) == "It says so."
    assert "not known" in expand_texts.source_evidence(Origin())


@pytest.mark.parametrize(
    "request_",
    [
        Request("naive"),
        Request("naive", "display-p3", "png", 0.5, True, "adobe-rgb"),
        Request("naive", "rec2020", "jxl", 1.0, False, "unknown"),
    ],
)
def test_settings_that_are_copied_make_the_same_file(
    context: Context,
    uploads: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request_: Request,
) -> None:
    photo = write_photo(uploads / "My 'photo'.png")
    work = expansion(context.workplace, str(photo), request_, tmp_path)
    while True:
        try:
            next(work)
        except StopIteration as finished:
            made = finished.value.target
            break
    write_photo(tmp_path / "a b.png")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(expand_texts.command("a b.png", f"by-command{made.suffix}", request_))
    assert words[0] == "gamut"
    assert gamut([*words[1:], "--quiet"]) == 0
    exec(expand_texts.script("a b.png", f"by-script{made.suffix}", request_), {})
    for name in ("by-command", "by-script"):
        assert Path(f"{name}{made.suffix}").read_bytes() == made.read_bytes()


def test_a_command_names_what_is_not_usual_and_the_network() -> None:
    usual = expand_texts.command("a.jpg", "a.tif", Request(MODEL_NAME))
    assert usual == "gamut expand a.jpg -o a.tif --model trial --drop-private"
    other = Request(MODEL_NAME, "display-p3", strength=0.5, private=True, source="unknown")
    assert expand_texts.command("a.jpg", "a.tif", other) == (
        "gamut expand a.jpg -o a.tif --model trial --source unknown --strength 0.5 "
        "--space display-p3"
    )


def test_a_download_says_its_format_and_size() -> None:
    assert expand_texts.file_label(".tif", 1_240_000) == "Download TIFF (1.2\N{NO-BREAK SPACE}MB)"
    assert expand_texts.file_label(".zip", 20_000_000) == "Download ZIP (20.0\N{NO-BREAK SPACE}MB)"
