"""Masks and Error Maps: where colour was lost, restored, or is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox

from napari_gamut._controls import screen_box
from napari_gamut._panel import Panel
from napari_gamut.layer_data import LayerError, spatial_2d
from napari_gamut.mapping import KINDS, Kind, Map, maps_of

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

_HELP: dict[Kind, str] = {
    "clipped": "Pixels with a channel at an end of its range: they may have lost colour.",
    "outside_srgb": "Pixels of the reference whose colour sRGB cannot hold.",
    "outside_screen": "Pixels of the photo whose colour the chosen screen cannot show.",
    "restored": "Colour difference between the photo and its naive inversion.",
    "absolute": "Absolute difference to the reference, linear ProPhoto, mean of the channels.",
    "delta_e": "CIEDE2000 colour difference to the reference.",
}
_COLOURS: dict[Kind, str] = {
    "clipped": "#ff3bd4",
    "outside_srgb": "#00d5ff",
    "outside_screen": "#ffd000",
}


class MaskWidget(Panel):
    """Add masks and error maps of a layer."""

    steps_name = "maps"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.layer = self.photo_box("The photo, before or after its expansion.")
        self.reference = self.reference_box()
        self.screen = screen_box()
        self.boxes = {
            kind: CheckBox(text=title, value=kind == "clipped", tooltip=_HELP[kind])
            for kind, title in KINDS.items()
        }
        self.run.tooltip = "Add a layer for each mask and map; those of an earlier run stay."
        self.extend([self.layer, self.reference, self.screen, *self.boxes.values()])
        self.add_run("Add layers")
        self.finish_layout()

    def begin(self) -> None:
        """Compute the chosen maps in a worker and add their layers."""
        layer: Image | None = self.layer.value
        kinds = [kind for kind, box in self.boxes.items() if box.value]
        photo = self.frame_in(self.layer)
        reference = self.frame_in(self.reference) if self.reference.value else None
        if not kinds:
            raise LayerError("Nothing is chosen; tick a mask or a map.")
        assert layer is not None
        place = spatial_2d(layer, self.index_of(layer))

        def add(found: list[Map]) -> None:
            # Masks above maps, which hide everything below them.
            for item in sorted(found, key=lambda item: item.is_mask):
                self._add(item, photo.name, place)
            self.say("\n".join(item.title for item in found))

        display = self.screen.value
        self.start_job(lambda _: maps_of(kinds, photo, reference, display), add, layer=layer)

    def _add(self, item: Map, name: str, place: dict[str, Any]) -> None:
        title = f"{item.title} ({name})"
        if item.is_mask:
            from napari.utils.colormaps import DirectLabelColormap

            colours = DirectLabelColormap(
                color_dict={None: "transparent", 0: "transparent", 1: _COLOURS[item.kind]}
            )
            self.viewer.add_labels(
                item.values.astype(np.uint8), name=title, colormap=colours, opacity=0.8, **place
            )
            return
        added: Any = self.viewer.add_image(
            item.values,
            name=title,
            colormap="magma",
            contrast_limits=item.limits,
            rgb=False,
            **place,
        )
        added.colorbar.visible = True
