"""Layers as photos: their sRGB codes or wide colours, or a sentence on why there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.gamut import LOSSY_TOLERANCE, naive_inversion
from core.images import codes_from_image
from core.pictures.screens import DISPLAYS, display_image
from core.spaces import space_named
from napari_gamut.edits import placements
from napari_gamut.opening import has_own_colours
from napari_gamut.records import Fingerprint, Record, WidePixels, record_in

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy.typing as npt
    from napari.layers import Layer

    from core.gamut import Codes, FloatImage
    from napari_gamut.places import Index

MOST_PIXELS = 400_000_000
"""Of one frame; larger ones are expanded as files, which need not fit into memory."""

_LOSSY_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".heic", ".heif", ".avif"}


class LayerError(PhotoError):
    """A layer that cannot be used; the message says what to do.

    Parameters
    ----------
    sentence : str
        For people.
    convertible : Hashable
        By which napari knows the layer of which :func:`napari_gamut.conversions.conversion` may
        make a photo; None where it cannot.
    """

    def __init__(self, sentence: str, *, convertible: Hashable = None) -> None:
        super().__init__(sentence)
        self.convertible = convertible


@dataclass(frozen=True, eq=False)
class LayerPhoto:
    """The photo, or the stack of photos, of an image layer.

    Attributes
    ----------
    name : str
        Of the layer.
    data : array, shape (..., H, W, 3 or 4)
        Encoded sRGB, or the rendering of wide colours; of the full size.
    record : Record
        What the plugin knows of it. What it says of single pixels may be of the photo before
        somebody cropped or turned it: :attr:`fitted` is of what is shown.
    layer : Hashable
        By which napari knows the layer; None where there is none.
    """

    name: str
    data: Any
    record: Record
    layer: Hashable = None

    @property
    def leading(self) -> Index:
        """Shape of the stack, () for a single photo."""
        return tuple(self.data.shape[:-3])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""
        height, width = self.data.shape[-3:-1]
        return height, width

    @property
    def is_wide(self) -> bool:
        """Whether it holds wide colours already."""
        return self.record.wide is not None

    @property
    def tolerance(self) -> float:
        """Noise of its codes, in 8-bit codes: that of lossy files where it is from one."""
        return LOSSY_TOLERANCE if self.record.lossy else 0.0

    @cached_property
    def fitted(self) -> Record:
        """The record of what is shown: cut and turned as the layer's data were.

        Takes a while for large photos.

        Raises
        ------
        LayerError
            If the data were changed in any other way.
        """
        wide, shown = self.record.wide, self.record.shown
        if wide is None:
            return self.record
        if shown is None:  # A stack, whose frames are not known in advance.
            if tuple(wide.values.shape[:-1]) != tuple(self.data.shape[:-1]):
                raise LayerError(_edited(self.name))
            return self.record
        data = np.asarray(self.data)
        if Fingerprint.of(data) == shown:
            return self.record
        return self._cut(data, wide)

    def _cut(self, data: npt.NDArray[Any], wide: WidePixels) -> Record:
        values = np.asarray(wide.values, np.float32)
        space = space_named(wide.space)
        whole = display_image(values, space, DISPLAYS[wide.display], wide.adaptation)
        found: WidePixels | None = None
        for place in placements(data[..., :3], whole) if data.ndim == 3 else ():
            cut = replace(wide, values=place.cut(values))
            if found is None:
                found, alpha = cut, self.record.alpha
                alpha = None if alpha is None else place.cut(alpha)
            elif not np.array_equal(found.values, cut.values):
                found = None  # Alike on the screen, of different colours: nobody can tell.
                break
        if found is None:
            raise LayerError(_edited(self.name))
        return replace(self.record, wide=found, alpha=alpha, shown=Fingerprint.of(data))

    def frame(self, index: Index) -> LayerPhoto:
        """Return one photo of the stack; a single photo is its own only frame."""
        if not self.leading:
            return self
        wide = self.fitted.wide
        if wide is not None:
            wide = replace(wide, values=wide.values[index])
        record = replace(self.record, wide=wide, alpha=None)
        return replace(self, data=self.data[index], record=record)

    def codes(self) -> Codes:
        """Return the sRGB codes of a single photo, uint8 or uint16, shape (H, W, 3).

        Raises
        ------
        LayerError
            If its values are no codes.
        """
        if self.is_wide:
            raise LayerError(wide_already(self))
        try:
            return codes_from_image(np.asarray(self.data)[..., :3])
        except PhotoError as error:
            raise LayerError(
                f"“{self.name}” cannot be used. {error}", convertible=self.layer
            ) from error

    def alpha(self) -> npt.NDArray[Any] | None:
        """Return the opacity of a single photo, shape (H, W), or None."""
        alpha = self.fitted.alpha
        if alpha is None and self.data.shape[-1] == 4:
            return np.asarray(self.data[..., 3])
        return alpha if alpha is None or alpha.shape == self.size else None

    def linear(self, space: ColourSpace = PROPHOTO) -> FloatImage:
        """Return a single photo in linear RGB of a space, float32, shape (H, W, 3).

        Raises
        ------
        LayerError
            If its values are no codes, or were edited so that its wide colours fit no longer.
        """
        wide = self.fitted.wide
        if wide is None:
            return convert(naive_inversion(self.codes()), SRGB, space)
        values: FloatImage = np.asarray(wide.values, np.float32)
        return convert(values, space_named(wide.space), space, wide.adaptation)

    def prophoto(self) -> FloatImage:
        """Return a single photo as the metrics take it: linear ProPhoto in 0..1."""
        return np.clip(self.linear(PROPHOTO), 0.0, 1.0)


def photo_of(layer: Layer | None) -> LayerPhoto:
    """Return the photo that a layer holds.

    Raises
    ------
    LayerError
        If it holds none: one sentence on what to do.
    """
    if layer is None:
        raise LayerError("There is no photo yet; open one, or try File > Open Sample.")
    kind = layer.__class__.__name__  # napari hands plugins proxies, of another type.
    if kind != "Image":
        raise LayerError(f"“{layer.name}” is a {kind} layer; choose an RGB image layer.")
    data = layer.data[0] if layer.multiscale else layer.data
    if record_in(layer.metadata).is_picture:
        raise LayerError(
            f"“{layer.name}” is a picture for looking at; choose the photo it was made of."
        )
    if not layer.rgb:
        raise _not_rgb(layer, data.shape)
    height, width = data.shape[-3:-1]
    if height * width > MOST_PIXELS:
        raise LayerError(
            f"“{layer.name}” has {height * width / 1e6:.0f} megapixels, more than "
            f"{MOST_PIXELS / 1e6:.0f}; use the page Folder, which works file by file."
        )
    if data.dtype.kind != "f" and data.dtype not in (np.uint8, np.uint16):
        raise LayerError(
            f"“{layer.name}” holds values of type {data.dtype}; convert it to 8 or 16 bits.",
            convertible=layer.unique_id,
        )
    return LayerPhoto(layer.name, data, record_of(layer), layer.unique_id)


def record_of(layer: Layer) -> Record:
    """Return what is known of an image layer: by this plugin, or by the file that napari opened.

    Raises
    ------
    LayerError
        If napari opened the file without its colours.
    """
    record = record_in(layer.metadata)
    source = str(layer.source.path or "")
    if record != Record() or not source:
        return record
    if has_own_colours(Path(source)):
        raise LayerError(
            f"“{layer.name}” was opened without its colour profile; open "
            f"{Path(source).name} again and choose Gamut Expansion as its reader."
        )
    return Record(path=source, lossy=Path(source).suffix.lower() in _LOSSY_SUFFIXES)


def srgb_photo_of(layer: Layer | None) -> LayerPhoto:
    """Return the sRGB photo that a layer holds, or raise a LayerError that says what to do."""
    photo = photo_of(layer)
    if photo.is_wide:
        raise LayerError(wide_already(photo))
    return photo


def same_size(*photos: LayerPhoto) -> None:
    """Raise a LayerError unless the frames of photos are of one size."""
    first = photos[0]
    for other in photos[1:]:
        if other.size != first.size:
            sizes = [f"{photo.size[1]} × {photo.size[0]}" for photo in (first, other)]
            raise LayerError(
                f"“{first.name}” is {sizes[0]} and “{other.name}” {sizes[1]} pixels; choose two "
                "layers of the same size."
            )


def wide_already(photo: LayerPhoto) -> str:
    """Return what to tell people who want to expand wide colours."""
    made = photo.record.made
    if made is not None:
        return f"“{photo.name}” is expanded already; choose “{made.source}”, its sRGB photo."
    return (
        f"“{photo.name}” has wide colours of its own, so nothing was lost that could be restored; "
        "choose an sRGB photo, or reduce this one on the page Reduce to try an expansion."
    )


def _edited(name: str) -> str:
    return (
        f"“{name}” was edited since it got its wide colours, which fit it no longer; undo the "
        "edit, or edit the sRGB photo and expand it again. Crops and quarter turns are fine."
    )


def _not_rgb(layer: Layer, shape: tuple[int, ...]) -> LayerError:
    name = layer.name
    if len(shape) >= 3 and shape[-1] in (3, 4):
        return LayerError(
            f"“{name}” is shown as {len(shape)} dimensions of grey; convert it to RGB.",
            convertible=layer.unique_id,
        )
    if len(shape) > 2:
        return LayerError(f"“{name}” is a volume without colours; choose an RGB image layer.")
    return LayerError(
        f"“{name}” is greyscale, where no colour can be restored; choose an RGB image layer."
    )
