"""Where an edited picture lies in the one it was cut from: cropped, turned or mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_PROBES = 24
_MOST_PLACES = 64


@dataclass(frozen=True)
class Placement:
    """A rectangle of a picture, turned and mirrored.

    Attributes
    ----------
    top, left, height, width : int
        The rectangle, in pixels of the whole picture.
    turns : int
        Quarter turns to the left, after cutting.
    mirrored : bool
        Whether left and right are exchanged, after turning.
    """

    top: int
    left: int
    height: int
    width: int
    turns: int
    mirrored: bool

    def cut(self, whole: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the same part of an array of the whole picture's height and width."""
        rows = slice(self.top, self.top + self.height)
        part = np.rot90(whole[rows, self.left : self.left + self.width], self.turns)
        return np.ascontiguousarray(part[:, ::-1] if self.mirrored else part)


def placements(edited: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Iterator[Placement]:
    """Yield the places at which an edited picture is found in a whole one, pixel for pixel.

    Parameters
    ----------
    edited, whole : ndarray, shape (h, w, channels) and (H, W, channels)
        Pictures of the same type and number of channels.

    Yields
    ------
    Placement
        Upright ones first. There are several where parts of the picture are alike.
    """
    if edited.shape[-1] != whole.shape[-1] or edited.dtype != whole.dtype or not edited.size:
        return
    for mirrored in (False, True):
        for turns in range(4):
            part = np.rot90(edited[:, ::-1] if mirrored else edited, -turns)
            for top, left in _places(part, whole):
                yield Placement(top, left, part.shape[0], part.shape[1], turns, mirrored)


def _places(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    height, width = part.shape[:2]
    down, across = whole.shape[0] - height + 1, whole.shape[1] - width + 1
    if down < 1 or across < 1:
        return
    rng = np.random.default_rng(0)
    found = None
    for _ in range(_PROBES):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        if found is None:
            same = (whole[y : y + down, x : x + across] == part[y, x]).all(-1)
            found = np.argwhere(same)
        else:
            same = (whole[found[:, 0] + y, found[:, 1] + x] == part[y, x]).all(-1)
            found = found[same]
        if not len(found):
            return
    assert found is not None
    for top, left in found[:_MOST_PLACES].tolist():
        if np.array_equal(whole[top : top + height, left : left + width], part):
            yield top, left
