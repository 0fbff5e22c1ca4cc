"""Levels of detail, so that napari hands over to the screen what it shows of a large picture.

A picture of 12 megapixels in one piece holds the window up for half a second where a processor
draws it. The levels are views: they take no memory, and what is written into the picture is in
all of them. They look like the picture itself, of which napari shows every so many pixels, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

LONGEST_SINGLE = 2048
"""Pictures with a longer side are shown from several levels."""

_SMALLEST = 512


def levels(picture: npt.NDArray[Any], axes: tuple[int, int] = (0, 1)) -> Any:
    """Return what napari takes as the data of a layer.

    Parameters
    ----------
    picture : ndarray
        With rows and columns, and other axes.
    axes : (int, int)
        Which are rows and columns.

    Returns
    -------
    ndarray, or list of ndarray
        The picture itself where it is small; else every pixel of it, every second one each way,
        every fourth, and so on.
    """
    longest = max(picture.shape[axis] for axis in axes)
    if longest <= LONGEST_SINGLE:
        return picture
    found = [picture]
    step = 1
    while longest // step > _SMALLEST:
        step *= 2
        part = [slice(None)] * picture.ndim
        for axis in axes:
            part[axis] = slice(None, None, step)
        found.append(picture[tuple(part)])
    return found


def shown(picture: npt.NDArray[Any], axes: tuple[int, int] = (0, 1)) -> dict[str, Any]:
    """Return a picture as arguments of a layer: its data, and whether they are levels."""
    data = levels(picture, axes)
    return {"data": data, "multiscale": isinstance(data, list)}
