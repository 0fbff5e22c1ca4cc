"""Photos that are expanded one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_gamut.naming import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer


class Batch:
    """What waits for its turn, and what became of the rest.

    Parameters
    ----------
    layers : iterable of Layer or None
        The photos; None stands for a photo that nobody chose.

    Attributes
    ----------
    waiting : list of Layer or None
        Those whose turn has not come.
    count : int
        Of all.
    expanded : int
        How many are done.
    errors : list of str
        Why others are not: sentences for people.
    """

    def __init__(self, layers: Iterable[Layer | None] = ()) -> None:
        self.waiting = list(layers)
        self.count = len(self.waiting)
        self.expanded = 0
        self.errors: list[str] = []

    @property
    def is_several(self) -> bool:
        """Whether there are several photos."""
        return self.count > 1

    @property
    def place(self) -> str:
        """Which photo is worked on, for people; empty for a single one."""
        number = self.count - len(self.waiting)
        return f"Photo {number} of {self.count}: " if self.is_several else ""

    @property
    def sentence(self) -> str:
        """What became of all."""
        verb = "is" if self.expanded == 1 else "are"
        told = f"{self.expanded} of {counted(self.count, 'photo')} {verb} expanded."
        return " ".join([told, *self.errors])
