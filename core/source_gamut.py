"""The source gamut: the colour space in which the lost colours of a photo lay.

A telephone photographs in Display P3, a camera can be set to Adobe RGB, a RAW development lives
in ProPhoto. Codes do not tell it, but people and files often know; who knows it knows how far
a clipped channel can have been outside sRGB at most.
"""

from __future__ import annotations

import csv
import functools
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.colour import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SPACES,
    SRGB,
    ColourSpace,
    matrix_between,
)
from core.errors import PhotoError

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = (DISPLAY_P3, ADOBE_RGB, REC2020, PROPHOTO)
"""The source gamuts that networks know, in the order in which they are told."""

UNKNOWN = "unknown"
"""What a table says of a photo whose source gamut nobody knows."""

INDEX_NAME = "INDEX.csv"
"""A table of photos (columns ``file`` and ``source_gamut``) beside them or a folder above."""

_SAME_PRIMARIES = 1e-4
"""Elements of the matrix to XYZ: published chromaticities have three or four digits."""

_CONTAINED = -1e-4
"""Published primaries are rounded: a channel of sRGB's may seem so far outside."""


def contains_srgb(space: ColourSpace) -> bool:
    """Return whether a space holds every colour of sRGB, as any source gamut does.

    Examples
    --------
    >>> contains_srgb(DISPLAY_P3), contains_srgb(ADOBE_RGB)
    (True, True)
    """
    return bool(matrix_between(SRGB, space).min() >= _CONTAINED)


def is_wide(space: ColourSpace) -> bool:
    """Return whether a space holds every colour of sRGB and more.

    Parameters
    ----------
    space : ColourSpace
        Any.

    Returns
    -------
    bool
        Whether photos can be expanded into it, or their colours can come from it.

    Examples
    --------
    >>> is_wide(DISPLAY_P3), is_wide(SRGB)
    (True, False)
    """
    beyond = np.abs(space.to_xyz - SRGB.to_xyz).max() > _SAME_PRIMARIES
    return contains_srgb(space) and bool(beyond)


def told(source: ColourSpace | None) -> npt.NDArray[np.float32]:
    """Return how a network is told the source gamut.

    Parameters
    ----------
    source : ColourSpace or None
        None is unknown.

    Returns
    -------
    ndarray, float32, shape (len(SOURCES),)
        1 at its place in :data:`SOURCES`; all 0 where it is unknown, or none of them.

    Examples
    --------
    >>> told(DISPLAY_P3).tolist(), told(None).tolist()
    ([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    """
    return np.array([space == source for space in SOURCES], np.float32)


def index_entry(path: Path) -> dict[str, str] | None:
    """Return what a table beside a photo says of it, by column.

    Parameters
    ----------
    path : Path
        The photo. Its table is :data:`INDEX_NAME` in its folder or in the one above.

    Returns
    -------
    dict or None
        None where no table names the photo.

    Raises
    ------
    PhotoError
        If the table cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> index_entry(Path("nowhere/photo.jpg")) is None
    True
    """
    for folder in (path.parent, path.parent.parent):
        table = folder / INDEX_NAME
        if table.is_file():
            return _entries(table).get(path.name)
    return None


def source_named(key: str | None) -> ColourSpace | None:
    """Return the source gamut of a key in a table; None for sRGB and for unknown ones.

    Examples
    --------
    >>> source_named("adobe-rgb") is ADOBE_RGB, source_named("unknown") is None
    (True, True)
    """
    space = SPACES.get(key or UNKNOWN)
    return None if space == SRGB else space


@functools.lru_cache(maxsize=8)
def _entries(table: Path) -> dict[str, dict[str, str]]:
    try:
        # Spreadsheets put a byte order mark before UTF-8.
        with table.open(newline="", encoding="utf-8-sig") as file:
            return {row["file"]: row for row in csv.DictReader(file) if row.get("file")}
    except (OSError, ValueError, csv.Error) as error:
        raise PhotoError(
            f"“{table}” cannot be read as a table; save it as CSV, in UTF-8, or take it away."
        ) from error
