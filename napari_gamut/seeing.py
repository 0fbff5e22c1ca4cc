"""Before and after as people see them: on a screen of any gamut, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.gamut import clipped_mask, reduce, share
from core.images import area_reduced
from core.metrics import delta_e_map
from core.pictures.screens import DISPLAYS, display_image, outside_mask
from core.pictures.seen import Gain, gain_of, gain_overlay, muted
from napari_gamut.photos import same_size

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from core.gamut import FloatImage
    from core.progress import Check
    from napari_gamut.photos import LayerPhoto

    Picture = npt.NDArray[np.uint8]

MUTED = "muted"
LOOKS = (
    ("As on a wide-gamut screen (muted)", MUTED),
    ("As on this screen: sRGB", "srgb"),
    ("As on this screen: Display P3", "display-p3"),
)
"""Titles for people, and keys."""

LONGEST = 2400
"""Pixels of the longest side of a picture: as many as a screen shows, and quick to move."""

_LINE = 400
"""The line of a curtain is a 400th of the picture wide, and 2 pixels at least."""

WARNING = (255, 208, 0)
"""sRGB codes that mark colours which the screen cannot show."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two photos, ready to be looked at.

    Attributes
    ----------
    before, after : ndarray, uint8, shape (h, w, 3)
        Rendered alike.
    gained : ndarray, uint8, shape (h, w, 4)
        Lights up where the eye sees a difference; sRGB codes and opacity.
    warning : ndarray, uint8, shape (h, w, 4)
        Marks the colours of the photo after that a screen of `screen` cannot show.
    step : int
        Pixels of the photos, each way, to one of these pictures.
    gain : Gain
        How much is seen.
    screen : str
        Name of the space beyond which colours are marked.
    """

    before: Picture
    after: Picture
    gained: Picture
    warning: Picture
    step: int
    gain: Gain
    screen: str


def rendered(scene: FloatImage, look: str, naive: FloatImage | None = None) -> Picture:
    """Return scene-linear sRGB as codes for the screen: muted, or as a screen shows it."""
    if look == MUTED:
        return muted(scene, naive)
    return display_image(scene, SRGB, DISPLAYS[look])


def curtain(before: Picture, after: Picture, border: int, out: Picture) -> Picture:
    """Draw one picture left of a border and another one right of it, with a line between them.

    Parameters
    ----------
    before, after, out : ndarray, uint8, shape (h, w, 3)
        Two pictures of one size, and where they are drawn.
    border : int
        The first column of `after`: 0 to w.
    """
    width = out.shape[1]
    out[:, :border] = before[:, :border]
    out[:, border:] = after[:, border:]
    if 0 < border < width:
        half = max(1, width // _LINE // 2)
        out[:, max(0, border - half - 1) : border + half + 1] = 0
        out[:, max(0, border - half) : border + half] = 255
    return out


def pair_of(
    before: LayerPhoto, after: LayerPhoto, look: str, check: Check | None = None
) -> Generator[tuple[int, int], None, Pair]:
    """Render two photos alike; yields steps done and in all, and returns both.

    Parameters
    ----------
    before, after : LayerPhoto
        Of one size.
    look : str
        One of the keys of :data:`LOOKS`.
    check : callable, optional
        Called between steps; what it raises gives up the work.

    Raises
    ------
    LayerError
        If the sizes differ, or a layer cannot be used.
    """
    same_size(before, after)
    steps = 5
    scenes, sizes = [], []
    for number, photo in enumerate((before, after)):
        yield number, steps
        scene = photo.linear(SRGB)
        sizes.append(scene.shape[0])
        if number == 0:
            tolerance = before.tolerance
            codes = reduce(scene) if before.is_wide else before.codes()
            clipped = share(clipped_mask(codes, tolerance))
        scenes.append(area_reduced(scene, LONGEST))
        if check is not None:
            check()
    first, second = scenes
    step = max(1, round(sizes[0] / first.shape[0]))
    yield 2, steps
    left, right = rendered(first, look), rendered(second, look)
    yield 3, steps
    linear = [np.clip(convert(scene, SRGB, PROPHOTO), 0.0, 1.0) for scene in scenes]
    difference = delta_e_map(*linear)
    yield 4, steps
    display = DISPLAYS["srgb" if look == MUTED else look]
    warning = np.zeros((*second.shape[:2], 4), np.uint8)
    warning[outside_mask(second, SRGB, display)] = (*WARNING, 255)
    gain = gain_of(difference, clipped)
    return Pair(left, right, gain_overlay(difference), warning, step, gain, display.name)


def gain_between(before: FloatImage, after: FloatImage, clipped: float) -> Gain:
    """Return how much a person sees come back, looking at the photos on a screen.

    Parameters
    ----------
    before, after : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB.
    clipped : float
        Share of the pixels that may have lost colour, 0..1.
    """
    linear = [
        np.clip(convert(area_reduced(scene, LONGEST // 2), SRGB, PROPHOTO), 0.0, 1.0)
        for scene in (before, after)
    ]
    return gain_of(delta_e_map(*linear), clipped)
