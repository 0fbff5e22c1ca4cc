"""Where layers stand in the world, and which of their frames is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.layers import Layer

_SPATIAL = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")

Index = tuple[int, ...]


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
