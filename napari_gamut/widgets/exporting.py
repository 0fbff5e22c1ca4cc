"""Drawings as files, asked for and written alike on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import PhotoError
from napari_gamut.widgets.asking import asked_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gamut.widgets.figure_view import FigureView
    from napari_gamut.widgets.page import Page

_KINDS = "Drawings (*.png *.svg *.pdf)"


def asked_path(page: Page, title: str, name: str, kinds: str = _KINDS) -> Path | None:
    """Let people choose a file; None if they cancel."""
    return asked_file(page.native, title, name, kinds)


def save_drawing(page: Page, view: FigureView, path: Path) -> None:
    """Write what a view draws as PNG, SVG or PDF, and tell people on its page."""
    from core.pictures import save_figure

    if view.figure is None:
        page.warn("There is no drawing yet; draw one first.")
        return
    try:
        save_figure(view.figure, path, overwrite=True)
    except PhotoError as error:
        page.warn(str(error))
    else:
        page.say(f"The drawing was saved as {path.name}.")
