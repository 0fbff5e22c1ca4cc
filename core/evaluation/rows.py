"""What was measured of one method on one photo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.metrics import PhotoMetrics, Region

if TYPE_CHECKING:
    from collections.abc import Mapping

ByRegion = dict[Region, float]


@dataclass(frozen=True)
class Row:
    """One photo in one style, restored by one method.

    Attributes
    ----------
    photo, style, method : str
        Names.
    source : str
        Key of the space in which the original's colours lay, or "unknown".
    metrics : PhotoMetrics
        Against the original; its round trip counts codes that are exactly unchanged.
    gain : mapping of Region to float
        PSNR above that of the naive inversion, in dB; nan for an empty region.
    flip, lpips : mapping of Region to float, or None
        None where the metric is not available or was not asked for.
    kept : float
        Share of codes that return within the tolerance of the file: within 0 of a lossless one.
    kept_in_file : float or None
        The same through a written 16-bit ProPhoto file, if it was asked for.
    megapixels, seconds : float
        Size, and elapsed time of the expansion, of a fitting too.
    fitting : float
        How many of the seconds the fitting to the original took.
    payload_size : int
        Bytes of metadata that the photo's file carries for the method.
    peak_memory : int or None
        Bytes that the expansion needed above what the process held before; None where the
        system does not tell.
    steps : float
        Evaluations of the cell per solved tile, on average.
    """

    photo: str
    style: str
    method: str
    source: str
    metrics: PhotoMetrics
    gain: Mapping[Region, float]
    flip: Mapping[Region, float] | None
    lpips: Mapping[Region, float] | None
    kept: float
    kept_in_file: float | None
    megapixels: float
    seconds: float
    fitting: float
    payload_size: int
    peak_memory: int | None
    steps: float

    def as_dict(self) -> dict[str, Any]:
        """Return the row for JSON; nan becomes None."""
        return {
            "photo": self.photo,
            "style": self.style,
            "method": self.method,
            "source": self.source,
            "group": self.metrics.group,
            "metrics": self.metrics.as_dict(),
            "gain": _for_json(self.gain),
            "flip": _for_json(self.flip),
            "lpips": _for_json(self.lpips),
            "kept": self.kept,
            "kept_in_file": self.kept_in_file,
            "megapixels": self.megapixels,
            "seconds": self.seconds,
            "fitting": self.fitting,
            "payload_size": self.payload_size,
            "peak_memory": self.peak_memory,
            "steps": self.steps,
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Row:
        """Return the row from what :meth:`as_dict` returned.

        A gain of infinity, which two identical photos have, comes back as nan.
        """
        changed = {
            "metrics": PhotoMetrics.from_dict(told["metrics"]),
            "gain": _from_json(told["gain"]),
            "flip": _from_json(told["flip"]) if told["flip"] else None,
            "lpips": _from_json(told["lpips"]) if told["lpips"] else None,
        }
        kept = {name: value for name, value in told.items() if name != "group"}
        return cls(**{**kept, **changed})


def _for_json(values: Mapping[Region, float] | None) -> dict[str, float | None] | None:
    if values is None:
        return None
    return {region: value if math.isfinite(value) else None for region, value in values.items()}


def _from_json(told: Mapping[Region, float | None]) -> ByRegion:
    return {region: math.nan if value is None else value for region, value in told.items()}
