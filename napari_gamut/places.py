"""Where layers stand in the world, and which of their frames is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gamut.previewing import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.layers import Layer
    from napari.viewer import Viewer

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


def place_of(
    layer: Layer, index: Index = (), top: int = 0, left: int = 0, step: int = 1
) -> dict[str, Any]:
    """Return where a picture of one frame of a layer stands, from a pixel on.

    Parameters
    ----------
    layer : Layer
        An image layer.
    index : tuple of int
        The frame.
    top, left : int
        The pixel that becomes the first.
    step : int
        Pixels of the layer, each way, to one of the picture.

    Returns
    -------
    dict
        Attributes of a layer with as many dimensions, so that a picture of one frame does not
        stay over the next one: see :func:`in_stack`.
    """
    start = np.array([*index, top + (step - 1) / 2, left + (step - 1) / 2], float)
    return _place(layer, start, np.array([1.0] * len(index) + [step, step]))


def place_in_colour(layer: Layer) -> dict[str, Any]:
    """Return where an image layer stands, for one of the same pixels in RGB to stand there, too.

    Parameters
    ----------
    layer : Layer
        In RGB; or shown as grey, with its channels as the last dimension.
    """
    count = layer.ndim if layer.rgb else layer.ndim - 1
    return _place(layer, np.zeros(count), np.ones(count))


def _place(
    layer: Layer, start: npt.NDArray[np.float64], sides: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Return where pixels of some sides stand, from a pixel on, in the first axes of a layer."""
    count = len(start)

    def world(point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        whole = [*point, *[0.0] * (layer.ndim - count)]
        return np.asarray(layer.data_to_world(whole), float)[-layer.ndim :][:count]

    origin = world(start)
    columns = [
        world(start + side * np.eye(count)[axis]) - origin for axis, side in enumerate(sides)
    ]
    matrix = np.eye(count + 1)
    matrix[:count] = np.column_stack([*columns, origin])
    scale = np.asarray(layer.scale)[:count] * sides
    translate = np.asarray(layer.translate)[:count] + np.asarray(layer.scale)[:count] * start
    plain = np.diag([*scale, 1.0])
    plain[:count, count] = translate
    return {
        "scale": scale,
        "translate": translate,
        "affine": matrix @ np.linalg.inv(plain),
        "units": layer.units[:count],
        "axis_labels": layer.axis_labels[:count],
    }


def view_of(layer: Layer, viewer: Viewer) -> View | None:
    """Return what a viewer shows of a layer's frame; None where it shows none of it.

    Parameters
    ----------
    layer : Layer
        An image layer.
    viewer : Viewer
        Which has it.
    """
    (top, left), (bottom, right) = np.asarray(layer.corner_pixels)[:, -2:]
    factors = layer.downsample_factors[layer.data_level][-2:] if layer.multiscale else (1, 1)
    height, width = (layer.data[0] if layer.multiscale else layer.data).shape[-3:-1]
    per_pixel = float(viewer.scene.camera.zoom) * float(np.abs(layer.scale[-2:]).max())
    view = View(
        max(0, int(top * factors[0])),
        max(0, int(left * factors[1])),
        min(height, int(np.ceil(bottom * factors[0])) + 1),
        min(width, int(np.ceil(right * factors[1])) + 1),
        1.0 / per_pixel if per_pixel > 0.0 else 1.0,
    )
    return view if view.pixels > 1 else None


def is_fitted(viewer: Viewer) -> bool:
    """Return whether a viewer shows its layers as large as they fit into its window."""
    if viewer.dims.ndisplay != 2 or not len(viewer.layers):
        return False
    camera = viewer.scene.camera
    before = (camera.center, camera.zoom)
    viewer.reset_view()
    same = np.allclose((*before[0], before[1]), (*camera.center, camera.zoom))
    camera.center, camera.zoom = before
    return bool(same)


def in_stack(picture: npt.NDArray[Any], index: Index) -> npt.NDArray[Any]:
    """Return a picture of one frame as a stack of that frame alone (a view)."""
    return picture.reshape((1,) * len(index) + picture.shape)
