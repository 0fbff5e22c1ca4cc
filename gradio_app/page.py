"""The page around the tabs: its colours, its style sheet, its texts about the screen."""

from __future__ import annotations

import html
import secrets
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.pictures import ThemeName

TITLE = "Gamut expansion"

UNEXPECTED = "Something went wrong on the server; try again, or try another photo."

BUSY = (
    "The server has more photos to work on than it can take. Yours is still here: press the button "
    "again in a minute."
)

CARD_SIZE = (1200, 630)
"""Of the picture in link previews, in pixels."""

WAITING = "Waiting for the server …"
"""What is said until a job's turn has come."""

LEAD = """
# Gamut expansion
A photo saved as sRGB has lost every colour that sRGB cannot hold<span class="wordy">: the
deep cyan of a lagoon, the orange of a sunset, the green of a frog</span>. This page estimates what
they were and gives you a wide-gamut file with them, for editing, for print and for wide-gamut
screens.
**All you need is the sRGB file.** <span class="wordy">Reduced to sRGB again, the result gives back
your photo.</span>
"""

LOGOUT = '<p class="note"><a href="logout">Log out</a></p>'

WIDE_OFFER = """
<p class="note"><b>This photo has all its colours.</b> An sRGB copy of it, for the web, would lose
some; it can carry what it takes to bring them back.</p>
"""

_STATIC = resources.files("gradio_app") / "static"
ICON = _STATIC / "icon.svg"
CSS = (_STATIC / "page.css").read_text(encoding="utf-8")
_SCRIPTS = [(_STATIC / name).read_text(encoding="utf-8") for name in ("viewer.js", "page.js")]
SCRIPT = "\n".join(["() => {", *_SCRIPTS, "}"])
"""What is run when the page has been loaded: one function, within which the files are."""

SCREEN_SCRIPT = """() => [
  document.body.classList.contains('dark') ? 'dark' : 'light',
  innerWidth < 600 ? 'narrow' : 'wide',
].join(' ')"""
"""Tells a handler which page is shown, so that drawings fit it."""

ADDRESS_SCRIPT = "() => location.origin + location.pathname"
"""Tells a handler where the page is."""

QUERY_SCRIPT = "() => location.search"
"""Tells a handler what a link asks for."""

_SUMMARY = (
    "Gives an sRGB photo the colours back that it lost: a wide-gamut file for editing, for print "
    "and for wide-gamut screens."
)


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


def head(address: str, card: str) -> str:
    """Return what the page says of itself to those who show previews of links, as HTML.

    Parameters
    ----------
    address : str
        Of the page, as visitors find it; empty if that is not known.
    card : str
        Of a picture, within the page.
    """
    base = f"{address.rstrip('/')}/" if address else ""
    values = {
        "og:type": "website",
        "og:site_name": TITLE,
        "og:title": f"{TITLE}: the colours that sRGB photos lost",
        "og:description": _SUMMARY,
        "og:image": f"{base}{card}",
        "og:image:width": CARD_SIZE[0],
        "og:image:height": CARD_SIZE[1],
        "og:image:alt": "A photo, half as sRGB and half with its colours restored",
        **({"og:url": base} if base else {}),
    }
    lines = [
        f'<meta property="{name}" content="{html.escape(str(value))}">'
        for name, value in values.items()
    ]
    lines.append('<meta name="twitter:card" content="summary_large_image">')
    lines.append(f'<meta name="description" content="{html.escape(_SUMMARY)}">')
    return "\n".join(lines)


def full_size(token: str) -> str:
    """Return what tells the page's script that a result is there in its own pixels, as HTML.

    Parameters
    ----------
    token : str
        Of the result; empty if its pixels are not to be had.
    """
    # The same text as the last time would not be seen by the page.
    return f'<span data-full="{html.escape(token)}" data-answer="{secrets.token_hex(8)}"></span>'


def limits(megabytes: float, megapixels: float, minutes: float) -> str:
    """Return what may be sent, and what becomes of it, in one line of HTML."""
    return (
        f'<p class="note limits">Up to {megapixels:g} megapixels and {megabytes:g} MB. '
        '<span class="for-desks">Drop it anywhere, or paste it. </span>'
        f"Deleted after {minutes:g} minutes, sent nowhere else.</p>"
    )


def left(seconds: float) -> str:
    """Return how long something will take yet, in words."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


def progress(
    done: int, total: int, unit: str | None = "tiles", *, elapsed: float = 0.0, before: str = ""
) -> str:
    """Return a bar that says how far a job is.

    Parameters
    ----------
    done, total : int
        In units.
    unit : str, optional
        What is counted; a share is told instead unless given.
    elapsed : float
        Seconds since the beginning; what is left is told where there is enough to tell it by.
    before : str
        What is said first.
    """
    text = f"{done} of {total} {unit}" if unit else f"{done / total:.0%}"
    if elapsed > 2.0 and 0 < done < total:
        text += f", {left(elapsed * (total - done) / done)}"
    text = html.escape(before + text)
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


def note(text: str) -> str:
    """Return a remark as HTML."""
    return f'<p class="note">{html.escape(text)}</p>'


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


def result(name: str, sentence: str, notes: Sequence[str]) -> str:
    """Return what came of a photo as HTML: one sentence, and beneath it what else there is."""
    more = "".join(f"<p class='note'>{html.escape(note)}</p>" for note in notes)
    return f'<p class="verdict"><span>{html.escape(name)}</span> {html.escape(sentence)}</p>{more}'


def queue(rows: Sequence[tuple[str, str]]) -> str:
    """Return what has become of several photos as an HTML table."""
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(said)}</td></tr>'
        for name, said in rows
    )
    return f'<div class="table queue"><table><tbody>{body}</tbody></table></div>'
