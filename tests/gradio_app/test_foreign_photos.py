"""Whoever came by a link sees a result, and learns nothing of its owner."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.colour import DISPLAY_P3
from core.files import Metadata, inspect
from core.files.exif import ARTIST, GPS_IFD, Directory, Entry, blob_from
from core.progress import Stop
from gradio_app.arrival import Arrival
from gradio_app.asked import Asked, Last
from gradio_app.expand_parts import Choices
from gradio_app.photo_expansion import Request
from gradio_app.wide_offers import _Reduction, _taken
from tests.gradio_app.tabs import expanded, made_tab
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from gradio_app.context import Context
    from gradio_app.expand_tab import ExpandTab

KEEPING = Choices.of(Request(MODEL_NAME, private=True))
DROPPING = Choices.of(Request(MODEL_NAME))


@pytest.fixture(scope="module")
def tab(context: Context) -> ExpandTab:
    return made_tab(context)


@pytest.fixture(scope="module")
def located(context: Context) -> Path:
    """A JPEG that says where it was taken, and by whom."""
    place = {GPS_IFD: Directory({1: Entry.text("N")})}
    blob = blob_from(Directory({272: Entry.text("Model 1"), ARTIST: Entry.text("Ada")}, place))
    path = Path(tempfile.mkdtemp(dir=context.uploads)) / "located.jpg"
    return write_photo(path, 24, 32, metadata=Metadata(blob))


@pytest.fixture(scope="module")
def owner(tab: ExpandTab, located: Path) -> Last:
    """What is there for its owner, who has not kept the place."""
    return expanded(tab, Asked(1, (str(located),), DROPPING))[1]


@pytest.fixture
def wide(uploads: Path) -> Path:
    """The same, of a photo that has all its colours."""
    place = {GPS_IFD: Directory({1: Entry.text("N")})}
    blob = blob_from(Directory({272: Entry.text("Model 1")}, place))
    return write_photo(uploads / "wide.jpg", 24, 32, space=DISPLAY_P3, metadata=Metadata(blob))


def link_to(tab: ExpandTab, there: Last) -> str:
    assert there.outcome is not None
    return f"?result={there.outcome.target.parent.name}"


def visitor(tab: ExpandTab, context: Context, owner: Last) -> tuple[Any, Last]:
    """What somebody sees who follows the owner's link, and what is there for them."""
    shown = tab.arrive(link_to(tab, owner), Arrival(context))
    return shown, shown[tab.last]


def test_a_visitor_gets_a_file_without_the_owners_place(
    tab: ExpandTab, context: Context, owner: Last
) -> None:
    shown, there = visitor(tab, context, owner)
    assert there.foreign
    box = shown[tab.choices.private]
    assert (box["value"], box["interactive"]) == (False, False)
    assert "came by a link" in box["info"]
    # Whatever a browser sends.
    for ask in (
        tab._ask_again(None, there, *KEEPING),
        tab._ask_once_more(None, there, None, *KEEPING),
    ):
        asked = ask[tab._asked]
        assert asked.foreign
        shown, there = expanded(tab, asked, there)
        assert there.foreign
        assert there.outcome is not None
        info = inspect(there.outcome.target)
        assert (info.camera, info.has_gps) == ("Model 1", False)
        assert b"Ada" not in there.outcome.target.read_bytes()
        assert "--drop-private" in shown[tab._results.command]


def test_the_owner_keeps_the_place_and_gets_no_link(
    tab: ExpandTab, context: Context, located: Path
) -> None:
    shown, owner = expanded(tab, Asked(1, (str(located),), KEEPING))
    assert not owner.foreign
    assert owner.outcome is not None
    assert inspect(owner.outcome.target).has_gps
    assert "Copy link" not in shown[tab._results.result].value
    arrived = tab.arrive(link_to(tab, owner), arrived_sample(context))
    assert arrived[tab._parts.notice].visible
    assert owner.paths[0] not in repr(arrived)


def arrived_sample(context: Context) -> Arrival:
    arrival = Arrival(context)
    arrival.begin()
    return arrival


def test_who_drops_a_photo_of_their_own_may_choose(
    tab: ExpandTab, context: Context, located: Path, owner: Last
) -> None:
    _, there = visitor(tab, context, owner)
    own = located.parent / "own.jpg"
    shutil.copy(located, own)
    shown = tab._ask_anew(None, there, [str(own)], *KEEPING)
    assert shown[tab.choices.private]["interactive"]
    _, last = expanded(tab, shown[tab._asked], there)
    assert not last.foreign
    assert last.outcome is not None
    assert inspect(last.outcome.target).has_gps


@pytest.mark.parametrize("foreign", [False, True])
def test_an_srgb_file_says_nothing_of_a_foreign_owner(
    tab: ExpandTab, context: Context, wide: Path, foreign: bool
) -> None:
    last = Last((str(wide),), DROPPING, foreign=foreign)
    *_, shown = _Reduction(context, tab).run(Stop(), last, True)
    made = shown[tab.offers.reduced].value["path"]
    assert inspect(made).has_gps is not foreign


def test_a_foreign_photo_is_not_handed_on_as_it_was_sent(
    tab: ExpandTab, context: Context, wide: Path
) -> None:
    _, owner = expanded(tab, Asked(1, (str(wide),), DROPPING))
    shown, there = visitor(tab, context, owner)
    assert shown[tab._results.wide].visible
    assert not shown[tab.offers.compare].visible
    assert _taken(there)[1] is None
    assert _taken(owner)[1] == str(wide)
