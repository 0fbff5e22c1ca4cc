"""The page Expand: an sRGB layer in, a layer with its lost colours out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from magicgui.widgets import CheckBox, Container, FloatSpinBox, PushButton, SpinBox
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel

from core.errors import PhotoError
from core.gamut import LOSSY_TOLERANCE
from core.methods.registry import NAIVE
from napari_gamut.engine import Expanded, expand_photo
from napari_gamut.naming import counted, recipe, result_name
from napari_gamut.origins import source_for
from napari_gamut.photos import LayerPhoto, photo_of, srgb_photo_of
from napari_gamut.places import spatial, view_of
from napari_gamut.previewing import Glimpse
from napari_gamut.records import KEY, record_in
from napari_gamut.requests import Request
from napari_gamut.roles import is_plain, source_of
from napari_gamut.settings import preferences
from napari_gamut.stacks import Frames
from napari_gamut.widgets.batch import Batch
from napari_gamut.widgets.controls import ExpansionChoice, Fold, SourceChoice, screen_box
from napari_gamut.widgets.last_result import LastResult
from napari_gamut.widgets.layer_boxes import choose, layer_box, region_box
from napari_gamut.widgets.preset_row import PresetRow
from napari_gamut.widgets.preview_layer import PreviewLayer
from napari_gamut.widgets.saving_page import SavingPage
from napari_gamut.widgets.stack_loader import StackLoader

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from napari_gamut.previewing import View

_NOTHING_OPEN = "Open a photo, or try File > Open Sample > Gamut Expansion."
_PATIENCE_MS = 150
"""Until the result follows a control that is still being moved."""


class ExpandPage(SavingPage):
    """Give an sRGB photo its lost colours back."""

    title = "Expand"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._preview = PreviewLayer(viewer)
        self._at_work: Layer | None = None
        self._batch = Batch()
        self._wish = Request()
        self._last: LastResult | None = None
        self._changes: dict[str, Any] = {}
        self._turning = self._adjusting = self._keeps_preview = False
        self._make_controls(viewer)
        self._lay_out()
        self.remember(**self._kept, live=self.live)
        self._listen(viewer)
        self._on_layer(self.layer.value)
        self._on_selection()

    def _make_controls(self, viewer: Viewer) -> None:
        self.layer = layer_box(
            viewer, "Photo", "The sRGB layer whose colours were clipped.", is_plain
        )
        self.region = region_box(
            viewer,
            "Shapes or labels: only the pixels inside are expanded, with a soft edge.",
        )
        self.origin = SourceChoice()
        self.choice = ExpansionChoice()
        self.choice.model.changed.connect(self.align_later)
        self.tolerance = FloatSpinBox(
            label="Tolerance",
            min=0.0,
            max=16.0,
            step=0.5,
            value=0.0,
            tooltip="How far from the ends of the range, in codes of 255, a channel counts as "
            f"clipped: 0 for lossless files, {LOSSY_TOLERANCE:g} for JPEG.",
        )
        self.iterations = SpinBox(
            label="Iterations",
            min=1,
            max=500,
            value=50,
            tooltip="Most iterations of the equilibrium solver in a tile; it stops by itself.",
        )
        self.project = CheckBox(
            text="Keep every known colour",
            value=True,
            tooltip="Only clipped channels change, and reducing the result to sRGB gives the "
            "same photo again. Without it all pixels take the network's output.",
        )
        self.live = CheckBox(
            text="Adjust the result at once",
            value=True,
            tooltip="Changes of strength, source and space show in the last expanded layer; only "
            "a network that is told the source, such as LETNet-box, solves the photo again for "
            "another one. Untick it to make variants side by side.",
        )
        self.screen = screen_box()
        self.feather = SpinBox(
            label="Soft edge",
            min=0,
            max=2000,
            value=20,
            tooltip="Pixels inside the edge of the region over which the expansion rises.",
        )
        self._kept = {
            **self.choice.kept,
            "strength": self.choice.strength,
            "space": self.choice.space,
            "iterations": self.iterations,
            "project": self.project,
            "feather": self.feather,
        }
        self.presets = PresetRow(self._kept)
        self.fold = Fold(
            [
                self.tolerance,
                self.iterations,
                self.feather,
                self.screen,
                self.project,
                *self.presets.widgets,
            ]
        )
        self.fold.button.changed.connect(self.align_later)
        self.see_button = PushButton(
            text="See it", tooltip="Before and after, so that any screen shows the difference."
        )
        self.save_button = PushButton(
            text="Save…",
            tooltip="Write the selected expanded layer with its profile, in 16 bits.",
        )
        self._recipe = QLabel()
        self._recipe.setWordWrap(True)
        self._recipe.setContentsMargins(6, 2, 6, 2)
        self._recipe.setToolTip("How the selected layer was made.")
        self._recipe.hide()

    def _lay_out(self) -> None:
        self.run.tooltip = "Expand the photo into a new layer; press again to cancel."
        self.extend([self.layer, self.region, *self.origin.widgets, *self.choice.widgets])
        self.append(self.live)
        self.extend([self.fold.button, *self.fold.widgets])
        self.add_run("Expand")
        self._buttons: Container[Any] = Container(
            widgets=[self.see_button, self.save_button], layout="horizontal", labels=False
        )
        self._buttons.margins = (0, 0, 0, 0)
        self.add_native(self._buttons.native)
        self.finish_layout()
        self._content.layout().insertWidget(self._content.layout().count() - 1, self._recipe)

    def _listen(self, viewer: Viewer) -> None:
        self._pending = QTimer(self.native)
        self._pending.setSingleShot(True)
        self._pending.setInterval(_PATIENCE_MS)
        self._pending.timeout.connect(self.adjust)
        adjusted = {
            "strength": self.choice.strength,
            "space": self.choice.space,
            "source": self.origin.source,
        }
        for field, control in adjusted.items():
            control.changed.connect(partial(self._on_change, field))
        self.layer.changed.connect(self._on_layer)
        self.save_button.changed.connect(self._on_save)
        self.see_button.changed.connect(self._on_see)
        self._selection = viewer.layers.selection.events.changed
        self._selection.connect(self._on_selection)

    def request(self) -> Request:
        """Return what the controls ask for."""
        chosen = preferences()
        return Request(
            model=self.choice.name,
            space=self.choice.space.value,
            source=self.origin.source.value,
            strength=self.choice.strength.value,
            tolerance=self.tolerance.value,
            iterations=self.iterations.value,
            project=bool(self.project.value),
            display=self.screen.value,
            device=chosen.device,
            tile=chosen.tile,
        )

    def follow(self, layer: Layer | None) -> None:
        """Turn to the selected photo; of an expanded layer, to the one it was made from."""
        if layer is None:
            return
        choose(self.layer, layer if is_plain(layer) else source_of(layer, self.viewer.layers))
        self._tell_recipe()

    @property
    def told_of_layer(self) -> str:
        """What the page says of the selected layer; empty unless it was expanded."""
        return str(self._recipe.text())

    def _tell_recipe(self) -> None:
        active = self.viewer.layers.selection.active
        made = None if active is None else record_in(active.metadata).made
        self._recipe.setText("" if made is None else recipe(made))
        self._recipe.setVisible(made is not None)

    def begin(self) -> None:
        """Expand the chosen photo, or all that are selected, one after the other."""
        self._wish = self.request()  # Each result that is added turns the controls to its photo.
        self._batch = Batch(self._chosen() or [self.layer.value])
        self._begin_next()

    def cancel(self, because: str = "Cancelled.") -> None:
        """Cancel the job and what waits for its end."""
        self._batch = Batch()
        super().cancel(because)

    def fail(self, error: PhotoError) -> None:
        """Tell people of an error; one of several photos does not stop the others."""
        super().fail(error)
        self._batch.errors.append(str(error))

    def show_progress(self, value: Any) -> None:
        """Show a preview, or tiles, or rows of a file."""
        if isinstance(value, Glimpse):
            if self._at_work is not None:
                self._preview.show(value, self._at_work)
            return
        super().show_progress(value)

    def _begin_next(self) -> None:
        """Begin with the next photo that can be expanded; of a single one, raise what is wrong."""
        while self._batch.waiting and not self.busy:
            layer = self._batch.waiting.pop(0)
            if not self._batch.is_several:
                self._begin_with(layer)
            elif layer in self.viewer.layers:
                try:
                    self._begin_with(layer)
                except PhotoError as error:
                    self.fail(error)
        if self._batch.is_several and not self.busy:
            self.say(self._batch.sentence)
            self._batch = Batch()

    def _begin_with(self, layer: Layer | None) -> None:
        photo = srgb_photo_of(layer or self._wide_layer())
        assert layer is not None
        place = spatial(layer)
        request = self._wish
        if self._batch.is_several:
            source = source_for(request.source)
            request = replace(request, source=source, tolerance=photo.tolerance)
        region = self.region_in(self.region, layer, self.feather.value)
        view = self._view_of(layer, photo)

        def add(result: Expanded) -> None:
            added = self._add(result, place)
            self._last = LastResult(added, ref(layer), request, region, result.solve)
            self._changes = {}

        self._at_work = layer
        self.told_before = self._batch.place
        solve = None if self._last is None else self._last.solve
        work = partial(expand_photo, photo, request, solve=solve, region=region, view=view)
        self.start_job(work, add, layer=layer)

    def _view_of(self, layer: Layer, photo: LayerPhoto) -> View | None:
        """Return what is seen of a single photo."""
        flat = not photo.leading and self.viewer.dims.ndisplay == 2
        return view_of(layer, self.viewer) if flat else None

    def _chosen(self) -> list[Layer]:
        """Return the photos that are selected together, if the one in the control is of them."""
        selected = [layer for layer in self.viewer.layers if layer in self.viewer.layers.selection]
        plain = [layer for layer in selected if is_plain(layer)]
        return plain if len(plain) > 1 and self.layer.value in plain else []

    def _on_end(self) -> None:
        super()._on_end()
        if not self._keeps_preview:
            self._preview.remove()
        self._at_work = None
        self._adjusting = False
        self.told_before = ""
        self._begin_next()

    def _on_selection(self, *_: object) -> None:
        count = len(self._chosen())
        self.rename_run(f"Expand {count} photos" if count else "Expand")

    @property
    def settled(self) -> bool:
        """Whether nothing runs, and no change of a control waits for its turn."""
        return not (self.busy or self._pending.isActive())

    def adjust(self) -> None:
        """Finish the last result anew: as it was asked for, but for what was changed since."""
        last = self._adjustable()
        if last is None:
            return
        if self.busy and not self._adjusting:
            self._pending.start()
            return
        try:
            photo = srgb_photo_of(self.layer.value)
        except PhotoError:
            return
        request = replace(last.request, **self._changes)
        is_there = request == last.request
        if self.busy:  # With settings that nobody wants any more.
            self._keeps_preview = not is_there
            self.cancel("")
            self._keeps_preview = False
        if is_there:
            return

        def show(expanded: Expanded) -> None:
            result = last.layer
            if result not in self.viewer.layers or expanded.record.made is None:
                return
            self._last = replace(last, request=request, solve=expanded.solve)
            result.metadata[KEY] = expanded.record
            result.data = expanded.data
            result.name = result_name(expanded.record.made)
            self._tell_recipe()
            self.say(_summary(expanded))
            if self.panel is not None:
                self.panel.layer_changed(result)

        self._saving = False
        self._at_work = self.layer.value
        view = self._view_of(self.layer.value, photo)
        work = partial(
            expand_photo, photo, request, solve=last.solve, region=last.region, view=view
        )
        self.start_job(work, show, layer=self.layer.value)
        self._adjusting = True

    def _add(self, result: Expanded, place: dict[str, Any]) -> Image:
        made = result.record.made
        assert made is not None
        added: Image = self.viewer.add_image(
            result.data,
            name=result_name(made),
            rgb=True,
            multiscale=isinstance(result.data, list),
            contrast_limits=(0, 255),
            metadata={KEY: result.record},
            **place,
        )
        self.say(_summary(result))
        self._batch.expanded += 1
        if isinstance(result.data, Frames):
            StackLoader(self.viewer, added, result.data, self)
            added.refresh()
        if not self._batch.waiting:
            self.viewer.layers.selection.active = added
        return added

    def close_down(self) -> None:
        """Listen to nothing any more, and leave no preview behind."""
        self._batch = Batch()
        super().close_down()
        self._selection.disconnect(self._on_selection)
        self._preview.remove()

    def layer_removed(self, layer: Layer) -> None:
        """Let go of what belongs to a layer that is gone."""
        super().layer_removed(layer)
        self._tell_recipe()
        if self._last is not None and self._last.concerns(layer):
            self._last = None

    def _adjustable(self) -> LastResult | None:
        """Return the last result, if it is of the chosen photo and can be finished anew."""
        last = self._last
        if last is None or last.solve is None:
            return None
        return last if last.is_of(self.layer.value, self.viewer.layers) else None

    def _on_change(self, field: str, value: Any) -> None:
        # A source that is set for a newly chosen photo is nobody's wish to change a result.
        if self._turning or self._adjustable() is None:
            return
        self._changes[field] = value
        if self.live.value:
            self._pending.start()

    def _on_layer(self, layer: Image | None) -> None:
        try:
            photo = None if layer is None else photo_of(layer)
        except PhotoError:
            photo = None
        last = self._last
        asked = None
        if last is not None and last.is_of(layer, self.viewer.layers):
            asked = replace(last.request, **self._changes)
        self._turning = True
        self.origin.turn_to(photo, None if asked is None else asked.source)
        self._turning = False
        if photo is not None:
            self.tolerance.value = photo.tolerance if asked is None else asked.tolerance
        if layer is None and not self.busy and self.note in ("", _NOTHING_OPEN):
            self.say(_NOTHING_OPEN)
        elif self.note == _NOTHING_OPEN:
            self.say("")

    def _on_see(self) -> None:
        layer = self._wide_layer()
        if layer is None:
            self.warn("There is no expanded layer yet; expand the photo first.")
            return
        page = self.panel.open("See")
        page.follow(layer)
        page.start()


def _summary(result: Expanded) -> str:
    made = result.record.made
    assert made is not None
    if made.clipped_share is None:
        return "Each frame is expanded when it is looked at, and shown as it was until then."
    if made.model == NAIVE:
        nothing = "Naive inversion restores nothing: the colours are those of the sRGB photo."
        return " ".join([nothing, *result.notes])
    parts = [*result.notes]
    if result.gain is not None:
        parts.append(result.gain.sentence)
    if made.unconverged:
        parts.append(f"{counted(made.unconverged, 'tile')} did not converge: raise Iterations.")
    if result.record.wide is not None and result.record.wide.display == "srgb":
        parts.append("An sRGB screen shows the layer as before: press See it for the gain.")
    return " ".join(parts)
