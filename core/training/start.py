"""The start of GamutMLP's fits: weights from which few steps lead to any photo's network.

Reptile (Nichol et al., "On First-Order Meta-Learning Algorithms", 2018): again and again, a copy
of the start is fitted to one photo by a few steps of plain gradient descent, and the start moves
a little to where the copy went, by Adam.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.checks import check_fields
from core.engine.expansion import ExpansionSettings
from core.gamut import reduce
from core.images import area_reduced
from core.payload.embedding import hinted
from core.payload.gamut_mlp import (
    FORMS,
    FitSettings,
    PhotoNetwork,
    Samples,
    fresh,
    samples_of,
    train,
)
from core.payload.hint import make_hint
from core.payload.lost import lost_pixels
from core.progress import mapped
from core.styles import AS_IS, VIVID
from core.training.patches import finish

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.engine.method import Method
    from core.gamut import FloatImage
    from core.training.prepared import Manifest, Source

_LEAST_OUTSIDE = 0.01
_FEWEST = 256


@dataclass(frozen=True)
class StartSettings:
    """How a start is trained.

    Attributes
    ----------
    size : str
        Of the networks that begin there, one of :data:`core.payload.gamut_mlp.FORMS`.
    photos : int
        So many at most, each in one style.
    side : int
        Photos are reduced to this length of the longer side, in pixels.
    samples : int
        Pixels of each photo.
    rounds : int
        Moves of the start.
    inner_steps, batch : int
        Of gradient descent, and the pixels of each.
    inner_rate, outer_rate : float
        Of gradient descent and of Adam.
    seed : int
        Of everything that is drawn.
    """

    size: str = "4"
    photos: int = 128
    side: int = 256
    samples: int = 4096
    rounds: int = 3000
    inner_steps: int = 24
    batch: int = 512
    inner_rate: float = 0.1
    outer_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        counts = ("photos", "samples", "rounds", "inner_steps", "batch")
        checks = {
            "size": self.size in FORMS,
            **{name: getattr(self, name) >= 1 for name in counts},
            "side": self.side >= 16,
            "inner_rate": self.inner_rate > 0.0,
            "outer_rate": self.outer_rate > 0.0,
        }
        check_fields(self, checks)


def photo_samples(
    manifest: Manifest, method: Method | None, settings: StartSettings
) -> Generator[tuple[int, int], None, list[Samples]]:
    """Reduce photos to sRGB and collect what networks learn of each.

    Parameters
    ----------
    manifest : Manifest
        The photos.
    method : Method or None
        Whose estimate, with a hint, the networks correct; the naive inversion unless given.
    settings : StartSettings
        Size of the networks, number of photos and of pixels.

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
    >>> settings = StartSettings(side=96, samples=500)
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     photos = finished(photo_samples(manifest, None, settings))
    >>> len(photos), len(photos[0].missing) <= 500
    (1, True)
    """
    rng = np.random.default_rng(settings.seed)
    wide = [source for source in manifest.sources if source.out_of_gamut > _LEAST_OUTSIDE]
    chosen = [wide[i] for i in rng.permutation(len(wide))[: settings.photos]]
    form, collected = FORMS[settings.size], []
    for number, source in enumerate(chosen):
        scene = _scene(manifest, source, settings.side, vivid=bool(number % 2))
        device = ExpansionSettings(device="cpu")
        work = lost_pixels(reduce(scene), scene, method, settings=device)
        lost = yield from mapped(work, lambda *_, done=number: (done, len(chosen)))
        if len(lost.codes) >= _FEWEST:
            if method is not None:
                lost = hinted(lost, make_hint(lost))
            collected.append(samples_of(lost, form, settings.samples))
    return collected


def train_start(
    photos: list[Samples], settings: StartSettings
) -> Generator[tuple[int, int], None, PhotoNetwork]:
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
    PhotoNetwork

    Examples
    --------
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> photo = samples_of(finished(lost_pixels(reduce(scene), scene)), FORMS["4"], 500)
    >>> start = finished(train_start([photo], StartSettings(rounds=2)))
    >>> start.form == FORMS["4"]
    True
    """
    generator = torch.Generator().manual_seed(settings.seed)
    start = fresh(FORMS[settings.size], generator)
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
    return start.requires_grad_(False)


def gains(photos: list[Samples], start: PhotoNetwork | None, settings: FitSettings) -> list[float]:
    """Return by how many dB fits from a start improve the estimates of photos.

    Parameters
    ----------
    photos : list of Samples
        Not those that the start was trained on.
    start : PhotoNetwork or None
        None for random weights.
    settings : FitSettings
        How the networks are fitted.

    Examples
    --------
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> photo = samples_of(finished(lost_pixels(reduce(scene), scene)), FORMS["4"], 500)
    >>> [gain > 0.0 for gain in gains([photo], None, FitSettings(steps=30, batch=256))]
    [True]
    """
    found = []
    for photo in photos:
        generator = torch.Generator().manual_seed(settings.seed)
        network = fresh(FORMS[settings.size], generator)
        if start is not None:
            network.load_state_dict(start.state_dict())
        for _ in train(network, photo, settings, generator):
            pass
        with torch.no_grad():
            left = float(photo.loss(network, slice(None)))
        found.append(10.0 * math.log10(float(_before(photo)) / max(left, 1e-12)))
    return found


def _descended(
    start: PhotoNetwork, photo: Samples, settings: StartSettings, generator: torch.Generator
) -> PhotoNetwork:
    """Return a copy of the start after a few steps of gradient descent on one photo."""
    network = copy.deepcopy(start)
    weights = list(network.parameters())
    scale = settings.inner_rate
    for _ in range(settings.inner_steps):
        batch = torch.randint(len(photo.features), (settings.batch,), generator=generator)
        slopes = torch.autograd.grad(photo.loss(network, batch), weights)
        length = scale * min(1.0, 1.0 / (scale * float(_norm(slopes)) + 1e-12))
        with torch.no_grad():
            for weight, slope in zip(weights, slopes, strict=True):
                weight.sub_(length * slope)
    return network


def _norm(slopes: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return torch.stack([slope.square().sum() for slope in slopes]).sum().sqrt()


def _before(photo: Samples) -> torch.Tensor:
    """Return the error of the estimate that is to be corrected."""
    return (photo.missing @ photo.to_prophoto.T).square().mean()


def _scene(manifest: Manifest, source: Source, side: int, vivid: bool) -> FloatImage:
    return area_reduced(finish(np.asarray(manifest.photo(source)), VIVID if vivid else AS_IS), side)
