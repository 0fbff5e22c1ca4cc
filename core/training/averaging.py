"""The average of a network's weights over the steps of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

_Tensors: TypeAlias = tuple[Tensor, ...] | list[Tensor]


def moving_average(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    """Return what :class:`torch.optim.swa_utils.AveragedModel` averages weights with.

    An exponential average whose decay per step grows to `decay`: after n steps it is at most
    n / (n + 10), so that a short training does not keep the weights that it began with.

    Parameters
    ----------
    decay : float
        0..1.

    Examples
    --------
    >>> average, after = [torch.zeros(1)], moving_average(0.998)
    >>> for step in range(1, 101):
    ...     after(average, [torch.ones(1)], step)
    >>> average[0].item() > 0.9999
    True
    """

    def update(averages: _Tensors, weights: _Tensors, steps: Tensor | int) -> None:
        done = int(steps)
        kept = min(decay, done / (done + 10))
        with torch.no_grad():
            for average, weight in zip(averages, weights, strict=True):
                if average.is_floating_point():
                    average.lerp_(weight, 1.0 - kept)
                else:  # A count, of batches that were seen.
                    average.copy_(weight)

    return update
