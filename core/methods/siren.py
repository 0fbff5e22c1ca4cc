"""SIREN, fitted to one photo: a network of sines that knows nothing but the place.

Sitzmann et al., "Implicit Neural Representations with Periodic Activation Functions", NeurIPS
2020; compared with in GamutMLP's first table. Of the size of the 23 KB that GamutMLP has there.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from core.methods.photo_fit import FitsToPhoto, PhotoFitSettings, PhotoNetwork

_WIDTH = 51
_LAYERS = 3
_FREQUENCY = 30.0
"""Factor of every sine's argument (section 3.2 of the paper)."""

_SETTINGS = PhotoFitSettings(learning_rate=1e-4)


class SineNetwork(PhotoNetwork):
    """Three layers of sines, then a linear one.

    Parameters
    ----------
    seed : int
        Of the first weights, drawn as the paper has it.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        sizes = (2, *[_WIDTH] * _LAYERS, 3)
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            inputs = layer.in_features
            bound = 1.0 / inputs if number == 0 else (6.0 / inputs) ** 0.5 / _FREQUENCY
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -(inputs**-0.5), inputs**-0.5, generator=generator)

    def encoded(self, places: Tensor, colours: Tensor) -> Tensor:
        """Return the places."""
        return places

    def forward(self, features: Tensor) -> Tensor:
        """Return steps of the scaled colours."""
        *sines, last = self.layers
        for layer in sines:
            features = torch.sin(_FREQUENCY * layer(features))
        step: Tensor = last(features)
        return step


class Siren(FitsToPhoto):
    """Sines of the place, fitted to each photo's original.

    Parameters
    ----------
    settings : PhotoFitSettings, optional
        How it is fitted.
    """

    name = "siren"
    summary = "SIREN (Sitzmann et al., NeurIPS 2020), fitted to the original: knows places alone"

    def __init__(self, settings: PhotoFitSettings | None = None) -> None:
        settings = settings or _SETTINGS
        super().__init__(SineNetwork(settings.seed), settings)
