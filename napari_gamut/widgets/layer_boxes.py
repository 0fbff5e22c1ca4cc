"""Controls in which layers are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox

from napari_gamut.records import record_in
from napari_gamut.roles import is_photo, is_wide

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import Viewer


class LayerBox(ComboBox):
    """A control in which a layer is chosen."""

    def renew(self) -> None:
        """Offer the layers that there are now; the chosen one stays, also under a new name."""
        chosen = self.value
        with self.changed.blocked():
            self.reset_choices()
            if chosen in self.choices:
                self.value = chosen
        if self.value is not chosen:
            self.changed.emit(self.value)


class _RegionBox(LayerBox):
    """A control in which a region is chosen, or none."""

    null_string = "Whole photo"


class _ReferenceBox(LayerBox):
    """A control in which an original is chosen, or none."""

    null_string = "None"


def layer_box(
    viewer: Viewer,
    label: str,
    tooltip: str,
    fits: Callable[[Layer], bool] = is_photo,
    *,
    optional: bool = False,
    kind: type[LayerBox] = LayerBox,
) -> LayerBox:
    """Return a control in which one of the viewer's layers is chosen.

    Parameters
    ----------
    viewer : Viewer
        Whose layers.
    label, tooltip : str
        For people.
    fits : callable
        Which layers are offered.
    optional : bool
        Whether none may be chosen.
    kind : type
        Of the control.
    """

    def offered(_: object) -> list[tuple[str, Layer]]:
        return [(layer.name, layer) for layer in viewer.layers if fits(layer)]

    box = kind(label=label, tooltip=tooltip, choices=offered, nullable=optional)
    active = viewer.layers.selection.active
    if not optional and active in box.choices:
        box.value = active
    return box


def choose(box: ComboBox, layer: Layer | None) -> None:
    """Choose a layer, if it is offered."""
    if layer is not None and layer in box.choices and box.value is not layer:
        box.value = layer
    elif layer is None and box.value is not None and None in box.choices:
        box.value = None


def reference_box(viewer: Viewer) -> LayerBox:
    """Return a control for the original that a photo is compared with."""
    return layer_box(
        viewer,
        "Reference",
        "The wide-gamut original, if you have it.",
        is_wide,
        optional=True,
        kind=_ReferenceBox,
    )


def region_box(viewer: Viewer, tooltip: str) -> LayerBox:
    """Return a control for a layer of shapes or labels."""
    return layer_box(viewer, "Region", tooltip, _is_drawn, optional=True, kind=_RegionBox)


def _is_drawn(layer: Layer) -> bool:
    """Return whether people drew or painted a layer; masks of this plugin are pictures."""
    if record_in(layer.metadata).is_picture:
        return False
    return layer.__class__.__name__ in ("Shapes", "Labels")
