"""What a person sees of the restored colours, on any screen.

An sRGB screen shows a photo and its expansion alike. Two things make the gain seen all the same:
both photos muted in the same way, and a map of the colour difference that lights up where the
eye would see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, convert
from core.gamut import Codes, FloatImage, naive_inversion
from core.images import row_bands
from core.metrics import delta_e_map
from core.pictures.error_maps import heat_map
from core.pictures.screens import screen_codes

if TYPE_CHECKING:
    Picture = npt.NDArray[np.uint8]

VISIBLE = 2.0
"""CIEDE2000 from which a difference between two photos side by side is taken to be seen."""

STRONGEST = 10.0
"""CIEDE2000 at which the overlay is at its strongest."""

_OPACITY = 0.9


def muted(
    scene: FloatImage, naive: FloatImage | None = None, *, space: ColourSpace = DISPLAY_P3
) -> Picture:
    """Render a photo as a wide-gamut screen shows it, muted so that any screen can.

    The codes of a wide space are to be shown as if they were sRGB: every colour comes out less
    saturated, a restored one less so than the colour that it was clipped to. Render the photo
    before and the photo after alike, and their difference is seen.

    Parameters
    ----------
    scene : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    naive : ndarray, float32, shape (H, W, 3), optional
        The same without restored colours, in 0..1: towards it colours move that the space cannot
        hold. By default, the photo limited to 0..1.
    space : ColourSpace
        The screen that is looked at; a wider one mutes more.

    Returns
    -------
    ndarray, uint8, shape (H, W, 3)
        Codes to be shown as sRGB; greys are as they were.

    Examples
    --------
    >>> green = np.array([[[-0.1, 1.0, 0.0]]], np.float32)
    >>> muted(np.clip(green, 0, 1)).tolist(), muted(green).tolist()
    ([[[117, 251, 76]]], [[[87, 251, 75]]])
    """
    return screen_codes(scene, naive, space)


def visibility(difference: npt.NDArray[np.floating]) -> FloatImage:
    """Return how strongly a colour difference is seen.

    Parameters
    ----------
    difference : ndarray, floating
        CIEDE2000, of any shape.

    Returns
    -------
    ndarray, float32
        0 up to half of :data:`VISIBLE`, 1 from :data:`STRONGEST` on, linear between.

    Examples
    --------
    >>> visibility(np.array([1.0, 5.5, 20.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    faint = VISIBLE / 2
    weight: FloatImage = np.clip((difference - faint) / (STRONGEST - faint), 0.0, 1.0).astype(
        np.float32
    )
    return weight


def gain_overlay(difference: npt.NDArray[np.floating]) -> Picture:
    """Return a colour difference as an overlay that lights up where the eye sees it.

    Parameters
    ----------
    difference : ndarray, floating, shape (H, W)
        CIEDE2000 between the photo before and after.

    Returns
    -------
    ndarray, uint8, shape (H, W, 4)
        sRGB codes and opacity: transparent where nothing is seen.

    Examples
    --------
    >>> gain_overlay(np.array([[0.0, 20.0]]))[..., 3].tolist()
    [[0, 230]]
    """
    picture = heat_map(difference, (0.0, STRONGEST))
    seen = np.sqrt(visibility(difference))
    picture[..., 3] = np.rint(255 * _OPACITY * seen)
    return picture


@dataclass(frozen=True)
class Gain:
    """How much colour a person sees come back.

    Attributes
    ----------
    visible : float
        Share of the pixels, 0..1, whose CIEDE2000 exceeds :data:`VISIBLE`.
    typical : float
        Median CIEDE2000 of those; 0 where there are none.
    strongest : float
        The CIEDE2000 that one pixel in a thousand exceeds.
    clipped : float
        Share of the pixels, 0..1, that may have lost colour.
    """

    visible: float
    typical: float
    strongest: float
    clipped: float

    @property
    def sentence(self) -> str:
        """The gain in one sentence, for photographers."""
        if self.clipped == 0.0:
            return "Nothing was lost in this photo: no pixel is clipped, none is changed."
        if self.strongest < 0.05:  # As it would be rounded below.
            return f"{_percent(self.clipped)} of the pixels are clipped, and nothing came back."
        if self.visible == 0.0:
            return (
                f"{_percent(self.clipped)} of the pixels are clipped, but what came back is too "
                f"faint to be seen (ΔE up to {self.strongest:.1f})."
            )
        return (
            f"{_percent(self.visible)} of the pixels gain a colour that you can see "
            f"(ΔE above {VISIBLE:g}, typically {self.typical:.1f})."
        )


def gain_of(difference: npt.NDArray[np.floating], clipped: float) -> Gain:
    """Sum up a map of colour differences between a photo before and after.

    Parameters
    ----------
    difference : ndarray, floating, shape (H, W)
        CIEDE2000.
    clipped : float
        Share of the pixels that may have lost colour, 0..1.

    Returns
    -------
    Gain

    Examples
    --------
    >>> gain_of(np.array([[0.0, 0.0, 3.0, 5.0]]), clipped=0.6).sentence
    '50 % of the pixels gain a colour that you can see (ΔE above 2, typically 4.0).'
    """
    if not difference.size:
        return Gain(0.0, 0.0, 0.0, clipped)
    seen = difference[difference > VISIBLE]
    return Gain(
        visible=seen.size / difference.size,
        typical=float(np.median(seen)) if seen.size else 0.0,
        strongest=float(np.percentile(difference, 99.9)),
        clipped=clipped,
    )


def difference_to(codes: Codes, scene: FloatImage) -> FloatImage:
    """Return the colour difference between an sRGB photo and its expansion.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    scene : ndarray, float32, shape (H, W, 3)
        The expansion, scene-linear sRGB, unbounded.

    Returns
    -------
    ndarray, float32, shape (H, W)
        CIEDE2000, both in ProPhoto RGB.

    Examples
    --------
    >>> codes = np.array([[[0, 255, 0]]], np.uint8)
    >>> wider = np.array([[[-0.2, 1.0, -0.05]]], np.float32)
    >>> round(float(difference_to(codes, wider)[0, 0]), 1)
    4.5
    """
    difference = np.empty(codes.shape[:2], np.float32)
    for rows in row_bands(codes):
        before = convert(naive_inversion(codes[rows]), SRGB, PROPHOTO)
        after = convert(scene[rows], SRGB, PROPHOTO)
        difference[rows] = delta_e_map(np.clip(before, 0, 1), np.clip(after, 0, 1))
    return difference


def _percent(share: float) -> str:
    percent = 100 * share
    return "Less than 0.1 %" if percent < 0.1 else f"{percent:.{0 if percent >= 10 else 1}f} %"
