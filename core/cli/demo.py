"""``gamut demo``: the web demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import PhotoError

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
    """Serve the demo until it is interrupted; returns its exit code.

    Raises
    ------
    PhotoError
        If the demo, or what it is built with, is not installed.
    """
    try:
        from gradio_app.server import main
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "gradio_app":
            raise
        raise PhotoError(
            "The web demo is not part of this installation; install it with "
            'pip install "napari-gamut[demo]".'
        ) from error
    return main(options.flags)
