"""``gamut adapt``: a network of one's own, from one's own wide-gamut originals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.cli.arguments import at_least, set_threads, within
from core.errors import PhotoError
from core.methods.registry import DEFAULT

if TYPE_CHECKING:
    from core.network.models import Model
    from core.training.adaptation import Adaptation
    from core.training.prepared import Manifest

_EPILOGUE = """\
examples:
  gamut adapt originals/ -o mine.safetensors
  gamut expand photo.jpg -o photo.tif --model mine.safetensors

Take 8 to 50 wide-gamut originals (camera RAW, 16-bit TIFF, HEIC) of one camera and one way of
developing. A quarter of the scenes is held out: they decide when to stop and whether it was worth
it. Where it was not, nothing is written, and the exit code is 1.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "adapt",
        help="adapt the network to your own camera and way of developing",
        description="Train a network on for a few minutes with your own wide-gamut originals.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "originals",
        nargs="+",
        metavar="ORIGINAL",
        type=Path,
        help="wide-gamut photos, or folders (searched throughout)",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="MODEL", type=Path, help="a .safetensors file"
    )
    parser.add_argument(
        "--model", default=DEFAULT, metavar="NAME", help="what to start from (default: %(default)s)"
    )
    parser.add_argument(
        "--minutes",
        type=within(0.01, 1440.0),
        default=10.0,
        help="the time it may take at most (default: %(default)s)",
    )
    parser.add_argument("--threads", type=at_least(1), metavar="N", help="processor threads to use")
    parser.add_argument("--seed", type=at_least(0), default=0, help="another seed, other patches")
    parser.add_argument("--overwrite", action="store_true", help="replace a model that exists")
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prepare, adapt, say whether it was worth it, write the model and its card."""
    import tempfile

    from core.cli.progress import ProgressBar
    from core.files import check_target
    from core.network.models import load_model
    from core.progress import finished
    from core.training.adaptation import AdaptationSettings, adaptation
    from core.training.prepared import prepare

    target: Path = options.output
    if target.suffix != ".safetensors":
        raise PhotoError(f"“{target}” is no name for a model; end it in .safetensors.")
    for path in (target, target.with_suffix(".md")):
        check_target(path, overwrite=options.overwrite)
    set_threads(options)
    model = load_model(options.model)
    settings = AdaptationSettings(minutes=options.minutes, seed=options.seed)
    with tempfile.TemporaryDirectory(prefix="gamut-adapt-") as cache:
        with ProgressBar("photos") as bar:
            manifest = prepare(
                options.originals,
                Path(cache),
                progress=bar.show,
                failed=lambda error: bar.note(f"left out: {error}"),
            )
        with ProgressBar("steps") as bar:
            outcome = finished(adaptation(model, manifest, settings), bar.show)
    if outcome.worthwhile:
        _write(target, model, outcome, settings.seed, options.overwrite)
    report = _report(model, outcome, target)
    common.say(json.dumps(report, indent=2) if options.json else _text(report))
    return 0 if outcome.worthwhile else 1


def _write(target: Path, model: Model, outcome: Adaptation, seed: int, overwrite: bool) -> None:
    import hashlib
    from dataclasses import replace

    from core.files import write_bytes
    from core.network.models import to_bytes
    from core.training.adaptation import AdaptationSettings, recipe_for
    from core.training.model_card import card_text, model_card

    recipe = replace(recipe_for(model, AdaptationSettings(seed=seed)), steps=outcome.steps)
    photos: Manifest = outcome.trained_on
    card = model_card(recipe, photos, outcome.network.parameters_count, model)
    descriptor = replace(model.descriptor, name=target.stem, card=card)
    data = to_bytes(outcome.network, descriptor)
    text = card_text(descriptor, hashlib.sha256(data).hexdigest(), photos)
    write_bytes(target, data, overwrite=overwrite)
    write_bytes(target.with_suffix(".md"), text.encode(), overwrite=overwrite)


def _report(model: Model, outcome: Adaptation, target: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "output": str(target) if outcome.worthwhile else None,
        "start": {"name": model.name, "sha256": model.sha256},
        "trained_on": [source.name for source in outcome.trained_on.sources],
        "held_out": list(outcome.held_out),
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 1),
        "before": asdict(outcome.before),
        "after": asdict(outcome.after),
    }


def _text(report: dict[str, Any]) -> str:
    before, after = report["before"], report["after"]
    rows = [(report["start"]["name"], before)]
    if report["output"]:
        rows.append((Path(report["output"]).stem, after))
    width = max(len(name) for name, _ in rows)
    lines = [
        f"{len(report['trained_on'])} photos trained on, {len(report['held_out'])} held out; "
        f"{report['steps']} steps, {report['seconds'] / 60:.1f} minutes",
        f"{'gain on those held out, dB':{width}}  {'blind':>8}{'source known':>14}{'worst':>8}",
    ]
    margin = len("gain on those held out, dB")
    lines += [
        f"{name:{max(width, margin)}}  {gains['blind']:+8.2f}{gains['known']:+14.2f}"
        f"{gains['worst']:+8.2f}"
        for name, gains in rows
    ]
    if report["output"]:
        lines.append(f"{report['output']}: use it with --model {report['output']}")
    else:
        lines.append(
            f"Adapting did not help on the scenes that were held out: keep {rows[0][0]}. More "
            "originals of one camera and one way of developing may help."
        )
    return "\n".join(lines)
