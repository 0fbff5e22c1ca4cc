"""The page Maps: where colour was lost, restored, or is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox

from napari_gamut.levels import shown
from napari_gamut.mapping import KINDS, Kind, Map, maps_of
from napari_gamut.photos import LayerError
from napari_gamut.places import in_stack, place_of
from napari_gamut.records import PICTURE
from napari_gamut.roles import is_photo, reference_of
from napari_gamut.widgets.controls import screen_box
from napari_gamut.widgets.layer_boxes import choose, layer_box, reference_box, region_box
from napari_gamut.widgets.page import Page

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_gamut.places import Index

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
_MAP_OPACITY = 0.7
"""So that the photo below is seen, too."""


class MapsPage(Page):
    """Add masks and error maps of a layer."""

    title = "Maps"
    steps_name = "maps"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.layer = layer_box(
            viewer, "Photo", "The photo, before or after its expansion.", is_photo
        )
        self.reference = reference_box(viewer)
        self.region = region_box(viewer, "Shapes or labels: only the pixels inside are looked at.")
        self.screen = screen_box()
        self.boxes = {
            kind: CheckBox(text=title, value=kind == "clipped", tooltip=_HELP[kind])
            for kind, title in KINDS.items()
        }
        self.run.tooltip = "Add a layer for each mask and map; those of an earlier run stay."
        self.extend([self.layer, self.reference, self.region, self.screen, *self.boxes.values()])
        self.add_run("Add layers")
        self.finish_layout()
        self.remember(**{str(kind): box for kind, box in self.boxes.items()})
        self.layer.changed.connect(self._on_layer)
        self._on_layer(self.layer.value)

    def begin(self) -> None:
        """Compute the chosen maps in a worker and add their layers."""
        layer: Image | None = self.layer.value
        kinds = [kind for kind, box in self.boxes.items() if box.value]
        photo = self.frame_in(self.layer)
        reference = self.frame_in(self.reference) if self.reference.value else None
        if not kinds:
            raise LayerError("Nothing is chosen; tick a mask or a map.")
        assert layer is not None
        index = self.index_of(layer)
        place = place_of(layer, index)

        def add(found: list[Map]) -> None:
            for other in self.viewer.layers:
                if hasattr(other, "colorbar"):
                    other.colorbar.visible = False
            # Masks above maps, which hide much of what is below them.
            for item in sorted(found, key=lambda item: item.is_mask):
                self._add(item, photo.name, place, index)
            self.viewer.layers.selection.active = layer
            self.say("\n".join(item.title for item in found))

        display = self.screen.value
        region = self.region_in(self.region, layer)
        self.start_job(
            lambda _: maps_of(kinds, photo, reference, display, region), add, layer=layer
        )

    def _on_layer(self, layer: Image | None) -> None:
        if layer is not None:
            choose(self.reference, reference_of(layer, self.viewer.layers))

    def _add(self, item: Map, name: str, place: dict[str, Any], index: Index) -> None:
        title = f"{item.name} · {name}"
        axes = len(index), len(index) + 1
        if item.is_mask:
            from napari.utils.colormaps import DirectLabelColormap

            colours = DirectLabelColormap(
                color_dict={None: "transparent", 0: "transparent", 1: _COLOURS[item.kind]}
            )
            self.viewer.add_labels(
                **shown(in_stack(item.values.astype(np.uint8), index), axes),
                name=title,
                colormap=colours,
                opacity=0.8,
                metadata=PICTURE,
                **place,
            )
            return
        for other in self.viewer.layers:  # One bar, that of the map on top: they have no names.
            if hasattr(other, "colorbar"):
                other.colorbar.visible = False
        added: Any = self.viewer.add_image(
            **shown(in_stack(item.values, index), axes),
            name=title,
            colormap="magma",
            contrast_limits=item.limits,
            opacity=_MAP_OPACITY,
            rgb=False,
            metadata=PICTURE,
            **place,
        )
        added.colorbar.visible = True
