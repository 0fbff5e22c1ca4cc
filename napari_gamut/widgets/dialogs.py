"""Questions for files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog

from napari_gamut.naming import file_name
from napari_gamut.photos import photo_of
from napari_gamut.saving import FILTER, saving, target_of
from napari_gamut.settings import PLUGIN
from napari_gamut.widgets.asking import asked_file
from napari_gamut.widgets.waiting import waited

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer
    from napari.viewer import Viewer

_PHOTOS = (
    "Photos (*.jpg *.jpeg *.png *.tif *.tiff *.webp *.avif *.heic *.heif *.jxl *.exr *.dng *.cr2 "
    "*.cr3 *.crw *.nef *.arw *.orf *.rw2 *.raf *.pef *.srw)"
)


def ask_to_open(viewer: Viewer) -> None:
    """Let people choose photos, and open them with their colours."""
    paths, _ = QFileDialog.getOpenFileNames(None, "Open photos", "", _PHOTOS)
    for path in paths:
        viewer.open(path, plugin=PLUGIN)


def asked_target(parent: Any, layer: Layer) -> Path | None:
    """Let people choose a file for a layer; None if they cancel.

    Raises
    ------
    LayerError
        If the layer is no photo, or the file's ending is not one of ours.
    """
    photo = photo_of(layer)
    proposed = file_name(photo.name, photo.record)
    path = asked_file(parent, "Save wide-gamut photo", proposed, FILTER)
    return None if path is None else target_of(path)


def ask_to_save(viewer: Viewer) -> Path | None:
    """Let people choose a file for the active layer, and save it with its colours."""
    layer: Any = viewer.layers.selection.active
    target = asked_target(None, layer)
    if target is None:
        return None
    work = partial(saving, photo_of(layer), target)
    return target if waited(work, f"Saving {target.name}") is not None else None
