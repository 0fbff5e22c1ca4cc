"""The layer of a preview: there until the whole photo is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gamut.places import in_stack, place_of
from napari_gamut.records import PICTURE

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_gamut.previewing import Glimpse

NAME = "preview: before | after"


class PreviewLayer:
    """Shows one preview at a time, above all layers.

    Parameters
    ----------
    viewer : Viewer
        Where.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._shown: Layer | None = None
        self._place: tuple[Any, ...] = ()

    def show(self, glimpse: Glimpse, layer: Layer) -> None:
        """Show a preview of a layer in its place; another one of the same pixels is replaced."""
        place = (layer, glimpse.top, glimpse.left, glimpse.step, glimpse.picture.shape)
        layers: Any = self._viewer.layers
        if self._shown in layers and place == self._place:
            shown: Any = self._shown
            shown.data[...] = glimpse.picture
            shown.refresh(thumbnail=False, highlight=False, extent=False)
            return
        self.remove()
        active = layers.selection.active
        self._place = place
        self._shown = self._viewer.add_image(
            in_stack(glimpse.picture, ()),
            name=NAME,
            rgb=True,
            contrast_limits=(0, 255),
            metadata=PICTURE,
            **place_of(layer, (), glimpse.top, glimpse.left, glimpse.step),
        )
        layers.selection.active = active

    def remove(self) -> None:
        """Take the preview away, if there is one."""
        shown, self._shown, self._place = self._shown, None, ()
        if shown is not None and shown in self._viewer.layers:
            self._viewer.layers.remove(shown)
