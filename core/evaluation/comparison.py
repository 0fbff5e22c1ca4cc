"""Several methods on one wide-gamut photo: reduce it, restore it, measure and keep the results."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import expansion
from core.engine.method import Needs
from core.evaluation.protocol import EvaluationSettings, reduced
from core.metrics import PhotoMetrics, compare, delta_e_map
from core.progress import scaled

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from core.engine.method import Method
    from core.gamut import Codes, FloatImage, Mask
    from core.progress import Check

_PART = 100
"""What a method counts in the progress."""

_FITTING = 90
"""What fitting counts of it, where a network is fitted."""


@dataclass(frozen=True, eq=False)
class Restoration:
    """What one method made of the photo.

    Attributes
    ----------
    method : str
        Its name.
    values : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.
    metrics : PhotoMetrics
        Against the original.
    delta_e : ndarray, float32, shape (H, W)
        CIEDE2000 to the original.
    steps : float
        Evaluations of the cell per solved tile, on average.
    seconds : float
        Elapsed time of the expansion.
    """

    method: str
    values: FloatImage
    metrics: PhotoMetrics
    delta_e: FloatImage
    steps: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """A photo restored by several methods.

    Attributes
    ----------
    original : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.
    codes : ndarray, uint8, shape (H, W, 3)
        The sRGB codes it was reduced to.
    out_of_gamut : ndarray, bool, shape (H, W)
        Pixels of the original that sRGB cannot hold.
    restorations : tuple of Restoration
        In the order of the methods.
    """

    original: FloatImage
    codes: Codes
    out_of_gamut: Mask
    restorations: tuple[Restoration, ...]


def compare_methods(
    original: FloatImage,
    methods: Sequence[Method],
    settings: EvaluationSettings | None = None,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, Comparison]:
    """Reduce a photo and restore it with several methods.

    Parameters
    ----------
    original : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.
    methods : sequence of Method
        At least one.
    settings : EvaluationSettings, optional
        Protocol, JPEG and expansion.
    check : callable, optional
        Called often, before each iteration of a solver, too; what it raises gives up the work.

    Yields
    ------
    (int, int)
        How much of the work on all methods is done, of how much in all. Closing the generator
        cancels the work.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> found = finished(compare_methods(wide_gamut_chart(8), methods(["naive", "letnet-box"])))
    >>> naive, letnet = (one.metrics.regions["out_of_gamut"].psnr for one in found.restorations)
    >>> letnet > naive
    True
    """
    settings = settings or EvaluationSettings()
    codes, outside = reduced(original, settings)
    adaptation = settings.protocol.adaptation
    scene = convert(original, PROPHOTO, SRGB, adaptation)
    restorations: list[Restoration] = []
    end = _PART * len(methods)
    for number, method in enumerate(methods):
        begin = _PART * number
        share = _FITTING if method.needs is Needs.ORIGINAL else 0
        started = time.perf_counter()
        own = codes if method.clips else reduced(original, settings, method)[0]
        fitting = method.fitted(own, scene, settings.tolerance, adaptation)
        fitted = yield from scaled(fitting, begin, begin + share, end)
        work = expansion(own, fitted, settings.expansion_settings(method), check)
        expanded = yield from scaled(work, begin + share, begin + _PART, end)
        seconds = time.perf_counter() - started
        values, tiles = expanded.values, expanded.tiles
        restorations.append(
            Restoration(
                method.name,
                values,
                compare(original, values, outside, codes=own, adaptation=adaptation),
                delta_e_map(original, values),
                sum(tile.steps for tile in tiles) / max(len(tiles), 1),
                seconds,
            )
        )
    return Comparison(original, codes, outside, tuple(restorations))
