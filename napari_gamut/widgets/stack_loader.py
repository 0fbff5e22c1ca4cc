"""Expanding the frame of a stack that is looked at, beside the window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_gamut.widgets.job import Job
from napari_gamut.widgets.watcher import Watcher

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from core.errors import PhotoError
    from napari_gamut.places import Index
    from napari_gamut.stacks import Frames
    from napari_gamut.widgets.page import Page


class StackLoader(QObject):  # type: ignore[misc]
    """Expands what a layer is asked to show, the newest wish first.

    Parameters
    ----------
    viewer : Viewer
        Which has the layer.
    layer : Layer
        Shows the frames.
    frames : Frames
        Its data.
    panel : Page
        Tells people how far it is and what went wrong, while it is there.
    """

    _wanted = Signal(object)

    def __init__(
        self,
        viewer: Viewer,
        layer: Layer,
        frames: Frames,
        panel: Page,
    ) -> None:
        super().__init__()
        self._layer, self._frames = layer, frames
        self._say, self._warn = panel.say, panel.warn
        # It also keeps this loader alive, until the layer or the window goes.
        self._watcher = Watcher(panel.native.window(), self.stop)
        self._watcher.watch_window()
        self._job: Job | None = None
        self._current: Index | None = None
        self._next: Index | None = None
        self._failed: set[Index] = set()
        self._events = viewer.layers.events
        self._events.removed.connect(self._on_removed)
        # Slicing may happen in any thread; the signal brings the wish into this one.
        self._wanted.connect(self._on_wanted)
        frames.wanted = self._wanted.emit

    def stop(self) -> None:
        """Stop what is being expanded; the next wish starts again."""
        self._next = None
        if self._job is not None:
            self._job.abandon()
            self._job = self._current = None

    def _on_wanted(self, index: Index) -> None:
        if index in self._failed or index == self._current:
            return
        if self._job is None:
            self._start(index)
        else:
            self._next = index
            self._job.cancel()

    def _start(self, index: Index) -> None:
        self._current = index
        name = ", ".join(str(i) for i in index)

        def progress(value: tuple[int, int]) -> None:
            done, total = value
            if total:
                self._say(f"Expanding frame {name}: {done} of {total} tiles")

        def done(_: object) -> None:
            self._say(f"Frame {name} is expanded.")
            self._layer.refresh()

        def failed(error: PhotoError) -> None:
            self._failed.add(index)
            self._warn(str(error))

        self._job = Job(
            partial(self._frames.expand, index),
            progress=progress,
            done=done,
            failed=failed,
            ended=self._on_end,
        )

    def _on_end(self) -> None:
        index, self._next = self._next, None
        self._job = self._current = None
        if index is not None and index not in self._frames:
            self._start(index)

    def _on_removed(self, event: Any) -> None:
        if event.value == self._layer:
            self._events.removed.disconnect(self._on_removed)
            self._frames.wanted = None
            self.stop()
            self._watcher.deleteLater()
