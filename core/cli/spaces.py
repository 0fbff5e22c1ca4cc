"""``gamut spaces``: the colour spaces that photos can be written in or come from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import common

if TYPE_CHECKING:
    from core.colour import TransferFunction
    from core.spaces import CatalogueEntry

_EPILOGUE = """\
examples:
  gamut spaces
  gamut spaces "DCI-P3" --profile dci-p3.icc
  gamut expand photo.jpg -o photo.tif --space "ARRI Wide Gamut 4"

A photo can be expanded into every space that holds all of sRGB and more. Spaces of linear light
need floating point: TIFF or JPEG XL. The logarithmic curves of film cameras have no place in a
profile; their spaces are written as linear light.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "spaces",
        help="list the colour spaces, or write the profile of one",
        description="List the colour spaces for --space and --source: our own six, and those "
        "that the package colour-science describes.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("space", nargs="?", metavar="NAME", help="only this one")
    parser.add_argument(
        "--profile", metavar="ICC", type=Path, help="write the ICC profile of the space NAME"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a profile that exists")
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the spaces; write a profile."""
    from core.errors import PhotoError
    from core.files.profile import icc_profile
    from core.files.safe_write import write_bytes
    from core.spaces import catalogue, space_named

    entries = catalogue()
    if options.space:
        space = space_named(options.space)
        entries = {space.key: entries[space.key]}
        if options.profile:
            write_bytes(options.profile, icc_profile(space), overwrite=options.overwrite)
    elif options.profile:
        raise PhotoError("Name the space whose profile is to be written.")
    rows = [_row(entry) for entry in entries.values()]
    if options.json:
        common.say(json.dumps({"spaces": rows}, indent=2))
        return 0
    width = max(len(row["key"]) for row in rows)
    for row in rows:
        use = "" if row["output"] else "  (only for originals: it does not hold more than sRGB)"
        common.say(f"{row['key']:{width}}  {row['name']}; {row['curve']}{use}")
        if options.space:
            common.say(f"  {row['source']}")
            for colour, xy in zip(("red", "green", "blue"), row["primaries"], strict=True):
                common.say(f"  {colour} {xy[0]:.4f} {xy[1]:.4f}")
            common.say(f"  white {row['white'][0]:.4f} {row['white'][1]:.4f}")
    if options.profile:
        common.say(f"{options.profile}: ICC profile, version 4")
    return 0


def _row(entry: CatalogueEntry) -> dict[str, Any]:
    space = entry.space
    return {
        "key": space.key,
        "name": space.name,
        "aliases": list(entry.aliases),
        "curve": _curve(space.transfer),
        "primaries": [list(xy) for xy in space.primaries],
        "white": list(space.white),
        "output": entry.is_wide,
        "source": space.source,
    }


def _curve(transfer: TransferFunction) -> str:
    if transfer.is_linear:
        return "linear light"
    if transfer.is_power:
        return f"gamma {transfer.gamma:.4g}"
    return f"gamma {transfer.gamma:.4g} with a linear toe"
