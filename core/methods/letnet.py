"""LETNet as a method: an equilibrium network on its device, at work on one photo."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import torch

from core.engine.devices import device_named
from core.engine.method import Method, Needs, TileReport
from core.engine.tiling import sample_patches, sample_pixels
from core.gamut import clipped_channels, naive_inversion
from core.network.letnet import Inputs, positions, reach_out
from core.network.models import load_model
from core.network.statistics import SAMPLES, photo_statistics
from core.source_gamut import told

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from torch import Tensor

    from core.colour import ColourSpace
    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Subject
    from core.engine.tiling import Source, Tile
    from core.gamut import Codes, FloatImage
    from core.network.models import Model
    from core.progress import Check

_POOL_PATCH, _POOL_PATCHES = 256, 16
_BFLOAT16_FLOOR = 2e-3
"""Relative residual below which the rounding of bfloat16 lets no iteration come."""

_FORMS = {
    "room": "LETNet-box: restores clipped channels alone; the round trip is exact",
    "residual": "LETNet in the paper's form (Xiao et al., ECCV 2024)",
}


class LetNetMethod(Method):
    """An equilibrium network, or one of its variants that do not iterate to a fixed point.

    Parameters
    ----------
    model : Model
        The network with its descriptor.
    name : str, optional
        That of the model unless given.
    """

    needs = Needs.WEIGHTS

    def __init__(self, model: Model, name: str | None = None) -> None:
        self.model = model
        self.name = model.name if name is None else name
        self.summary = _FORMS[model.network.config.output]
        self.parameters = model.network.parameters_count
        self.sha256 = model.sha256
        self.solver = model.descriptor.solver if self.is_equilibrium else None

    @classmethod
    def load(cls, name: str | Path) -> LetNetMethod:
        """Return a shipped network by its name, or one of a ``.safetensors`` file."""
        return cls(load_model(name))

    @property
    def is_equilibrium(self) -> bool:
        """Whether it iterates to a fixed point."""
        return self.model.network.config.mode == "implicit"

    def bound(self, subject: Subject) -> Method:
        """Return the network with the hint of a photo's file, where it carries one."""
        from core.methods.hinted import with_hint

        return with_hint(self, subject)

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> NetworkAtWork:
        """Return the network, ready for the tiles of a photo."""
        return NetworkAtWork(self.model, codes, settings, check)


def is_equilibrium(method: Method) -> TypeGuard[LetNetMethod]:
    """Return whether a method iterates to a fixed point, so that its iterations can be seen.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> is_equilibrium(method("letnet")), is_equilibrium(method("naive"))
    (True, False)
    """
    return isinstance(method, LetNetMethod) and method.is_equilibrium


class NetworkAtWork:
    """A network on its device, with what it has to know of the whole photo.

    Parameters
    ----------
    model : Model
        The network. It is not changed: another device gets a copy.
    codes : Source
        sRGB codes of the photo.
    settings : ExpansionSettings
        Solver, tolerance, tile, halo, device, precision.
    check : callable, optional
        Called before every evaluation of the cell; what it raises gives up the work.
    """

    def __init__(
        self,
        model: Model,
        codes: Source,
        settings: ExpansionSettings,
        check: Check | None = None,
    ) -> None:
        self._settings, self._check = settings, check
        self._device = device_named(settings.device)
        self.network = model.network
        if next(self.network.parameters()).device.type != self._device.type:
            self.network = copy.deepcopy(self.network).to(self._device)
        self.solver = settings.solver or model.descriptor.solver
        if settings.precision == "bfloat16":
            tolerance = max(self.solver.tolerance, _BFLOAT16_FLOOR)
            self.solver = replace(self.solver, tolerance=tolerance)
        self._size = codes.shape[:2]
        config = self.network.config
        self._scale = config.scale
        self.told = config.told
        self.tile = _round_up(settings.tile, self._scale)
        halo = model.descriptor.halo if settings.halo is None else settings.halo
        self.halo = _round_up(halo, self._scale)
        pixels = sample_pixels(codes, SAMPLES)
        self._statistics = photo_statistics(pixels, settings.tolerance)
        # Unrolled networks have another average at each step: there is none to be held.
        holds = config.attention == "channel" and config.mode == "implicit"
        self._pooled = self._pool(codes) if holds else None

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        """Answer for tiles; see :class:`core.engine.method.Worker`."""
        windows = [window[tile.seen_in(region)] for tile in tiles]
        corners = [(tile.rows.window_start, tile.columns.window_start) for tile in tiles]
        inputs = self.inputs(np.stack(windows), corners)
        with torch.inference_mode(), self.precision():
            state, solution = self.network.settle(
                inputs, self.solver, pooled=self.pooled(len(tiles)), check=self._check
            )
            found = self.network.answers(state)
        planes = found.float().movedim(1, -1).cpu().numpy()
        reports = []
        for index, tile in enumerate(tiles):
            answers[tile.filled_in(region)] = planes[index][tile.rows.inner, tile.columns.inner]
            trace = solution.residuals[index]
            last = trace[-1] if trace else 0.0
            reports.append(TileReport.of(tile, len(trace), last, solution.status[index]))
        return reports

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        """Turn answers into colours; see :class:`core.engine.method.Worker`."""
        naive = naive_inversion(codes)
        if self.network.config.output == "residual":
            return naive + answers
        low, high = clipped_channels(codes, self._settings.tolerance)
        reached = reach_out(
            _row_of_pixels(naive),
            _row_of_pixels(low),
            _row_of_pixels(high),
            _row_of_pixels(answers),
            torch.from_numpy(told(source)[None]),
        )
        colours: FloatImage = reached[0, :, 0].T.numpy()
        return colours

    def inputs(self, codes: Codes, corners: list[tuple[int, int]]) -> Inputs:
        """Return the network's inputs for windows of the photo.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (N, h, w, 3)
            sRGB codes; filled up to the network's grid by repeating the last pixels.
        corners : list of (int, int)
            First row and column of each window.
        """
        down, right = (-side % self._scale for side in codes.shape[1:3])
        if down or right:
            codes = np.pad(codes, ((0, 0), (0, down), (0, right), (0, 0)), mode="edge")
        size = codes.shape[1:3]
        places = np.stack([positions(*corner, *size, *self._size) for corner in corners])
        statistics = np.tile(self._statistics, (len(codes), 1))
        return Inputs.from_codes(
            codes,
            statistics,
            places,
            self._settings.tolerance,
            device=self._device,
            source=self._settings.source,
        )

    def pooled(self, windows: int) -> Tensor | None:
        """Return the average of channel attention for a number of windows, if it is held fixed."""
        return None if self._pooled is None else self._pooled.expand(windows, -1)

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """Return the context in which the network computes."""
        if self._settings.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, torch.bfloat16)

    def _pool(self, codes: Source) -> Tensor:
        patches, corners = sample_patches(codes, _POOL_PATCH, _POOL_PATCHES)
        with torch.inference_mode(), self.precision():
            inputs = self.inputs(patches, corners)
            return self.network.pool(inputs, self.solver, self._check)[None]


def _row_of_pixels(values: npt.NDArray[Any]) -> Tensor:
    """Return pixels (P, 3) as planes (1, 3, 1, P)."""
    return torch.from_numpy(np.ascontiguousarray(values.T))[None, :, None]


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
