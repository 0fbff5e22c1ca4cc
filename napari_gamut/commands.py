"""Commands of napari's menus: each opens the panel at a page."""

from __future__ import annotations

from napari_gamut.settings import PLUGIN


def expand() -> None:
    """Open the page on which a photo is expanded."""
    _open("Expand")


def see() -> None:
    """Open the page on which before and after are compared."""
    _open("See")


def maps() -> None:
    """Open the page of masks and error maps."""
    _open("Maps")


def iterations() -> None:
    """Open the page of the solver's iterations."""
    _open("Iterations")


def measure() -> None:
    """Open the page of figures and chromaticities."""
    _open("Measure")


def reduce() -> None:
    """Open the page on which a wide-gamut photo becomes an sRGB file."""
    _open("Reduce")


def folder() -> None:
    """Open the page on which a folder is expanded."""
    _open("Folder")


def _open(page: str) -> None:
    from napari import current_viewer

    from napari_gamut.places import is_fitted

    viewer = current_viewer()
    if viewer is None:
        return
    was_fitted = is_fitted(viewer)
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Gamut Expansion")
    panel.open(page)
    if was_fitted:
        panel.fit_later()
