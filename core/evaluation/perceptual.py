"""Image differences as a person, or a network trained on persons' judgements, sees them.

Both metrics were made for the values that drive a display, so they look at the *Display P3
rendering* of a photo: ProPhoto colours clipped to Display P3 and encoded. Not the sRGB
rendering: it is the same before and after gamut expansion, so that neither metric could see
any gain. Display P3 is the widest gamut that people's screens commonly show, and its curve is
sRGB's. Two limits follow: a difference beyond Display P3 is invisible here (CIEDE2000 of
:mod:`core.metrics` sees it), and both metrics read P3 primaries as if they were sRGB's, which
understates differences a little, for every method alike.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.colour import DISPLAY_P3, PROPHOTO, convert
from core.errors import PhotoError
from core.images import row_bands
from core.metrics import REGIONS, Floats, Region, region_masks

if TYPE_CHECKING:
    import torch

    from core.gamut import FloatImage, Mask

_FLIP_HALO = 16
"""Rows around a band that FLIP needs: its widest filter reaches 10 pixels at 67 per degree."""

_BACKBONE_FILE = "alexnet-owt-7be5be79.pth"
_BACKBONE_SHA256_START = "7be5be79"
_CONVOLUTIONS = (0, 3, 6, 8, 10)
_SMALLEST_SIDE = 31
"""Below this many pixels on a side, AlexNet's second pooling has nothing left to pool."""


def display_rendering(values: Floats) -> FloatImage:
    """Return the values that a Display P3 screen gets for a photo.

    Parameters
    ----------
    values : ndarray, floating, shape (..., 3)
        Linear ProPhoto RGB.

    Returns
    -------
    ndarray, float32, shape (..., 3)
        Encoded Display P3 in 0..1; colours outside are clipped channel by channel.

    Examples
    --------
    >>> shown = display_rendering(np.array([[0.5, 0.5, 0.5], [0.0, 1.0, 0.0]]))
    >>> [f"{value:.3f}" for value in shown[0]]  # greys stay grey
    ['0.735', '0.735', '0.735']
    >>> shown[1].max().item()  # ProPhoto's green is out of reach
    1.0
    """
    linear = convert(values.astype(np.float32, copy=False), PROPHOTO, DISPLAY_P3, "Bradford")
    return DISPLAY_P3.encode(np.clip(linear, 0.0, 1.0))


def flip_map(reference: Floats, test: Floats) -> FloatImage | None:
    """Return the FLIP error map of two photos on a Display P3 screen.

    Parameters
    ----------
    reference, test : ndarray, floating, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.

    Returns
    -------
    ndarray, float32, shape (H, W), or None
        LDR-FLIP (Andersson et al. 2020) in 0..1, seen at the usual 67 pixels per degree;
        None where the package `flip-evaluator` is not installed. Its mean over a region comes
        from :func:`core.metrics.region_means`.

    Examples
    --------
    >>> grey = np.full((16, 16, 3), 0.2, np.float32)
    >>> errors = flip_map(grey, grey)
    >>> errors is None or errors.max().item() == 0.0  # None without flip-evaluator
    True
    """
    if reference.shape != test.shape:
        raise PhotoError("FLIP compares two photos of the same size.")
    if importlib.util.find_spec("flip_evaluator") is None:
        return None
    flip = importlib.import_module("flip_evaluator")
    error = np.empty(reference.shape[:2], np.float32)
    for rows in row_bands(error):
        first = max(0, rows.start - _FLIP_HALO)
        reach = slice(first, rows.stop + _FLIP_HALO)
        band, _, _ = flip.evaluate(
            display_rendering(reference[reach]),
            display_rendering(test[reach]),
            "LDR",
            applyMagma=False,
            computeMeanError=False,
        )
        error[rows] = band[rows.start - first : rows.stop - first, :, 0]
    return error


@dataclass(frozen=True, eq=False)
class Lpips:
    """LPIPS, version 0.1 on AlexNet (Zhang et al. 2018).

    Attributes
    ----------
    backbone : mapping of str to Tensor
        AlexNet's weights, as torchvision names them ("features.0.weight", ...).
    heads : mapping of str to Tensor
        The five linear heads, as the authors name them ("lin0.model.1.weight", ...).
    """

    backbone: dict[str, torch.Tensor]
    heads: dict[str, torch.Tensor]

    def __call__(self, reference: Floats, test: Floats, out_of_gamut: Mask) -> dict[Region, float]:
        """Return LPIPS of two photos on a Display P3 screen, by region.

        Parameters
        ----------
        reference, test : ndarray, floating, shape (H, W, 3)
            Linear ProPhoto RGB in 0..1. About 100 bytes of memory a pixel are needed.
        out_of_gamut : ndarray, bool, shape (H, W)
            Mask of the reference.

        Returns
        -------
        dict of Region to float
            0 for identical photos. "all" is the published number; for the other regions each
            layer's differences are averaged with the share of the region in each of its
            cells. nan for an empty region, and for photos below 31 pixels on a side.
        """
        import torch

        if reference.shape != test.shape:
            raise PhotoError("LPIPS compares two photos of the same size.")
        if min(out_of_gamut.shape) < _SMALLEST_SIDE:
            return dict.fromkeys(REGIONS, math.nan)
        masks = {
            region: torch.from_numpy(mask.astype(np.float32))[None, None]
            for region, mask in region_masks(out_of_gamut).items()
        }
        totals = dict.fromkeys(REGIONS, 0.0)
        with torch.inference_mode():
            layers = zip(self._features(reference), self._features(test), strict=True)
            for index, (one, other) in enumerate(layers):
                head = self.heads[f"lin{index}.model.1.weight"]
                difference = torch.nn.functional.conv2d((one - other) ** 2, head).double()
                cells = (difference.shape[-2], difference.shape[-1])
                for region, mask in masks.items():
                    weights = torch.nn.functional.adaptive_avg_pool2d(mask, cells)
                    total = float((weights * difference).sum())
                    weight = float(weights.sum(dtype=torch.float64))
                    totals[region] += total / weight if weight else math.nan
        return totals

    def _features(self, values: Floats) -> list[torch.Tensor]:
        """Return the unit-length features after each of AlexNet's five rectifiers."""
        import torch
        from torch.nn.functional import conv2d, max_pool2d, relu

        shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
        scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
        rendering = torch.from_numpy(display_rendering(values)).permute(2, 0, 1)
        state = ((2.0 * rendering - 1.0 - shift) / scale)[None]
        features = []
        for number, (layer, stride, padding) in enumerate(
            zip(_CONVOLUTIONS, (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), strict=True)
        ):
            if number in (1, 2):
                state = max_pool2d(state, 3, 2)
            weight = self.backbone[f"features.{layer}.weight"]
            bias = self.backbone[f"features.{layer}.bias"]
            state = relu(conv2d(state, weight, bias, stride, padding))
            length = (state**2).sum(dim=1, keepdim=True).sqrt()
            features.append(state / (length + 1e-10))
        return features


def published_lpips(backbone: Path | None = None) -> Lpips | None:
    """Return LPIPS with its published weights, or None where they are not on disk.

    Nothing is downloaded. The linear heads come with the package `torchmetrics`; the weights
    of AlexNet are looked for in torch's own cache.

    Parameters
    ----------
    backbone : Path, optional
        A copy of ``alexnet-owt-7be5be79.pth``, if it is not in torch's cache.

    Returns
    -------
    Lpips or None

    Raises
    ------
    PhotoError
        If a path is given and no file is there, or if the file is not the published one: a
        metric with other weights is another metric.

    Examples
    --------
    >>> published_lpips(Path("alexnet.pth"))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.errors.PhotoError: There is no file alexnet.pth: give the path of
    alexnet-owt-7be5be79.pth.
    """
    import torch

    if backbone is not None and not backbone.is_file():
        raise PhotoError(f"There is no file {backbone}: give the path of {_BACKBONE_FILE}.")
    package = importlib.util.find_spec("torchmetrics")
    source = backbone or Path(torch.hub.get_dir()) / "checkpoints" / _BACKBONE_FILE
    if package is None or package.origin is None or not source.is_file():
        return None
    heads = Path(package.origin).parent / "functional" / "image" / "lpips_models" / "alex.pth"
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(_BACKBONE_SHA256_START):
        raise PhotoError(
            f"{source} is not the published AlexNet: download {_BACKBONE_FILE} again and give "
            "its path."
        )
    return Lpips(
        torch.load(source, map_location="cpu", weights_only=True),
        torch.load(heads, map_location="cpu", weights_only=True),
    )
