"""How a photo's colours emerge while the fixed point is being sought, iteration by iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.engine.expansion import ExpansionSettings, check_codes
from core.engine.finishing import finish
from core.engine.tiling import ArraySource
from core.errors import PhotoError
from core.gamut import clipped_mask
from core.network.solver import iterate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.gamut import Codes, FloatImage
    from core.methods.letnet import LetNetMethod
    from core.network.letnet import LetNetConfig
    from core.progress import Check

_LARGEST_STATE = 1 << 24
"""Numbers of a state: Anderson's memory holds a dozen of them, so this is about 1 GB."""


@dataclass(frozen=True)
class Window:
    """A rectangle of a photo, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        """Its rows in the photo."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """Its columns in the photo."""
        return slice(self.left, self.left + self.width)


@dataclass(frozen=True, eq=False)
class Iterate:
    """One iteration of the solver.

    Attributes
    ----------
    number : int
        Counted from 1.
    residual : float
        Relative residual of the state.
    """

    number: int
    residual: float
    _view: _View
    _state: Tensor

    def values(self) -> FloatImage:
        """Return the colours of the window at this iteration.

        Returns
        -------
        ndarray, float32, shape (h, w, 3)
            Linear RGB of the settings' space, in 0..1, as
            :func:`core.engine.finishing.finish` makes it: projected, if the settings say so.
        """
        return self._view.values(self._state)


def iterates(
    codes: Codes,
    method: LetNetMethod,
    settings: ExpansionSettings | None = None,
    window: Window | None = None,
    check: Check | None = None,
) -> Iterator[Iterate]:
    """Solve for a part of a photo as one tile, and yield every iteration.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes of the whole photo: what the network knows of it is the same as in
        :func:`core.engine.expansion.expand`.
    method : LetNetMethod
        An equilibrium network.
    settings : ExpansionSettings, optional
        Solver, tolerance, projection, space, device, precision. Tile and halo are not used: near
        the edges of a window the colours may differ a little from those of the whole photo.
    window : Window, optional
        The part; :func:`largest_window` unless given.
    check : callable, optional
        Called before each iteration; what it raises gives up the work.

    Yields
    ------
    Iterate
        Until the solver stops. What is not looked at costs nothing beside its memory.

    Raises
    ------
    PhotoError
        If the network has no fixed point, or the window is too large or outside the photo.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> import numpy as np
    >>> codes = np.full((16, 16, 3), [255, 0, 0], np.uint8)
    >>> steps = list(iterates(codes, method("letnet-box")))
    >>> steps[-1].residual < steps[0].residual, steps[-1].values().shape
    (True, (16, 16, 3))
    """
    settings = settings or ExpansionSettings()
    check_codes(codes)
    if not method.is_equilibrium:
        raise PhotoError(
            f"{method.name} does not iterate to a fixed point; choose an equilibrium network."
        )
    config = method.model.network.config
    window = window or largest_window(codes.shape, config)
    _check(window, codes, config)
    view = _View(codes, method, settings, window)
    with torch.inference_mode():
        start, context = view.encode()
    steps = iterate(view.cell, start, view.solver, context, check)
    while True:
        # Never across a yield: the mode belongs to the thread, and another one may go on here.
        with torch.inference_mode():
            step = next(steps, None)
        if step is None:
            return
        yield Iterate(step.number, float(step.residual[0]), view, step.value)


def largest_window(shape: tuple[int, ...], config: LetNetConfig) -> Window:
    """Return the largest window in the middle of a photo that can be solved as one tile.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo, and what follows.
    config : LetNetConfig
        The form of the network.

    Examples
    --------
    >>> from core.network.letnet import BOX
    >>> largest_window((400, 600, 3), BOX)
    Window(top=0, left=0, height=400, width=600)
    >>> largest_window((8000, 12000, 3), BOX)
    Window(top=3409, left=5113, height=1182, width=1773)
    """
    height, width = shape[:2]
    pixels = _LARGEST_STATE // config.channels * config.scale**2
    shrink = min(1.0, (pixels / (height * width)) ** 0.5)
    part_height = min(height, max(1, int(height * shrink)))
    part_width = min(width, max(1, int(width * shrink)))
    return Window((height - part_height) // 2, (width - part_width) // 2, part_height, part_width)


class _View:
    """A window of a photo, as the network takes it and as people see it."""

    def __init__(
        self, codes: Codes, method: LetNetMethod, settings: ExpansionSettings, window: Window
    ) -> None:
        self._settings = settings
        self._codes = codes[window.rows, window.columns]
        # The set-up of an expansion: what the network knows of the whole photo is the same.
        self._work = method.worker(ArraySource(codes), settings)
        self._inputs = self._work.inputs(self._codes[None], [(window.top, window.left)])
        self.solver = self._work.solver

    def encode(self) -> tuple[Tensor, list[Tensor]]:
        with self._work.precision():
            return self._work.network.encode(self._inputs, self._work.pooled(1))

    def cell(self, state: Tensor, *context: Tensor) -> Tensor:
        with self._work.precision():
            return self._work.network.cell(state, *context)

    def values(self, state: Tensor) -> FloatImage:
        with torch.inference_mode(), self._work.precision():
            planes = self._work.network.decode(state, self._inputs)
        height, width = self._codes.shape[:2]
        scene = planes[0].float().movedim(0, -1).cpu().numpy()[:height, :width]
        clipped = clipped_mask(self._codes, self._settings.tolerance)
        return finish(self._codes, scene, clipped, self._settings)


def _check(window: Window, codes: Codes, config: LetNetConfig) -> None:
    height, width = codes.shape[:2]
    inside = (
        0 <= window.top < window.top + window.height <= height
        and 0 <= window.left < window.left + window.width <= width
    )
    if not inside:
        raise PhotoError(
            f"The window {window} lies outside the photo of {width} x {height} pixels; choose "
            "another one."
        )
    pixels = _LARGEST_STATE // config.channels * config.scale**2
    if window.height * window.width > pixels:
        raise PhotoError(
            f"A window of {window.width} x {window.height} pixels needs too much memory; choose "
            f"one of at most {pixels / 1e6:.1f} megapixels."
        )
