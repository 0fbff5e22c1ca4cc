"""Training on a budget of processor time: what a network reaches in so many minutes.

The networks that the papers compare with are trained here, and LETNet beside them, on the same
patches of the same photos, so that an equal budget is one: seconds of the processor, patches
and all, on whatever machine and however busy it is.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from core.checks import check_fields
from core.colour import PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.network.letnet import LetNet
from core.network.rivals.image_model import FORMS, Form
from core.network.rivals.unet import PatchDiscriminator
from core.training.averaging import moving_average
from core.training.objective import inputs_of, objective, unreachable
from core.training.patches import Item, PatchDataset, PatchSettings, collate
from core.training.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from core.training.prepared import Manifest

Loss = Literal["l1", "l1-clipped"]

_AVERAGE = 0.99
_WARM_UP = 20
_ADVERSARIAL_SHARE = 0.01
"""Weight of the discriminator's judgement beside l1: 1 to 100, as pix2pix has it."""

_CLIP = 1.0
_ENDLESS = 1 << 40


@dataclass(frozen=True)
class RivalRecipe:
    """How an image network is trained.

    Attributes
    ----------
    form : str
        Which one (:data:`core.network.rivals.image_model.FORMS`).
    patches : PatchSettings
        What it sees.
    photos : int
        Photos per step.
    learning_rate : float
        Of Adam, at its peak; warmed up, then annealed along a cosine over the budget.
    loss : {"l1", "l1-clipped"}
        Mean absolute error of linear ProPhoto over all or over the clipped pixels.
    adversarial : bool
        Whether a discriminator is trained against it, as pix2pix has it.
    seed : int
        Of the weights and the patches.
    cpu_seconds : float
        The budget.
    """

    form: str
    patches: PatchSettings = field(default_factory=PatchSettings)
    photos: int = 8
    learning_rate: float = 1e-3
    loss: Loss = "l1"
    adversarial: bool = False
    seed: int = 0
    cpu_seconds: float = 600.0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "form": self.form in FORMS,
            "photos": self.photos >= 1,
            "learning_rate": self.learning_rate > 0.0,
            "loss": self.loss in ("l1", "l1-clipped"),
            "cpu_seconds": self.cpu_seconds > 0.0,
        }
        check_fields(
            self,
            checks,
            "The setting {name} = {value!r} of a training is out of range; choose another one.",
            PhotoError,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as nested dictionaries of plain values, for model cards."""
        return asdict(self)


_STYLES = RECIPES["cpu"].patches.styles
_LARGE = PatchSettings(size=128, wide_share=0.65, styles=_STYLES)
_SMALL = PatchSettings(size=64, wide_share=0.65, styles=_STYLES)

RIVALS: Mapping[str, RivalRecipe] = MappingProxyType(
    {
        "gamutnet": RivalRecipe("gamutnet", _LARGE, loss="l1-clipped"),
        "pix2pix": RivalRecipe("pix2pix", _LARGE, learning_rate=2e-4),
        "swinir": RivalRecipe("swinir", _SMALL, photos=4, learning_rate=4e-4),
        "restormer": RivalRecipe("restormer", _SMALL, photos=4, learning_rate=3e-4),
    }
)
"""Losses and rates are the papers'; patches and batches are of a size for CPUs."""

LETNETS: Mapping[str, Recipe] = MappingProxyType(
    {"letnet": RECIPES["cpu-paper-form"], "letnet-box": RECIPES["cpu"]}
)
"""What is trained beside them, from scratch, by the recipes of the shipped networks."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes
    ----------
    cpu_seconds : float
        Used so far.
    steps : int
        Taken so far.
    loss : float
        Of the last step.
    """

    cpu_seconds: float
    steps: int
    loss: float


class Learner(ABC):
    """A network that learns, step by step."""

    average: float = _AVERAGE

    def __init__(self, network: nn.Module, rate: float) -> None:
        self.network, self.peak = network, rate
        self.optimiser = torch.optim.AdamW(
            [p for p in network.parameters() if p.requires_grad],
            lr=rate,
            betas=(0.9, 0.99),
            weight_decay=0.0,
        )
        smooth = moving_average(self.average)
        self.averaged = AveragedModel(network, multi_avg_fn=smooth, use_buffers=True)
        self.steps = 0

    @abstractmethod
    def objective(self, batch: Item) -> Tensor:
        """Return the loss of a batch."""

    def step(self, batch: Item, share: float) -> float:
        """Learn from a batch, at the rate of `share` of its peak; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = share * self.peak
        self.optimiser.zero_grad()
        loss = self.objective(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self.optimiser.step()
        self.averaged.update_parameters(self.network)
        self.steps += 1
        return float(loss.detach())

    @property
    def result(self) -> nn.Module:
        """The network with its averaged weights, in evaluation mode."""
        network: nn.Module = self.averaged.module
        return network.eval().requires_grad_(False)


class ImageLearner(Learner):
    """An image network that learns.

    Parameters
    ----------
    recipe : RivalRecipe
        How.
    """

    def __init__(self, recipe: RivalRecipe) -> None:
        self.recipe = recipe
        self.form: Form = FORMS[recipe.form]
        torch.manual_seed(recipe.seed)
        super().__init__(self.form.make().train(), recipe.learning_rate)
        self._judge: PatchDiscriminator | None = None
        if recipe.adversarial:
            self._judge = PatchDiscriminator()
            self._judging = torch.optim.Adam(
                self._judge.parameters(), lr=recipe.learning_rate, betas=(0.5, 0.999)
            )

    def objective(self, batch: Item) -> Tensor:
        """Return the absolute error, and what the discriminator finds, if there is one."""
        inputs = inputs_of(batch, "cpu")
        mask = _clipped(inputs.low, inputs.high)
        scene = self.form.scene(self.network, inputs.encoded, mask)
        target = batch["scene"].movedim(-1, 1)
        error = convert(scene - target, SRGB, PROPHOTO, axis=1).abs()
        if self.recipe.loss == "l1-clipped":
            loss = (error * mask).sum() / (3.0 * mask.sum().clamp_min(1.0))
        else:
            loss = error.mean()
        if self._judge is not None:
            given, made, real = (_shown(x) for x in (inputs.naive, scene, target))
            self._judge_pairs(given, made.detach(), real)
            loss = loss + _ADVERSARIAL_SHARE * _verdict(self._judge(given, made), real=True)
        return loss

    def _judge_pairs(self, given: Tensor, made: Tensor, real: Tensor) -> None:
        assert self._judge is not None
        wrong = 0.5 * _verdict(self._judge(given, made), real=False)
        wrong = wrong + 0.5 * _verdict(self._judge(given, real), real=True)
        self._judging.zero_grad()
        wrong.backward()  # type: ignore[no-untyped-call]
        self._judging.step()


class LetNetLearner(Learner):
    """LETNet, learning by the recipe of a shipped network.

    Parameters
    ----------
    recipe : Recipe
        Its steps are not used: the budget ends it.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.average, self.recipe = recipe.average, recipe
        torch.manual_seed(recipe.seed)
        self.letnet = LetNet(recipe.config)
        for parameter in unreachable(self.letnet):
            parameter.requires_grad_(False)
        super().__init__(self.letnet, recipe.learning_rate)

    def objective(self, batch: Item) -> Tensor:
        """Return the loss of the recipe."""
        return objective(self.letnet, self.recipe, batch, "cpu", self.steps).loss

    @property
    def result(self) -> LetNet:
        """The network with its averaged weights, in evaluation mode."""
        network: LetNet = super().result  # type: ignore[assignment]
        return network


def train_within(
    learner: Learner,
    manifest: Manifest,
    patches: PatchSettings,
    photos: int,
    cpu_seconds: float,
    seed: int = 0,
) -> Generator[Progress, None, None]:
    """Train until a budget of processor time is used up.

    Parameters
    ----------
    learner : Learner
        What learns.
    manifest : Manifest
        The prepared photos.
    patches : PatchSettings
        How patches are drawn; that time counts, too.
    photos : int
        Photos per step.
    cpu_seconds : float
        The budget, of all threads together.
    seed : int
        Of the patches.

    Yields
    ------
    Progress
        After each step. Closing the generator ends the training.

    Raises
    ------
    PhotoError
        If the loss is no finite number any more.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.training.prepared import prepare
    >>> class Grey(Learner):
    ...     def objective(self, batch):
    ...         return self.network(batch["codes"].float() / 255.0).square().mean()
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     learner = Grey(nn.Linear(3, 3), 1e-3)
    ...     steps = list(train_within(learner, manifest, PatchSettings(size=16), 1, 0.02))
    >>> steps[-1].steps == len(steps), steps[-1].cpu_seconds >= 0.02
    (True, True)
    """
    dataset = PatchDataset(manifest, patches, _ENDLESS, seed)
    began = time.process_time()
    steps, used = 0, 0.0
    while used < cpu_seconds:
        items = range(steps * photos, (steps + 1) * photos)
        batch = collate([dataset[index] for index in items])
        annealed = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * used / cpu_seconds))
        loss = learner.step(batch, min(1.0, (steps + 1) / _WARM_UP) * annealed)
        if not math.isfinite(loss):
            raise PhotoError(
                f"The loss of step {steps + 1} is not a finite number; start again with a smaller "
                "learning rate."
            )
        steps += 1
        used = time.process_time() - began
        yield Progress(used, steps, loss)


def _clipped(low: Tensor, high: Tensor) -> Tensor:
    """Return the mask of clipped pixels, shape (N, 1, H, W)."""
    mask = (low | high).any(1, keepdim=True) & ~low.all(1, keepdim=True)
    return mask & ~high.all(1, keepdim=True)


def _shown(scene: Tensor) -> Tensor:
    """Return encoded ProPhoto in -1..1: what the discriminator looks at."""
    linear = convert(scene, SRGB, PROPHOTO, axis=1).clamp(1e-6, 1.0)
    return 2.0 * PROPHOTO.encode(linear) - 1.0


def _verdict(logits: Tensor, *, real: bool) -> Tensor:
    target = torch.full_like(logits, float(real))
    return functional.binary_cross_entropy_with_logits(logits, target)
