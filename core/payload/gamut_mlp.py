"""GamutMLP: a small network fitted to one photo, which gives back the colours it lost in sRGB.

Where the wide-gamut original is at hand, the network learns from it what the reduction to sRGB
cuts off, as a function of place and colour (Le et al., "GamutMLP: A Lightweight MLP for Color
Loss Recovery", CVPR 2023): 4,960 weights that travel inside the sRGB file.

Where the paper fits a residual on all channels of samples in and out of gamut, this one learns
the clipped channels alone, which the codes do not tell; the feasible box keeps all others.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from core.colour import PROPHOTO, SRGB, Adaptation, convert, matrix_between
from core.engine.devices import at_most_threads
from core.gamut import (
    Codes,
    FloatImage,
    clipped_channels,
    clipped_mask,
    clipping_weight,
    naive_inversion,
)

if TYPE_CHECKING:
    from collections.abc import Generator

FREQUENCIES = 12
"""Octaves of sine and cosine that encode each of the five inputs (Le et al., section 3.2)."""

HIDDEN = 32
"""Units of each of the two hidden layers."""

Places = np.ndarray[tuple[int], np.dtype[np.int64]]

_INPUTS = 5

PARAMETERS = (2 * FREQUENCIES * _INPUTS + HIDDEN + 3) * HIDDEN
"""Weights of a network."""

_PIXELS_AT_ONCE = 1 << 16
_STEPS_AT_ONCE = 25


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted to a photo.

    Attributes
    ----------
    steps : int
        Of Adam, on batches drawn from the samples; the rate falls to 0 along half a cosine.
    batch : int
        Pixels of a step.
    samples : int
        Clipped pixels to learn from, at most; they are spread evenly over the photo.
    learning_rate : float
        At the start.
    seed : int
        Of the first weights and of the batches.
    """

    steps: int = 1500
    batch: int = 4096
    samples: int = 200_000
    learning_rate: float = 5e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        for name in ("steps", "batch", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"Setting {name} = {getattr(self, name)!r} is out of range.")
        if not 0.0 < self.learning_rate <= 1.0:
            raise ValueError(f"Setting learning_rate = {self.learning_rate!r} is out of range.")


class PhotoNetwork(nn.Module):
    """Two hidden layers without bias, from encoded places and colours to a step of colour."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (2 * FREQUENCIES * _INPUTS, HIDDEN, HIDDEN, 3)
        self.first, self.second, self.last = (
            nn.Linear(*pair, bias=False) for pair in pairwise(sizes)
        )

    @classmethod
    def empty(cls) -> PhotoNetwork:
        """Return a network whose weights are still to come, from a file or from a seed."""
        with torch.device("meta"):
            network = cls()
        return network.to_empty(device="cpu")

    def forward(self, features: Tensor) -> Tensor:
        """Return steps of scene-linear sRGB (N, 3) for encoded inputs (N, 120)."""
        hidden = torch.relu(self.second(torch.relu(self.first(features))))
        step: Tensor = self.last(hidden)
        return step


@dataclass(frozen=True, eq=False)
class GamutMlp:
    """A network that was fitted to one photo.

    Attributes
    ----------
    network : PhotoNetwork
        In evaluation mode, on the CPU.
    height, width : int
        Of the photo, in pixels.
    """

    network: PhotoNetwork
    height: int
    width: int
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the weights by their hash."""
        weights = b"".join(w.numpy().tobytes() for w in self.network.state_dict().values())
        object.__setattr__(self, "sha256", hashlib.sha256(weights).hexdigest())

    def estimate(
        self, codes: Codes, top: int = 0, left: int = 0, tolerance: float = 0.0
    ) -> FloatImage:
        """Estimate the colours of a part of the photo.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (h, w, 3)
            Its sRGB codes.
        top, left : int
            Where it lies in the photo, in pixels.
        tolerance : float
            Noise of a lossy file, in 8-bit codes.

        Returns
        -------
        ndarray, float32, shape (h, w, 3)
            Scene-linear sRGB, unbounded: the naive inversion but for the channels whose codes
            stand at an end of the range.
        """
        height, width, _ = codes.shape
        rows, columns = np.mgrid[top : top + height, left : left + width].reshape(2, -1)
        flat = codes.reshape(-1, 3)
        scene = naive_inversion(flat)
        with torch.inference_mode():
            for start in range(0, len(flat), _PIXELS_AT_ONCE):
                part = slice(start, start + _PIXELS_AT_ONCE)
                inputs = _inputs(rows[part], columns[part], flat[part], (self.height, self.width))
                low, high = clipped_channels(flat[part], tolerance)
                scene[part] += (low | high) * self.network(encoded(inputs)).numpy()
        return scene.reshape(codes.shape)


def fit(
    codes: Codes,
    original: FloatImage,
    settings: FitSettings | None = None,
    *,
    tolerance: float = 0.0,
    adaptation: Adaptation = "Bradford",
) -> Generator[tuple[int, int], None, GamutMlp]:
    """Fit a network to a photo and its wide-gamut original.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB codes that the original was reduced to, as they will be read again.
    original : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    settings : FitSettings, optional
        How.
    tolerance : float
        Noise of a lossy file, in 8-bit codes.
    adaptation : {"Bradford", "CAT02"}
        Between sRGB's white and ProPhoto's, in which the error is measured.

    Yields
    ------
    (int, int)
        Steps done and in all. Closing the generator cancels the work.

    Returns
    -------
    GamutMlp
        With no step at all where nothing was clipped.
    """
    settings = settings or FitSettings()
    samples = _samples(codes, original, settings, tolerance)
    generator = torch.Generator().manual_seed(settings.seed)
    network = _started(generator)
    if len(samples.inputs):
        features = encoded(samples.inputs)
        to_prophoto = torch.tensor(matrix_between(SRGB, PROPHOTO, adaptation), dtype=torch.float32)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
        for begin in range(0, settings.steps, _STEPS_AT_ONCE):
            end = min(begin + _STEPS_AT_ONCE, settings.steps)
            with at_most_threads(1):
                for _ in range(begin, end):
                    chosen = torch.randint(len(features), (settings.batch,), generator=generator)
                    step = samples.weight[chosen] * network(features[chosen])
                    error = (step - samples.lost[chosen]) @ to_prophoto.T
                    optimiser.zero_grad()
                    error.square().mean().backward()
                    optimiser.step()
                    decay.step()
            yield end, settings.steps
    else:
        yield settings.steps, settings.steps
    network.eval().requires_grad_(False)
    return GamutMlp(network, *codes.shape[:2])


def encoded(inputs: Tensor) -> Tensor:
    """Encode inputs by sines and cosines of rising frequency.

    Parameters
    ----------
    inputs : Tensor, float32, shape (N, 5)
        In -1..1.

    Returns
    -------
    Tensor, float32, shape (N, 120)
        sin(2^k π v), cos(2^k π v) for k = 0 to 11; by doubling the angle, which errs by less than
        0.01 at the highest.
    """
    sine, cosine = torch.sin(torch.pi * inputs), torch.cos(torch.pi * inputs)
    parts = [sine, cosine]
    for _ in range(FREQUENCIES - 1):
        sine, cosine = 2.0 * sine * cosine, 1.0 - 2.0 * sine * sine
        parts += [sine, cosine]
    return torch.cat(parts, dim=-1)


@dataclass(frozen=True, eq=False)
class _Samples:
    """Pixels to learn from: (N, 5) inputs in -1..1; (N, 3) what is lost; (N, 3) how it counts."""

    inputs: Tensor
    lost: Tensor
    weight: Tensor


def _samples(
    codes: Codes, original: FloatImage, settings: FitSettings, tolerance: float
) -> _Samples:
    places = np.flatnonzero(clipped_mask(codes, tolerance))
    places = places[:: max(1, -(-len(places) // settings.samples))]
    chosen = codes.reshape(-1, 3)[places]
    low, high = clipped_channels(chosen, tolerance)
    weight = (low | high) * clipping_weight(chosen, tolerance)[:, None]
    lost = original.reshape(-1, 3)[places] - naive_inversion(chosen)
    rows, columns = np.divmod(places, codes.shape[1])
    return _Samples(
        _inputs(rows, columns, chosen, codes.shape[:2]),
        torch.from_numpy(lost.astype(np.float32)),
        torch.from_numpy(weight.astype(np.float32)),
    )


def _inputs(rows: Places, columns: Places, codes: Codes, size: tuple[int, int]) -> Tensor:
    """Return places and the colours of the naive inversion, each in -1..1: shape (N, 5)."""
    height, width = size
    inputs = np.empty((len(codes), _INPUTS), np.float32)
    inputs[:, 0] = (2.0 * columns + 1.0) / width - 1.0
    inputs[:, 1] = (2.0 * rows + 1.0) / height - 1.0
    inputs[:, 2:] = 2.0 * convert(naive_inversion(codes), SRGB, PROPHOTO) - 1.0
    return torch.from_numpy(inputs)


def _started(generator: torch.Generator) -> PhotoNetwork:
    """Return a network with random weights whose steps are small."""
    network = PhotoNetwork.empty()
    for layer, scale in ((network.first, 1.0), (network.second, 1.0), (network.last, 0.1)):
        bound = scale / layer.in_features**0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    return network
