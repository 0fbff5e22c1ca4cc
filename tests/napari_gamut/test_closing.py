"""A window that is asked to close: people may still say no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from napari._qt.dialogs.confirm_close_dialog import ConfirmCloseDialog
from napari.settings import get_settings
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication

from tests.napari_gamut.test_widgets import Gate, running
from tests.napari_gamut.test_widgets import gate as gate

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from napari import Viewer


@pytest.fixture
def viewer(plugin: Any, make_napari_viewer: Callable[..., Viewer]) -> Viewer:
    """A viewer whose window is on the screen."""
    return make_napari_viewer(show=True)


class FromTheFrame(QCloseEvent):
    """What Qt sends when people press the button in the frame of a window."""

    def spontaneous(self) -> bool:
        return True


def answering(button: str) -> list[str]:
    """Press a button of napari's next question; the titles of what was asked."""
    get_settings().application.confirm_close_window = True
    asked: list[str] = []

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ConfirmCloseDialog):
            QTimer.singleShot(20, answer)
            return
        asked.append(dialog.windowTitle())
        getattr(dialog, button).click()

    QTimer.singleShot(20, answer)
    return asked


def say_no(viewer: Viewer) -> None:
    """Ask the window to close, and answer Cancel."""
    asked, event = answering("cancel_btn"), FromTheFrame()
    QApplication.sendEvent(viewer.window._qt_window, event)
    assert asked == ["Close Window?"]
    assert not event.isAccepted()


def test_a_window_that_stays_open_keeps_its_panel(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    page = running(viewer, dock, codes, gate)
    bound = set(viewer.keymap)
    say_no(viewer)
    assert page.busy
    assert set(viewer.keymap) == bound
    page.panel.hide()  # As another dock that covers it does.
    page.panel.show()
    assert page.busy
    page.run.changed.emit(True)
    assert page.run.text == "Expand"
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
    second = viewer.add_image(codes, rgb=True, name="second")
    assert page.layer.value is second


def test_a_window_that_closes_stops_the_work(
    viewer: Viewer, dock: Any, qtbot: Any, codes: np.ndarray, gate: Gate
) -> None:
    page = running(viewer, dock, codes, gate)
    say_no(viewer)
    assert page.busy
    asked = answering("close_btn")
    viewer.window._qt_window.close(confirm_need=True)
    assert asked == ["Close Window?"]
    assert not page.busy
    viewer.close()
    qtbot.waitUntil(gate.closed.is_set, timeout=10_000)
