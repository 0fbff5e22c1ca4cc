"""``gamut recover``: bring a photo's colours back by the network that its file carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cli import expand

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command: ``gamut expand --model embedded`` by a name that people look for."""
    expand.add_parser(
        commands,
        name="recover",
        model="embedded",
        summary="bring colours back by the network that a photo carries",
        description="Bring the colours of photos back by the networks that their files carry "
        "(gamut reduce --embed): gamut expand --model embedded.",
    )
