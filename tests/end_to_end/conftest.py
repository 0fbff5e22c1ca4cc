from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.end_to_end.visits import DARK, DESK, PHONE, Visit, visit, visiting, window
from tests.web_demo import Demo, running_demo, write_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Playwright

pytest.importorskip("gradio", reason="the demo's tests need Gradio: napari-gamut[demo]")

SLOW = "slow"
"""Name of a network that does not come to an end in time."""

QUEUE = 4
"""Jobs that may wait."""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

SRGB_SCREEN, P3_SCREEN = "srgb", "display-p3-d65"


def arguments(screen: str = SRGB_SCREEN) -> list[str]:
    """Chromium's, for a screen of a colour profile, whatever the screen is.

    Without sandbox for containers; without the browser's own traffic. Not without its own renderer
    of graphics, which alone shows wide colours as they are.
    """
    return [
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--force-color-profile={screen}",
    ]


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo, with a network that takes its time beside the quick one."""
    folder = tmp_path_factory.mktemp("demo")
    slow = write_model(folder / "slow.safetensors", SLOW, steps=5000)
    models = f"--models={folder / 'trial.safetensors'},{slow}"
    with running_demo(folder, models, f"--queue={QUEUE}") as server:
        yield server


@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    """What drives browsers."""
    if CHROMIUM is None:
        pytest.skip("tests in a browser need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(driver: Playwright) -> Iterator[Browser]:
    """A real Chromium, as Debian has it."""
    chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments())
    yield chromium
    chromium.close()


@pytest.fixture
def wide_browser(driver: Playwright) -> Iterator[Browser]:
    """The same on a screen of Display P3."""
    chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments(P3_SCREEN))
    yield chromium
    chromium.close()


@pytest.fixture(scope="package")
def desk_window(browser: Browser) -> Iterator[Page]:
    with window(browser, **DESK) as page:
        yield page


@pytest.fixture(scope="package")
def phone_window(browser: Browser) -> Iterator[Page]:
    with window(browser, **PHONE) as page:
        yield page


@pytest.fixture
def desk(desk_window: Page, demo: Demo) -> Iterator[Visit]:
    with visit(desk_window, demo) as visitor:
        yield visitor


@pytest.fixture
def phone(phone_window: Page, demo: Demo) -> Iterator[Visit]:
    with visit(phone_window, demo) as visitor:
        yield visitor


@pytest.fixture
def dark(browser: Browser, demo: Demo) -> Iterator[Visit]:
    with visiting(browser, demo, **DARK) as visitor:
        yield visitor
