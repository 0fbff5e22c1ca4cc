"""Photograph every tab of the web demo, on a desk and a phone, in both themes.

Run it as ``python -m tests.benchmarks.web_screenshots FOLDER``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.end_to_end.conftest import ARGUMENTS, CHROMIUM
from tests.end_to_end.visits import FINISHED, VIEWS, visiting
from tests.web_demo import running_demo

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.end_to_end.visits import Visit

_COMPLETE = """() => [...document.images]
  .filter(image => image.checkVisibility())
  .every(image => image.complete && image.naturalWidth)"""


def photograph(visit: Visit, tab: str, folder: Path, view: str) -> None:
    """Write a tab before and after its first example."""
    visit.tab(tab)
    if tab not in FINISHED:
        visit.panel.get_by_text("Certain:").wait_for()
        _write(visit.page, folder / f"{tab.lower()}-{view}.png")
        return
    example = visit.panel.locator(".samples button").first
    example.wait_for()
    _write(visit.page, folder / f"{tab.lower()}-{view}-empty.png")
    example.click()
    visit.panel.get_by_text(FINISHED[tab]).first.wait_for()
    _write(visit.page, folder / f"{tab.lower()}-{view}.png")


def _write(page: Page, path: Path) -> None:
    page.wait_for_function(_COMPLETE)
    # Pictures that have arrived still fade in.
    page.wait_for_timeout(700)
    page.screenshot(path=path, full_page=True)


def main() -> None:
    """Write the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    parser.add_argument("--models", default="letnet-box,letnet", help="those to offer")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        with running_demo(Path(name), f"--models={options.models}", "--threads=2") as demo:
            for view, settings in VIEWS.items():
                with visiting(chromium, demo, **settings) as visit:
                    for tab in (*FINISHED, "About"):
                        photograph(visit, tab, options.folder, view)
        chromium.close()


if __name__ == "__main__":
    main()
