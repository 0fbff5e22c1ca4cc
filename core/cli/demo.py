"""``gamut demo``: the web demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="start the web demo",
        # The demo has flags of its own; to this parser they are all plain words.
        prefix_chars="\0",
        add_help=False,
    )
    parser.add_argument("flags", nargs="*")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the demo until it is interrupted; returns the exit code."""
    from gradio_app.server import main

    return main(options.flags)
