"""What somebody asks for on the tab "Expand", and what they got last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gradio_app.expand_parts import Choices

if TYPE_CHECKING:
    from gradio_app.photo_expansion import Outcome, Request


@dataclass(frozen=True)
class Asked:
    """What somebody wants to be expanded.

    Attributes
    ----------
    number : int
        Of the photos and presses of the button; other settings for the same photo have the same.
    paths : tuple of str
        The uploads.
    chosen : tuple
        The settings, in the order of :class:`Choices`.
    foreign : bool
        Whether the photo came by a link: it is somebody else's, as far as anybody knows.
    """

    number: int
    paths: tuple[str, ...]
    chosen: tuple[Any, ...]
    foreign: bool = False

    def request(self) -> Request:
        """Return what is to be done; of a foreign photo nothing of the owner is kept.

        Raises
        ------
        PhotoError
            If it cannot be done.
        """
        request = Choices.request(*self.chosen)
        return replace(request, private=False) if self.foreign else request


@dataclass(frozen=True, eq=False)
class Last:
    """What was expanded last in a session.

    Attributes
    ----------
    paths : tuple of str
        The uploads.
    chosen : tuple
        The settings, in the order of :class:`Choices`.
    outcome : Outcome, optional
        What became of it, where it was one photo.
    number : int
        That of what was asked for.
    foreign : bool
        Whether the photo came by a link.
    """

    paths: tuple[str, ...]
    chosen: tuple[Any, ...] = ()
    outcome: Outcome | None = None
    number: int = 0
    foreign: bool = False

    @classmethod
    def of(cls, asked: Asked, outcome: Outcome | None = None) -> Last:
        """Return what is there when that which was asked for is done."""
        return cls(asked.paths, asked.chosen, outcome, asked.number, asked.foreign)

    @property
    def asked(self) -> Asked:
        """What it is the answer to."""
        return Asked(self.number, self.paths, self.chosen, self.foreign)

    @property
    def is_there(self) -> bool:
        """Whether its file is still kept."""
        return self.outcome is not None and self.outcome.target.exists()
