from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from gradio_app.photo_pictures import Pictures, Side
from gradio_app.viewer import drawings, viewer

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
    assert root.find(".//div[@class='stage']").get("style") == "--ratio: 1.5000"  # type: ignore[union-attr]
    assert root.find(".//select") is None


def test_of_more_photos_two_are_chosen() -> None:
    root = parsed(viewer(Pictures(SIDES, (300, 200))))
    assert [picture.get("alt") for picture in root.findall(".//img")] == ["x", "z"]
    chosen = [menu.find("option[@selected]").text for menu in root.findall(".//select")]  # type: ignore[union-attr]
    assert chosen == ["x", "z"]
    assert root.find(".//input[@data-do='overlay']") is None


def test_names_cannot_become_markup() -> None:
    side = Side("<script>alert('x')</script>", Path("/<x>"), Path('/"x'))
    markup = viewer(Pictures((side, side, side), (1, 1))) + drawings({"light": Path("/<x>")}, "<x>")
    assert "<script" not in markup
    assert "<x>" not in markup
    assert '/"x' not in markup
