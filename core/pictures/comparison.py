"""A photo before and after, in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.colour import DISPLAY_P3, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.gamut import fit_into, naive_inversion
from core.images import area_reduced

if TYPE_CHECKING:
    import numpy.typing as npt

    from core.gamut import Codes, FloatImage

_DIVIDER = 4


def before_after(
    before: Codes, after: FloatImage, *, space: ColourSpace = DISPLAY_P3, longest: int = 1200
) -> npt.NDArray[np.uint8]:
    """Return the sRGB photo at the left of the restored one.

    Parameters
    ----------
    before : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    after : ndarray, float32, shape (H, W, 3)
        The restored photo in scene-linear sRGB, unbounded.
    space : ColourSpace
        The space of the picture. Restored colours that it cannot hold move towards the sRGB
        ones until it can.
    longest : int
        Pixels of the longest side of either half at most; larger photos are averaged over
        square blocks, in linear light.

    Returns
    -------
    ndarray, uint8, shape (h, 2 w + 4, 3)
        Encoded codes of `space`, to be written with its profile; a white line between the
        halves.

    Raises
    ------
    PhotoError
        If the two photos differ in size.
    """
    if before.shape != after.shape:
        raise PhotoError("The photo before and the photo after have to be of the same size.")
    naive = area_reduced(naive_inversion(before), longest)
    restored = fit_into(area_reduced(after, longest), naive, space)
    left = np.clip(convert(naive, SRGB, space), 0.0, 1.0)
    divider = np.ones((len(left), _DIVIDER, 3), left.dtype)
    encoded = space.encode(np.concatenate([left, divider, restored], axis=1))
    codes: npt.NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return codes
