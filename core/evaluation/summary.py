"""Averages over photos: what a table says of a method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.metrics import REGIONS, Group, PhotoMetrics, Region, average

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.evaluation.rows import ByRegion, Row


@dataclass(frozen=True)
class Summary:
    """Averages over photos, each photo counting the same.

    Attributes
    ----------
    style, method : str
        Names.
    group : {"A", "B", "C", "D"} or None
        Photos by their share of out-of-gamut pixels; None for all photos.
    photos : int
        How many.
    metrics : PhotoMetrics
        Means.
    gain : mapping of Region to float
        Mean gain over the naive inversion in dB, over the photos that have the region.
    worst : mapping of Region to (str, float)
        The photo with the smallest gain, and that gain; an empty name where no photo has it.
    flip, lpips : mapping of Region to float, or None
        Means.
    kept, kept_in_file : float, float or None
        The *smallest* share of any photo: a guarantee holds for all or for none.
    seconds_per_megapixel, fitting_per_megapixel : float
        Of all photos together; the fitting's share of it.
    payload_size : float
        Mean.
    peak_memory : int or None
        The largest of any photo.
    steps : float
        Mean.
    """

    style: str
    method: str
    group: Group | None
    photos: int
    metrics: PhotoMetrics
    gain: Mapping[Region, float]
    worst: Mapping[Region, tuple[str, float]]
    flip: Mapping[Region, float] | None
    lpips: Mapping[Region, float] | None
    kept: float
    kept_in_file: float | None
    seconds_per_megapixel: float
    fitting_per_megapixel: float
    payload_size: float
    peak_memory: int | None
    steps: float


def summarise(rows: Iterable[Row], *, by_group: bool = False) -> list[Summary]:
    """Average rows over photos, by style and method.

    Parameters
    ----------
    rows : iterable of Row
        From :func:`evaluate`.
    by_group : bool
        Whether photos are divided by their share of out-of-gamut pixels.

    Returns
    -------
    list of Summary
        In the order in which styles and methods first come; groups from A to D.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> photos = {"small.tif": wide_gamut_chart(8), "large.tif": wide_gamut_chart(9)}
    >>> rows = [row for name in photos for row in evaluate_photo([], name, photos[name], vivid)]
    >>> [(one.style, one.method, one.photos, one.kept) for one in summarise(rows)]
    [('vivid', 'naive', 2, 1.0)]
    """
    parts: dict[tuple[str, str], dict[Group | None, list[Row]]] = {}
    for row in rows:
        groups = parts.setdefault((row.style, row.method), {})
        groups.setdefault(row.metrics.group if by_group else None, []).append(row)
    return [
        _summary(style, method, group, groups[group])
        for (style, method), groups in parts.items()
        for group in sorted(groups, key=str)
    ]


def _summary(style: str, method: str, group: Group | None, rows: list[Row]) -> Summary:
    in_files = [row.kept_in_file for row in rows if row.kept_in_file is not None]
    peaks = [row.peak_memory for row in rows if row.peak_memory is not None]
    megapixels = sum(row.megapixels for row in rows)
    return Summary(
        style=style,
        method=method,
        group=group,
        photos=len(rows),
        metrics=average(row.metrics for row in rows),
        gain=_means([row.gain for row in rows]),
        worst={region: _worst(rows, region) for region in REGIONS},
        flip=_means_where_measured([row.flip for row in rows]),
        lpips=_means_where_measured([row.lpips for row in rows]),
        kept=min(row.kept for row in rows),
        kept_in_file=min(in_files) if in_files else None,
        seconds_per_megapixel=sum(row.seconds for row in rows) / megapixels,
        fitting_per_megapixel=sum(row.fitting for row in rows) / megapixels,
        payload_size=sum(row.payload_size for row in rows) / len(rows),
        peak_memory=max(peaks) if peaks else None,
        steps=sum(row.steps for row in rows) / len(rows),
    )


def _means(measured: Sequence[Mapping[Region, float]]) -> ByRegion:
    means: ByRegion = {}
    for region in REGIONS:
        known = [values[region] for values in measured if not math.isnan(values[region])]
        means[region] = sum(known) / len(known) if known else math.nan
    return means


def _means_where_measured(measured: Sequence[Mapping[Region, float] | None]) -> ByRegion | None:
    known = [values for values in measured if values is not None]
    return _means(known) if known else None


def _worst(rows: Sequence[Row], region: Region) -> tuple[str, float]:
    gains = [(row.gain[region], row.photo) for row in rows if not math.isnan(row.gain[region])]
    if not gains:
        return "", math.nan
    gain, photo = min(gains)
    return photo, gain
