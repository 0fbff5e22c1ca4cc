"""Training of the networks, on Lightning: logs, checkpoints, exact resume, many devices."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
import warnings
from typing import TYPE_CHECKING, Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Sampler

from core.errors import PhotoError
from core.network.implicit import spectral_radius
from core.network.letnet import LetNet, between
from core.network.solver import solve
from core.training.averaging import moving_average
from core.training.objective import Outcome, objective, unreachable
from core.training.patches import Item, PatchDataset, collate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.training.prepared import Manifest
    from core.training.recipes import Recipe

_log = logging.getLogger(__name__)

_RESIDUAL_ALARM = 0.1
_RADIUS_ALARM = 3.0

Precision = Literal["32-true", "bf16-mixed"]

_EXPECTED_WARNINGS = (
    # A resumed run finds its own checkpoints.
    r"Checkpoint directory .* exists and is not empty",
    # Drawing patches is cheap beside a step: one or two processes keep up.
    r"The '?train_dataloader'? does not have many workers",
    # Lightning's own use of torch.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)


class TrainingModule(lightning.LightningModule):
    """A network with its loss, optimiser and exponential average."""

    def __init__(self, recipe: Recipe, start: LetNet | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        self.network = LetNet(recipe.config)
        if start is not None:
            self.network.take_over(start)
        for parameter in unreachable(self.network):
            parameter.requires_grad_(False)
        self.averaged = AveragedModel(self.network, multi_avg_fn=moving_average(recipe.average))
        self.averaged.requires_grad_(False)

    @property
    def result(self) -> LetNet:
        """The network whose weights are the outcome: the averaged one, if there is one."""
        network = self.averaged.module if self.recipe.average else self.network
        assert isinstance(network, LetNet)
        return network

    def training_step(self, batch: Item, batch_index: int) -> Tensor:
        """Return the loss of one batch; log what the solver did."""
        outcome = self.objective(batch)
        self._last_inputs = outcome.inputs
        if not outcome.loss.isfinite():
            raise PhotoError(
                f"The loss of step {self.global_step + 1} is not a finite number; start again "
                "with a smaller learning rate or more regularisation."
            )
        self.log_dict(outcome.values, prog_bar=True, batch_size=len(batch["scene"]))
        return outcome.loss

    def objective(self, batch: Item) -> Outcome:
        """Return the loss of one batch (:func:`core.training.objective.objective`)."""
        return objective(self.network, self.recipe, batch, self.device, self.global_step)

    def on_train_batch_end(self, outputs: Any, batch: Item, batch_index: int) -> None:
        """Let the average follow the weights."""
        if self.recipe.average:
            self.averaged.update_parameters(self.network)

    def on_train_epoch_end(self) -> None:
        """Watch the fixed point: say so when it begins to diverge."""
        if self.recipe.config.mode != "implicit":
            return
        residual = float(self.trainer.callback_metrics["residual"])
        start, context = self.network.encode(self._last_inputs)
        fixed = [tensor.detach() for tensor in context]
        point = solve(self.network.cell, start.detach(), self.recipe.solver, fixed).value
        radius = float(spectral_radius(self.network.cell, point, fixed).mean())
        self.log("spectral_radius", radius, sync_dist=True)
        if not (residual < _RESIDUAL_ALARM and radius < _RADIUS_ALARM):
            _log.warning(
                "the fixed point is diverging (relative residual %.2g, spectral radius %.2g): "
                "train with more regularisation, a smaller solver damping or learning rate",
                residual,
                radius,
            )

    def configure_optimizers(self) -> Any:
        """Return AdamW (0.9, 0.99) with a warm-up and a cosine to 2 % of the peak."""
        optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.recipe.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=self.recipe.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self._rate)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _rate(self, step: int) -> float:
        progress = min(step / self.recipe.steps, 1.0)
        annealed = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress))
        return min(1.0, (step + 1) / self.recipe.warm_up) * annealed


class StepSampler(Sampler[int]):
    """The items of one epoch, which is a fixed number of steps of the whole run.

    Each of several processes takes every n-th item, so that together they see what one
    process alone would have seen.

    Parameters
    ----------
    items : int
        Of the whole run.
    items_per_epoch : int
        The last epoch has what is left.
    epoch : int
        Counted from 0.
    rank, processes : int
        Which one of how many processes this is.
    """

    def __init__(
        self, items: int, items_per_epoch: int, epoch: int, rank: int = 0, processes: int = 1
    ) -> None:
        first = epoch * items_per_epoch
        self._indices = range(first + rank, min(first + items_per_epoch, items), processes)

    def __len__(self) -> int:
        """Return how many items this process draws in the epoch."""
        return len(self._indices)

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of the epoch's items."""
        yield from self._indices


class PatchModule(lightning.LightningDataModule):
    """The patches of a run, cut into epochs."""

    def __init__(
        self, manifest: Manifest, recipe: Recipe, steps_per_epoch: int, workers: int
    ) -> None:
        super().__init__()
        self.manifest, self.recipe = manifest, recipe
        self.steps_per_epoch, self.workers = steps_per_epoch, workers

    def train_dataloader(self) -> DataLoader[Item]:
        """Return the loader of the current epoch."""
        trainer = self.trainer
        assert trainer is not None
        recipe, processes = self.recipe, trainer.world_size
        if recipe.photos % processes:
            raise PhotoError(
                f"{recipe.photos} photos a step cannot be shared by {processes} processes; "
                "choose a number of devices that divides it."
            )
        dataset = PatchDataset(
            self.manifest, recipe.patches, recipe.steps * recipe.photos, recipe.seed
        )
        sampler = StepSampler(
            len(dataset),
            self.steps_per_epoch * recipe.photos,
            trainer.current_epoch,
            trainer.global_rank,
            processes,
        )
        return DataLoader(
            dataset,
            batch_size=recipe.photos // processes,
            sampler=sampler,
            num_workers=self.workers,
            collate_fn=collate,
            persistent_workers=False,
        )


def train(
    recipe: Recipe,
    manifest: Manifest,
    folder: Path,
    *,
    start: LetNet | None = None,
    steps_per_epoch: int = 200,
    workers: int = 1,
    devices: int = 1,
    nodes: int = 1,
    accelerator: str = "auto",
    precision: Precision = "32-true",
    progress: bool = True,
) -> LetNet:
    """Train a network; a run that was interrupted goes on where its last epoch ended.

    Parameters
    ----------
    recipe : Recipe
        Every number of the run.
    manifest : Manifest
        The prepared photos.
    folder : Path
        Where checkpoints and logs (CSV, TensorBoard) go. Each resumption has a log of its own.
    start : LetNet, optional
        A trained network to start from, of the recipe's form or of one that is not told the
        source gamut.
    steps_per_epoch : int
        Steps between checkpoints.
    workers : int
        Processes that draw patches.
    devices : int
        Processes or GPUs of each machine that train together on each batch.
    nodes : int
        Machines that train together; the environment tells each its rank, as torchrun does.
    accelerator : str
        "cpu", "gpu" or "auto".
    precision : {"32-true", "bf16-mixed"}
        Whether the network computes in bfloat16 where it can; the weights are float32.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    LetNet
        The trained network, on the CPU.

    Raises
    ------
    PhotoError
        If no photo is large enough, the devices cannot share a batch, or training diverges.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.colour import PROPHOTO
    >>> from core.files import write
    >>> from core.network.letnet import LetNetConfig
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.training.patches import PatchSettings
    >>> from core.training.prepared import prepare
    >>> from core.training.recipes import Recipe
    >>> recipe = Recipe(LetNetConfig(channels=4), PatchSettings(size=16), photos=1, steps=1)
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     network = train(
    ...         recipe, manifest, Path(folder, "run"), accelerator="cpu", progress=False
    ...     )
    >>> network.config.channels, next(network.parameters()).device.type
    (4, 'cpu')
    """
    last = folder / "last.ckpt"
    module = TrainingModule(recipe, start)
    with _undisturbed():
        trainer = lightning.Trainer(
            default_root_dir=folder,
            max_epochs=math.ceil(recipe.steps / steps_per_epoch),
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if devices * nodes > 1 else "auto",
            precision=precision,
            use_distributed_sampler=False,
            reload_dataloaders_every_n_epochs=1,
            gradient_clip_val=recipe.clip,
            logger=[CSVLogger(folder, "csv"), TensorBoardLogger(folder, "board")],
            callbacks=[ModelCheckpoint(folder, filename="{step}", save_last=True, save_top_k=1)],
            log_every_n_steps=min(50, steps_per_epoch, recipe.steps % steps_per_epoch or 50),
            enable_progress_bar=progress,
            enable_model_summary=False,
        )
        trainer.fit(
            module,
            PatchModule(manifest, recipe, steps_per_epoch, workers),
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )
    result = module.result.cpu()
    return result if start is None else between(start, result, recipe.share)


def is_first_process() -> bool:
    """Return whether this process is the one, of several that train together, that reports.

    Examples
    --------
    >>> is_first_process()  # of one that trains alone
    True
    """
    return int(getattr(rank_zero_only, "rank", 0)) == 0


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep Lightning from exiting on an interruption, and from warning of what is intended."""
    handler = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        for message in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message)
        try:
            yield
        except SystemExit as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)
