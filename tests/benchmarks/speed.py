"""How fast the program is, against the same work done plainly and against others.

    python tests/benchmarks/speed.py [--only a b …] [--rounds 5] [--tiny] [--output speed]

Writes OUTPUT.json and OUTPUT.md. What is compared is timed in turn, A B A B …, in one run, and
the median of the ratios is given: machines that have other things to do change their speed, but
not from one moment to the next. Seconds are those of the processor, with one thread, unless it
says otherwise. Memory is the peak of a process of its own above what it held before.

(a) the engine against the same weights run plainly: float32, contiguous, 50 steps, whole photo
(b) the solver against torchdeq's Anderson with the same cell and tolerance, and its convolutions
(c) the network against SwinIR and Restormer
(d) photos of many sizes, from file to file
(e) photos of which more and more is clipped
(f) what the network costs over merely converting a file
(g) cold starts against importing torch (wall time)
(h) fitting a GamutMLP and restoring with it (wall time), also beside two busy processes
(i) the cell as ONNX Runtime and torch.compile run it, which would have to win by half to be worth
    a second engine
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from core.colour import SRGB
from core.engine.expansion import ExpansionSettings, expand
from core.engine.files import FileSettings, expand_file
from core.engine.memory import keep_freed_memory
from core.engine.tiling import ArraySource
from core.files import write_codes
from core.gamut import clipped_mask, naive_inversion
from core.methods.registry import method
from core.network.exporting import export_onnx
from core.network.solver import solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.gamut import Codes

CPU = ExpansionSettings(device="cpu")
Row = dict[str, Any]


def photo(height: int, width: int, clipped: float, seed: int = 0) -> Codes:
    """A smooth photo in which spots of all sizes are clipped, up to the given share."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / 512
    planes = [
        0.5 + 0.3 * np.sin(rng.uniform(2, 9) * x + rng.uniform(2, 9) * y + rng.uniform(0, 6))
        for _ in range(3)
    ]
    noise = rng.normal(0.0, 0.02, (height, width, 3))
    codes = np.clip((np.stack(planes, -1) + noise) * 255, 1, 254).astype(np.uint8)
    if clipped >= 1.0:
        codes[..., 2] = 0
        return codes
    wanted, done = clipped * height * width, 0
    while done < wanted:
        side = int(min(rng.pareto(1.0) * 3 + 1, 120, height, width, (wanted - done) ** 0.5 + 1))
        top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        spot = codes[top : top + side, left : left + side, 2]
        done += int(np.count_nonzero(spot))
        spot[:] = 0
    return codes


def in_turn(rounds: int, *works: Callable[[], object], wall: bool = False) -> list[list[float]]:
    """Seconds of each work in each round, after one that is not counted."""
    clock = time.perf_counter if wall else time.process_time
    seconds: list[list[float]] = [[] for _ in works]
    for round_ in range(rounds + 1):
        for work, taken in zip(works, seconds, strict=True):
            started = clock()
            work()
            if round_:
                taken.append(clock() - started)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(s / f for s, f in zip(slow, fast, strict=True))


def peak_of(work: Callable[..., object], *arguments: Any) -> float:
    """Megabytes that a work needs in a process of its own, above what it held before."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(theirs, work, arguments))
    process.start()
    answer: float = ours.recv()
    process.join()
    return answer


def _measured(pipe: Any, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    method("letnet-box")
    # A new process inherits the peak of its parent: only Linux can forget it.
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    work(*arguments)
    pipe.send(_peak() - before)


def _peak() -> float:
    """Return the peak of resident memory since it was forgotten, in megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# --- (a) -------------------------------------------------------------------------------------


def plainly(codes: Codes, steps: int = 50) -> np.ndarray:
    """The shipped weights as one would first write them down: no tiles, stops or layouts."""
    network = method("letnet-box").model.network  # type: ignore[attr-defined]
    worker = method("letnet-box").worker(ArraySource(codes), CPU)
    inputs = worker.inputs(codes[None], [(0, 0)])  # type: ignore[union-attr]
    with torch.inference_mode():
        _, (features, gate) = network.encode(inputs)
        features = features.permute(0, 3, 1, 2).contiguous()
        first, second = ((layer.weight.contiguous(), layer.bias) for layer in network.transform)

        def cell(state: torch.Tensor) -> torch.Tensor:
            inner = functional.conv2d(torch.tanh(state + features), *first, padding=1)
            change = functional.conv2d(torch.tanh(inner), *second, padding=1)
            return change * gate[:, :, None, None] + features

        state = textbook_anderson(cell, torch.zeros_like(features), steps)
        answers = network.decode(state.permute(0, 2, 3, 1), inputs)
    scene: np.ndarray = answers[0].movedim(0, -1).numpy()
    return scene


def textbook_anderson(
    f: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, steps: int, memory: int = 5
) -> torch.Tensor:
    states, values = [start], [f(start)]
    for _ in range(steps - 1):
        recent = torch.stack([v.flatten() for v in values[-memory:]])
        changes = recent - torch.stack([s.flatten() for s in states[-memory:]])
        size = len(changes)
        system = torch.zeros(size + 1, size + 1)
        system[0, 1:] = system[1:, 0] = 1.0
        system[1:, 1:] = changes @ changes.T + 1e-4 * torch.eye(size)
        right = torch.zeros(size + 1)
        right[0] = 1.0
        weights = torch.linalg.solve(system, right)[1:]
        states.append((weights @ recent).reshape(start.shape))
        values.append(f(states[-1]))
        states, values = states[-memory:], values[-memory:]
    return values[-1]


def engine_against_plain(rounds: int, tiny: bool) -> list[Row]:
    side = 96 if tiny else 768
    rows = []
    for clipped in (1.0, 0.05):
        codes = photo(side, side, clipped)
        ours, plain = in_turn(
            rounds,
            lambda codes=codes: expand(codes, method("letnet-box"), CPU),
            lambda codes=codes: plainly(codes, 5 if tiny else 50),
        )
        rows.append(
            {
                "photo": f"{side}×{side}, {clipped_mask(codes).mean():.0%} clipped",
                "engine s": statistics.median(ours),
                "plain s": statistics.median(plain),
                "times faster": ratio(plain, ours),
            }
        )
    return rows


# --- (b) -------------------------------------------------------------------------------------


def solver_problem(side: int) -> tuple[Any, torch.Tensor, list[torch.Tensor], Any]:
    codes = photo(side, side, 0.5)
    worker: Any = method("letnet-box").worker(ArraySource(codes), CPU)
    with torch.inference_mode():
        start, context = worker.network.encode(worker.inputs(codes[None], [(0, 0)]))
    return worker.network, start, context, worker.solver


def our_solve(problem: tuple[Any, torch.Tensor, list[torch.Tensor], Any]) -> int:
    network, start, context, settings = problem
    with torch.inference_mode():
        return solve(network.cell, start, settings, context).steps[0]


def their_solve(problem: tuple[Any, torch.Tensor, list[torch.Tensor], Any]) -> int:
    from torchdeq.solver.anderson import anderson_solver

    network, start, context, settings = problem
    count = 0

    def cell(state: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        return network.cell(state, *context)

    with torch.inference_mode():
        anderson_solver(
            cell, start, max_iter=50, tol=settings.tolerance, stop_mode="rel", m=settings.memory
        )
    return count


def convolutions(problem: tuple[Any, torch.Tensor, list[torch.Tensor], Any], steps: int) -> None:
    network, start, *_ = problem
    state = start.permute(0, 3, 1, 2)
    with torch.inference_mode():
        for _ in range(steps):
            for layer in network.transform:
                layer(state)


def _ours(side: int) -> None:
    our_solve(solver_problem(side))


def _theirs(side: int) -> None:
    their_solve(solver_problem(side))


def _neither(side: int) -> None:
    solver_problem(side)


def solver_against_torchdeq(rounds: int, tiny: bool) -> list[Row]:
    rows = []
    for side in (64,) if tiny else (256, 576):
        problem = solver_problem(side)
        steps, their_steps = our_solve(problem), their_solve(problem)
        ours, theirs, bare = in_turn(
            rounds,
            lambda problem=problem: our_solve(problem),
            lambda problem=problem: their_solve(problem),
            lambda problem=problem, steps=steps: convolutions(problem, steps),
        )
        empty = peak_of(_neither, side)
        rows.append(
            {
                "window": f"{side}×{side}",
                "steps": f"{steps} / {their_steps}",
                "ours s": statistics.median(ours),
                "torchdeq s": statistics.median(theirs),
                "times faster": ratio(theirs, ours),
                "times the convolutions": ratio(ours, bare),
                "memory of torchdeq's": (peak_of(_ours, side) - empty)
                / max(peak_of(_theirs, side) - empty, 1e-9),
            }
        )
    return rows


# --- (c) -------------------------------------------------------------------------------------


def against_image_networks(rounds: int, tiny: bool) -> list[Row]:
    from core.network.rivals.restormer import Restormer
    from core.network.rivals.swinir import SwinIR

    side = 32 if tiny else 256
    codes = photo(side, side, 0.72)
    picture = torch.from_numpy(np.moveaxis(naive_inversion(codes), -1, 0)[None].copy())
    rows = []
    for name, network in (("SwinIR", SwinIR()), ("Restormer", Restormer())):
        network.eval().requires_grad_(False)

        def theirs(network: Any = network) -> None:
            with torch.inference_mode():
                network(SRGB.encode(picture))

        ours, other = in_turn(
            1 if not tiny else rounds, lambda: expand(codes, method("letnet-box"), CPU), theirs
        )
        weights = sum(one.numel() for one in network.parameters())
        rows.append(
            {
                "network": f"{name}, {weights / 1e6:.1f} M weights, {side}×{side}",
                "ours s": statistics.median(ours),
                "theirs s": statistics.median(other),
                "times faster": ratio(other, ours),
            }
        )
    return rows


# --- (d), (e), (f) ---------------------------------------------------------------------------


def file_to_file(source: str, name: str) -> None:
    target = Path(source).with_suffix(".tif")
    expand_file(source, target, method(name), CPU, FileSettings(overwrite=True))


def sizes(rounds: int, tiny: bool) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in (0.01,) if tiny else (0.25, 1, 4, 12, 24):
            side = int((megapixels * 1e6) ** 0.5)
            source = Path(folder) / f"{side}.png"
            write_codes(source, photo(side, side, 0.05), compression=1)
            (ours,) = in_turn(
                rounds if megapixels < 4 else 1,
                lambda source=source: file_to_file(str(source), "letnet-box"),
            )
            seconds = statistics.median(ours)
            rows.append(
                {
                    "megapixels": megapixels,
                    "s": seconds,
                    "s per megapixel": seconds / megapixels,
                    "peak MB": peak_of(file_to_file, str(source), "letnet-box"),
                }
            )
    return rows


def shares(rounds: int, tiny: bool) -> list[Row]:
    side = 96 if tiny else 1024
    photos = [photo(side, side, clipped) for clipped in (0.01, 0.05, 0.2, 1.0)]
    works = [lambda codes=codes: expand(codes, method("letnet-box"), CPU) for codes in photos]
    seconds = in_turn(rounds, *works)
    return [
        {
            "clipped": f"{clipped_mask(codes).mean():.1%}",
            "s per megapixel": statistics.median(taken) / side**2 * 1e6,
            "of all clipped": ratio(taken, seconds[-1]),
        }
        for codes, taken in zip(photos, seconds, strict=True)
    ]


def over_converting(rounds: int, tiny: bool) -> list[Row]:
    rows = []
    size = (64, 96) if tiny else (2000, 3000)
    with tempfile.TemporaryDirectory() as folder:
        for clipped in (0.004, 0.05):
            source = Path(folder) / "photo.png"
            write_codes(source, photo(*size, clipped), overwrite=True, compression=1)
            naive, ours = in_turn(
                rounds,
                lambda source=source: file_to_file(str(source), "naive"),
                lambda source=source: file_to_file(str(source), "letnet-box"),
            )
            rows.append(
                {
                    "photo": f"{size[1]}×{size[0]}, {clipped:.1%} clipped",
                    "naive s": statistics.median(naive),
                    "letnet-box s": statistics.median(ours),
                    "times naive": ratio(ours, naive),
                }
            )
    return rows


# --- (g), (h) --------------------------------------------------------------------------------


def cold_starts(rounds: int, tiny: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "thumbnail.png"
        write_codes(source, photo(120, 160, 0.05))
        gamut = [sys.executable, "-m", "core.cli"]
        target, again = str(source.with_suffix(".tif")), ["--overwrite", "-q"]
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "gamut --help": [*gamut, "--help"],
            "gamut info": [*gamut, "info", str(source)],
            "gamut expand (thumbnail)": [*gamut, "expand", str(source), "-o", target, *again],
        }

        def started(command: list[str]) -> Callable[[], object]:
            return lambda: subprocess.run(command, check=True, capture_output=True)

        seconds = in_turn(rounds, *(started(each) for each in commands.values()), wall=True)
    return [
        {
            "command": name,
            "s": statistics.median(taken),
            "of importing torch": ratio(taken, seconds[0]),
        }
        for name, taken in zip(commands, seconds, strict=True)
    ]


def _busy() -> None:
    state = torch.rand(512, 512)
    while True:
        state = torch.tanh(state @ state)


def fits(rounds: int, tiny: bool) -> list[Row]:
    from core.payload.gamut_mlp import FitSettings, fit
    from core.payload.lost import lost_pixels
    from core.progress import finished

    torch.set_num_threads(torch.get_num_interop_threads())
    height, width = (48, 64) if tiny else (640, 960)
    codes = photo(height, width, 0.2)
    original = naive_inversion(codes) - np.float32(0.05) * (codes == 0)
    settings = FitSettings(steps=50 if tiny else 500)

    lost = finished(lost_pixels(codes, original))

    def fitted() -> Any:
        return finished(fit(lost, settings))

    network = fitted()
    quiet, restoring = in_turn(rounds, fitted, lambda: network.estimate(codes), wall=True)
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_busy, daemon=True) for _ in range(2)]
    for other in others:
        other.start()
    time.sleep(0.1 if tiny else 8.0)
    (beside,) = in_turn(rounds, fitted, wall=True)
    for other in others:
        other.terminate()
        other.join()
    torch.set_num_threads(1)
    return [
        {
            "photo": f"{width}×{height}, {settings.steps} steps",
            "fit s": statistics.median(quiet),
            "restore s": statistics.median(restoring),
            "fit beside two busy processes s": statistics.median(beside),
            "times slower": statistics.median(beside) / statistics.median(quiet),
        }
    ]


# --- (i) -------------------------------------------------------------------------------------


def other_engines(rounds: int, tiny: bool) -> list[Row]:
    return [row for side in ((64,) if tiny else (256, 576)) for row in _other(side, rounds, tiny)]


def _other(side: int, rounds: int, tiny: bool) -> Iterator[Row]:
    network, start, context, _ = solver_problem(side)
    steps = 2 if tiny else 10
    engines = {"ONNX Runtime": _in_onnx(start, context)}
    if not tiny and shutil.which("g++") is not None:  # It compiles for minutes.
        engines["torch.compile"] = functools.partial(torch.compile(network.cell), start, *context)
    ours = functools.partial(network.cell, start, *context)
    with torch.inference_mode():
        for name, theirs in engines.items():
            works = (functools.partial(_repeat, step, steps) for step in (ours, theirs))
            our_seconds, their_seconds = in_turn(rounds, *works)
            yield {
                "window": f"{side}×{side}",
                "engine": name,
                "ours ms a step": 1000 * statistics.median(our_seconds) / steps,
                "theirs ms a step": 1000 * statistics.median(their_seconds) / steps,
                "times faster than ours": ratio(our_seconds, their_seconds),
            }


def _repeat(step: Callable[[], object], steps: int) -> None:
    for _ in range(steps):
        step()


def _in_onnx(start: torch.Tensor, context: list[torch.Tensor]) -> Callable[[], object]:
    """Return a step of the cell by ONNX Runtime, with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "letnet-box.onnx"
        export_onnx(method("letnet-box").model, path, steps=1)  # Only its cell is wanted.
        cell = path.with_name("letnet-box-cell.onnx").read_bytes()
    session = onnxruntime.InferenceSession(cell, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    fed = {n: np.ascontiguousarray(x) for n, x in zip(names, (start, *context), strict=True)}
    return lambda: session.run(None, fed)


PARTS: dict[str, tuple[str, Callable[[int, bool], list[Row]]]] = {
    "a": ("The engine against the same weights run plainly", engine_against_plain),
    "b": ("The solver against torchdeq's Anderson", solver_against_torchdeq),
    "c": ("The network against image networks", against_image_networks),
    "d": ("Photos of many sizes, 5 % clipped, from file to file", sizes),
    "e": ("How much of a photo is clipped", shares),
    "f": ("What the network costs over converting a file", over_converting),
    "g": ("Cold starts (wall time)", cold_starts),
    "h": ("GamutMLP (wall time)", fits),
    "i": ("The cell by other engines", other_engines),
}


def as_markdown(report: dict[str, Any]) -> str:
    lines = [
        "# Speed",
        "",
        f"{report['machine']}, torch {report['torch']}; medians of {report['rounds']} rounds.",
    ]
    for key, rows in report["parts"].items():
        names = list(rows[0])
        lines += ["", f"## ({key}) {PARTS[key][0]}", "", "| " + " | ".join(names) + " |"]
        lines.append("|" + "|".join("--:" for _ in names) + "|")
        lines += ["| " + " | ".join(_shown(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="only see that everything runs")
    parser.add_argument("--output", type=Path, default=Path("speed"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    report: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}",
        "torch": torch.__version__,
        "rounds": options.rounds,
        "parts": {},
    }
    for key in options.only:
        report["parts"][key] = PARTS[key][1](options.rounds, options.tiny)
        # After each part: whoever stops the run keeps what was measured.
        options.output.with_suffix(".json").write_text(json.dumps(report, indent=2))
        options.output.with_suffix(".md").write_text(as_markdown(report))
    print(as_markdown(report))


if __name__ == "__main__":
    main()
