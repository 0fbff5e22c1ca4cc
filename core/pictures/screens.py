"""What a screen shows of a wide-gamut photo, and what it cannot show."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.colour import DISPLAY_P3, SRGB, Adaptation, ColourSpace, convert
from core.gamut import ROUNDING, FloatImage, Mask, fit_into, out_of_gamut_mask
from core.images import row_bands

if TYPE_CHECKING:
    from collections.abc import Mapping

DISPLAYS: Mapping[str, ColourSpace] = MappingProxyType(
    {space.key: space for space in (SRGB, DISPLAY_P3)}
)
"""The screens that photos are rendered for."""


def screen_codes(
    scene: FloatImage,
    naive: FloatImage | None = None,
    space: ColourSpace = DISPLAY_P3,
    adaptation: Adaptation = "Bradford",
) -> npt.NDArray[np.uint8]:
    """Return a photo as codes for a screen of some space.

    Parameters
    ----------
    scene : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    naive : ndarray, float32, shape (H, W, 3), optional
        The same without restored colours, in 0..1: towards it colours move that the space cannot
        hold. By default, the photo limited to 0..1.
    space : ColourSpace
        The space of the screen.
    adaptation : {"Bradford", "CAT02"}
        How white is adapted.

    Returns
    -------
    ndarray, uint8, shape (H, W, 3)
        Encoded codes of `space`.

    Examples
    --------
    >>> scene = np.array([[[0.5, 0.5, 0.5], [1.2, -0.1, 0.0]]], np.float32)
    >>> screen_codes(scene).tolist(), screen_codes(scene, space=SRGB).tolist()
    ([[[188, 188, 188], [241, 0, 34]]], [[[188, 188, 188], [255, 0, 0]]])
    """
    shown = np.empty(scene.shape, np.uint8)
    for rows in row_bands(scene):
        linear = np.clip(scene[rows], 0.0, 1.0) if naive is None else naive[rows]
        if space != SRGB:
            linear = fit_into(scene[rows], linear, space, adaptation)
        shown[rows] = np.rint(255.0 * space.encode(linear))
    return shown


def display_image(
    values: FloatImage,
    space: ColourSpace,
    display: ColourSpace = SRGB,
    adaptation: Adaptation = "Bradford",
) -> npt.NDArray[np.uint8]:
    """Render a wide-gamut photo for a screen, for programs that manage no colour themselves.

    Parameters
    ----------
    values : ndarray, float32, shape (H, W, 3)
        Linear RGB of `space`.
    space : ColourSpace
        The space of `values`.
    display : ColourSpace
        The screen's own. Colours that it cannot hold move towards their sRGB rendering, which
        is what the reduction to sRGB makes of them, until it can.
    adaptation : {"Bradford", "CAT02"}
        How white is adapted.

    Returns
    -------
    ndarray, uint8, shape (H, W, 3)
        Encoded values of `display`. On an sRGB screen an expanded photo looks like the sRGB
        photo that it was made from, code for code.

    Examples
    --------
    >>> from core.colour import PROPHOTO
    >>> display_image(np.ones((1, 1, 3), np.float32), PROPHOTO).tolist()
    [[[255, 255, 255]]]
    """
    shown = np.empty(values.shape, np.uint8)
    for rows in row_bands(values):
        scene = convert(values[rows], space, SRGB, adaptation)
        shown[rows] = screen_codes(scene, None, display, adaptation)
    return shown


def outside_mask(
    values: FloatImage,
    space: ColourSpace,
    display: ColourSpace = SRGB,
    adaptation: Adaptation = "Bradford",
) -> Mask:
    """Return the pixels whose colour a screen cannot show.

    Parameters
    ----------
    values, space, display, adaptation
        As for :func:`display_image`.

    Returns
    -------
    ndarray, bool, shape (H, W)
        By the rule of :func:`core.gamut.out_of_gamut_mask`, beyond the rounding of a file.

    Examples
    --------
    >>> from core.colour import PROPHOTO
    >>> values = np.array([[[0.5, 0.5, 0.5], [0.0, 0.9, 0.0]]], np.float32)
    >>> outside_mask(values, PROPHOTO).tolist(), outside_mask(values, PROPHOTO, PROPHOTO).tolist()
    ([[False, True]], [[False, False]])
    """
    mask = np.empty(values.shape[:2], np.bool_)
    for rows in row_bands(mask):
        mask[rows] = out_of_gamut_mask(convert(values[rows], space, display, adaptation), ROUNDING)
    return mask
