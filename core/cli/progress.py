"""Progress on a terminal: one line that stays out of the way of everything else."""

from __future__ import annotations

import logging
import sys
from typing import Self

from tqdm import tqdm


class ProgressBar:
    """A progress bar on standard error; silent where that is no terminal.

    Parameters
    ----------
    unit : str
        What is counted.
    """

    def __init__(self, unit: str) -> None:
        self._bar = tqdm(unit=f" {unit}", disable=None, file=sys.stderr, leave=False)

    def show(self, done: int, total: int, name: str) -> None:
        """Show that so many are done, and which one is at work."""
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


def quieten_lightning() -> None:
    """Keep Lightning's news of devices and processes off the screen; its warnings stay."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
