"""The tables of an evaluation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.evaluation.report import Cell, Column, Table
from core.methods.registry import NAIVE
from core.metrics import REGIONS, Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.engine.method import Method
    from core.evaluation.protocol import EvaluationSettings
    from core.evaluation.rows import Row
    from core.evaluation.summary import Summary

_REGION_TITLES: dict[Region, str] = {"all": "all", "out_of_gamut": "out", "in_gamut": "in"}


def quality_table(summaries: Sequence[Summary], settings: EvaluationSettings) -> Table:
    """Return the figures of each style and method: the averages over all photos.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.evaluation.summary import summarise
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = list(evaluate_photo([], "chart.tif", wide_gamut_chart(8), vivid))
    >>> table = quality_table(summarise(rows), vivid)
    >>> [column.title for column in table.columns][:4]
    ['Style', 'Method', 'Photos', 'PSNR all (dB)']
    >>> table.rows[0][:3]
    ('vivid', 'naive', 1)
    """
    columns = (
        Column("Style"),
        Column("Method"),
        Column("Photos"),
        *(Column(f"PSNR {title} (dB)") for title in _REGION_TITLES.values()),
        Column("Gain all (dB)", signed=True),
        Column("Gain out (dB)", signed=True),
        Column("Worst gain (dB)", signed=True),
        Column("SSIM all", 4),
        Column("SSIM out", 4),
        Column("ΔE2000 all"),
        Column("ΔE2000 out"),
        Column("ΔE2000 out, p95"),
        Column("FLIP", 4),
        Column("LPIPS", 4),
        Column("Codes kept (%)", 4),
    )
    rows = tuple(_quality(summary) for summary in summaries)
    return Table(f"Quality ({_conditions(settings)})", columns, rows)


def worst_table(summaries: Sequence[Summary]) -> Table:
    """Return, for each style and method, the photo that gained least.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.evaluation.summary import summarise
    >>> from core.methods.soft_clip import SoftClip
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = list(evaluate_photo([SoftClip()], "chart.tif", wide_gamut_chart(8), vivid))
    >>> [row[:4] for row in worst_table(summarise(rows)).rows]
    [('vivid', 'soft-clip', 'all', 'chart.tif'), ('vivid', 'soft-clip', 'out', 'chart.tif')]
    """
    columns = (
        Column("Style"),
        Column("Method"),
        Column("Region"),
        Column("Photo"),
        Column("Gain (dB)", signed=True),
    )
    regions: tuple[Region, ...] = ("all", "out_of_gamut")
    rows: list[tuple[Cell, ...]] = []
    for summary in (s for s in summaries if s.method != NAIVE):
        for region in regions:
            photo, gain = summary.worst[region]
            rows.append((summary.style, summary.method, _REGION_TITLES[region], photo, gain))
    return Table("Photos that gained least", columns, tuple(rows))


def group_table(summaries: Sequence[Summary]) -> Table:
    """Return the figures by the photos' share of out-of-gamut pixels: groups A to D.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.evaluation.summary import summarise
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = list(evaluate_photo([], "chart.tif", wide_gamut_chart(8), vivid))
    >>> [row[:4] for row in group_table(summarise(rows, by_group=True)).rows]
    [('vivid', 'naive', 'B', 1)]
    """
    columns = (
        Column("Style"),
        Column("Method"),
        Column("Group"),
        Column("Photos"),
        *(Column(f"PSNR {title} (dB)") for title in _REGION_TITLES.values()),
        Column("Gain all (dB)", signed=True),
        Column("Gain out (dB)", signed=True),
        Column("ΔE2000 out"),
    )
    rows: list[tuple[Cell, ...]] = []
    for summary in summaries:
        regions = summary.metrics.regions
        rows.append(
            (
                *(summary.style, summary.method, summary.group or "", summary.photos),
                *(regions[region].psnr for region in REGIONS),
                *(summary.gain["all"], summary.gain["out_of_gamut"]),
                regions["out_of_gamut"].delta_e_mean,
            )
        )
    return Table("By share of out-of-gamut pixels (A below 25 %, B, C, D)", columns, tuple(rows))


def cost_table(summaries: Sequence[Summary], methods: Sequence[Method]) -> Table:
    """Return what each method costs.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.evaluation.summary import summarise
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = list(evaluate_photo([], "chart.tif", wide_gamut_chart(8), vivid))
    >>> [row[:4] for row in cost_table(summarise(rows), methods(["naive"])).rows]
    [('vivid', 'naive', 0, 0)]
    """
    parameters = {method.name: method.parameters for method in methods}
    columns = (
        Column("Style"),
        Column("Method"),
        Column("Parameters"),
        Column("Metadata (bytes)"),
        Column("Seconds per megapixel"),
        Column("of these fitting"),
        Column("Peak memory (MB)", 0),
        Column("Solver steps", 1),
    )
    rows = tuple(
        (
            summary.style,
            summary.method,
            parameters.get(summary.method, 0),
            round(summary.payload_size),
            summary.seconds_per_megapixel,
            summary.fitting_per_megapixel,
            None if summary.peak_memory is None else summary.peak_memory / 1e6,
            summary.steps,
        )
        for summary in summaries
    )
    return Table("Cost", columns, rows)


def complete_table(
    whole: Sequence[Summary], groups: Sequence[Summary], methods: Sequence[Method]
) -> Table:
    """Return every figure in one table, a row for each style, method, group and region.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.evaluation.summary import summarise
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = list(evaluate_photo([], "chart.tif", wide_gamut_chart(8), vivid))
    >>> table = complete_table(summarise(rows), [], methods(["naive"]))
    >>> [row[:5] for row in table.rows]  # doctest: +NORMALIZE_WHITESPACE
    [('vivid', 'naive', 'all', 'all', 1), ('vivid', 'naive', 'all', 'out_of_gamut', 1),
        ('vivid', 'naive', 'all', 'in_gamut', 1)]
    """
    parameters = {method.name: method.parameters for method in methods}
    titles = (
        *("style", "method", "group", "region", "photos", "pixels"),
        *("psnr", "gain", "worst_gain", "worst_photo", "rmse", "ssim"),
        *("delta_e_mean", "delta_e_p95", "flip", "lpips"),
        *("round_trip", "codes_kept", "codes_kept_in_file"),
        *("parameters", "payload_bytes", "seconds_per_megapixel", "fitting_per_megapixel"),
        *("peak_memory_bytes", "solver_steps"),
    )
    rows: list[tuple[Cell, ...]] = []
    for summary in (*whole, *groups):
        for region in REGIONS:
            figures = summary.metrics.regions[region]
            photo, worst = summary.worst[region]
            rows.append(
                (
                    *(summary.style, summary.method, summary.group or "all", region),
                    *(summary.photos, figures.pixels),
                    *(figures.psnr, summary.gain[region], worst, photo),
                    *(figures.rmse, figures.ssim, figures.delta_e_mean, figures.delta_e_p95),
                    *(_of(summary.flip, region), _of(summary.lpips, region)),
                    *(summary.metrics.round_trip, summary.kept, summary.kept_in_file),
                    *(parameters.get(summary.method, 0), summary.payload_size),
                    *(summary.seconds_per_megapixel, summary.fitting_per_megapixel),
                    *(summary.peak_memory, summary.steps),
                )
            )
    return Table("Evaluation", tuple(Column(title, 6) for title in titles), tuple(rows))


def source_table(rows: Sequence[Row]) -> Table:
    """Return the gains by the space in which the originals' colours lay.

    Examples
    --------
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.methods.soft_clip import SoftClip
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = list(evaluate_photo([SoftClip()], "chart.tif", wide_gamut_chart(8), vivid))
    >>> [row[:4] for row in source_table(rows).rows]
    [('vivid', 'prophoto', 'soft-clip', 1)]
    """
    kinds: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.method != NAIVE:
            kinds.setdefault((row.style, row.source, row.method), []).append(row)
    lines: list[tuple[Cell, ...]] = []
    for (style, source, method), members in sorted(kinds.items()):
        gains = [
            [row.gain[region] for row in members if not math.isnan(row.gain[region])]
            for region in ("all", "out_of_gamut")
        ]
        means = [sum(values) / len(values) if values else math.nan for values in gains]
        lines.append((style, source, method, len(members), *means, min(gains[0], default=math.nan)))
    columns = (
        *(Column(title) for title in ("Style", "Source gamut", "Method", "Photos")),
        Column("Gain all (dB)", signed=True),
        Column("Gain out of gamut (dB)", signed=True),
        Column("Worst (dB)", signed=True),
    )
    return Table("By source gamut", columns, tuple(lines))


def _quality(summary: Summary) -> tuple[Cell, ...]:
    everywhere = summary.metrics.regions["all"]
    outside = summary.metrics.regions["out_of_gamut"]
    kept = summary.kept if summary.kept_in_file is None else min(summary.kept, summary.kept_in_file)
    return (
        summary.style,
        summary.method,
        summary.photos,
        *(summary.metrics.regions[region].psnr for region in REGIONS),
        summary.gain["all"],
        summary.gain["out_of_gamut"],
        summary.worst["all"][1],
        everywhere.ssim,
        outside.ssim,
        everywhere.delta_e_mean,
        outside.delta_e_mean,
        outside.delta_e_p95,
        _of(summary.flip, "all"),
        _of(summary.lpips, "all"),
        100.0 * kept,
    )


def _of(values: Mapping[Region, float] | None, region: Region) -> float:
    return math.nan if values is None else values[region]


def _conditions(settings: EvaluationSettings) -> str:
    protocol = settings.protocol
    parts = [protocol.adaptation, "projected" if protocol.project else "not projected"]
    parts.append("source known" if settings.source_known else "blind")
    if settings.jpeg_quality is not None:
        parts.append(f"JPEG quality {settings.jpeg_quality}, {':'.join(settings.subsampling)}")
    if settings.written:
        parts.append("codes also through the written file")
    return ", ".join(parts)
