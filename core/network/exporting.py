"""Networks for other programs: ONNX graphs, which raw developers and many others can run.

One graph goes from codes to colours with a fixed number of Anderson steps; others hold its parts
(encoder, cell, head) for programs that iterate themselves, and the photo's statistics. All of
them take pictures of any size; a README beside them says what goes in and what comes out.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from core.colour import SRGB
from core.errors import PhotoError
from core.files.safe_write import check_target, write_bytes
from core.network.letnet import Inputs
from core.network.statistics import DARK, NEAR_END, SATURATIONS, STATISTICS
from core.source_gamut import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.network.letnet import LetNet
    from core.network.models import Model

STEPS = 12
"""Anderson steps of the whole graph, unless asked for: what shipped networks need at most."""

_OPSET = 18
_HALF_OF_THE_FINEST_CODE = 0.25 / 65535
_EXAMPLE = 24


@dataclass(frozen=True)
class _Graph:
    """A module to export, with example inputs by name; axes 2 and 3 of pictures are free."""

    suffix: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]


def export_onnx(
    model: Model, path: Path, steps: int = STEPS, *, overwrite: bool = False
) -> list[Path]:
    """Write a network as ONNX files.

    Parameters
    ----------
    model : Model
        An equilibrium network.
    path : Path
        Of the whole graph, ending in ``.onnx``. The parts get the names ``NAME-encoder.onnx``
        and so on, the text ``NAME.md``.
    steps : int
        Evaluations of the cell in the whole graph.
    overwrite : bool
        Whether files of these names may be replaced.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    PhotoError
        If the network does not iterate, a package is missing, or a file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from core.network.letnet import LetNetConfig
    >>> from core.network.models import random_model
    >>> plain = random_model(LetNetConfig(channels=4, mode="plain"))
    >>> export_onnx(plain, Path("plain.onnx"))
    Traceback (most recent call last):
    core.errors.PhotoError: random-0 does not iterate; export an equilibrium network.
    """
    if model.network.config.mode != "implicit":
        raise PhotoError(f"{model.name} does not iterate; export an equilibrium network.")
    if path.suffix != ".onnx":
        raise PhotoError(f"{path} is no name of an ONNX file; end it in .onnx.")
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise PhotoError("Exporting needs onnx; install napari-gamut[onnx].") from error
    graphs = {path.with_name(f"{path.stem}{g.suffix}.onnx"): g for g in _graphs(model, steps)}
    text = path.with_suffix(".md")
    for target in (*graphs, text):
        check_target(target, overwrite=overwrite)
    contents = [_onnx(graph, model.network.config.scale) for graph in graphs.values()]
    contents.append(_readme(model, path, list(graphs.items()), steps).encode())
    for target, content in zip((*graphs, text), contents, strict=True):
        write_bytes(target, content, overwrite=overwrite)
    return [*graphs, text]


def _graphs(model: Model, steps: int) -> Iterator[_Graph]:
    network = model.network
    config, settings = network.config, replace(model.descriptor.solver, max_steps=steps)
    side = _EXAMPLE
    # No size of the example may be 1 or equal another one: the exporter would take it for fixed.
    picture = torch.linspace(0.0, 1.0, 3 * side * (side + 8)).reshape(1, 3, side, side + 8)
    seen = {"encoded": picture, "tolerance": torch.zeros(1)}
    source = {"source": torch.zeros(1, len(SOURCES))}
    whole: dict[str, Tensor] = {}
    if config.attention == "photo":
        whole = {"statistics": torch.zeros(1, STATISTICS)}
    if config.attention == "channel":
        whole = {"positions": picture[:, :2].clone()}
    known = {**seen, **source, **whole}
    with torch.no_grad():
        start, context = network.encode(_inputs(*known.values()))
    parts = dict(zip(("features", "gate"), context, strict=False))
    yield _Graph("", _Whole(network, settings), known, ("scene",))
    yield _Graph("-encoder", _Encoder(network), known, ("start", *parts))
    yield _Graph("-cell", _Cell(network), {"state": start, **parts}, ("next_state",))
    head = {"state": start, **seen, **source}
    yield _Graph("-head", _Head(network), head, ("scene",))
    if config.attention == "photo":
        yield _Graph("-statistics", _Statistics(), seen, ("statistics",))


def _onnx(graph: _Graph, scale: int) -> bytes:
    height, width = (torch.export.Dim(name, min=2, max=1 << 15) for name in ("rows", "columns"))
    shapes = []
    for name, value in graph.inputs.items():
        free: dict[int, Any] = {}
        if name in ("state", "features"):
            free = {1: height, 2: width}
        elif value.ndim == 4:
            free = {2: scale * height, 3: scale * width}
        shapes.append(free)
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                graph.module.eval(),
                tuple(graph.inputs.values()),
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamic_shapes=shapes,
                opset_version=_OPSET,
                dynamo=True,
                # Its search for patterns takes as long as all the rest, and finds little here.
                optimize=False,
                verbose=False,
            )
            assert program is not None
            _tidy(program.model)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    content: bytes = program.model_proto.SerializeToString()
    return content


def _tidy(model: Any) -> None:
    """Take out of an ONNX model what can be computed now, or is there twice."""
    import onnx_ir
    from onnx_ir.passes import common
    from onnxscript.optimizer import fold_constants

    common.InlinePass()(model)
    fold_constants(model)
    onnx_ir.passes.Sequential(
        common.RemoveUnusedNodesPass(),
        common.RemoveUnusedFunctionsPass(),  # type: ignore[no-untyped-call]
        common.RemoveUnusedOpsetsPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.OutputFixPass(),
        common.NameFixPass(),
    )(model)


def _inputs(
    encoded: Tensor, tolerance: Tensor, source: Tensor, whole: Tensor | None = None
) -> Inputs:
    """Make inputs; `whole` are the photo's statistics, or the places of the pixels in it."""
    slack = tolerance / 255 + _HALF_OF_THE_FINEST_CODE
    low, high = encoded <= slack, encoded >= 1.0 - slack
    known = encoded.new_zeros(1, 0) if whole is None else whole
    return _PositiveInputs(encoded, low, high, known, known, source)


class _PositiveInputs(Inputs):
    """Inputs whose naive inversion is written for codes alone, which are never negative."""

    @property
    def naive(self) -> Tensor:
        """The naive inversion, linear sRGB, shape (N, 3, H, W)."""
        curve = SRGB.transfer
        power = (curve.a * self.encoded + curve.b) ** curve.gamma
        return torch.where(self.encoded >= curve.d, power, curve.c * self.encoded)


class _Encoder(nn.Module):
    def __init__(self, network: LetNet) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, encoded: Tensor, tolerance: Tensor, source: Tensor, whole: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        start, context = self.network.encode(_inputs(encoded, tolerance, source, whole))
        return start, *context


class _Cell(nn.Module):
    def __init__(self, network: LetNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, state: Tensor, features: Tensor, gate: Tensor | None = None) -> Tensor:
        return self.network.cell(state, features, gate)


class _Head(nn.Module):
    def __init__(self, network: LetNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, state: Tensor, encoded: Tensor, tolerance: Tensor, source: Tensor) -> Tensor:
        return self.network.decode(state, _inputs(encoded, tolerance, source))


class _Whole(nn.Module):
    """From codes to colours by Anderson's iteration, written out step by step."""

    def __init__(self, network: LetNet, settings: Any) -> None:
        super().__init__()
        self.network = network
        self._settings = settings

    def forward(
        self, encoded: Tensor, tolerance: Tensor, source: Tensor, whole: Tensor | None = None
    ) -> Tensor:
        seen = _inputs(encoded, tolerance, source, whole)
        state, context = self.network.encode(seen)
        settings = self._settings
        memory = 1 if settings.method == "picard" else settings.memory
        values: list[Tensor] = []
        changes: list[Tensor] = []
        products: dict[tuple[int, int], Tensor] = {}
        value = self.network.cell(state, *context)
        for step in range(settings.max_steps - 1):
            change = value - state
            values.append(value)
            changes.append(change)
            kept = range(max(0, step + 1 - memory), step + 1)
            for past in kept:
                products[past, step] = products[step, past] = _inner(changes[past], change)
            gram = torch.stack([torch.stack([products[a, b] for b in kept]) for a in kept])
            weights = _weights(gram, settings.ridge).to(value.dtype)
            state = torch.zeros_like(value)
            for weight, past in zip(weights.unbind(), kept, strict=True):
                state = state + weight * (values[past] - (1.0 - settings.damping) * changes[past])
            value = self.network.cell(state, *context)
        return self.network.decode(value, seen)


class _Statistics(nn.Module):
    """The numbers of :func:`core.network.statistics.photo_statistics`, of a whole picture."""

    def forward(self, encoded: Tensor, tolerance: Tensor) -> Tensor:
        planes = encoded[0].flatten(1)
        slack = tolerance / 255 + _HALF_OF_THE_FINEST_CODE
        at_zero, at_maximum = planes <= slack, planes >= 1.0 - slack
        near = NEAR_END + tolerance / 255
        largest, smallest = planes.amax(0), planes.amin(0)
        saturation = (largest - smallest) / largest.clamp_min(1 / 255)
        dark = largest <= DARK
        edges = SATURATIONS
        last = len(edges) - 2
        counts = [
            (~dark & (saturation >= low) & ((saturation <= up) if i == last else saturation < up))
            for i, (low, up) in enumerate(pairwise(edges))
        ]
        shares = torch.cat(
            [
                _share(at_zero),
                _share(at_maximum),
                _share(~at_zero & (planes <= near)),
                _share(~at_maximum & (planes >= 1.0 - near)),
                _share(torch.stack(counts)),
                _share(dark[None]),
                _share(at_zero & dark),
                _share(at_zero & ~dark),
                _share(torch.stack([at_zero.all(0), at_maximum.all(0)])),
            ]
        )
        mean = planes.mean(1)
        deviation = (planes - mean[:, None]).square().mean(1).sqrt()
        return torch.cat([mean, deviation, shares.sqrt()])[None]


def _share(mask: Tensor) -> Tensor:
    return mask.float().mean(1)


def _inner(left: Tensor, right: Tensor) -> Tensor:
    """Return an inner product in float64, from sums over rows in float32."""
    return (left * right).sum((2, 3)).double().sum()


def _weights(gram: Tensor, ridge: float) -> Tensor:
    """Solve Anderson's system by Gauss and Jordan's elimination: ONNX knows no solver."""
    size = len(gram)
    identity = torch.eye(size, dtype=gram.dtype)
    scale = gram.diagonal().mean().clamp_min(torch.finfo(torch.float32).tiny)
    system = torch.cat([gram / scale + max(ridge, 1e-15) * identity, gram.new_ones(size, 1)], 1)
    for row in range(size):
        pivot = system[row : row + 1] / system[row, row]
        system = system - (system[:, row : row + 1] - identity[:, row : row + 1]) * pivot
    weights = system[:, -1] / system[:, -1].sum()
    newest = identity[-1]
    return torch.where(weights.isfinite().all(), weights, newest)


_MEANINGS = {
    "encoded": "encoded sRGB, codes divided by 255 (8 bits) or 65535 (16 bits), 0 to 1",
    "tolerance": "noise of a lossy file in 8-bit codes: 0 for lossless files, 6 for JPEG",
    "statistics": "of the whole photo, from NAME-statistics.onnx: the same for all its tiles",
    "source": "where the colours lay before the photo became sRGB: 1 at the place of "
    + ", ".join(space.name for space in SOURCES)
    + "; all 0 if it is unknown",
    "positions": "y and x of each pixel in the whole photo, -1 to 1 from edge to edge: "
    "(2 i + 1) / size - 1",
    "state": "z of the iteration",
    "start": "where the iteration begins",
    "features": "what the cell is driven by",
    "gate": "of the channels",
    "next_state": "F(z)",
    "scene": "the estimate: linear light, sRGB primaries, D65, unbounded",
}


def _readme(model: Model, path: Path, graphs: list[tuple[Path, _Graph]], steps: int) -> str:
    scale = model.network.config.scale
    tiles = f"Tiles need a halo of {model.descriptor.halo} pixels."
    if model.network.config.attention == "channel":
        tiles = (
            "The cell averages over the picture that it is given: hand it the whole photo, since "
            "tiles have other averages and would show their borders."
        )
    lines = [
        f"# {model.name} for ONNX Runtime and its kin",
        "",
        f"Written from the weights with the SHA-256 {model.sha256}. Pictures are float32 of the "
        f"shape (1, channels, height, width); height and width are multiples of {scale} (repeat "
        f"the last row or column), states are (1, height / {scale}, width / {scale}, channels).",
        "",
        f"`{path.name}` goes from codes to colours by {steps} steps of Anderson's iteration. With "
        "the parts a program can iterate itself: z begins as `start` of the encoder; the cell "
        "gives F(z); the head turns the z for which F(z) = z into colours. " + tiles,
        "",
        "| file | inputs | outputs |",
        "|---|---|---|",
    ]
    for target, graph in graphs:
        given, got = (", ".join(f"`{n}`" for n in names) for names in (graph.inputs, graph.outputs))
        lines.append(f"| `{target.name}` | {given} | {got} |")
    names = {name for _, graph in graphs for name in (*graph.inputs, *graph.outputs)}
    lines += ["", "| name | shape | meaning |", "|---|---|---|"]
    shapes = {name: value.shape for _, g in graphs for name, value in g.inputs.items()}
    for name, meaning in _MEANINGS.items():
        if name in names:
            shape = _shape_text(name, shapes.get(name))
            lines.append(f"| `{name}` | {shape} | {meaning.replace('NAME', path.stem)} |")
    lines += [
        "",
        "## What is left to do",
        "",
        "The estimate is not yet what the codes allow. A code q of N says that a channel of the "
        "colour lay between d((q - ½) / N) and d((q + ½) / N), with d the sRGB decoding; open "
        "downwards where q = 0 and upwards where q = N. Clamp each channel of the estimate into "
        "that interval, and keep the codes' own linear light in pixels without a channel at an "
        "end of the range: then reducing the result to sRGB gives the same codes again.",
        "",
    ]
    return "\n".join(lines)


def _shape_text(name: str, shape: torch.Size | None) -> str:
    if name in ("start", "state", "features", "next_state"):
        return "(1, h, w, channels)"
    if name in ("scene", "encoded", "positions"):
        return f"(1, {2 if name == 'positions' else 3}, H, W)"
    return "" if shape is None else str(tuple(shape))
