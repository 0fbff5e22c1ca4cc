"""``gamut prepare``: decode wide-gamut photos once, for training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import at_least

if TYPE_CHECKING:
    import argparse

    from core.errors import PhotoError

_DESCRIPTION = """\
Decode folders of wide-gamut photos (camera RAW, 16-bit TIFF and PNG, HEIC, AVIF, JPEG XL,
OpenEXR) into a cache that "gamut train" draws its patches from. Files without a profile are
taken as ProPhoto RGB. What is in the cache already is not decoded again, so that an
interrupted preparation can be run again.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "prepare", help="decode wide-gamut photos for training", description=_DESCRIPTION
    )
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="with photos")
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="where the decoded photos go"
    )
    parser.add_argument(
        "--max-side",
        metavar="PIXELS",
        type=at_least(64),
        default=1024,
        help="reduce larger photos to this length of the longer side (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prepare the folders; 1 if a file had to be left out."""
    from core.cli.progress import ProgressBar
    from core.training.prepared import prepare

    left_out = 0

    def report(error: PhotoError) -> None:
        nonlocal left_out
        left_out += 1
        bar.note(f"left out: {error}")

    with ProgressBar("photos") as bar:
        manifest = prepare(
            options.folders, options.cache, options.max_side, bar.show, failed=report
        )
    wide = sum(source.wide for source in manifest.sources)
    sys.stdout.write(
        f"photos in {options.cache}: {len(manifest.sources)}; beyond sRGB: {wide}; "
        f"files left out: {left_out}\n"
    )
    return 1 if left_out else 0
