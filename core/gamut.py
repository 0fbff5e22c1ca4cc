"""What the reduction to sRGB does to a colour, and what can be known of it afterwards.

S is scene-linear sRGB (linear light, sRGB primaries, D65, unbounded). The reduction is
``q = round(N f(clip(S, 0, 1)))``, with f the sRGB transfer function and N = 255 or 65535.
A code therefore says exactly in which interval S lay, open to infinity at the two ends of
the range: the *feasible box* of a pixel. An estimate inside the box reduces to the very same
code, which is the round-trip guarantee of every expansion.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from core.colour import SRGB, Adaptation, ColourSpace, convert

if TYPE_CHECKING:
    from collections.abc import Sequence

Codes = npt.NDArray[np.unsignedinteger[Any]]
"""sRGB codes: uint8 or uint16."""

FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Depth = Literal[8, 16]

LOSSY_TOLERANCE = 6.0
"""How far, in 8-bit codes, lossy compression is taken to move a code at most."""

ROUNDING = 1e-4
"""Linear light by which the rounding of a 16-bit file moves a channel, at most."""

_ROOM_FOR_ROUNDING = np.float32(1e-6)

_MARGINS: dict[int, float] = {255: 0.15, 65535: 0.35}
"""How far inside the box projected values stay, in codes.

8 bits: writing a photo as 16-bit ProPhoto moves S by up to 0.10 of an 8-bit code (a channel
near zero beside two bright ones), so the guarantee holds through the written file. 16 bits:
float32 arithmetic through another space and back moves S by up to 0.25 of a 16-bit code.
"""


_FARTHEST = 1e6


def code_maximum(codes: Codes) -> int:
    """Return the largest code of an image's depth: 255 or 65535.

    Raises
    ------
    TypeError
        If the codes are neither uint8 nor uint16.

    Examples
    --------
    >>> code_maximum(np.zeros((1, 1, 3), np.uint16))
    65535
    """
    if codes.dtype == np.uint8:
        return 255
    if codes.dtype == np.uint16:
        return 65535
    raise TypeError(f"sRGB codes are 8- or 16-bit unsigned integers, not {codes.dtype}.")


def reduce(scene: npt.NDArray[np.floating], depth: Depth = 8) -> Codes:
    """Reduce colours to sRGB codes: clip, encode, round.

    Parameters
    ----------
    scene : ndarray, floating, shape (..., 3)
        Scene-linear sRGB, unbounded.
    depth : {8, 16}
        Bits per channel.

    Returns
    -------
    ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes (Xiao et al. 2024, section 3.1; IEC 61966-2-1).

    Examples
    --------
    >>> reduce(np.array([[[-0.1, 0.2158, 1.7]]], np.float32)).tolist()
    [[[0, 128, 255]]]
    """
    maximum = 2**depth - 1
    encoded = SRGB.encode(np.clip(scene, 0.0, 1.0))
    codes: Codes = np.rint(encoded * maximum).astype(np.uint8 if depth == 8 else np.uint16)
    return codes


def naive_inversion(codes: Codes) -> FloatImage:
    """Return the linear light of sRGB codes: the inversion that restores no lost colour.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes.

    Returns
    -------
    ndarray, float32, shape (..., 3)
        Linear sRGB in 0..1.

    Examples
    --------
    >>> naive_inversion(np.array([[[0, 128, 255]]], np.uint8)).astype(float).round(4).tolist()
    [[[0.0, 0.2159, 1.0]]]
    """
    return _linear_table(code_maximum(codes))[codes]


def out_of_gamut_mask(scene: npt.NDArray[np.floating], margin: float = 0.0) -> Mask:
    """Return the pixels whose colour sRGB cannot hold, from the wide-gamut original.

    A pixel counts if any channel lies outside 0..1, unless all lie below 0 or all above 1
    (Le et al. 2023).

    Parameters
    ----------
    scene : ndarray, floating, shape (..., 3)
        Scene-linear sRGB, unbounded.
    margin : float
        Linear light by which a channel has to be outside: 0, or what the rounding of a file
        amounts to (:data:`ROUNDING`).

    Returns
    -------
    ndarray, bool, shape (...)

    Examples
    --------
    >>> out_of_gamut_mask(np.array([[[-0.1, 0.5, 0.5], [0.2, 0.5, 0.5]]])).tolist()
    [[True, False]]
    """
    low, high = scene < -margin, scene > 1.0 + margin
    return _any_but_not_all(low, high)


def clipped_channels(codes: Codes, tolerance: float = 0.0) -> tuple[Mask, Mask]:
    """Return which channels stand at the lower and at the upper end of the range.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes.
    tolerance : float
        The noise of a lossy file, in 8-bit codes: so close to an end counts as at it.

    Returns
    -------
    low, high : ndarray, bool, shape (..., 3)

    Examples
    --------
    >>> low, high = clipped_channels(np.array([[[0, 128, 255]]], np.uint8))
    >>> low.tolist(), high.tolist()
    ([[[True, False, False]]], [[[False, False, True]]])
    """
    maximum = code_maximum(codes)
    slack = _slack(tolerance, maximum)
    return codes <= slack, codes >= maximum - slack


def clipped_mask(codes: Codes, tolerance: float = 0.0) -> Mask:
    """Return the pixels that may have lost colour, from the sRGB file alone.

    A pixel counts if any channel is at an end of the range, unless all are at 0 (black) or
    all at the maximum (white).

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes.
    tolerance : float
        The noise of a lossy file, in 8-bit codes.

    Returns
    -------
    ndarray, bool, shape (...)

    Examples
    --------
    >>> clipped_mask(np.array([[[0, 128, 255], [1, 2, 3], [255, 255, 255]]], np.uint8)).tolist()
    [[True, False, False]]
    """
    low, high = clipped_channels(codes, tolerance)
    return _any_but_not_all(low, high)


def clipping_weight(codes: Codes, tolerance: float) -> FloatImage:
    """Return to what degree a pixel of a lossy file is treated as clipped.

    Compression scatters the codes of clipped channels, so that a sharp limit would turn its
    noise into speckles.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes.
    tolerance : float
        The noise of a lossy file, in 8-bit codes.

    Returns
    -------
    ndarray, float32, shape (...)
        1 where a channel is within half the tolerance of an end of the range, falling linearly
        to 0 where none is within the tolerance. Without a tolerance 1 or 0.

    Examples
    --------
    >>> clipping_weight(np.array([[[0, 128, 255], [9, 90, 90]]], np.uint8), 6.0).shape
    (1, 2)
    """
    maximum = code_maximum(codes)
    slack = np.float32(_slack(tolerance, maximum))
    values = codes.astype(np.float32)
    distance = np.minimum(values, np.float32(maximum) - values).min(-1)
    if slack < 1.0:  # Codes are whole numbers: nothing lies between the ends and their neighbours.
        exact: FloatImage = (distance == 0.0).astype(np.float32)
        return exact
    weight: FloatImage = np.clip(2.0 - 2.0 * distance / slack, 0.0, 1.0)
    return weight


def share(mask: Mask) -> float:
    """Return the share of pixels that a mask holds, 0..1 (0 for an empty mask).

    Examples
    --------
    >>> share(np.array([True, False, False, False]))
    0.25
    """
    return float(mask.mean()) if mask.size else 0.0


@dataclass(frozen=True)
class FeasibleBox:
    """The interval of scene-linear sRGB that each code of an image allows.

    Attributes
    ----------
    lower, upper : ndarray, float32, shape (..., 3)
        Bounds of S; -inf below the code 0, +inf above the highest code.
    """

    lower: FloatImage
    upper: FloatImage

    def project(self, scene: FloatImage) -> FloatImage:
        """Return the nearest colours inside the box, channel by channel.

        Parameters
        ----------
        scene : ndarray, float32, shape (..., 3)
            Scene-linear sRGB. Must be finite.

        Returns
        -------
        ndarray, float32, shape (..., 3)
        """
        return np.clip(scene, self.lower, self.upper)

    def contains(self, scene: FloatImage) -> Mask:
        """Return where each channel lies inside the box (bool, shape (..., 3))."""
        inside: Mask = (self.lower <= scene) & (scene <= self.upper)
        return inside


def feasible_box(codes: Codes, tolerance: float = 0.0) -> FeasibleBox:
    """Return what sRGB codes say for certain about the colours they came from.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (..., 3)
        sRGB codes.
    tolerance : float
        The noise of a lossy file, in 8-bit codes: the box is wider by it on both sides. With
        0, any colour of the box reduces to the same codes.

    Returns
    -------
    FeasibleBox
        A little smaller than the half codes on each side, so that 16-bit files and float32
        arithmetic keep the guarantee.

    Examples
    --------
    >>> codes = np.array([[[0, 128, 255]]], np.uint8)
    >>> box = feasible_box(codes)
    >>> box.lower.astype(float).round(3).tolist(), box.upper.astype(float).round(3).tolist()
    ([[[-inf, 0.215, 0.997]]], [[[0.0, 0.217, inf]]])
    """
    lower, upper = _box_tables(code_maximum(codes), tolerance)
    return FeasibleBox(lower[codes], upper[codes])


def clip_within(
    scene: FloatImage, box: FeasibleBox, space: ColourSpace, adaptation: Adaptation = "Bradford"
) -> FloatImage:
    """Return colours clipped to a wide space, as far as the feasible box allows.

    A first step before :func:`fit_into`, for estimates that a small space cannot hold: where
    one channel leaves the space, the gain of the others is kept.

    Parameters
    ----------
    scene : ndarray, float32, shape (..., 3)
        Estimate in scene-linear sRGB, inside the box.
    box : FeasibleBox
        What the codes allow.
    space : ColourSpace
        The space to write.
    adaptation : {"Bradford", "CAT02"}
        How the white point is adapted.

    Returns
    -------
    ndarray, float32, shape (..., 3)
        Scene-linear sRGB, inside the box; unchanged where it lies in the space.

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> codes = np.array([[[255, 0, 0]]], np.uint8)
    >>> far = np.array([[[1.6, -0.3, -0.3]]], np.float32)
    >>> inside = clip_within(far, feasible_box(codes), DISPLAY_P3)
    >>> convert(inside, SRGB, DISPLAY_P3).astype(float).round(2).tolist()
    [[[1.0, 0.0, 0.0]]]
    """
    wide = convert(scene, SRGB, space, adaptation)
    beyond = (wide < 0.0) | (wide > 1.0)
    outside = beyond[..., 0] | beyond[..., 1] | beyond[..., 2]
    if not outside.any():
        return scene
    # A little inside, so that rounding on the way back does not leave the space again.
    inner = np.clip(wide[outside], _ROOM_FOR_ROUNDING, 1.0 - _ROOM_FOR_ROUNDING)
    kept = FeasibleBox(box.lower[outside], box.upper[outside])
    clipped = scene.copy()
    clipped[outside] = kept.project(convert(inner, space, SRGB, adaptation))
    return clipped


def fit_into(
    scene: FloatImage,
    naive: FloatImage,
    space: ColourSpace,
    adaptation: Adaptation = "Bradford",
    *,
    within: Sequence[ColourSpace] = (),
) -> FloatImage:
    """Return the colours in a wide space, desaturated as far as the space requires.

    Each colour moves from its estimate towards the naive inversion just until it lies in
    0..1 of the space. Both ends lie in the (convex) feasible box, so the result does, too.

    Parameters
    ----------
    scene : ndarray, float32, shape (..., 3)
        Estimate in scene-linear sRGB, inside the feasible box.
    naive : ndarray, float32, shape (..., 3)
        The naive inversion, linear sRGB in 0..1.
    space : ColourSpace
        The space to write; it has to contain sRGB.
    adaptation : {"Bradford", "CAT02"}
        How the white point is adapted.
    within : sequence of ColourSpace
        Other spaces that the colours have to lie in as well; they contain sRGB, too.

    Returns
    -------
    ndarray, float32, shape (..., 3)
        Linear RGB of `space`, in 0..1.

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> far = np.array([[[1.6, -0.3, -0.3]]], np.float32)
    >>> fit_into(far, np.clip(far, 0, 1), DISPLAY_P3).astype(float).round(3).tolist()
    [[[0.849, 0.017, 0.0]]]
    """
    # Beyond any colour, but far from float32's overflow to inf - inf; still inside the box.
    bounded = np.clip(scene, -_FARTHEST, _FARTHEST)
    start, step = _way_in(space, bounded, naive, adaptation)
    allowed = _allowed(start, step)
    for other in within:
        allowed = np.minimum(allowed, _allowed(*_way_in(other, bounded, naive, adaptation)))
    fitted: FloatImage = np.clip(start + allowed * step, 0.0, 1.0)
    return fitted


def _way_in(
    space: ColourSpace, scene: FloatImage, naive: FloatImage, adaptation: Adaptation
) -> tuple[FloatImage, FloatImage]:
    """Return the naive inversion in a space, and the step from there to the estimate."""
    start: FloatImage = np.clip(convert(naive, SRGB, space, adaptation), 0.0, 1.0)
    step: FloatImage = convert(scene, SRGB, space, adaptation) - start
    return start, step


def _allowed(start: FloatImage, step: FloatImage) -> FloatImage:
    """Return the share of each step that stays in 0..1, shape (..., 1)."""
    room = np.where(step > 0, 1.0 - start, start)
    reach = np.abs(step)
    allowed = np.divide(room, reach, out=np.ones_like(step), where=reach > room)
    least: FloatImage = np.minimum(np.minimum(allowed[..., 0], allowed[..., 1]), allowed[..., 2])
    return least[..., None]


def _any_but_not_all(low: Mask, high: Mask) -> Mask:
    # Channel by channel: numpy reduces short axes an order of magnitude more slowly.
    either = [low[..., channel] | high[..., channel] for channel in range(3)]
    black = low[..., 0] & low[..., 1] & low[..., 2]
    white = high[..., 0] & high[..., 1] & high[..., 2]
    mask: Mask = np.asarray((either[0] | either[1] | either[2]) & ~(black | white))
    return mask


def _slack(tolerance: float, maximum: int) -> float:
    if not 0.0 <= tolerance <= 64.0:
        raise ValueError(f"The tolerance is in 8-bit codes and lies in 0..64, not {tolerance}.")
    return tolerance * maximum / 255


@functools.cache
def _linear_table(maximum: int) -> FloatImage:
    table = SRGB.decode(np.arange(maximum + 1) / maximum).astype(np.float32)
    table.setflags(write=False)
    return table


@functools.lru_cache(maxsize=16)
def _box_tables(maximum: int, tolerance: float) -> tuple[FloatImage, FloatImage]:
    slack = _slack(tolerance, maximum)
    codes = np.arange(maximum + 1, dtype=np.float64)
    half = 0.5 - _MARGINS[maximum] + slack
    lower = SRGB.decode((codes - half) / maximum)
    upper = SRGB.decode((codes + half) / maximum)
    lower[codes <= slack] = -np.inf
    upper[codes >= maximum - slack] = np.inf
    tables = lower.astype(np.float32), upper.astype(np.float32)
    for table in tables:
        table.setflags(write=False)
    return tables
