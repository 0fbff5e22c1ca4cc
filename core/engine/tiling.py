"""Photos in rows of tiles: a plan that is data, and what tiles are cut from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from core.gamut import Codes


class Source(Protocol):
    """sRGB codes that can be read in bands of rows, going down."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and 3."""

    def rows(self, start: int, stop: int) -> Codes:
        """Return the rows from `start` up to `stop`, (stop - start, W, 3)."""


@dataclass(frozen=True)
class ArraySource:
    """Codes that are in memory."""

    codes: Codes

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and 3."""
        return self.codes.shape

    def rows(self, start: int, stop: int) -> Codes:
        """Return the rows from `start` up to `stop`."""
        return self.codes[start:stop]


@dataclass(frozen=True)
class Span:
    """A tile along one axis: what it fills, and the window that the network sees.

    Attributes
    ----------
    start, stop : int
        Pixels that the tile fills.
    window_start, window_stop : int
        The same with its halo, cut at the edges of the photo.
    """

    start: int
    stop: int
    window_start: int
    window_stop: int

    @property
    def inner(self) -> slice:
        """Where the filled pixels are in the window."""
        return slice(self.start - self.window_start, self.stop - self.window_start)


def plan_spans(length: int, tile: int, halo: int) -> list[Span]:
    """Cut an axis into tiles of at most `tile` pixels, each with a halo on both sides.

    Parameters
    ----------
    length : int
        Pixels along the axis.
    tile, halo : int
        Multiples of the network's scale, so that every window begins on its grid.

    Returns
    -------
    list of Span
        From first to last; together they fill the axis exactly once.

    Examples
    --------
    >>> [(span.start, span.stop, span.window_start) for span in plan_spans(1000, 512, 32)]
    [(0, 512, 0), (512, 1000, 480)]
    """
    starts = range(0, length, tile)
    stops = [min(start + tile, length) for start in starts]
    return [
        Span(start, stop, max(0, start - halo), min(length, stop + halo))
        for start, stop in zip(starts, stops, strict=True)
    ]


def sample_pixels(source: Source, most: int) -> Codes:
    """Return an even grid of about `most` pixels of a photo, (..., 3)."""
    height, width, _ = source.shape
    step = max(1, int(np.sqrt(height * width / most)))
    rows = [source.rows(row, row + 1)[0, ::step] for row in range(step // 2, height, step)]
    return np.stack(rows or [source.rows(0, 1)[0, ::step]])


def sample_patches(source: Source, size: int, most: int) -> tuple[Codes, list[tuple[int, int]]]:
    """Return evenly spread patches of a photo and their corners.

    Parameters
    ----------
    source : Source
        The photo.
    size : int
        Side of a patch.
    most : int
        About how many patches. A photo that holds no more pixels than they do is returned whole.

    Returns
    -------
    patches : ndarray, shape (P, h, w, 3)
    corners : list of (top, left)
    """
    height, width, _ = source.shape
    if height * width <= size * size * most or min(height, width) < size:
        return source.rows(0, height)[None], [(0, 0)]
    across = max(1, round(np.sqrt(most * width / height)))
    down = max(1, round(most / across))
    tops = np.linspace(0, height - size, down).astype(int)
    lefts = np.linspace(0, width - size, across).astype(int)
    patches, corners = [], []
    for top in tops.tolist():
        band = source.rows(top, top + size)
        for left in lefts.tolist():
            patches.append(band[:, left : left + size])
            corners.append((top, left))
    return np.stack(patches), corners
