"""Fixed points of maps on tensors: Anderson and Picard iteration.

``solve(f, z0)`` finds z with f(z) = z for every sample of a batch on its own: a sample that
has converged is no longer evaluated, and its answer does not depend on its neighbours.
Failure is a value (:class:`Status`), never an exception. The state keeps the dtype of the
start; the mixing is done in float32 or better and its tiny linear systems in float64, also
under autocast. Anderson mixing follows algorithm 1 of Xiao et al. (ECCV 2024) and
Walker & Ni (SIAM J. Numer. Anal. 49, 2011).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from core.checks import check_fields

if TYPE_CHECKING:
    from core.progress import Check

_BLOCK = 1 << 16
"""Numbers that are added up in the working precision before float64 takes over."""

_FEW = 1 << 10
"""So few numbers are added up in float64, whatever the working precision."""

Map = Callable[..., Tensor]
"""``f(z, *context)``: takes a batch of states and returns a batch of the same shape."""


class Status(enum.Enum):
    """How the iteration of one sample ended."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit"
    NON_FINITE = "non-finite"
    NOT_SOUGHT = "not sought"
    """A value that was computed outright: there was no iteration that could fail."""

    @property
    def failed(self) -> bool:
        """Whether a fixed point was sought and not found."""
        return self in (Status.STEP_LIMIT, Status.NON_FINITE)


@dataclass(frozen=True)
class SolverSettings:
    """How a fixed point is sought.

    Attributes
    ----------
    method : {"anderson", "picard"}
        Anderson mixes the last `memory` steps; Picard takes the damped step.
    max_steps : int
        Most evaluations of the map, at least 1.
    tolerance : float
        Relative residual at which a sample has converged: the root mean square of f(z) - z
        over that of f(z) or z, whichever is larger.
    memory : int
        Number of past steps that Anderson mixes (m of the paper), at least 1.
    damping : float
        Share of the new evaluation in the next state (beta of the paper), in (0, 2).
    ridge : float
        Regularisation of Anderson's system, relative to its mean diagonal.
    """

    method: Literal["anderson", "picard"] = "anderson"
    max_steps: int = 50
    tolerance: float = 1e-3
    memory: int = 5
    damping: float = 1.0
    ridge: float = 1e-8

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "method": self.method in ("anderson", "picard"),
            "max_steps": self.max_steps >= 1,
            "tolerance": self.tolerance >= 0.0,
            "memory": self.memory >= 1,
            "damping": 0.0 < self.damping < 2.0,
            "ridge": self.ridge >= 0.0,
        }
        check_fields(self, checks, "Solver setting {name} = {value!r} is out of range.")

    def changed(
        self, max_steps: int | None = None, tolerance: float | None = None
    ) -> SolverSettings:
        """Return the same settings with those that are given.

        Examples
        --------
        >>> changed = SolverSettings(max_steps=50, tolerance=1e-4).changed(max_steps=20)
        >>> changed.max_steps, changed.tolerance
        (20, 0.0001)
        """
        return replace(
            self,
            max_steps=self.max_steps if max_steps is None else max_steps,
            tolerance=self.tolerance if tolerance is None else tolerance,
        )


@dataclass(frozen=True)
class Solution:
    """The outcome of iterating a batch.

    Attributes
    ----------
    value : Tensor, shape (N, ...)
        For each sample the evaluation f(z) with the smallest residual; the start where no
        evaluation was finite.
    status : list of Status, length N
        How each sample ended.
    residuals : list of N lists of float
        The relative residual of each evaluation; as long as the steps taken.
    """

    value: Tensor
    status: list[Status]
    residuals: list[list[float]]

    @property
    def steps(self) -> list[int]:
        """Evaluations of the map spent on each sample."""
        return [len(trace) for trace in self.residuals]

    @property
    def converged(self) -> bool:
        """Whether every sample converged."""
        return all(status is Status.CONVERGED for status in self.status)


@dataclass(frozen=True)
class Step:
    """One evaluation of the map, as :func:`iterate` yields it.

    Attributes
    ----------
    number : int
        Counted from 1.
    samples : Tensor, int64, shape (A,)
        Which samples of the batch were evaluated.
    value : Tensor, shape (A, ...)
        f(z) for those samples.
    residual : Tensor, float64, shape (A,), on the CPU
        Relative residuals; NaN or infinite where the evaluation was.
    """

    number: int
    samples: Tensor
    value: Tensor
    residual: Tensor


def solve(
    f: Map,
    z0: Tensor,
    settings: SolverSettings | None = None,
    context: Sequence[Tensor] = (),
    check: Check | None = None,
) -> Solution:
    """Find the fixed point of each sample of a batch.

    Parameters
    ----------
    f : callable
        ``f(z, *context)``; must treat samples independently for the answers to be so.
    z0 : Tensor, floating, shape (N, ...)
        The start. It is not changed.
    settings : SolverSettings, optional
        Method, limits and tolerance.
    context : sequence of Tensor, each of shape (N, ...)
        What the map needs beside the state. Rows of finished samples are left out.
    check : callable, optional
        Called before every evaluation of the map; what it raises ends the solve.

    Returns
    -------
    Solution
        No gradient is recorded.

    Examples
    --------
    >>> settings = SolverSettings(tolerance=1e-6)
    >>> half = solve(lambda z: 0.5 * z + 1.0, torch.zeros(1, 1, 4, 4), settings)
    >>> half.value.mean().item()
    2.0
    """
    settings = settings or SolverSettings()
    best = _Best(z0.detach())
    status = [Status.STEP_LIMIT] * len(z0)
    residuals: list[list[float]] = [[] for _ in range(len(z0))]
    for step in iterate(f, z0, settings, context, check):
        best.offer(step)
        for sample, residual in zip(step.samples.tolist(), step.residual.tolist(), strict=True):
            residuals[sample].append(residual)
            if not residual < torch.inf:
                status[sample] = Status.NON_FINITE
            elif residual <= settings.tolerance:
                status[sample] = Status.CONVERGED
    return Solution(best.value(), status, residuals)


@torch.no_grad()
def iterate(
    f: Map,
    z0: Tensor,
    settings: SolverSettings | None = None,
    context: Sequence[Tensor] = (),
    check: Check | None = None,
) -> Iterator[Step]:
    """Yield the evaluations of a solve one by one: what :func:`solve` is made of.

    Parameters
    ----------
    f, z0, settings, context, check
        As in :func:`solve`.

    Yields
    ------
    Step
        Until all samples have converged, failed or reached the step limit. The tensors of a
        step are not changed later.

    Examples
    --------
    >>> half = SolverSettings(method="picard", max_steps=3)
    >>> steps = iterate(lambda z: 0.5 * z + 1.0, torch.zeros(1, 1), half)  # to its fixed point, 2
    >>> [step.value.item() for step in steps]
    [1.0, 1.5, 1.75]
    """
    settings = settings or SolverSettings()
    samples = torch.arange(len(z0), device=z0.device)
    rows = list(context)
    state = z0.detach()
    mixer = _Mixer(settings)
    for number in range(1, settings.max_steps + 1):
        if len(samples) == 0:
            return
        if check is not None:
            check()
        value = f(state, *rows)
        with _full_precision(z0):
            change = value.to(_working(value)) - state.to(_working(state))
            square = _inner(change, change)
            residual = _relative_residual(square, change, value, state)
        # Outside the block: the caller's own autocast holds while it looks at the step.
        yield Step(number, samples, value, residual)
        going = (residual > settings.tolerance) & residual.isfinite()
        if number == settings.max_steps or not going.any():
            return
        if not going.all():
            keep = going.nonzero().flatten().to(samples.device)
            samples, state, value, change = (t[keep] for t in (samples, state, value, change))
            rows = [row[keep] for row in rows]
            square = square[keep.cpu()]
            mixer.keep(keep)
        with _full_precision(z0):
            state = mixer.next_state(state, value, change, square).to(z0.dtype)


class _Best:
    """For each sample the evaluation with the smallest residual so far; the start before any."""

    def __init__(self, start: Tensor) -> None:
        self._start = start
        self._residual = torch.full((len(start),), torch.inf, dtype=torch.float64)
        self._value: Tensor | None = None

    def offer(self, step: Step) -> None:
        """Take over what is better in a step."""
        rows = step.samples.cpu()
        better = step.residual < self._residual[rows]
        if not better.any():
            return
        self._residual[rows[better]] = step.residual[better]
        if len(self._start) == 1:
            self._value = step.value  # Nobody changes it later: there is no need for a copy.
            return
        if self._value is None:
            self._value = self._start.clone()
        chosen = better.to(step.samples.device)
        self._value[step.samples[chosen]] = step.value[chosen].to(self._value.dtype)

    def value(self) -> Tensor:
        """Return the evaluations, in the dtype of the start."""
        if self._value is None:
            return self._start.clone()
        return self._value.to(self._start.dtype)


@dataclass
class _Mixer:
    """Anderson's memory: past evaluations, their residual vectors and the Gram matrix."""

    settings: SolverSettings
    _values: list[Tensor] = field(default_factory=list)
    _changes: list[Tensor] = field(default_factory=list)
    _gram: Tensor | None = None

    def keep(self, rows: Tensor) -> None:
        """Forget all but the given samples."""
        self._values = [value[rows] for value in self._values]
        self._changes = [change[rows] for change in self._changes]
        if self._gram is not None:
            self._gram = self._gram[rows.cpu()]

    def next_state(self, state: Tensor, value: Tensor, change: Tensor, square: Tensor) -> Tensor:
        """Return the state to evaluate next, given f(state) = value = state + change.

        `square` is the squared norm of each sample's change, which is known already.
        """
        damping, memory = self.settings.damping, self.settings.memory
        if self.settings.method == "picard" or memory == 1:
            return value if damping == 1.0 else state + damping * change
        self._remember(value.to(change.dtype), change, square)
        weights = self._weights()
        mixed = _combined(weights, self._values)
        if damping != 1.0:
            mixed.add_(_combined((damping - 1.0) * weights, self._changes))
        return mixed

    def _remember(self, value: Tensor, change: Tensor, square: Tensor) -> None:
        """Take in the newest step, with one new row of the Gram matrix."""
        memory = self.settings.memory
        if len(self._changes) == memory:
            self._values.pop(0)
            self._changes.pop(0)
            assert self._gram is not None
            self._gram = self._gram[:, 1:, 1:]
        row = torch.stack([*(_inner(past, change) for past in self._changes), square], dim=1)
        self._values.append(value)
        self._changes.append(change)
        size = row.shape[1]
        gram = row.new_zeros(len(row), size, size)
        if self._gram is not None:
            gram[:, :-1, :-1] = self._gram
        gram[:, -1, :] = row
        gram[:, :, -1] = row
        self._gram = gram

    def _weights(self) -> Tensor:
        """Minimise the norm of the mixed residual under weights that add up to 1."""
        assert self._gram is not None
        size = self._gram.shape[-1]
        scale = self._gram.diagonal(dim1=1, dim2=2).mean(1)
        scale = scale.clamp_min(torch.finfo(scale.dtype).tiny)
        system = self._gram / scale[:, None, None]
        system = system + max(self.settings.ridge, 1e-15) * torch.eye(size, dtype=system.dtype)
        # A singular system gives weights that are not finite, and no exception.
        raw, _ = torch.linalg.solve_ex(system, torch.ones(len(system), size, dtype=system.dtype))
        weights = raw / raw.sum(1, keepdim=True)
        newest = torch.zeros_like(weights)
        newest[:, -1] = 1.0
        # Squares too small for the working precision are 0, and say nothing.
        sound = weights.isfinite().all(1) & (self._gram.diagonal(dim1=1, dim2=2) > 0.0).all(1)
        return torch.where(sound[:, None], weights, newest)


def _full_precision(tensor: Tensor) -> torch.autocast:
    """Suspend autocast on the tensor's device: it would round the solver's algebra."""
    return torch.autocast(tensor.device.type, enabled=False)


def _working(tensor: Tensor) -> torch.dtype:
    """Return the dtype of the solver's algebra: float32, or float64 for float64 states."""
    return torch.promote_types(tensor.dtype, torch.float32)


def _combined(weights: Tensor, terms: list[Tensor]) -> Tensor:
    """Return the sum of terms (A, ...), each multiplied by its column of weights (A, terms)."""
    if len(weights) == 1:  # Numbers spare a small tensor on the device for each term.
        first, *others = weights[0].tolist()
        total: Tensor = terms[0] * first
        for weight, term in zip(others, terms[1:], strict=True):
            total.add_(term, alpha=weight)
        return total
    columns = weights.to(terms[0]).reshape(*weights.shape, *[1] * (terms[0].ndim - 1))
    total = terms[0] * columns[:, 0]
    for number, term in enumerate(terms[1:], 1):
        total.addcmul_(columns[:, number], term)
    return total


def _inner(left: Tensor, right: Tensor) -> Tensor:
    """Inner products of two batches, float64 on the CPU, from partial sums."""
    left, right = left.reshape(len(left), -1), right.reshape(len(right), -1)
    if left.device.type == "cpu" and left.shape[1] >= _FEW:
        sums = [_dot(*pair) for pair in zip(left.unbind(), right.unbind(), strict=True)]
        return torch.tensor(sums, dtype=torch.float64)
    whole = left.shape[1] // _BLOCK * _BLOCK
    # Not every device has float64, so that only what is left to add up goes to the CPU.
    rest = left[:, whole:].cpu().double() * right[:, whole:].cpu().double()
    blocks = (len(left), -1, _BLOCK)
    left, right = left[:, :whole].reshape(blocks), right[:, :whole].reshape(blocks)
    parts: Tensor = torch.linalg.vecdot(left, right)
    return parts.cpu().double().sum(1) + rest.sum(1)


def _dot(left: Tensor, right: Tensor) -> float:
    """Inner product of two vectors; the library's kernel reads both once and writes nothing."""
    if len(left) <= _BLOCK:
        return torch.dot(left, right).item()
    pairs = zip(torch.split(left, _BLOCK), torch.split(right, _BLOCK), strict=True)
    return sum(torch.dot(*pair).item() for pair in pairs)


def _relative_residual(square: Tensor, change: Tensor, value: Tensor, state: Tensor) -> Tensor:
    """Return rms(change) over the larger rms of its two ends, per sample.

    `square` is the squared norm of the change.
    """
    value, state = value.to(change.dtype), state.to(change.dtype)
    squares = torch.maximum(_inner(value, value), _inner(state, state))
    if not ((square > 0.0) & (squares > 0.0) & squares.isfinite()).all():
        # Exact, not finite, or beyond the range of the working precision's squares.
        change, value, state = (tensor.cpu().double() for tensor in (change, value, state))
        square = _inner(change, change)
        squares = torch.maximum(_inner(value, value), _inner(state, state))
    residual = (square / squares).sqrt()
    return torch.where(square == 0.0, torch.zeros_like(residual), residual)
