"""Convergence: the colours of a photo, iteration by iteration, and the solver's residual."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container, FloatSpinBox, PushButton, Slider, SpinBox
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from napari_gamut._controls import ModelChoice, screen_box
from napari_gamut._figure_view import FigureView
from napari_gamut._panel import Panel
from napari_gamut._settings import preferences
from napari_gamut.engine import Request
from napari_gamut.iterations import Trace, solve_visibly
from napari_gamut.layer_data import bounds_of, spatial_2d, srgb_photo_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

_PLAY_MS = 250
_WIDE = 800
_VIEWS = (
    ("Photo", "image"),
    ("Change to the last iteration", "change"),
    ("Error to the reference", "error"),
)


class ConvergenceWidget(Panel):
    """Watch a fixed point being found."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.layer = self.photo_box()
        self.reference = self.reference_box()
        self.region = self.region_box(
            "A shapes layer: the rectangle around its shapes is solved. Without one, up to a "
            "megapixel from the middle of the photo."
        )
        self.choice = ModelChoice()
        self.choice.model.changed.connect(self.align_later)
        self.method = ComboBox(
            label="Solver",
            choices=[("Anderson", "anderson"), ("Picard", "picard")],
            tooltip="Anderson mixes the last steps; Picard takes the damped step.",
        )
        self.memory = SpinBox(
            label="Memory m", min=1, max=20, value=5, tooltip="Past steps that Anderson mixes."
        )
        self.damping = FloatSpinBox(
            label="Damping β",
            min=0.05,
            max=1.95,
            step=0.05,
            value=1.0,
            tooltip="Share of the new evaluation in the next state.",
        )
        self.iterations = SpinBox(
            label="Iterations", min=1, max=100, value=30, tooltip="Most iterations."
        )
        self.screen = screen_box()
        self.view = ComboBox(
            label="Show", choices=_VIEWS, value="image", tooltip="What the slider shows."
        )
        self.slider = Slider(
            label="Iteration", min=1, max=1, value=1, tooltip="The iteration that is shown."
        )
        self.slider.enabled = False
        self.play = PushButton(text="Play", tooltip="Run through the iterations; again to stop.")
        self.play.enabled = False
        self.forget = PushButton(
            text="Forget earlier curves", tooltip="Keep only the last solve in the plot."
        )
        self.run.tooltip = "Solve and keep every iteration; press again to cancel."
        self.trace: Trace | None = None
        self._curves: dict[str, list[float]] = {}
        self._shown: Layer | None = None
        self._frame: npt.NDArray[Any] | None = None
        self._place: dict[str, Any] = {}
        self._timer = self._timed(_PLAY_MS, self._advance)
        self.plot = FigureView(280)
        for event in ("button_press_event", "motion_notify_event"):
            self.plot.listen(event, self._on_plot)
        self._lay_out()
        self.method.changed.connect(self._on_method)
        self.slider.changed.connect(self.show_iteration)
        self.view.changed.connect(self._on_view)
        self.play.changed.connect(self._on_play)
        self.forget.changed.connect(self._on_clear)
        self._theme = napari_viewer.events.theme
        self._theme.connect(self._draw)
        self.say("Solve to see how the colours emerge.")

    def begin(self) -> None:
        """Solve in a worker."""
        layer: Image | None = self.layer.value
        stack = srgb_photo_of(layer)
        assert layer is not None
        index = self.index_of(layer)
        photo = stack.frame(index)
        reference = self.frame_in(self.reference) if self.reference.value else None
        bounds = bounds_of(self.region.value, layer, index) if self.region.value else None
        self._timer.stop()
        chosen = preferences()
        request = Request(
            model=self.choice.name,
            tolerance=photo.tolerance,
            display=self.screen.value,
            device=chosen.device,
        )
        changes = {
            "method": self.method.value,
            "memory": self.memory.value,
            "damping": self.damping.value,
            "max_steps": self.iterations.value,
        }

        def show(trace: Trace) -> None:
            self._place = spatial_2d(layer, index, trace.top, trace.left)
            self.show_trace(trace)

        work = partial(solve_visibly, photo, request, changes, reference, bounds)
        self.start_job(work, show, layer=layer)

    def show_trace(self, trace: Trace) -> None:
        """Show a finished solve, at its last iteration."""
        self.trace = trace
        self._curves.pop(trace.label, None)
        self._curves[trace.label] = trace.residuals
        count = len(trace.kept)
        if self.view.value == "error" and not trace.mse:
            self.view.value = "image"
        self._forget_layer()
        with self.slider.changed.blocked():
            self.slider.max = count
            self.slider.value = count
        self.slider.enabled = self.play.enabled = count > 1
        self._draw()
        self.show_iteration(count)

    def show_iteration(self, number: int) -> None:
        """Show the image or map at an iteration, and move the cursor of the plot."""
        if self.trace is None:
            return
        values = getattr(self.trace.kept[number - 1], self.view.value)
        if self._shown is None or self._frame is None or self._shown not in self.viewer.layers:
            self._frame = values.astype(np.uint8 if self.view.value == "image" else np.float32)
            self._shown = self._added(self._frame)
        else:
            # New data would make napari measure all layers and draw a thumbnail each time.
            self._frame[...] = values
            self._shown.refresh(thumbnail=False, highlight=False, extent=False)
        residual = self.trace.residuals[number - 1]
        self.say(f"Iteration {number} of {len(self.trace.kept)}: residual {residual:.2e}")
        self.plot.mark(number)

    def show_progress(self, value: tuple[int, int]) -> None:
        """Show iterations instead of tiles."""
        done, total = value
        self.progress.max, self.progress.value = total, done
        self.say(f"Iteration {done}, at most {total}" if total else "")

    def _added(self, values: Any) -> Layer:
        if self.view.value == "image":
            return self.viewer.add_image(
                values, name="iteration", rgb=True, contrast_limits=(0, 255), **self._place
            )
        assert self.trace is not None
        added: Any = self.viewer.add_image(
            values,
            name=f"{self.view.value} (ΔE2000)",
            rgb=False,
            colormap="magma",
            contrast_limits=self.trace.limits(self.view.value),
            **self._place,
        )
        added.colorbar.visible = True
        return added

    def _forget_layer(self) -> None:
        if self._shown is not None and self._shown in self.viewer.layers:
            self.viewer.layers.remove(self._shown)
        self._shown = None

    def _on_view(self, view: str) -> None:
        if self.trace is None:
            return
        if view == "error" and not self.trace.mse:
            self.warn("Errors need the wide-gamut original; choose a reference and solve again.")
            self.view.value = "image"
            return
        self._forget_layer()
        self.show_iteration(self.slider.value)

    def _on_method(self, method: str) -> None:
        self.memory.enabled = method == "anderson"

    def _on_play(self) -> None:
        if self._timer.isActive():
            self._stop()
            return
        if self.slider.value == self.slider.max:
            self.slider.value = 1
        self.play.text = "Stop"
        self._timer.start()

    def _advance(self) -> None:
        if self.slider.value >= self.slider.max:
            self._stop()
        else:
            self.slider.value += 1

    def _stop(self) -> None:
        self._timer.stop()
        self.play.text = "Play"

    def _on_clear(self) -> None:
        self._curves = {self.trace.label: self.trace.residuals} if self.trace else {}
        self._draw()

    def _draw(self) -> None:
        if self.trace is None:
            return
        from core.pictures import convergence_figure

        draw = partial(
            convergence_figure,
            dict(self._curves),
            self.trace.quality,
            tolerance=self.trace.tolerance,
            theme=self.theme,
        )
        self.plot.show_figure(draw)
        self.plot.mark(self.slider.value)

    def _on_plot(self, event: Any) -> None:
        if event.button == 1 and event.xdata is not None:
            self.slider.value = min(max(round(event.xdata), 1), self.slider.max)

    def _timed(self, interval: int, action: Any) -> QTimer:
        timer = QTimer(self.native)
        timer.setInterval(interval)
        timer.timeout.connect(action)
        return timer

    def _lay_out(self) -> None:
        settings: Container[Any] = Container(
            widgets=[
                self.layer,
                self.reference,
                self.region,
                *self.choice.widgets,
                self.method,
                self.memory,
                self.damping,
                self.iterations,
                self.screen,
            ],
            labels=True,
        )
        self._settings = settings
        self._caption = self.run.text = "Solve"
        buttons: Container[Any] = Container(
            widgets=[self.play, self.forget], layout="horizontal", labels=False
        )
        shown: Container[Any] = Container(widgets=[self.view, self.slider, buttons], labels=True)
        self._controls = shown
        left, right = QWidget(), QWidget()
        for side, parts in (
            (left, [settings.native, self.run.native, self.progress.native]),
            (right, [shown.native, self._note, self.plot]),
        ):
            column = QVBoxLayout(side)
            column.setContentsMargins(0, 0, 0, 0)
            for part in parts:
                column.addWidget(part)
            if side is left:
                column.addStretch()
        self.add_native(_Beside(left, right))
        self.align_later()

    def containers(self) -> list[Container[Any]]:
        """Return the settings and the controls of the slider."""
        return [self._settings, self._controls]

    def _on_destroyed(self) -> None:
        self._theme.disconnect(self._draw)
        super()._on_destroyed()

    def reset_choices(self, *_: Any) -> None:
        """Renew the lists of layers."""
        self._settings.reset_choices()


class _Beside(QWidget):  # type: ignore[misc]
    """Two parts, side by side where there is room (a dock at the bottom), else stacked."""

    def __init__(self, first: QWidget, second: QWidget) -> None:
        super().__init__()
        row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(first, 2)
        row.addWidget(second, 5)

    def resizeEvent(self, event: Any) -> None:
        """Choose the direction by the width."""
        directions = QBoxLayout.Direction
        wide = self.width() >= _WIDE
        self.layout().setDirection(directions.LeftToRight if wide else directions.TopToBottom)
        super().resizeEvent(event)
