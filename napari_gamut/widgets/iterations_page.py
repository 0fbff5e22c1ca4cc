"""The page Iterations: a photo iteration by iteration, and the residual of the solver."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, FloatSpinBox, PushButton, SpinBox

from napari_gamut.iterations import Trace, solve_visibly
from napari_gamut.photos import srgb_photo_of
from napari_gamut.places import place_of
from napari_gamut.requests import Request
from napari_gamut.roles import is_plain, reference_of, source_of
from napari_gamut.settings import preferences
from napari_gamut.widgets.controls import Fold, ModelChoice, look_box, look_kept
from napari_gamut.widgets.exporting import asked_path, save_drawing
from napari_gamut.widgets.figure_view import FigureView
from napari_gamut.widgets.layer_boxes import choose, layer_box, reference_box, region_box
from napari_gamut.widgets.page import Page
from napari_gamut.widgets.player import Player

if TYPE_CHECKING:
    from magicgui.widgets import Container
    from napari.layers import Image, Layer
    from napari.viewer import Viewer


class IterationsPage(Page):
    """Watch a fixed point being found."""

    title = "Iterations"
    steps_name = "iterations"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.trace: Trace | None = None
        self._solved: Layer | None = None
        self._curves: dict[str, list[float]] = {}
        self._make_controls(viewer)
        self._lay_out()
        self.remember(
            **self.choice.kept,
            solver=self.method,
            memory=self.memory,
            damping=self.damping,
            iterations=self.iterations,
            **look_kept(self.look),
        )
        self.method.changed.connect(self._on_method)
        self.layer.changed.connect(self._on_layer)
        self.forget.changed.connect(self._on_clear)
        self.save_plot.changed.connect(self._on_save_plot)
        self._theme = viewer.events.theme
        self._theme.connect(self._draw)
        self._on_method(self.method.value)
        self._on_layer(self.layer.value)
        self.say("Solve to see how the colours emerge.")

    def _make_controls(self, viewer: Viewer) -> None:
        self.layer = layer_box(
            viewer, "Photo", "The sRGB layer whose colours were clipped.", is_plain
        )
        self.reference = reference_box(viewer)
        self.region = region_box(
            viewer,
            "Shapes or labels: the rectangle around them is solved. Without them, up to a "
            "megapixel from the middle of the photo.",
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
        self.look = look_box()
        self.fold = Fold([self.method, self.memory, self.damping, self.iterations])
        self.fold.button.changed.connect(self.align_later)
        self.forget = PushButton(
            text="Forget earlier curves", tooltip="Keep only the last solve in the plot."
        )
        self.save_plot = PushButton(
            text="Save plot…", tooltip="The curves as PNG, SVG or PDF.", visible=False
        )

    def _lay_out(self) -> None:
        self.run.tooltip = "Solve and keep every iteration; press again to cancel."
        self.extend([self.layer, self.reference, self.region, *self.choice.widgets, self.look])
        self.extend([self.fold.button, *self.fold.widgets])
        self.add_run("Solve")
        self.player = Player(self)
        self.add_native(self.player.controls.native)
        self.finish_layout(stretch=False)
        self.plot = FigureView()
        for event in ("button_press_event", "motion_notify_event"):
            self.plot.listen(event, self._on_plot)
        self.add_native(self.plot)
        self.add_native(self.save_plot.native)
        self.add_native(self.forget.native)
        self._content.layout().addStretch()
        self.plot.hide()
        self.forget.visible = False

    def follow(self, layer: Layer | None) -> None:
        """Turn to the selected photo; of an expanded layer, to the one it was made from."""
        if layer is not None:
            choose(self.layer, layer if is_plain(layer) else source_of(layer, self.viewer.layers))

    def begin(self) -> None:
        """Solve in a worker."""
        layer: Image | None = self.layer.value
        stack = srgb_photo_of(layer)
        assert layer is not None
        index = self.index_of(layer)
        photo = stack.frame(index)
        reference = self.frame_in(self.reference) if self.reference.value else None
        region = self.region_in(self.region, layer)
        bounds = None if region is None else region.bounds(photo.size)
        self.player.stop()
        request = Request(
            model=self.choice.name, tolerance=photo.tolerance, device=preferences().device
        )
        changes = {
            "method": self.method.value,
            "memory": self.memory.value,
            "damping": self.damping.value,
            "max_steps": self.iterations.value,
        }

        def show(trace: Trace) -> None:
            self._solved = layer
            place = place_of(layer, index, trace.top, trace.left)
            self.show_trace(trace)
            self.player.show_trace(trace, place, index)

        work = partial(solve_visibly, photo, request, changes, reference, bounds, self.look.value)
        self.start_job(work, show, layer=layer)

    def show_trace(self, trace: Trace) -> None:
        """Draw the course of a finished solve beside the earlier ones."""
        self.trace = trace
        self._curves.pop(trace.label, None)
        self._curves[trace.label] = trace.residuals
        self.save_plot.visible = True
        self.forget.visible = len(self._curves) > 1
        self._draw()

    def show_progress(self, value: tuple[int, int]) -> None:
        """Show iterations instead of tiles."""
        done, total = value
        self.say(f"Iteration {done}, at most {total}" if total else "")
        self.show_bar(done, total)

    def layer_removed(self, layer: Layer) -> None:
        """Let go of the iterations of a photo that is gone; the plot stays."""
        super().layer_removed(layer)
        if layer is self._solved:
            self._solved = None
            self.player.forget()

    def close_down(self) -> None:
        """Stop playing, and listen to nothing any more."""
        super().close_down()
        self.player.stop()
        self._theme.disconnect(self._draw)

    def containers(self) -> list[Container[Any]]:
        """Return the settings and the controls of the slider."""
        return [self, self.player.controls]

    def _on_method(self, method: str) -> None:
        self.memory.enabled = method == "anderson"

    def _on_layer(self, layer: Image | None) -> None:
        if layer is not None:
            choose(self.reference, reference_of(layer, self.viewer.layers))

    def _on_clear(self) -> None:
        self._curves = {self.trace.label: self.trace.residuals} if self.trace else {}
        self.forget.visible = False
        self._draw()

    def _on_save_plot(self) -> None:
        path = asked_path(self, "Save plot", "convergence.png")
        if path is not None:
            save_drawing(self, self.plot, path)

    def _draw(self, *_: object) -> None:
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
        self.plot.mark(self.player.slider.value)

    def _on_plot(self, event: Any) -> None:
        slider = self.player.slider
        if event.button == 1 and event.xdata is not None:
            slider.value = min(max(round(event.xdata), 1), slider.max)
