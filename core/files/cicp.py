"""What code points mean (CICP, ITU-T H.273): primaries, curves, PQ and HLG."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from core.colour import D65, REC2020, SRGB, ColourSpace, TransferFunction, matrix_between
from core.files.encoding import (
    Curve,
    Encoding,
    MatrixEncoding,
    SpaceEncoding,
    Values,
    curve_of,
    known_space,
)

REFERENCE_WHITE = 203.0
"""Luminance of diffuse white in PQ and HLG signals, cd/m² (ITU-R BT.2408-7); it becomes 1.0."""


def from_cicp(primaries: int, transfer: int, *, narrow_bits: int = 0) -> Encoding | None:
    """Return what code points mean (ITU-T H.273), or None where they say nothing usable.

    Parameters
    ----------
    primaries, transfer : int
        ColourPrimaries and TransferCharacteristics.
    narrow_bits : int
        The depth of stored values in the narrow range, whose black is 16 and whose white is
        235 of 255; 0 for the full range.

    Returns
    -------
    Encoding or None
        PQ and HLG become linear light with 203 cd/m² at 1.0.

    Examples
    --------
    >>> from_cicp(12, 13).name  # SMPTE EG 432-1 primaries, the curve of sRGB
    'Display P3'
    >>> hlg = from_cicp(9, 18)
    >>> hlg.name, hlg.scene(np.full((1, 1, 3), 0.75, np.float32)).round(2).tolist()
    ('Rec.2020 primaries, HLG', [[[1.0, 1.0, 1.0]]])
    >>> from_cicp(2, 2) is None  # unspecified
    True
    """
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
        return None
    xy, white, primaries_name = _PRIMARIES[primaries]
    transfer_name, curve = _TRANSFERS[transfer]
    range_name = ""
    if isinstance(curve, TransferFunction):
        known = known_space(xy, white, curve)
        if known is not None and not narrow_bits:
            return SpaceEncoding(known)
        decode = curve_of(curve)
    else:
        decode = curve
    if narrow_bits:
        decode = functools.partial(_from_narrow, decode, narrow_bits)
        range_name = ", narrow range"
    space = ColourSpace("cicp", primaries_name, xy, white, SRGB.transfer, "ITU-T H.273")
    encoding = MatrixEncoding(
        f"{primaries_name}, {transfer_name}{range_name}", (decode,) * 3, matrix_between(space, SRGB)
    )
    if curve is _hlg_inverse_oetf:
        peak = 1000.0
        return replace(
            encoding, system_gamma=1.2, luminance=space.to_xyz[1], gain=peak / REFERENCE_WHITE
        )
    return encoding


def _from_narrow(decode: Curve, bits: int, stored: Values) -> Values:
    # ITU-T H.273, equations 20 to 22.
    step = 2 ** (bits - 8) / (2**bits - 1)
    signal = (stored - 16 * step) / (219 * step)
    return np.asarray(np.copysign(decode(np.abs(signal)), signal))


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
