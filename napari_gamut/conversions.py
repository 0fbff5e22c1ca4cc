"""Layers whose values are no photo yet: the same values as 8 or 16 bits, in RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gamut.photos import LayerError

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt


def conversion(
    name: str, data: npt.NDArray[Any]
) -> Generator[tuple[int, int], None, npt.NDArray[Any]]:
    """Convert values to codes; nothing is scaled but floats of 0 to 1, which stay as they are.

    Parameters
    ----------
    name : str
        Of the layer, for errors.
    data : ndarray, shape (..., 3 or 4)
        Any numbers.

    Yields
    ------
    (int, int)
        Steps done and in all.

    Returns
    -------
    ndarray
        Floats of 0 to 1 as they are; other values as uint8 where they reach to 255 at most, else
        as uint16.

    Raises
    ------
    LayerError
        If values are not finite, negative, or above 65535.
    """
    yield 0, 1
    if data.dtype in (np.uint8, np.uint16):
        return data
    low, high = float(data.min(initial=0)), float(data.max(initial=0))
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0.0 or high > 65535.0:
        raise LayerError(
            f"The values of “{name}” go from {low:.3g} to {high:.3g}, which are no codes of 8 or "
            "16 bits; scale them to 0 to 255 first."
        )
    if data.dtype.kind == "f" and high <= 1.0:
        return data
    whole = np.rint(data) if data.dtype.kind == "f" else data
    return whole.astype(np.uint8 if high <= 255.0 else np.uint16)
