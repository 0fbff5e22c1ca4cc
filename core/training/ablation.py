"""Ablations: what each part of the network is worth, on an equal budget.

Table 4 of Xiao et al. (ECCV 2024) changes the activation, leaves out the input injection and
leaves out the channel attention; figure 4 sets a plain and a recurrent network beside the
implicit one. Every variant is trained on the same patches for the same number of steps and
measured on scenes that were held out.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from core.checks import check_fields
from core.colour import PROPHOTO
from core.errors import PhotoError
from core.evaluation.measuring import evaluate_photo
from core.evaluation.protocol import EvaluationSettings
from core.evaluation.report import Column, Table
from core.evaluation.summary import summarise
from core.methods.letnet import LetNetMethod
from core.network.letnet import PAPER, LetNetConfig
from core.network.models import Descriptor, Model, to_bytes
from core.training.patches import Item, PatchDataset, collate
from core.training.recipes import RECIPES, Recipe
from core.training.run import TrainingModule, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from core.evaluation.rows import Row
    from core.network.letnet import LetNet
    from core.training.prepared import Manifest

_RESULT = "result.json"

BASE = "LETNet (tanh, implicit)"

VARIANTS: Mapping[str, LetNetConfig] = MappingProxyType(
    {
        BASE: PAPER,
        "ReLU": replace(PAPER, activation="relu"),
        "sin": replace(PAPER, activation="sin"),
        "without input injection": replace(PAPER, injection=False),
        "without channel attention": replace(PAPER, attention="none"),
        "plain": replace(PAPER, mode="plain"),
        "recurrent": replace(PAPER, mode="recurrent"),
    }
)
"""The variants of table 4 and figure 4, the whole network first."""


_FORM = RECIPES["cpu-paper-form"]
_BUDGET = replace(_FORM, patches=replace(_FORM.patches, size=64), photos=4, steps=400)


@dataclass(frozen=True)
class AblationSettings:
    """The budget of every variant, and what it is measured on.

    Attributes
    ----------
    recipe : Recipe
        The training; its steps are the budget. The form of the network is the variant's.
    held_out : float
        About which share of the scenes is measured and not trained on.
    photos : int
        At most so many of the held-out photos, evenly from all of them.
    cost_steps : int
        Steps from which the seconds per step are taken: their median.
    evaluation : EvaluationSettings
        Styles and protocol.
    """

    recipe: Recipe = _BUDGET
    held_out: float = 0.15
    photos: int = 12
    cost_steps: int = 5
    evaluation: EvaluationSettings = field(
        default_factory=lambda: EvaluationSettings(perceptual=False, max_side=512)
    )

    def __post_init__(self) -> None:
        """Check the fields, naming the one that is out of range."""
        checks = {
            "held_out": 0.0 < self.held_out < 1.0,
            "photos": self.photos >= 1,
            "cost_steps": self.cost_steps >= 1,
        }
        check_fields(
            self,
            checks,
            "The setting {name} = {value!r} of an ablation is out of range; choose another one.",
            PhotoError,
        )


@dataclass(frozen=True)
class StepCost:
    """What one training step costs.

    Attributes
    ----------
    seconds : float
        Median time of forward and backward pass and the optimiser's step.
    saved_bytes : int
        Memory that the forward pass keeps for the backward pass, beside the weights.
    """

    seconds: float
    saved_bytes: int


@dataclass(frozen=True)
class Outcome:
    """The result of one variant.

    Attributes
    ----------
    variant : str
        Its name.
    style : str
        How the held-out photos were finished.
    parameters, photos : int
        Number of weights, and of photos measured.
    gain_all, gain_out_of_gamut : float
        Mean gain over the naive inversion, in dB.
    worst_gain : float
        Of the photo that gained least, over all pixels.
    seconds_per_step, saved_bytes : float, int
        What a training step costs (:class:`StepCost`).
    solver_steps : float
        Evaluations of the cell when photos are restored.
    """

    variant: str
    style: str
    parameters: int
    photos: int
    gain_all: float
    gain_out_of_gamut: float
    worst_gain: float
    seconds_per_step: float
    saved_bytes: int
    solver_steps: float


def ablate(
    manifest: Manifest,
    folder: Path,
    settings: AblationSettings | None = None,
    variants: Mapping[str, LetNetConfig] = VARIANTS,
    *,
    steps_per_epoch: int = 100,
    workers: int = 1,
    progress: bool = False,
) -> Iterator[Outcome]:
    """Train and measure variants, one after the other.

    A variant that was finished under the same settings is not trained again, and one that was
    interrupted goes on.

    Parameters
    ----------
    manifest : Manifest
        The prepared photos; a part of the scenes is held out.
    folder : Path
        Where runs and results go.
    settings : AblationSettings, optional
        Budget and measurement.
    variants : mapping of str to LetNetConfig
        What is compared.
    steps_per_epoch, workers, progress
        As for :func:`core.training.run.train`.

    Yields
    ------
    Outcome
        For each variant, one for each style.

    Raises
    ------
    PhotoError
        If no scene is left on a side of the split.

    Examples
    --------
    >>> from pathlib import Path
    >>> from core.training.prepared import Manifest
    >>> list(ablate(Manifest(Path(), ()), Path("runs")))
    Traceback (most recent call last):
    core.errors.PhotoError: 0 photos are too few to hold some out; prepare more of them.
    """
    settings = settings or AblationSettings()
    seen, held_out = manifest.split(settings.held_out, settings.recipe.seed)
    if not seen.sources or not held_out.sources:
        raise PhotoError(
            f"{len(manifest.sources)} photos are too few to hold some out; prepare more of them."
        )
    for name, config in variants.items():
        recipe = replace(settings.recipe, config=config)
        run = folder / _key(recipe, settings, manifest)
        result = run / _RESULT
        if not result.exists():
            network = train(
                recipe,
                seen,
                run,
                steps_per_epoch=min(steps_per_epoch, recipe.steps),
                workers=workers,
                progress=progress,
            )
            outcomes = _measure(name, network, recipe, seen, held_out, settings)
            partial = run / f".{_RESULT}.partial"
            partial.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
            partial.replace(result)
        for entry in json.loads(result.read_text()):
            yield Outcome(**{**entry, "variant": name})


def ablation_table(outcomes: Sequence[Outcome], steps: int) -> Table:
    """Return the outcomes as a table.

    Parameters
    ----------
    outcomes : sequence of Outcome
        From :func:`ablate`.
    steps : int
        The budget, for the title.

    Examples
    --------
    >>> outcome = Outcome("ReLU", "vivid", 39_108, 12, 1.2, 1.6, -0.3, 0.41, 8_000_000, 14.0)
    >>> table = ablation_table([outcome], 400)
    >>> table.title, table.rows[0][:4]
    ('Ablations, 400 steps each', ('ReLU', 'vivid', 12, 39108))
    """
    columns = (
        Column("Variant"),
        Column("Style"),
        Column("Photos"),
        Column("Parameters"),
        Column("Gain all (dB)", signed=True),
        Column("Gain out (dB)", signed=True),
        Column("Worst gain (dB)", signed=True),
        Column("Saved for backward (MB)", 1),
        Column("Seconds per step", 3),
        Column("Solver steps", 1),
    )
    rows = tuple(
        (
            outcome.variant,
            outcome.style,
            outcome.photos,
            outcome.parameters,
            outcome.gain_all,
            outcome.gain_out_of_gamut,
            outcome.worst_gain,
            outcome.saved_bytes / 1e6,
            outcome.seconds_per_step,
            outcome.solver_steps,
        )
        for outcome in outcomes
    )
    return Table(f"Ablations, {steps} steps each", columns, rows)


def step_cost(recipe: Recipe, batch: Item, steps: int = 5) -> StepCost:
    """Measure what training steps of a fresh network cost.

    Parameters
    ----------
    recipe : Recipe
        The training.
    batch : Item
        Patches of `recipe.photos` photos.
    steps : int
        How many are timed, after one that is not.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.training.patches import PatchSettings
    >>> from core.training.prepared import prepare
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     batch = collate([PatchDataset(manifest, PatchSettings(size=16), 1)[0]])
    >>> recipe = Recipe(LetNetConfig(channels=4), PatchSettings(size=16), photos=1)
    >>> cost = step_cost(recipe, batch, steps=2)
    >>> cost.seconds > 0.0, cost.saved_bytes > 0
    (True, True)
    """
    module = TrainingModule(recipe)
    optimiser = torch.optim.Adam(module.network.parameters(), lr=recipe.learning_rate)
    seconds: list[float] = []
    saved = 0
    for step in range(steps + 1):
        started = time.perf_counter()
        if step == 0:
            saved = _saved_bytes(module, batch)
        else:
            module.objective(batch).loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        if step > 0:
            seconds.append(time.perf_counter() - started)
    return StepCost(statistics.median(seconds), saved)


def _saved_bytes(module: TrainingModule, batch: Item) -> int:
    """Take one gradient, adding up the storages that it needed, each of them once."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    storages: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            # Held until the end, so that no address is used twice.
            storages[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outcome = module.objective(batch)
    outcome.loss.backward()  # type: ignore[no-untyped-call]
    return sum(storage.nbytes() for storage in storages.values())


def _measure(
    name: str,
    network: LetNet,
    recipe: Recipe,
    seen: Manifest,
    held_out: Manifest,
    settings: AblationSettings,
) -> list[Outcome]:
    network = network.eval().requires_grad_(False)
    descriptor = Descriptor(name, recipe.config, recipe.inference, recipe.halo)
    digest = hashlib.sha256(to_bytes(network, descriptor)).hexdigest()
    method = LetNetMethod(Model(descriptor, network, digest))
    rows: list[Row] = []
    stride = -(-len(held_out.sources) // settings.photos)
    for source in held_out.sources[::stride]:
        original = PROPHOTO.decode(held_out.photo(source) / 65535.0).astype("float32")
        rows += evaluate_photo([method], source.name, original, settings.evaluation)
    dataset = PatchDataset(seen, recipe.patches, recipe.photos, recipe.seed)
    batch = collate([dataset[index] for index in range(recipe.photos)])
    cost = step_cost(recipe, batch, settings.cost_steps)
    return [
        Outcome(
            variant=name,
            style=summary.style,
            parameters=method.parameters,
            photos=summary.photos,
            gain_all=summary.gain["all"],
            gain_out_of_gamut=summary.gain["out_of_gamut"],
            worst_gain=summary.worst["all"][1],
            seconds_per_step=cost.seconds,
            saved_bytes=cost.saved_bytes,
            solver_steps=summary.steps,
        )
        for summary in summarise(rows)
        if summary.method == name
    ]


def _key(recipe: Recipe, settings: AblationSettings, manifest: Manifest) -> str:
    """Name a run by everything that decides its outcome."""
    decisive: dict[str, Any] = {
        "recipe": recipe.as_dict(),
        "held_out": settings.held_out,
        "photos": settings.photos,
        "evaluation": repr(settings.evaluation),
        "data": manifest.fingerprint,
    }
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
