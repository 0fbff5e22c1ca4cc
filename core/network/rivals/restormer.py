"""Restormer: attention between channels, at four sizes.

Zamir et al., "Restormer: Efficient Transformer for High-Resolution Image Restoration", CVPR
2022: 26.1 million weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDTH = 48
_BLOCKS = (4, 6, 6, 8)
_HEADS = (1, 2, 4, 8)
_REFINING = 4
_EXPANSION = 2.66


class Restormer(nn.Module):
    """A U of attentive blocks with three halvings."""

    def __init__(self, width: int = _WIDTH, blocks: tuple[int, int, int, int] = _BLOCKS) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]
        self.first = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.encoders = nn.ModuleList(
            _blocks(widths[level], _HEADS[level], blocks[level]) for level in range(4)
        )
        self.halvings = nn.ModuleList(
            nn.Sequential(nn.Conv2d(n, n // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2))
            for n in widths[:3]
        )
        self.doublings = nn.ModuleList(
            nn.Sequential(nn.Conv2d(n, 2 * n, 3, padding=1, bias=False), nn.PixelShuffle(2))
            for n in (widths[3], widths[2], widths[1])
        )
        self.reductions = nn.ModuleList(
            nn.Conv2d(2 * n, n, 1, bias=False) for n in (widths[2], widths[1])
        )
        self.decoders = nn.ModuleList(
            _blocks(n, heads, count)
            for n, heads, count in (
                (widths[2], _HEADS[2], blocks[2]),
                (widths[1], _HEADS[1], blocks[1]),
                # The largest size keeps both halves of what it joins.
                (widths[1], _HEADS[0], blocks[0]),
            )
        )
        self.refining = _blocks(widths[1], _HEADS[0], _REFINING)
        self.last = nn.Conv2d(widths[1], 3, 3, padding=1, bias=False)

    def forward(self, photos: Tensor) -> Tensor:
        """Return residuals, shape (N, 3, H, W); H and W are multiples of 8."""
        state = self.first(photos)
        skipped: list[Tensor] = []
        for encoder, halving in zip(self.encoders[:3], self.halvings, strict=True):
            state = encoder(state)
            skipped.append(state)
            state = halving(state)
        state = self.encoders[3](state)
        for number, (doubling, decoder) in enumerate(
            zip(self.doublings, self.decoders, strict=True)
        ):
            state = torch.cat([doubling(state), skipped[-1 - number]], 1)
            if number < len(self.reductions):
                state = self.reductions[number](state)
            state = decoder(state)
        residual: Tensor = self.last(self.refining(state))
        return residual


def _blocks(width: int, heads: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(width, heads) for _ in range(count)))


class _Block(nn.Module):
    """Attention between channels (MDTA), then a gated perceptron (GDFN), each added."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        hidden = int(_EXPANSION * width)
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.warmth = nn.Parameter(torch.ones(heads, 1, 1))
        self.asked = _separable(width, 3 * width)
        self.answered = nn.Conv2d(width, width, 1, bias=False)
        self.driven = _separable(width, 2 * hidden)
        self.driven_out = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, state: Tensor) -> Tensor:
        state = state + self._attended(_normalised(self.before, state))
        gate, value = self.driven(_normalised(self.after, state)).chunk(2, 1)
        changed: Tensor = state + self.driven_out(functional.gelu(gate) * value)
        return changed

    def _attended(self, state: Tensor) -> Tensor:
        photos, channels, height, width = state.shape
        shape = (photos, self.heads, channels // self.heads, height * width)
        query, key, value = (part.reshape(shape) for part in self.asked(state).chunk(3, 1))
        query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        weights = (query @ key.transpose(-2, -1) * self.warmth).softmax(-1)
        answered: Tensor = self.answered((weights @ value).reshape(state.shape))
        return answered


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False),
    )


def _normalised(layer: nn.Module, state: Tensor) -> Tensor:
    normal: Tensor = layer(state.permute(0, 2, 3, 1))
    return normal.permute(0, 3, 1, 2)
