"""Photograph every tab of the web demo: desk, wide screen and phone, both themes, both gamuts.

Run it as ``python -m tests.benchmarks.web_screenshots FOLDER``. The tab "Expand" is photographed on
a wide-gamut screen, too, and once more as far as it is seen without scrolling.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.end_to_end.conftest import CHROMIUM, P3_SCREEN, SRGB_SCREEN, arguments
from tests.end_to_end.visits import FINISHED, VIEWS, visiting
from tests.web_demo import running_demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.end_to_end.visits import Visit
    from tests.web_demo import Demo

_SCREENS = {"srgb": SRGB_SCREEN, "p3": P3_SCREEN}
_WIDE: dict[str, Any] = {"viewport": {"width": 1920, "height": 1080}}
_VIEWS = {**VIEWS, "wide": _WIDE, "dark-wide": {**_WIDE, "color_scheme": "dark"}}

# Those below the fold would only come when somebody scrolls there.
_ALL_AT_ONCE = """() => document.querySelectorAll('img[loading=lazy]')
  .forEach(image => { image.loading = 'eager'; })"""
_COMPLETE = """() => [...document.images]
  .filter(image => image.checkVisibility())
  .every(image => image.complete && image.naturalWidth)"""


def photograph(visit: Visit, tab: str, folder: Path, view: str) -> None:
    """Write a tab before and after its first example; of "Expand" also what is seen at first."""
    visit.tab(tab)
    if tab not in FINISHED:
        visit.panel.get_by_text("Certain:").wait_for()
        _write(visit.page, folder / f"{tab.lower()}-{view}.png")
        return
    example = visit.panel.locator(".samples button").first
    example.wait_for()
    name = f"{tab.lower()}-{view}"
    if tab == "Expand":
        _write(visit.page, folder / f"{name}-arrival.png", whole=False)
    _write(visit.page, folder / f"{name}-empty.png")
    example.click()
    visit.panel.get_by_text(FINISHED[tab]).first.wait_for()
    if tab == "Expand":
        _write(visit.page, folder / f"{name}-result.png", whole=False)
    _write(visit.page, folder / f"{name}.png")


def _write(page: Page, path: Path, *, whole: bool = True) -> None:
    page.evaluate(_ALL_AT_ONCE)
    page.wait_for_function(_COMPLETE)
    # Pictures that have arrived still fade in, and a phone scrolls to its result.
    page.wait_for_timeout(1200)
    page.screenshot(path=path, full_page=whole)


def _photograph_all(chromium: Browser, demo: Demo, folder: Path, screen: str) -> None:
    for view, settings in _VIEWS.items():
        with visiting(chromium, demo, **settings) as visit:
            everything = screen == "srgb" and view in VIEWS
            for tab in (*FINISHED, "About") if everything else ("Expand",):
                photograph(visit, tab, folder, f"{view}-{screen}")


def main() -> None:
    """Write the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    parser.add_argument("--models", default="letnet-box,letnet", help="those to offer")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    # A short name: sockets are in it.
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        with running_demo(Path(name), f"--models={options.models}", "--threads=2") as demo:
            for screen, profile in _SCREENS.items():
                chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments(profile))
                _photograph_all(chromium, demo, options.folder, screen)
                chromium.close()


if __name__ == "__main__":
    main()
