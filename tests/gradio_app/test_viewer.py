from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from gradio_app.photo_pictures import Pictures, Side
from gradio_app.viewer import Subject, drawings, viewer

SIDES = tuple(Side(name, Path(f"/a b/{name}.webp"), Path(f"/a b/{name}-m.webp")) for name in "xyz")


def parsed(markup: str) -> ElementTree.Element:
    for word in ("hidden", "selected"):
        markup = markup.replace(f" {word}>", f' {word}="">')
    for tag in ("img", "input"):
        markup = markup.replace(f"<{tag} ", f"<{tag}_ ")
    parts = markup.split("<")
    closed = [
        part.replace(">", "/>", 1) if part.startswith(("img_", "input_")) else part
        for part in parts
    ]
    return ElementTree.fromstring(
        "<".join(closed).replace("img_", "img").replace("input_", "input")
    )


def test_two_photos_and_an_overlay() -> None:
    root = parsed(viewer(Pictures(SIDES[:2], (300, 200), Path("/a b/gain.webp"))))
    pictures = root.findall(".//img")
    assert [picture.get("alt") for picture in pictures] == ["x", "y", ""]
    assert pictures[0].get("data-wide") == "gradio_api/file=/a%20b/x.webp"
    assert pictures[1].get("data-muted") == "gradio_api/file=/a%20b/y-m.webp"
    assert pictures[2].get("src") is None, "fetched when somebody asks for it"
    assert root.find(".//div[@class='stage']").get("style") == "--ratio: 1.5000"  # type: ignore[union-attr]
    assert root.find(".//select") is None


def test_of_more_photos_two_are_chosen() -> None:
    root = parsed(viewer(Pictures(SIDES, (300, 200))))
    assert [picture.get("alt") for picture in root.findall(".//img")] == ["x", "z"]
    chosen = [menu.find("option[@selected]").text for menu in root.findall(".//select")]  # type: ignore[union-attr]
    assert chosen == ["x", "z"]
    assert root.find(".//input[@data-do='overlay']") is None


def test_of_a_long_panorama_a_part_is_seen() -> None:
    for size, ratio in (((20_000, 1000), "3.0000"), ((1000, 20_000), "0.6000")):
        root = parsed(viewer(Pictures(SIDES[:2], size)))
        assert root.find(".//div[@class='stage']").get("style") == f"--ratio: {ratio}"  # type: ignore[union-attr]
        assert (root.get("data-width"), root.get("data-height")) == tuple(map(str, size))


def test_a_link_can_be_copied_where_there_is_one() -> None:
    pictures = Pictures(SIDES[:2], (300, 200))
    assert parsed(viewer(pictures)).find(".//button[@data-do='link']") is None
    subject = Subject("photo", (600, 400), "a" * 40, 1.5, "?space=rec2020&result=1")
    root = parsed(viewer(pictures, subject))
    assert root.find(".//button[@data-do='link']") is not None
    told = {name: root.get(f"data-{name}") for name in ("photo", "width", "token", "strength")}
    assert told == {"photo": "photo", "width": "600", "token": "a" * 40, "strength": "1.5"}
    assert root.get("data-link") == "?space=rec2020&result=1"
    root = parsed(viewer(pictures, Subject("photo", (600, 400), link="?", shared=False)))
    assert root.find(".//button[@data-do='link']") is None
    assert root.get("data-link") == "?"


def test_names_cannot_become_markup() -> None:
    side = Side("<script>alert('x')</script>", Path("/<x>"), Path('/"x'))
    subject = Subject('"><x>', (1, 1), link='"><x>')
    markup = viewer(Pictures((side, side, side), (1, 1)), subject) + drawings(
        {"light": Path("/<x>")}, "<x>"
    )
    assert "<script" not in markup
    assert "<x>" not in markup
    assert '/"x' not in markup
