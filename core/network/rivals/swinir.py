"""SwinIR: windows of attention that shift from layer to layer.

Liang et al., "SwinIR: Image Restoration Using Swin Transformer", ICCV Workshops 2021, of the
3.1 million weights that it has in table 1 of Xiao et al. 2024.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 8
"""Side of a window of attention in pixels."""

_WIDTH, _HEADS, _GROUPS, _LAYERS = 114, 6, 4, 6
_FORBIDDEN = -100.0


class SwinIR(nn.Module):
    """A convolution, four groups of six attentive layers, two convolutions.

    Parameters
    ----------
    width, heads, groups, layers : int
        Features, heads of attention, groups of layers and layers of a group.
    """

    def __init__(
        self, width: int = _WIDTH, heads: int = _HEADS, groups: int = _GROUPS, layers: int = _LAYERS
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.before = nn.LayerNorm(width)
        self.groups = nn.ModuleList(_Group(width, heads, layers) for _ in range(groups))
        self.after = nn.LayerNorm(width)
        self.gathered = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, photos: Tensor) -> Tensor:
        """Return residuals, shape (N, 3, H, W); H and W are multiples of the window."""
        shallow = self.first(photos)
        state = self.before(shallow.permute(0, 2, 3, 1))
        for group in self.groups:
            state = group(state)
        deep = self.gathered(self.after(state).permute(0, 3, 1, 2))
        residual: Tensor = self.last(shallow + deep)
        return residual


class _Group(nn.Module):
    """Attentive layers and a convolution, added to what came in; (N, H, W, C)."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            _Layer(width, heads, WINDOW // 2 * (number % 2)) for number in range(layers)
        )
        self.convolution = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        change = state
        for layer in self.layers:
            change = layer(change)
        convolved: Tensor = self.convolution(change.permute(0, 3, 1, 2))
        return state + convolved.permute(0, 2, 3, 1)


class _Layer(nn.Module):
    """Attention within windows, then a perceptron, each added to what came in."""

    def __init__(self, width: int, heads: int, shift: int) -> None:
        super().__init__()
        self.heads, self.shift = heads, shift
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.answered = nn.Linear(width, width)
        self.near = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        nn.init.trunc_normal_(self.near, std=0.02)
        self.perceptron = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, state: Tensor) -> Tensor:
        state = state + self._attended(self.before(state))
        changed: Tensor = state + self.perceptron(self.after(state))
        return changed

    def _attended(self, state: Tensor) -> Tensor:
        photos, height, width, channels = state.shape
        shifts = (self.shift, self.shift)
        moved = torch.roll(state, (-self.shift, -self.shift), (1, 2)) if self.shift else state
        windows = _cut(moved)
        shape = (len(windows), WINDOW**2, 3, self.heads, channels // self.heads)
        query, key, value = self.asked(windows).reshape(shape).permute(2, 0, 3, 1, 4)
        bias = self.near[_offsets().to(state.device)].permute(2, 0, 1)[None]
        if self.shift:
            apart = _apart(height, width, self.shift).to(state)
            bias = (bias[None] + apart[None, :, None]).expand(photos, -1, -1, -1, -1).flatten(0, 1)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        answered = self.answered(mixed.transpose(1, 2).reshape(windows.shape))
        joined = _join(answered, height, width)
        return torch.roll(joined, shifts, (1, 2)) if self.shift else joined


def _cut(state: Tensor) -> Tensor:
    """Cut (N, H, W, C) into windows, shape (N * windows, WINDOW², C)."""
    photos, height, width, channels = state.shape
    parts = state.reshape(photos, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return parts.transpose(2, 3).reshape(-1, WINDOW**2, channels)


def _join(windows: Tensor, height: int, width: int) -> Tensor:
    """Undo :func:`_cut`."""
    channels = windows.shape[-1]
    parts = windows.reshape(-1, height // WINDOW, width // WINDOW, WINDOW, WINDOW, channels)
    return parts.transpose(2, 3).reshape(-1, height, width, channels)


@functools.cache
def _offsets() -> Tensor:
    """Return which entry of the table of nearness holds for two pixels of a window."""
    rows, columns = torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()], -1)
    apart = places[:, None] - places[None] + WINDOW - 1
    return apart[..., 0] * (2 * WINDOW - 1) + apart[..., 1]


@functools.lru_cache(maxsize=8)
def _apart(height: int, width: int, shift: int) -> Tensor:
    """Return what keeps pixels from attending to others that only the shift made neighbours."""
    regions = [
        (torch.arange(side) >= side - WINDOW).long() + (torch.arange(side) >= side - shift).long()
        for side in (height, width)
    ]
    region = (3 * regions[0][:, None] + regions[1][None])[None, :, :, None]
    windows = _cut(region)[..., 0]
    return _FORBIDDEN * (windows[:, :, None] != windows[:, None]).float()
