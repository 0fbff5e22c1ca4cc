"""Two photos on top of each other, with a border to move; ``viewer.js`` brings it to life."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.photo_pictures import Pictures

_WIDEST, _TALLEST = 3.0, 0.6
"""Width by height of the place for a photo at most and at least; of longer ones a part is seen."""

_TOOLS = """
<div class="tools">
  <span class="pair">
  <button type="button" data-do="flicker" aria-pressed="false" title="Key F">Flicker</button>
  {link}</span>
  {overlay}
  <label><input type="checkbox" data-do="mute"> As seen on a wide-gamut screen</label>
  <span class="zoom"><output aria-label="Size of the photo"></output>
  <button type="button" data-do="out" aria-label="Smaller" title="Key −">−</button>
  <button type="button" data-do="in" aria-label="Larger" title="Key +, Ctrl and wheel">+</button>
  <button type="button" data-do="fit" title="Key 0">Fit</button>
  <button type="button" data-do="real" title="Key 1, double click">100 %</button></span>
</div>
<p class="note on-muted">Both sides are muted alike: Display P3 colours shown as if they were sRGB.
So any screen shows what came back, paler than it is.</p>
<p class="note on-wide">Your screen shows more than sRGB: these are the colours themselves.</p>
<p class="note on-narrow">Your screen shows sRGB only: both sides look almost alike on it.</p>
"""

_OVERLAY_TOOL = (
    '<label><input type="checkbox" data-do="overlay"> Mark what came back '
    '<span class="scale" aria-hidden="true"></span><small>ΔE 1 to 10</small></label>'
)
_LINK_TOOL = (
    '<button type="button" data-do="link" title="Whoever has the link sees this photo and its '
    'settings, for as long as they are kept here">Copy link</button>'
)


@dataclass(frozen=True)
class Subject:
    """What the pictures are of.

    Attributes
    ----------
    photo : str
        Tells it from all others: what is seen of it stays as it is when its next result comes.
    size : (int, int)
        Its width and height in pixels.
    token : str
        By which its own pixels are asked for; empty where the pictures have them.
    strength : float
        Of the result, where others can be tried out; else 0.
    link : str
        Becomes the page's address; empty where there is none.
    shared : bool
        Whether the link leads to the result, so that it is offered to be copied.
    """

    photo: str
    size: tuple[int, int]
    token: str = ""
    strength: float = 0.0
    link: str = ""
    shared: bool = True


def viewer(pictures: Pictures, subject: Subject | None = None, *, fresh: bool = True) -> str:
    """Return a comparison of two photos as HTML.

    Parameters
    ----------
    pictures : Pictures
        Of which the first and the last are shown at first; where there are more, people choose.
    subject : Subject, optional
        What they are of; the pictures are all there is unless it is given.
    fresh : bool
        Whether somebody has waited for it, so that a small screen goes there.
    """
    about = subject or Subject("", pictures.size)
    width, height = about.size
    last = len(pictures.sides) - 1
    overlay = (
        '<div class="layer overlay" hidden><div class="sheet">'
        f'<img alt="" data-src="{_address(pictures.overlay)}"></div></div>'
        if pictures.overlay
        else ""
    )
    tools = _TOOLS.format(
        overlay=_OVERLAY_TOOL if pictures.overlay else "",
        link=_LINK_TOOL if about.link and about.shared else "",
    )
    values = {
        "fresh": "yes" if fresh else "no",
        "photo": about.photo,
        "width": width,
        "height": height,
        "token": about.token,
        "strength": f"{about.strength:g}",
        "link": about.link,
    }
    data = " ".join(f'data-{key}="{html.escape(str(value))}"' for key, value in values.items())
    ratio = min(max(width / height, _TALLEST), _WIDEST)
    return (
        f'<div class="viewer" {data}>'
        f"{_chooser(pictures) if last > 1 else ''}"
        f'<div class="stage" style="--ratio: {ratio:.4f}">'
        f"{_picture(pictures, 0, 'one')}{_picture(pictures, last, 'two')}{overlay}"
        f"{_name(pictures, 0, 'one')}{_name(pictures, last, 'two')}"
        '<span class="waiting" role="status">Its own pixels are coming …</span>'
        '<input type="range" min="0" max="100" step="0.5" value="50" '
        'aria-label="Border between the two photos, in %">'
        f"</div>{tools}</div>"
    )


def drawings(paths: dict[str, Path], alt: str) -> str:
    """Return a drawing for the light page and the dark one as HTML.

    Parameters
    ----------
    paths : mapping of theme to Path
        The drawing on either page.
    alt : str
        What is to be seen.
    """
    return "".join(
        f'<img class="for-{theme}" alt="{html.escape(alt)}" loading="lazy" fetchpriority="low" '
        f'src="{_address(path)}">'
        for theme, path in paths.items()
    )


def _picture(pictures: Pictures, number: int, place: str) -> str:
    side = pictures.sides[number]
    addresses = f'data-wide="{_address(side.wide)}" data-muted="{_address(side.muted)}"'
    return (
        f'<div class="layer {place}"><div class="sheet">'
        f'<img alt="{html.escape(side.name)}" draggable="false" {addresses}></div></div>'
    )


def _name(pictures: Pictures, number: int, place: str) -> str:
    name = html.escape(pictures.sides[number].name)
    return f'<span class="name {place}" aria-hidden="true">{name}</span>'


def _chooser(pictures: Pictures) -> str:
    options = [
        f'<option value="{number}" data-wide="{_address(side.wide)}" '
        f'data-muted="{_address(side.muted)}"{{selected}}>{html.escape(side.name)}</option>'
        for number, side in enumerate(pictures.sides)
    ]
    menus = []
    for place, title, chosen in (("one", "Left", 0), ("two", "Right", len(options) - 1)):
        inside = "".join(
            option.replace("{selected}", " selected" if number == chosen else "")
            for number, option in enumerate(options)
        )
        menus.append(f'<label>{title} <select data-place="{place}">{inside}</select></label>')
    return f'<div class="tools">{"".join(menus)}</div>'


def _address(path: Path | None) -> str:
    """Return where the page finds a file of its folder, whatever its own address."""
    return f"gradio_api/file={quote(str(path))}"
