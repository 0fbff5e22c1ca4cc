"""How networks are trained: every number of a run, named and frozen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from core.checks import check_fields
from core.network.letnet import BOX, PAPER, LetNetConfig
from core.network.solver import SolverSettings
from core.styles import StyleMixture
from core.training.patches import PatchSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.network.implicit import Order

Loss = Literal["l2", "log-gain"]


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Attributes
    ----------
    config : LetNetConfig
        The network.
    patches : PatchSettings
        What it sees.
    photos : int
        Photos per optimisation step; the batch is this times the patches per photo.
    steps : int
        Optimisation steps in all.
    learning_rate : float
        Adam's, at its peak; warmed up linearly, then annealed along a cosine.
    warm_up : int
        Steps until the peak.
    loss : {"l2", "log-gain"}
        Mean squared error of linear ProPhoto, or the mean over photos of the logarithm of its
        ratio to naive inversion's: the mean gain in decibels, up to a factor.
    order : int
        Terms of the Neumann series in the gradient; 0 is Jacobian-free.
    solver : SolverSettings
        For the fixed point while training.
    inference : SolverSettings
        For the fixed point of a photo once the network is trained: part of the model.
    halo : int
        Pixels around a tile that the network has to see then: part of the model.
    average : float
        Decay per step of the exponential average of the weights; 0 keeps the last ones.
    project : bool
        Whether channels that are not clipped enter the loss with their known values, as the
        projection sets them later, so that only the restored ones are learned.
    harm : float
        With "log-gain": weight of an extra penalty on photos that end worse than naive inversion.
    harm_blind : float
        The same for photos whose source gamut the network is not told.
    weight_decay : float
        Of AdamW: the share of each weight that is lost per step, over the learning rate.
    regularisation : float
        Weight of the squared norm of the cell's Jacobian, estimated with one random vector: the
        remedy when the fixed point begins to diverge.
    clip : float
        Largest norm of the gradient.
    share : float
        How far the outcome goes from the network that training started from to the learned one,
        0..1 (:func:`core.network.letnet.between`); 1 where it started from scratch.
    seed : int
        Of the weights and the patches.
    """

    config: LetNetConfig = PAPER
    patches: PatchSettings = field(default_factory=PatchSettings)
    photos: int = 64
    steps: int = 100_000
    learning_rate: float = 1e-3
    warm_up: int = 100
    loss: Loss = "l2"
    order: Order = 0
    solver: SolverSettings = field(default_factory=SolverSettings)
    inference: SolverSettings = field(default_factory=SolverSettings)
    halo: int = 64
    average: float = 0.998
    project: bool = False
    harm: float = 0.0
    harm_blind: float = 0.0
    weight_decay: float = 0.0
    regularisation: float = 0.0
    clip: float = 1.0
    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers, naming the one that is out of range."""
        checks = {
            "photos": self.photos >= 1,
            "steps": self.steps >= 1,
            "learning_rate": self.learning_rate > 0.0,
            "warm_up": self.warm_up >= 1,
            "loss": self.loss in ("l2", "log-gain"),
            "halo": self.halo >= 0,
            "order": isinstance(self.order, int) and self.order >= 0,
            "average": 0.0 <= self.average < 1.0,
            "harm": self.harm >= 0.0,
            "harm_blind": self.harm_blind >= 0.0,
            "weight_decay": self.weight_decay >= 0.0,
            "regularisation": self.regularisation >= 0.0,
            "clip": self.clip > 0.0,
            "share": 0.0 < self.share <= 1.0,
        }
        check_fields(self, checks, "Recipe setting {name} = {value!r} is unknown.")

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as nested dictionaries of plain values, for logs and model cards."""
        return asdict(self)


_CPU_PATCHES = PatchSettings(
    size=96,
    per_photo=2,
    wide_share=0.65,
    lossy_share=0.15,
    styles=StyleMixture(as_is=0.45, vivid=0.35),
)
# With 16 pixels around a tile, LETNet-box differs from the exact fixed point of the whole photo by
# at most a ninth of an 8-bit code, in 99.9 % of the clipped pixels by a twenty-fifth.
_NEAR, _NEAR_HALO = SolverSettings(max_steps=50, tolerance=1e-3), 16
_SEAMLESS, _SEAMLESS_HALO = SolverSettings(max_steps=50, tolerance=1e-4), 32

CPU = Recipe(
    BOX,
    _CPU_PATCHES,
    photos=8,
    steps=2_000,
    learning_rate=1e-3,
    loss="log-gain",
    harm=1.0,
    harm_blind=1.0,
    regularisation=0.5,
    solver=SolverSettings(max_steps=8, tolerance=3e-3),
    inference=_NEAR,
    halo=_NEAR_HALO,
)
"""What trainings on a processor have in common."""

# Six small patches instead of two large ones, of a photo at half its size more often than not: on
# held-out photos up to 0.1 dB more, but 0.1 less for those as they are whose source is unknown.
_CPU_SOURCE = replace(
    CPU,
    patches=PatchSettings(
        size=64,
        per_photo=6,
        wide_share=0.7,
        half_share=0.6,
        lossy_share=0.15,
        known=0.7,
        styles=StyleMixture(as_is=0.4, touched=0.05, vivid=0.37, camera=0.7),
    ),
    weight_decay=0.02,
)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        # Sections 3.3 and 4.1 of the paper: 200 epochs of its 15,000 training patches.
        "paper": Recipe(
            PAPER,
            PatchSettings(size=128),
            photos=64,
            steps=46_800,
            solver=SolverSettings(max_steps=50),
            average=0.0,
        ),
        "cpu": replace(CPU, config=replace(BOX, told=False), steps=14_000, learning_rate=2e-3),
        # From the network of "cpu".
        "cpu-source": _CPU_SOURCE,
        # From that of "cpu-source": who is not told the source goes less far.
        "cpu-source-blind": replace(
            _CPU_SOURCE,
            patches=replace(_CPU_SOURCE.patches, known=0.5),
            steps=900,
            learning_rate=5e-4,
            harm_blind=3.0,
        ),
        "cpu-paper-form": replace(
            CPU,
            config=PAPER,
            # Full resolution inside costs four times as much per pixel.
            patches=replace(_CPU_PATCHES, size=64),
            steps=4_000,
            learning_rate=2e-3,
            project=True,
            inference=_SEAMLESS,
            halo=_SEAMLESS_HALO,
        ),
    }
)
