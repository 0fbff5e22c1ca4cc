"""``gamut``: its commands, its exit codes and what it says when something goes wrong."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import signal
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Protocol

from core.errors import PhotoError
from core.progress import Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMMANDS = (
    "expand",
    "reduce",
    "recover",
    "strip",
    "info",
    "methods",
    "spaces",
    "compare",
    "prepare",
    "train",
    "train-start",
    "adapt",
    "train-rival",
    "evaluate",
    "benchmark",
    "ablate",
    "export",
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

    Examples
    --------
    >>> from contextlib import chdir
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, chdir(folder):
    ...     Path("beach.jpg").touch()
    ...     main(["reduce", "beach.jpg", "-o", "narrow/", "--dry-run"])
    beach.jpg -> narrow/beach.png
    0
    """
    # Before torch is loaded: threads that wait for each other leave the processor to others.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = build_parser().parse_args(given)
    options.given = given
    level = logging.DEBUG if options.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    # Names that the terminal's encoding lacks are shown by their numbers, not by a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _cancelled_by_signals():
            code: int = options.run(options)
    except PhotoError as error:
        sys.stderr.write(f"gamut: {error}\n")
        return 2
    except (Stopped, KeyboardInterrupt):
        sys.stderr.write("gamut: interrupted; finished files are kept, half ones are removed.\n")
        return 130
    return code


def _version() -> str:
    try:
        return version("napari-gamut")
    except PackageNotFoundError:
        return "of unknown version: napari-gamut is not installed"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Examples
    --------
    >>> options = build_parser().parse_args(["expand", "beach.jpg", "-o", "wide.tif"])
    >>> options.inputs, options.output, options.model
    (['beach.jpg'], 'wide.tif', 'letnet-box')
    """
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
        command: Command = import_module(f"core.cli.{name.replace('-', '_')}")
        command.add_parser(commands)
    return parser


@contextlib.contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """Let an interrupted or terminated job clean up, so that no half file stays behind.

    Not by a KeyboardInterrupt: one that hits code compiled from a text, such as the making of a
    dataclass, lets Python kill itself at its end, although it was handled.
    """

    def cancel(signum: int, frame: object) -> None:
        raise Stopped

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, cancel) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
