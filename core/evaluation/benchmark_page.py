"""The page of a benchmark: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import functools
import io
import math
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from core.colour import DISPLAY_P3
from core.engine.method import Needs
from core.evaluation.figures import draw_convergence, draw_errors
from core.evaluation.report import Column, Table, html
from core.evaluation.summary import Summary, summarise
from core.files.profile import icc_profile
from core.methods.registry import NAIVE
from core.metrics import GROUPS
from core.pictures import (
    chromaticity_figure,
    figure_bytes,
    heat_map,
    payload_figure,
    shared_limits,
)
from core.pictures.payload_curve import PayloadPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from core.engine.method import Method
    from core.evaluation.benchmark import Measured
    from core.evaluation.cost import Cost
    from core.evaluation.figures import ConvergenceData
    from core.evaluation.report import Cell
    from core.network.solver import SolverSettings
    from core.pictures import ThemeName

_KNOWS = {
    Needs.NOTHING: "nothing",
    Needs.WEIGHTS: "weights",
    Needs.ORIGINAL: "the original",
    Needs.PAYLOAD: "the file",
}
_NEEDED_FILES = {"paper": "as published: CAT02, not projected", "box": "Bradford, projected"}
_SHOWN_GAMUTS = 4
_FINEST_DELTA_E = 2.0
_DOTS = 130
_COLOURS = 96


@dataclass(frozen=True)
class Claim:
    """A figure that a paper publishes.

    Attributes
    ----------
    paper : str
        Which.
    what : str
        Of what.
    says : str
        The figure with its unit.
    measured : callable
        Returns ours, from the methods by name and the summaries; an empty text if there is none.
    """

    paper: str
    what: str
    says: str
    measured: Callable[[Mapping[str, Method], Sequence[Summary]], str]


def _weights(name: str) -> Callable[[Mapping[str, Method], Sequence[Summary]], str]:
    def measured(methods: Mapping[str, Method], summaries: Sequence[Summary]) -> str:
        return f"{methods[name].parameters:,}" if name in methods else ""

    return measured


def _figure(
    name: str, of: Callable[[Summary], float], form: str
) -> Callable[[Mapping[str, Method], Sequence[Summary]], str]:
    def measured(methods: Mapping[str, Method], summaries: Sequence[Summary]) -> str:
        found = [summary for summary in summaries if summary.method == name]
        return "; ".join(f"{form.format(of(one))} {one.style}" for one in found)

    return measured


_GAMUT_MLP = "Le et al., CVPR 2023"
_LETNET = "Xiao et al., ECCV 2024"
CLAIMS = (
    Claim(
        _GAMUT_MLP,
        "GamutMLP, 23 KB, from scratch: gain over clipping, out of gamut",
        "+5.09 dB",
        _figure("gamut-mlp-paper", lambda one: one.gain["out_of_gamut"], "{:+.2f} dB"),
    ),
    Claim(
        _GAMUT_MLP,
        "GamutMLP: metadata",
        "23 KB (with the padding of its library)",
        _figure("gamut-mlp-paper", lambda one: one.payload_size / 1e3, "{:.1f} KB"),
    ),
    Claim(
        _GAMUT_MLP,
        "GamutMLP: fitting, of a whole photo",
        "about 2 s from its learned start, on a GPU",
        _figure(
            "gamut-mlp-paper",
            lambda one: one.fitting_per_megapixel,
            "{:.0f} s per megapixel from scratch",
        ),
    ),
    Claim(_LETNET, "GamutNet: weights", "4.4 million", _weights("gamutnet")),
    Claim(_LETNET, "SwinIR: weights", "3.1 million", _weights("swinir")),
    Claim(_LETNET, "Restormer: weights", "26.1 million", _weights("restormer")),
    Claim(_LETNET, "LETNet: weights", "about 40,000", _weights("letnet")),
)
"""What the two papers say that can be set beside what is measured on other photos."""


@dataclass(frozen=True)
class Shown:
    """A photo on the page.

    Attributes
    ----------
    name : str
        Its title.
    pictures : mapping of str to Path
        From :func:`core.evaluation.benchmark.pictures_of`.
    """

    name: str
    pictures: Mapping[str, Path]


@dataclass(frozen=True)
class Converged:
    """What the iterations of a network are worth on a photo.

    Attributes
    ----------
    photo, method : str
        Names.
    data : ConvergenceData
        What was measured.
    solver : SolverSettings
        Whose tolerance is marked.
    """

    photo: str
    method: str
    data: ConvergenceData
    solver: SolverSettings


@dataclass(frozen=True)
class Content:
    """What a page shows.

    Attributes
    ----------
    photos : int
        How many were measured.
    methods : sequence of Method
        In the order in which they were asked for.
    measured : sequence of Measured
        All figures.
    costs : sequence of Cost
        What networks cost.
    shown : sequence of Shown
        Photos with pictures.
    converged : sequence of Converged
        Convergence of equilibrium networks.
    budgets : sequence of dict
        Reports of ``gamut train-rival``.
    ablations : sequence of dict
        Outcomes of ``gamut ablate``.
    command : str
        That made the page.
    workers : int
        Processes that measured at the same time.
    """

    photos: int
    methods: Sequence[Method]
    measured: Sequence[Measured]
    costs: Sequence[Cost] = ()
    shown: Sequence[Shown] = ()
    converged: Sequence[Converged] = ()
    budgets: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    ablations: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    command: str = ""
    workers: int = 1


def page(content: Content) -> str:
    """Return the page as HTML, with everything that it shows inside it.

    Parameters
    ----------
    content : Content
        What is shown.

    Returns
    -------
    str
        Light or dark as the reader's screen is, and fit for telephones and paper.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("core.evaluation", "."), autoescape=True, trim_blocks=True
    )
    template = environment.get_template("benchmark.html")
    protocols = list(dict.fromkeys(measured.protocol for measured in content.measured))
    summaries = {
        protocol: summarise(m.row for m in content.measured if m.protocol == protocol)
        for protocol in protocols
    }
    groups = {
        protocol: summarise(
            (m.row for m in content.measured if m.protocol == protocol), by_group=True
        )
        for protocol in protocols
    }
    known = {method.name: method for method in content.methods}
    published = summaries.get("paper", [])
    styles = list(dict.fromkeys(measured.row.style for measured in content.measured))
    return template.render(
        content=content,
        styles=styles,
        quality=[
            html(_quality_table(found, style, protocol, content.methods))
            for protocol, found in summaries.items()
            for style in styles
        ],
        curves=[
            (style, protocol, _themed(_curve(found, style)))
            for protocol, found in list(summaries.items())[-1:]
            for style in styles
            if any(s.style == style and s.method != NAIVE for s in found)
        ],
        claims=[(claim, claim.measured(known, published)) for claim in CLAIMS if published],
        groups=[
            html(_group_table(found, style, protocol))
            for protocol, found in list(groups.items())[-1:]
            for style in styles
        ],
        costs=html(_cost_table(content, summaries)),
        sizes=html(_size_table(content.costs)) if content.costs else "",
        budgets=html(_budget_table(content, summaries)) if content.budgets else "",
        ablations=html(_ablation_table(content.ablations)) if content.ablations else "",
        photos=[_photo(shown) for shown in content.shown if shown.pictures],
        converged=[
            (
                c,
                _themed(functools.partial(draw_convergence, [c.data], c.method, c.solver)),
                _themed(functools.partial(draw_errors, c.data)),
            )
            for c in content.converged
        ],
        machine=machine(),
        untrained=[method.name for method in content.methods if not method.trained],
        perceptual=any(m.row.flip is not None for m in content.measured),
        lpips=any(m.row.lpips is not None for m in content.measured),
    )


def machine() -> dict[str, str]:
    """Return what the figures were measured with."""
    import torch

    packages = ("napari-gamut", "torch", "numpy", "scipy")
    return {
        "Processor": _processor(),
        "Cores": str(os.cpu_count()),
        "Threads of torch": str(torch.get_num_threads()),
        "System": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{package: _version(package) for package in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        for line in cpus.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _quality_table(
    summaries: Sequence[Summary], style: str, protocol: str, methods: Sequence[Method]
) -> Table:
    """Return table 1 of both papers; untrained networks have a row without figures."""
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
        f"{style}, {_NEEDED_FILES[protocol]}; {photos} photos",
        tuple(columns[place] for place in shown),
        tuple(tuple(row[place] for place in shown) for row in rows),
    )


def _has_figures(rows: Sequence[Sequence[Cell]], place: int) -> bool:
    values = [row[place] for row in rows]
    return any(not (isinstance(value, float) and math.isnan(value)) for value in values)


def _group_table(summaries: Sequence[Summary], style: str, protocol: str) -> Table:
    """Return table 2 of LETNet's paper: gains out of gamut by group."""
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
    title = f"{style}, {_NEEDED_FILES[protocol]}: PSNR and ΔE2000 out of gamut"
    return Table(title, columns, tuple(rows))


def _cost_table(content: Content, summaries: Mapping[str, Sequence[Summary]]) -> Table:
    """Return table 3: weights, metadata, time and memory."""
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
    for method in content.methods:
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


def _size_table(costs: Sequence[Cost]) -> Table:
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


def _budget_table(content: Content, summaries: Mapping[str, Sequence[Summary]]) -> Table:
    """Return what each network reached within its budget of training."""
    parameters = {method.name: method.parameters for method in content.methods}
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
            *(report["network"], parameters.get(report["network"], 0)),
            *(report["cpu_seconds"] / 60.0, report["steps"], one.style, protocol),
            *(one.gain["all"], one.gain["out_of_gamut"], one.worst["all"][1]),
        )
        for report in content.budgets
        for protocol, every in summaries.items()
        for one in every
        if one.method == report["network"]
    ]
    return Table("Trained on an equal budget", columns, tuple(rows))


def _ablation_table(outcomes: Sequence[Mapping[str, Any]]) -> Table:
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


def _curve(summaries: Sequence[Summary], style: str) -> Callable[[ThemeName], Figure]:
    points = [
        PayloadPoint(one.method, one.payload_size, one.gain["out_of_gamut"])
        for one in summaries
        if one.style == style and one.method != NAIVE and math.isfinite(one.gain["out_of_gamut"])
    ]
    return lambda theme: payload_figure(points, "Gain, out of gamut (dB)", theme=theme)


@dataclass(frozen=True)
class _Photo:
    name: str
    original: str
    errors: list[tuple[str, str, float]]
    limit: float
    gamuts: dict[str, str]


def _photo(shown: Shown) -> _Photo:
    arrays = {name: np.load(path) for name, path in shown.pictures.items()}
    errors = {name: kept["error"] for name, kept in arrays.items() if name != "original"}
    limits = shared_limits(errors.values(), least=_FINEST_DELTA_E)
    maps = [
        (name, _jpeg(heat_map(error, limits)[..., :3]), float(error.mean()))
        for name, error in errors.items()
    ]
    best = [name for name, _, _ in sorted(maps, key=lambda entry: entry[2]) if name != NAIVE]
    drawn = {"Original": arrays["original"]["colours"], "sRGB": arrays[NAIVE]["colours"]}
    drawn |= {name: arrays[name]["colours"] for name in best[:_SHOWN_GAMUTS]}
    return _Photo(
        shown.name,
        _jpeg(arrays["original"]["screen"], icc_profile(DISPLAY_P3)),
        maps,
        limits[1],
        _themed(lambda theme: chromaticity_figure(drawn, theme=theme)),
    )


def _themed(draw: Callable[[ThemeName], Figure]) -> dict[str, str]:
    """Draw for both pages; each as the text of an inline image."""
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    return {theme: _png(figure_bytes(draw(theme), ".png", _DOTS)) for theme in themes}


def _png(data: bytes) -> str:
    content = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").quantize(_COLOURS).save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _jpeg(codes: np.ndarray[Any, np.dtype[np.uint8]], profile: bytes = b"") -> str:
    content = io.BytesIO()
    image = Image.fromarray(codes)
    image.save(content, "JPEG", quality=82, optimize=True, icc_profile=profile or None)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
