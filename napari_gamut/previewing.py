"""A preview: what is seen of a photo, at the resolution of the screen, before the whole is done."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.colour import SRGB, convert
from core.gamut import naive_inversion
from core.progress import mapped
from napari_gamut.seeing import MUTED, curtain, rendered

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Method
    from core.engine.solved import SolvedPhoto
    from core.gamut import Codes, FloatImage
    from core.progress import Check

MOST_PIXELS = 400_000
"""Of a preview: more than a view usually has, and solved in under a second."""

WORTH_IT = 2 * MOST_PIXELS
"""Photos of fewer pixels are done nearly as soon as their preview would be."""

_STEPS = 6
"""Most iterations of a solver: the last ones change less than the eye sees."""


@dataclass(frozen=True)
class View:
    """What is seen of a photo.

    Attributes
    ----------
    top, left, bottom, right : int
        A rectangle in pixels of the photo.
    step : float
        Pixels of the photo, each way, to one of the screen.
    """

    top: int
    left: int
    bottom: int
    right: int
    step: float = 1.0

    @property
    def pixels(self) -> int:
        """Number of pixels of the photo."""
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)

    @property
    def stride(self) -> int:
        """Pixels of the photo, each way, to one of the preview."""
        return max(1, math.ceil(self.step), math.ceil(math.sqrt(self.pixels / MOST_PIXELS)))


@dataclass(frozen=True, eq=False)
class Glimpse:
    """A preview, ready to be shown.

    Attributes
    ----------
    picture : ndarray, uint8, shape (h, w, 3)
        Before at the left, after at the right, rendered alike.
    top, left : int
        The pixel of the photo that is the first of the picture.
    step : int
        Pixels of the photo, each way, to one of the picture.
    """

    picture: npt.NDArray[np.uint8]
    top: int
    left: int
    step: int

    is_news = True
    """Nobody must miss it."""


def glimpse(
    codes: Codes,
    view: View,
    method: Method,
    settings: ExpansionSettings,
    *,
    weight: FloatImage | None = None,
    look: str = MUTED,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, Glimpse]:
    """Expand what is seen of a photo, every so many pixels.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes of the whole photo. Pixels are left out, not averaged: an average would not be
        clipped.
    view : View
        What is seen.
    method, settings
        As for :func:`core.engine.expansion.expand`.
    weight : ndarray, float32, shape (H, W), optional
        As there.
    look : str
        How it is rendered, a key of :data:`napari_gamut.seeing.LOOKS`.
    check : callable, optional
        Called often; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Nothing done of nothing: it takes no time worth counting.
    """
    from core.engine.expansion import expansion

    stride = view.stride
    part = (slice(view.top, view.bottom, stride), slice(view.left, view.right, stride))
    seen = np.ascontiguousarray(codes[part])
    if settings.solver is not None:
        steps = min(settings.solver.max_steps, _STEPS)
        settings = replace(settings, solver=replace(settings.solver, max_steps=steps))
    share = None if weight is None else np.ascontiguousarray(weight[part])
    work = expansion(seen, method, settings, check, share)
    values = (yield from mapped(work, lambda *_: (0, 0))).values
    return _drawn(seen, values, view, settings, look)


def glimpse_again(
    solved: SolvedPhoto, view: View, settings: ExpansionSettings, *, look: str = MUTED
) -> Glimpse:
    """Return a preview of a photo that is solved, with other settings: it takes a moment.

    Parameters
    ----------
    solved : SolvedPhoto
        Of the whole photo.
    view, settings, look
        As for :func:`glimpse`.
    """
    stride = view.stride
    part = solved.thinned(
        slice(view.top, view.bottom, stride), slice(view.left, view.right, stride)
    )
    return _drawn(part.codes, part.finish(settings), view, settings, look)


def _drawn(
    codes: Codes, values: FloatImage, view: View, settings: ExpansionSettings, look: str
) -> Glimpse:
    naive = naive_inversion(codes)
    scene = convert(values, settings.space, SRGB, settings.adaptation)
    before, after = rendered(naive, look), rendered(scene, look, naive)
    picture = curtain(before, after, codes.shape[1] // 2, np.empty_like(after))
    return Glimpse(picture, view.top, view.left, view.stride)
