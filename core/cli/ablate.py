"""``gamut ablate``: what each part of the network is worth, on an equal budget."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import at_least, within
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse

    from core.training.ablation import Outcome
    from core.training.recipes import Recipe

_FORMATS = ("text", "csv", "markdown", "latex")

_DESCRIPTION = """\
Train variants of the paper's network on an equal budget and measure them on scenes that were
held out: other activations, no input injection, no channel attention (table 4 of the paper);
plain, recurrent and implicit (figure 4). Give the same command again after an interruption:
finished variants are not trained again.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "ablate", help="what each part of the network is worth", description=_DESCRIPTION
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help='made by "gamut prepare"'
    )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="where runs are kept"
    )
    parser.add_argument(
        "--steps", type=at_least(1), default=400, help="of each variant (default: %(default)s)"
    )
    parser.add_argument("--photos-per-step", type=at_least(1), help="default: 4")
    parser.add_argument(
        "--patch", metavar="PIXELS", type=at_least(16), help="side of a patch (default: 64)"
    )
    parser.add_argument(
        "--hold-out",
        metavar="SHARE",
        type=within(0.01, 0.9),
        default=0.15,
        help="about this share of the scenes is measured (default: %(default)s)",
    )
    parser.add_argument(
        "--photos",
        metavar="N",
        type=at_least(1),
        default=12,
        help="measure on at most N of them (default: %(default)s)",
    )
    parser.add_argument(
        "--variants", metavar="NAME", nargs="+", help="only these (default: all of them)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--threads", type=at_least(1))
    parser.add_argument("--workers", type=at_least(0), default=1)
    parser.add_argument("--format", choices=_FORMATS, default="text", help="default: text")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the outcomes")
    parser.add_argument("--overwrite", action="store_true", help="replace a FILE that exists")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train and measure the variants, then write the table."""
    try:
        from core.training.ablation import VARIANTS, AblationSettings, ablate, ablation_table
    except ModuleNotFoundError as error:
        raise PhotoError(
            f"Training needs the package {error.name}; install napari-gamut[train]."
        ) from error
    from core.cli.progress import ProgressBar, set_up_training
    from core.evaluation.report import render
    from core.files import check_target, write_bytes
    from core.training.prepared import Manifest

    set_up_training(options)
    if options.json is not None:
        check_target(options.json, overwrite=options.overwrite)
    chosen = options.variants or list(VARIANTS)
    unknown = [name for name in chosen if name not in VARIANTS]
    if unknown:
        raise PhotoError(f"There is no variant {unknown[0]!r}; choose among {', '.join(VARIANTS)}.")
    settings = AblationSettings(
        recipe=_recipe(options), held_out=options.hold_out, photos=options.photos
    )
    outcomes: list[Outcome] = []
    with ProgressBar("variants") as bar:
        for number, name in enumerate(chosen):
            bar.show(number, len(chosen), name)
            outcomes += ablate(
                Manifest.load(options.cache),
                options.output,
                settings,
                {name: VARIANTS[name]},
                workers=options.workers,
            )
    table = ablation_table(outcomes, options.steps)
    sys.stdout.write(render([table], options.format))
    if options.json is not None:
        content = json.dumps([asdict(outcome) for outcome in outcomes], indent=1)
        write_bytes(options.json, content.encode(), overwrite=options.overwrite)
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe on the person's budget."""
    from dataclasses import replace

    from core.training.ablation import AblationSettings

    recipe = AblationSettings().recipe
    patches = recipe.patches
    if options.patch is not None:
        patches = replace(patches, size=options.patch)
    return replace(
        recipe,
        patches=patches,
        steps=options.steps,
        photos=options.photos_per_step or recipe.photos,
        seed=options.seed,
    )
