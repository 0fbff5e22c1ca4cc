"""Writer of layers as photos, for napari's own ways to save."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def write_photo(
    path: str | None = None, data: Any = None, meta: dict[str, Any] | None = None
) -> list[str]:
    """Write an image layer: its wide colours where it has some, else its sRGB codes.

    Parameters
    ----------
    path : str
        Ends in .tif, .tiff, .png, .jxl or .avif. An existing file is replaced: napari has asked.
        Without one, as from the command palette, people are asked for the active layer.
    data : array, shape (..., H, W, 3 or 4), or a list of levels of detail
        The layer's data.
    meta : dict
        The layer's attributes.

    Returns
    -------
    list of str
        The file, or those of the frames; empty if people cancelled.

    Raises
    ------
    PhotoError
        If the layer is no photo, or the file cannot be written.
    """
    from napari_gamut.photos import LayerError, LayerPhoto
    from napari_gamut.records import record_in
    from napari_gamut.saving import saving, target_of
    from napari_gamut.widgets.waiting import waited

    if path is None:
        return _asked()
    meta = meta or {}
    if not meta.get("rgb"):
        raise LayerError(f"“{meta.get('name')}” is no RGB layer; choose an RGB image layer.")
    is_pyramid = isinstance(data, (list, tuple)) or meta.get("multiscale")
    photo = LayerPhoto(
        str(meta.get("name")), data[0] if is_pyramid else data, record_in(meta.get("metadata", {}))
    )
    target = target_of(path)
    saved = waited(partial(saving, photo, target), f"Saving {target.name}")
    return [] if saved is None else [str(path) for path in saved.paths]


def _asked() -> list[str]:
    from napari import current_viewer

    from napari_gamut.widgets.dialogs import ask_to_save

    viewer = current_viewer()
    path: Path | None = None if viewer is None else ask_to_save(viewer)
    return [] if path is None else [str(path)]
