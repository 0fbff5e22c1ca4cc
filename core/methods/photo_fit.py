"""Networks that are fitted to one photo as in their papers: on all channels of sampled pixels.

The protocol of the public code of Le et al. 2023 (CVPR), which SIREN and the sizes of the
ablation share: a residual in linear ProPhoto, scaled to -1..1 like the input colours; squared
error over every 5th pixel that sRGB cannot hold and every 50th of the others; Adam without
annealing; no projection. The one in :mod:`core.payload.gamut_mlp` is ours.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from core.colour import PROPHOTO, SRGB, Adaptation, convert
from core.engine.method import Method, Needs, OriginalMethod, Place, WindowMethod
from core.errors import PhotoError
from core.gamut import Codes, FloatImage, naive_inversion, out_of_gamut_mask

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Worker
    from core.engine.tiling import Source
    from core.progress import Check

_PIXELS_AT_ONCE = 1 << 16
_STEPS_AT_ONCE = 25
_BYTES_PER_WEIGHT = 4


@dataclass(frozen=True)
class PhotoFitSettings:
    """How a network is fitted to a photo.

    Attributes
    ----------
    steps : int
        Of Adam.
    batch : int
        Samples of a step, drawn with replacement; all of them where there are fewer. The
        authors take 65,536, on a GPU.
    learning_rate : float
        Of Adam, the same throughout.
    outside, inside : int
        Every how many-th pixel is a sample, of those that sRGB cannot hold and of the others.
    seed : int
        Of the first weights and of the batches.
    """

    steps: int = 10_000
    batch: int = 4096
    learning_rate: float = 5e-3
    outside: int = 5
    inside: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        for name in ("steps", "batch", "outside", "inside"):
            if getattr(self, name) < 1:
                raise ValueError(f"Setting {name} = {getattr(self, name)!r} is out of range.")
        if not 0.0 < self.learning_rate <= 1.0:
            raise ValueError(f"Setting learning_rate = {self.learning_rate!r} is out of range.")


class PhotoNetwork(nn.Module, ABC):
    """A network from the place and the colour of a pixel to what its colour has lost."""

    @abstractmethod
    def encoded(self, places: Tensor, colours: Tensor) -> Tensor:
        """Return what the layers take.

        Parameters
        ----------
        places : Tensor, float32, shape (N, 2)
            Row and column, -1..1 from the first to the last pixel.
        colours : Tensor, float32, shape (N, 3)
            Linear ProPhoto RGB of the naive inversion, scaled from 0..1 to -1..1.
        """

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor:
        """Return steps of the scaled colours, shape (N, 3)."""

    @property
    def weights_count(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.parameters())


class FittedToPhoto(WindowMethod):
    """A network that was fitted to one photo, and restores that photo alone.

    Parameters
    ----------
    base : FitsToPhoto
        What fitted it.
    network : PhotoNetwork
        In evaluation mode, on the CPU.
    height, width : int
        Of the photo, in pixels.
    adaptation : {"Bradford", "CAT02"}
        With which it was fitted.
    """

    needs = Needs.PAYLOAD

    def __init__(
        self,
        base: FitsToPhoto,
        network: PhotoNetwork,
        height: int,
        width: int,
        adaptation: Adaptation,
    ) -> None:
        self.name, self.summary = base.name, base.summary
        self.parameters, self.payload_size = base.parameters, base.payload_size
        self._network, self._size, self._adaptation = network, (height, width), adaptation

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Return what restores the photo.

        Raises
        ------
        PhotoError
            If the photo is of another size than the one that it was fitted to.
        """
        if tuple(codes.shape[:2]) != self._size:
            raise PhotoError(
                f"{self.name} was fitted to a photo of another size; take that photo, or another "
                "method."
            )
        return super().worker(codes, settings, check)

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Estimate the colours of a window, all channels of all pixels."""
        height, width, _ = window.shape
        rows, columns = np.mgrid[
            place.top : place.top + height, place.left : place.left + width
        ].reshape(2, -1)
        places = _places(rows, columns, self._size)
        naive = naive_inversion(window.reshape(-1, 3))
        colours = _scaled(naive, self._adaptation)
        with torch.inference_mode():
            for start in range(0, len(colours), _PIXELS_AT_ONCE):
                part = slice(start, start + _PIXELS_AT_ONCE)
                features = self._network.encoded(places[part], colours[part])
                colours[part] += self._network(features)
        prophoto = np.clip(0.5 * colours.numpy() + 0.5, 0.0, 1.0)
        scene: FloatImage = convert(prophoto, PROPHOTO, SRGB, self._adaptation)
        return scene.reshape(window.shape)


class FitsToPhoto(OriginalMethod):
    """A method that fits a network to each photo's original, as in its paper.

    Parameters
    ----------
    network : PhotoNetwork
        With its first weights; each photo gets a copy.
    settings : PhotoFitSettings
        How it is fitted.
    """

    def __init__(self, network: PhotoNetwork, settings: PhotoFitSettings) -> None:
        self.network, self.settings = network, settings
        self.parameters = network.weights_count
        self.payload_size = _BYTES_PER_WEIGHT * self.parameters

    @property
    def refusal(self) -> str:
        """What people are told where there is no original."""
        return (
            f"{self.name} is fitted to a photo's wide-gamut original; measure it with gamut "
            "evaluate, or choose another method."
        )

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, Method]:
        """Fit a network to a photo; see :meth:`core.engine.method.Method.fitted`."""
        network = copy.deepcopy(self.network)
        with closing(_fit(network, codes, original, self.settings, adaptation)) as work:
            yield from work
        height, width, _ = codes.shape
        return FittedToPhoto(self, network, height, width, adaptation)


def _fit(
    network: PhotoNetwork,
    codes: Codes,
    original: FloatImage,
    settings: PhotoFitSettings,
    adaptation: Adaptation,
) -> Generator[tuple[int, int], None, None]:
    outside = out_of_gamut_mask(original)
    chosen = np.concatenate(
        [
            np.flatnonzero(outside)[:: settings.outside],
            np.flatnonzero(~outside)[:: settings.inside],
        ]
    )
    places = _places(*np.divmod(chosen, codes.shape[1]), codes.shape[:2])
    colours = _scaled(naive_inversion(codes.reshape(-1, 3)[chosen]), adaptation)
    lost = _scaled(original.reshape(-1, 3)[chosen], adaptation) - colours
    whole = network.encoded(places, colours) if len(chosen) <= _PIXELS_AT_ONCE else None
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    for done in range(1, settings.steps + 1):
        if len(chosen) > settings.batch:
            drawn = torch.randint(len(chosen), (settings.batch,), generator=generator)
            features = (
                network.encoded(places[drawn], colours[drawn]) if whole is None else whole[drawn]
            )
            target = lost[drawn]
        else:
            features = network.encoded(places, colours) if whole is None else whole
            target = lost
        loss = (network(features) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if done % _STEPS_AT_ONCE == 0 or done == settings.steps:
            yield done, settings.steps
    network.eval().requires_grad_(False)


def _places(
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    columns: np.ndarray[tuple[int], np.dtype[np.int64]],
    size: tuple[int, ...],
) -> Tensor:
    ends = np.maximum(np.asarray(size[:2]) - 1, 1)
    places = 2.0 * np.stack([rows, columns], axis=1) / ends - 1.0
    return torch.from_numpy(places.astype(np.float32))


def _scaled(scene: FloatImage, adaptation: Adaptation) -> Tensor:
    """Return scene-linear sRGB colours as linear ProPhoto, scaled from 0..1 to -1..1."""
    prophoto = convert(scene, SRGB, PROPHOTO, adaptation)
    return torch.from_numpy((2.0 * prophoto - 1.0).astype(np.float32))
