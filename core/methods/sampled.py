"""Sampled metadata: pixels of the original travel in the file, and polynomials are fitted to them.

Le et al., "Improving Color Space Conversion for Camera-Captured Images via Wide-Gamut
Metadata", CIC 2020. Which channels of a pixel were cut off below and above decides which
polynomial of its sRGB colour gives the wide one; each is fitted to the samples of its case when
the photo is expanded. Degree and number of samples are our choice.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.engine.method import Method, Needs, OriginalMethod, Place, WindowMethod
from core.gamut import Codes, FloatImage, clipped_channels, clipped_mask, naive_inversion

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.colour import Adaptation
    from core.engine.expansion import ExpansionSettings

SAMPLES = 3_800
"""At most: about the 23 KB of GamutMLP."""

_BYTES_PER_SAMPLE = 6
"""Three channels of 16 bits; the places follow from the codes, which are in the file."""

_PER_TERM = 3
_RIDGE = 1e-6

Cases = np.ndarray[tuple[int], np.dtype[np.int64]]


class Sampled(OriginalMethod):
    """Samples of the original, evenly from the clipped pixels.

    Parameters
    ----------
    samples : int
        At most so many.
    """

    name = "sampled"
    summary = "Sampled metadata (Le et al., CIC 2020): a polynomial for each pattern of clipping"
    payload_size = _BYTES_PER_SAMPLE * SAMPLES

    def __init__(self, samples: int = SAMPLES) -> None:
        self.samples = samples
        self.payload_size = _BYTES_PER_SAMPLE * samples

    @property
    def refusal(self) -> str:
        """What people are told where there is no original."""
        return (
            f"{self.name} needs samples of a photo's wide-gamut original; measure it with gamut "
            "evaluate, or choose another method."
        )

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, Method]:
        """Take samples of a photo; see :meth:`core.engine.method.Method.fitted`."""
        places = np.flatnonzero(clipped_mask(codes, tolerance))
        places = places[:: max(1, -(-len(places) // self.samples))]
        prophoto = convert(original.reshape(-1, 3)[places], SRGB, PROPHOTO, adaptation)
        # What travels is rounded to 16 bits, as any wide-gamut file is.
        stored = np.rint(65535 * PROPHOTO.encode(np.clip(prophoto, 0.0, 1.0))) / 65535
        wide = convert(PROPHOTO.decode(stored), PROPHOTO, SRGB, adaptation)
        yield 1, 1
        return FittedSamples(codes.reshape(-1, 3)[places], wide, tolerance).renamed(self.name)


class FittedSamples(WindowMethod):
    """Polynomials that were fitted to the samples of one photo.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (N, 3)
        sRGB codes of the samples.
    wide : ndarray, floating, shape (N, 3)
        Their colours, scene-linear sRGB.
    tolerance : float
        Noise of the codes of a lossy file, in 8-bit codes.
    """

    name = Sampled.name
    summary = Sampled.summary
    needs = Needs.PAYLOAD

    def __init__(self, codes: Codes, wide: FloatImage, tolerance: float) -> None:
        self.payload_size = _BYTES_PER_SAMPLE * len(codes)
        self._tolerance = tolerance
        naive = naive_inversion(codes)
        cases = _cases(codes, tolerance)
        self._polynomials = {
            int(case): _polynomial(naive[cases == case], (wide - naive)[cases == case])
            for case in np.unique(cases)
        }

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Estimate the colours of a window; where no channel was cut off, they are known."""
        codes = window.reshape(-1, 3)
        scene = naive_inversion(codes)
        cases = _cases(codes, self._tolerance)
        clipped = clipped_mask(codes, self._tolerance)
        for case, coefficients in self._polynomials.items():
            chosen = clipped & (cases == case)
            degree = _DEGREES[len(coefficients)]
            scene[chosen] += _terms(scene[chosen], degree) @ coefficients
        return scene.reshape(window.shape)


def _cases(codes: Codes, tolerance: float) -> Cases:
    """Return which channels were cut off below, above or not at all: a number of three digits."""
    low, high = clipped_channels(codes, tolerance)
    digits = 1 + high.astype(np.int64) - low.astype(np.int64)
    cases: Cases = digits @ np.array([9, 3, 1])
    return cases


def _polynomial(naive: FloatImage, lost: FloatImage) -> FloatImage:
    """Fit the highest degree for which there are enough samples; (terms, 3) coefficients."""
    degree = max(d for terms, d in _DEGREES.items() if d == 0 or len(naive) >= _PER_TERM * terms)
    terms = _terms(naive, degree).astype(np.float64)
    gram = terms.T @ terms
    gram += _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    coefficients: FloatImage = np.linalg.solve(gram, terms.T @ lost).astype(np.float32)
    return coefficients


def _terms(naive: FloatImage, degree: int) -> FloatImage:
    """Return all products of up to `degree` channels, shape (N, terms)."""
    columns = [np.ones(len(naive), np.float32)]
    for power in range(1, degree + 1):
        for channels in combinations_with_replacement(range(3), power):
            columns.append(naive[:, channels].prod(axis=1))
    return np.stack(columns, axis=1)


_DEGREES = {1: 0, 4: 1, 10: 2, 20: 3}
"""Degree by number of terms."""
