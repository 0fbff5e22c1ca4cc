"""``gamut train``: train a network on wide-gamut photos."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.arguments import at_least, within
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse

    from core.network.letnet import LetNet
    from core.network.models import Model
    from core.training.prepared import Manifest
    from core.training.recipes import Recipe

_RECIPES = ("cpu", "cpu-source", "cpu-source-blind", "cpu-paper-form", "paper")
_RUN = "run.json"

_DESCRIPTION = """\
Train a network. Photos are decoded into the cache first, if that is still to be done. Give the
same command again after an interruption: training goes on from its last checkpoint and ends
with the same weights. The run folder receives checkpoints, logs (CSV, TensorBoard), the model
as NAME.safetensors, which "gamut expand --model" takes, and its model card as NAME.md.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("train", help="train a network", description=_DESCRIPTION)
    parser.add_argument(
        "--recipe", choices=_RECIPES, default="cpu", help="how to train (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        nargs="+",
        type=Path,
        default=[],
        help="wide-gamut photos; without, the cache is taken as it is",
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="where decoded photos are kept"
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="the folder of this run"
    )
    parser.add_argument(
        "--start", metavar="MODEL", help="a trained network to start from (default: from scratch)"
    )
    parser.add_argument("--name", help="name of the model (default: that of the recipe)")
    parser.add_argument("--steps", type=at_least(1), help="optimisation steps")
    parser.add_argument("--seed", type=at_least(0), help="another seed, other weights and patches")
    parser.add_argument(
        "--max-side",
        metavar="PIXELS",
        type=at_least(64),
        default=1024,
        help="reduce larger photos to this length of the longer side (default: %(default)s)",
    )
    parser.add_argument(
        "--hold-out",
        metavar="SHARE",
        type=within(0.0, 0.9),
        default=0.0,
        help="leave out about this share of the scenes, to measure on (default: none)",
    )
    _add_remedies(parser)
    _add_machine(parser)
    parser.set_defaults(run=run)


def _add_remedies(parser: argparse.ArgumentParser) -> None:
    remedies = parser.add_argument_group("if the fixed point diverges")
    remedies.add_argument(
        "--regularisation",
        metavar="WEIGHT",
        type=within(0.0, 1e6),
        help="weight of the penalty on the cell's Jacobian",
    )
    remedies.add_argument(
        "--damping", type=within(0.01, 1.99), help="share of the new state in a solver's step"
    )
    remedies.add_argument("--learning-rate", metavar="RATE", type=within(1e-8, 1.0))


def _add_machine(parser: argparse.ArgumentParser) -> None:
    machine = parser.add_argument_group("the machine")
    machine.add_argument("--threads", type=at_least(1), help="of each process")
    machine.add_argument(
        "--workers", type=at_least(0), default=1, help="processes that draw patches (default: 1)"
    )
    machine.add_argument(
        "--accelerator", choices=("auto", "cpu", "gpu"), default="auto", help="default: auto"
    )
    machine.add_argument(
        "--devices", type=at_least(1), default=1, help="GPUs or processes of each machine"
    )
    machine.add_argument("--nodes", type=at_least(1), default=1, help="machines")
    machine.add_argument(
        "--bfloat16", action="store_true", help="compute in bfloat16 where it is possible"
    )
    machine.add_argument(
        "--checkpoint-every",
        metavar="STEPS",
        type=at_least(1),
        default=200,
        help="steps between checkpoints (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Prepare, train, write the model and its card."""
    try:
        from core.training.run import is_first_process, train
    except ModuleNotFoundError as error:
        raise PhotoError(
            f"Training needs the package {error.name}; install napari-gamut[train]."
        ) from error
    from core.cli.progress import set_up_training

    set_up_training(options)
    recipe = _recipe(options)
    start = _start(options, recipe)
    if is_first_process():
        _prepare(options)
    manifest = _manifest(options)
    if is_first_process():
        _keep_settings(options, recipe, manifest, start)
    network = train(
        recipe,
        manifest,
        options.output,
        start=start.network if start else None,
        steps_per_epoch=min(options.checkpoint_every, recipe.steps),
        workers=options.workers,
        devices=options.devices,
        nodes=options.nodes,
        accelerator=options.accelerator,
        precision="bf16-mixed" if options.bfloat16 else "32-true",
        progress=sys.stderr.isatty(),
    )
    if is_first_process():
        path = _write_model(options, recipe, manifest, start, network)
        sys.stdout.write(f"{path}\n")
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe with what the person changed."""
    from dataclasses import replace

    from core.training.recipes import RECIPES

    recipe = RECIPES[options.recipe]
    changes: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("steps", "seed", "regularisation", "learning_rate")
        if getattr(options, name) is not None
    }
    if options.damping is not None:
        changes["solver"] = replace(recipe.solver, damping=options.damping)
    return replace(recipe, **changes)


def _prepare(options: argparse.Namespace) -> None:
    from core.cli.progress import ProgressBar
    from core.training.prepared import prepare

    if not options.data:
        return
    with ProgressBar("photos") as bar:
        prepare(
            options.data,
            options.cache,
            options.max_side,
            bar.show,
            failed=lambda error: bar.note(f"left out: {error}"),
        )


def _manifest(options: argparse.Namespace) -> Manifest:
    from core.training.prepared import Manifest

    manifest, _ = Manifest.load(options.cache).split(options.hold_out)
    if not manifest.sources:
        raise PhotoError(f"There is no photo to train on in “{options.cache}”; prepare some.")
    return manifest


def _start(options: argparse.Namespace, recipe: Recipe) -> Model | None:
    """Load the network to start from, refusing one of another form."""
    from core.network.models import load_model

    if options.start is None:
        return None
    start = load_model(options.start)
    if not recipe.config.continues(start.network.config):
        raise PhotoError(
            f"{options.start} has another form than the recipe {options.recipe} trains; choose "
            "another network to start from."
        )
    return start


def _keep_settings(
    options: argparse.Namespace, recipe: Recipe, manifest: Manifest, start: Model | None
) -> None:
    """Write down what decides the weights, or refuse to go on with another run."""
    settings = json.dumps(
        {
            "recipe": recipe.as_dict(),
            "data": manifest.fingerprint,
            "start": start.sha256 if start else None,
            "checkpoint_every": options.checkpoint_every,
            "bfloat16": options.bfloat16,
        },
        indent=1,
    )
    record = options.output / _RUN
    options.output.mkdir(parents=True, exist_ok=True)
    if not record.exists():
        record.write_text(settings)
    elif record.read_text() != settings:
        raise PhotoError(
            f"“{options.output}” holds a run with other settings or photos; repeat its command, "
            "or choose another folder."
        )


def _write_model(
    options: argparse.Namespace,
    recipe: Recipe,
    manifest: Manifest,
    start: Model | None,
    network: LetNet,
) -> Path:
    import hashlib

    from core.files import write_bytes
    from core.network.models import Descriptor, to_bytes
    from core.training.model_card import card_text, model_card

    name = options.name or options.recipe
    card = model_card(recipe, manifest, network.parameters_count, start)
    descriptor = Descriptor(name, recipe.config, recipe.inference, recipe.halo, card)
    data = to_bytes(network, descriptor)
    path: Path = options.output / f"{name}.safetensors"
    write_bytes(path, data, overwrite=True)
    text = card_text(descriptor, hashlib.sha256(data).hexdigest(), manifest)
    write_bytes(path.with_suffix(".md"), text.encode(), overwrite=True)
    return path
