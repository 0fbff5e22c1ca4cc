"""Figures of a comparison as rows for the page and for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.comparison import Comparison
    from core.metrics import Region

REGION_NAMES: dict[Region, str] = {
    "all": "All",
    "out_of_gamut": "Out of gamut",
    "in_gamut": "In gamut",
}

HEAD = ["Method", "Region", "PSNR (dB)", "SSIM", "ΔE mean", "ΔE 95 %", "Same codes", "Time (s)"]


def rows(comparison: Comparison) -> list[list[str]]:
    """Return the figures of each method and region as texts, under :data:`HEAD`."""
    table = []
    for restoration in comparison.restorations:
        for region, name in REGION_NAMES.items():
            figures = restoration.metrics.regions[region]
            whole = region == "all"
            table.append(
                [
                    restoration.method if whole else "",
                    name,
                    _text(figures.psnr, 2),
                    _text(figures.ssim, 4),
                    _text(figures.delta_e_mean, 3),
                    _text(figures.delta_e_p95, 3),
                    f"{restoration.metrics.round_trip or 0.0:.4%}" if whole else "",
                    f"{restoration.seconds:.2f}" if whole else "",
                ]
            )
    return table


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return the figures of each method for JSON."""
    height, width = comparison.codes.shape[:2]
    return {
        "width": width,
        "height": height,
        "out_of_gamut_share": float(comparison.out_of_gamut.mean()),
        "methods": {
            restoration.method: {
                **restoration.metrics.as_dict(),
                "steps": restoration.steps,
                "seconds": restoration.seconds,
            }
            for restoration in comparison.restorations
        },
    }


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
