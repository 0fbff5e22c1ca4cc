"""The end of a panel or of its window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject

if TYPE_CHECKING:
    from collections.abc import Callable


class Watcher(QObject):  # type: ignore[misc]
    """Tells when a panel is taken out of its window, or the window closes."""

    def __init__(self, native: Any, gone: Callable[[], None]) -> None:
        super().__init__(native)
        self._native, self._gone = native, gone
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
        taken_out = kind == QEvent.Type.ParentChange and watched.parent() is None
        if kind == QEvent.Type.Close or taken_out:
            self._gone()
        return False
