"""What results are called, and what people are told of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.colour import SPACES
from core.source_gamut import UNKNOWN

if TYPE_CHECKING:
    from napari_gamut.records import Provenance, Record

_SHORT = {"prophoto": "ProPhoto", "display-p3": "P3", "adobe-rgb": "Adobe RGB"}


def short_name(space: str) -> str:
    """Return a space's name for places without room."""
    return _SHORT.get(space, SPACES[space].name) if space in SPACES else space


def result_name(made: Provenance) -> str:
    """Return the name of an expanded layer: photo, method, strength, source and space."""
    parts = [made.source, made.model, f"{made.strength:.0%}"]
    parts.append(f"source {short_name(made.origin)}")
    parts.append(f"in {short_name(made.space)}")
    return " · ".join(parts)


def file_name(name: str, record: Record) -> str:
    """Return the name that is proposed for a layer's file."""
    if record.made is not None:
        name = f"{record.made.source} in {short_name(record.made.space)}"
    return re.sub(r'[\\/:*?"<>|]+', " ", name).strip() + ".tif"


def description(made: Provenance) -> str:
    """Return how an expanded layer was made, in sentences."""
    parts = [f"Made from “{made.source}” by {made.model} at a strength of {made.strength:.0%}"]
    if made.origin != UNKNOWN:
        parts.append(f"within the source {SPACES[made.origin].name}")
    parts.append(f"in {SPACES[made.space].name}.")
    return ", ".join(parts)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
