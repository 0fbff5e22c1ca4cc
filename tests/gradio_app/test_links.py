from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gradio_app.links import Links
from gradio_app.photo_expansion import Request

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.photo_expansion import Outcome

USUAL = Request("first")
OTHER = Request("second", "display-p3", "png", 1.25, source="adobe-rgb")


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    target = tmp_path / "photo.tif"
    target.touch()
    made: Any = SimpleNamespace(target=target)
    return cast("Outcome", made)


def test_a_link_leads_to_its_result_as_long_as_that_is_kept(outcome: Outcome) -> None:
    links = Links(["first", "second"])
    link = links.remember(outcome, OTHER, "upload")
    assert links.result(link) == (outcome, OTHER, "upload")
    assert links.names_a_result(link)
    outcome.target.unlink()
    assert links.result(link) is None
    assert links.request(link) == OTHER


def test_usual_settings_are_left_out_of_links(outcome: Outcome) -> None:
    links = Links(["first"])
    token = outcome.target.parent.name
    assert links.remember(outcome, USUAL, "upload") == f"?result={token}"
    assert links.settings(USUAL) == "?"
    assert links.settings(OTHER) == (
        "?model=second&space=display-p3&format=png&strength=1.25&source=adobe-rgb"
    )


def test_whether_names_stay_is_not_said_in_links() -> None:
    assert Links(["first"]).settings(replace(USUAL, private=True)) == "?"


def test_no_link_leads_to_a_result_that_keeps_names(outcome: Outcome) -> None:
    links = Links(["first", "second"])
    link = links.remember(outcome, replace(OTHER, private=True), "upload")
    assert link == links.settings(OTHER)
    assert not links.names_a_result(link)
    assert links.result(f"?result={outcome.target.parent.name}") is None


@pytest.mark.parametrize(
    "query",
    [
        *("", "?", "?result=1", "?space=prophoto", "?space=srgb", "?strength=x", "?strength=3"),
        *("?strength=nan", "?model=third", "?space=acescg&format=png", "?private=True", "?%00=%ff"),
    ],
)
def test_links_that_say_nothing_or_what_cannot_be_are_as_none(query: str) -> None:
    assert Links(["first", "second"]).request(query) is None


def test_a_link_found_nowhere_is_no_result() -> None:
    links = Links(["first"])
    assert links.result("?result=../../etc") is None
    assert not links.names_a_result("?space=rec2020")


def test_old_results_are_forgotten(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradio_app.links._MOST", 1)
    links = Links(["first"])
    first = links.remember(outcome, USUAL, "upload")
    (tmp_path / "second").mkdir()
    later: Any = SimpleNamespace(target=tmp_path / "second" / "photo.tif")
    later.target.touch()
    second = links.remember(later, USUAL, "upload")
    assert links.result(first) is None
    assert links.result(second) is not None
