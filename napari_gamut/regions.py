"""Regions: what people drew as shapes or painted as labels, on the pixels of a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from core.images import feathered
from napari_gamut.photos import LayerError

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Labels, Layer, Shapes

    from core.gamut import FloatImage, Mask
    from napari_gamut.places import Index

Outlines: TypeAlias = "list[tuple[npt.NDArray[np.float64], str]]"

_ROWS_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Painted:
    """Pixels that somebody painted, and where a photo's pixels lie among them.

    Attributes
    ----------
    values : ndarray, bool, shape (h, w)
        What is painted.
    matrix : ndarray, float64, shape (2, 3)
        From a photo's (row, column, 1) to a row and a column of `values`.
    """

    values: Mask
    matrix: npt.NDArray[np.float64]

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the photo's pixels whose nearest neighbour is painted."""
        height, width = size
        found = np.zeros(size, np.bool_)
        columns = np.arange(width)
        for top in range(0, height, _ROWS_AT_ONCE):
            rows = np.arange(top, min(top + _ROWS_AT_ONCE, height))[:, None]
            y, x = (np.rint(a * rows + b * columns + c).astype(int) for a, b, c in self.matrix)
            inside = (y >= 0) & (y < self.values.shape[0]) & (x >= 0) & (x < self.values.shape[1])
            found[rows[:, 0]] = inside & self.values[np.where(inside, y, 0), np.where(inside, x, 0)]
        return found


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a photo's frame, which is made into pixels when they are wanted.

    Attributes
    ----------
    name : str
        Of the layer that was drawn in.
    drawn : list of (ndarray, str), or Painted
        Vertices in pixels of the frame, shape (n, 2), and kinds of shapes; or what is painted.
    feather : float
        Pixels inside the edge over which an expansion rises.
    """

    name: str
    drawn: Outlines | Painted
    feather: float = 0.0

    def mask(self, size: tuple[int, int]) -> Mask:
        """Return the pixels inside, bool, shape (H, W).

        Parameters
        ----------
        size : (int, int)
            Height and width of the frame.

        Raises
        ------
        LayerError
            If the region holds no pixel of the frame.
        """
        found = self.drawn.mask(size) if isinstance(self.drawn, Painted) else _filled(self, size)
        if not found.any():
            raise LayerError(_outside(self.name))
        return found

    def weight(self, size: tuple[int, int]) -> FloatImage:
        """Return the weight of each pixel, float32, shape (H, W): 0 outside, rising inside."""
        return feathered(self.mask(size), self.feather)

    def bounds(self, size: tuple[int, int]) -> tuple[float, ...]:
        """Return the rectangle around it: top, left, bottom, right, in pixels of the frame."""
        if not isinstance(self.drawn, Painted):
            corners = np.concatenate([vertices for vertices, _ in self.drawn])
            return (*map(float, corners.min(0)), *map(float, corners.max(0)))
        mask = self.mask(size)
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        ends = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        return tuple(float(end) for end in ends)


def region_of(
    layer: Shapes | Labels, photo: Layer, index: Index = (), feather: float = 0.0
) -> Region:
    """Return what a layer of shapes or labels marks on a frame of an image layer.

    Parameters
    ----------
    layer : Shapes or Labels
        Anywhere in the world; one of fewer dimensions is of every frame.
    photo : Layer
        The image layer.
    index : tuple of int
        Its frame.
    feather : float
        Pixels of the soft edge.

    Raises
    ------
    LayerError
        If nothing lies on the frame.
    """
    if layer.__class__.__name__ == "Labels":
        return Region(layer.name, _painted(layer, photo, index), feather)
    return Region(layer.name, _outlines(layer, photo, index), feather)


def _outlines(shapes: Shapes, layer: Layer, index: Index) -> Outlines:
    start = np.asarray(layer.data_to_world([*index, 0, 0]))
    missing = max(0, layer.ndim - shapes.ndim)
    found = []
    for vertices, kind in zip(shapes.data, shapes.shape_type, strict=True):
        world = [[*start[:missing], *shapes.data_to_world(vertex)] for vertex in vertices]
        pixels = np.array([layer.world_to_data(point) for point in world])
        if (np.rint(pixels[:, :-2]) == np.array(index)).all():
            found.append((pixels[:, -2:], str(kind)))
    if not found:
        raise LayerError(_outside(shapes.name))
    return found


def _painted(labels: Labels, layer: Layer, index: Index) -> Painted:
    data: Any = labels.data[0] if labels.multiscale else labels.data
    corners = [
        np.asarray(labels.world_to_data(layer.data_to_world([*index, *pixel])), float)
        for pixel in ((0, 0), (1, 0), (0, 1))
    ]
    frame = np.rint(corners[0][:-2]).astype(int)
    if not all(0 <= place < length for place, length in zip(frame, data.shape, strict=False)):
        raise LayerError(_outside(labels.name))
    start, down, across = (corner[-2:] for corner in corners)
    matrix = np.column_stack([down - start, across - start, start])
    return Painted(np.asarray(data[tuple(frame)]) != 0, matrix)


def _filled(region: Region, size: tuple[int, int]) -> Mask:
    from napari.layers import Shapes

    assert not isinstance(region.drawn, Painted)
    vertices, kinds = zip(*region.drawn, strict=True)
    shapes = Shapes(list(vertices), shape_type=list(kinds))
    mask: Mask = shapes.to_masks(mask_shape=size).any(axis=0)
    return mask


def _outside(name: str) -> str:
    return f"“{name}” holds no pixel of the photo; draw a shape over it, or paint on it."
