"""U-Nets: GamutNet and the generator and discriminator of pix2pix.

Le et al., "GamutNet: Restoring Wide-Gamut Colors for Camera-Captured Images", CIC 2021;
Ronneberger et al., "U-Net", MICCAI 2015; Isola et al., "Image-to-Image Translation with
Conditional Adversarial Networks", CVPR 2017.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

_GAMUTNET_WIDTHS = (24, 48, 96, 192, 384)
"""Which give the 4.4 million weights that are published."""

_PIX2PIX_WIDTHS = (64, 128, 256, 512, 512, 512, 512)
"""Of the authors' network for patches of 128."""


class GamutNet(nn.Module):
    """A U-Net of four halvings, two convolutions at each size.

    Photos come as (N, 4, H, W): encoded sRGB in -1..1 and the mask of clipped pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        down = (4, *_GAMUTNET_WIDTHS)
        up = _GAMUTNET_WIDTHS[::-1]
        self.down = nn.ModuleList(_two_convolutions(*pair) for pair in pairwise(down))
        self.widen = nn.ModuleList(nn.ConvTranspose2d(*pair, 2, 2) for pair in pairwise(up))
        self.up = nn.ModuleList(_two_convolutions(*pair) for pair in pairwise(up))
        self.last = nn.Conv2d(up[-1], 3, 1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, state: Tensor) -> Tensor:
        """Return residuals, shape (N, 3, H, W); H and W are multiples of 16."""
        skipped: list[Tensor] = []
        for number, layers in enumerate(self.down):
            state = layers(state if number == 0 else functional.max_pool2d(state, 2))
            skipped.append(state)
        for widen, layers, kept in zip(self.widen, self.up, skipped[-2::-1], strict=True):
            state = layers(torch.cat([kept, widen(state)], 1))
        residual: Tensor = self.last(state)
        return residual


class Pix2PixGenerator(nn.Module):
    """The U-Net of pix2pix: seven halvings, batch normalisation, an image in -1..1."""

    def __init__(self) -> None:
        super().__init__()
        widths = _PIX2PIX_WIDTHS
        last = len(widths) - 1
        self.down = nn.ModuleList(
            _halving(*pair, normalised=0 < number < last)
            for number, pair in enumerate(pairwise((3, *widths)))
        )
        incoming = (widths[-1], *(2 * width for width in widths[-2::-1]))
        outgoing = (*widths[-2::-1], 3)
        self.up = nn.ModuleList(
            _doubling(*pair, normalised=number < last)
            for number, pair in enumerate(zip(incoming, outgoing, strict=True))
        )

    def forward(self, state: Tensor) -> Tensor:
        """Return images in -1..1, shape (N, 3, H, W); H and W are multiples of 128."""
        skipped: list[Tensor] = []
        for number, layers in enumerate(self.down):
            state = layers(functional.leaky_relu(state, 0.2) if number else state)
            skipped.append(state)
        for layers, kept in zip(self.up, (None, *skipped[-2::-1]), strict=True):
            state = state if kept is None else torch.cat([kept, state], 1)
            state = layers(functional.relu(state))
        return torch.tanh(state)


class PatchDiscriminator(nn.Module):
    """The discriminator of pix2pix: tells real pairs from made ones, by fields of 70 pixels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(6, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
            layers += [
                nn.Conv2d(inputs, outputs, 4, stride, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 1))

    def forward(self, given: Tensor, judged: Tensor) -> Tensor:
        """Return logits for photos (N, 3, H, W) in -1..1, shape (N, 1, h, w)."""
        logits: Tensor = self.layers(torch.cat([given, judged], 1))
        return logits


def _two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(),
    )


def _halving(inputs: int, outputs: int, *, normalised: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalised)]
    if normalised:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers)


def _doubling(inputs: int, outputs: int, *, normalised: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=not normalised)]
    if normalised:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers)
