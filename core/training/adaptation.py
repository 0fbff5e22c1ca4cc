"""A photographer's own originals turn a trained network into one of their own.

The weights are trained on for a few minutes, and the result lies half way between what they were
and what they became. Scenes that were left out decide when to stop, and whether it was worth it.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.checks import check_fields
from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.errors import PhotoError
from core.gamut import naive_inversion, out_of_gamut_mask, reduce
from core.images import area_reduced
from core.methods.letnet import LetNetMethod
from core.metrics import mse_by_region, psnr
from core.network.letnet import between
from core.source_gamut import source_named
from core.styles import AS_IS, StyleMixture
from core.training.averaging import moving_average
from core.training.objective import objective, unreachable
from core.training.patches import PatchDataset, PatchSettings, collate, finish
from core.training.prepared import Manifest
from core.training.recipes import CPU, Recipe

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from core.colour import ColourSpace
    from core.network.letnet import LetNet
    from core.network.models import Model
    from core.training.prepared import Source

_log = logging.getLogger(__name__)

FEWEST_SCENES = 4
_ERROR_FLOOR = 1e-12


@dataclass(frozen=True)
class AdaptationSettings:
    """How a network is adapted.

    Attributes
    ----------
    minutes : float
        Time for training and measuring, at most.
    steps : int
        Optimisation steps at most.
    learning_rate : float
        Adam's, after a short warm-up.
    average : float
        Decay per step of the exponential average of the weights.
    share : float
        How far the result goes from the weights it started from to the learned ones, 0..1
        (:func:`core.network.letnet.between`).
    measure_every : int
        Steps between measurements on the scenes that are held out.
    patience : int
        Measurements without a gain after which training ends.
    held_out : float
        Share of the scenes that is held out, at least one, 0..0.5.
    worthwhile : float
        Gain in dB over the network it started from below which that one is kept.
    side : int
        Longest side in pixels of the photos that are measured on.
    seed : int
        Of the patches.
    """

    minutes: float = 10.0
    steps: int = 4_000
    learning_rate: float = 4e-4
    average: float = 0.99
    share: float = 0.5
    measure_every: int = 100
    patience: int = 6
    held_out: float = 0.25
    worthwhile: float = 0.05
    side: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "minutes": 0.0 < self.minutes <= 24 * 60,
            "steps": self.steps >= 1,
            "learning_rate": 0.0 < self.learning_rate <= 1.0,
            "average": 0.0 <= self.average < 1.0,
            "share": 0.0 < self.share <= 1.0,
            "measure_every": self.measure_every >= 1,
            "patience": self.patience >= 1,
            "held_out": 0.0 < self.held_out <= 0.5,
            "worthwhile": self.worthwhile >= 0.0,
            "side": self.side >= 64,
        }
        check_fields(self, checks)


@dataclass(frozen=True)
class Gains:
    """Gains over naive inversion in dB, the average over photos, all pixels.

    Attributes
    ----------
    blind : float
        When the network is not told the source gamut.
    known : float
        When it is, where it is known; else the same.
    worst : float
        The lowest gain of one photo, told or not.
    """

    blind: float
    known: float
    worst: float

    @property
    def both(self) -> float:
        """The figure that decides."""
        return (self.blind + self.known) / 2


@dataclass(frozen=True)
class Adaptation:
    """The result of an adaptation.

    Attributes
    ----------
    network : LetNet
        The adapted network; the one it started from where it is not worthwhile.
    worthwhile : bool
        Whether it is better than that on the scenes that were held out.
    before, after : Gains
        On those scenes.
    held_out : tuple of str
        The names of those photos.
    trained_on : Manifest
        The other photos.
    steps : int
        Of the weights that were kept; 0 for those it started from.
    seconds : float
        Elapsed time.
    """

    network: LetNet
    worthwhile: bool
    before: Gains
    after: Gains
    held_out: tuple[str, ...]
    trained_on: Manifest
    steps: int
    seconds: float


def recipe_for(model: Model, settings: AdaptationSettings) -> Recipe:
    """Return how a network is trained on: its own form, on photos as they are.

    Examples
    --------
    >>> from core.network.models import load_model
    >>> recipe = recipe_for(load_model("letnet-box"), AdaptationSettings(steps=300))
    >>> recipe.steps, recipe.patches.size, recipe.config.told
    (300, 96, True)
    """
    descriptor = model.descriptor
    return replace(
        CPU,
        config=descriptor.config,
        patches=PatchSettings(
            size=96,
            per_photo=2,
            wide_share=1.0,
            lossy_share=0.1,
            known=0.5,
            styles=StyleMixture(as_is=0.7, touched=0.3, vivid=0.0, camera=0.0),
        ),
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        warm_up=20,
        project=descriptor.config.output == "residual",
        inference=descriptor.solver,
        halo=descriptor.halo,
        average=settings.average,
        share=settings.share,
        seed=settings.seed,
    )


def adaptation(
    model: Model, manifest: Manifest, settings: AdaptationSettings | None = None
) -> Generator[tuple[int, int], None, Adaptation]:
    """Adapt a network to prepared originals, step by step.

    Parameters
    ----------
    model : Model
        Which network to start from.
    manifest : Manifest
        The photographer's originals (:func:`core.training.prepared.prepare`).
    settings : AdaptationSettings, optional
        How.

    Yields
    ------
    (int, int)
        Steps done and steps at most, often.

    Returns
    -------
    Adaptation

    Raises
    ------
    PhotoError
        If the originals show fewer than four scenes that leave sRGB, or if the time is too short.

    Examples
    --------
    >>> from pathlib import Path
    >>> from core.network.models import load_model
    >>> from core.progress import finished
    >>> from core.training.prepared import Manifest
    >>> finished(
    ...     adaptation(load_model("letnet-box"), Manifest(Path(), ()))
    ... )  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.errors.PhotoError: 0 of the originals' scenes leave sRGB; adapting takes at least 4,
    better 8 to 50, of one camera and one way of developing.
    """
    settings = settings or AdaptationSettings()
    started = time.monotonic()
    training, held_out = _split(manifest, settings)
    photos = [_Held(held_out, source, settings.side) for source in held_out.sources]
    before = best = _gains(model, photos)
    measuring = time.monotonic() - started
    recipe = recipe_for(model, settings)
    learner = _Learner(model.network, recipe, training)
    kept, kept_at, since, measured = model.network, 0, 0, 0
    while learner.done < settings.steps and since < settings.patience:
        late = time.monotonic() - started + measuring > 60 * settings.minutes
        if late and not learner.done:
            raise PhotoError(
                f"{settings.minutes:g} minutes are too short to measure the {len(photos)} photos "
                "that are held out and to learn anything; allow more time."
            )
        if late and learner.done == measured:
            break
        if not late:
            learner.step()
            yield learner.done, settings.steps
            if learner.done % settings.measure_every and learner.done != settings.steps:
                continue
        blended, measured = learner.result(), learner.done
        gains = _gains(replace(model, network=blended), photos)
        _log.info("step %d: %+.2f dB blind, %+.2f dB known", measured, gains.blind, gains.known)
        if gains.both > best.both:
            kept, kept_at, best, since = blended, measured, gains, 0
        else:
            since += 1
    worthwhile = best.both >= before.both + settings.worthwhile
    return Adaptation(
        kept if worthwhile else model.network,
        worthwhile,
        before,
        best if worthwhile else before,
        tuple(source.name for source in held_out.sources),
        training,
        kept_at if worthwhile else 0,
        time.monotonic() - started,
    )


class _Learner:
    """The network that learns, and the average of its weights."""

    def __init__(self, network: LetNet, recipe: Recipe, photos: Manifest) -> None:
        self._network = copy.deepcopy(network).train().requires_grad_(True)
        for parameter in unreachable(self._network):
            parameter.requires_grad_(False)
        self._start, self._averaged = network, copy.deepcopy(network)
        self._recipe = recipe
        items = recipe.steps * recipe.photos
        self._patches = PatchDataset(photos, recipe.patches, items, recipe.seed)
        self._average = moving_average(recipe.average)
        self._optimiser = torch.optim.Adam(
            self._network.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.99)
        )
        self.done = 0

    def step(self) -> None:
        """Do one optimisation step."""
        recipe, first = self._recipe, self.done * self._recipe.photos
        rate = recipe.learning_rate * min(1.0, (self.done + 1) / recipe.warm_up)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        batch = collate([self._patches[first + index] for index in range(recipe.photos)])
        loss = objective(self._network, recipe, batch, "cpu", self.done).loss
        if not loss.isfinite():
            raise PhotoError(
                f"The loss of step {self.done + 1} is not a finite number; adapt with a smaller "
                "learning rate."
            )
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), recipe.clip)
        self._optimiser.step()
        weights: list[torch.Tensor] = list(self._network.parameters())
        averages: list[torch.Tensor] = list(self._averaged.parameters())
        self._average(averages, weights, self.done)
        self.done += 1

    def result(self) -> LetNet:
        """Return a network part of the way from the start to what was learned."""
        return between(self._start, self._averaged, self._recipe.share)


class _Held:
    """A photo that is measured on: its colours, its codes, and what naive inversion makes."""

    def __init__(self, manifest: Manifest, source: Source, side: int) -> None:
        scene = finish(manifest.photo(source), AS_IS)
        prophoto = area_reduced(np.clip(convert(scene, SRGB, PROPHOTO), 0.0, 1.0), side)
        scene = convert(prophoto, PROPHOTO, SRGB)
        self.reference = prophoto
        self.codes = reduce(scene)
        self.gamut = source_named(source.gamut)
        self._outside = out_of_gamut_mask(scene)
        naive = convert(naive_inversion(self.codes), SRGB, PROPHOTO)
        self._naive = self._quality(np.clip(naive, 0.0, 1.0))

    def gain(self, values: npt.NDArray[np.float32]) -> float:
        """Return by how many dB an estimate in linear ProPhoto is nearer than naive inversion."""
        return self._quality(values) - self._naive

    def _quality(self, values: npt.NDArray[np.float32]) -> float:
        """Return the PSNR of an estimate in dB."""
        error = mse_by_region(self.reference, values, self._outside)["all"]
        return psnr(max(error, _ERROR_FLOOR))


def _gains(model: Model, photos: list[_Held]) -> Gains:
    method = LetNetMethod(model)

    def gain(photo: _Held, source: ColourSpace | None) -> float:
        settings = ExpansionSettings(space=PROPHOTO, source=source)
        return photo.gain(expand(photo.codes, method, settings).values)

    blind = [gain(photo, None) for photo in photos]
    known = [
        gain(photo, photo.gamut) if photo.gamut else plain
        for photo, plain in zip(photos, blind, strict=True)
    ]
    return Gains(float(np.mean(blind)), float(np.mean(known)), min(*blind, *known))


def _split(manifest: Manifest, settings: AdaptationSettings) -> tuple[Manifest, Manifest]:
    """Hold out about the given share of the scenes, at least one, and always the same ones."""
    wide = [source for source in manifest.sources if source.wide]
    scenes = sorted(
        {source.scene for source in wide}, key=lambda each: hashlib.sha256(each.encode()).digest()
    )
    if len(scenes) < FEWEST_SCENES:
        raise PhotoError(
            f"{len(scenes)} of the originals' scenes leave sRGB; adapting takes at least "
            f"{FEWEST_SCENES}, better 8 to 50, of one camera and one way of developing."
        )
    left_out = set(scenes[: max(1, round(settings.held_out * len(scenes)))])
    sides = [
        tuple(source for source in wide if (source.scene in left_out) is side)
        for side in (False, True)
    ]
    return Manifest(manifest.folder, sides[0]), Manifest(manifest.folder, sides[1])
