"""``gamut benchmark``: every system side by side, with a page that shows it."""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.arguments import add_place, add_selection, add_styles, at_least, place_of, set_threads
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from core.engine.method import Method
    from core.evaluation.benchmark import BenchmarkSettings, Measured, Unit
    from core.evaluation.benchmark_page import Content, Converged
    from core.evaluation.cost import Cost

_PROTOCOLS = ("paper", "box")
_PAGE, _REPORT = "benchmark.html", "benchmark.json"
_UNTRAINED_UP_TO = 512
_SPENT = ("cpu_seconds", "steps")

_DESCRIPTION = """\
Measure every method on a folder of wide-gamut photos and write the tables and figures of the
papers of LETNet and GamutMLP: DIR receives benchmark.html, one page that needs nothing beside
it, and benchmark.json with every figure. Each figure is kept as soon as it is there: give the
same command again after an interruption, or with more methods or photos, and it goes on.
Networks that have not been trained are listed without figures of quality; their time and
memory are measured. Fitting GamutMLP and SIREN as published takes minutes a photo; name fewer
--methods, or reduce the photos, where that is too long.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "benchmark", help="every system side by side, as a page", description=_DESCRIPTION
    )
    parser.add_argument("photos", metavar="FOLDER", nargs="+", type=Path, help="the originals")
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, required=True, help="where all of it goes"
    )
    parser.add_argument(
        "--methods",
        metavar="METHOD",
        nargs="+",
        help='names that "gamut methods" lists, or .safetensors files (default: all)',
    )
    add_styles(parser)
    parser.add_argument(
        "--protocols",
        nargs="+",
        choices=_PROTOCOLS,
        default=list(_PROTOCOLS),
        help="paper: CAT02, not projected; box: Bradford, estimates projected (default: both)",
    )
    add_selection(parser)
    _add_page(parser)
    _add_machine(parser)
    parser.set_defaults(run=run)


def _add_page(parser: argparse.ArgumentParser) -> None:
    shown = parser.add_argument_group("the page")
    shown.add_argument(
        "--shown",
        metavar="N",
        type=at_least(0),
        default=3,
        help="show N of the photos (default: %(default)s)",
    )
    shown.add_argument(
        "--budgets",
        metavar="FILE",
        nargs="+",
        type=Path,
        default=[],
        help='reports of "gamut train-rival", NAME.json beside the weights, which are measured too',
    )
    shown.add_argument(
        "--ablations", metavar="FILE", type=Path, help='what "gamut ablate --json" wrote'
    )
    shown.add_argument(
        "--sides",
        metavar="PIXELS",
        nargs="*",
        type=at_least(64),
        default=[256, 512, 1024],
        help="of squares on which networks are timed, those that have not been trained up to "
        "512 (default: 256 512 1024)",
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    machine = parser.add_argument_group(
        "the machine", "(--workers and --cluster need napari-gamut[cluster])"
    )
    add_place(machine, "parts", "A part")
    machine.add_argument("--threads", type=at_least(1), help="of each of them")
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default: auto)")


def run(options: argparse.Namespace) -> int:
    """Measure, then write the page and the report; 1 if a photo could not be read."""
    from core.engine.memory import keep_freed_memory
    from core.evaluation import benchmark as work
    from core.evaluation.benchmark_page import Content, Shown, page
    from core.evaluation.originals import evenly, photos_in
    from core.files import write_bytes
    from core.methods import registry

    set_threads(options)
    keep_freed_memory()
    budgets = [_budget(path) for path in options.budgets]
    settings = _settings(options, [str(budget["network"]) for budget in budgets])
    methods = registry.methods(settings.methods)
    names = {given: each.name for given, each in zip(settings.methods, methods, strict=True)}
    for path, budget in zip(options.budgets, budgets, strict=True):
        budget["method"] = names[str(path.with_suffix(".safetensors"))]
    photos = evenly(photos_in(options.photos, besides=options.output), options.limit)
    if not photos:
        raise PhotoError("None of the folders holds a photo; check their names.")
    units = work.plan(photos, settings, options.shown)
    measured, unread = _measured(options, units, settings)
    if not measured:
        raise PhotoError("None of the photos could be measured; check the folder.")
    content = Content(
        photos=len({one.row.photo for one in measured}),
        methods=methods,
        measured=measured,
        costs=_costs(options, methods),
        shown=[
            Shown(photo.stem, work.pictures_of(options.output, list(of_photo), settings))
            for photo, of_photo in itertools.groupby(
                (unit for unit in units if unit.shown), key=lambda unit: unit.photo
            )
        ],
        converged=_converged(options, units, measured, methods, settings),
        budgets=budgets,
        ablations=_read(options.ablations) if options.ablations else (),
        command=_command(options),
        place=place_of(options),
    )
    text = json.dumps(_report(content), indent=1, default=str)
    write_bytes(options.output / _REPORT, text.encode(), overwrite=True)
    write_bytes(options.output / _PAGE, page(content).encode(), overwrite=True)
    sys.stdout.write(f"{options.output / _PAGE}\n")
    return 1 if unread else 0


def _report(content: Content) -> dict[str, Any]:
    """Return what the page shows, for programs."""
    from core.evaluation.benchmark_page import machine

    return {
        "machine": machine(),
        "command": content.command,
        "methods": [
            {
                "name": method.name,
                "needs": method.needs.value,
                "parameters": method.parameters,
                "trained": method.trained,
                "sha256": method.sha256,
            }
            for method in content.methods
        ],
        "rows": [{"protocol": one.protocol, **one.row.as_dict()} for one in content.measured],
        "costs": [vars(cost) for cost in content.costs],
        "budgets": content.budgets,
    }


def _settings(options: argparse.Namespace, networks: Sequence[str]) -> BenchmarkSettings:
    """Return what is measured; of networks that were trained to a budget, the trained ones."""
    from core.engine.expansion import ExpansionSettings
    from core.evaluation.benchmark import BenchmarkSettings, every_method
    from core.evaluation.protocol import EvaluationSettings
    from core.methods import registry
    from core.styles import STYLES

    names = [
        name
        for name in options.methods or every_method()
        if name not in networks or registry.method(name).trained
    ]
    trained = [str(path.with_suffix(".safetensors")) for path in options.budgets]
    return BenchmarkSettings(
        (*names, *(name for name in trained if name not in names)),
        tuple(options.protocols),
        EvaluationSettings(
            styles={name: STYLES[name] for name in options.styles},
            max_side=options.max_side,
            perceptual=not options.no_perceptual,
            expansion=ExpansionSettings(device=options.device),
        ),
        options.threads,
    )


def _measured(
    options: argparse.Namespace, units: Sequence[Unit], settings: BenchmarkSettings
) -> tuple[list[Measured], int]:
    """Measure with a bar that shows the time left; also how many photos could not be read."""
    from core.cli.progress import ProgressBar
    from core.evaluation.benchmark import benchmark
    from core.progress import finished

    unread: set[str] = set()

    def report(error: PhotoError) -> None:
        if str(error) not in unread:
            unread.add(str(error))
            bar.note(f"left out: {error}")

    with ProgressBar("parts") as bar:
        work = benchmark(
            units,
            settings,
            options.output,
            place=place_of(options),
            failed=report,
        )
        measured = finished(work, lambda done, total: bar.show(done, total, "measuring"))
    return measured, len(unread)


def _costs(options: argparse.Namespace, methods: Sequence[Method]) -> list[Cost]:
    """Time networks on squares; what was timed before is kept."""
    import torch

    from core.cli.progress import ProgressBar
    from core.engine.devices import device_named
    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Needs
    from core.evaluation.cost import Cost, cost_of
    from core.files import write_bytes

    settings = ExpansionSettings(device=options.device)
    place = f"{device_named(options.device)}-{torch.get_num_threads()}"
    jobs = [
        (method, side)
        for method in methods
        if method.needs in (Needs.NOTHING, Needs.WEIGHTS)
        for side in options.sides
        if method.trained or side <= _UNTRAINED_UP_TO
    ]
    costs = []
    with ProgressBar("timings") as bar:
        for number, (method, side) in enumerate(jobs):
            bar.show(number, len(jobs), f"{method.name} {side}")
            name = f"{method.name}-{method.sha256[:12] or 'none'}-{side}-{place}"
            name = name.replace("/", "-").replace(":", "-")
            kept = options.output / "costs" / f"{name}.json"
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                cost = cost_of(method, side, settings)
                write_bytes(kept, json.dumps(vars(cost)).encode(), overwrite=True)
            costs.append(Cost(**_read(kept)))
    return costs


def _converged(
    options: argparse.Namespace,
    units: Sequence[Unit],
    measured: Sequence[Measured],
    methods: Sequence[Method],
    settings: BenchmarkSettings,
) -> list[Converged]:
    """Follow the iterations of each equilibrium network on the first photo that is shown."""
    from dataclasses import replace

    from core.evaluation.benchmark_page import Converged
    from core.evaluation.figures import convergence_data
    from core.evaluation.originals import read_original
    from core.evaluation.protocol import PROTOCOLS
    from core.images import area_reduced
    from core.methods.letnet import is_equilibrium

    found = []
    readable = {one.row.photo for one in measured}
    for unit in [unit for unit in units if unit.shown and unit.name in readable][:1]:
        original = read_original(unit.photo)
        if options.max_side is not None:
            original = area_reduced(original, options.max_side)
        reference = settings.evaluation.styles[unit.style].apply(original)
        evaluation = replace(settings.evaluation, protocol=PROTOCOLS[unit.protocol])
        for method in methods:
            if is_equilibrium(method):
                data = convergence_data(method, reference, evaluation)
                solver = method.model.descriptor.solver
                found.append(Converged(unit.photo.stem, method.name, data, solver))
    return found


def _budget(path: Path) -> dict[str, Any]:
    budget = _read(path)
    if not isinstance(budget, dict) or not {"network", *_SPENT} <= budget.keys():
        raise PhotoError(f"“{path}” is no report of gamut train-rival; name one.")
    return budget


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise PhotoError(f"“{path}” is no report that can be read; check its name.") from error


def _command(options: argparse.Namespace) -> str:
    return shlex.join(["gamut", *options.given])
