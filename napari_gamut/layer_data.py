"""Layers as photos: their sRGB codes or wide colours, or a sentence on why there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from core.colour import PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.gamut import LOSSY_TOLERANCE, naive_inversion
from core.images import codes_from_image
from core.pictures.screens import DISPLAYS, display_image
from core.spaces import space_named
from napari_gamut._reader import has_own_colours
from napari_gamut.metadata import Record, record_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.layers import Layer, Shapes

    from core.gamut import Codes, FloatImage

MOST_PIXELS = 400_000_000
"""Of one frame; larger ones are expanded as files, which need not fit into memory."""

_LOSSY_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".heic", ".heif", ".avif"}
_SPATIAL = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")

Index = tuple[int, ...]
Outlines: TypeAlias = "list[tuple[npt.NDArray[np.float64], str]]"


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

    def frame(self, index: Index) -> LayerPhoto:
        """Return one photo of the stack; a single photo is its own only frame."""
        if not self.leading:
            return self
        wide = self.record.wide
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
            raise LayerError(
                f"“{self.name}” has wide colours already; choose the sRGB layer it came from."
            )
        try:
            return codes_from_image(np.asarray(self.data)[..., :3])
        except PhotoError as error:
            raise LayerError(f"“{self.name}” cannot be used. {error}") from error

    def alpha(self) -> npt.NDArray[Any] | None:
        """Return the opacity of a single photo, shape (H, W), or None."""
        if self.data.shape[-1] == 4:
            return np.asarray(self.data[..., 3])
        return self.record.alpha

    def linear(self, space: ColourSpace = PROPHOTO) -> FloatImage:
        """Return a single photo in linear RGB of a space, float32, shape (H, W, 3)."""
        wide = self.record.wide
        if wide is None:
            return convert(naive_inversion(self.codes()), SRGB, space)
        values: FloatImage = np.asarray(wide.values, np.float32)
        return convert(values, space_named(wide.space), space, wide.adaptation)

    def prophoto(self) -> FloatImage:
        """Return a single photo as the metrics take it: linear ProPhoto in 0..1."""
        return np.clip(self.linear(PROPHOTO), 0.0, 1.0)

    def shown(self, display: str) -> npt.NDArray[np.uint8]:
        """Return a single photo rendered for a screen, uint8, shape (H, W, 3)."""
        return display_image(self.linear(SRGB), SRGB, DISPLAYS[display])


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


def shown_index(layer: Layer, point: Sequence[float]) -> Index:
    """Return which frame of a layer a viewer shows.

    Parameters
    ----------
    layer : Layer
        An image layer.
    point : sequence of float
        Where the viewer's sliders stand, in the world.

    Returns
    -------
    tuple of int
        () for a single photo.
    """
    count = layer.ndim - 2
    leading = (layer.data[0] if layer.multiscale else layer.data).shape[:count]
    place = np.rint(np.asarray(layer.world_to_data(point))[:count]).astype(int)
    return tuple(int(min(max(i, 0), n - 1)) for i, n in zip(place, leading, strict=True))


def spatial(layer: Layer) -> dict[str, Any]:
    """Return where a layer stands in the world, for a new layer to stand there, too."""
    return {name: getattr(layer, name) for name in _SPATIAL}


def spatial_2d(layer: Layer, index: Index = (), top: int = 0, left: int = 0) -> dict[str, Any]:
    """Return where one frame of a layer stands, from a pixel on.

    Parameters
    ----------
    layer : Layer
        An image layer.
    index : tuple of int
        The frame.
    top, left : int
        The pixel that becomes the first.
    """

    def world(y: int, x: int) -> npt.NDArray[np.float64]:
        return np.asarray(layer.data_to_world([*index, top + y, left + x]), float)[-2:]

    corner = world(0, 0)
    matrix = np.eye(3)
    matrix[:2] = np.column_stack([world(1, 0) - corner, world(0, 1) - corner, corner])
    scale = layer.scale[-2:]
    translate = layer.translate[-2:] + scale * np.array([top, left])
    plain = np.diag([*scale, 1.0])
    plain[:2, 2] = translate
    return {
        "scale": scale,
        "translate": translate,
        "affine": matrix @ np.linalg.inv(plain),
        "units": layer.units[-2:],
        "axis_labels": layer.axis_labels[-2:],
    }


def outlines(shapes: Shapes, layer: Layer, index: Index = ()) -> Outlines:
    """Return the shapes of a layer that lie on a frame of another one.

    Parameters
    ----------
    shapes : Shapes
        Anywhere in the world.
    layer : Layer
        The image layer.
    index : tuple of int
        Its frame.

    Returns
    -------
    list of (ndarray, str)
        Vertices in pixels of the frame, shape (n, 2), and the kind of shape.

    Raises
    ------
    LayerError
        If there is none.
    """
    start = np.asarray(layer.data_to_world([*index, 0, 0]))
    missing = max(0, layer.ndim - shapes.ndim)
    found = []
    for vertices, kind in zip(shapes.data, shapes.shape_type, strict=True):
        world = [[*start[:missing], *shapes.data_to_world(vertex)] for vertex in vertices]
        pixels = np.array([layer.world_to_data(point) for point in world])
        if (np.rint(pixels[:, :-2]) == np.array(index)).all():
            found.append((pixels[:, -2:], str(kind)))
    if not found:
        raise LayerError(_outside(shapes))
    return found


def bounds_of(shapes: Shapes, layer: Layer, index: Index = ()) -> tuple[float, ...]:
    """Return the rectangle around the shapes on a frame: top, left, bottom, right, in pixels.

    Raises
    ------
    LayerError
        If there is no shape.
    """
    corners = np.concatenate([vertices for vertices, _ in outlines(shapes, layer, index)])
    return (*map(float, corners.min(0)), *map(float, corners.max(0)))


def inside(shapes: Shapes, layer: Layer, index: Index = ()) -> npt.NDArray[np.bool_]:
    """Return the pixels of a frame inside the shapes of a layer, shape (H, W).

    Raises
    ------
    LayerError
        If the shapes hold no pixel of the frame.
    """
    from napari.layers import Shapes

    vertices, kinds = zip(*outlines(shapes, layer, index), strict=True)
    data = layer.data[0] if layer.multiscale else layer.data
    drawn = Shapes(list(vertices), shape_type=list(kinds))
    mask: npt.NDArray[np.bool_] = drawn.to_masks(mask_shape=data.shape[-3:-1]).any(axis=0)
    if not mask.any():
        raise LayerError(_outside(shapes))
    return mask


def _outside(shapes: Shapes) -> str:
    return f"“{shapes.name}” holds no pixel of the photo; draw a shape over it."


def _not_rgb(name: str, shape: tuple[int, ...]) -> str:
    if len(shape) >= 3 and shape[-1] in (3, 4):
        return (
            f"“{name}” is shown as {len(shape)} dimensions of grey; open it again as RGB "
            "(Layers > Layer type > Merge to RGB)."
        )
    if len(shape) > 2:
        return f"“{name}” is a volume without colours; choose an RGB image layer."
    return f"“{name}” is greyscale, where no colour can be restored; choose an RGB image layer."
