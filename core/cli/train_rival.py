"""``gamut train-rival``: train what the papers compare with, on a budget of processor time."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import at_least, within
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from core.training.model_card import Carded
    from core.training.prepared import Manifest
    from core.training.rivals import Progress

_NAMES = ("gamutnet", "pix2pix", "swinir", "restormer", "letnet", "letnet-box")

_DESCRIPTION = """\
Train one of the networks that the papers compare LETNet with, or LETNet itself beside them,
from scratch until a budget of processor time is used up: the same number of minutes for each
is a fair comparison, on any machine and however busy it is. Give --threads 1, since threads
that wait for each other use up processor time, too. OUTPUT receives NAME.safetensors, which
"gamut evaluate" and "gamut expand --model" take, its model card NAME.md, and NAME.json with
what was spent.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train-rival",
        help="train a network that the papers compare with, on an equal budget",
        description=_DESCRIPTION,
    )
    parser.add_argument("network", choices=_NAMES, metavar="NETWORK", help=", ".join(_NAMES))
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help='made by "gamut prepare"'
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="where the model goes"
    )
    parser.add_argument(
        "--cpu-minutes",
        metavar="M",
        type=within(0.01, 1e5),
        default=10.0,
        help="the budget, of all threads together (default: %(default)g)",
    )
    parser.add_argument(
        "--adversarial",
        action="store_true",
        help="with a discriminator, as pix2pix has it; it shares the budget",
    )
    parser.add_argument("--name", help="name of the model (default: that of the network)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="other weights and patches")
    parser.add_argument(
        "--hold-out",
        metavar="SHARE",
        type=within(0.0, 0.9),
        default=0.0,
        help="leave out about this share of the scenes, to measure on (default: none)",
    )
    parser.add_argument("--threads", type=at_least(1))
    parser.add_argument("--overwrite", action="store_true", help="replace a model that exists")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, and write the model, its card and what was spent."""
    from core.cli.progress import set_up_training
    from core.files import check_target
    from core.training import rivals
    from core.training.prepared import Manifest

    name = options.name or options.network
    path: Path = options.output / f"{name}.safetensors"
    options.output.mkdir(parents=True, exist_ok=True)
    for target in (path, path.with_suffix(".md"), path.with_suffix(".json")):
        check_target(target, overwrite=options.overwrite)
    set_up_training(options)
    manifest, _ = Manifest.load(options.cache).split(options.hold_out)
    if not manifest.sources:
        raise PhotoError(f"There is no photo to train on in “{options.cache}”; prepare some.")
    if options.network in rivals.LETNETS:
        if options.adversarial:
            raise PhotoError("LETNet is trained without a discriminator; leave out --adversarial.")
        spent = _train_letnet(options, manifest, name, path)
    else:
        spent = _train_rival(options, manifest, name, path)
    sys.stdout.write(f"{path}: {spent.steps} steps in {spent.cpu_seconds:.0f} s of the processor\n")
    return 0


def _train_rival(
    options: argparse.Namespace, manifest: Manifest, name: str, path: Path
) -> Progress:
    import hashlib
    from dataclasses import replace

    from core.network.rivals.image_model import ImageModel, to_bytes
    from core.training.model_card import model_card
    from core.training.rivals import RIVALS, ImageLearner, train_within

    recipe = replace(
        RIVALS[options.network],
        adversarial=options.adversarial,
        seed=options.seed,
        cpu_seconds=60.0 * options.cpu_minutes,
    )
    learner = ImageLearner(recipe)
    spent = _watched(
        train_within(
            learner, manifest, recipe.patches, recipe.photos, recipe.cpu_seconds, recipe.seed
        ),
        recipe.cpu_seconds,
        name,
    )
    card = model_card(recipe, manifest, learner.form.weights_count)
    model = ImageModel(learner.form, name, learner.result, card)
    data = to_bytes(model)
    _write(path, data, model, hashlib.sha256(data).hexdigest(), manifest, spent)
    return spent


def _train_letnet(
    options: argparse.Namespace, manifest: Manifest, name: str, path: Path
) -> Progress:
    import hashlib

    from core.network.models import Descriptor, to_bytes
    from core.training.model_card import model_card
    from core.training.rivals import LETNETS, LetNetLearner, train_within

    recipe = replace(LETNETS[options.network], seed=options.seed)
    seconds = 60.0 * options.cpu_minutes
    learner = LetNetLearner(recipe)
    spent = _watched(
        train_within(learner, manifest, recipe.patches, recipe.photos, seconds, recipe.seed),
        seconds,
        name,
    )
    network = learner.result
    card = model_card(replace(recipe, steps=spent.steps), manifest, network.parameters_count)
    descriptor = Descriptor(name, recipe.config, recipe.inference, recipe.halo, card)
    data = to_bytes(network, descriptor)
    _write(path, data, descriptor, hashlib.sha256(data).hexdigest(), manifest, spent)
    return spent


def _watched(work: Iterator[Progress], seconds: float, name: str) -> Progress:
    from core.cli.progress import ProgressBar

    spent = None
    with ProgressBar("s") as bar:
        for spent in work:
            bar.show(round(spent.cpu_seconds), round(seconds), f"{name} {spent.loss:.3g}")
    assert spent is not None, "a budget is above 0"
    return spent


def _write(
    path: Path, data: bytes, descriptor: Carded, digest: str, manifest: Manifest, spent: Progress
) -> None:
    from dataclasses import asdict

    from core.files import write_bytes
    from core.training.model_card import card_text

    write_bytes(path, data, overwrite=True)
    text = card_text(descriptor, digest, manifest)
    write_bytes(path.with_suffix(".md"), text.encode(), overwrite=True)
    report = {"network": descriptor.name, **asdict(spent), "card": descriptor.card}
    write_bytes(path.with_suffix(".json"), json.dumps(report, indent=1).encode(), overwrite=True)
