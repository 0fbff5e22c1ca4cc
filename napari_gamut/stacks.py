"""Stacks whose frames are expanded one by one, without any window."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import PhotoError
from core.progress import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy.typing as npt

    from core.gamut import FloatImage
    from core.progress import Check
    from napari_gamut.photos import LayerPhoto
    from napari_gamut.places import Index

    Solve = Callable[[LayerPhoto, Check | None], Generator[tuple[int, int], None, FloatImage]]
    Render = Callable[[FloatImage], npt.NDArray[np.uint8]]

MOST_BYTES = 2**30
"""Of renderings that are kept; the ones looked at longest ago are forgotten first."""


class Frames:
    """What a layer shows of a stack: frames as they were, and expanded ones once they are.

    It is an array for napari: slicing never waits. The frame that is asked for is reported to
    `wanted`, whose business it is to run :meth:`expand` beside the window. Only turning all of
    it into an array (``numpy.asarray``) expands whatever is missing.

    Parameters
    ----------
    photo : LayerPhoto
        The stack.
    solve : callable
        Expands one frame: yields tiles done and in all, returns wide colours.
    render : callable
        Renders wide colours for the screen.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, photo: LayerPhoto, solve: Solve, render: Render) -> None:
        self.wanted: Callable[[Index], None] | None = None
        self._photo, self._solve, self._render = photo, solve, render
        self._kept: OrderedDict[Index, npt.NDArray[np.uint8]] = OrderedDict()
        self._most = max(1, MOST_BYTES // math.prod((*photo.size, 3)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole stack: (..., H, W, 3)."""
        return (*self._photo.leading, *self._photo.size, 3)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def __contains__(self, index: Index) -> bool:
        """Return whether a frame has been expanded and is still kept."""
        return index in self._kept

    def values(self, index: Index) -> FloatImage:
        """Expand a frame and return its wide colours."""
        return finished(self.solved(index))

    def solved(
        self, index: Index, check: Check | None = None
    ) -> Generator[tuple[int, int], None, FloatImage]:
        """Expand a frame; yields tiles done and in all, and returns its wide colours."""
        return self._solve(self._photo.frame(index), check)

    def expand(
        self, index: Index, check: Check | None = None
    ) -> Generator[tuple[int, int], None, None]:
        """Expand a frame and keep its rendering; yields tiles done and tiles in all."""
        yield 0, 0
        values = yield from self.solved(index, check)
        self._kept[index] = self._render(values)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:
        """Return frames as they are by now; those that are not expanded yet are reported."""
        parts = _complete(key, self.ndim)
        count = len(self._photo.leading)
        chosen = [
            range(length)[part] if isinstance(part, slice) else [range(length)[int(part)]]
            for part, length in zip(parts, self._photo.leading, strict=False)
        ]
        frames = np.stack([self._frame(index) for index in itertools.product(*chosen)])
        kept = [len(c) for c, part in zip(chosen, parts, strict=False) if isinstance(part, slice)]
        shown = frames.reshape(*kept, *self.shape[count:])
        result: npt.NDArray[np.uint8] = shown[(*[slice(None)] * len(kept), *parts[count:])]
        return result

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the whole stack, expanded."""
        everything = np.empty(self.shape, np.uint8)
        for index in np.ndindex(self._photo.leading):
            kept = self._kept.get(index)
            everything[index] = self._render(self.values(index)) if kept is None else kept
        return everything if dtype is None else everything.astype(dtype)

    def _frame(self, index: Index) -> npt.NDArray[np.uint8]:
        kept = self._kept.get(index)
        if kept is not None:
            self._kept.move_to_end(index)
            return kept
        if self.wanted is not None:
            self.wanted(index)
        try:
            codes = self._photo.frame(index).codes()
        except PhotoError:  # Expanding it will tell why.
            return np.zeros(self.shape[-3:], np.uint8)
        return (codes >> (8 * (codes.itemsize - 1))).astype(np.uint8)


def _complete(key: Any, ndim: int) -> tuple[Any, ...]:
    parts = key if isinstance(key, tuple) else (key,)
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    place = dots[0] if dots else len(parts)
    missing = ndim - len(parts) + len(dots)
    return (*parts[:place], *[slice(None)] * missing, *parts[place + 1 :])
