"""Expand Layer: an sRGB layer in, a layer with its lost colours out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, FloatSpinBox, PushButton, SpinBox

from core.errors import PhotoError
from core.gamut import LOSSY_TOLERANCE
from napari_gamut._controls import ExpansionChoice, screen_box
from napari_gamut._panel import Panel
from napari_gamut._settings import preferences
from napari_gamut._stack_loader import StackLoader
from napari_gamut.engine import Expanded, Request, expand_photo
from napari_gamut.layer_data import LayerPhoto, photo_of, spatial, srgb_photo_of
from napari_gamut.metadata import KEY
from napari_gamut.stacks import Frames

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

_FILTER = "Wide-gamut photos (*.tif *.tiff *.png *.jxl *.avif)"


class ExpandWidget(Panel):
    """Give an sRGB photo its lost colours back."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.layer = self.photo_box()
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
        self.screen = screen_box()
        self.save_button = PushButton(
            text="Save wide-gamut file…",
            tooltip="Write the selected expanded layer with its profile, in 16 bits.",
        )
        self.run.tooltip = "Expand the photo into a new layer; press again to cancel."
        self.extend(
            [
                self.layer,
                *self.choice.widgets,
                self.tolerance,
                self.iterations,
                self.project,
                self.screen,
            ]
        )
        self.add_run("Expand")
        self.append(self.save_button)
        self.finish_layout()
        self.layer.changed.connect(self._on_layer)
        self.save_button.changed.connect(self._on_save)
        self._on_layer(self.layer.value)

    def request(self) -> Request:
        """Return what the controls ask for."""
        chosen = preferences()
        return Request(
            model=self.choice.name,
            space=self.choice.space.value,
            strength=self.choice.strength.value,
            tolerance=self.tolerance.value,
            iterations=self.iterations.value,
            project=bool(self.project.value),
            display=self.screen.value,
            device=chosen.device,
            tile=chosen.tile,
        )

    def begin(self) -> None:
        """Expand the chosen layer in a worker."""
        layer = self.layer.value
        photo = srgb_photo_of(layer)
        place = spatial(layer)

        def add(result: Expanded) -> None:
            self._add(result, photo, place)

        self.start_job(partial(expand_photo, photo, self.request()), add, layer=layer)

    def save(self, path: str | Path, layer: Layer | None = None) -> None:
        """Write a layer's wide colours, by default those of the active layer."""
        from napari_gamut._writer import write_photo

        chosen = layer if layer is not None else self._expanded_layer()
        try:
            photo = photo_of(chosen)
            data, meta, _ = chosen.as_layer_data_tuple()
            write_photo(str(path), data, meta)
        except PhotoError as error:
            self.warn(str(error))
        else:
            self.say(f"“{photo.name}” was saved as {Path(path).name}.")

    def _expanded_layer(self) -> Any:
        active = self.viewer.layers.selection.active
        if active is not None and KEY in active.metadata:
            return active
        expanded = [layer for layer in self.viewer.layers if KEY in layer.metadata]
        return expanded[-1] if expanded else active

    def _add(self, result: Expanded, photo: LayerPhoto, place: dict[str, Any]) -> None:
        added: Image = self.viewer.add_image(
            result.data,
            name=f"{photo.name} (expanded)",
            rgb=True,
            multiscale=isinstance(result.data, list),
            contrast_limits=(0, 255),
            metadata={KEY: result.record},
            **place,
        )
        self.say(_summary(result))
        if isinstance(result.data, Frames):
            StackLoader(self.viewer, added, result.data, self)
            added.refresh()
        self.viewer.layers.selection.active = added

    def _on_layer(self, layer: Image | None) -> None:
        try:
            self.tolerance.value = photo_of(layer).tolerance
        except PhotoError:
            return

    def _on_save(self) -> None:
        from qtpy.QtWidgets import QFileDialog

        layer = self._expanded_layer()
        if layer is None:
            self.warn("There is no expanded layer yet; expand a photo first.")
            return
        path, _ = QFileDialog.getSaveFileName(
            self.native, "Save wide-gamut photo", f"{layer.name}.tif", _FILTER
        )
        if path:
            self.save(path, layer)


def _summary(result: Expanded) -> str:
    made = result.record.made
    assert made is not None
    if made.clipped_share is None:
        return "Each frame is expanded when it is looked at, and shown as it was until then."
    parts = [f"{made.clipped_share:.1%} of the pixels are clipped."]
    if made.steps:
        mean = sum(made.steps) / len(made.steps)
        parts.append(f"Solved in {mean:.0f} iterations a tile.")
    if made.unconverged:
        parts.append(f"{made.unconverged} tiles did not converge: raise Iterations.")
    if result.record.wide is not None and result.record.wide.display == "srgb":
        parts.append("An sRGB screen shows it as before; the colours are in the saved file.")
    return " ".join(parts)
