"""The hint: how far to go, in at most 64 bytes, from whoever still has the original.

Nothing in the codes tells how far outside sRGB a clipped channel lay. A network's estimate has
the right places and directions, but its steps are too long or too short. A hint holds factors
for them: for each channel and each end of the range a curve over the brightness of the pixel,
fitted so that the estimate comes as near to the original as it can.

The factors act before the engine's projection, so that the round trip stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.optimize import lsq_linear

from core.colour import PROPHOTO, SRGB, ColourSpace, convert, matrix_between
from core.engine.finishing import finish
from core.engine.tiling import ArraySource
from core.gamut import (
    Codes,
    FloatImage,
    Mask,
    clipped_channels,
    clipping_weight,
    naive_inversion,
    out_of_gamut_mask,
)
from core.payload.records import HEAD_SIZE, Kind, Record, fingerprint, model_mark

if TYPE_CHECKING:
    from core.payload.lost import LostPixels

LARGEST_HINT = 64
"""Bytes of a hint at most, with everything."""

_CURVES = 6
_BODY = LARGEST_HINT - HEAD_SIZE
_ENDS = 2
_BITS = 6
_STEPS_TO_ONE = 16
_LARGEST_FACTOR = (2**_BITS - 1) / _STEPS_TO_ONE
_MOST_KNOTS = 20

_AT_ONCE = 1 << 17
_FITTED = 1 << 20
"""Pixels that the factors are fitted to at most. Whether they do harm is measured on all."""

_STABLE = 1e-4

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Factors over the brightness of a pixel, between which they are interpolated.

    Attributes
    ----------
    first, last : int
        Brightness of the first and the last knot, 0..255.
    factors : ndarray, float64, shape (knots,)
        In 0..63/16, evenly from the first to the last.
    """

    first: int
    last: int
    factors: Doubles

    def at(self, brightness: Doubles) -> Doubles:
        """Return the factors of pixels, by their brightness in 0..1."""
        knots = np.linspace(self.first, max(self.last, self.first + 1), len(self.factors)) / 255
        return np.interp(brightness, knots, self.factors)


@dataclass(frozen=True, eq=False)
class Hint:
    """What a file says of its original.

    Attributes
    ----------
    source : ColourSpace or None
        The space in which the colours of the original lay.
    curves : mapping of int to Curve
        By channel (0, 1, 2) where it stands at 0, by 3 plus the channel where it stands at the
        maximum; those of a photo that has no such pixels are missing. Without any curve all
        steps are taken as they are.
    """

    source: ColourSpace | None
    curves: dict[int, Curve]

    def factors(self, codes: Codes, tolerance: float = 0.0) -> FloatImage:
        """Return what each channel's step is to be multiplied by.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (..., 3)
            sRGB codes.
        tolerance : float
            Noise of a lossy file, in 8-bit codes.

        Returns
        -------
        ndarray, float32, shape (..., 3)
            1 for channels that stand at no end of the range.
        """
        factors = np.ones(codes.shape, np.float32)
        bright = _brightness(codes)
        ends = _ends(codes, tolerance)
        for which, curve in self.curves.items():
            pixels = ends[which]
            factors[..., which % 3][pixels] = curve.at(bright[pixels])
        return factors

    def record(self, codes: Codes, sha256: str) -> Record:
        """Return the hint as a file carries it.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (H, W, 3)
            The codes that it was made for.
        sha256 : str
            Of the weights that it was made for.
        """
        mask = sum(1 << which for which in self.curves)
        numbers = [
            value
            for _, curve in sorted(self.curves.items())
            for value in np.rint(curve.factors * _STEPS_TO_ONE).astype(int).tolist()
        ]
        packed = 0
        for value in numbers:
            packed = packed << _BITS | value
        ends = bytes(
            place for _, curve in sorted(self.curves.items()) for place in (curve.first, curve.last)
        )
        body = ends + packed.to_bytes(-(-len(numbers) * _BITS // 8), "big")
        mark, pixels = model_mark(sha256), fingerprint(ArraySource(codes))
        return Record(Kind.HINT, self.source, mark, pixels, body, mask)

    @classmethod
    def from_record(cls, record: Record) -> Hint:
        """Return the hint of a record, whose curves are those of its pixels and weights alone.

        Raises
        ------
        ValueError
            If its form is none.
        """
        present = [which for which in range(_CURVES) if record.detail >> which & 1]
        if record.kind is not Kind.HINT or record.detail >> _CURVES:
            raise ValueError("this is no hint")
        knots = _knots(len(present))
        count = knots * len(present)
        places = record.body[: _ENDS * len(present)]
        rest = record.body[_ENDS * len(present) :]
        if len(rest) != -(-count * _BITS // 8) or len(places) != _ENDS * len(present):
            raise ValueError("a hint of another length")
        packed = int.from_bytes(rest, "big")
        numbers = [packed >> _BITS * (count - 1 - i) & (2**_BITS - 1) for i in range(count)]
        factors = np.array(numbers, np.float64).reshape(len(present), knots) / _STEPS_TO_ONE
        return cls(
            record.source,
            {
                which: Curve(places[_ENDS * i], places[_ENDS * i + 1], factors[i])
                for i, which in enumerate(present)
            },
        )


def make_hint(lost: LostPixels) -> Hint:
    """Make the hint of a photo whose original is at hand.

    Parameters
    ----------
    lost : LostPixels
        Its pixels that have lost colour, with the estimates that are to be improved.

    Returns
    -------
    Hint
        With it, the photo is nowhere restored worse than by the naive inversion: neither over all
        pixels nor over those out of gamut, in linear ProPhoto RGB. Where the network's steps do
        harm, it says 0.

    Examples
    --------
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.gamut import reduce
    >>> from core.methods.registry import method
    >>> from core.payload.lost import lost_pixels
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> lost = finished(lost_pixels(reduce(scene), scene, method("letnet-box")))
    >>> make_hint(lost).source.name
    'Rec.2020'
    """
    return _Fit(lost).result()


class _Fit:
    """The curves of a photo, and the normal equations of their factors."""

    def __init__(self, lost: LostPixels) -> None:
        self._lost, self._settings = lost, lost.settings
        metric = matrix_between(SRGB, PROPHOTO, lost.settings.adaptation).astype(np.float64)
        self._inner = metric.T @ metric
        ranges = self._ranges()
        self._present = sorted(ranges)
        self._knots = _knots(len(ranges))
        self._curves = {
            which: Curve(*ranges[which], np.ones(self._knots, np.float64))
            for which in self._present
        }
        size = self._knots * len(ranges)
        self._matrix, self._target = np.zeros((size, size)), np.zeros(size)

    def result(self) -> Hint:
        """Return the hint that comes nearest."""
        source = self._settings.source
        if not self._present:
            return Hint(source, {})
        for part in self._parts(step=-(-len(self._lost.codes) // _FITTED)):
            self._accumulate(part)
        still = {
            which: replace(curve, factors=np.zeros_like(curve.factors))
            for which, curve in self._curves.items()
        }
        nothing = Hint(source, still)
        most = self._errors(nothing)
        for curves in (self._fitted_curves(), self._curves):
            hint = Hint(source, curves)
            if all(ours <= naive for ours, naive in zip(self._errors(hint), most, strict=True)):
                return hint
        return nothing

    def _parts(self, step: int = 1) -> list[slice]:
        """Return stretches of the lost pixels, all of them or every so many."""
        length = step * _AT_ONCE
        starts = range(0, len(self._lost.codes), length)
        return [slice(start, start + length, step) for start in starts]

    def _ranges(self) -> dict[int, tuple[int, int]]:
        ranges: dict[int, tuple[int, int]] = {}
        for part in self._parts():
            codes = self._lost.codes[part]
            bright = _brightness(codes)
            for which, pixels in _ends(codes, self._settings.tolerance).items():
                if pixels.any():
                    low = int(np.floor(255 * bright[pixels].min()))
                    high = int(np.ceil(255 * bright[pixels].max()))
                    before = ranges.get(which, (255, 0))
                    ranges[which] = min(low, before[0]), max(high, before[1])
        return ranges

    def _accumulate(self, part: slice) -> None:
        """Add pixels to the normal equations of the factors.

        A channel's step is weighted by the two knots around its pixel's brightness.
        """
        codes = self._lost.codes[part]
        naive = naive_inversion(codes).astype(np.float64)
        step, lost = self._lost.estimate[part] - naive, self._lost.original[part] - naive
        if self._settings.tolerance > 0.0:
            step *= clipping_weight(codes, self._settings.tolerance)[:, None]
        pull = lost @ self._inner
        bright = _brightness(codes)
        ends = _ends(codes, self._settings.tolerance)
        knots = self._knots
        parts: list[tuple[int, npt.NDArray[np.int64], Doubles]] = []
        for channel in range(3):
            index = np.zeros(len(codes), np.int64)
            share = np.zeros(len(codes))
            moves = np.zeros(len(codes), np.bool_)
            for which in (channel, channel + 3):
                if which not in self._curves:
                    continue
                curve, pixels = self._curves[which], ends[which]
                span = max(curve.last - curve.first, 1)
                place = np.clip((255 * bright[pixels] - curve.first) / span, 0.0, 1.0)
                place *= knots - 1
                below = np.minimum(place.astype(np.int64), knots - 2)
                index[pixels] = self._present.index(which) * knots + below
                share[pixels] = place - below
                moves |= pixels
            value = np.where(moves, step[:, channel], 0.0)
            parts.append((channel, index, value * (1.0 - share)))
            parts.append((channel, index + 1, value * share))
        size = len(self._target)
        for channel, index, value in parts:
            index = np.minimum(index, size - 1)
            self._target += np.bincount(index, value * pull[:, channel], size)
            for other, second, more in parts:
                cell = index * size + np.minimum(second, size - 1)
                sums = np.bincount(cell, self._inner[channel, other] * value * more, size * size)
                self._matrix += sums.reshape(size, size)

    def _fitted_curves(self) -> dict[int, Curve]:
        size = len(self._target)
        # Factors of which the photo says nothing stay near 1.
        mean = max(float(np.trace(self._matrix)) / size, 1e-12)
        matrix = self._matrix + _STABLE * mean * np.eye(size)
        target = self._target + _STABLE * mean
        root = np.linalg.cholesky(matrix)
        right = np.linalg.solve(root, target)
        found = lsq_linear(root.T, right, (0.0, _LARGEST_FACTOR), method="bvls")
        factors = np.rint(found.x * _STEPS_TO_ONE) / _STEPS_TO_ONE
        return {
            which: replace(self._curves[which], factors=part)
            for which, part in zip(
                self._present, np.split(factors, len(self._present)), strict=True
            )
        }

    def _errors(self, hint: Hint) -> tuple[float, float]:
        """Return the squared errors over all pixels and over those out of gamut."""
        settings = self._settings
        everywhere = outside = 0.0
        for part in self._parts():
            codes, original = self._lost.codes[part], self._lost.original[part]
            naive = naive_inversion(codes)
            factors = hint.factors(codes, settings.tolerance)
            scene = naive + factors * (self._lost.estimate[part] - naive)
            values = finish(codes, scene, np.ones(len(codes), np.bool_), settings)
            wanted = convert(original, SRGB, PROPHOTO, settings.adaptation)
            square = np.square(values.astype(np.float64) - wanted).sum(-1)
            everywhere += float(square.sum())
            outside += float(square[out_of_gamut_mask(original)].sum())
        return everywhere, outside


def _brightness(codes: Codes) -> Doubles:
    """Return the fourth root of the mean linear channel, 0..1: even steps for the eye and less."""
    mean = naive_inversion(codes).mean(-1, dtype=np.float64)
    return np.asarray(np.sqrt(np.sqrt(mean)))


def _ends(codes: Codes, tolerance: float) -> dict[int, Mask]:
    """Return which pixels have each channel at 0 (by channel), or at the maximum (3 + channel)."""
    low, high = clipped_channels(codes, tolerance)
    return {
        channel + 3 * upper: mask[..., channel]
        for upper, mask in enumerate((low, high))
        for channel in range(3)
    }


def _knots(curves: int) -> int:
    """Return how many factors each of so many curves may have."""
    if not curves:
        return 0
    return min(_MOST_KNOTS, (8 * (_BODY // curves - _ENDS)) // _BITS)
