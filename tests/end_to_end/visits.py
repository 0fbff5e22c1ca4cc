"""What the tests in a browser share: a visit to the demo, by desk or by phone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, CDPSession, Locator, Page

    from tests.web_demo import Demo

PATIENCE = 90_000
"""Milliseconds; far more than anything takes."""

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
DARK: dict[str, Any] = {**DESK, "color_scheme": "dark"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 800},
    "is_mobile": True,
    "has_touch": True,
}

VIEWS: dict[str, dict[str, Any]] = {
    "desk": DESK,
    "dark": DARK,
    "phone": PHONE,
    "dark-phone": {**PHONE, "color_scheme": "dark"},
}

FINISHED = {
    "Expand": "Done.",
    "Convergence": "to a residual of",
    "Compare": "outside sRGB",
}
"""What the tabs say of a finished job."""


@dataclass
class Visit:
    """A page, and what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def upload(self, path: Path) -> None:
        self.panel.locator("input[type=file]").first.set_input_files(path)

    def done(self) -> None:
        self.page.get_by_text("Done.").first.wait_for(timeout=PATIENCE)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    @property
    def panel(self) -> Locator:
        """The open tab."""
        return self.page.get_by_role("tabpanel").locator("visible=true")

    def both_pictures(self) -> None:
        """Wait until the pictures before and after stand."""
        self.page.wait_for_function(
            "[...document.querySelectorAll('.viewer .stage img[data-wide]')]"
            ".filter(picture => picture.complete && picture.naturalWidth).length > 1"
        )

    @property
    def pictures(self) -> Locator:
        return self.page.locator(".viewer .stage img[data-wide]")

    def result_shown(self, name: str) -> None:
        """Wait until the result of a photo is there, whoever has asked for it."""
        self.page.locator(".verdict span", has_text=name).wait_for(timeout=PATIENCE)

    def result_of(self, name: str) -> None:
        """Wait until the result of a photo is shown."""
        self.page.locator(".verdict span", has_text=name).wait_for(timeout=PATIENCE)
        self.done()


@contextmanager
def devtools(page: Page) -> Iterator[CDPSession]:
    """Reach what only Chromium itself can do to a page, and undo it at the end."""
    session = page.context.new_cdp_session(page)
    try:
        yield session
    finally:
        session.detach()


@contextmanager
def visiting(
    browser: Browser, demo: Demo, *, link: str | None = None, **settings: Any
) -> Iterator[Visit]:
    """Open the page, or a link to it, in a window of its own (see :func:`visit`)."""
    with window(browser, **settings) as page, visit(page, demo, link) as seen:
        yield seen


@contextmanager
def window(browser: Browser, **settings: Any) -> Iterator[Page]:
    """Open an empty window, which visits may share one after the other."""
    context = browser.new_context(**settings)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


@contextmanager
def visit(page: Page, demo: Demo, link: str | None = None) -> Iterator[Visit]:
    """Open the page, or a link to it; at the end no error and no foreign request may have been."""
    seen = Visit(page)

    def request(url: str) -> None:
        if not url.startswith((demo.url, "data:", f"blob:{demo.url}")):
            seen.foreign.append(url)

    def console(text: str, kind: str) -> None:
        if kind == "error":
            seen.problems.append(text)

    listeners: dict[Any, Callable[..., None]] = {
        "request": lambda message: request(message.url),
        "console": lambda message: console(message.text, message.type),
        "pageerror": lambda error: seen.problems.append(f"{error}\n{error.stack}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(link or demo.url)
    # The page's own script has run when the examples have names; and there is an answer already.
    page.get_by_role("button", name="Rocket, vivid finish").wait_for()
    page.locator(".verdict").first.wait_for()
    yield seen
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    # What still runs ends with the page.
    page.goto("about:blank")
    assert seen.problems == [], seen.problems
    assert seen.foreign == []
