"""Figures of a comparison for the page and for programs."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.evaluation.comparison import Comparison, Restoration
    from core.metrics import Region
    from gradio_app.results import Compared

REGION_NAMES: dict[Region, str] = {
    "all": "All",
    "out_of_gamut": "Out of gamut",
    "in_gamut": "In gamut",
}

_HEAD = ("Method", "Region", "PSNR (dB)", "SSIM", "ΔE mean", "ΔE 95 %", "Same codes", "Time (s)")
_CAPTION = "Against the original, on linear ProPhoto"


def markup(comparison: Comparison) -> str:
    """Return the figures of each method and region as an HTML table, which may be wide."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in _HEAD)
    bodies = "".join(f"<tbody>{_body(one)}</tbody>" for one in comparison.restorations)
    return (
        f'<div class="table" role="region" tabindex="0" aria-label="{_CAPTION}">'
        f"<table><caption>{_CAPTION}</caption><thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def _body(restoration: Restoration) -> str:
    size = len(REGION_NAMES)
    method = f'<th scope="rowgroup" rowspan="{size}">{html.escape(restoration.method)}</th>'
    whole = [_percent(restoration.metrics.round_trip or 0.0), f"{restoration.seconds:.2f}"]
    rows = []
    for number, (region, name) in enumerate(REGION_NAMES.items()):
        figures = restoration.metrics.regions[region]
        cells = [
            _text(figures.psnr, 2),
            _text(figures.ssim, 4),
            _text(figures.delta_e_mean, 3),
            _text(figures.delta_e_p95, 3),
            *(whole if number == 0 else ["", ""]),
        ]
        values = "".join(f"<td>{cell}</td>" for cell in cells)
        first = method if number == 0 else ""
        rows.append(f'<tr>{first}<th scope="row">{name}</th>{values}</tr>')
    return "".join(rows)


def as_dict(comparison: Comparison) -> Compared:
    """Return the figures of each method for JSON."""
    height, width = comparison.codes.shape[:2]
    return {
        "width": width,
        "height": height,
        "out_of_gamut_share": float(comparison.out_of_gamut.mean()),
        "methods": {
            restoration.method: {
                **restoration.metrics.as_dict(),  # type: ignore[typeddict-item]
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


def _percent(value: float) -> str:
    """Return a share; it is 100% only if it is the whole."""
    return "100%" if value == 1.0 else f"{math.floor(1e6 * value) / 1e4:.4f}%"
