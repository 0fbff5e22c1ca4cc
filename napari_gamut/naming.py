"""What results are called, and what people are told of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.colour import SPACES

if TYPE_CHECKING:
    from napari_gamut.records import Provenance, Record

_SHORT = {"prophoto": "ProPhoto", "display-p3": "P3", "adobe-rgb": "Adobe RGB"}


_LONGEST_DRAWN = 36


def short_name(space: str) -> str:
    """Return a space's name for places without room."""
    return _SHORT.get(space, SPACES[space].name) if space in SPACES else space


def result_name(made: Provenance) -> str:
    """Return the name of an expanded layer: photo, method, strength, source, space and region."""
    parts = [made.source, made.model, f"{made.strength:.0%}"]
    parts.append(f"source {short_name(made.origin)}")
    parts.append(f"in {short_name(made.space)}")
    if made.region:
        parts.append(f"inside {made.region}")
    return " · ".join(parts)


def file_name(name: str, record: Record) -> str:
    """Return the name that is proposed for a layer's file."""
    if record.made is not None:
        name = f"{record.made.source} in {short_name(record.made.space)}"
    return re.sub(r'[\\/:*?"<>|\s]+', " ", name).strip() + ".tif"


def drawn_name(name: str, record: Record) -> str:
    """Return what a photo is called in a narrow drawing."""
    if record.made is not None:
        name = f"{record.made.source}, {record.made.model} {record.made.strength:.0%}"
    return name if len(name) <= _LONGEST_DRAWN else f"{name[: _LONGEST_DRAWN - 1]}…"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
