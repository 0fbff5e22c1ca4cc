"""Image networks as methods: those of the papers' comparisons, once they have been trained."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.engine.devices import device_named
from core.engine.method import Needs, Place, WindowMethod
from core.errors import PhotoError
from core.gamut import clipped_mask, code_maximum
from core.network.rivals.image_model import (
    FORMS,
    Form,
    ImageModel,
    load_image_model,
)

if TYPE_CHECKING:
    from pathlib import Path

    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Worker
    from core.engine.tiling import Source
    from core.gamut import Codes, FloatImage
    from core.progress import Check


class ImageNetworkMethod(WindowMethod):
    """An image network.

    Parameters
    ----------
    form : Form
        Its kind.
    model : ImageModel, optional
        The trained network; without one, nothing is restored.
    """

    needs = Needs.WEIGHTS

    def __init__(self, form: Form, model: ImageModel | None = None) -> None:
        self.form, self.model = form, model
        self.name = form.name if model is None else model.name
        self.summary = form.summary
        self.parameters = form.weights_count
        self.halo = form.halo
        self.trained = model is not None
        self.sha256 = model.sha256 if model is not None else ""

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Return what restores a photo.

        Raises
        ------
        PhotoError
            If the network has not been trained.
        """
        if self.model is None:
            raise PhotoError(
                f"{self.name} has not been trained; train it with gamut train-rival, and give its "
                ".safetensors file instead of the name."
            )
        return super().worker(codes, settings, check)

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Estimate the colours of a window, filled up to the network's grid."""
        assert self.model is not None
        height, width, _ = window.shape
        down, right = (-side % self.form.multiple for side in (height, width))
        codes = np.pad(window, ((0, down), (0, right), (0, 0)), mode="edge")
        encoded = codes.astype(np.float32) / np.float32(code_maximum(codes))
        clipped = clipped_mask(codes, settings.tolerance)
        device = device_named(settings.device)
        network = self.model.network
        if next(network.parameters()).device.type != device.type:
            network = copy.deepcopy(network).to(device)
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"),
        ):
            planes = torch.from_numpy(np.moveaxis(encoded, -1, 0).copy())[None].to(device)
            mask = torch.from_numpy(clipped)[None, None].to(device)
            scene = self.form.scene(network, planes, mask)[0]
        values: FloatImage = scene.float().movedim(0, -1).cpu().numpy()[:height, :width]
        return values


def not_trained(form: str) -> ImageNetworkMethod:
    """Return an image network by its name, without weights.

    Examples
    --------
    >>> swinir = not_trained("swinir")
    >>> swinir.trained, swinir.parameters
    (False, 3149847)
    """
    return ImageNetworkMethod(FORMS[form])


def load(path: Path) -> ImageNetworkMethod:
    """Return the image network of a file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.network.rivals.image_model import to_bytes
    >>> made = with_random_weights(not_trained("gamutnet"))
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.safetensors")
    ...     _ = file.write_bytes(to_bytes(made.model))
    ...     load(file).name
    'gamutnet'
    """
    model = load_image_model(path)
    return ImageNetworkMethod(model.form, model)


def with_random_weights(method: ImageNetworkMethod, seed: int = 0) -> ImageNetworkMethod:
    """Return a network that has not been trained with random weights: to see what it costs.

    What it makes of a photo means nothing; `trained` stays False.

    Examples
    --------
    >>> gamutnet = with_random_weights(not_trained("gamutnet"))
    >>> gamutnet.trained, gamutnet.model.network.training
    (False, False)
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = method.form.make().eval().requires_grad_(False)
    made = ImageNetworkMethod(method.form, ImageModel(method.form, method.name, network))
    made.trained = False
    return made
