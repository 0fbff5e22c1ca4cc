"""What the code values of a file mean: from an ICC profile or from code points (CICP)."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import imagecodecs
import numpy as np
import numpy.typing as npt

from core.colour import (
    D65,
    ICC_PCS_WHITE,
    REC2020,
    SPACES,
    SRGB,
    ColourSpace,
    Matrix,
    TransferFunction,
    adaptation_matrix,
    matrix_between,
    white_xyz,
)
from core.files.profile import colorants

FloatImage = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]
Values: TypeAlias = npt.NDArray[np.float64]
Curve: TypeAlias = Callable[[Values], Values]

REFERENCE_WHITE = 203.0
"""Luminance of diffuse white in PQ and HLG signals, cd/m² (ITU-R BT.2408-7); it becomes 1.0."""

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


class UnusableProfileError(ValueError):
    """A profile that is empty, damaged, or of another kind of image."""


class NotRGBError(UnusableProfileError):
    """A sound profile for something other than RGB or grey."""


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
        curve = _identity if self.linear else _curve(self.known.transfer)
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
        return all(curve is _identity for curve in self.curves)

    def scene(self, pixels: Pixels) -> FloatImage:
        """Return scene-linear sRGB of stored values (see :class:`Encoding`)."""
        if self.luminance is None:
            return _matrix_scene(pixels, self.curves, self.matrix)
        light = _matrix_scene(pixels, self.curves, np.eye(3))
        luminance = np.clip(light @ self.luminance.astype(np.float32), 0.0, None)
        light *= (self.gain * luminance ** (self.system_gamma - 1.0))[..., None]
        return light @ self.matrix.T.astype(np.float32)


@dataclass(frozen=True)
class TableEncoding:
    """A profile with tables (LUT), left to littleCMS in float.

    Attributes
    ----------
    name : str
        What people call it.
    icc : bytes
        The profile.
    """

    name: str
    icc: bytes

    @property
    def space(self) -> ColourSpace | None:
        """Tables are none of the known spaces."""
        return None

    @property
    def is_linear(self) -> bool:
        """Whether stored values are proportional to light."""
        return False

    def scene(self, pixels: Pixels) -> FloatImage:
        """Return scene-linear sRGB of stored values (see :class:`Encoding`)."""
        to_scene = _from_pcs().T.astype(np.float32)
        scale = np.float32(1.0 / _maximum(pixels))
        scene = np.empty(pixels.shape, np.float32)
        for strip in _strips(pixels):
            xyz = imagecodecs.cms_transform(
                np.ascontiguousarray(pixels[strip] * scale, dtype=np.float32),
                self.icc,
                imagecodecs.cms_profile("xyz"),
                colorspace="rgb",
                outcolorspace="xyz",
                outdtype="float32",
                intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
                flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE | imagecodecs.CMS.FLAGS.HIGHRESPRECALC,
            )
            scene[strip] = xyz @ to_scene
        return scene


def from_icc(icc: bytes, *, grey: bool = False) -> Encoding:
    """Return what the values of an image with an ICC profile mean.

    Parameters
    ----------
    icc : bytes
        The profile.
    grey : bool
        Whether the image has one channel, so that a profile for grey fits.

    Returns
    -------
    Encoding
        One of the known spaces where the profile's numbers are its numbers, whatever the
        profile calls itself.

    Raises
    ------
    NotRGBError
        If the profile describes another kind of image (CMYK, Lab).
    UnusableProfileError
        If it is empty or damaged.
    """
    try:
        return _parse(icc, grey)
    except UnusableProfileError:
        raise
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise UnusableProfileError("the profile is damaged") from error


def from_cicp(primaries: int, transfer: int) -> Encoding | None:
    """Return what code points mean (ITU-T H.273), or None where they say nothing usable.

    Parameters
    ----------
    primaries, transfer : int
        ColourPrimaries and TransferCharacteristics.

    Returns
    -------
    Encoding or None
        PQ and HLG become linear light with 203 cd/m² at 1.0.
    """
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
        return None
    xy, white, primaries_name = _PRIMARIES[primaries]
    transfer_name, curve = _TRANSFERS[transfer]
    if isinstance(curve, TransferFunction):
        known = _known_space(xy, white, curve)
        if known is not None:
            return SpaceEncoding(known)
        decode = _curve(curve)
    else:
        decode = curve
    space = ColourSpace("cicp", primaries_name, xy, white, SRGB.transfer, "ITU-T H.273")
    encoding = MatrixEncoding(
        f"{primaries_name}, {transfer_name}", (decode,) * 3, matrix_between(space, SRGB)
    )
    if curve is _hlg_inverse_oetf:
        peak = 1000.0
        return replace(
            encoding, system_gamma=1.2, luminance=space.to_xyz[1], gain=peak / REFERENCE_WHITE
        )
    return encoding


def from_gamma(
    gamma: float,
    primaries: tuple[tuple[float, float], tuple[float, float], tuple[float, float]],
    white: tuple[float, float],
) -> Encoding:
    """Return what values with a bare exponent and chromaticities mean.

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
    """
    curve = TransferFunction(gamma)
    known = _known_space(primaries, white, curve)
    if known is not None:
        return SpaceEncoding(known)
    space = ColourSpace("stated", "", primaries, white, curve, "")
    same = _known_primaries(primaries, white)
    title = f"{same.name} primaries" if same is not None else "primaries of its own"
    name = f"linear light, {title}" if curve.is_linear else f"gamma {gamma:.3g}, {title}"
    if curve.is_linear and same is not None:
        return SpaceEncoding(same, linear=True, label=name)
    return MatrixEncoding(name, (_curve(curve),) * 3, matrix_between(space, SRGB))


def _identity(values: Values) -> Values:
    return values


def _curve(transfer: TransferFunction) -> Curve:
    if transfer.is_linear:
        return _identity
    return lambda stored: np.asarray(transfer.decode(stored))


def _known_primaries(
    primaries: tuple[tuple[float, float], ...], white: tuple[float, float]
) -> ColourSpace | None:
    stated = np.array([*primaries, white])
    for space in SPACES.values():
        if np.abs(stated - np.array([*space.primaries, space.white])).max() < _XY_TOLERANCE:
            return space
    return None


def _known_space(
    primaries: tuple[tuple[float, float], ...], white: tuple[float, float], curve: TransferFunction
) -> ColourSpace | None:
    stated = np.array([*primaries, white])
    for space in SPACES.values():
        numbers = np.array([*space.primaries, space.white])
        near = np.abs(stated - numbers).max() < _XY_TOLERANCE
        if near and _curve_distance(_curve(curve), space) < _CURVE_EXACT:
            return space
    return None


_XY_TOLERANCE = 1e-3
_COLORANT_LABEL, _CURVE_LABEL = 1e-3, 1e-3
"""How close (XYZ, linear light) a profile must be to a known space to be called by its name.
Wide enough for the rounded numbers of every maker and for ROMM's curve without its toe; a bare
gamma of 2.2 misses sRGB's curve by 8e-3."""
_COLORANT_EXACT, _CURVE_EXACT = 2e-4, 1e-4
"""How close it must be to be taken for the space itself, rounding apart: the published
numbers are then better than the profile's, whose steps are 1.5e-5."""


def _curve_distance(curve: Curve, space: ColourSpace) -> float:
    stored = np.linspace(0.0, 1.0, 1025)
    return float(np.abs(curve(stored) - space.decode(stored)).max())


def _parse(icc: bytes, grey: bool) -> Encoding:
    if len(icc) < 132 or icc[36:40] != b"acsp":
        raise UnusableProfileError("the profile is empty or damaged")
    kind = icc[16:20]
    if kind not in (b"RGB ", b"GRAY"):
        raise NotRGBError(kind.decode("ascii", "replace").strip())
    if kind == b"GRAY" and not grey:
        raise UnusableProfileError("the profile is for grey images, the image is in colour")
    tags = _tags(icc)
    name = _description(tags) or "unnamed profile"
    if b"cicp" in tags:
        primaries, transfer = tags[b"cicp"][8], tags[b"cicp"][9]
        stated = from_cicp(primaries, transfer)
        if stated is not None:
            return stated
    if kind == b"GRAY":
        curve = _read_curve(tags[b"kTRC"]) if b"kTRC" in tags else None
        if curve is None:
            raise UnusableProfileError("the profile has no curve")
        return _matched(name, (curve,) * 3, colorants(SRGB))
    if b"A2B0" in tags or b"A2B1" in tags:
        return _checked_tables(name, icc)
    needed = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    if any(tag not in tags for tag in needed):
        raise UnusableProfileError("the profile has neither colorants nor tables")
    columns = [np.frombuffer(tags[tag], ">i4", 3, 8) / 65536 for tag in needed[:3]]
    red, green, blue = (_read_curve(tags[tag]) for tag in needed[3:])
    stated_colorants = np.stack(columns, axis=1)
    white = stated_colorants.sum(axis=1)
    if not np.abs(white - ICC_PCS_WHITE).max() < 0.2:
        raise UnusableProfileError("the profile's colorants do not add up to white")
    return _matched(name, (red, green, blue), stated_colorants)


def _matched(name: str, curves: tuple[Curve, Curve, Curve], stated: Matrix) -> Encoding:
    label: ColourSpace | None = None
    for space in SPACES.values():
        colour = float(np.abs(stated - colorants(space)).max())
        curve = max(_curve_distance(one, space) for one in curves)
        if colour < _COLORANT_EXACT and curve < _CURVE_EXACT:
            return SpaceEncoding(space)
        if colour < _COLORANT_LABEL and curve < _CURVE_LABEL:
            label = space
    if label is SRGB:
        # The compact and the tabulated sRGB profiles mean sRGB, and its codes stay as they are.
        return SpaceEncoding(SRGB)
    if all(curve is _identity for curve in curves):
        for space in SPACES.values():
            if float(np.abs(stated - colorants(space)).max()) < _COLORANT_EXACT:
                return SpaceEncoding(space, linear=True, label=f"{space.name}, linear")
    return MatrixEncoding(name, curves, _from_pcs() @ stated, label)


def _checked_tables(name: str, icc: bytes) -> Encoding:
    encoding = TableEncoding(name, icc)
    try:
        encoding.scene(np.zeros((1, 1, 3), np.uint8))
    except Exception as error:
        # littleCMS refuses damaged tables with an error type of its own.
        raise UnusableProfileError("the profile's tables are damaged") from error
    return encoding


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", icc, 128)
    tags = {}
    for index in range(min(count, 200)):
        signature, start, size = struct.unpack_from(">4sII", icc, 132 + 12 * index)
        tags[signature] = icc[start : start + size]
    return tags


def _description(tags: dict[bytes, bytes]) -> str:
    content = tags.get(b"desc", b"")
    if content[:4] == b"desc":
        (length,) = struct.unpack_from(">I", content, 8)
        text = content[12 : 12 + length].decode("latin-1")
    elif content[:4] == b"mluc":
        length, start = struct.unpack_from(">II", content, 20)
        text = content[start : start + length].decode("utf-16-be", "replace")
    else:
        text = ""
    return text.split("\0")[0].strip()


def _read_curve(tag: bytes) -> Curve:
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return _identity
        entries = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        if count == 1:
            return _parametric(0, [float(entries[0]) / 256])
        return functools.partial(_tabulated, entries / 65535)
    if tag[:4] != b"para":
        raise UnusableProfileError("a curve of the profile is of an unknown kind")
    (kind,) = struct.unpack_from(">H", tag, 8)
    lengths = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
    if kind not in lengths:
        raise UnusableProfileError("a curve of the profile is of an unknown kind")
    numbers = np.frombuffer(tag, ">i4", lengths[kind], 12) / 65536
    return _parametric(kind, numbers.tolist())


def _tabulated(entries: Values, stored: Values) -> Values:
    return np.interp(stored, np.linspace(0.0, 1.0, len(entries)), entries)


def _parametric(kind: int, numbers: list[float]) -> Curve:
    # ICC.1:2022, table 68, all brought to type 4: (a X + b)^g + e for X >= d, else c X + f.
    g, a, b, c, d, e, f = (*numbers, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)[:7]
    if g <= 0.0:
        raise UnusableProfileError("a curve of the profile has no inverse")
    if kind == 0:
        if g == 1.0:
            return _identity
        a, b, c, d, e, f = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    elif kind in (1, 2):
        if a == 0.0:
            raise UnusableProfileError("a curve of the profile has no inverse")
        offset = c if kind == 2 else 0.0
        c, d, e, f = 0.0, -b / a, offset, offset
    elif kind == 3:
        e, f = 0.0, 0.0

    def curve(stored: Values) -> Values:
        power = np.clip(a * stored + b, 0.0, None) ** g + e
        return np.where(stored >= d, power, c * stored + f)

    return curve


@functools.cache
def _from_pcs() -> Matrix:
    adapt = adaptation_matrix(ICC_PCS_WHITE, white_xyz(D65), "Bradford")
    return np.asarray(np.linalg.solve(SRGB.to_xyz, adapt))


def _maximum(pixels: Pixels) -> int:
    return {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(pixels.dtype, 1)


def _strips(pixels: Pixels) -> list[slice]:
    height, width = pixels.shape[:2]
    step = max(1, _STRIP // max(1, width))
    return [slice(start, start + step) for start in range(0, height, step)]


def _matrix_scene(pixels: Pixels, curves: tuple[Curve, Curve, Curve], matrix: Matrix) -> FloatImage:
    scene = np.empty(pixels.shape, np.float32)
    to_scene = matrix.T.astype(np.float32)
    if pixels.dtype.kind == "u":
        maximum = _maximum(pixels)
        stored = np.arange(maximum + 1) / maximum
        tables = [np.asarray(curve(stored), dtype=np.float32) for curve in curves]
    for strip in _strips(pixels):
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


def _pq_eotf(stored: Values) -> Values:
    # SMPTE ST 2084, equation 4.1.
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = np.clip(stored, 0.0, 1.0) ** (1 / m2)
    light: Values = 10000 * (np.clip(root - c1, 0.0, None) / (c2 - c3 * root)) ** (1 / m1)
    return light / REFERENCE_WHITE


def _hlg_inverse_oetf(stored: Values) -> Values:
    # ITU-R BT.2100-2, table 5.
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    high = (np.exp((np.clip(stored, 0.5, 1.0) - c) / a) + b) / 12
    return np.where(stored <= 0.5, stored**2 / 3, high)


_BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_BT601 = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_PRIMARIES: dict[
    int,
    tuple[
        tuple[tuple[float, float], tuple[float, float], tuple[float, float]],
        tuple[float, float],
        str,
    ],
] = {
    1: (_BT709, D65, "sRGB primaries"),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65, "BT.470 BG primaries"),
    6: (_BT601, D65, "BT.601 primaries"),
    7: (_BT601, D65, "SMPTE 240M primaries"),
    9: (REC2020.primaries, D65, "Rec.2020 primaries"),
    11: (_P3, (0.314, 0.351), "DCI-P3 primaries"),
    12: (_P3, D65, "Display P3 primaries"),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65, "EBU 3213 primaries"),
}
_TRANSFERS: dict[int, tuple[str, TransferFunction | Curve]] = {
    1: ("BT.709 curve", REC2020.transfer),
    4: ("gamma 2.2", TransferFunction(2.2)),
    5: ("gamma 2.8", TransferFunction(2.8)),
    6: ("BT.601 curve", REC2020.transfer),
    8: ("linear light", TransferFunction(1.0)),
    13: ("sRGB curve", SRGB.transfer),
    14: ("BT.2020 curve", REC2020.transfer),
    15: ("BT.2020 curve", REC2020.transfer),
    16: ("PQ", _pq_eotf),
    18: ("HLG", _hlg_inverse_oetf),
}
