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
from core.evaluation.benchmark_tables import (
    ablation_table,
    budget_table,
    cost_table,
    group_table,
    quality_table,
    size_table,
)
from core.evaluation.figures import draw_convergence, draw_errors
from core.evaluation.papers import CLAIMS
from core.evaluation.report import html
from core.evaluation.summary import Summary, summarise
from core.files.profile import icc_profile
from core.methods.registry import NAIVE
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

    from core.engine.cluster import Cluster
    from core.engine.method import Method
    from core.evaluation.benchmark import Measured
    from core.evaluation.cost import Cost
    from core.evaluation.figures import ConvergenceData
    from core.evaluation.rows import Row
    from core.network.solver import SolverSettings
    from core.pictures import ThemeName

_SHOWN_GAMUTS = 4
_FINEST_DELTA_E = 2.0
_DOTS = 130
_COLOURS = 96


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
    place : Cluster, optional
        Which processes measured at the same time, where several did.
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
    place: Cluster | None = None


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

    Examples
    --------
    >>> from core.evaluation.benchmark import Measured
    >>> from core.evaluation.measuring import evaluate_photo
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = evaluate_photo([], "chart.tif", wide_gamut_chart(8), vivid)
    >>> measured = [Measured("box", row) for row in rows]
    >>> html = page(
    ...     Content(1, methods(["naive"]), measured, (), (), (), (), (), "gamut benchmark", 1)
    ... )
    >>> html[:15], "<script src" in html
    ('<!doctype html>', False)
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("core.evaluation", "."), autoescape=True, trim_blocks=True
    )
    template = environment.get_template("benchmark.html")
    summaries, groups = _summaries(content), _summaries(content, by_group=True)
    known = {method.name: method for method in content.methods}
    published = summaries.get("paper", [])
    styles = list(dict.fromkeys(measured.row.style for measured in content.measured))
    return template.render(
        content=content,
        styles=styles,
        quality=[
            html(quality_table(found, style, protocol, content.methods))
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
            html(group_table(found, style, protocol))
            for protocol, found in list(groups.items())[-1:]
            for style in styles
        ],
        costs=html(cost_table(content.methods, summaries)),
        sizes=html(size_table(content.costs)) if content.costs else "",
        budgets=html(budget_table(content.budgets, content.methods, summaries))
        if content.budgets
        else "",
        ablations=html(ablation_table(content.ablations)) if content.ablations else "",
        photos=[_photo(shown) for shown in content.shown if shown.pictures],
        converged=[(converged, *_drawn(converged)) for converged in content.converged],
        machine=machine(),
        untrained=[method.name for method in content.methods if not method.trained],
        perceptual=any(m.row.flip is not None for m in content.measured),
        lpips=any(m.row.lpips is not None for m in content.measured),
    )


def _summaries(content: Content, *, by_group: bool = False) -> dict[str, list[Summary]]:
    """Return the averages of each protocol."""
    rows: dict[str, list[Row]] = {}
    for measured in content.measured:
        rows.setdefault(measured.protocol, []).append(measured.row)
    return {protocol: summarise(found, by_group=by_group) for protocol, found in rows.items()}


def _drawn(converged: Converged) -> tuple[dict[str, str], dict[str, str]]:
    """Return the drawings of a network's iterations: its quality, and its errors."""
    data, method, solver = converged.data, converged.method, converged.solver
    return (
        _themed(functools.partial(draw_convergence, [data], method, solver)),
        _themed(functools.partial(draw_errors, data), _picture),
    )


def machine() -> dict[str, str]:
    """Return the machine and the packages with which the figures were measured.

    Examples
    --------
    >>> list(machine())[:4]
    ['Processor', 'Cores', 'Threads of torch', 'System']
    """
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


def _themed(
    draw: Callable[[ThemeName], Figure], encode: Callable[[bytes], str] | None = None
) -> dict[str, str]:
    """Draw for both pages; each as the text of an inline image."""
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    encode = encode or _png
    return {theme: encode(figure_bytes(draw(theme), ".png", _DOTS)) for theme in themes}


def _picture(data: bytes) -> str:
    """Return a drawing that shows photos: as PNG it takes many times the bytes."""
    with Image.open(io.BytesIO(data)) as image:
        return _jpeg(np.asarray(image.convert("RGB")))


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
