"""The start of GamutMLP's fits: weights from which few steps lead to any photo's network.

Reptile (Nichol et al., "On First-Order Meta-Learning Algorithms", 2018), as Le et al. (CVPR 2023)
have it: again and again, a copy of the start is fitted to one photo by a few steps of plain
gradient descent, and the start moves a little to where the copy went, by Adam.

It is for the form that they published. Ours corrects the estimate of a network that already knows
what photos have in common.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.checks import check_fields
from core.gamut import reduce
from core.images import area_reduced
from core.methods.gamut_mlp_paper import WIDTHS, EncodedNetwork
from core.methods.photo_fit import PhotoFitSettings, Samples, samples_of, train
from core.styles import AS_IS, VIVID
from core.training.patches import finish

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.gamut import FloatImage
    from core.training.prepared import Manifest, Source

_LEAST_OUTSIDE = 0.01
_FEWEST = 2048
_EVERY = 5
_SEEN = PhotoFitSettings(outside=1, inside=10)
"""Five times the pixels that fits see."""


@dataclass(frozen=True)
class StartSettings:
    """How a start is trained.

    Attributes
    ----------
    size : str
        Of the networks that begin there, one of :data:`core.methods.gamut_mlp_paper.WIDTHS`.
    photos : int
        So many at most, each in one style.
    side : int
        Photos are reduced to this length of the longer side, in pixels.
    rounds : int
        Moves of the start.
    inner_steps, batch : int
        Of gradient descent, and the pixels of each.
    inner_rate, outer_rate : float
        Of gradient descent, whose steps are shortened to length 1 where they would be longer, and
        of Adam.
    seed : int
        Of everything that is drawn.
    """

    size: str = "23kb"
    photos: int = 256
    side: int = 256
    rounds: int = 6000
    inner_steps: int = 24
    batch: int = 512
    inner_rate: float = 0.1
    outer_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        counts = ("photos", "rounds", "inner_steps", "batch")
        checks = {
            "size": self.size in WIDTHS,
            **{name: getattr(self, name) >= 1 for name in counts},
            "side": self.side >= 16,
            "inner_rate": self.inner_rate > 0.0,
            "outer_rate": self.outer_rate > 0.0,
        }
        check_fields(self, checks)


def photo_samples(
    manifest: Manifest, settings: StartSettings
) -> Generator[tuple[int, int], None, list[Samples]]:
    """Reduce photos to sRGB and collect what networks learn of each, with Bradford's adaptation.

    Parameters
    ----------
    manifest : Manifest
        The photos.
    settings : StartSettings
        Their number and size.

    Yields
    ------
    (int, int)
        Photos done and in all.

    Returns
    -------
    list of Samples
        Photos that lose next to nothing are left out.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.colour import PROPHOTO
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> from core.training.prepared import prepare
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     photos = finished(photo_samples(manifest, StartSettings(side=96)))
    >>> [tuple(photo.lost.shape) for photo in photos]
    [(3359, 3)]
    """
    rng = np.random.default_rng(settings.seed)
    wide = [source for source in manifest.sources if source.out_of_gamut > _LEAST_OUTSIDE]
    chosen = [wide[i] for i in rng.permutation(len(wide))[: settings.photos]]
    collected = []
    for number, source in enumerate(chosen):
        scene = _scene(manifest, source, settings.side, vivid=bool(number % 2))
        samples = samples_of(reduce(scene), scene, _SEEN, "Bradford")
        if len(samples.lost) >= _FEWEST:
            collected.append(samples)
        yield number + 1, len(chosen)
    return collected


def train_start(
    photos: list[Samples], settings: StartSettings
) -> Generator[tuple[int, int], None, EncodedNetwork]:
    """Train weights at which fits begin.

    Parameters
    ----------
    photos : list of Samples
        As of :func:`photo_samples`.
    settings : StartSettings
        How.

    Yields
    ------
    (int, int)
        Rounds done and in all.

    Returns
    -------
    EncodedNetwork

    Examples
    --------
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> photo = samples_of(reduce(scene), scene, PhotoFitSettings(outside=1), "Bradford")
    >>> start = finished(train_start([photo], StartSettings(rounds=2)))
    >>> start.width
    32
    """
    generator = torch.Generator().manual_seed(settings.seed)
    start = EncodedNetwork(WIDTHS[settings.size], seed=settings.seed)
    optimiser = torch.optim.Adam(start.parameters(), lr=settings.outer_rate)
    for done in range(settings.rounds):
        cosine = 0.5 + 0.5 * math.cos(math.pi * done / settings.rounds)
        for group in optimiser.param_groups:
            group["lr"] = settings.outer_rate * cosine
        photo = photos[int(torch.randint(len(photos), (1,), generator=generator))]
        moved = _descended(start, photo, settings, generator)
        pairs = zip(start.parameters(), moved.parameters(), strict=True)
        for here, there in pairs:
            here.grad = here.detach() - there.detach()
        optimiser.step()
        yield done + 1, settings.rounds
    return start.eval().requires_grad_(False)


def gains(photos: list[Samples], start: EncodedNetwork, steps: int) -> list[float]:
    """Fit a network to every fifth sample of each photo, and return its gain on all of them.

    The gain is that over naive inversion, in dB.

    Parameters
    ----------
    photos : list of Samples
        Not those that the start was trained on.
    start : EncodedNetwork
        Where the fits begin.
    steps : int
        Of each fit.

    Examples
    --------
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.pictures.chart import wide_gamut_chart
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> photo = samples_of(reduce(scene), scene, PhotoFitSettings(outside=1), "Bradford")
    >>> [gain > 0.0 for gain in gains([photo], EncodedNetwork(), 100)]
    [True]
    """
    settings, found = PhotoFitSettings(steps=steps), []
    for photo in photos:
        network = copy.deepcopy(start).requires_grad_()
        for _ in train(network, photo.every(_EVERY), settings):
            pass
        with torch.no_grad():
            left = float(photo.loss(network))
        found.append(10.0 * math.log10(float(photo.lost.square().mean()) / max(left, 1e-12)))
    return found


def _descended(
    start: EncodedNetwork, photo: Samples, settings: StartSettings, generator: torch.Generator
) -> EncodedNetwork:
    """Return a copy of the start after a few steps of gradient descent on one photo."""
    network = copy.deepcopy(start)
    weights = list(network.parameters())
    for _ in range(settings.inner_steps):
        loss = photo.drawn(settings.batch, generator).loss(network)
        slopes = torch.autograd.grad(loss, weights)
        length = settings.inner_rate / max(1.0, settings.inner_rate * float(_norm(slopes)))
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight.sub_(length * slope)
    return network


def _norm(slopes: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return torch.stack([slope.square().sum() for slope in slopes]).sum().sqrt()


def _scene(manifest: Manifest, source: Source, side: int, vivid: bool) -> FloatImage:
    return area_reduced(finish(np.asarray(manifest.photo(source)), VIVID if vivid else AS_IS), side)
