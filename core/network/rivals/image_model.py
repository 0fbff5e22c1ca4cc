"""Image networks in one frame: what they are given, what their output means, their files.

All of them see encoded sRGB in -1..1, GamutNet the mask of clipped pixels, too. What they say
is a residual to the naive inversion, scene-linear sRGB, or the encoded ProPhoto image itself.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from core.colour import PROPHOTO, SRGB, convert
from core.network.models import ModelError, bytes_of
from core.network.tensor_file import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT = "gamut-image-network-1"

_RESIDUAL_GAIN = 0.1


@dataclass(frozen=True)
class Form:
    """A kind of image network.

    Attributes
    ----------
    name, summary : str
        By which it is chosen, and one line about it.
    make : callable
        Returns the network with random weights.
    multiple : int
        Height and width of what it takes are multiples of it.
    halo : int
        Pixels around a tile that it is shown.
    masked : bool
        Whether it is given the mask of clipped pixels.
    output : {"residual", "image"}
        What its output means.
    """

    name: str
    summary: str
    make: Callable[[], nn.Module]
    multiple: int
    halo: int = 32
    masked: bool = False
    output: Literal["residual", "image"] = "residual"

    @property
    def weights_count(self) -> int:
        """Number of weights."""
        with torch.device("meta"):
            return sum(weight.numel() for weight in self.make().parameters())

    def scene(self, network: nn.Module, encoded: Tensor, clipped: Tensor) -> Tensor:
        """Estimate the colours of photos.

        Parameters
        ----------
        network : Module
            Of this form.
        encoded : Tensor, float32, shape (N, 3, H, W)
            Encoded sRGB, 0..1.
        clipped : Tensor, bool, shape (N, 1, H, W)
            Pixels that may have lost colour.

        Returns
        -------
        Tensor, float32, shape (N, 3, H, W)
            Scene-linear sRGB, unbounded.
        """
        planes = 2.0 * encoded - 1.0
        if self.masked:
            planes = torch.cat([planes, clipped.to(planes)], 1)
        said: Tensor = network(planes)
        if self.output == "residual":
            return SRGB.decode(encoded) + _RESIDUAL_GAIN * said
        scene: Tensor = convert(PROPHOTO.decode(0.5 * said + 0.5), PROPHOTO, SRGB, axis=1)
        return scene


def _lazily(module: str, name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        network: nn.Module = getattr(import_module(f"core.network.rivals.{module}"), name)()
        return network

    return make


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        form.name: form
        for form in (
            Form(
                "gamutnet",
                "GamutNet (Le et al., CIC 2021): a U-Net with the mask of clipped pixels",
                _lazily("unet", "GamutNet"),
                16,
                64,
                masked=True,
            ),
            Form(
                "pix2pix",
                "The generator of pix2pix (Isola et al., CVPR 2017)",
                _lazily("unet", "Pix2PixGenerator"),
                128,
                64,
                output="image",
            ),
            Form(
                "swinir",
                "SwinIR (Liang et al., 2021), of the size in LETNet's paper",
                _lazily("swinir", "SwinIR"),
                8,
            ),
            Form(
                "restormer",
                "Restormer (Zamir et al., CVPR 2022)",
                _lazily("restormer", "Restormer"),
                8,
            ),
        )
    }
)


@dataclass(frozen=True)
class ImageModel:
    """A trained network, ready for use.

    Attributes
    ----------
    form : Form
        Its kind.
    name : str
        For people and tables.
    network : Module
        In evaluation mode, on the CPU.
    card : dict
        Its model card: data, recipe, seed.
    sha256 : str
        Of the file that it came from, or would be.
    """

    form: Form
    name: str
    network: nn.Module
    card: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""


def to_bytes(model: ImageModel) -> bytes:
    """Return a network and what has to be known of it as the bytes of a safetensors file.

    Examples
    --------
    >>> network = FORMS["gamutnet"].make()
    >>> model = ImageModel(FORMS["gamutnet"], "mine", network)
    >>> metadata, tensors = unpack(to_bytes(model))
    >>> metadata["format"], len(tensors) == len(network.state_dict())
    ('gamut-image-network-1', True)
    """
    described = {"form": model.form.name, "name": model.name, "card": model.card}
    text = json.dumps(described, sort_keys=True)
    return pack(model.network.state_dict(), {"format": FORMAT, "descriptor": text})


def load_image_model(path: Path) -> ImageModel:
    """Load an image network.

    Raises
    ------
    ModelError
        If the file cannot be read or is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> made = ImageModel(FORMS["gamutnet"], "mine", FORMS["gamutnet"].make())
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.safetensors")
    ...     _ = file.write_bytes(to_bytes(made))
    ...     load_image_model(file).name
    'mine'
    >>> load_image_model(Path("no such file.safetensors"))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.network.models.ModelError: The model file no such file.safetensors cannot be read: No
    such file or directory.
    """
    data = bytes_of(path)
    try:
        metadata, tensors = unpack(data)
        described = json.loads(metadata["descriptor"])
        form, name, card = FORMS[described["form"]], described["name"], described["card"]
        if not isinstance(name, str) or not isinstance(card, dict):
            raise TypeError("name and card are of other types")
        network = form.make()
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} is damaged or from another version; get the model file again."
        ) from error
    network.eval().requires_grad_(False)
    return ImageModel(form, name, network, card, hashlib.sha256(data).hexdigest())
