"""Regions: shapes that people drew, on the pixels of a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_gamut.photos import LayerError

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Layer, Shapes

    from napari_gamut.places import Index

Outlines: TypeAlias = "list[tuple[npt.NDArray[np.float64], str]]"


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
        raise LayerError(_outside(shapes.name))
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


def inside(
    drawn: Outlines, size: tuple[int, int], name: str = "The region"
) -> npt.NDArray[np.bool_]:
    """Return the pixels inside outlines, shape (H, W).

    Parameters
    ----------
    drawn : list of (ndarray, str)
        As of :func:`outlines`.
    size : (int, int)
        Height and width of the frame.
    name : str
        Of the layer of shapes, for errors.

    Raises
    ------
    LayerError
        If they hold no pixel of the frame.
    """
    from napari.layers import Shapes

    vertices, kinds = zip(*drawn, strict=True)
    shapes = Shapes(list(vertices), shape_type=list(kinds))
    mask: npt.NDArray[np.bool_] = shapes.to_masks(mask_shape=size).any(axis=0)
    if not mask.any():
        raise LayerError(_outside(name))
    return mask


def _outside(name: str) -> str:
    return f"“{name}” holds no pixel of the photo; draw a shape over it."
