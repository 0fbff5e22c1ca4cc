"""Which layers are photos, and which of them belong together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_gamut.photos import LayerError, photo_of
from napari_gamut.records import record_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer

_ENDS = re.compile(r"\s*(\[[^\]]*\]|\([^)]*\)|·.*)\s*$")


def is_photo(layer: Layer) -> bool:
    """Return whether a layer may hold a photo: an image in colour that is not for looking at."""
    if layer.__class__.__name__ != "Image" or record_in(layer.metadata).is_picture:
        return False
    if layer.rgb:
        return True
    shape = (layer.data[0] if layer.multiscale else layer.data).shape
    return len(shape) == 3 and shape[-1] in (3, 4)  # RGB that was opened as grey, or a volume.


def is_wide(layer: Layer) -> bool:
    """Return whether a layer is a photo of wide colours."""
    return is_photo(layer) and record_in(layer.metadata).wide is not None


def is_plain(layer: Layer) -> bool:
    """Return whether a layer is a photo whose colours may have been clipped."""
    return is_photo(layer) and record_in(layer.metadata).wide is None


def is_original(layer: Layer) -> bool:
    """Return whether a layer is a wide-gamut photo that this plugin did not make."""
    return is_wide(layer) and record_in(layer.metadata).made is None


def source_of(layer: Layer, layers: Iterable[Layer]) -> Layer | None:
    """Return the sRGB photo that an expanded layer was made from, None if it is gone."""
    made = record_in(layer.metadata).made
    if made is None:
        return None
    found = [other for other in layers if is_plain(other) and other.unique_id == made.layer]
    return _fitting(layer, found)


def result_of(layer: Layer, layers: Iterable[Layer]) -> Layer | None:
    """Return the newest expansion of a photo, None if there is none."""
    found = []
    for other in layers:
        made = record_in(other.metadata).made
        if is_wide(other) and made is not None and made.layer == layer.unique_id:
            found.append(other)
    return _fitting(layer, found[::-1])


def reference_of(layer: Layer, layers: Iterable[Layer]) -> Layer | None:
    """Return the wide-gamut original of a photo, by size and name; None if none fits."""
    stem = _stem(layer)
    found = [
        other
        for other in layers
        if other is not layer and is_original(other) and _stem(other) == stem
    ]
    return _fitting(layer, found)


def counterpart_of(layer: Layer, layers: Iterable[Layer]) -> Layer | None:
    """Return the photo of the same size that a photo is best compared with, None without one.

    The sRGB photo of an expansion, the expansion of a photo, its original, or any other photo.
    """
    layers = list(layers)
    for choose in (source_of, result_of, reference_of):
        found = choose(layer, layers)
        if found is not None:
            return found
    others = [other for other in layers if other is not layer and is_photo(other)]
    return _fitting(layer, others[::-1])


def _fitting(layer: Layer, others: list[Layer]) -> Layer | None:
    try:
        size = photo_of(layer).size
        return next((other for other in others if photo_of(other).size == size), None)
    except LayerError:
        return None


def _stem(layer: Layer) -> str:
    made = record_in(layer.metadata).made
    name = layer.name if made is None else made.source
    while (short := _ENDS.sub("", name)) != name and short:
        name = short
    return name.strip().lower()
