"""The end of a panel or of its window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject

if TYPE_CHECKING:
    from collections.abc import Callable


class Watcher(QObject):  # type: ignore[misc]
    """Tells when a panel is taken out of its window, or the window has closed.

    A window that is asked to close may ask people, who may say no: it has closed once it is
    hidden for it, or deleted.
    """

    def __init__(self, native: Any, gone: Callable[[], None]) -> None:
        super().__init__(native)
        self._native, self._gone = native, gone
        self._asked: int | None = None
        self._has_told = False
        native.installEventFilter(self)

    def watch_window(self) -> None:
        """Look out for the end of the window that the panel is in now."""
        window = self._native
        while window.parentWidget() is not None:
            window = window.parentWidget()
        window.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Look at an event and let it pass."""
        kind = event.type()
        if kind == QEvent.Type.WindowActivate:
            self._asked = None  # People said no, and go on.
        elif kind == QEvent.Type.Close and watched.isVisible():
            self._asked = id(watched)
        elif not self._has_told and self._is_end(watched, event):
            self._has_told = True
            self._gone()
        return False

    def _is_end(self, watched: Any, event: Any) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Hide:
            return self._asked == id(watched) and not event.spontaneous()
        if kind == QEvent.Type.ParentChange:
            return watched.parent() is None
        # Of a window that is not seen, nobody is asked.
        return kind in (QEvent.Type.Close, QEvent.Type.DeferredDelete)
