"""Gradients through a fixed point: exact, Jacobian-free and by the Neumann series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.network.implicit import Order, attach_gradient, spectral_radius
from core.network.letnet import Inputs, LetNet, LetNetConfig
from core.network.solver import SolverSettings, solve
from core.network.statistics import STATISTICS

EXACT = SolverSettings(tolerance=1e-14, max_steps=500)
SAMPLES, STATE, CONTEXT = 2, 5, 3


def cell(state: Tensor, context: Tensor, weight: Tensor, injection: Tensor) -> Tensor:
    return torch.tanh(state @ weight.T + context @ injection.T)


def problem(norm: float = 0.6) -> list[Tensor]:
    """Context, weight and injection, float64, all with gradients."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(SAMPLES, CONTEXT), (STATE, STATE), (STATE, CONTEXT)]
    tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    tensors[1] = norm * tensors[1] / torch.linalg.matrix_norm(tensors[1], 2)
    return [tensor.requires_grad_() for tensor in tensors]


def fixed_point(order: Order, context: Tensor, weight: Tensor, injection: Tensor) -> Tensor:
    def f(state: Tensor, context: Tensor) -> Tensor:
        return cell(state, context, weight, injection)

    start = torch.zeros(SAMPLES, STATE, dtype=torch.float64)
    point = solve(f, start, EXACT, [context.detach()]).value
    return attach_gradient(f, point, [context], order)


def gradients(order: Order, norm: float = 0.6) -> list[Tensor]:
    """Gradients of a loss with respect to context, weight and injection."""
    tensors = problem(norm)
    aim = torch.linspace(-1.0, 1.0, STATE, dtype=torch.float64)
    loss = ((fixed_point(order, *tensors) - aim) ** 2).sum()
    return list(torch.autograd.grad(loss, tensors))


def cosine(left: Tensor, right: Tensor) -> float:
    return float(torch.cosine_similarity(left.flatten(), right.flatten(), dim=0))


def relative_error(estimate: list[Tensor], exact: list[Tensor]) -> float:
    return max(float((e - x).norm() / x.norm()) for e, x in zip(estimate, exact, strict=True))


class TestExactGradient:
    def test_it_agrees_with_finite_differences(self) -> None:
        """With respect to the context and to both parameters of the cell."""
        assert torch.autograd.gradcheck(
            lambda *tensors: fixed_point("exact", *tensors),
            problem(),
            eps=1e-6,
            atol=1e-6,
            rtol=0,
            check_undefined_grad=False,
        )

    def test_it_agrees_with_back_propagation_through_all_steps(self) -> None:
        tensors = problem()
        state = torch.zeros(SAMPLES, STATE, dtype=torch.float64)
        for _ in range(200):
            state = cell(state, *tensors)
        aim = torch.linspace(-1.0, 1.0, STATE, dtype=torch.float64)
        unrolled = torch.autograd.grad(((state - aim) ** 2).sum(), tensors)
        assert relative_error(gradients("exact"), list(unrolled)) < 1e-10

    def test_states_of_any_shape(self) -> None:
        gain = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)

        def f(state: Tensor) -> Tensor:
            return gain * state.cos()

        start = torch.zeros(2, 2, 3, 4, dtype=torch.float64)
        point = solve(f, start, EXACT).value
        attach_gradient(f, point, [], "exact").sum().backward()
        # z = g cos z, so dz/dg = cos z / (1 + g sin z).
        expected = (point.cos() / (1.0 + 0.5 * point.sin())).sum()
        assert gain.grad is not None
        torch.testing.assert_close(gain.grad, expected)


class TestApproximateGradients:
    @pytest.mark.parametrize("order", [0, 1, 2, 5, 20])
    @pytest.mark.parametrize("norm", [0.6, 0.95])
    def test_they_point_the_way_of_the_exact_one(self, order: int, norm: float) -> None:
        for estimate, exact in zip(gradients(order, norm), gradients("exact", norm), strict=True):
            assert cosine(estimate, exact) > 0.5

    def test_the_neumann_series_converges_to_the_exact_one(self) -> None:
        exact = gradients("exact")
        errors = [relative_error(gradients(order), exact) for order in (0, 1, 2, 5, 20, 80)]
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > 0.05
        assert errors[-1] < 1e-10

    def test_the_jacobian_free_gradient_is_that_of_one_evaluation(self) -> None:
        tensors = problem()
        point = fixed_point(0, *tensors).detach()
        aim = torch.linspace(-1.0, 1.0, STATE, dtype=torch.float64)
        loss = ((cell(point, *tensors) - aim) ** 2).sum()
        once = list(torch.autograd.grad(loss, tensors))
        assert relative_error(gradients(0), once) < 1e-12

    def test_the_first_term_is_one_product_with_the_jacobian(self) -> None:
        """On a linear cell z = A z + c the series is known: sum of A^k, transposed."""
        generator = torch.Generator().manual_seed(1)
        matrix = 0.3 * torch.randn(4, 4, generator=generator, dtype=torch.float64)
        offset = torch.randn(1, 4, generator=generator, dtype=torch.float64, requires_grad=True)
        incoming = torch.randn(1, 4, generator=generator, dtype=torch.float64)

        def f(state: Tensor, offset: Tensor) -> Tensor:
            return state @ matrix.T + offset

        for order in (0, 1, 2, 3):
            value = attach_gradient(f, torch.zeros(1, 4, dtype=torch.float64), [offset], order)
            (gradient,) = torch.autograd.grad(value, offset, incoming)
            powers = [torch.linalg.matrix_power(matrix, k) for k in range(order + 1)]
            torch.testing.assert_close(gradient, incoming @ sum(powers))

    @pytest.mark.parametrize("order", [0, 3, "exact"])
    def test_the_value_is_the_fixed_point(self, order: Order) -> None:
        value = fixed_point(order, *problem())
        torch.testing.assert_close(value, fixed_point(0, *problem()).detach(), rtol=0, atol=1e-12)

    @pytest.mark.parametrize("order", [0, 2, "exact"])
    def test_nothing_to_differentiate_is_no_error(self, order: Order) -> None:
        value = fixed_point(order, *[tensor.detach() for tensor in problem()])
        assert not value.requires_grad

    @pytest.mark.parametrize("order", [-1, "neumann", 1.5, None])
    def test_an_unknown_order_is_an_error(self, order: Any) -> None:
        with pytest.raises(ValueError, match=r"^The order of a gradient is 0, 1, 2, \.\.\. or"):
            fixed_point(order, *problem())


def saved_bytes(config: LetNetConfig, settings: SolverSettings, order: Order) -> int:
    """Bytes that a training step keeps for its backward pass."""
    torch.manual_seed(0)
    network = LetNet(config)
    random = np.random.default_rng(0)
    inputs = Inputs.from_codes(
        random.integers(0, 256, (1, 16, 16, 3)).astype(np.uint8),
        random.random((1, STATISTICS), np.float32),
        random.random((1, 2, 16, 16), np.float32),
    )
    storages: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        scene = network(inputs, settings, order).scene
    assert scene.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())


class TestMemory:
    @pytest.mark.parametrize("order", [0, 1, 5])
    @pytest.mark.parametrize("attention", ["channel", "photo"])
    def test_the_implicit_mode_needs_the_same_for_any_number_of_steps(
        self, order: int, attention: Any
    ) -> None:
        config = LetNetConfig(channels=8, attention=attention)
        needs = {
            saved_bytes(config, SolverSettings(max_steps=steps, tolerance=0.0), order)
            for steps in (5, 10, 50)
        }
        assert len(needs) == 1

    def test_the_recurrent_mode_needs_more_for_each_step(self) -> None:
        needs = [
            saved_bytes(LetNetConfig(channels=8, mode="recurrent", steps=steps), EXACT, 0)
            for steps in (5, 10, 50)
        ]
        implicit = saved_bytes(LetNetConfig(channels=8), EXACT, 0)
        assert implicit < needs[0]
        growth = np.diff(needs) / np.diff([5, 10, 50])
        assert growth[0] == pytest.approx(growth[1], rel=0.02)
        assert growth[0] > 0.1 * implicit


class TestSpectralRadius:
    @pytest.mark.parametrize("largest", [0.3, 0.9, 1.7])
    def test_a_linear_map_has_its_largest_eigenvalue(self, largest: float) -> None:
        generator = torch.Generator().manual_seed(2)
        basis = torch.randn(6, 6, generator=generator, dtype=torch.float64)
        values = largest * torch.tensor([1.0, -0.5, 0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
        matrix = basis @ torch.diag(values) @ torch.linalg.inv(basis)
        assert torch.linalg.eigvals(matrix).abs().max().item() == pytest.approx(largest)
        point = torch.zeros(3, 6, dtype=torch.float64)
        radius = spectral_radius(lambda z: z @ matrix.T, point, [], steps=60)
        torch.testing.assert_close(radius, torch.full((3,), largest, dtype=torch.float64))

    def test_a_rotation_has_its_modulus(self) -> None:
        angle = 0.7
        matrix = 0.8 * torch.tensor(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        point = torch.zeros(1, 2, dtype=torch.float64)
        radius = spectral_radius(lambda z: z @ matrix.T, point, [])
        assert radius.item() == pytest.approx(0.8)

    def test_a_cell_at_its_fixed_point_sample_by_sample(self) -> None:
        context, weight, injection = (tensor.detach() for tensor in problem(0.95))
        weight = (weight + weight.T) / 2
        point = fixed_point(0, context, weight, injection)
        radius = spectral_radius(
            lambda z, c: cell(z, c, weight, injection), point, [context], steps=200
        )
        for sample in range(SAMPLES):
            slope = 1.0 - point[sample] ** 2
            jacobian = slope[:, None] * weight
            largest = torch.linalg.eigvals(jacobian).abs().max().item()
            assert radius[sample].item() == pytest.approx(largest, rel=1e-3)

    def test_it_works_where_no_gradient_is_recorded(self) -> None:
        with torch.no_grad():
            radius = spectral_radius(lambda z: 0.5 * z, torch.ones(2, 4), [])
        torch.testing.assert_close(radius, torch.full((2,), 0.5))
        assert not radius.requires_grad
