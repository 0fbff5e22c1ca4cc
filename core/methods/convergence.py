"""How a photo's colours emerge while the fixed point is being sought, iteration by iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from core.engine.expansion import ExpansionSettings, check_codes, device_named, finish
from core.engine.tiling import ArraySource, sample_pixels
from core.errors import PhotoError
from core.gamut import clipped_mask
from core.network.letnet import Inputs, positions
from core.network.solver import iterate
from core.network.statistics import SAMPLES, photo_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.gamut import Codes, FloatImage
    from core.network.letnet import LetNetConfig
    from core.network.models import Model

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
        """Return the window as this iteration has it.

        Returns
        -------
        ndarray, float32, shape (h, w, 3)
            Linear RGB of the settings' space, in 0..1, as
            :func:`core.engine.expansion.finish` makes it: projected, if the settings say so.
        """
        return self._view.values(self._state)


def iterates(
    codes: Codes,
    model: Model,
    settings: ExpansionSettings | None = None,
    window: Window | None = None,
) -> Iterator[Iterate]:
    """Solve for a part of a photo as one tile, and yield every iteration.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes of the whole photo: what the network knows of it is the same as in
        :func:`core.engine.expansion.expand`.
    model : Model
        An equilibrium network.
    settings : ExpansionSettings, optional
        Solver, tolerance, projection, space, device, precision. Tile and halo are not used: near
        the edges of a window the colours may differ a little from those of the whole photo.
    window : Window, optional
        The part; :func:`largest_window` unless given.

    Yields
    ------
    Iterate
        Until the solver stops. What is not looked at costs nothing beside its memory.

    Raises
    ------
    PhotoError
        If the network has no fixed point, or the window is too large or outside the photo.
    """
    settings = settings or ExpansionSettings()
    check_codes(codes)
    config = model.network.config
    if config.mode != "implicit":
        raise PhotoError(
            f"{model.name} does not iterate to a fixed point; choose an equilibrium network."
        )
    window = window or largest_window(codes.shape, config)
    _check(window, codes, config)
    view = _View(codes, model, settings, window)
    solver = settings.solver or model.descriptor.solver
    with torch.inference_mode():
        start, context = view.encode()
        for step in iterate(view.cell, start, solver, context):
            yield Iterate(step.number, float(step.residual[0]), view, step.value)


def largest_window(shape: tuple[int, ...], config: LetNetConfig) -> Window:
    """Return the largest window in the middle of a photo that can be solved as one tile.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo, and what follows.
    config : LetNetConfig
        The form of the network.
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
        self, codes: Codes, model: Model, settings: ExpansionSettings, window: Window
    ) -> None:
        self._settings = settings
        self._device = device_named(settings.device)
        self._network = model.network.to(self._device)
        self._codes = codes[window.rows, window.columns]
        pixels = sample_pixels(ArraySource(codes), SAMPLES)
        statistics = photo_statistics(pixels, settings.tolerance)
        down, right = (-side % model.network.config.scale for side in self._codes.shape[:2])
        padded = np.pad(self._codes, ((0, down), (0, right), (0, 0)), mode="edge")[None]
        place = positions(window.top, window.left, *padded.shape[1:3], *codes.shape[:2])
        self._inputs = Inputs.from_codes(
            padded, statistics[None], place[None], settings.tolerance, self._device
        )

    def encode(self) -> tuple[Tensor, list[Tensor]]:
        with self._precision():
            return self._network.encode(self._inputs)

    def cell(self, state: Tensor, *context: Tensor) -> Tensor:
        with self._precision():
            return self._network.cell(state, *context)

    def values(self, state: Tensor) -> FloatImage:
        with torch.inference_mode(), self._precision():
            planes = self._network.decode(state, self._inputs)
        height, width = self._codes.shape[:2]
        scene = planes[0].float().movedim(0, -1).cpu().numpy()[:height, :width]
        clipped = clipped_mask(self._codes, self._settings.tolerance)
        return finish(self._codes, scene, clipped, self._settings)

    def _precision(self) -> torch.autocast:
        bfloat16 = self._settings.precision == "bfloat16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=bfloat16)


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
