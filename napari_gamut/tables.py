"""Measurements as tables, for the window, the clipboard and files."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

from core.metrics import REGIONS

if TYPE_CHECKING:
    from core.metrics import PhotoMetrics, Region

HEADER = ("Region", "PSNR (dB)", "SSIM", "ΔE mean", "ΔE 95 %", "Pixels")
REGION_NAMES: dict[Region, str] = {
    "all": "All pixels",
    "out_of_gamut": "Out of gamut",
    "in_gamut": "In gamut",
}


def rows_of(metrics: PhotoMetrics) -> list[tuple[str, ...]]:
    """Return a row of texts for each region; “–” where a region holds no pixel."""
    rows: list[tuple[str, ...]] = []
    for region in REGIONS:
        figures = metrics.regions[region]
        rows.append(
            (
                REGION_NAMES[region],
                _text(figures.psnr, 2),
                _text(figures.ssim, 4),
                _text(figures.delta_e_mean, 2),
                _text(figures.delta_e_p95, 2),
                str(figures.pixels),
            )
        )
    return rows


def separated(rows: list[tuple[str, ...]], separator: str = ",") -> str:
    """Return a table as text with its header: commas for files, tabs for the clipboard."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerows([HEADER, *rows])
    return text.getvalue()


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
