"""The optimiser of fits: orthogonal steps, and the same ones as PyTorch's own."""

from __future__ import annotations

import pytest
import torch

from core.payload.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(97, 123), (97, 97), (123, 33), (3, 97)])
def test_what_is_orthogonalised_keeps_its_singular_vectors(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonalised(matrix) @ right.T
    moved = found.diagonal()
    assert (found - torch.diag(moved)).abs().max() < 1e-3
    large = values > 0.1 * values.max()
    assert moved[large].min() > 0.6
    assert moved.max() < 1.25


def test_its_scale_and_that_of_zeros_do_not_matter() -> None:
    matrix = torch.randn((5, 7), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(orthogonalised(1e-4 * matrix), orthogonalised(1e3 * matrix))
    assert torch.equal(orthogonalised(torch.zeros(3, 4)), torch.zeros(3, 4))


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="came with PyTorch 2.9")
@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_steps_are_those_of_pytorch(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(2)
    begin, target = (torch.randn(shape, generator=generator) for _ in range(2))
    ours, theirs = (begin.clone().requires_grad_() for _ in range(2))
    muon = Muon([ours], 0.8)
    peer = torch.optim.Muon([theirs], lr=0.1, momentum=0.8, weight_decay=0.0)
    for _ in range(10):
        for weight in (ours, theirs):
            weight.grad = None
            (weight - target).square().sum().backward()
        muon.step(0.1)
        peer.step()
    moved = (ours - begin).norm()
    # Theirs computes in bfloat16, of 8 bits.
    assert (ours - theirs).norm() < 0.02 * moved
