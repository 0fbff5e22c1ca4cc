"""Measurements as tables, for the window, the clipboard and files."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.metrics import REGIONS

if TYPE_CHECKING:
    from core.metrics import PhotoMetrics, Region

SUBJECT = ("Photo", "Reference", "Inside")
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


@dataclass(frozen=True)
class Table:
    """Figures of a photo, and what they are of.

    Attributes
    ----------
    photo, reference : str
        Names of the photo and of the original that it was compared with.
    inside : str
        Name of the layer inside of which it was measured; empty for the whole photo.
    rows : list of tuple of str
        As of :func:`rows_of`.
    """

    photo: str
    reference: str
    inside: str = ""
    rows: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What the figures are of, for people."""
        where = f", inside “{self.inside}”" if self.inside else ""
        return f"“{self.photo}” against “{self.reference}”{where}:"

    def separated(self, separator: str = ",") -> str:
        """Return it as text with its header: commas for files, tabs for the clipboard."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        writer.writerow([*SUBJECT, *HEADER])
        writer.writerows([self.photo, self.reference, self.inside, *row] for row in self.rows)
        return text.getvalue()


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
