"""What training minimises: the loss of a batch of patches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from core.colour import PROPHOTO, SRGB, convert
from core.network.letnet import Estimate, Inputs, LetNet

if TYPE_CHECKING:
    from core.training.patches import Item
    from core.training.recipes import Recipe

_ERROR_FLOOR = 1e-7
"""Added to mean squared errors before their logarithm: an error at 70 dB is small enough."""


@dataclass(frozen=True)
class Outcome:
    """What one batch gives.

    Attributes
    ----------
    loss : Tensor, shape ()
        To be minimised.
    values : dict
        What there is to log: the loss, the gain in decibels, what the solver did.
    inputs : Inputs
        The network's.
    """

    loss: Tensor
    values: dict[str, Any]
    inputs: Inputs


def objective(
    network: LetNet, recipe: Recipe, batch: Item, device: torch.device | str, step: int = 0
) -> Outcome:
    """Return the loss of one batch.

    Parameters
    ----------
    network : LetNet
        On `device`.
    recipe : Recipe
        Which loss, with which penalties.
    batch : Item
        Patches of several photos (:func:`core.training.patches.collate`).
    device : torch.device or str
        Where to compute.
    step : int
        The optimisation step. What is random follows from it and from the recipe's seed alone, so
        that a resumed training goes on as it would have gone.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write
    >>> from core.network.letnet import LetNet
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.training.patches import PatchDataset, PatchSettings, collate
    >>> from core.training.prepared import prepare
    >>> from core.training.recipes import Recipe
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     batch = collate([PatchDataset(manifest, PatchSettings(size=16), 1)[0]])
    >>> recipe = Recipe(patches=PatchSettings(size=16), photos=1)
    >>> outcome = objective(LetNet(recipe.config), recipe, batch, "cpu")
    >>> outcome.loss.requires_grad, outcome.loss.item() > 0.0
    (True, True)
    """
    inputs = inputs_of(batch, device)
    target = batch["scene"].to(device).movedim(-1, 1)
    estimate = network(inputs, recipe.solver, recipe.order)
    photos = len(batch["tolerance"])
    scene = estimate.scene
    if recipe.project:
        scene = torch.where(inputs.low | inputs.high, scene, inputs.naive)
    error = squared_error(scene, target, photos)
    naive = squared_error(inputs.naive, target, photos)
    gain = torch.log(naive + _ERROR_FLOOR) - torch.log(error + _ERROR_FLOOR)
    if recipe.loss == "log-gain":
        blind = ~inputs.source.reshape(photos, -1).any(1)
        harm = torch.where(blind, recipe.harm_blind, recipe.harm)
        loss = (harm * torch.relu(-gain) - gain).mean()
    else:
        loss = error.mean()
    solution = estimate.solution
    last = [trace[-1] for trace in solution.residuals if trace]
    values = {
        "gain_db": 10.0 * math.log10(math.e) * gain.detach().mean(),
        "psnr": -10.0 * torch.log10(error.detach() + _ERROR_FLOOR).mean(),
        "solver_steps": sum(solution.steps) / len(solution.steps),
        "residual": sum(last) / len(last) if last else 0.0,
    }
    if recipe.regularisation and recipe.config.mode == "implicit":
        seed = int(np.random.SeedSequence([recipe.seed, step]).generate_state(1)[0])
        norm = _jacobian_norm(network, inputs, estimate, seed)
        values["jacobian_norm"] = norm.detach()
        loss = loss + recipe.regularisation * norm
    return Outcome(loss, {"loss": loss.detach(), **values}, inputs)


def unreachable(network: LetNet) -> list[torch.nn.Parameter]:
    """Return the weights that get no gradient: distributed training would wait for them.

    An implicit gradient does not reach the start of the iteration, and the features of the
    photo only where they are injected.

    Examples
    --------
    >>> from core.network.letnet import LetNet, LetNetConfig
    >>> unreachable(LetNet(LetNetConfig(channels=4, mode="plain")))
    []
    >>> len(unreachable(LetNet(LetNetConfig(channels=4)))) > 0
    True
    """
    if network.config.mode != "implicit":
        return []
    parts: list[torch.nn.Module] = []
    if network.config.attention == "channel":
        parts.append(network.start)
    if not network.config.injection:
        parts.append(network.encoder)
    return [parameter for part in parts for parameter in part.parameters()]


def inputs_of(batch: Item, device: torch.device | str) -> Inputs:
    """Return a batch's inputs to a network, each photo with its own tolerance.

    Examples
    --------
    >>> from core.source_gamut import SOURCES
    >>> batch = {
    ...     "codes": torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8),
    ...     "statistics": torch.zeros(1, 4),
    ...     "positions": torch.zeros(1, 2, 1, 1),
    ...     "source": torch.zeros(1, len(SOURCES)),
    ...     "tolerance": torch.zeros(1),
    ... }
    >>> inputs = inputs_of(batch, "cpu")
    >>> inputs.low.flatten().tolist(), inputs.high.flatten().tolist()
    ([True, False, False], [False, False, True])
    """
    codes = batch["codes"].to(device).movedim(-1, 1)
    per_photo = len(codes) // len(batch["tolerance"])
    slack = batch["tolerance"].to(device).repeat_interleave(per_photo)[:, None, None, None]
    return Inputs(
        codes.float() / 255.0,
        codes <= slack,
        codes >= 255.0 - slack,
        batch["statistics"].to(device),
        batch["positions"].to(device),
        batch["source"].to(device),
    )


def squared_error(scene: Tensor, target: Tensor, photos: int) -> Tensor:
    """Return the mean squared error of linear ProPhoto, photo by photo.

    Parameters
    ----------
    scene, target : Tensor, shape (photos * P, 3, H, W)
        Scene-linear sRGB; the patches of a photo stand together.
    photos : int
        How many photos there are.

    Returns
    -------
    Tensor, shape (photos,)

    Examples
    --------
    >>> scene = torch.zeros(4, 3, 8, 8)  # two patches of each of two photos
    >>> target = torch.cat([torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)])
    >>> [f"{error:.3f}" for error in squared_error(scene, target, 2)]
    ['0.000', '1.000']
    """
    error = convert(scene - target, SRGB, PROPHOTO, axis=1)
    return error.square().reshape(photos, -1).mean(1)


def _jacobian_norm(network: LetNet, inputs: Inputs, estimate: Estimate, seed: int) -> Tensor:
    """Estimate the squared norm of the cell's Jacobian per element (Bai et al. 2021).

    Every second sample is enough, and only the cell itself is held back by it.
    """
    with torch.no_grad():
        _, context = network.encode(inputs)
    start = estimate.solution.value[::2].detach().requires_grad_()
    image = network.cell(start, *[tensor[::2] for tensor in context])
    drawn = torch.Generator(image.device).manual_seed(seed)
    vector = torch.randn(image.shape, generator=drawn, device=image.device, dtype=image.dtype)
    (product,) = torch.autograd.grad(image, start, vector, create_graph=True)
    norm: Tensor = product.square().mean()
    return norm
