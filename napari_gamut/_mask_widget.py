"""Masks and Error Maps: where colour was lost, restored, or is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox

from core.errors import PhotoError
from napari_gamut._expand_widget import screen_box
from napari_gamut._panel import Panel
from napari_gamut.layer_data import frame_index, photo_of, spatial_2d
from napari_gamut.mapping import KINDS, Kind, Map, maps_of

if TYPE_CHECKING:
    from collections.abc import Generator

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
    """Add masks and error maps of a layer.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers are worked on.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.layer = self.layer_box("Photo", "The photo, before or after its expansion.")
        self.reference = self.layer_box(
            "Reference", "The wide-gamut original, where there is one.", optional=True
        )
        self.screen = screen_box()
        self.boxes = {
            kind: CheckBox(text=title, value=kind == "clipped", tooltip=_HELP[kind])
            for kind, title in KINDS.items()
        }
        self.run.tooltip = "Add a layer for each mask and map; those of an earlier run stay."
        self.extend([self.layer, self.reference, self.screen, *self.boxes.values()])
        self.add_run("Add layers")
        self.finish_layout()

    def start(self) -> None:
        """Compute the chosen maps in a worker and add their layers."""
        layer: Image | None = self.layer.value
        kinds = [kind for kind, box in self.boxes.items() if box.value]
        step = self.viewer.dims.current_step
        try:
            photo = photo_of(layer)
            reference = photo_of(self.reference.value) if self.reference.value else None
        except PhotoError as error:
            self.warn(str(error))
            return
        if not kinds:
            self.warn("Nothing is chosen; tick a mask or a map.")
            return
        display = self.screen.value
        assert layer is not None
        place = spatial_2d(layer)
        index = frame_index(photo, step)
        other = frame_index(reference, step) if reference is not None else ()

        def work() -> Generator[tuple[int, int], None, list[Map]]:
            yield 0, 0
            return maps_of(kinds, photo, reference, display, index, other)

        def add(found: list[Map]) -> None:
            # Masks above maps, which hide everything below them.
            for item in sorted(found, key=lambda item: item.is_mask):
                self._add(item, photo.name, place)
            self.say("\n".join(item.title for item in found))

        self.start_job(work(), add, layer=layer)

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
