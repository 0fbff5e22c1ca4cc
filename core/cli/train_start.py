"""``gamut train-start``: train where the fits of GamutMLP begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import at_least, set_threads

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from core.cli.progress import ProgressBar

_DESCRIPTION = """\
Train the weights from which gamut reduce --embed begins to fit a photo's network, so that a few
steps are enough (Reptile). The photos are those that gamut prepare decoded into the cache; some of
their scenes are held out, and the gain there after the same number of steps is told, from the
start and from random weights.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train-start", help="train where the fits of GamutMLP begin", description=_DESCRIPTION
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="as gamut prepare made it"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="a .safetensors file"
    )
    parser.add_argument("--size", default="4", metavar="KB", help="of the networks (default: 4)")
    parser.add_argument("--photos", type=at_least(1), default=128, help="at most (default: 128)")
    parser.add_argument("--rounds", type=at_least(1), default=3000, help="default: 3000")
    parser.add_argument("--held-out", type=float, default=0.1, help="share of the scenes")
    parser.add_argument("--steps", type=at_least(1), default=100, help="of the fits that compare")
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--threads", type=at_least(1), help="of the processor")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, compare on held-out scenes, and write the start."""
    from dataclasses import replace

    from core.cli.common import say
    from core.cli.progress import ProgressBar
    from core.engine.memory import keep_freed_memory
    from core.errors import PhotoError
    from core.files import check_target, write_bytes
    from core.methods.registry import DEFAULT, method
    from core.payload.gamut_mlp import FitSettings
    from core.payload.start import start_bytes
    from core.progress import finished
    from core.training.prepared import Manifest
    from core.training.start import StartSettings, gains, photo_samples, train_start

    set_threads(options)
    keep_freed_memory()
    check_target(options.output, overwrite=options.overwrite)
    try:
        settings = StartSettings(
            size=options.size, photos=options.photos, rounds=options.rounds, seed=options.seed
        )
    except ValueError as error:
        raise PhotoError(f"{error} See gamut train-start --help.") from error
    learned, watched = Manifest.load(options.cache).split(options.held_out)
    base = method(DEFAULT)
    with ProgressBar("photos") as bar:
        photos = finished(photo_samples(learned, base, settings), _shown(bar, "learned"))
        few = replace(settings, photos=max(2, options.photos // 8))
        others = finished(photo_samples(watched, base, few), _shown(bar, "held out"))
    if not photos or not others:
        raise PhotoError("Too few of the photos lose colour in sRGB; name a cache with more.")
    with ProgressBar("rounds") as bar:
        start = finished(train_start(photos, settings), _shown(bar, "start"))
    description = f"Reptile, {settings.rounds} rounds on {len(photos)} photos, on {base.name}"
    content = start_bytes(start, description)
    write_bytes(options.output, content, overwrite=options.overwrite)
    fits = FitSettings(size=options.size, steps=options.steps)
    for name, begin in (("random weights", None), ("the start", start)):
        found = gains(others, begin, fits)
        mean = sum(found) / len(found)
        say(f"{options.steps} steps from {name}: {mean:+.2f} dB on {len(found)} held-out photos")
    return 0


def _shown(bar: ProgressBar, name: str) -> Callable[[int, int], None]:
    """Return a function that shows progress on a bar, under a name."""
    return lambda done, total: bar.show(done, total, name)
