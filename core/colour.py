"""RGB colour spaces: primaries, transfer functions and the matrices between them.

Everything is computed from the chromaticities that the standards publish, in float64;
the rounded matrices of the standards are not used, so that white maps to white exactly
and every conversion has an exact inverse. The functions take numpy arrays and torch
tensors alike, and keep their dtype and device.

Values are *linear* unless a name says ``encoded``. "Scene-linear sRGB" (S) means linear
light in sRGB primaries with white D65, **not** limited to 0..1: it can hold any colour.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, device

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

Values = TypeVar("Values", npt.NDArray[np.floating], "torch.Tensor")
Matrix = npt.NDArray[np.float64]
Adaptation = Literal["Bradford", "CAT02"]

ADAPTATIONS: Mapping[str, Matrix] = MappingProxyType(
    {
        # ICC.1:2022, annex E.
        "Bradford": np.array(
            [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
        ),
        # CIE 159:2004.
        "CAT02": np.array(
            [[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]]
        ),
    }
)

D65 = (0.3127, 0.3290)
D50 = (0.3457, 0.3585)
ACES_WHITE = (0.32168, 0.33767)

ICC_PCS_WHITE = np.array([0.9642, 1.0, 0.8249])
"""XYZ of the profile connection space's white (ICC.1:2022, 7.2.16), a rounded D50."""


@dataclass(frozen=True)
class TransferFunction:
    """A parametric transfer function between encoded values and linear light.

    ``linear = (a X + b) ** gamma`` for encoded ``X >= d`` and ``c X`` below: the ICC's
    parametric curve of type 3, which holds every curve of this module exactly. Negative
    values are mirrored (odd symmetry), so that decoding inverts encoding everywhere.
    """

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 1.0
    d: float = 0.0

    @property
    def is_linear(self) -> bool:
        """Whether encoded values are linear light themselves."""
        return self == TransferFunction(1.0)

    @property
    def is_power(self) -> bool:
        """Whether the curve is a pure power law, without a linear toe."""
        return self.d == 0.0 and self.a == 1.0 and self.b == 0.0

    def decode(self, encoded: Values) -> Values:
        """Return the linear light of encoded values.

        Parameters
        ----------
        encoded : ndarray or Tensor
            Encoded values of any shape, floating; 0..1 is the range of the space.

        Returns
        -------
        ndarray or Tensor
            Linear values, same shape and dtype; 0 and 1 map to 0 and 1.
        """
        if self.is_linear:
            return encoded
        xp = array_namespace(encoded)
        magnitude = abs(encoded)
        linear = (self.a * magnitude + self.b) ** self.gamma
        if not self.is_power:
            linear = xp.where(magnitude >= self.d, linear, self.c * magnitude)
        signed: Values = xp.copysign(linear, encoded)
        return signed

    def encode(self, linear: Values) -> Values:
        """Return the encoded values of linear light: the inverse of :meth:`decode`.

        Parameters
        ----------
        linear : ndarray or Tensor
            Linear values of any shape, floating.

        Returns
        -------
        ndarray or Tensor
            Encoded values, same shape and dtype.
        """
        if self.is_linear:
            return linear
        xp = array_namespace(linear)
        magnitude = abs(linear)
        encoded = (magnitude ** (1.0 / self.gamma) - self.b) / self.a
        if not self.is_power:
            toe_end = self.c * self.d
            encoded = xp.where(magnitude >= toe_end, encoded, magnitude / self.c)
        signed: Values = xp.copysign(encoded, linear)
        return signed


@dataclass(frozen=True)
class ColourSpace:
    """An additive RGB space.

    Attributes
    ----------
    key : str
        The name used on the command line, in settings and in metadata.
    name : str
        The name shown to people.
    primaries : tuple of three (x, y)
        CIE 1931 chromaticities of red, green and blue.
    white : tuple (x, y)
        CIE 1931 chromaticity of the white point.
    transfer : TransferFunction
        Between encoded values and linear light.
    source : str
        The standard that defines the space.
    """

    key: str
    name: str
    primaries: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    white: tuple[float, float]
    transfer: TransferFunction
    source: str

    def decode(self, encoded: Values) -> Values:
        """Return the linear light of encoded values (see :class:`TransferFunction`)."""
        return self.transfer.decode(encoded)

    def encode(self, linear: Values) -> Values:
        """Return the encoded values of linear light (see :class:`TransferFunction`)."""
        return self.transfer.encode(linear)

    @property
    def to_xyz(self) -> Matrix:
        """The matrix from linear RGB to XYZ relative to the space's own white, float64 3x3."""
        return _to_xyz(self.primaries, self.white)


_SRGB_CURVE = TransferFunction(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
# The constants for which the two parts of BT.2020's curve meet, to double precision.
_BT2020_ALPHA = 1.09929682680944
_BT2020_BETA = 0.018053968510807

SRGB = ColourSpace(
    "srgb",
    "sRGB",
    ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    D65,
    _SRGB_CURVE,
    "IEC 61966-2-1:1999",
)
PROPHOTO = ColourSpace(
    "prophoto",
    "ProPhoto RGB",
    ((0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105)),
    D50,
    TransferFunction(1.8, 1.0, 0.0, 1 / 16, 1 / 32),
    "ISO 22028-2:2013 (ROMM RGB)",
)
DISPLAY_P3 = ColourSpace(
    "display-p3",
    "Display P3",
    ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    D65,
    _SRGB_CURVE,
    "SMPTE EG 432-1:2010 with the curve of IEC 61966-2-1:1999",
)
ADOBE_RGB = ColourSpace(
    "adobe-rgb",
    "Adobe RGB (1998)",
    ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    D65,
    TransferFunction(563 / 256),
    "Adobe RGB (1998) Color Image Encoding, version 2005-05",
)
REC2020 = ColourSpace(
    "rec2020",
    "Rec.2020",
    ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    D65,
    TransferFunction(
        1 / 0.45, 1 / _BT2020_ALPHA, 1 - 1 / _BT2020_ALPHA, 1 / 4.5, 4.5 * _BT2020_BETA
    ),
    "ITU-R BT.2020-2 (2015)",
)
ACESCG = ColourSpace(
    "acescg",
    "ACEScg",
    ((0.713, 0.293), (0.165, 0.830), (0.128, 0.044)),
    ACES_WHITE,
    TransferFunction(1.0),
    "Academy S-2014-004",
)

SPACES: Mapping[str, ColourSpace] = MappingProxyType(
    {space.key: space for space in (SRGB, PROPHOTO, DISPLAY_P3, ADOBE_RGB, REC2020, ACESCG)}
)
WIDE_SPACES: Mapping[str, ColourSpace] = MappingProxyType(
    {key: space for key, space in SPACES.items() if space != SRGB}
)
"""The spaces that hold colours which sRGB cannot."""


def white_xyz(xy: tuple[float, float]) -> Matrix:
    """Return the XYZ of a chromaticity, with Y = 1 (float64, shape (3,)).

    Examples
    --------
    >>> white_xyz(D65).round(4).tolist()
    [0.9505, 1.0, 1.0891]
    """
    x, y = xy
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def adaptation_matrix(source_white: Matrix, target_white: Matrix, adaptation: Adaptation) -> Matrix:
    """Return the von Kries matrix that takes one white to another.

    Parameters
    ----------
    source_white, target_white : ndarray, shape (3,), float64
        XYZ with Y = 1.
    adaptation : {"Bradford", "CAT02"}
        The cone space in which the whites are scaled.

    Returns
    -------
    ndarray, shape (3, 3), float64
        Acts on XYZ.

    Examples
    --------
    >>> matrix = adaptation_matrix(white_xyz(D65), white_xyz(D50), "Bradford")
    >>> np.allclose(matrix @ white_xyz(D65), white_xyz(D50))
    True
    """
    cones = _cones(adaptation)
    gains = (cones @ target_white) / (cones @ source_white)
    return np.asarray(np.linalg.solve(cones, gains[:, None] * cones))


def matrix_between(
    source: ColourSpace, target: ColourSpace, adaptation: Adaptation = "Bradford"
) -> Matrix:
    """Return the matrix from one space's linear RGB to another's.

    Parameters
    ----------
    source, target : ColourSpace
        Where the values come from and go to.
    adaptation : {"Bradford", "CAT02"}
        How the white point is adapted. Bradford is what ICC profiles mean; CAT02 is what the
        published gamut-expansion methods use. Spaces that share a white need none.

    Returns
    -------
    ndarray, shape (3, 3), float64, read-only
        White maps to white exactly: every row adds up to 1.

    Examples
    --------
    >>> matrix_between(SRGB, DISPLAY_P3).round(4).tolist()
    [[0.8225, 0.1775, -0.0], [0.0332, 0.9668, -0.0], [0.0171, 0.0724, 0.9105]]
    """
    _cones(adaptation)  # An unknown name is an error even where no adaptation is needed.
    return _matrix_between(source, target, adaptation)


def apply_matrix(values: Values, matrix: Matrix, *, axis: int = -1) -> Values:
    """Multiply every colour of an image by a matrix.

    Parameters
    ----------
    values : ndarray or Tensor, floating
        Any shape with 3 channels on `axis`.
    matrix : ndarray, shape (3, 3)
        Acts on column vectors. It is rounded to the dtype of `values`.
    axis : int
        The channel axis.

    Returns
    -------
    ndarray or Tensor
        Same shape and dtype.

    Examples
    --------
    >>> apply_matrix(np.ones((2, 3)), np.diag([1.0, 2.0, 3.0])).tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    """
    xp = array_namespace(values)
    factors = xp.asarray(matrix.tolist(), dtype=values.dtype, device=device(values))
    product: Values = xp.moveaxis(xp.moveaxis(values, axis, -1) @ factors.T, -1, axis)
    return product


def convert(
    values: Values,
    source: ColourSpace,
    target: ColourSpace,
    adaptation: Adaptation = "Bradford",
    *,
    axis: int = -1,
) -> Values:
    """Convert linear colours from one space to another, without any clipping.

    Parameters
    ----------
    values : ndarray or Tensor, floating
        Linear RGB of `source`, 3 channels on `axis`.
    source, target : ColourSpace
        Where the values come from and go to.
    adaptation : {"Bradford", "CAT02"}
        How the white point is adapted.
    axis : int
        The channel axis.

    Returns
    -------
    ndarray or Tensor
        Linear RGB of `target`, same shape and dtype; outside 0..1 where `target` cannot hold
        the colour.

    Examples
    --------
    >>> red = np.array([1.0, 0.0, 0.0])
    >>> convert(red, DISPLAY_P3, SRGB).round(4).tolist()
    [1.2249, -0.0421, -0.0196]
    """
    if source == target:
        return values
    return apply_matrix(values, matrix_between(source, target, adaptation), axis=axis)


def lab_from_prophoto(values: Values) -> Values:
    """Return the CIE 1976 L*a*b* (D50) of linear ProPhoto colours.

    Parameters
    ----------
    values : ndarray or Tensor, floating, shape (..., 3)
        Linear ProPhoto RGB.

    Returns
    -------
    ndarray or Tensor, shape (..., 3)
        L* in 0..100 for colours in 0..1; CIE 15:2018, equations 8.3 to 8.5.

    Examples
    --------
    >>> lab_from_prophoto(np.ones(3)).round(6).tolist()
    [100.0, 0.0, 0.0]
    """
    relative = PROPHOTO.to_xyz / white_xyz(PROPHOTO.white)[:, None]
    xp = array_namespace(values)
    ratios = apply_matrix(values, relative)
    delta = 6 / 29
    root = xp.clip(ratios, delta**3, None) ** (1 / 3)
    curve = xp.where(ratios > delta**3, root, ratios / (3 * delta**2) + 4 / 29)
    x, y, z = curve[..., 0], curve[..., 1], curve[..., 2]
    lab: Values = xp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return lab


def _cones(adaptation: str) -> Matrix:
    try:
        return ADAPTATIONS[adaptation]
    except KeyError:
        known = ", ".join(ADAPTATIONS)
        raise ValueError(
            f"There is no adaptation named {adaptation!r}; choose one of {known}."
        ) from None


def _to_xyz(primaries: tuple[tuple[float, float], ...], white: tuple[float, float]) -> Matrix:
    # Only the directions of the primaries matter, which a primary with y = 0 has, too.
    columns = np.array([(x, y, 1.0 - x - y) for x, y in primaries]).T
    columns /= np.where(columns[1] == 0.0, 1.0, columns[1])
    return np.asarray(columns * np.linalg.solve(columns, white_xyz(white)), np.float64)


@functools.cache
def _matrix_between(source: ColourSpace, target: ColourSpace, adaptation: Adaptation) -> Matrix:
    adapt = np.eye(3)
    if np.array_equal(source.to_xyz, target.to_xyz):
        adapt.setflags(write=False)
        return adapt  # Exactly: a solver may leave 1e-16 beside the diagonal.
    if source.white != target.white:
        adapt = adaptation_matrix(white_xyz(source.white), white_xyz(target.white), adaptation)
    matrix: Matrix = np.linalg.solve(target.to_xyz, adapt @ source.to_xyz).astype(np.float64)
    # Rounding leaves row sums at 1 + 1e-16: put the rest on the diagonal, for an exact white.
    matrix[np.diag_indices(3)] += 1.0 - matrix.sum(axis=1)
    matrix.setflags(write=False)
    return matrix
