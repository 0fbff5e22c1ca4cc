"""``gamut``: its commands, its exit codes and what it says when something goes wrong."""

from __future__ import annotations

import argparse
import io
import logging
import signal
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Protocol

from core.errors import PhotoError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (
    "expand",
    "reduce",
    "info",
    "methods",
    "spaces",
    "compare",
    "prepare",
    "train",
    "adapt",
    "train_rival",
    "evaluate",
    "benchmark",
    "ablate",
    "demo",
)

_EPILOGUE = """\
exit codes: 0 all is done; 1 some files failed (each is named, the others are done);
2 the command cannot be carried out; 130 interrupted.
"""


class Command(Protocol):
    """What a module of this package offers: one command."""

    def add_parser(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the command's arguments; set its function as the default ``run``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process unless given.

    Returns
    -------
    int
        The exit code.
    """
    options = build_parser().parse_args(arguments)
    level = logging.DEBUG if options.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    # Names that the terminal's encoding lacks are shown by their numbers, not by a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # A terminated job cleans up like an interrupted one: no half file stays behind.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = options.run(options)
    except PhotoError as error:
        sys.stderr.write(f"gamut: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("gamut: interrupted; finished files are kept, half ones are removed.\n")
        return 130
    return code


def _version() -> str:
    try:
        return version("napari-gamut")
    except PackageNotFoundError:
        return "of unknown version: napari-gamut is not installed"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="gamut",
        description="Give photos the colours back that they lost when they were saved as sRGB.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument("-v", "--verbose", action="store_true", help="show an engineer's log")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        command: Command = import_module(f"core.cli.{name}")
        command.add_parser(commands)
    return parser


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
