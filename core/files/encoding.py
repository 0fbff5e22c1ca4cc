"""What the code values of a file mean: from stored values to scene-linear sRGB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from core.colour import SPACES, SRGB, ColourSpace, Matrix, TransferFunction, matrix_between

FloatImage = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]
Values: TypeAlias = npt.NDArray[np.float64]
Curve: TypeAlias = Callable[[Values], Values]

_STRIP = 1 << 20


class Encoding(Protocol):
    """How stored values become light."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def space(self) -> ColourSpace | None:
        """The known space that it is, if it is one."""

    @property
    def is_linear(self) -> bool:
        """Whether stored values are proportional to light."""

    def scene(self, pixels: Pixels) -> FloatImage:
        """Return scene-linear sRGB (float32, unbounded) of stored values of shape (H, W, 3)."""


@dataclass(frozen=True)
class SpaceEncoding:
    """Values of one of the known spaces; `linear` if they are light already.

    Attributes
    ----------
    known : ColourSpace
        The space.
    linear : bool
        Whether the values are linear light instead of encoded.
    label : str
        What people call it; the space's own name if empty.
    """

    known: ColourSpace
    linear: bool = False
    label: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.label or self.known.name

    @property
    def space(self) -> ColourSpace | None:
        """The known space."""
        return self.known

    @property
    def is_linear(self) -> bool:
        """Whether stored values are proportional to light."""
        return self.linear or self.known.transfer.is_linear

    def scene(self, pixels: Pixels) -> FloatImage:
        """Return scene-linear sRGB of stored values (see :class:`Encoding`)."""
        curve = identity if self.linear else curve_of(self.known.transfer)
        return _matrix_scene(pixels, (curve,) * 3, matrix_between(self.known, SRGB))


@dataclass(frozen=True, eq=False)
class MatrixEncoding:
    """Three curves and a matrix, as most profiles have.

    Attributes
    ----------
    name : str
        What people call it.
    curves : three functions
        From stored values in 0..1 to linear light.
    matrix : ndarray, shape (3, 3)
        From linear light to scene-linear sRGB.
    space : ColourSpace or None
        The known space that it resembles.
    system_gamma : float
        The display gamma that follows the curves (HLG: ITU-R BT.2100-2, table 5).
    luminance : ndarray, shape (3,), optional
        The weights of luminance for the system gamma.
    gain : float
        The factor after it.
    """

    name: str
    curves: tuple[Curve, Curve, Curve]
    matrix: Matrix
    space: ColourSpace | None = None
    system_gamma: float = 1.0
    luminance: Matrix | None = None
    gain: float = 1.0

    @property
    def is_linear(self) -> bool:
        """Whether stored values are proportional to light."""
        return all(curve is identity for curve in self.curves)

    def scene(self, pixels: Pixels) -> FloatImage:
        """Return scene-linear sRGB of stored values (see :class:`Encoding`)."""
        if self.luminance is None:
            return _matrix_scene(pixels, self.curves, self.matrix)
        light = _matrix_scene(pixels, self.curves, np.eye(3))
        luminance = np.clip(light @ self.luminance.astype(np.float32), 0.0, None)
        light *= (self.gain * luminance ** (self.system_gamma - 1.0))[..., None]
        return light @ self.matrix.T.astype(np.float32)


def rounding(encoding: Encoding, pixels: Pixels) -> FloatImage:
    """Return how far the rounding to codes may have moved each colour.

    Parameters
    ----------
    encoding : Encoding
        What the codes mean.
    pixels : ndarray, uint8 or uint16, shape (H, W, 3)
        Codes.

    Returns
    -------
    ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB: what half a code in each channel of the file amounts to at most.

    Examples
    --------
    >>> codes = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    >>> rounding(SpaceEncoding(SRGB), codes)[0, :, 1].round(6).tolist()  # finest in the dark
    [0.00015199999324977398, 0.004449000116437674]
    """
    here = encoding.scene(pixels)
    room = np.zeros_like(here)
    top = code_maximum(pixels)
    for channel in range(3):
        reach = np.zeros_like(here)
        for step in (-1, 1):
            moved = pixels.astype(np.int32)
            moved[..., channel] = np.clip(moved[..., channel] + step, 0, top)
            codes = moved.astype(np.uint8) if top == 255 else moved.astype(np.uint16)
            beside = encoding.scene(codes)
            reach = np.maximum(reach, np.abs(beside - here))
        room += reach / 2
    return room


Primaries: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def are_usable(primaries: Primaries, white: tuple[float, float]) -> bool:
    """Return whether chromaticities make a space, with a white that lies inside it.

    Parameters
    ----------
    primaries : three (x, y)
        CIE 1931 chromaticities of red, green and blue.
    white : (x, y)
        CIE 1931 chromaticity of white.

    Returns
    -------
    bool
        False for primaries on one line, too.

    Examples
    --------
    >>> are_usable(SRGB.primaries, SRGB.white)
    True
    >>> are_usable(((0.3, 0.3), (0.3, 0.3), (0.3, 0.3)), SRGB.white)  # a point is no triangle
    False
    """
    corners = np.array([(x, y, 1.0) for x, y in primaries]).T
    if not np.isfinite(corners).all() or white[1] <= 0.0 or abs(np.linalg.det(corners)) < 1e-6:
        return False
    return bool((np.linalg.solve(corners, np.array([*white, 1.0])) > 0.0).all())


def from_gamma(
    gamma: float,
    primaries: Primaries,
    white: tuple[float, float],
) -> Encoding:
    """Return the meaning of values of which only an exponent and chromaticities are stated.

    Parameters
    ----------
    gamma : float
        ``linear = stored ** gamma``; 1 for linear light.
    primaries : three (x, y)
        CIE 1931 chromaticities of red, green and blue.
    white : (x, y)
        CIE 1931 chromaticity of white.

    Returns
    -------
    Encoding

    Examples
    --------
    >>> from_gamma(1.0, SRGB.primaries, SRGB.white).name
    'linear light, sRGB primaries'
    >>> from_gamma(1.9, ((0.7, 0.3), (0.2, 0.7), (0.14, 0.05)), (0.3127, 0.329)).name
    'gamma 1.9, primaries of its own'
    """
    curve = TransferFunction(gamma)
    known = known_space(primaries, white, curve)
    if known is not None:
        return SpaceEncoding(known)
    space = ColourSpace("stated", "", primaries, white, curve, "")
    same = next(_with_primaries(primaries, white), None)
    title = f"{same.name} primaries" if same is not None else "primaries of its own"
    name = f"linear light, {title}" if curve.is_linear else f"gamma {gamma:.3g}, {title}"
    if curve.is_linear and same is not None:
        return SpaceEncoding(same, linear=True, label=name)
    return MatrixEncoding(name, (curve_of(curve),) * 3, matrix_between(space, SRGB))


def identity(values: Values) -> Values:
    """Return the values themselves: they are linear light already.

    Examples
    --------
    >>> identity(np.array([0.25, 1.5])).tolist()
    [0.25, 1.5]
    """
    return values


def curve_of(transfer: TransferFunction) -> Curve:
    """Return the decoding of a transfer function; :func:`identity` itself for a linear one.

    Parameters
    ----------
    transfer : TransferFunction
        Of a space.

    Returns
    -------
    callable
        From stored values (float64, any shape, 0..1) to linear light.

    Examples
    --------
    >>> float(curve_of(SRGB.transfer)(np.array(0.5)).round(4))  # a fifth of the light
    0.214
    """
    if transfer.is_linear:
        return identity
    return lambda stored: np.asarray(transfer.decode(stored))


def _with_primaries(
    primaries: tuple[tuple[float, float], ...], white: tuple[float, float]
) -> Iterator[ColourSpace]:
    stated = np.array([*primaries, white])
    for space in SPACES.values():
        if np.abs(stated - np.array([*space.primaries, space.white])).max() < _XY_TOLERANCE:
            yield space


def known_space(
    primaries: tuple[tuple[float, float], ...], white: tuple[float, float], curve: TransferFunction
) -> ColourSpace | None:
    """Return the known space with these chromaticities and this curve, None if there is none.

    Parameters
    ----------
    primaries : three (x, y)
        CIE 1931 chromaticities of red, green and blue.
    white : (x, y)
        CIE 1931 chromaticity of white.
    curve : TransferFunction
        From stored values to linear light.

    Returns
    -------
    ColourSpace or None
        One of :data:`core.colour.SPACES`, if each chromaticity is within 0.001 of its own.

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> known_space(DISPLAY_P3.primaries, DISPLAY_P3.white, DISPLAY_P3.transfer).name
    'Display P3'
    >>> known_space(DISPLAY_P3.primaries, DISPLAY_P3.white, TransferFunction(2.6)) is None
    True
    """
    near = _with_primaries(primaries, white)
    stated = curve_of(curve)
    return next((space for space in near if curve_distance(stated, space) < CURVE_EXACT), None)


_XY_TOLERANCE = 1e-3
CURVE_EXACT = 1e-4
"""How close (linear light) a curve must be to a known space's to be taken for it."""


def curve_distance(curve: Curve, space: ColourSpace) -> float:
    """Return how far a curve is from a space's own at most, in linear light.

    Parameters
    ----------
    curve : callable
        From stored values (float64) to linear light.
    space : ColourSpace
        Whose decoding it is compared with, at 1025 stored values in 0..1.

    Returns
    -------
    float
        The largest absolute difference.

    Examples
    --------
    >>> round(curve_distance(curve_of(TransferFunction(2.2)), SRGB), 3)  # gamma 2.2 is not sRGB
    0.009
    """
    stored = np.linspace(0.0, 1.0, 1025)
    return float(np.abs(curve(stored) - space.decode(stored)).max())


def code_maximum(pixels: Pixels) -> int:
    """Return the stored value that stands for 1.0: 255, 65535, or 1 in float.

    Examples
    --------
    >>> [code_maximum(np.zeros((1, 1, 3), kind)) for kind in (np.uint8, np.uint16, np.float32)]
    [255, 65535, 1]
    """
    return {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(pixels.dtype, 1)


def strips(pixels: Pixels) -> list[slice]:
    """Return bands of rows that keep the memory of a conversion small.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3)
        Of a photo.

    Returns
    -------
    list of slice
        Of rows, from the top; about a megapixel each.

    Examples
    --------
    >>> strips(np.zeros((600, 4096, 3), np.uint8))
    [slice(0, 256, None), slice(256, 512, None), slice(512, 768, None)]
    """
    height, width = pixels.shape[:2]
    step = max(1, _STRIP // max(1, width))
    return [slice(start, start + step) for start in range(0, height, step)]


def _matrix_scene(pixels: Pixels, curves: tuple[Curve, Curve, Curve], matrix: Matrix) -> FloatImage:
    scene = np.empty(pixels.shape, np.float32)
    to_scene = matrix.T.astype(np.float32)
    if pixels.dtype.kind == "u":
        maximum = code_maximum(pixels)
        stored = np.arange(maximum + 1) / maximum
        tables = [np.asarray(curve(stored), dtype=np.float32) for curve in curves]
    for strip in strips(pixels):
        band = pixels[strip]
        light = np.empty(band.shape, np.float32)
        for channel, curve in enumerate(curves):
            if pixels.dtype.kind == "u":
                light[..., channel] = tables[channel][band[..., channel]]
            else:
                values = band[..., channel].astype(np.float64)
                light[..., channel] = np.copysign(curve(np.abs(values)), values)
        scene[strip] = light if np.array_equal(matrix, np.eye(3)) else light @ to_scene
    return scene
