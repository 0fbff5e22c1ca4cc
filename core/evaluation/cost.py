"""What a method costs on photos of certain sizes, whether it has been trained or not."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.evaluation.peak_memory import PeakMemory
from core.gamut import reduce
from core.methods.image_network import ImageNetworkMethod, with_random_weights
from core.pictures.chart import wide_gamut_chart

if TYPE_CHECKING:
    from core.engine.method import Method
    from core.gamut import Codes

_WARM_UP = 64


@dataclass(frozen=True)
class Cost:
    """What restoring one photo took.

    Attributes
    ----------
    method : str
        Its name.
    side : int
        Of the square photo, in pixels.
    seconds : float
        Elapsed time.
    peak_memory : int or None
        Bytes above what the process held before; None where the system does not tell.
    """

    method: str
    side: int
    seconds: float
    peak_memory: int | None


def cost_of(method: Method, side: int, settings: ExpansionSettings) -> Cost:
    """Restore a chart all of whose tiles hold clipped pixels.

    Parameters
    ----------
    method : Method
        One that needs nothing but the codes. An image network without weights gets random ones,
        which cost the same.
    side : int
        Of the chart, in pixels.
    settings : ExpansionSettings
        Tile, device, precision.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> cost = cost_of(method("letnet-box"), 32, ExpansionSettings())
    >>> cost.method, cost.side, cost.seconds > 0.0
    ('letnet-box', 32, True)
    """
    if isinstance(method, ImageNetworkMethod) and not method.trained:
        method = with_random_weights(method)
    codes = chart_codes(side)
    expand(codes[:_WARM_UP, :_WARM_UP], method, settings)
    with PeakMemory() as peak:
        started = time.perf_counter()
        expand(codes, method, replace(settings, project=True))
        seconds = time.perf_counter() - started
    return Cost(method.name, side, seconds, peak.bytes)


def chart_codes(side: int) -> Codes:
    """Return the sRGB codes of a square of charts (uint8, shape (side, side, 3)).

    Examples
    --------
    >>> chart_codes(1000).shape
    (1000, 1000, 3)
    """
    codes = reduce(convert(wide_gamut_chart(), PROPHOTO, SRGB))
    height, width, _ = codes.shape
    tiled = np.tile(codes, (-(-side // height), -(-side // width), 1))
    return np.ascontiguousarray(tiled[:side, :side])
