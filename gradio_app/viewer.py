"""Two photos on top of each other, with a border to move; ``page.js`` brings it to life."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.photo_pictures import Pictures

_TOOLS = """
<div class="tools">
  <button type="button" data-do="flicker" aria-pressed="false" title="Key F">Flicker</button>
  {overlay}
  <label><input type="checkbox" data-do="mute"> As seen on a wide-gamut screen</label>
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


def viewer(pictures: Pictures, *, fresh: bool = True) -> str:
    """Return a comparison of two photos as HTML.

    Parameters
    ----------
    pictures : Pictures
        Of which the first and the last are shown at first; where there are more, people choose.
    fresh : bool
        Whether somebody has waited for it, so that a small screen goes there.
    """
    width, height = pictures.size
    last = len(pictures.sides) - 1
    overlay = (
        f'<img class="overlay" alt="" src="{_address(pictures.overlay)}" hidden>'
        if pictures.overlay
        else ""
    )
    tools = _TOOLS.format(overlay=_OVERLAY_TOOL if pictures.overlay else "")
    return (
        f'<div class="viewer" data-fresh="{"yes" if fresh else "no"}">'
        f"{_chooser(pictures) if last > 1 else ''}"
        f'<div class="stage" style="--ratio: {width / height:.4f}">'
        f"{_picture(pictures, 0, 'one')}{_picture(pictures, last, 'two')}{overlay}"
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
        f'<img class="for-{theme}" alt="{html.escape(alt)}" src="{_address(path)}">'
        for theme, path in paths.items()
    )


def _picture(pictures: Pictures, number: int, place: str) -> str:
    side = pictures.sides[number]
    name = html.escape(side.name)
    addresses = f'data-wide="{_address(side.wide)}" data-muted="{_address(side.muted)}"'
    return (
        f'<img class="{place}" alt="{name}" {addresses}>'
        f'<span class="name {place}" aria-hidden="true">{name}</span>'
    )


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
