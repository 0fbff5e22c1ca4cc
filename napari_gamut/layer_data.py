"""Layers as photos: their sRGB codes or wide colours, or a sentence on why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import PROPHOTO, SRGB, ColourSpace, convert, space_named
from core.display import DISPLAYS, display_image
from core.errors import PhotoError
from core.gamut import LOSSY_TOLERANCE, naive_inversion
from core.photo_codes import codes_from_image
from napari_gamut._reader import has_own_colours
from napari_gamut.metadata import Record, record_in

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Layer

    from core.gamut import Codes, FloatImage

MOST_PIXELS = 400_000_000
"""Of one frame; larger ones are expanded as files, which need not fit into memory."""

_LOSSY_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".heic", ".heif", ".avif"}
_SPATIAL = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")

Index = tuple[int, ...]


class LayerError(PhotoError):
    """A layer that cannot be used; the message says what to do."""


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
        What the plugin knows of it.
    """

    name: str
    data: Any
    record: Record

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

    def codes(self, index: Index = ()) -> Codes:
        """Return the sRGB codes of a frame, uint8 or uint16, shape (H, W, 3).

        Raises
        ------
        LayerError
            If its values are no codes.
        """
        if self.is_wide:
            raise LayerError(
                f"“{self.name}” has wide colours already; choose the sRGB layer it came from."
            )
        try:
            return codes_from_image(np.asarray(self.data[index])[..., :3])
        except PhotoError as error:
            raise LayerError(f"“{self.name}” cannot be used. {error}") from error

    def alpha(self, index: Index = ()) -> npt.NDArray[Any] | None:
        """Return the opacity of a frame, shape (H, W), or None."""
        if self.data.shape[-1] == 4:
            return np.asarray(self.data[(*index, ..., 3)])
        return self.record.alpha if not self.leading else None

    def linear(self, space: ColourSpace = PROPHOTO, index: Index = ()) -> FloatImage:
        """Return a frame in linear RGB of a space, float32, shape (H, W, 3)."""
        wide = self.record.wide
        if wide is None:
            return convert(naive_inversion(self.codes(index)), SRGB, space)
        values: FloatImage = np.asarray(wide.values[index], np.float32)
        return convert(values, space_named(wide.space), space, wide.adaptation)

    def prophoto(self, index: Index = ()) -> FloatImage:
        """Return a frame as the metrics take it: linear ProPhoto in 0..1."""
        return np.clip(self.linear(PROPHOTO, index), 0.0, 1.0)

    def shown(self, display: str, index: Index = ()) -> npt.NDArray[np.uint8]:
        """Return a frame rendered for a screen, uint8, shape (H, W, 3)."""
        return display_image(self.linear(SRGB, index), SRGB, DISPLAYS[display])


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
    if not layer.rgb:
        raise LayerError(_not_rgb(layer.name, data.shape))
    height, width = data.shape[-3:-1]
    if height * width > MOST_PIXELS:
        raise LayerError(
            f"“{layer.name}” has {height * width / 1e6:.0f} megapixels, more than "
            f"{MOST_PIXELS / 1e6:.0f}; use Expand Folder, which works file by file."
        )
    if data.dtype.kind != "f" and data.dtype not in (np.uint8, np.uint16):
        raise LayerError(
            f"“{layer.name}” holds values of type {data.dtype}; convert it to 8 or 16 bits "
            "(Layers > Data > Convert data type)."
        )
    record = record_in(layer.metadata)
    source = str(layer.source.path or "")
    if record == Record() and source:
        if has_own_colours(Path(source)):
            raise LayerError(
                f"“{layer.name}” was opened without its colour profile; open "
                f"{Path(source).name} again and choose Gamut Expansion as its reader."
            )
        lossy = Path(source).suffix.lower() in _LOSSY_SUFFIXES
        record = Record(path=source, lossy=lossy)
    return LayerPhoto(layer.name, data, record)


def srgb_photo_of(layer: Layer | None) -> LayerPhoto:
    """Return the sRGB photo that a layer holds, or raise a LayerError that says what to do."""
    photo = photo_of(layer)
    if photo.is_wide:
        raise LayerError(
            f"“{photo.name}” has wide colours already; choose the sRGB layer it came from."
        )
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


def frame_index(photo: LayerPhoto, step: tuple[int, ...]) -> Index:
    """Return which frame of a stack a viewer shows.

    Parameters
    ----------
    photo : LayerPhoto
        The stack.
    step : tuple of int
        The viewer's sliders, of which the last ones belong to the photo.
    """
    count = len(photo.leading)
    if not count:
        return ()
    own = step[-2 - count : -2]
    return tuple(min(i, n - 1) for i, n in zip(own, photo.leading, strict=True))


def spatial(layer: Layer) -> dict[str, Any]:
    """Return where a layer stands in the world, for a new layer to stand there, too."""
    return {name: getattr(layer, name) for name in _SPATIAL}


def spatial_2d(layer: Layer, top: int = 0, left: int = 0) -> dict[str, Any]:
    """Return where one frame of a layer stands, from a pixel on.

    Parameters
    ----------
    layer : Layer
        An image layer.
    top, left : int
        The pixel that becomes the first.
    """
    offset = np.array([top, left], float)
    if layer.ndim == 2:
        shear = np.array([[1.0, layer.shear[0]], [0.0, 1.0]])
        moved = layer.rotate @ shear @ (layer.scale * offset)
        return spatial(layer) | {"translate": layer.translate + moved}
    scale, translate = layer.scale[-2:], layer.translate[-2:]
    return {
        "scale": scale,
        "translate": translate + scale * offset,
        "units": layer.units[-2:],
        "axis_labels": layer.axis_labels[-2:],
    }


def _not_rgb(name: str, shape: tuple[int, ...]) -> str:
    if len(shape) >= 3 and shape[-1] in (3, 4):
        return (
            f"“{name}” is shown as {len(shape)} dimensions of grey; open it again as RGB "
            "(Layers > Layer type > Merge to RGB)."
        )
    if len(shape) > 2:
        return f"“{name}” is a volume without colours; choose an RGB image layer."
    return f"“{name}” is greyscale, where no colour can be restored; choose an RGB image layer."
