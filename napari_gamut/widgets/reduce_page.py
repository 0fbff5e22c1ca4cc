"""The page Reduce: a wide-gamut photo as an sRGB layer or file, with what it loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, PushButton

from core.errors import PhotoError
from napari_gamut.photos import LayerError, photo_of
from napari_gamut.places import place_of
from napari_gamut.records import KEY, Record
from napari_gamut.reducing import FILTER, Reduced, reducing, target_of
from napari_gamut.roles import is_wide
from napari_gamut.widgets.asking import asked_file
from napari_gamut.widgets.layer_boxes import choose, layer_box
from napari_gamut.widgets.page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image, Layer
    from napari.viewer import Viewer


class ReducePage(Page):
    """Reduce a wide-gamut photo to sRGB by clipping."""

    title = "Reduce"
    steps_name = "steps"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.layer = layer_box(viewer, "Photo", "A photo of wide colours.", is_wide)
        self.carry = CheckBox(
            text="Carry what is lost (about 12 KB)",
            value=True,
            tooltip="Fits a small network to what the photo loses in sRGB (GamutMLP), which "
            "travels in the file. Any edit of the file makes it useless.",
        )
        self.save_button = PushButton(
            text="Save sRGB file…", tooltip="JPEG, PNG or TIFF, with the photo's metadata."
        )
        self.run.tooltip = "Add the sRGB photo as a layer, to try an expansion on it."
        self.extend([self.layer])
        self.add_run("Add sRGB layer")
        self.extend([self.carry, self.save_button])
        self.finish_layout()
        self.say("Reduces by clipping, as most programs do.")
        self.remember(carry=self.carry)
        self.save_button.changed.connect(self._on_save)

    def follow(self, layer: Layer | None) -> None:
        """Turn to the selected photo, if its colours are wide."""
        if layer is not None and is_wide(layer):
            choose(self.layer, layer)

    def begin(self) -> None:
        """Reduce in a worker and add the layer."""
        layer: Image | None = self.layer.value
        if layer is None:
            raise LayerError("There is no wide-gamut photo; open one, or expand a photo.")
        photo = self.frame_in(self.layer)
        place = place_of(layer, self.index_of(layer))

        def add(result: Reduced) -> None:
            count = len(self.index_of(layer))
            self.viewer.add_image(
                result.codes.reshape((1,) * count + result.codes.shape),
                name=f"{photo.name} (sRGB)",
                rgb=True,
                contrast_limits=(0, 255),
                metadata={KEY: Record(metadata=photo.record.metadata)},
                **place,
            )
            self.say(result.sentence)

        self.start_job(lambda check: reducing(photo, check=check), add, layer=layer)

    def save(self, path: str | Path) -> None:
        """Write the sRGB file in a worker."""
        layer = self.layer.value
        try:
            if photo_of(layer).leading:
                raise LayerError("A stack is reduced frame by frame: add the sRGB layer first.")
            target, photo = target_of(path), self.frame_in(self.layer)
        except PhotoError as error:
            self.fail(error)
            return

        def tell(result: Reduced) -> None:
            self.say(result.sentence)

        carry = bool(self.carry.value)
        self.start_job(
            lambda check: reducing(photo, target, carry=carry, check=check), tell, layer=layer
        )

    def _on_save(self) -> None:
        if self.busy:
            self.warn("Something is still being done; wait for it or cancel it.")
            return
        if self.layer.value is None:
            self.warn("There is no wide-gamut photo; open one, or expand a photo.")
            return
        proposed = f"{self.layer.value.name} sRGB.jpg"
        path = asked_file(self.native, "Save sRGB photo", proposed, FILTER)
        if path is not None:
            self.save(path)
