"""What results are called, and what people are told of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.colour import SPACES
from core.source_gamut import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_gamut.records import Provenance, Record

_SHORT = {"prophoto": "ProPhoto", "display-p3": "P3", "adobe-rgb": "Adobe RGB"}


_LONGEST_DRAWN = 36


def short_name(space: str) -> str:
    """Return a space's name for places without room."""
    return _SHORT.get(space, SPACES[space].name) if space in SPACES else space


def result_name(made: Provenance) -> str:
    """Return the name of an expanded layer: photo, strength, method, source, space and region.

    napari's list of layers shows the beginning and the end: there is what variants differ in.
    """
    parts = [made.source, f"{made.strength:.0%}", made.model]
    parts.append(f"source {short_name(made.origin)}")
    parts.append(f"in {short_name(made.space)}")
    if made.region:
        parts.append(f"inside {made.region}")
    return " · ".join(parts)


def recipe(made: Provenance) -> str:
    """Return how a layer was expanded, in one sentence."""
    source = "unknown" if made.origin == UNKNOWN else SPACES[made.origin].name
    told = (
        f"The selected layer: “{made.source}” by {made.model}, strength {made.strength:.0%}, "
        f"source {source}, in {short_name(made.space)}"
    )
    return f"{told}, inside “{made.region}”." if made.region else f"{told}."


def file_name(name: str, record: Record) -> str:
    """Return the name that is proposed for a layer's file."""
    if record.made is not None:
        name = f"{record.made.source} in {short_name(record.made.space)}"
    return re.sub(r'[\\/:*?"<>|\s]+', " ", name).strip() + ".tif"


def drawn_names(photos: Iterable[tuple[str, Record]]) -> list[str]:
    """Return what photos are called in a narrow drawing, each in its own way.

    Names that begin alike differ at their end: what is too long is cut in the middle.
    """
    found: list[str] = []
    for name, record in photos:
        plain = short = _drawn(name, record)
        number = 1
        while short in found:
            number += 1
            short = f"{plain} ({number})"
        found.append(short)
    return found


def percentage(part: float) -> str:
    """Return a share, 0..1, in words that say neither none nor all where it is not so."""
    if 0.0 < part < 0.001:
        return "less than 0.1 %"
    if 0.999 < part < 1.0:
        return "more than 99.9 %"
    digits = 0 if 0.1 <= part <= 0.99 or part in (0.0, 1.0) else 1
    return f"{100 * part:.{digits}f} %"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _drawn(name: str, record: Record) -> str:
    if record.made is not None:
        name = f"{record.made.source}, {record.made.model} {record.made.strength:.0%}"
    if len(name) <= _LONGEST_DRAWN:
        return name
    half = _LONGEST_DRAWN // 2
    return f"{name[:half]}…{name[half + 1 - _LONGEST_DRAWN :]}"
