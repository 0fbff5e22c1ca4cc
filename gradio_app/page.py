"""The page around the tabs: its colours, its style sheet, its texts about the screen."""

from __future__ import annotations

import html
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.pictures import ThemeName

TITLE = "Gamut expansion"

UNEXPECTED = "Something went wrong on the server; try again, or try another photo."

BUSY = (
    "The server has more photos to work on than it can take. Yours is still here: press the button "
    "again in a minute."
)

WAITING = "Waiting for the server …"
"""What is said until a job's turn has come."""

LEAD = """
# Gamut expansion
A photo saved as sRGB has lost every colour that sRGB cannot hold: the deep cyan of a lagoon, the
orange of a sunset, the green of a frog. A small equilibrium network estimates what they were.
**All you need is the sRGB file.** Reduced to sRGB again, the result gives back your photo.
"""

SCREEN_NOTE = """
<p class="wide-screen note">Your screen shows more than sRGB: the colours to the right of the
slider are the restored ones (in Display P3).</p>
<p class="srgb-screen note">Your screen shows <b>sRGB only</b>, so both sides of the slider look
almost the same here. The picture below marks the restored colours that it cannot show; they are
in the downloaded file.</p>
"""

_STATIC = resources.files("gradio_app") / "static"
CSS = (_STATIC / "page.css").read_text(encoding="utf-8")
SCRIPT = (_STATIC / "page.js").read_text(encoding="utf-8")

SCREEN_SCRIPT = """() => [
  document.body.classList.contains('dark') ? 'dark' : 'light',
  innerWidth < 600 ? 'narrow' : 'wide',
].join(' ')"""
"""Tells a handler which page is shown, so that drawings fit it."""

ADDRESS_SCRIPT = "() => location.origin + location.pathname"
"""Tells a handler where the page is."""


@dataclass(frozen=True)
class Screen:
    """What drawings are made for.

    Attributes
    ----------
    theme : {"light", "dark"}
        Of the page.
    narrow : bool
        Whether the page is that of a phone.
    """

    theme: ThemeName
    narrow: bool

    @classmethod
    def told(cls, words: str) -> Screen:
        """Return what the browser said: any of the words "dark" and "narrow"."""
        return cls("dark" if "dark" in words.split() else "light", "narrow" in words.split())


def progress(done: int, total: int, unit: str | None = "tiles") -> str:
    """Return a bar that says how far a job is: in units, or as a share."""
    text = f"{done} of {total} {unit}" if unit else f"{done / total:.0%}"
    return (
        f'<div role="status">{text}</div>'
        f'<progress max="{total}" value="{done}" aria-label="Progress"></progress>'
    )


def hint(text: str) -> str:
    """Return what stands in the place of a result until there is one, as HTML."""
    return f'<p class="hint">{html.escape(text)}</p>'


def said(text: str) -> str:
    """Return a sentence for people as HTML."""
    return f'<div role="status">{html.escape(text)}</div>'


def problem(text: str) -> str:
    """Return a sentence about what went wrong as HTML."""
    return f'<div role="alert" class="problem">{html.escape(text)}</div>'


def figures(values: dict[str, str]) -> str:
    """Return named figures as HTML."""
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in values.items()
    )
    return f'<dl class="figures">{cells}</dl>'
