"""Photos in rows of tiles: a plan that is data, and what tiles are cut from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.gamut import Codes, Mask

_CELL = 16
"""Pixels: tiles are cut on a grid of this step. A multiple of every network's scale."""

_OVERHEAD = 3072
"""What a further piece of a tile costs, in pixels to be solved."""


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

    def seen_in(self, region: Span) -> slice:
        """Return where its window is in the window of a longer span."""
        first = region.window_start
        return slice(self.window_start - first, self.window_stop - first)

    def filled_in(self, region: Span) -> slice:
        """Return where the pixels that it fills are among those that a longer span fills."""
        return slice(self.start - region.start, self.stop - region.start)


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
    return spans_within(Span(0, length, 0, length), length, tile, halo)


def spans_within(whole: Span, length: int, tile: int, halo: int) -> list[Span]:
    """Cut what a span fills into tiles; see :func:`plan_spans`.

    Parameters
    ----------
    whole : Span
        It begins on the grid of the tiles.
    length : int
        Pixels along the axis of the photo.
    tile, halo : int
        As for :func:`plan_spans`.

    Examples
    --------
    >>> [
    ...     (span.start, span.stop)
    ...     for span in spans_within(Span(512, 1024, 480, 1000), 1000, 128, 32)
    ... ]
    [(512, 640), (640, 768), (768, 896), (896, 1024)]
    """
    starts = range(whole.start, whole.stop, tile)
    return [_span(start, min(start + tile, whole.stop), length, halo) for start in starts]


@dataclass(frozen=True)
class Tile:
    """A rectangle that is solved at once.

    Attributes
    ----------
    rows, columns : Span
        What it fills, and the window that the network sees, in pixels of the photo.
    """

    rows: Span
    columns: Span

    @property
    def window_shape(self) -> tuple[int, int]:
        """Height and width of what the network sees."""
        rows, columns = self.rows, self.columns
        return rows.window_stop - rows.window_start, columns.window_stop - columns.window_start

    def seen_in(self, region: Tile) -> tuple[slice, slice]:
        """Return where its window is in the window of a larger tile."""
        return self.rows.seen_in(region.rows), self.columns.seen_in(region.columns)

    def filled_in(self, region: Tile) -> tuple[slice, slice]:
        """Return where the pixels that it fills are among those that a larger tile fills."""
        return self.rows.filled_in(region.rows), self.columns.filled_in(region.columns)


def pieces(tile: Tile, wanted: Mask, shape: tuple[int, ...], halo: int) -> list[Tile]:
    """Cut a tile into few small ones that hold all pixels that are wanted.

    Clipping is scattered: a few pixels in nearly every tile. Only what they lie in has to be
    solved, with the surroundings that the network has to see.

    Parameters
    ----------
    tile : Tile
        Of a photo.
    wanted : ndarray, bool, shape (h, w)
        Of the pixels that it fills.
    shape : tuple of int
        Height and width of the photo, and what follows.
    halo : int
        As for :func:`plan_spans`.

    Returns
    -------
    list of Tile
        They do not overlap, but their halos may; empty where nothing is wanted. A single one of
        the tile's size where cutting saves nothing.

    Examples
    --------
    >>> tile = Tile(Span(0, 512, 0, 512), Span(0, 512, 0, 512))
    >>> wanted = np.zeros((512, 512), bool)
    >>> wanted[3, 5] = wanted[500, 500] = True
    >>> for piece in pieces(tile, wanted, (512, 512, 3), 32):
    ...     print(piece.rows)
    Span(start=0, stop=16, window_start=0, window_stop=48)
    Span(start=496, stop=512, window_start=464, window_stop=512)
    """
    height, width = wanted.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    padded = np.zeros((rows * _CELL, columns * _CELL), np.bool_)
    padded[:height, :width] = wanted
    cells = np.asarray(padded.reshape(rows, _CELL, columns, _CELL).any((1, 3)))
    found = []
    for top, bottom, left, right in _boxes(cells, -(-halo // _CELL)):
        spans = [
            _span(whole.start + first * _CELL, min(whole.start + last * _CELL, whole.stop), n, halo)
            for whole, first, last, n in (
                (tile.rows, top, bottom, shape[0]),
                (tile.columns, left, right, shape[1]),
            )
        ]
        found.append(Tile(*spans))
    return found


def _span(start: int, stop: int, length: int, halo: int) -> Span:
    return Span(start, stop, max(0, start - halo), min(length, stop + halo))


_Box = tuple[int, int, int, int]
"""First row and the one after the last, first column and the one after the last."""


def _boxes(cells: Mask, halo: int) -> list[_Box]:
    """Return boxes that hold all marked cells, cheaper together than a single one."""
    whole = _bounds(cells)
    return [] if whole is None else _divided(cells, whole, halo)[1]


def _divided(cells: Mask, box: _Box, halo: int) -> tuple[int, list[_Box]]:
    """Return the cost of the best way that is found to hold a box's cells, and its boxes."""
    cost = _cost(box, halo)
    best: tuple[int, tuple[_Box, _Box]] | None = None
    for halves in _halves(cells, box):
        together = sum(_cost(half, halo) for half in halves)
        if best is None or together < best[0]:
            best = together, halves
    # A single cut may not pay where two do, but one that costs much more than none leads nowhere.
    if best is None or best[0] > cost * 5 // 4:
        return cost, [box]
    parts = [_divided(cells, half, halo) for half in best[1]]
    together = sum(part[0] for part in parts)
    if together >= cost:
        return cost, [box]
    return together, [small for part in parts for small in part[1]]


def _halves(cells: Mask, box: _Box) -> Iterator[tuple[_Box, _Box]]:
    """Yield what every straight cut through a box leaves on its two sides."""
    top, bottom, left, right = box
    inside = cells[top:bottom, left:right]
    for upright, grid in ((False, inside), (True, inside.T)):
        before = np.logical_or.accumulate(grid)[:-1]
        after = np.logical_or.accumulate(grid[::-1])[::-1][1:]
        filled = np.flatnonzero(grid.any(1))
        for cut in range(1, len(grid)):
            last = int(filled[np.searchsorted(filled, cut) - 1]) + 1
            first = int(filled[np.searchsorted(filled, cut)])
            if last < cut and first > cut:
                continue  # The same two sides as those of the cut at the end of the gap.
            sides = ((0, last, before[cut - 1]), (first, len(grid), after[cut - 1]))
            boxes = []
            for begin, end, marked in sides:
                near = int(marked.argmax())
                far = len(marked) - int(marked[::-1].argmax())
                boxes.append(
                    (top + near, top + far, left + begin, left + end)
                    if upright
                    else (top + begin, top + end, left + near, left + far)
                )
            yield boxes[0], boxes[1]


def _bounds(cells: Mask) -> _Box | None:
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _cost(box: _Box, halo: int) -> int:
    top, bottom, left, right = box
    area = (bottom - top + 2 * halo) * (right - left + 2 * halo)
    return area * _CELL**2 + _OVERHEAD


def sample_pixels(source: Source, most: int) -> Codes:
    """Return an even grid of about `most` pixels of a photo, (..., 3).

    Parameters
    ----------
    source : Source
        The photo.
    most : int
        About how many pixels.

    Returns
    -------
    ndarray, uint8 or uint16, shape (h, w, 3)
        sRGB codes.

    Examples
    --------
    >>> source = ArraySource(np.zeros((400, 600, 3), np.uint8))
    >>> sample_pixels(source, 600).shape
    (20, 30, 3)
    """
    height, width, _ = source.shape
    rows, columns = sample_grid(height, width, most)
    return np.stack([source.rows(row, row + 1)[0, columns] for row in range(height)[rows]])


def sample_grid(height: int, width: int, most: int) -> tuple[slice, slice]:
    """Return the rows and columns of an even grid of about `most` pixels.

    Examples
    --------
    >>> sample_grid(400, 600, 600)
    (slice(10, 400, 20), slice(0, 600, 20))
    """
    step = max(1, int(np.sqrt(height * width / most)))
    return slice(min(step // 2, height - 1), height, step), slice(0, width, step)


def sample_patches(source: Source, size: int, most: int) -> tuple[Codes, list[tuple[int, int]]]:
    """Return evenly spread patches of a photo and their corners.

    Parameters
    ----------
    source : Source
        The photo.
    size : int
        Side of a patch; a photo that is narrower gives patches of its own width.
    most : int
        About how many patches. A photo that holds no more pixels than they do is returned whole.

    Returns
    -------
    patches : ndarray, shape (P, h, w, 3)
    corners : list of (top, left)

    Examples
    --------
    >>> source = ArraySource(np.zeros((400, 600, 3), np.uint8))
    >>> patches, corners = sample_patches(source, 64, 6)
    >>> patches.shape, corners
    ((6, 64, 64, 3), [(0, 0), (0, 268), (0, 536), (336, 0), (336, 268), (336, 536)])
    """
    height, width, _ = source.shape
    if height * width <= size * size * most:
        return source.rows(0, height)[None], [(0, 0)]
    tall, broad = min(size, height), min(size, width)
    count = size * size * most // (tall * broad)
    across = min(count, max(1, round(np.sqrt(count * width / height))))
    down = max(1, round(count / across))
    tops = np.linspace(0, height - tall, down).astype(int)
    lefts = np.linspace(0, width - broad, across).astype(int)
    patches, corners = [], []
    for top in tops.tolist():
        band = source.rows(top, top + tall)
        for left in lefts.tolist():
            patches.append(band[:, left : left + broad])
            corners.append((top, left))
    return np.stack(patches), corners
