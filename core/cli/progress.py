"""What long commands share: a quiet line of progress, and the set-up of those that train."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

from core.cli.arguments import set_threads

if TYPE_CHECKING:
    import argparse


class ProgressBar:
    """A progress bar on standard error; silent where that is no terminal.

    Parameters
    ----------
    unit : str
        What is counted.
    """

    def __init__(self, unit: str) -> None:
        self._bar = tqdm(unit=f" {unit}", disable=None, file=sys.stderr, leave=False)

    def show(self, done: int, total: int, name: str = "") -> None:
        """Show how many are done, and which is the current one, if it has a name."""
        self._bar.total = total
        self._bar.set_description(name, refresh=False)
        self._bar.n = done
        self._bar.refresh()

    def note(self, text: str) -> None:
        """Write a line on standard error, above the bar."""
        tqdm.write(text, file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


def set_up_training(options: argparse.Namespace) -> None:
    """Set up the process of a command that trains, by its --threads and --verbose.

    Lightning's news of devices and processes stay off the screen; its warnings do not.

    Examples
    --------
    >>> import argparse
    >>> set_up_training(argparse.Namespace(threads=None, verbose=False))
    >>> logging.getLogger("lightning.pytorch").level == logging.WARNING
    True
    """
    from core.engine.memory import keep_freed_memory

    keep_freed_memory()
    set_threads(options)
    if not options.verbose:
        for name in ("lightning.pytorch", "lightning.fabric"):
            logging.getLogger(name).setLevel(logging.WARNING)
