"""The tables of a benchmark's page, modelled on those of the papers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from core.engine.method import Needs
from core.evaluation.report import Column, Table
from core.methods.registry import NAIVE
from core.metrics import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.engine.method import Method
    from core.evaluation.cost import Cost
    from core.evaluation.report import Cell
    from core.evaluation.summary import Summary

_KNOWS = {
    Needs.NOTHING: "nothing",
    Needs.WEIGHTS: "weights",
    Needs.ORIGINAL: "the original",
    Needs.PAYLOAD: "the file",
}
_CONDITIONS = {"paper": "as published: CAT02, not projected", "box": "Bradford, projected"}


def quality_table(
    summaries: Sequence[Summary], style: str, protocol: str, methods: Sequence[Method]
) -> Table:
    """Return table 1 of both papers; untrained networks have a row without figures.

    Examples
    --------
    >>> from core.methods.registry import methods
    >>> table = quality_table([], "vivid", "box", methods(["swinir"]))
    >>> table.title, table.rows[0][0]
    ('vivid, Bradford, projected; 0 photos', 'swinir (not trained)')
    """
    known = {method.name: method for method in methods}
    mine = sorted(
        (summary for summary in summaries if summary.style == style),
        key=lambda one: (one.payload_size > 0, one.method != NAIVE, -one.gain["out_of_gamut"]),
    )
    columns = (
        Column("Method"),
        Column("Gain out (dB)", signed=True),
        Column("Gain all (dB)", signed=True),
        Column("Worst gain (dB)", signed=True),
        Column("Metadata (bytes)", 0),
        Column("PSNR all (dB)"),
        Column("PSNR out (dB)"),
        Column("SSIM all", 4),
        Column("SSIM out", 4),
        Column("ΔE2000 all"),
        Column("ΔE2000 out"),
        Column("FLIP", 4),
        Column("LPIPS", 4),
        Column("Codes kept (%)", 2),
        Column("Knows"),
    )
    rows: list[tuple[Cell, ...]] = []
    for one in mine:
        everywhere, outside = (one.metrics.regions[r] for r in ("all", "out_of_gamut"))
        knows = _KNOWS[known[one.method].needs] if one.method in known else "nothing"
        rows.append(
            (
                *(one.method, one.gain["out_of_gamut"], one.gain["all"], one.worst["all"][1]),
                *(round(one.payload_size), everywhere.psnr, outside.psnr),
                *(everywhere.ssim, outside.ssim),
                *(everywhere.delta_e_mean, outside.delta_e_mean),
                math.nan if one.flip is None else one.flip["all"],
                math.nan if one.lpips is None else one.lpips["all"],
                *(100.0 * one.kept, knows),
            )
        )
    for method in methods:
        if not method.trained:
            nothing = (math.nan,) * (len(columns) - 2)
            rows.append((f"{method.name} (not trained)", *nothing, "weights"))
    shown = [place for place, _ in enumerate(columns) if _has_figures(rows, place)]
    photos = mine[0].photos if mine else 0
    return Table(
        f"{style}, {_CONDITIONS[protocol]}; {photos} photos",
        tuple(columns[place] for place in shown),
        tuple(tuple(row[place] for place in shown) for row in rows),
    )


def _has_figures(rows: Sequence[Sequence[Cell]], place: int) -> bool:
    values = [row[place] for row in rows]
    return any(not (isinstance(value, float) and math.isnan(value)) for value in values)


def group_table(summaries: Sequence[Summary], style: str, protocol: str) -> Table:
    """Return table 2 of LETNet's paper: gains out of gamut by group.

    Examples
    --------
    >>> table = group_table([], "vivid", "box")
    >>> [column.title for column in table.columns][:3]
    ['Method', 'A (0) out (dB)', 'B (0) out (dB)']
    """
    found: dict[str, dict[str, Summary]] = {}
    for summary in summaries:
        if summary.style == style and summary.group is not None:
            found.setdefault(summary.method, {})[summary.group] = summary
    counts = {
        group: next((by[group].photos for by in found.values() if group in by), 0)
        for group in GROUPS
    }
    columns = (
        Column("Method"),
        *(Column(f"{group} ({counts[group]}) out (dB)") for group in GROUPS),
        *(Column(f"{group} ΔE2000 out") for group in GROUPS),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            method,
            *(by[g].metrics.regions["out_of_gamut"].psnr if g in by else math.nan for g in GROUPS),
            *(
                by[g].metrics.regions["out_of_gamut"].delta_e_mean if g in by else math.nan
                for g in GROUPS
            ),
        )
        for method, by in found.items()
    ]
    title = f"{style}, {_CONDITIONS[protocol]}: PSNR and ΔE2000 out of gamut"
    return Table(title, columns, tuple(rows))


def cost_table(methods: Sequence[Method], summaries: Mapping[str, Sequence[Summary]]) -> Table:
    """Return table 3: weights, metadata, time and memory.

    Examples
    --------
    >>> from core.methods.registry import methods
    >>> table = cost_table(methods(["letnet", "gamut-mlp"]), {})
    >>> [row[:2] for row in table.rows]
    [('letnet', 39108), ('gamut-mlp', 21631)]
    """
    found: dict[str, list[Summary]] = {}
    for every in summaries.values():
        for summary in every:
            found.setdefault(summary.method, []).append(summary)
    columns = (
        Column("Method"),
        Column("Weights"),
        Column("Metadata (bytes)", 0),
        Column("Fitting (s per megapixel)"),
        Column("Restoring (s per megapixel)"),
        Column("Most memory, of any photo (MB)", 0),
        Column("Solver steps", 1),
    )
    rows: list[tuple[Cell, ...]] = []
    for method in methods:
        mine = found.get(method.name, [])
        if not mine:
            rows.append((method.name, method.parameters, *(math.nan,) * 5))
            continue
        fitting = sum(one.fitting_per_megapixel for one in mine) / len(mine)
        seconds = sum(one.seconds_per_megapixel for one in mine) / len(mine)
        peaks = [one.peak_memory for one in mine if one.peak_memory is not None]
        rows.append(
            (
                method.name,
                method.parameters,
                round(sum(one.payload_size for one in mine) / len(mine)),
                fitting if fitting else math.nan,
                seconds - fitting,
                max(peaks) / 1e6 if peaks else math.nan,
                mine[0].steps if mine[0].steps > 1.0 else math.nan,
            )
        )
    return Table("Cost on the photos", columns, tuple(rows))


def size_table(costs: Sequence[Cost]) -> Table:
    """Return what networks cost by the size of the photo.

    Examples
    --------
    >>> from core.evaluation.cost import Cost
    >>> table = size_table([Cost("letnet", 512, 1.5, 90_000_000), Cost("letnet", 1024, 6.0, None)])
    >>> [column.title for column in table.columns]
    ['Network', '512² (s)', '1024² (s)', '512² (MB)', '1024² (MB)']
    >>> table.rows
    (('letnet', 1.5, 6.0, 90.0, nan),)
    """
    sides = sorted({cost.side for cost in costs})
    columns = (
        Column("Network"),
        *(Column(f"{side}² (s)") for side in sides),
        *(Column(f"{side}² (MB)", 0) for side in sides),
    )
    found = {(cost.method, cost.side): cost for cost in costs}
    rows: list[tuple[Cell, ...]] = []
    for method in dict.fromkeys(cost.method for cost in costs):
        mine = [found.get((method, side)) for side in sides]
        peaks = [None if one is None else one.peak_memory for one in mine]
        rows.append(
            (
                method,
                *(math.nan if one is None else one.seconds for one in mine),
                *(math.nan if peak is None else peak / 1e6 for peak in peaks),
            )
        )
    return Table("Cost by size, of charts that are clipped everywhere", columns, tuple(rows))


def budget_table(
    budgets: Sequence[Mapping[str, Any]],
    methods: Sequence[Method],
    summaries: Mapping[str, Sequence[Summary]],
) -> Table:
    """Return what each network reached within its budget of training.

    Parameters
    ----------
    budgets : sequence of dict
        Reports of ``gamut train-rival``; ``"method"`` in each is the name under which its weights
        were measured, which others of the same network may have taken.
    methods, summaries
        The methods, and what was measured of them by protocol.

    Examples
    --------
    >>> spent = {"network": "gamutnet", "method": "gamutnet", "cpu_seconds": 1800.0, "steps": 900}
    >>> budget_table([spent], [], {}).rows
    ()
    """
    parameters = {method.name: method.parameters for method in methods}
    columns = (
        Column("Network"),
        Column("Weights"),
        Column("Budget (CPU minutes)", 1),
        Column("Steps"),
        Column("Style"),
        Column("Protocol"),
        Column("Gain all (dB)", signed=True),
        Column("Gain out (dB)", signed=True),
        Column("Worst gain (dB)", signed=True),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            *(report["network"], parameters.get(report["method"], 0)),
            *(report["cpu_seconds"] / 60.0, report["steps"], one.style, protocol),
            *(one.gain["all"], one.gain["out_of_gamut"], one.worst["all"][1]),
        )
        for report in budgets
        for protocol, every in summaries.items()
        for one in every
        if one.method == report["method"]
    ]
    return Table("Trained on an equal budget", columns, tuple(rows))


def ablation_table(outcomes: Sequence[Mapping[str, Any]]) -> Table:
    """Return table 4 of LETNet's paper, from what ``gamut ablate`` wrote.

    Examples
    --------
    >>> outcome = {
    ...     "variant": "no attention",
    ...     "style": "vivid",
    ...     "parameters": 39_000,
    ...     "gain_all": 1.2,
    ...     "gain_out_of_gamut": 1.6,
    ...     "saved_bytes": 8_000_000,
    ...     "seconds_per_step": 0.4,
    ... }
    >>> ablation_table([outcome]).rows
    (('no attention', 'vivid', 39000, 1.2, 1.6, 8.0, 0.4),)
    """
    columns = (
        Column("Variant"),
        Column("Style"),
        Column("Weights"),
        Column("Gain all (dB)", signed=True),
        Column("Gain out (dB)", signed=True),
        Column("Saved for backward (MB)", 1),
        Column("Seconds per step", 3),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            *(outcome["variant"], outcome["style"], outcome["parameters"]),
            *(outcome["gain_all"], outcome["gain_out_of_gamut"]),
            *(outcome["saved_bytes"] / 1e6, outcome["seconds_per_step"]),
        )
        for outcome in outcomes
    ]
    return Table("Ablations", columns, tuple(rows))
