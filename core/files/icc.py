"""What the values of an image with an ICC profile mean (ICC.1:2022, ICC.1:2001-04)."""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass

import imagecodecs
import numpy as np

from core.colour import (
    D65,
    ICC_PCS_WHITE,
    SPACES,
    SRGB,
    ColourSpace,
    Matrix,
    adaptation_matrix,
    white_xyz,
)
from core.files.cicp import from_cicp
from core.files.encoding import (
    CURVE_EXACT,
    Curve,
    Encoding,
    FloatImage,
    MatrixEncoding,
    Pixels,
    SpaceEncoding,
    Values,
    code_maximum,
    curve_distance,
    identity,
    strips,
)
from core.files.profile import colorants

_COLORANT_LABEL, _CURVE_LABEL = 1e-3, 1e-3
"""How close (XYZ, linear light) a profile must be to a known space to be called by its name.
Wide enough for the rounded numbers of every maker and for ROMM's curve without its toe; a bare
gamma of 2.2 misses sRGB's curve by 8e-3."""
_COLORANT_EXACT = 2e-4
"""How close it must be, with its curve, to be taken for the space itself, rounding apart: the
published numbers are then better than the profile's, whose steps are 1.5e-5."""


class UnusableProfileError(ValueError):
    """A profile that is empty, damaged, or of another kind of image."""


class NotRGBError(UnusableProfileError):
    """A sound profile for something other than RGB or grey."""


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
        """None: tables describe no known space."""
        return None

    @property
    def is_linear(self) -> bool:
        """Whether stored values are proportional to light."""
        return False

    def scene(self, pixels: Pixels) -> FloatImage:
        """Return scene-linear sRGB of stored values (see :class:`Encoding`)."""
        to_scene = _from_pcs().T.astype(np.float32)
        scale = np.float32(1.0 / code_maximum(pixels))
        scene = np.empty(pixels.shape, np.float32)
        for strip in strips(pixels):
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

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.profile import icc_profile
    >>> encoding = from_icc(icc_profile(DISPLAY_P3))
    >>> encoding.space is DISPLAY_P3, encoding.is_linear
    (True, False)
    >>> from_icc(b"no profile")
    Traceback (most recent call last):
    core.files.icc.UnusableProfileError: the profile is empty or damaged
    """
    try:
        return _parse(icc, grey)
    except UnusableProfileError:
        raise
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise UnusableProfileError("the profile is damaged") from error


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
        if b"kTRC" not in tags:
            raise UnusableProfileError("the profile has no curve")
        curve = _read_curve(tags[b"kTRC"])
        if icc[20:24] == b"Lab ":
            curve = functools.partial(_light_of_lightness, curve)
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
        curve = max(curve_distance(one, space) for one in curves)
        if colour < _COLORANT_EXACT and curve < CURVE_EXACT:
            return SpaceEncoding(space)
        if colour < _COLORANT_LABEL and curve < _CURVE_LABEL:
            label = space
    if label == SRGB:
        # The compact and the tabulated sRGB profiles mean sRGB, and its codes stay as they are.
        return SpaceEncoding(SRGB)
    if all(curve is identity for curve in curves):
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


def _tags(icc: bytes) -> dict[bytes, memoryview]:
    # Views, not copies: any number of tags may share, or claim to share, the same bytes.
    (count,) = struct.unpack_from(">I", icc, 128)
    whole = memoryview(icc)
    tags = {}
    for index in range(min(count, _MOST_TAGS)):
        signature, start, size = struct.unpack_from(">4sII", icc, 132 + 12 * index)
        tags[signature] = whole[start : start + size]
    return tags


_MOST_TAGS = 200
_LONGEST_NAME = 1024


def _description(tags: dict[bytes, memoryview]) -> str:
    content = tags.get(b"desc", memoryview(b""))
    if bytes(content[:4]) == b"desc":
        (length,) = struct.unpack_from(">I", content, 8)
        text = bytes(content[12 : 12 + min(length, _LONGEST_NAME)]).decode("latin-1")
    elif bytes(content[:4]) == b"mluc":
        length, start = struct.unpack_from(">II", content, 20)
        piece = content[start : start + min(length, _LONGEST_NAME)]
        text = bytes(piece).decode("utf-16-be", "replace")
    else:
        text = ""
    return text.split("\0")[0].strip()


def _read_curve(tag: memoryview) -> Curve:
    if bytes(tag[:4]) == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return identity
        entries = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        if count == 1:
            return _parametric(0, [float(entries[0]) / 256])
        return functools.partial(_tabulated, entries / 65535)
    if bytes(tag[:4]) != b"para":
        raise UnusableProfileError("a curve of the profile is of an unknown kind")
    (kind,) = struct.unpack_from(">H", tag, 8)
    lengths = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
    if kind not in lengths:
        raise UnusableProfileError("a curve of the profile is of an unknown kind")
    numbers = np.frombuffer(tag, ">i4", lengths[kind], 12) / 65536
    return _parametric(kind, numbers.tolist())


def _light_of_lightness(curve: Curve, stored: Values) -> Values:
    # A grey profile whose connection space is Lab states L* / 100 (ICC.1:2022, F.2).
    root = (100.0 * curve(stored) + 16.0) / 116.0
    return np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29))


def _tabulated(entries: Values, stored: Values) -> Values:
    return np.interp(stored, np.linspace(0.0, 1.0, len(entries)), entries)


def _parametric(kind: int, numbers: list[float]) -> Curve:
    # ICC.1:2022, table 68, all brought to type 4: (a X + b)^g + e for X >= d, else c X + f.
    g, a, b, c, d, e, f = (*numbers, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)[:7]
    if g <= 0.0:
        raise UnusableProfileError("a curve of the profile has no inverse")
    if kind == 0:
        if g == 1.0:
            return identity
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
