"""The solver's contract; every pitfall of the known equilibrium libraries is a test."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.optimize
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torchdeq.solver.anderson import anderson_solver as torchdeq_anderson

from core.network.letnet import LetNet, LetNetConfig
from core.network.solver import (
    Solution,
    SolverSettings,
    Status,
    Step,
    iterate,
    solve,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXACT = SolverSettings(tolerance=1e-12, max_steps=200)
EXACT_32 = SolverSettings(tolerance=1e-6, max_steps=50)


class Cell:
    """``f(z) = s tanh(W z / s + b)`` for vectors z; counts the evaluations of each sample."""

    def __init__(
        self,
        samples: int = 4,
        size: int = 20,
        norm: float = 0.9,
        scale: float = 1.0,
        dtype: torch.dtype = torch.float64,
        seed: int = 0,
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(size, size, generator=generator, dtype=torch.float64)
        weight = norm * weight / torch.linalg.matrix_norm(weight, 2)
        self.weight = weight.to(dtype)
        self.bias = torch.randn(samples, size, generator=generator, dtype=torch.float64).to(dtype)
        self.scale = scale
        self.start = torch.zeros(samples, size, dtype=dtype)
        self.ids = torch.arange(samples)
        self.evaluations = [0] * samples

    def __call__(self, state: Tensor, bias: Tensor, ids: Tensor) -> Tensor:
        for sample in ids.tolist():
            self.evaluations[sample] += 1
        return self.scale * torch.tanh((state / self.scale) @ self.weight.T + bias)

    def solve(
        self, settings: SolverSettings | None = None, start: Tensor | None = None
    ) -> Solution:
        start = self.start if start is None else start
        return solve(self, start, settings, [self.bias, self.ids])

    def iterate(self, settings: SolverSettings | None = None) -> Iterator[Step]:
        return iterate(self, self.start, settings, [self.bias, self.ids])


def linear_cell(radii: list[float], size: int = 6) -> tuple[Callable[..., Tensor], Tensor, Tensor]:
    """``f(z) = r A z + b`` with one r for each sample: easy and hard ones in a batch."""
    generator = torch.Generator().manual_seed(3)
    matrix = torch.randn(size, size, generator=generator, dtype=torch.float64)
    matrix = matrix / torch.linalg.eigvals(matrix).abs().max()
    radius = torch.tensor(radii, dtype=torch.float64)[:, None]
    bias = torch.randn(len(radii), size, generator=generator, dtype=torch.float64)

    def f(state: Tensor, radius: Tensor, bias: Tensor) -> Tensor:
        return torch.stack([r * (matrix @ z) for r, z in zip(radius, state, strict=True)]) + bias

    return f, radius, bias


def textbook_anderson(
    f: Callable[[Any], Any], start: Any, steps: int, memory: int, damping: float, ridge: float
) -> list[Any]:
    """Evaluations of Anderson's iteration for one sample: the bordered system in numpy."""
    states, values = [start], [f(start)]
    while len(values) < steps:
        last_states, last_values = np.array(states[-memory:]), np.array(values[-memory:])
        changes = last_values - last_states
        gram = changes @ changes.T
        size = len(gram)
        system = np.zeros((size + 1, size + 1))
        system[0, 1:] = system[1:, 0] = 1.0
        system[1:, 1:] = gram + ridge * gram.trace() / size * np.eye(size)
        weights = np.linalg.solve(system, np.eye(size + 1)[0])[1:]
        states.append(damping * weights @ last_values + (1 - damping) * weights @ last_states)
        values.append(f(states[-1]))
    return values


class TestFixedPoints:
    @pytest.mark.parametrize("method", ["anderson", "picard"])
    def test_the_answer_is_a_fixed_point(self, method: Any) -> None:
        cell = Cell()
        solution = cell.solve(SolverSettings(method=method, tolerance=1e-10, max_steps=500))
        assert solution.converged
        assert solution.status == [Status.CONVERGED] * 4
        again = cell(solution.value, cell.bias, cell.ids)
        torch.testing.assert_close(again, solution.value, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 3, 4), (0,)])
    def test_states_have_any_shape(self, shape: tuple[int, ...]) -> None:
        start = torch.zeros(3, *shape)
        solution = solve(lambda z: 0.5 * z + 1.0, start, SolverSettings(tolerance=1e-6))
        assert solution.value.shape == start.shape
        torch.testing.assert_close(solution.value, torch.full_like(start, 2.0))

    def test_an_empty_batch_is_solved_at_once(self) -> None:
        solution = solve(lambda z: z, torch.zeros(0, 4))
        assert (solution.status, solution.residuals, solution.steps) == ([], [], [])
        assert solution.converged

    def test_many_more_values_than_a_block_of_the_inner_product(self) -> None:
        start = torch.zeros(2, 3, 4097)
        bias = torch.randn(2, 3, 4097, generator=torch.Generator().manual_seed(0))
        solution = solve(lambda z, b: 0.9 * torch.sin(z) + b, start, context=[bias])
        assert solution.converged
        torch.testing.assert_close(
            0.9 * torch.sin(solution.value) + bias, solution.value, rtol=0, atol=5e-3
        )

    def test_residuals_are_relative_root_mean_squares(self) -> None:
        start = torch.tensor([[3.0, 4.0], [0.3, 0.4], [3.0, 4.0]], dtype=torch.float64)
        bias = torch.tensor([[0.0, 1.0], [3.0, -0.5], [-2.0, -2.0]], dtype=torch.float64)
        step = next(iterate(lambda z, b: z + b, start, context=[bias]))
        value = start + bias
        larger = torch.maximum(value.norm(dim=1), start.norm(dim=1))
        torch.testing.assert_close(step.residual, bias.norm(dim=1) / larger)

    def test_the_best_evaluation_is_the_answer(self) -> None:
        values = iter([1.0, 1.01, 50.0])
        solution = solve(
            lambda z: torch.full_like(z, next(values)),
            torch.zeros(1, 3),
            SolverSettings(method="picard", max_steps=3, tolerance=1e-6),
        )
        assert min(solution.residuals[0]) == solution.residuals[0][1]
        torch.testing.assert_close(solution.value, torch.full((1, 3), 1.01))


class TestAgainstOthers:
    def test_iterates_are_those_of_the_textbook(self) -> None:
        """One new row of the Gram matrix a step gives what all rows anew would give."""
        for memory, damping in [(2, 1.0), (3, 0.7), (5, 1.0), (5, 1.3)]:
            settings = SolverSettings(
                memory=memory, damping=damping, tolerance=0.0, max_steps=12, ridge=1e-6
            )
            cell = Cell(samples=2)
            ours = [step.value.numpy() for step in cell.iterate(settings)]
            weight = cell.weight.numpy()
            for sample, bias in enumerate(cell.bias.numpy()):

                def f(state: Any, bias: Any = bias, weight: Any = weight) -> Any:
                    return np.tanh(weight @ state + bias)

                theirs = textbook_anderson(f, np.zeros(20), 12, memory, damping, 1e-6)
                for our, their in zip(ours, theirs, strict=True):
                    np.testing.assert_allclose(our[sample], their, rtol=0, atol=1e-8)

    @pytest.mark.parametrize("norm", [0.5, 0.95])
    def test_scipy_finds_the_same_points(self, norm: float) -> None:
        cell = Cell(samples=1, norm=norm)
        weight, bias = cell.weight.numpy(), cell.bias[0].numpy()

        def excess(state: Any) -> Any:
            return np.tanh(weight @ state + bias) - state

        ours = cell.solve(EXACT).value[0].numpy()
        start = np.zeros(20)
        anderson = scipy.optimize.anderson(excess, start, M=5, f_tol=1e-11)
        root = scipy.optimize.root(excess, start, tol=1e-13).x
        np.testing.assert_allclose(ours, anderson, rtol=0, atol=1e-9)
        np.testing.assert_allclose(ours, root, rtol=0, atol=1e-9)

    def test_scipy_fixed_point_agrees(self) -> None:
        """Steffensen's method works on each number alone: a map without coupling."""
        bias = np.linspace(0.1, 1.0, 7)
        theirs = scipy.optimize.fixed_point(lambda z: np.cos(bias * z), np.ones(7), xtol=1e-13)
        ours = solve(
            lambda z: torch.cos(torch.from_numpy(bias) * z),
            torch.ones(1, 7, dtype=torch.float64),
            EXACT,
        )
        np.testing.assert_allclose(ours.value[0].numpy(), theirs, rtol=0, atol=1e-10)

    @pytest.mark.parametrize("norm", [0.3, 0.6, 0.9, 0.99])
    def test_torchdeq_finds_the_same_points_with_no_fewer_evaluations(self, norm: float) -> None:
        theirs, ours = Cell(samples=1, norm=norm), Cell(samples=1, norm=norm)
        point, _, _ = torchdeq_anderson(
            lambda z: theirs(z, theirs.bias, theirs.ids),
            theirs.start,
            max_iter=200,
            tol=1e-8,
            stop_mode="rel",
            m=5,
        )
        solution = ours.solve(SolverSettings(tolerance=1e-8, max_steps=200))
        assert solution.converged
        torch.testing.assert_close(solution.value, point, rtol=0, atol=1e-6)
        assert solution.steps[0] <= theirs.evaluations[0]

    def test_torchdeq_agrees_on_an_equilibrium_network(self) -> None:
        torch.manual_seed(0)
        network = LetNet(LetNetConfig(channels=8)).requires_grad_(False)
        features = torch.randn(2, 12, 12, 8)
        start = torch.zeros_like(features)
        point, _, _ = torchdeq_anderson(
            lambda z: network.cell(z, features), start, tol=1e-5, stop_mode="rel", m=5
        )
        ours = solve(network.cell, start, SolverSettings(tolerance=1e-5), [features])
        assert ours.converged
        torch.testing.assert_close(ours.value, point, rtol=0, atol=1e-4)


class TestScale:
    @pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e-3, 1e3, 1e6, 1e12])
    @pytest.mark.parametrize(
        ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)]
    )
    def test_steps_do_not_depend_on_the_scale(
        self, scale: float, dtype: torch.dtype, tolerance: float
    ) -> None:
        settings = SolverSettings(tolerance=tolerance)
        for size in (20, 200):
            reference = Cell(dtype=dtype, size=size).solve(settings)
            scaled = Cell(dtype=dtype, size=size, scale=scale).solve(settings)
            assert reference.converged
            assert scaled.steps == reference.steps
            torch.testing.assert_close(
                scaled.value / scale, reference.value, rtol=0, atol=10 * tolerance
            )

    def test_float64_states_may_be_smaller_than_any_float32(self) -> None:
        settings = SolverSettings(tolerance=1e-10)
        reference, scaled = Cell().solve(settings), Cell(scale=1e-40).solve(settings)
        assert scaled.steps == reference.steps

    def test_an_absolute_ridge_would_depend_on_it(self) -> None:
        """The same problem, 1000 times smaller, takes torchdeq several times as long."""
        counts = []
        for scale in (1.0, 1e-3):
            cell = Cell(samples=1, scale=scale)
            torchdeq_anderson(
                lambda z, cell=cell: cell(z, cell.bias, cell.ids),
                cell.start,
                max_iter=200,
                tol=1e-3,
                stop_mode="rel",
                m=5,
            )
            counts.append(cell.evaluations[0])
        ours = Cell(samples=1, scale=1e-3).solve(SolverSettings(tolerance=1e-3)).steps[0]
        assert counts[1] > 2 * counts[0]
        assert ours <= counts[0]

    @pytest.mark.parametrize("copies", [1, 10, 1000])
    def test_residuals_do_not_depend_on_the_size(self, copies: int) -> None:
        cell = Cell(samples=1, dtype=torch.float32)
        small = cell.solve(SolverSettings(max_steps=8, tolerance=0.0))
        large = solve(
            lambda z, bias: torch.tanh(z @ cell.weight.T + bias),
            torch.zeros(1, copies, 20),
            SolverSettings(max_steps=8, tolerance=0.0),
            [cell.bias[:, None].expand(1, copies, 20)],
        )
        np.testing.assert_allclose(large.residuals[0], small.residuals[0], rtol=5e-3)


class TestBatches:
    RADII = (0.1, 0.9, 0.5, 0.0)

    def test_a_sample_does_not_depend_on_its_neighbours(self) -> None:
        settings = SolverSettings(tolerance=1e-9)
        f, radius, bias = linear_cell(list(self.RADII))
        together = solve(f, torch.zeros_like(bias), settings, [radius, bias])
        for i in range(len(bias)):
            one = slice(i, i + 1)
            alone = solve(f, torch.zeros_like(bias[one]), settings, [radius[one], bias[one]])
            assert alone.steps == together.steps[one]
            assert alone.status == together.status[one]
            np.testing.assert_allclose(alone.residuals[0], together.residuals[i], rtol=1e-6)
            torch.testing.assert_close(alone.value, together.value[one], rtol=0, atol=1e-12)

    def test_finished_samples_are_not_evaluated_again(self) -> None:
        cell = Cell()
        point = cell.solve(EXACT).value
        start = cell.start.clone()
        start[1] = point[1]
        cell.evaluations = [0] * 4
        solution = cell.solve(SolverSettings(tolerance=1e-8), start)
        assert solution.steps == cell.evaluations
        assert solution.steps[1] == 1
        assert min(solution.steps[0], *solution.steps[2:]) > 3

    def test_easy_samples_end_before_hard_ones(self) -> None:
        f, radius, bias = linear_cell(list(self.RADII))
        solution = solve(f, torch.zeros_like(bias), SolverSettings(tolerance=1e-9), [radius, bias])
        by_radius = [solution.steps[i] for i in np.argsort(self.RADII)]
        assert by_radius == sorted(by_radius)
        assert by_radius[0] < by_radius[-1]

    def test_traces_are_as_long_as_the_steps(self) -> None:
        cell = Cell()
        solution = cell.solve(SolverSettings(tolerance=1e-6))
        assert [len(trace) for trace in solution.residuals] == cell.evaluations
        for trace in solution.residuals:
            assert trace[-1] <= 1e-6
            assert all(residual > 1e-6 for residual in trace[:-1])

    def test_steps_name_their_samples(self) -> None:
        f, radius, bias = linear_cell(list(self.RADII))
        settings = SolverSettings(tolerance=1e-9)
        steps = list(iterate(f, torch.zeros_like(bias), settings, [radius, bias]))
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        assert steps[0].samples.tolist() == [0, 1, 2, 3]
        for earlier, later in pairwise(steps):
            going = earlier.residual > 1e-9
            assert later.samples.tolist() == earlier.samples[going].tolist()
            assert len(later.value) == len(later.residual) == len(later.samples)


class TestLimits:
    def test_one_step_is_one_evaluation(self) -> None:
        cell = Cell()
        solution = cell.solve(SolverSettings(max_steps=1, tolerance=0.0))
        torch.testing.assert_close(solution.value, cell(cell.start, cell.bias, cell.ids))
        assert solution.steps == [1] * 4
        assert solution.status == [Status.STEP_LIMIT] * 4
        assert not solution.converged

    def test_two_steps_are_two_evaluations(self) -> None:
        cell = Cell()
        solution = cell.solve(SolverSettings(max_steps=2, tolerance=0.0))
        once = cell(cell.start, cell.bias, cell.ids)
        torch.testing.assert_close(solution.value, cell(once, cell.bias, cell.ids))
        assert solution.steps == [2] * 4

    @pytest.mark.parametrize("method", ["anderson", "picard"])
    def test_a_start_at_the_answer_costs_one_evaluation(self, method: Any) -> None:
        cell = Cell()
        point = cell.solve(EXACT).value
        cell.evaluations = [0] * 4
        solution = cell.solve(SolverSettings(method=method, tolerance=1e-8), point)
        assert cell.evaluations == [1] * 4
        assert solution.converged

    def test_zero_is_a_fixed_point_like_any_other(self) -> None:
        solution = solve(lambda z: 0.5 * z, torch.zeros(2, 3), SolverSettings(tolerance=0.0))
        assert solution.residuals == [[0.0], [0.0]]
        assert solution.converged

    def test_no_fixed_point_is_reported_not_raised(self) -> None:
        for ridge in (0.0, 1e-8):
            settings = SolverSettings(max_steps=30, ridge=ridge, memory=20)
            solution = solve(lambda z: -torch.sign(z + 1e-6), torch.zeros(2, 3), settings)
            assert solution.status == [Status.STEP_LIMIT] * 2
            assert solution.steps == [30, 30]

    def test_dependent_steps_do_not_break_the_system(self) -> None:
        """The residuals of a scalar problem span one dimension: the Gram matrix is singular."""
        for ridge in (0.0, 1e-8):
            settings = SolverSettings(tolerance=1e-12, ridge=ridge, memory=8)
            solution = solve(torch.cos, torch.ones(1, 1, dtype=torch.float64), settings)
            assert solution.converged
            assert solution.value.item() == pytest.approx(0.7390851332151607, abs=1e-11)


class TestNonFinite:
    @pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf")])
    @pytest.mark.parametrize("when", [1, 2, 4])
    def test_one_bad_sample_spoils_no_other(self, poison: float, when: int) -> None:
        cell = Cell()
        healthy = cell.solve(SolverSettings(tolerance=1e-9))
        cell.evaluations = [0] * 4

        def f(state: Tensor, bias: Tensor, ids: Tensor) -> Tensor:
            value = cell(state, bias, ids)
            bad = (ids == 2) & (cell.evaluations[2] >= when)
            first = torch.arange(value.shape[1]) == 0
            return torch.where(bad[:, None] & first, poison, value)

        solution = solve(f, cell.start, SolverSettings(tolerance=1e-9), [cell.bias, cell.ids])
        assert solution.status == [
            Status.NON_FINITE if i == 2 else Status.CONVERGED for i in range(4)
        ]
        assert not solution.converged
        assert solution.steps[2] == when
        assert solution.value.isfinite().all()
        others = [0, 1, 3]
        assert [solution.steps[i] for i in others] == [healthy.steps[i] for i in others]
        torch.testing.assert_close(solution.value[others], healthy.value[others])

    def test_nothing_finite_leaves_the_start(self) -> None:
        start = torch.randn(2, 3, generator=torch.Generator().manual_seed(1))
        solution = solve(lambda z: z * float("nan"), start)
        torch.testing.assert_close(solution.value, start)
        assert solution.status == [Status.NON_FINITE] * 2
        assert solution.steps == [1, 1]
        assert np.isnan(solution.residuals).all()

    def test_a_residual_that_overflows_is_not_finite(self) -> None:
        start = torch.full((1, 1), 1.2e154, dtype=torch.float64)
        solution = solve(lambda z: -z, start)
        assert solution.residuals == [[float("inf")]]
        assert solution.status == [Status.NON_FINITE]

    def test_squares_beyond_the_working_precision_are_no_convergence(self) -> None:
        """A step of 1e18 to 1e20 has a finite square, its end has none: the ratio is not 0."""
        start = torch.full((1, 200_000), 1e18)
        (step,) = iterate(lambda z: 100.0 * z, start, SolverSettings(max_steps=1))
        assert step.residual.item() == pytest.approx(0.99)

    @pytest.mark.parametrize("scale", [1e-30, 1e25])
    def test_large_states_of_any_scale_converge(self, scale: float) -> None:
        target = torch.linspace(1.0, 2.0, 200_000)[None]
        plain, scaled = (
            solve(lambda z, s=s: 0.5 * z + s * target, torch.zeros_like(target), EXACT_32)
            for s in (1.0, scale)
        )
        assert scaled.converged
        torch.testing.assert_close(scaled.value / scale, plain.value)

    def test_divergence_ends_with_the_best_finite_answer(self) -> None:
        settings = SolverSettings(method="picard", max_steps=1000)
        solution = solve(lambda z: 10.0 * z + 1.0, torch.zeros(1, 3), settings)
        assert solution.status == [Status.NON_FINITE]
        assert solution.value.isfinite().all()


class TestPrecision:
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("method", ["anderson", "picard"])
    def test_half_precision_states_are_solved_to_their_precision(
        self, dtype: torch.dtype, method: Any
    ) -> None:
        exact = Cell(norm=0.7).solve(EXACT).value
        cell = Cell(norm=0.7, dtype=dtype)
        coarseness = torch.finfo(dtype).eps
        solution = cell.solve(SolverSettings(method=method, tolerance=coarseness))
        assert solution.value.dtype == dtype
        assert solution.converged
        torch.testing.assert_close(solution.value.double(), exact, rtol=0, atol=8 * coarseness)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_residuals_of_half_precision_states_are_exact(self, dtype: torch.dtype) -> None:
        start = torch.randn(2, 5000, generator=torch.Generator().manual_seed(0)).to(dtype)
        step = next(iterate(lambda z: 0.7 * torch.cos(z), start))
        change = (step.value.double() - start.double()).norm(dim=1)
        larger = torch.maximum(step.value.double().norm(dim=1), start.double().norm(dim=1))
        torch.testing.assert_close(step.residual, change / larger, rtol=1e-6, atol=0)

    def test_autocast_does_not_leak_into_the_mixing(self) -> None:
        """The map chooses float32; under autocast the mixing stays there with it."""
        generator = torch.Generator().manual_seed(0)
        bias = torch.randn(2, 5000, generator=generator)
        gains = 0.9 * torch.rand(2, 5000, generator=generator)
        settings = SolverSettings(tolerance=1e-6)
        context = [gains, bias]

        def f(state: Tensor, gains: Tensor, bias: Tensor) -> Tensor:
            return gains * torch.sin(state) + bias

        plain = solve(f, torch.zeros_like(bias), settings, context)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            solution = solve(f, torch.zeros_like(bias), settings, context)
        assert plain.converged
        assert solution.residuals == plain.residuals
        torch.testing.assert_close(solution.value, plain.value, rtol=0, atol=0)

    def test_maps_under_autocast_converge_to_their_precision(self) -> None:
        cell = Cell(dtype=torch.float32, size=64, norm=0.7)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert cell(cell.start, cell.bias, cell.ids).dtype == torch.float32
            solution = cell.solve(SolverSettings(tolerance=1e-3))
        assert solution.value.dtype == torch.float32
        assert solution.converged
        exact = Cell(dtype=torch.float64, size=64, norm=0.7).solve(EXACT).value
        torch.testing.assert_close(solution.value.double(), exact, rtol=0, atol=0.03)

    def test_the_caller_keeps_its_autocast_between_steps(self) -> None:
        cell = Cell(dtype=torch.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for _ in cell.iterate(SolverSettings(max_steps=3)):
                assert torch.is_autocast_enabled("cpu")

    def test_float64_states_stay_float64(self) -> None:
        solution = Cell().solve(SolverSettings(tolerance=1e-14, max_steps=200))
        assert solution.value.dtype == torch.float64
        assert max(trace[-1] for trace in solution.residuals) < 1e-13


class TestGradients:
    def test_no_graph_is_recorded(self) -> None:
        weight = torch.full((3,), 0.5, requires_grad=True)
        start = torch.ones(2, 3, requires_grad=True)
        packed: list[int] = []

        def pack(tensor: Tensor) -> Tensor:
            packed.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            solution = solve(lambda z: torch.tanh(weight * z) + 1.0, start)
        assert not solution.value.requires_grad
        assert packed == []

    def test_the_caller_keeps_its_gradients_between_steps(self) -> None:
        weight = torch.full((3,), 0.5, requires_grad=True)
        for step in iterate(lambda z: weight * z + 1.0, torch.zeros(1, 3)):
            assert torch.is_grad_enabled()
            assert not step.value.requires_grad

    def test_steps_and_start_are_left_untouched(self) -> None:
        cell = Cell()
        start = torch.randn(4, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
        before = start.clone()
        steps, copies = [], []
        for step in iterate(cell, start, SolverSettings(tolerance=1e-9), [cell.bias, cell.ids]):
            steps.append((step.samples, step.value, step.residual))
            copies.append([tensor.clone() for tensor in steps[-1]])
        assert len(steps) > 5
        for kept, copy in zip(steps, copies, strict=True):
            for left, right in zip(kept, copy, strict=True):
                torch.testing.assert_close(left, right, rtol=0, atol=0)
        torch.testing.assert_close(start, before, rtol=0, atol=0)
        solution = solve(lambda z: z, start)
        solution.value.zero_()
        torch.testing.assert_close(start, before, rtol=0, atol=0)


class TestSettings:
    BASE = SolverSettings(max_steps=12, tolerance=1e-9)

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "picard"},
            {"max_steps": 6},
            {"tolerance": 1e-2},
            {"memory": 3},
            {"damping": 0.6},
            {"ridge": 1e-2},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_every_setting_changes_the_iteration(self, change: dict[str, Any]) -> None:
        base = Cell().solve(self.BASE)
        changed = Cell().solve(replace(self.BASE, **change))
        assert changed.residuals != base.residuals

    @pytest.mark.parametrize("damping", [1.0, 0.6, 1.2])
    def test_a_memory_of_one_is_picard(self, damping: float) -> None:
        one = replace(self.BASE, memory=1, damping=damping)
        anderson = Cell().solve(one)
        picard = Cell().solve(replace(one, method="picard"))
        assert anderson.residuals == picard.residuals
        torch.testing.assert_close(anderson.value, picard.value, rtol=0, atol=0)

    def test_damped_picard_takes_a_share_of_the_step(self) -> None:
        cell = Cell()
        damped = SolverSettings(method="picard", damping=0.25, tolerance=0.0, max_steps=2)
        first, second = (step.value for step in cell.iterate(damped))
        torch.testing.assert_close(second, cell(0.25 * first, cell.bias, cell.ids))

    def test_anderson_beats_picard_on_weakly_contractive_cells(self) -> None:
        settings = SolverSettings(tolerance=1e-6, max_steps=500)
        radius = [0.97]
        f, radii, bias = linear_cell(radius)
        start = torch.zeros_like(bias)
        anderson = solve(f, start, settings, [radii, bias])
        picard = solve(f, start, replace(settings, method="picard"), [radii, bias])
        assert anderson.converged
        assert picard.converged
        assert 3 * anderson.steps[0] < picard.steps[0]

    def test_picard_matches_on_strongly_contractive_cells(self) -> None:
        settings = SolverSettings(tolerance=1e-4)
        anderson = Cell(norm=0.05).solve(settings)
        picard = Cell(norm=0.05).solve(replace(settings, method="picard"))
        assert picard.converged
        assert picard.steps == anderson.steps

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("method", "newton"),
            ("max_steps", 0),
            ("tolerance", -1e-3),
            ("tolerance", float("nan")),
            ("memory", 0),
            ("damping", 0.0),
            ("damping", 2.0),
            ("ridge", -1.0),
        ],
    )
    def test_a_value_out_of_range_is_named(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=rf"^Solver setting {name} = .* is out of range\.$"):
            SolverSettings(**{name: value})

    def test_a_misspelt_setting_is_an_error(self) -> None:
        with pytest.raises(TypeError, match="max_iter"):
            SolverSettings(max_iter=3)  # type: ignore[call-arg]


def test_a_solve_can_be_ended_before_each_evaluation() -> None:
    class TimeIsUpError(Exception):
        pass

    evaluations: list[int] = []

    def cell(state: Tensor) -> Tensor:
        evaluations.append(len(state))
        return state + 1.0

    def check() -> None:
        if len(evaluations) == 3:
            raise TimeIsUpError

    settings = SolverSettings(max_steps=8, tolerance=0.0)
    with pytest.raises(TimeIsUpError):
        solve(cell, torch.ones(2, 3), settings, check=check)
    assert len(evaluations) == 3
    assert solve(cell, torch.ones(2, 3), settings).steps == [8, 8]


class Accelerator(torch.Tensor):
    """A tensor on a device that has no float64, as Apple's GPUs."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):  # type: ignore[no-untyped-def]
        if function is torch.Tensor.cpu:
            return arguments[0].as_subclass(torch.Tensor)
        result = super().__torch_function__(function, types, arguments, options or {})
        made = [each for each in tree_leaves(result) if isinstance(each, Accelerator)]
        if any(each.dtype == torch.float64 for each in made):
            raise TypeError(f"{function} makes float64 on a device that has none")
        return result


@pytest.mark.parametrize("method", ["anderson", "picard"])
def test_a_device_without_float64_serves(method: str) -> None:
    settings = SolverSettings(method=method, tolerance=1e-5)  # type: ignore[arg-type]
    shift = torch.linspace(0.0, 1.0, 10_000).reshape(2, 5000)

    def cell(state: Tensor, shift: Tensor) -> Tensor:
        return 0.5 * torch.tanh(state) + shift

    expected, solution = (
        solve(cell, start, settings, [shift])
        for start in (torch.zeros_like(shift), torch.zeros_like(shift).as_subclass(Accelerator))
    )
    assert isinstance(solution.value, Accelerator)
    assert solution.residuals == expected.residuals
    assert torch.equal(solution.value.cpu(), expected.value)
    with pytest.raises(TypeError, match="float64"):
        torch.zeros(2).as_subclass(Accelerator).double()
