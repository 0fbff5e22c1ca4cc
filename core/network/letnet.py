"""LETNet: an equilibrium network that estimates the colours outside sRGB.

Xiao et al., "Learning Equilibrium Transformation for Gamut Expansion and Color
Restoration", ECCV 2024. An encoder turns the sRGB photo into features x; a cell F is applied
to a state z, with x injected, until F(z) = z; a convolution of the fixed point gives the lost
colours. Two forms share everything but their ends:

- the paper's form adds its output to all channels of the naive inversion, and its channel
  attention averages over the photo;
- the box form knows which channels stand at an end of the range, and changes only those: by
  a share (0..1) of the *room*, the way that is left to the boundary of ProPhoto. Its
  attention is steered by statistics of the whole photo, which are the same in every tile.

Photos come and go as (N, 3, H, W); states are (N, H, W, C), which is the layout in which
convolutions are fast on CPUs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.checks import check_fields
from core.colour import PROPHOTO, SRGB, ColourSpace, matrix_between
from core.gamut import Codes, clipped_channels, code_maximum
from core.network.implicit import Order, attach_gradient
from core.network.solver import Solution, SolverSettings, Status, iterate, solve
from core.network.statistics import STATISTICS
from core.source_gamut import SOURCES, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.progress import Check

Activation = Literal["tanh", "relu", "sin"]
Attention = Literal["channel", "photo", "none"]
Output = Literal["residual", "room"]
Mode = Literal["implicit", "recurrent", "plain"]

_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "sin": torch.sin}
_IN_PLACE = {"tanh": torch.tanh_, "relu": torch.relu_, "sin": torch.sin_}
_OUTPUT_GAIN = 0.1
_FIRST_ACCURACY, _INNER_ACCURACY = 0.01, 0.1
"""Residual of the first states that are pooled, and that of later ones over the average's own."""

_NO_WEIGHT = 1e-9
_BEYOND = 1e3


@dataclass(frozen=True)
class LetNetConfig:
    """The form of a network; its weights fit no other.

    Attributes
    ----------
    channels : int
        Features of the state.
    scale : int
        Side of the square of pixels that one position of the state stands for.
    activation : {"tanh", "relu", "sin"}
        Inside the cell (table 4 of the paper).
    injection : bool
        Whether x enters every application of the cell, or only starts the first.
    attention : {"channel", "photo", "none"}
        Squeeze-and-excite (equation 3 of the paper), gates from the photo's statistics, or none.
    output : {"residual", "room"}
        The paper's end or that of the box form.
    mode : {"implicit", "recurrent", "plain"}
        Equilibrium with an implicit gradient, `steps` unrolled applications of the cell with
        back-propagation through all, or a single application (figure 4 of the paper).
    steps : int
        Applications of the cell in the recurrent mode.
    told : bool
        Whether the gates know the source gamut beside the photo's statistics.
    """

    channels: int = 36
    scale: int = 1
    activation: Activation = "tanh"
    injection: bool = True
    attention: Attention = "channel"
    output: Output = "residual"
    mode: Mode = "implicit"
    steps: int = 10
    told: bool = False

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "channels": self.channels >= 4,
            "scale": self.scale in (1, 2, 4),
            "activation": self.activation in _ACTIVATIONS,
            "attention": self.attention in ("channel", "photo", "none"),
            "output": self.output in ("residual", "room"),
            "mode": self.mode in ("implicit", "recurrent", "plain"),
            "steps": self.steps >= 1,
            "told": not self.told or self.attention == "photo",
        }
        check_fields(self, checks, "Network setting {name} = {value!r} is unknown.")

    def continues(self, other: LetNetConfig) -> bool:
        """Whether a network of this form can start from the weights of one of the other.

        Examples
        --------
        >>> untold = LetNetConfig(attention="photo")
        >>> told = replace(untold, told=True)
        >>> told.continues(untold), untold.continues(told)
        (True, False)
        """
        return other in (self, replace(self, told=False))


PAPER = LetNetConfig()
BOX = LetNetConfig(channels=32, scale=2, attention="photo", output="room", told=True)


@dataclass(frozen=True)
class Inputs:
    """A batch of photos or tiles, as the network takes them.

    Attributes
    ----------
    encoded : Tensor, float32, shape (N, 3, H, W)
        Encoded sRGB, 0..1.
    low, high : Tensor, bool, shape (N, 3, H, W)
        Channels at the lower and upper end of the range.
    statistics : Tensor, float32, shape (N, S)
        Of the whole photo (:mod:`core.network.statistics`).
    positions : Tensor, float32, shape (N, 2, H, W)
        Coordinates of the pixels in the whole photo, -1..1 (y, x).
    source : Tensor, float32, shape (N, len(SOURCES))
        The source gamut of each, as from :func:`core.source_gamut.told`.
    """

    encoded: Tensor
    low: Tensor
    high: Tensor
    statistics: Tensor
    positions: Tensor
    source: Tensor

    @classmethod
    def from_codes(
        cls,
        codes: Codes,
        statistics: npt.NDArray[np.float32],
        positions: npt.NDArray[np.float32],
        tolerance: float = 0.0,
        device: torch.device | str = "cpu",
        source: ColourSpace | None = None,
    ) -> Inputs:
        """Make inputs of sRGB codes.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (N, H, W, 3)
            sRGB codes.
        statistics : ndarray, float32, shape (N, S)
            Of the whole photo.
        positions : ndarray, float32, shape (N, 2, H, W)
            As from :func:`positions`.
        tolerance : float
            Noise of a lossy file, in 8-bit codes.
        device : torch.device or str
            Where the network is.
        source : ColourSpace, optional
            The source gamut of the photo, if it is known.
        """
        low, high = clipped_channels(codes, tolerance)
        encoded = codes.astype(np.float32) / np.float32(code_maximum(codes))
        planes = [torch.from_numpy(np.moveaxis(a, -1, 1)) for a in (encoded, low, high)]
        sources = np.tile(told(source), (len(codes), 1))
        rest = [torch.from_numpy(a) for a in (statistics, positions, sources)]
        return cls(*(tensor.to(device) for tensor in (*planes, *rest)))

    def sample(self, number: int) -> Inputs:
        """Return one photo of the batch, as a batch."""
        one = slice(number, number + 1)
        return Inputs(
            self.encoded[one],
            self.low[one],
            self.high[one],
            self.statistics[one],
            self.positions[one],
            self.source[one],
        )

    @property
    def naive(self) -> Tensor:
        """The naive inversion, linear sRGB, shape (N, 3, H, W)."""
        return SRGB.decode(self.encoded)


@dataclass(frozen=True)
class Estimate:
    """What a network says of a batch.

    Attributes
    ----------
    scene : Tensor, float32, shape (N, 3, H, W)
        Scene-linear sRGB, not projected into the feasible box.
    solution : Solution
        How the fixed point was found.
    """

    scene: Tensor
    solution: Solution


@dataclass
class _Patch:
    """A patch whose state is solved for repeatedly; the latest one is kept, in half precision."""

    state: Tensor
    features: Tensor


class LetNet(nn.Module):
    """The network; see the module's text.

    Parameters
    ----------
    config : LetNetConfig
        Its form. :data:`PAPER` and :data:`BOX` are the two that are shipped.
    """

    def __init__(self, config: LetNetConfig = PAPER) -> None:
        super().__init__()
        self.config = config
        width, area = config.channels, config.scale**2
        planes = (9 if config.output == "room" else 3) * area
        self.encoder = nn.ModuleList(_convolution(n, width) for n in (planes, width))
        self.transform = nn.ModuleList(_convolution(width, width) for _ in range(2))
        self.head = _convolution(width, 3 * area)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(_bias(self.head), -2.0 if config.output == "room" else 0.0)
        if config.attention == "channel":
            self.start = _convolution(4, width)
            self.excite = _perceptron(width, width // 4, width, nn.ReLU())
        elif config.attention == "photo":
            known = STATISTICS + (len(SOURCES) if config.told else 0)
            self.excite = _perceptron(known, 24, 2 * width, nn.Tanh())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def parameters_count(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self.parameters())

    def take_over(self, other: LetNet) -> None:
        """Start from the weights of a network of the same form.

        One that is not told the source gamut is of the same form, too: the new weights are 0,
        so that nothing changes until they are trained.

        Raises
        ------
        ValueError
            If the form is another one.
        """
        if not self.config.continues(other.config):
            raise ValueError("A network of another form cannot be the start of this one.")
        weights = other.state_dict()
        for name, value in self.state_dict().items():
            known = weights[name]
            if known.shape != value.shape:
                missing = value.shape[1] - known.shape[1]
                weights[name] = functional.pad(known, (0, missing))
        self.load_state_dict(weights)

    def forward(
        self,
        inputs: Inputs,
        settings: SolverSettings | None = None,
        order: Order = 0,
        pooled: Tensor | None = None,
        check: Check | None = None,
    ) -> Estimate:
        """Estimate the colours of a batch of photos.

        Parameters
        ----------
        inputs : Inputs
            N photos or tiles; H and W are multiples of the scale.
        settings : SolverSettings, optional
            For the fixed point; K = 50 and a tolerance of 1e-3 unless given.
        order : int or "exact"
            Which implicit gradient (:mod:`core.network.implicit`).
        pooled : Tensor, shape (N, channels), optional
            What channel attention averages to, where it is held (see :meth:`pool`).
        check : callable, optional
            As for :func:`core.network.solver.solve`.
        """
        state, solution = self.settle(inputs, settings, order, pooled, check)
        return Estimate(self.decode(state, inputs), solution)

    def settle(
        self,
        inputs: Inputs,
        settings: SolverSettings | None = None,
        order: Order = 0,
        pooled: Tensor | None = None,
        check: Check | None = None,
    ) -> tuple[Tensor, Solution]:
        """Return the state that holds the colours, and how it was found.

        Parameters
        ----------
        inputs, settings, order, pooled, check
            As for :meth:`forward`.

        Returns
        -------
        state : Tensor, shape (N, H/scale, W/scale, channels)
            With its gradient, where one is wanted.
        solution : Solution
        """
        start, context = self.encode(inputs, pooled)
        if self.config.mode == "implicit":
            fixed = [tensor.detach() for tensor in context]
            solution = solve(self.cell, start.detach(), settings, fixed, check)
            state = solution.value
            if torch.is_grad_enabled():
                state = attach_gradient(self.cell, state, context, order)
        else:
            state = start
            for _ in range(1 if self.config.mode == "plain" else self.config.steps):
                state = self.cell(state, *context)
            solution = _unrolled(state)
        return state, solution

    def encode(self, inputs: Inputs, pooled: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return the start of the iteration and what the cell needs beside the state.

        Returns
        -------
        start : Tensor, shape (N, H/scale, W/scale, channels)
        context : list of Tensor
            The features x, and the gates or what attention pools, where the form has them.
        """
        planes = inputs.encoded * 2.0 - 1.0
        if self.config.output == "room":
            planes = torch.cat([planes, inputs.low.to(planes), inputs.high.to(planes)], 1)
        planes = functional.pixel_unshuffle(planes, self.config.scale)
        planes = planes.contiguous(memory_format=torch.channels_last)
        features = self.encoder[1](torch.tanh(self.encoder[0](planes)))
        gates = []
        if self.config.attention == "photo":
            known = [inputs.statistics, inputs.source] if self.config.told else [inputs.statistics]
            bias, gate = self.excite(torch.cat(known, 1)).chunk(2, dim=1)
            features = features + bias[:, :, None, None]
            gates = [torch.sigmoid(gate + 1.0)]
        elif pooled is not None:
            gates = [torch.sigmoid(self.excite(pooled))]
        features = features.permute(0, 2, 3, 1)
        start = torch.zeros_like(features)
        if self.config.attention == "channel":
            angles = functional.avg_pool2d(inputs.positions, self.config.scale) * math.pi
            waves = torch.cat([angles.cos(), angles.sin()], 1)
            start = self.start(waves).permute(0, 2, 3, 1)
        if not self.config.injection:
            start = start + features
        return start, [features, *gates]

    def cell(self, state: Tensor, features: Tensor, gate: Tensor | None = None) -> Tensor:
        """Apply the cell once (equation 3 of the paper); all (N, H, W, channels).

        With channel attention and no gate given, the average is taken over each sample.
        """
        change, injected = self._transform(state, features)
        if gate is None and self.config.attention == "channel":
            gate = torch.sigmoid(self.excite(change.mean((1, 2))))
        if gate is None:
            return change if injected is None else change + injected
        gate = gate[:, None, None, :]
        return change * gate if injected is None else torch.addcmul(injected, change, gate)

    def pool(
        self, inputs: Inputs, settings: SolverSettings | None = None, check: Check | None = None
    ) -> Tensor:
        """Return what channel attention averages to over a whole photo, shape (channels,).

        The samples are patches of one photo, which share the average, so that it is a part of
        the fixed point; held for every tile, it makes no seams. An outer iteration seeks the
        average, an inner one the state of patch after patch for it: memory is that of one solve,
        and of what all patches were at last.
        """
        settings = settings or SolverSettings()
        patches = [self._ready(inputs.sample(number)) for number in range(len(inputs.encoded))]
        accuracy = _FIRST_ACCURACY

        def average(pooled: Tensor) -> Tensor:
            gate = torch.sigmoid(self.excite(pooled))
            inner = replace(settings, tolerance=max(settings.tolerance, accuracy))
            total = torch.zeros_like(pooled)
            for patch in patches:
                start = patch.state.to(patch.features.dtype)
                fixed = solve(self.cell, start, inner, [patch.features, gate], check).value
                patch.state = fixed.to(torch.float16)
                total += self._transform(fixed, patch.features)[0].mean((1, 2))
            return total / len(patches)

        with torch.no_grad():
            changes = [
                self._transform(p.state.to(p.features.dtype), p.features)[0].mean((1, 2))
                for p in patches
            ]
            pooled = torch.stack(changes).mean(0)
            for step in iterate(average, pooled, settings, check=check):
                pooled = step.value
                accuracy = float(step.residual[0]) * _INNER_ACCURACY
            return pooled[0]

    def _ready(self, inputs: Inputs) -> _Patch:
        start, (features, *_) = self.encode(inputs)
        return _Patch(start.to(torch.float16), features)

    def decode(self, state: Tensor, inputs: Inputs) -> Tensor:
        """Turn a state into scene-linear sRGB, shape (N, 3, H, W)."""
        answers, naive = self.answers(state), inputs.naive
        if self.config.output == "residual":
            return naive + answers
        return reach_out(naive, inputs.low, inputs.high, answers, inputs.source)

    def answers(self, state: Tensor) -> Tensor:
        """Return what a state says of each pixel, shape (N, 3, H, W).

        A step of scene-linear sRGB in the paper's form, shares of the way in the box form (see
        :func:`reach_out`).
        """
        planes = self.head(state.permute(0, 3, 1, 2))
        planes = functional.pixel_shuffle(planes, self.config.scale)
        return _OUTPUT_GAIN * planes if self.config.output == "residual" else torch.sigmoid(planes)

    def _transform(self, state: Tensor, features: Tensor) -> tuple[Tensor, Tensor | None]:
        injected = features if self.config.injection else None
        driven = state.clone() if injected is None else state + injected
        if torch.is_grad_enabled():
            activation = _ACTIVATIONS[self.config.activation]
        else:  # In place: fresh memory costs more than the function.
            activation = _IN_PLACE[self.config.activation]
        inner = activation(self.transform[0](activation(driven.permute(0, 3, 1, 2))))
        return self.transform[1](inner).permute(0, 2, 3, 1), injected


def between(start: LetNet, end: LetNet, share: float) -> LetNet:
    """Return a network whose weights lie between those of two.

    Half way between a network and what further training made of it, much of what only one of
    them knows is kept (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).

    Parameters
    ----------
    start : LetNet
        Of the form of `end`, or of one that is not told the source gamut.
    end : LetNet
        What training made of it.
    share : float
        0 gives the start, 1 the end.

    Returns
    -------
    LetNet
        In evaluation mode, without gradients.

    Examples
    --------
    >>> start, end = LetNet(LetNetConfig(channels=4)), LetNet(LetNetConfig(channels=4))
    >>> half = between(start, end, 0.5)
    >>> pairs = zip(half.parameters(), start.parameters(), end.parameters())
    >>> all(torch.allclose(one, (a + b) / 2, atol=1e-6) for one, a, b in pairs)
    True
    """
    found = LetNet(end.config).eval().requires_grad_(False)
    found.take_over(start)
    for parameter, other in zip(found.parameters(), end.parameters(), strict=True):
        parameter.lerp_(other.detach().to(parameter.device), share)
    return found


def reach_out(naive: Tensor, low: Tensor, high: Tensor, shares: Tensor, source: Tensor) -> Tensor:
    """Move each clipped channel by a share of the way that is left inside the source gamut.

    The channels move one after the other, those at 0 before those at the maximum, each with
    the earlier ones already moved; so the result never leaves the gamut. Every colour that it
    holds can be reached where channels are clipped at one end only; where they are at both,
    some colours beyond the room that is left before the upper channels move cannot.

    Parameters
    ----------
    naive : Tensor, shape (N, 3, H, W)
        The naive inversion, linear sRGB in 0..1.
    low, high : Tensor, bool, shape (N, 3, H, W)
        Channels at the lower and upper end of the range.
    shares : Tensor, shape (N, 3, H, W)
        0 (stay) to 1 (up to the boundary).
    source : Tensor, shape (N, len(SOURCES))
        The source gamut of each sample, ProPhoto for an unknown one.

    Returns
    -------
    Tensor, shape (N, 3, H, W)
        Scene-linear sRGB. Channels that are not clipped are unchanged.

    Examples
    --------
    >>> red = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    >>> shares = torch.full((1, 3, 1, 1), 0.5)
    >>> prophoto = torch.tensor([[float(space.key == "prophoto") for space in SOURCES]])
    >>> scene = reach_out(red, red == 0, red == 1, shares, prophoto).flatten()
    >>> [f"{channel:.2f}" for channel in scene]  # half of the way to what ProPhoto can hold
    ['1.46', '-0.04', '-0.01']
    """
    weights, inverses, freedoms = _room(source, naive)
    scene = list(naive.unbind(1))
    wide = [
        sum(weights[:, row, column, None, None] * scene[column] for column in range(3))
        for row in range(3)
    ]
    for channel, upwards in [(2, False), (1, False), (0, False), (0, True), (1, True), (2, True)]:
        clipped = (high if upwards else low)[:, channel]
        ways = [
            (1.0 - value if upwards else value) * inverses[:, row, channel, None, None]
            + freedoms[:, row, channel, None, None]
            for row, value in enumerate(wide)
        ]
        way = torch.stack(ways).amin(0).clamp_min(0.0) * shares[:, channel]
        move = torch.where(clipped, way if upwards else -way, torch.zeros_like(way))
        scene[channel] = scene[channel] + move
        wide = [
            value + weights[:, row, channel, None, None] * move for row, value in enumerate(wide)
        ]
    return torch.stack(scene, dim=1)


def _room(source: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what :func:`reach_out` measures with, each of shape (N, 3, 3).

    Returns
    -------
    weights : Tensor
        The matrices from linear sRGB to the source gamuts.
    inverses, freedoms : Tensor
        A channel of sRGB can move by ``value * inverse + freedom`` until that channel of the
        gamut leaves 0..1. Where gamuts share primaries with sRGB, one does not move the other:
        the weight is 0, the inverse is set to 0 and the freedom beyond any way.
    """
    spaces = [matrix_between(SRGB, space) for space in (*SOURCES, PROPHOTO)]
    matrices = torch.as_tensor(np.stack(spaces), dtype=like.dtype, device=like.device)
    matrices = torch.where(matrices > _NO_WEIGHT, matrices, torch.zeros_like(matrices))
    weights = matrices[torch.where(source.any(1), source.argmax(1), len(SOURCES))]
    free = weights == 0.0
    inverses = torch.where(free, weights, 1.0 / weights)
    return weights, inverses, free.to(like) * _BEYOND


def positions(
    top: int, left: int, height: int, width: int, photo_height: int, photo_width: int
) -> npt.NDArray[np.float32]:
    """Return the coordinates of a window's pixels in its photo.

    Returns
    -------
    ndarray, float32, shape (2, height, width)
        y and x, -1..1 from the first to the last pixel's centre of the photo: a pixel has the
        same coordinates in whatever window it is seen.

    Examples
    --------
    >>> positions(0, 0, 2, 4, 2, 4)[:, 0].tolist()  # y and x of the first row
    [[-0.5, -0.5, -0.5, -0.5], [-0.75, -0.25, 0.25, 0.75]]
    >>> positions(0, 2, 2, 2, 2, 4)[1, 0].tolist()  # the same pixels, seen in a window
    [0.25, 0.75]
    """
    rows = (2.0 * np.arange(top, top + height) + 1.0) / photo_height - 1.0
    columns = (2.0 * np.arange(left, left + width) + 1.0) / photo_width - 1.0
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    return grid.astype(np.float32)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _perceptron(inputs: int, hidden: int, outputs: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), activation, nn.Linear(hidden, outputs))


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _unrolled(state: Tensor) -> Solution:
    """Describe a state that was not solved for."""
    empty: Sequence[list[float]] = [[] for _ in range(len(state))]
    return Solution(state.detach(), [Status.NOT_SOUGHT] * len(state), list(empty))
