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
from dataclasses import dataclass, replace
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
        samples = samples_of(codes, original, self.settings, adaptation)
        with closing(train(network, samples, self.settings)) as work:
            yield from work
        network.eval().requires_grad_(False)
        height, width, _ = codes.shape
        return FittedToPhoto(self, network, height, width, adaptation)


@dataclass(frozen=True, eq=False)
class Samples:
    """Pixels of a photo to learn from.

    Attributes
    ----------
    places : Tensor, float32, shape (N, 2)
        As for :meth:`PhotoNetwork.encoded`.
    colours : Tensor, float32, shape (N, 3)
        As for :meth:`PhotoNetwork.encoded`.
    lost : Tensor, float32, shape (N, 3)
        The original's colours less these, on the same scale.
    features : Tensor, float32, shape (N, F), optional
        What a network's layers take, where it has been computed.
    """

    places: Tensor
    colours: Tensor
    lost: Tensor
    features: Tensor | None = None

    def encoded_by(self, network: PhotoNetwork) -> Samples:
        """Return them with their features, unless these would fill the memory."""
        if len(self.lost) > _PIXELS_AT_ONCE:
            return self
        return replace(self, features=network.encoded(self.places, self.colours))

    def drawn(self, count: int, generator: torch.Generator) -> Samples:
        """Return so many of them, drawn with replacement; all where there are no more."""
        if len(self.lost) <= count:
            return self
        return self._chosen(torch.randint(len(self.lost), (count,), generator=generator))

    def every(self, step: int) -> Samples:
        """Return every how many-th of them."""
        return self._chosen(slice(None, None, step))

    def _chosen(self, those: Tensor | slice) -> Samples:
        features = None if self.features is None else self.features[those]
        return Samples(self.places[those], self.colours[those], self.lost[those], features)

    def loss(self, network: PhotoNetwork) -> Tensor:
        """Return the mean squared error of a network."""
        features = self.features
        if features is None:
            features = network.encoded(self.places, self.colours)
        mean: Tensor = (network(features) - self.lost).square().mean()
        return mean


def samples_of(
    codes: Codes, original: FloatImage, settings: PhotoFitSettings, adaptation: Adaptation
) -> Samples:
    """Return what a photo's network learns from.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB codes of the photo.
    original : ndarray, float32, shape (H, W, 3)
        Its colours before, scene-linear sRGB, unbounded.
    settings : PhotoFitSettings
        Which pixels.
    adaptation : {"Bradford", "CAT02"}
        Of the white from sRGB's to ProPhoto's.

    Examples
    --------
    >>> codes = np.full((5, 5, 3), 128, np.uint8)
    >>> samples = samples_of(codes, naive_inversion(codes), PhotoFitSettings(), "Bradford")
    >>> samples.lost.tolist()  # every 50th of the pixels that have lost nothing
    [[0.0, 0.0, 0.0]]
    """
    outside = out_of_gamut_mask(original)
    chosen = np.concatenate(
        [
            np.flatnonzero(outside)[:: settings.outside],
            np.flatnonzero(~outside)[:: settings.inside],
        ]
    )
    colours = _scaled(naive_inversion(codes.reshape(-1, 3)[chosen]), adaptation)
    lost = _scaled(original.reshape(-1, 3)[chosen], adaptation) - colours
    places = _places(*np.divmod(chosen, codes.shape[1]), codes.shape[:2])
    return Samples(places, colours, lost)


def train(
    network: PhotoNetwork, samples: Samples, settings: PhotoFitSettings
) -> Generator[tuple[int, int], None, None]:
    """Fit a network to a photo.

    Parameters
    ----------
    network : PhotoNetwork
        Is changed.
    samples : Samples
        Of the photo.
    settings : PhotoFitSettings
        How.

    Yields
    ------
    (int, int)
        Steps done and in all.

    Examples
    --------
    >>> from core.methods.gamut_mlp_paper import EncodedNetwork
    >>> from core.progress import finished
    >>> place, colour = torch.zeros((1, 2)), torch.zeros((1, 3))
    >>> samples = Samples(place, colour, torch.ones((1, 3)))
    >>> network = EncodedNetwork()
    >>> before = samples.loss(network).item()
    >>> finished(train(network, samples, PhotoFitSettings(steps=20)))
    >>> samples.loss(network).item() < before
    True
    """
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    samples = samples.encoded_by(network)
    for done in range(1, settings.steps + 1):
        loss = samples.drawn(settings.batch, generator).loss(network)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if done % _STEPS_AT_ONCE == 0 or done == settings.steps:
            yield done, settings.steps


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
