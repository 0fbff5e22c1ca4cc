"""Gradients through a fixed point z* = f(z*), without a graph over the iteration.

The exact gradient multiplies the incoming one by (I - J)^-T, with J the Jacobian of f at z*.
The Jacobian-free gradient takes I for it (Fung et al., AAAI 2022; section 3.3 of LETNet);
the truncated Neumann series takes I + J + ... + J^N, transposed (Geng et al., NeurIPS 2021).
Whatever the gradient, the memory it needs does not depend on the steps of the solver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.network.solver import Map

Order = int | Literal["exact"]
"""Terms of the Neumann series beyond the identity: 0 is the Jacobian-free gradient."""


def attach_gradient(f: Map, fixed_point: Tensor, context: Sequence[Tensor], order: Order) -> Tensor:
    """Return the fixed point as a differentiable tensor.

    Parameters
    ----------
    f : callable
        ``f(z, *context)``, whose parameters and context receive gradients.
    fixed_point : Tensor, shape (N, ...)
        The answer of the solver.
    context : sequence of Tensor
        What f needs beside the state, with its graph.
    order : int or "exact"
        Terms of the Neumann series; "exact" solves the linear system with the dense
        Jacobian, which only small problems can afford.

    Returns
    -------
    Tensor
        f evaluated once more at the fixed point, with a graph of that one evaluation.

    Raises
    ------
    ValueError
        If the order is neither a natural number nor "exact".

    Examples
    --------
    >>> x = torch.tensor([[1.0]], requires_grad=True)
    >>> def f(z, x):
    ...     return 0.5 * z + x  # its fixed point is 2 x
    >>> fixed_point = torch.tensor([[2.0]])
    >>> first = attach_gradient(f, fixed_point, [x], 0)
    >>> torch.autograd.grad(first.sum(), x)[0].item()  # Jacobian-free: cheap, and too short
    1.0
    >>> tenth = attach_gradient(f, fixed_point, [x], 10)
    >>> round(torch.autograd.grad(tenth.sum(), x)[0].item(), 3)  # nearly 2
    1.999
    """
    if order != "exact" and not (isinstance(order, int) and order >= 0):
        raise ValueError(f"The order of a gradient is 0, 1, 2, ... or 'exact', not {order!r}.")
    value = f(fixed_point.detach(), *context)
    if order == 0 or not value.requires_grad:
        return value
    start = fixed_point.detach().requires_grad_()
    fixed_context = [tensor.detach() for tensor in context]
    if order == "exact":
        jacobian = torch.func.jacrev(lambda z: f(z, *fixed_context))(start)
        matrix = jacobian.reshape(start.numel(), start.numel())
        system = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device) - matrix.T

        def solve_exactly(gradient: Tensor) -> Tensor:
            solved: Tensor = torch.linalg.solve(system, gradient.flatten())
            return solved.reshape(gradient.shape)

        value.register_hook(solve_exactly)  # type: ignore[no-untyped-call]
        return value
    image = f(start, *fixed_context)

    def sum_series(gradient: Tensor) -> Tensor:
        total = term = gradient
        for _ in range(order):
            (term,) = torch.autograd.grad(image, start, term, retain_graph=True)
            total = total + term
        return total

    value.register_hook(sum_series)  # type: ignore[no-untyped-call]
    return value


def spectral_radius(
    f: Map, fixed_point: Tensor, context: Sequence[Tensor], steps: int = 20
) -> Tensor:
    """Estimate how strongly f stretches around its fixed point, by power iteration.

    Parameters
    ----------
    f, fixed_point, context
        As in :func:`attach_gradient`.
    steps : int
        Products with the transposed Jacobian.

    Returns
    -------
    Tensor, shape (N,)
        The growth per step of the last products: the spectral radius of the Jacobian where
        one eigenvalue dominates. Below 1 the fixed point attracts Picard's iteration.

    Examples
    --------
    >>> spectral_radius(lambda z: 0.5 * z, torch.zeros(1, 3), []).item()
    0.5
    """
    with torch.enable_grad():
        start = fixed_point.detach().requires_grad_()
        image = f(start, *[tensor.detach() for tensor in context])
        generator = torch.Generator().manual_seed(0)
        vector = torch.randn(start.shape, generator=generator).to(start)
        growth = []
        for _ in range(steps):
            norm = _norms(vector)
            vector = vector / norm
            (vector,) = torch.autograd.grad(image, start, vector, retain_graph=True)
            growth.append(_norms(vector).flatten())
    settled = torch.stack(growth[len(growth) // 2 :])
    return settled.log().mean(0).exp()


def _norms(batch: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(batch.flatten(1), dim=1)
    return norms.reshape(-1, *[1] * (batch.ndim - 1)).clamp_min(torch.finfo(batch.dtype).tiny)
