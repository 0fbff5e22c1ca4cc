"""Images as arrays: from other programs' types to sRGB codes, made smaller, cut into bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from core.errors import PhotoError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.gamut import Codes

Array = TypeVar("Array", bound=npt.NDArray[np.floating])

_BAND_PIXELS = 1 << 18
_WHOLE = 1e-3


def codes_from_image(image: npt.NDArray[Any]) -> Codes:
    """Return the sRGB codes of an image.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3)
        Encoded sRGB: uint8, uint16, or floating in 0..1.

    Returns
    -------
    ndarray, uint8 or uint16, shape (H, W, 3)
        Integers as they are. Floats become 8 bits where all of them are 8-bit codes divided by
        255, and 16 bits otherwise.

    Raises
    ------
    PhotoError
        If the values are of another type, not finite, or outside 0..1.

    Examples
    --------
    >>> codes_from_image(np.full((1, 1, 3), 128 / 255)).tolist()
    [[[128, 128, 128]]]
    """
    if image.dtype in (np.uint8, np.uint16):
        return image
    if image.dtype.kind != "f":
        raise PhotoError(
            f"Values of type {image.dtype} are no photo; convert the image to 8 or 16 bits "
            "(uint8 or uint16)."
        )
    if not np.isfinite(image).all():
        raise PhotoError(
            "The image holds values that are not numbers (NaN or infinite); replace them first."
        )
    low, high = float(image.min(initial=0.0)), float(image.max(initial=0.0))
    if low < 0.0 or high > 1.0:
        raise PhotoError(
            f"The image's values go from {low:.3g} to {high:.3g}, but encoded sRGB lies in 0 to "
            "1; scale it, or convert it to 8 or 16 bits."
        )
    codes: Codes
    eight = image.astype(np.float32) * np.float32(255)
    if np.abs(eight - np.rint(eight)).max(initial=0.0) < _WHOLE:
        codes = np.rint(eight).astype(np.uint8)
    else:
        codes = np.rint(image.astype(np.float64) * 65535).astype(np.uint16)
    return codes


def area_reduced(values: Array, longest: int) -> Array:
    """Return an image averaged over areas, so that its longest side is short enough.

    Parameters
    ----------
    values : ndarray, floating, shape (H, W) or (H, W, C)
        Linear values: averages of encoded ones would be too dark.
    longest : int
        Pixels of the longest side at most, 1 or more.

    Returns
    -------
    ndarray
        Same dtype; `values` itself where it is small enough. The sides keep their ratio, to the
        next whole pixel, and every pixel of the image counts.

    Examples
    --------
    >>> area_reduced(np.arange(16.0).reshape(4, 4), 2).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    height, width = values.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1.0:
        return values
    low = _rows_averaged(values, max(1, round(height * factor)))
    columns = np.ascontiguousarray(low.swapaxes(0, 1))
    narrow = _rows_averaged(columns, max(1, round(width * factor)))
    return cast("Array", np.ascontiguousarray(narrow.swapaxes(0, 1)))


def _rows_averaged(values: npt.NDArray[np.floating], bins: int) -> npt.NDArray[np.floating]:
    """Average rows over bins; a row on the border of two bins counts in both."""
    height = len(values)
    averages = np.empty((bins, *values.shape[1:]), values.dtype)
    for number, average in enumerate(averages):
        start, end = number * height // bins, -(-(number + 1) * height // bins)
        values[start:end].mean(axis=0, out=average)
    return averages


def feathered(mask: npt.NDArray[np.bool_], width: float) -> npt.NDArray[np.float32]:
    """Return the weight of each pixel in a region with a soft edge.

    Parameters
    ----------
    mask : ndarray, bool, shape (H, W)
        The region.
    width : float
        Pixels inside the edge over which the weight rises; 0 for a hard edge. The edge of the
        image is none of the region.

    Returns
    -------
    ndarray, float32, shape (H, W)
        0 outside; inside the Euclidean distance to the edge over `width`, 1 at most.

    Examples
    --------
    >>> feathered(np.array([[False, True, True, True, True]]), 4.0).tolist()
    [[0.0, 0.25, 0.5, 0.75, 1.0]]
    """
    weight = mask.astype(np.float32)
    if width <= 0.0 or mask.all() or not mask.any():
        return weight
    from scipy.ndimage import distance_transform_edt

    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    around = tuple(slice(max(0, ends[0] - 1), ends[-1] + 2) for ends in (rows, columns))
    distance = distance_transform_edt(mask[around])
    weight[around] = np.minimum(distance / width, 1.0)
    return weight


def row_bands(image: npt.NDArray[Any]) -> Iterator[slice]:
    """Yield slices of rows that cover an image, each of about a quarter of a megapixel.

    Examples
    --------
    >>> list(row_bands(np.zeros((700, 1024, 3))))
    [slice(0, 256, None), slice(256, 512, None), slice(512, 700, None)]
    """
    height, width = image.shape[:2]
    rows = max(1, _BAND_PIXELS // max(1, width))
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))
