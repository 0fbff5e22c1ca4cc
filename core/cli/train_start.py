"""``gamut train-start``: train where the fits of GamutMLP as published begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import at_least, set_threads

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from core.cli.progress import ProgressBar

_DESCRIPTION = """\
Train the weights from which the fits of GamutMLP as published begin, so that fewer steps are enough
(Reptile). The photos are those that gamut prepare decoded into the cache; some of their scenes are
held out, and the gain there after some steps is told, from the start and from random weights. The
file is a method: give it to gamut evaluate or gamut benchmark instead of a name.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train-start",
        help="train where the fits of GamutMLP as published begin",
        description=_DESCRIPTION,
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="as gamut prepare made it"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="a .safetensors file"
    )
    parser.add_argument(
        "--size",
        choices=("11kb", "23kb", "53kb"),
        default="23kb",
        help="of the networks, as the paper calls it (default: 23kb)",
    )
    parser.add_argument("--photos", type=at_least(1), default=256, help="at most (default: 256)")
    parser.add_argument("--rounds", type=at_least(1), default=6000, help="default: 6000")
    parser.add_argument("--held-out", type=float, default=0.1, help="share of the scenes")
    parser.add_argument(
        "--steps", type=at_least(1), default=1200, help="of the fits that compare (default: 1200)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--threads", type=at_least(1), help="of the processor")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, compare on held-out scenes, and write the start."""
    from core.cli.common import say
    from core.cli.progress import ProgressBar
    from core.engine.memory import keep_freed_memory
    from core.errors import PhotoError
    from core.files import check_target, write_bytes
    from core.methods.gamut_mlp_paper import WIDTHS, EncodedNetwork, start_bytes
    from core.progress import finished
    from core.training.prepared import Manifest
    from core.training.start import StartSettings, gains, photo_samples, train_start

    set_threads(options)
    keep_freed_memory()
    check_target(options.output, overwrite=options.overwrite)
    settings = StartSettings(
        size=options.size, photos=options.photos, rounds=options.rounds, seed=options.seed
    )
    learned, watched = Manifest.load(options.cache).split(options.held_out)
    with ProgressBar("photos") as bar:
        photos = finished(photo_samples(learned, settings), _shown(bar, "learned"))
        few = replace(settings, photos=max(2, options.photos // 8))
        others = finished(photo_samples(watched, few), _shown(bar, "held out"))
    if not photos or not others:
        raise PhotoError("Too few of the photos lose colour in sRGB; name a cache with more.")
    with ProgressBar("rounds") as bar:
        start = finished(train_start(photos, settings), _shown(bar, "start"))
    description = f"Reptile, {settings.rounds} rounds on {len(photos)} photos"
    content = start_bytes(start, description)
    write_bytes(options.output, content, overwrite=options.overwrite)
    random = EncodedNetwork(WIDTHS[settings.size])
    for name, begin in (("random weights", random), ("the start", start)):
        found = gains(others, begin, options.steps)
        mean = sum(found) / len(found)
        say(f"{options.steps} steps from {name}: {mean:+.2f} dB on {len(found)} held-out photos")
    return 0


def _shown(bar: ProgressBar, name: str) -> Callable[[int, int], None]:
    """Return a function that shows progress on a bar, under a name."""
    return lambda done, total: bar.show(done, total, name)
