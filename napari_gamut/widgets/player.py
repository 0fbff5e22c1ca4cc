"""A slider through the iterations of a solve, and the layer that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container, PushButton, Slider
from qtpy.QtCore import QTimer

from core.errors import PhotoError
from napari_gamut.animation import SUFFIXES, write_animation
from napari_gamut.places import in_stack
from napari_gamut.records import PICTURE
from napari_gamut.widgets.exporting import asked_path

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from napari.layers import Layer

    from napari_gamut.iterations import Trace
    from napari_gamut.places import Index
    from napari_gamut.widgets.iterations_page import IterationsPage

_PLAY_MS = 250
_VIEWS = (
    ("Photo", "image"),
    ("Change from the one before", "change"),
    ("Error to the reference", "error"),
)


class Player:
    """The controls below a solve.

    Parameters
    ----------
    page : IterationsPage
        To which they belong: it tells people, and marks the iteration in its plot.
    """

    def __init__(self, page: IterationsPage) -> None:
        self._page = page
        self.view = ComboBox(
            label="Show", choices=_VIEWS, value="image", tooltip="What the slider shows."
        )
        self.slider = Slider(
            label="Iteration", min=1, max=1, value=1, tooltip="The iteration that is shown."
        )
        self.play = PushButton(text="Play", tooltip="Run through the iterations; again to stop.")
        self.save = PushButton(
            text="Save animation…", tooltip="The iterations as a GIF or an animated PNG."
        )
        self.slider.enabled = self.play.enabled = self.save.enabled = False
        buttons: Container[Any] = Container(
            widgets=[self.play, self.save], layout="horizontal", labels=False
        )
        buttons.margins = (0, 0, 0, 0)
        self.controls: Container[Any] = Container(
            widgets=[self.view, self.slider, buttons], labels=True
        )
        self.controls.margins = (0, 0, 0, 0)
        self.trace: Trace | None = None
        self._shown: Layer | None = None
        self._frame: npt.NDArray[Any] | None = None
        self._place: dict[str, Any] = {}
        self._index: Index = ()
        self.timer = QTimer(page.native)
        self.timer.setInterval(_PLAY_MS)
        self.timer.timeout.connect(self._advance)
        self.slider.changed.connect(self.show_iteration)
        self.view.changed.connect(self._on_view)
        self.play.changed.connect(self._on_play)
        self.save.changed.connect(self._on_save)

    def show_trace(self, trace: Trace, place: dict[str, Any], index: Index) -> None:
        """Show a finished solve, at its last iteration."""
        self.trace, self._place, self._index = trace, place, index
        count = len(trace.kept)
        if self.view.value == "error" and not trace.mse:
            self.view.value = "image"
        self._forget_layer()
        with self.slider.changed.blocked():
            self.slider.max = count
            self.slider.value = count
        self.slider.enabled = self.play.enabled = self.save.enabled = count > 1
        self.show_iteration(count)

    def show_iteration(self, number: int) -> None:
        """Show the image or map at an iteration, and move the mark of the plot."""
        if self.trace is None:
            return
        page, view = self._page, self.view.value
        values = getattr(self.trace.kept[number - 1], view)
        if self._frame is None or not self._is_shown():
            self._frame = values.astype(np.uint8 if view == "image" else np.float32)
            self._shown = self._added(in_stack(self._frame, self._index))
        else:
            # New data would make napari measure all layers and draw a thumbnail each time.
            self._frame[...] = values
        residual = self.trace.residuals[number - 1]
        told = f"Iteration {number} of {len(self.trace.kept)}: residual {residual:.2e}"
        if view != "image":
            limits = self.trace.limits(view, number)
            told += f"; ΔE2000 from 0 to {limits[1]:.2g} by colour"
            self._shown.contrast_limits_range = limits  # type: ignore[union-attr]
            self._shown.contrast_limits = limits  # type: ignore[union-attr]
        self._shown.refresh(thumbnail=False, highlight=False, extent=False)  # type: ignore[union-attr]
        page.say(told)
        page.plot.mark(number)

    def forget(self) -> None:
        """Let go of a solve whose photo is gone: its iterations take much memory."""
        self.stop()
        if self.trace is not None:
            self.trace.kept.clear()
        self._forget_layer()
        self.trace = self._frame = None
        self.slider.enabled = self.play.enabled = self.save.enabled = False

    def stop(self) -> None:
        """Stop playing."""
        self.timer.stop()
        self.play.text = "Play"

    def save_animation(self, path: Path) -> None:
        """Write the iterations, as they are shown, as a GIF or an animated PNG."""
        assert self.trace is not None
        pictures = [kept.image for kept in self.trace.kept]

        def work(_: object) -> Any:
            return write_animation(path, pictures, _PLAY_MS)

        self._page.start_job(work, lambda _: self._page.say(f"Saved as {path.name}."))

    def _is_shown(self) -> bool:
        return self._shown is not None and self._shown in self._page.viewer.layers

    def _added(self, values: npt.NDArray[Any]) -> Layer:
        viewer = self._page.viewer
        active = viewer.layers.selection.active
        if self.view.value == "image":
            added: Any = viewer.add_image(
                values,
                name="iteration",
                rgb=True,
                contrast_limits=(0, 255),
                metadata=PICTURE,
                **self._place,
            )
        else:
            added = viewer.add_image(
                values,
                name=f"{self.view.value} (ΔE2000)",
                rgb=False,
                colormap="magma",
                metadata=PICTURE,
                **self._place,
            )
            added.colorbar.visible = True
        if active is not None:
            viewer.layers.selection.active = active
        return added

    def _forget_layer(self) -> None:
        if self._is_shown():
            self._page.viewer.layers.remove(self._shown)
        self._shown = None

    def _on_view(self, view: str) -> None:
        if self.trace is None:
            return
        if view == "error" and not self.trace.mse:
            self._page.warn(
                "Errors need the wide-gamut original; choose a reference and solve again."
            )
            self.view.value = "image"
            return
        self._forget_layer()
        self.show_iteration(self.slider.value)

    def _on_play(self) -> None:
        if self.timer.isActive():
            self.stop()
            return
        if self.slider.value == self.slider.max:
            self.slider.value = 1
        self.play.text = "Stop"
        self.timer.start()

    def _advance(self) -> None:
        if self.slider.value < self.slider.max:
            self.slider.value += 1
        if self.slider.value >= self.slider.max:
            self.stop()

    def _on_save(self) -> None:
        if self._page.busy:
            self._page.warn("Something is still being done; wait for it or cancel it.")
            return
        kinds = f"Animations ({' '.join('*' + suffix for suffix in SUFFIXES)})"
        target = asked_path(self._page, "Save animation", "iterations.gif", kinds)
        if target is None:
            return
        try:
            self.save_animation(target)
        except PhotoError as error:
            self._page.fail(error)
