"""``gamut export``: networks for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.arguments import at_least
from core.cli.common import say
from core.methods.registry import DEFAULT

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write a network for other programs (ONNX)",
        description="Write an equilibrium network as ONNX files, which other programs can run: one "
        "from codes to colours with a fixed number of steps, its parts, and a text that says what "
        "goes in and what comes out. Needs napari-gamut[onnx].",
    )
    parser.add_argument(
        "--model", default=DEFAULT, metavar="NAME", help="the network (default: %(default)s)"
    )
    parser.add_argument(
        "--onnx",
        required=True,
        type=Path,
        metavar="FILE",
        help="the graph to write; its parts and the text take their names from it",
    )
    parser.add_argument(
        "--steps", type=at_least(1), default=12, metavar="K", help="of the graph (default: 12)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    from core.network.exporting import export_onnx
    from core.network.models import load_model

    model = load_model(options.model)
    for path in export_onnx(model, options.onnx, options.steps, overwrite=options.overwrite):
        say(str(path))
    return 0
