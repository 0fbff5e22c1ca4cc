"""The page for everybody: axe's rules on every tab, and the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from core.cli import main as gamut
from core.colour import DISPLAY_P3
from core.files import write_codes
from tests.end_to_end.visits import FINISHED, VIEWS, Visit, visit, window
from tests.web_demo import clipped_photo, wait_for, write_photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.web_demo import Demo


@pytest.fixture(scope="module", params=["desk", "phone"])
def still(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A window without animations, in the midst of which colours are those of neither end."""
    with window(browser, reduced_motion="reduce", **VIEWS[request.param]) as page:
        yield page


@pytest.fixture
def view(still: Page, demo: Demo) -> Iterator[Visit]:
    still.emulate_media(color_scheme="light")
    with visit(still, demo) as visitor:
        yield visitor


def findings(visitor: Visit) -> list[str]:
    """What axe finds against WCAG 2.2 AA and good practice on the page as it is, light and dark."""
    page, found = visitor.page, []
    for scheme, body in (("dark", "body.dark"), ("light", "body:not(.dark)")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.locator(body).wait_for()
        results = Axe().run(page)
        found += [
            f"{scheme}, {violation['id']}: {node['html']}"
            for violation in results.response["violations"]
            for node in violation["nodes"]
        ]
    return found


def test_axe_finds_nothing(view: Visit, tmp_path: Path) -> None:
    (tmp_path / "drawing.png").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    for tab in ("Expand", "Convergence", "Compare", "About"):
        view.tab(tab)
        assert findings(view) == [], tab
        if tab not in FINISHED:
            continue
        view.upload(tmp_path / "drawing.png")
        view.panel.get_by_role("alert").wait_for()
        assert findings(view) == [], tab
        view.panel.locator(".samples button").first.click()
        view.panel.get_by_text(FINISHED[tab]).first.wait_for()
        assert wait_for(lambda: not findings(view)), (tab, findings(view))


def test_axe_finds_nothing_in_the_tools(view: Visit, tmp_path: Path) -> None:
    page = view.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view.upload(write_photo(tmp_path / "large.png", 1120, 1200))
    view.result_of("large")
    page.get_by_role("button", name="100 %").click()
    page.locator(".viewer .two .tile").first.wait_for(state="attached")
    page.get_by_label("Mark what came back").check()
    page.get_by_label("As seen on a wide-gamut screen").uncheck()
    page.get_by_role("button", name="Flicker").click()
    for name in ("More settings", "Details"):
        page.get_by_role("button", name=name).click()
    view.panel.get_by_text("Clipped pixels").wait_for()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert wait_for(lambda: not findings(view)), findings(view)


def test_axe_finds_nothing_in_the_queue(view: Visit, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    photos = [write_photo(tmp_path / "first.png"), write_photo(tmp_path / "second.png"), broken]
    view.panel.locator("input[type=file]").first.set_input_files(photos)
    view.panel.get_by_text("is not a photo in a known format").first.wait_for()
    view.page.get_by_role("button", name="Download ZIP").wait_for()
    assert wait_for(lambda: not findings(view)), findings(view)


def test_axe_finds_nothing_in_what_a_wide_photo_is_offered(view: Visit, tmp_path: Path) -> None:
    photo = tmp_path / "wide.png"
    write_codes(photo, clipped_photo(24, 32), DISPLAY_P3)
    view.upload(photo)
    view.page.get_by_role("button", name="Make an sRGB file").click()
    view.page.get_by_text("to bring them back").wait_for()
    assert wait_for(lambda: not findings(view)), findings(view)


def test_axe_finds_what_is_wrong(desk: Visit) -> None:
    desk.page.evaluate("document.querySelector('h1').style.color = '#eee'")
    desk.page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<button/>')")
    found = " ".join(findings(desk))
    assert "color-contrast" in found
    assert "button-name" in found


def test_with_the_keyboard_alone(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.png")
    keys = desk.page.keyboard
    # So that the browser leaves files to the test well before the key that asks for them.
    desk.page.on("filechooser", lambda _: None)

    def walk_to(name: str) -> None:
        """Press Tab until a part is reached, whose focus has to be seen."""
        for _ in range(60):
            keys.press("Tab")
            if desk.page.evaluate("document.activeElement.matches(':focus-visible')"):
                style = "getComputedStyle(document.activeElement).outline"
                assert "3px" in desk.page.evaluate(style)
            text = """(() => {
              const part = document.activeElement;
              return part.ariaLabel || part.innerText || '';
            })()"""
            if desk.page.evaluate(text).strip().startswith(name):
                return
        raise AssertionError(f"{name} cannot be reached")

    walk_to("Click to upload")
    with desk.page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(photo)
    desk.done()

    walk_to("Expand")
    keys.press("Enter")
    desk.page.get_by_role("button", name="Cancel").first.wait_for()
    desk.done()

    walk_to("Border between")
    border = desk.page.get_by_role("slider", name="Border between the two photos")
    assert border.input_value() == "50"
    for key, value in (("ArrowLeft", "49.5"), ("Home", "0"), ("End", "100")):
        keys.press(key)
        assert border.input_value() == value
        at = "getComputedStyle(document.querySelector('.viewer .stage')).getPropertyValue('--at')"
        assert float(desk.page.evaluate(at)) == float(value) / 100
    keys.press("f")
    flicker = desk.page.get_by_role("button", name="Flicker")
    assert flicker.get_attribute("aria-pressed") == "true"
    keys.press("f")
    assert flicker.get_attribute("aria-pressed") == "false"

    walk_to("Download TIFF")
    with desk.page.expect_download() as download:
        keys.press("Enter")
    saved, other = tmp_path / "saved.tif", tmp_path / "other.tif"
    download.value.save_as(saved)
    flags = ["--model", str(demo.model), "--quiet", "--drop-private"]
    assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
    assert saved.read_bytes() == other.read_bytes()


def test_the_tabs_are_changed_with_the_arrow_keys(desk: Visit) -> None:
    desk.page.get_by_role("tab", name="Expand").focus()
    for key, name in (("Right", "Convergence"), ("Right", "Compare"), ("Left", "Convergence")):
        desk.page.keyboard.press(f"Arrow{key}")
        tab = desk.page.get_by_role("tab", name=name)
        assert wait_for(lambda tab=tab: tab.get_attribute("aria-selected") == "true")  # type: ignore[misc]
