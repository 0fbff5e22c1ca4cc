"""The panel: one dock with a page for each thing to do, which follows the selected layer."""

from __future__ import annotations

from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.engine.memory import return_freed_memory
from napari_gamut import remembered
from napari_gamut.readiness import get_ready
from napari_gamut.widgets.save_guard import guard_saving
from napari_gamut.widgets.shortcuts import bind_keys, release_keys
from napari_gamut.widgets.watcher import Watcher

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_gamut.widgets.page import Page

TITLE = "Gamut Expansion"

_PAGES = {
    "Expand": ("expand_page", "ExpandPage", "Give an sRGB photo its lost colours back"),
    "See": ("see_page", "SeePage", "Before and after, on any screen"),
    "Maps": ("maps_page", "MapsPage", "Clipped, restored and wrong pixels"),
    "Iterations": ("iterations_page", "IterationsPage", "Watch the solver, step by step"),
    "Measure": ("measure_page", "MeasurePage", "Figures and chromaticities"),
    "Reduce": ("reduce_page", "ReducePage", "A wide-gamut photo as sRGB, with what it loses"),
    "Folder": ("folder_page", "FolderPage", "Expand every photo of a folder"),
}
"""Modules beside this one, classes, and help; a page is imported when it is first opened."""

_COLUMNS = 4
_NARROWEST, _USUAL, _WIDEST = 300, 340, 380
_LOWEST = 150
_TIDY_MS = 500
"""After a layer is gone, until its memory is given back: napari lets go of it a little later."""
_LAID_OUT_MS = 100
_SEEN_MS = 300
"""After the panel is shown, until it is drawn and the engine may be loaded."""
_STATE = "Panel"


class GamutPanel(QWidget):  # type: ignore[misc]
    """All that the plugin does, one page at a time.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers are worked on.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        # napari hands over a proxy, whose layers are proxies, too, and not the same twice.
        self.viewer: Viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        guard_saving(self.viewer)
        self._pages: dict[str, Page] = {}
        self._places = QStackedWidget()
        # Wide controls of one page do not push the picture aside.
        self._places.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self._places.setMinimumHeight(_LOWEST)
        self.setMinimumWidth(_NARROWEST)
        self._tabs = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addLayout(self._tab_rows())
        layout.addWidget(self._places, 1)
        layers = self.viewer.layers
        self._connections: list[tuple[Any, Any]] = [
            (layers.events.inserted, self._renew),
            (layers.events.reordered, self._renew),
            (layers.events.renamed, self._renew),
            (layers.events.removed, self._on_removed),
            (layers.selection.events.active, self._on_active),
        ]
        for event, listener in self._connections:
            event.connect(listener)
        self._tidying = QTimer(self)
        self._tidying.setSingleShot(True)
        self._tidying.setInterval(_TIDY_MS)
        self._tidying.timeout.connect(_tidy)
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.setInterval(_LAID_OUT_MS)
        self._fitting.timeout.connect(self._fit)
        self._watcher = Watcher(self, self.close_down)
        bind_keys(self.viewer, self)
        kept = remembered.recall(_STATE).get("page")
        self.open(kept if kept in _PAGES else "Expand")

    def open(self, name: str) -> Page:
        """Show a page and return it."""
        page = self.page(name)
        self._tabs.button(list(_PAGES).index(name)).setChecked(True)
        self._places.setCurrentWidget(page.native)
        remembered.store(_STATE, {"page": name})
        return page

    def page(self, name: str) -> Page:
        """Return a page, which need not be shown."""
        if name not in self._pages:
            module, kind, _ = _PAGES[name]
            made: Page = getattr(import_module(f"napari_gamut.widgets.{module}"), kind)(self.viewer)
            self._pages[name] = made
            made.panel = self
            self._places.addWidget(made.native)
            made.follow(self.viewer.layers.selection.active)
        return self._pages[name]

    def sizeHint(self) -> QSize:
        """Return the size that suits most pages."""
        return QSize(max(_USUAL, self.minimumWidth()), super().sizeHint().height())

    def widen(self, width: int) -> None:
        """Leave a page the width that it needs."""
        self.setMinimumWidth(max(self.minimumWidth(), min(width, _WIDEST)))

    def fit_later(self) -> None:
        """Fit the picture into what room the panel leaves, once the window is laid out."""
        self._fitting.start()

    def resizeEvent(self, event: Any) -> None:
        """Wait until the window is laid out: the picture takes the room that is left, later."""
        if self._fitting.isActive():
            self._fitting.start()
        super().resizeEvent(event)

    def _fit(self) -> None:
        self.viewer.reset_view()

    def watch_window(self) -> None:
        """Look out for the end of the window that the panel is in now."""
        self._watcher.watch_window()

    def showEvent(self, event: Any) -> None:
        """Look out for the end of the window, and load the engine once the panel is seen."""
        self.watch_window()
        QTimer.singleShot(_SEEN_MS, get_ready)
        super().showEvent(event)

    def close_down(self) -> None:
        """Stop all work and listen to nothing any more."""
        for event, listener in self._connections:
            event.disconnect(listener)
        if self._connections:  # Else the keys may be those of a newer panel.
            release_keys(self.viewer)
        self._connections = []
        for page in self._pages.values():
            page.close_down()

    def _tab_rows(self) -> QGridLayout:
        rows = QGridLayout()
        rows.setSpacing(2)
        for number, (name, (_, _, help_text)) in enumerate(_PAGES.items()):
            button = QPushButton(name)
            button.setCheckable(True)
            button.setToolTip(help_text)
            button.clicked.connect(lambda _, name=name: self.open(name))
            self._tabs.addButton(button, number)
            rows.addWidget(button, number // _COLUMNS, number % _COLUMNS)
        return rows

    def _renew(self, *_: object) -> None:
        for page in self._pages.values():
            page.renew()

    def _on_removed(self, event: Any) -> None:
        for page in self._pages.values():
            page.layer_removed(event.value)
        self._renew()
        self._tidying.start()

    def layer_changed(self, layer: Layer) -> None:
        """Let the pages know that a layer's photo was made anew."""
        for page in self._pages.values():
            page.layer_changed(layer)

    def _on_active(self, event: Any) -> None:
        layer: Layer | None = event.value
        if layer is not None:
            self._renew()  # A new layer is selected before its insertion is told.
            for page in self._pages.values():
                page.follow(layer)


def _tidy() -> None:
    Thread(target=return_freed_memory, daemon=True).start()
