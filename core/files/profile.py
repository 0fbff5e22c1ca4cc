"""ICC profiles made from the numbers of :mod:`core.colour` (ICC.1:2022 and ICC.1:2001-04)."""

from __future__ import annotations

import functools
import hashlib
import struct
from typing import Literal

import numpy as np

from core.colour import ICC_PCS_WHITE, ColourSpace, Matrix, adaptation_matrix, white_xyz

ProfileVersion = Literal[2, 4]

_UNIT = 65536
_CURVE_ENTRIES = 4096
_SIGNATURES = {4: 0x04300000, 2: 0x02400000}
_RELATIVE_COLORIMETRIC = 1
_COPYRIGHT = "CC0"


@functools.cache
def icc_profile(space: ColourSpace, version: ProfileVersion = 4) -> bytes:
    """Return the ICC display profile of a colour space.

    Parameters
    ----------
    space : ColourSpace
        Primaries, white and transfer function to describe.
    version : {4, 2}
        Version 4 holds the transfer function exactly, as a parametric curve of type 3;
        version 2, for old readers, as a table of 4096 entries (or an exponent, if exact).

    Returns
    -------
    bytes
        The profile: about 0.5 KB in version 4, 8.5 KB in version 2. Its colorants, adapted to
        D50 by Bradford, add up to the white of the profile connection space.

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> profile = icc_profile(DISPLAY_P3)
    >>> profile[36:40], len(profile) < 700
    (b'acsp', True)
    """
    if version not in _SIGNATURES:
        raise ValueError(f"ICC profiles are made in version 2 or 4, not {version}.")
    red, green, blue = (_xyz_tag(column) for column in colorants(space).T)
    curve = _curve_tag(space, version)
    tags = {
        b"desc": _text_tag(space.name, version, b"desc"),
        b"cprt": _text_tag(_COPYRIGHT, version, b"text"),
        b"rXYZ": red,
        b"gXYZ": green,
        b"bXYZ": blue,
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    if version == 4:
        tags[b"wtpt"] = _xyz_tag(ICC_PCS_WHITE)
        tags[b"chad"] = b"sf32" + bytes(4) + _fixed(_adaptation(space).ravel())
    else:
        tags[b"wtpt"] = _xyz_tag(white_xyz(space.white))
    return _assemble(tags, version)


def colorants(space: ColourSpace) -> Matrix:
    """Return the primaries as a profile states them.

    Parameters
    ----------
    space : ColourSpace
        The space.

    Returns
    -------
    ndarray, shape (3, 3), float64
        Columns are the XYZ of red, green and blue, adapted to D50 by Bradford and rounded to
        1/65536; the rows add up to the white of the profile connection space exactly.

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> colorants(DISPLAY_P3).sum(axis=1).round(4).tolist()
    [0.9642, 1.0, 0.8249]
    """
    exact = _adaptation(space) @ space.to_xyz
    units = np.rint(exact * _UNIT)
    rest = np.rint(ICC_PCS_WHITE * _UNIT) - units.sum(axis=1)
    largest = exact.argmax(axis=1)
    units[np.arange(3), largest] += rest
    return np.asarray(units / _UNIT)


def _adaptation(space: ColourSpace) -> Matrix:
    return adaptation_matrix(white_xyz(space.white), ICC_PCS_WHITE, "Bradford")


def _fixed(values: Matrix) -> bytes:
    units: list[int] = np.rint(np.asarray(values) * _UNIT).astype(int).tolist()
    return struct.pack(f">{len(units)}i", *units)


def _xyz_tag(xyz: Matrix) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(xyz)


def _curve_tag(space: ColourSpace, version: ProfileVersion) -> bytes:
    curve = space.transfer
    if curve.is_linear:
        return b"curv" + bytes(8)
    if version == 2 and curve.is_power and (256 * curve.gamma).is_integer():
        # A table of one entry is an exponent in 1/256: exact for Adobe RGB.
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * curve.gamma))
    if version == 2:
        steps = np.linspace(0.0, 1.0, _CURVE_ENTRIES)
        entries: bytes = np.rint(curve.decode(steps) * 65535).astype(">u2").tobytes()
        return b"curv" + bytes(4) + struct.pack(">I", _CURVE_ENTRIES) + entries
    if curve.is_power:
        return b"para" + bytes(8) + _fixed(np.array([curve.gamma]))
    numbers = np.array([curve.gamma, curve.a, curve.b, curve.c, curve.d])
    return b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(numbers)


def _text_tag(text: str, version: ProfileVersion, old_type: bytes) -> bytes:
    if version == 4:
        encoded = text.encode("utf-16-be")
        return (
            b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28)
        ) + encoded
    plain = text.encode("ascii") + b"\0"
    if old_type == b"text":
        return b"text" + bytes(4) + plain
    # After the ASCII text: no Unicode text, no Macintosh text (ICC.1:2001-04, 6.5.17).
    return b"desc" + bytes(4) + struct.pack(">I", len(plain)) + plain + bytes(8 + 3 + 67)


def _assemble(tags: dict[bytes, bytes], version: ProfileVersion) -> bytes:
    table = struct.pack(">I", len(tags))
    start = 128 + 4 + 12 * len(tags)
    data = b""
    places: dict[bytes, int] = {}
    for signature, content in tags.items():
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", signature, places[content], len(content))
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI12s4s16s28s",
        start + len(data),
        bytes(4),
        _SIGNATURES[version],
        b"mntr",
        b"RGB ",
        b"XYZ ",
        *(2024, 1, 1, 0, 0, 0),
        b"acsp",
        bytes(4),
        0,
        bytes(4),
        bytes(4),
        0,
        _RELATIVE_COLORIMETRIC,
        _fixed(ICC_PCS_WHITE),
        bytes(4),
        bytes(16),
        bytes(28),
    )
    profile = header + table + data
    if version == 2:
        return profile
    # The ID is computed with flags, intent and ID at zero (ICC.1:2022, 7.2.18).
    blanked = profile[:44] + bytes(4) + profile[48:64] + bytes(4) + profile[68:84] + bytes(16)
    identity = hashlib.md5(blanked + profile[100:], usedforsecurity=False).digest()
    return profile[:84] + identity + profile[100:]
