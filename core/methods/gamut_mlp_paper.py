"""GamutMLP as published: all channels, no projection, in the sizes and inputs of its ablation.

Le et al., "GamutMLP: A Lightweight MLP for Color Loss Recovery", CVPR 2023, after the paper and
what the authors' public code settles: the space (linear ProPhoto), the loss, the samples, the
encoding (12 octaves) and Adam's 10,000 steps. Their library pads the layers to multiples of 16,
and stores the padding, too: its 11, 23 and 53 KB are 9, 20 and 48 KB here.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from core.methods.photo_fit import FitsToPhoto, PhotoFitSettings, PhotoNetwork
from core.network.models import ModelError, bytes_of
from core.network.tensor_file import pack, unpack
from core.payload.gamut_mlp import FREQUENCIES, encoded

if TYPE_CHECKING:
    from pathlib import Path

Inputs = Literal["both", "colour", "place"]

WIDTHS = {"11kb": 16, "23kb": 32, "53kb": 64}
"""Units of each of the two hidden layers, by what the paper calls the sizes."""

STEPS_FROM_START = 1200
"""Steps of a fit that begins at a meta-learned start."""

_FORMAT = "gamut-mlp-start-1"
_INPUTS: dict[Inputs, int] = {"both": 5, "colour": 3, "place": 2}


class EncodedNetwork(PhotoNetwork):
    """Two hidden layers of rectifiers without bias, behind sines and cosines.

    Parameters
    ----------
    width : int
        Units of a hidden layer.
    inputs : {"both", "colour", "place"}
        What it knows of a pixel.
    seed : int
        Of the first weights.
    """

    def __init__(self, width: int = 32, inputs: Inputs = "both", seed: int = 0) -> None:
        super().__init__()
        self.width, self.inputs = width, inputs
        sizes = (2 * FREQUENCIES * _INPUTS[inputs], width, width, 3)
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList(nn.Linear(*pair, bias=False) for pair in pairwise(sizes))
        for layer in self.layers:
            nn.init.xavier_uniform_(layer.weight, generator=generator)  # type: ignore[arg-type]

    def encoded(self, places: Tensor, colours: Tensor) -> Tensor:
        """Encode what the network knows of the pixels."""
        known = {"both": (places, colours), "colour": (colours,), "place": (places,)}
        return encoded(torch.cat(known[self.inputs], dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """Return steps of the scaled colours."""
        first, second, last = self.layers
        step: Tensor = last(torch.relu(second(torch.relu(first(features)))))
        return step


class GamutMlpAsPublished(FitsToPhoto):
    """The paper's own form.

    Parameters
    ----------
    name : str
        By which it is chosen.
    size : {"23kb", "11kb", "53kb"}
        What the paper calls its size.
    inputs : {"both", "colour", "place"}
        What it knows of a pixel.
    settings : PhotoFitSettings, optional
        How it is fitted.
    """

    def __init__(
        self,
        name: str = "gamut-mlp-paper",
        size: str = "23kb",
        inputs: Inputs = "both",
        settings: PhotoFitSettings | None = None,
    ) -> None:
        self.name = name
        knows = {"both": "", "colour": ", knowing colours alone", "place": ", knowing places alone"}
        self.summary = (
            f"GamutMLP as published (Le et al., CVPR 2023), {size[:-2]} KB{knows[inputs]}"
        )
        settings = settings or PhotoFitSettings()
        super().__init__(EncodedNetwork(WIDTHS[size], inputs, settings.seed), settings)


def start_bytes(network: EncodedNetwork, description: str) -> bytes:
    """Return the weights where fits begin as the bytes of a safetensors file.

    Parameters
    ----------
    network : EncodedNetwork
        Of one of the sizes in :data:`WIDTHS`, knowing both colours and places.
    description : str
        How it was trained.

    Examples
    --------
    >>> len(start_bytes(EncodedNetwork(), "an example")) < 4 * 4_960 + 1_000
    True
    """
    size = next(size for size, width in WIDTHS.items() if width == network.width)
    metadata = {"format": _FORMAT, "size": size, "description": description}
    return pack(network.state_dict(), metadata)


def load(path: Path) -> GamutMlpAsPublished:
    """Return the method whose fits begin at a file's weights.

    Raises
    ------
    ModelError
        If the file cannot be read or is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.safetensors")
    ...     _ = file.write_bytes(start_bytes(EncodedNetwork(seed=3), "an example"))
    ...     made = load(file)
    >>> made.name, made.settings.steps
    ('gamut-mlp-paper-start', 1200)
    """
    data = bytes_of(path)
    try:
        return _from_start(data)
    except ValueError as error:
        raise ModelError(
            f"{path} is damaged or from another version; get the file again, or make it anew with "
            "gamut train-start."
        ) from error


def from_shipped_start() -> GamutMlpAsPublished:
    """Return the method whose fits begin at the weights that come with the program.

    Raises
    ------
    ModelError
        If they are damaged.

    Examples
    --------
    >>> from_shipped_start().parameters
    4960
    """
    file = resources.files("core") / "weights" / "gamut-mlp-start.safetensors"
    try:
        return _from_start(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(
            "The start of GamutMLP's fits is damaged; install the package again."
        ) from error


def _from_start(data: bytes) -> GamutMlpAsPublished:
    """Return the method of a file's bytes, or raise ValueError."""
    try:
        metadata, tensors = unpack(data)
        size = metadata["size"]
        network = EncodedNetwork(WIDTHS[size])
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError("no start of fits") from error
    made = GamutMlpAsPublished(
        "gamut-mlp-paper-start",
        size,
        settings=PhotoFitSettings(steps=STEPS_FROM_START),
    )
    made.network, made.sha256 = network, hashlib.sha256(data).hexdigest()
    made.summary += f", {STEPS_FROM_START:,} steps from a meta-learned start"
    return made
