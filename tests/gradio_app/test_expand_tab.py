"""What the tab asks for, and what it leaves alone."""

from __future__ import annotations

import time
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest

from core.progress import Stop
from gradio_app.asked import Asked, Last
from gradio_app.context import Context
from gradio_app.expand_parts import Choices
from gradio_app.photo_expansion import Request
from tests.gradio_app.tabs import expanded, made_tab
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.expand_tab import ExpandTab

A, B = (Choices.of(Request(MODEL_NAME, space)) for space in ("prophoto", "rec2020"))
LAST = Last(("photo.png",), A)


@pytest.fixture(scope="module")
def tab(context: Context) -> ExpandTab:
    return made_tab(context)


def again(tab: ExpandTab, asked: Asked | None, last: Last | None, chosen: Any) -> Any:
    """What is asked for after a choice; None if nothing is."""
    shown = tab._ask_again(asked, last, *chosen)
    wanted = shown.get(tab._asked)
    assert isinstance(wanted, Asked) is (tab._bell in shown), "the bell begins the job"
    return wanted if isinstance(wanted, Asked) else None


def test_the_settings_of_a_request_are_those_that_make_it() -> None:
    request = Request(MODEL_NAME, "rec2020", "png", 0.5, True, "adobe-rgb")
    assert Choices.request(*Choices.of(request)) == request


def test_a_choice_that_is_left_as_it_was_asks_for_nothing(tab: ExpandTab) -> None:
    assert again(tab, None, LAST, A) is None
    assert again(tab, Asked(3, LAST.paths, A), LAST, A) is None
    assert again(tab, None, None, B) is None, "there is no photo"


def test_another_choice_asks_for_the_same_photo(tab: ExpandTab) -> None:
    assert again(tab, None, LAST, B) == Asked(0, LAST.paths, B)
    assert again(tab, Asked(3, LAST.paths, A), LAST, B) == Asked(3, LAST.paths, B)


def test_a_choice_while_a_new_photo_is_worked_on_is_for_that_one(tab: ExpandTab) -> None:
    new = Asked(4, ("new.png",), A, foreign=True)
    assert again(tab, new, LAST, B) == Asked(4, ("new.png",), B, foreign=True)
    assert again(tab, Asked(4, (), A), LAST, B) is None, "there is no photo"
    several = Asked(4, ("a.png", "b.png"), A)
    assert again(tab, several, LAST, B) is None
    shown = tab._ask_again(several, LAST, *B)
    assert "press Expand" in str(shown[tab.desk.buttons.status])


def test_who_says_the_same_twice_rings_once_and_others_ring_anew(tab: ExpandTab) -> None:
    bells = [
        tab._ask_again(None, LAST, *B)[tab._bell],
        tab._ask_again(None, LAST, *B)[tab._bell],
        tab._ask_again(Asked(0, LAST.paths, B), LAST, *A)[tab._bell],
        tab._ask_once_more(Asked(0, LAST.paths, A), LAST, None, *A)[tab._bell],
    ]
    assert bells[0] == bells[1]
    assert len(set(bells)) == 3


def test_who_goes_back_while_a_job_runs_gets_what_is_chosen(tab: ExpandTab) -> None:
    assert again(tab, Asked(3, LAST.paths, B), LAST, A) == Asked(3, LAST.paths, A)


def test_of_several_photos_it_is_said_that_they_are_out_of_date(tab: ExpandTab) -> None:
    several = Last(("a.png", "b.png"), A)
    assert again(tab, None, several, B) is None
    shown = tab._ask_again(None, several, *B)
    assert "press Expand" in str(shown[tab.desk.buttons.status])


def test_a_photo_and_a_press_always_ask(tab: ExpandTab) -> None:
    asked = Asked(3, LAST.paths, A)
    assert tab._ask_once_more(asked, LAST, None, *A)[tab._asked] == Asked(4, LAST.paths, A)
    shown = tab._ask_anew(asked, LAST, ["photo.png"], *A)
    assert shown[tab._asked] == Asked(4, LAST.paths, A)
    assert shown[tab._results.download]["visible"] is False


def test_what_is_there_already_is_not_worked_out_again(tab: ExpandTab, tmp_path: Path) -> None:
    target = tmp_path / "photo.tif"
    target.write_bytes(b"1")
    outcome: Any = SimpleNamespace(target=target)
    there = Last(LAST.paths, A, outcome, 3)
    (shown,) = tab.expand(Stop(), Asked(3, LAST.paths, A), there)
    assert shown[tab._results.download].interactive is True
    assert "Done." in shown[tab.desk.buttons.status]


def test_what_was_given_up_is_out_of_date_unless_it_is_there(tab: ExpandTab) -> None:
    told = tab._given_up(Asked(1, LAST.paths, B), LAST)
    assert (told.label, told.interactive) == ("Out of date", False)
    for asked in (None, Asked(1, LAST.paths, A)):
        assert not isinstance(tab._given_up(asked, LAST), gr.DownloadButton)


def with_limits(context: Context, **limits: Any) -> Context:
    place = context.workplace
    return Context(replace(place, settings=replace(place.settings, **limits)))


def test_of_several_photos_nobody_waits_for_their_own_pixels(
    context: Context, uploads: Path
) -> None:
    tab = made_tab(with_limits(context, max_megapixels=2.0))
    naive = Choices.of(Request("naive"))
    # It is shown smaller than it is.
    large = str(write_photo(uploads / "large.png", 1300, 1000))
    small = str(write_photo(uploads / "small.png", 24, 32))
    shown, last = expanded(tab, Asked(1, (large, small), naive))
    assert 'data-token=""' in shown[tab._results.result].value
    (answer,) = tab.look_closer(Stop(), last)
    assert 'data-full=""' in answer


def test_whoever_waits_for_what_is_gone_is_told(tab: ExpandTab) -> None:
    for last in (None, LAST):
        (answer,) = tab.look_closer(Stop(), last)
        assert 'data-full=""' in answer


def test_all_photos_of_one_press_have_the_time_of_one_job(context: Context, uploads: Path) -> None:
    photos = [str(write_photo(uploads / f"photo{n}.png", 24, 32)) for n in range(9)]
    began = time.monotonic()
    expanded(made_tab(context), Asked(1, tuple(photos[:1]), A))
    # A busy machine takes longer, for all of them: about three can be done.
    seconds = 3 * (time.monotonic() - began)
    hasty = made_tab(with_limits(context, seconds=seconds))
    shown, last = expanded(hasty, Asked(1, tuple(photos), A))
    said = shown[hasty.desk.buttons.status]
    assert f"The {seconds:g} seconds that one press may take are over: photo0" in said
    late = shown[hasty._results.table].value.count("not done: the time was over")
    assert 1 <= late < len(photos)
    with zipfile.ZipFile(shown[hasty._results.download].value["path"]) as pack:
        assert pack.namelist() == [f"photo{n}-prophoto.tif" for n in range(len(photos) - late)]
    assert last.outcome is None
