"""GamutMLP: a small network fitted to one photo, which gives back the colours it lost in sRGB.

Where the wide-gamut original is at hand, the network learns from it what the reduction to sRGB
cuts off, as a function of place and colour (Le et al., "GamutMLP: A Lightweight MLP for Color
Loss Recovery", CVPR 2023). Its weights travel inside the sRGB file.

Where the paper fits a residual on all channels of samples in and out of gamut, this one learns
the clipped channels alone, which the codes do not tell; the feasible box keeps all others. Its
weights have six bits each, and are trained so; and it corrects what another network makes of the
photo, where there is one, instead of the naive inversion.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from core.checks import check_fields
from core.colour import PROPHOTO, SRGB, convert, matrix_between
from core.engine.devices import at_most_threads
from core.gamut import Codes, FloatImage, clipped_channels, clipping_weight, naive_inversion
from core.payload.muon import Muon

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from core.payload.lost import LostPixels

FREQUENCIES = 12
"""Octaves of sine and cosine that encode each of the five inputs (Le et al., section 3.2)."""

LEVELS = 31
"""Weights are whole multiples, up to this one, of a unit of their layer: 6 bits."""

Places = np.ndarray[tuple[int], np.dtype[np.int64]]

_INPUTS = 5
_STEP_GAIN = 4.0
_PIXELS_AT_ONCE = 1 << 16
_STEPS_AT_ONCE = 25
_HELD_OUT, _MOST_WATCHED = 8, 16_384
_LEAST_SCALE = 1e-6
_USUAL = 0.02
"""Root mean square, in linear light, of what photos lack: the learning rate is for such."""

_MOMENTUM = 0.85
_LAST_SHARE, _LAST_MEMORY = 0.02, (0.9, 0.99)
_PATIENCE, _WORTH, _SLOWER, _SLOWEST = 4, 0.995, 0.4, 0.1


@dataclass(frozen=True)
class Form:
    """How large a network is.

    Attributes
    ----------
    frequencies : int
        Octaves of sine and cosine of each input.
    hidden : int
        Units of each of the two hidden layers.
    """

    frequencies: int
    hidden: int

    @property
    def inputs(self) -> int:
        """Numbers that the first layer takes for each pixel."""
        return 2 * self.frequencies * _INPUTS + 3

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return (self.inputs + self.hidden + 3) * self.hidden


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "0.5": Form(4, 10),
        "1": Form(6, 15),
        "2": Form(8, 24),
        "4": Form(12, 33),
        "8": Form(12, 58),
        "16": Form(12, 97),
        "23": Form(12, 123),
    }
)
"""By the size that the record does not exceed, in KB of 1024 bytes (the largest: 23,000 bytes);
their order is in files."""

DEFAULT_SIZE = "16"


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted to a photo.

    Attributes
    ----------
    size : str
        One of :data:`FORMS`.
    steps : int
        At most, on batches drawn from the samples. The rate falls to 0 along half a cosine; the
        fit ends as soon as the photo stops gaining, or what is held out of it where not all of it
        is learned.
    batch : int
        Pixels of a step, at most: all of them where the samples are no more.
    samples : int
        Clipped pixels to learn from, at most; they are spread evenly over the photo.
    learning_rate : float
        Of Muon at the start, for the hidden layers; the last layer has Adam's smaller steps.
    seed : int
        Of the first weights and of the batches.
    """

    size: str = DEFAULT_SIZE
    steps: int = 500
    batch: int = 4096
    samples: int = 200_000
    learning_rate: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "size": self.size in FORMS,
            **{name: getattr(self, name) >= 1 for name in ("steps", "batch", "samples")},
            "learning_rate": 0.0 < self.learning_rate <= 1.0,
        }
        check_fields(self, checks)


class PhotoNetwork(nn.Module):
    """Two hidden layers without bias, from encoded places and colours to a step of colour."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        sizes = (form.inputs, form.hidden, form.hidden, 3)
        self.first, self.second, self.last = (
            nn.Linear(*pair, bias=False) for pair in pairwise(sizes)
        )

    @classmethod
    def empty(cls, form: Form) -> PhotoNetwork:
        """Return a network whose weights are still to come, from a file or from a seed."""
        with torch.device("meta"):
            network = cls(form)
        return network.to_empty(device="cpu")

    @property
    def layers(self) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        """From the first to the last."""
        return self.first, self.second, self.last

    def forward(self, features: Tensor) -> Tensor:
        """Return steps of scene-linear sRGB (N, 3) for features (N, inputs).

        The weights are rounded as a file holds them; gradients pass the rounding by.
        """
        first, second, last = (rounded(layer.weight) for layer in self.layers)
        hidden = torch.relu(torch.relu(features @ first.T) @ second.T)
        return hidden @ last.T


def rounded(weight: Tensor) -> Tensor:
    """Return weights as whole multiples of a unit; their gradients are those of the weights.

    Parameters
    ----------
    weight : Tensor, float32, any shape
        Of a layer.

    Returns
    -------
    Tensor, same shape
        Multiples of :func:`unit_of` from -:data:`LEVELS` to :data:`LEVELS`.

    Examples
    --------
    >>> weight = torch.tensor([0.4, 1.0, -0.52])
    >>> (rounded(weight) / unit_of(weight)).round(decimals=4).tolist()
    [12.0, 31.0, -16.0]
    """
    unit = unit_of(weight)
    return weight + (torch.round(weight / unit) * unit - weight).detach()


def unit_of(weight: Tensor) -> Tensor:
    """Return what the weights of a layer are multiples of.

    Parameters
    ----------
    weight : Tensor, float32, any shape
        Of a layer.

    Returns
    -------
    Tensor, float32, shape ()
        Its largest absolute value over :data:`LEVELS`.

    Examples
    --------
    >>> round(unit_of(torch.tensor([0.5, -1.0])).item() * LEVELS, 6)  # the largest weight
    1.0
    """
    return (weight.detach().abs().max() / LEVELS).clamp_min(1e-12)


@dataclass(frozen=True, eq=False)
class GamutMlp:
    """A network that was fitted to one photo.

    Attributes
    ----------
    network : PhotoNetwork
        In evaluation mode, on the CPU.
    height, width : int
        Of the photo, in pixels.
    """

    network: PhotoNetwork
    height: int
    width: int
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the weights by their hash."""
        weights = b"".join(rounded(layer.weight).numpy().tobytes() for layer in self.network.layers)
        object.__setattr__(self, "sha256", hashlib.sha256(weights).hexdigest())

    def estimate(
        self,
        codes: Codes,
        top: int = 0,
        left: int = 0,
        tolerance: float = 0.0,
        base: FloatImage | None = None,
    ) -> FloatImage:
        """Estimate the colours of a part of the photo.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (h, w, 3)
            Its sRGB codes.
        top, left : int
            Where it lies in the photo, in pixels.
        tolerance : float
            Noise of a lossy file, in 8-bit codes.
        base : ndarray, float32, shape (h, w, 3), optional
            The estimate that the network corrects, scene-linear sRGB; the naive inversion unless
            given.

        Returns
        -------
        ndarray, float32, shape (h, w, 3)
            Scene-linear sRGB, unbounded: the base but for the channels whose codes stand at an
            end of the range.
        """
        height, width, _ = codes.shape
        rows, columns = np.mgrid[top : top + height, left : left + width].reshape(2, -1)
        flat = codes.reshape(-1, 3)
        naive = naive_inversion(flat)
        scene = naive.copy() if base is None else base.reshape(-1, 3).astype(np.float32)
        with torch.inference_mode():
            for start in range(0, len(flat), _PIXELS_AT_ONCE):
                part = slice(start, start + _PIXELS_AT_ONCE)
                size = self.height, self.width
                places = _places(rows[part], columns[part], size)
                features = _features(self.network.form, places, naive[part], scene[part])
                low, high = clipped_channels(flat[part], tolerance)
                scene[part] += (low | high) * self.network(features).numpy()
        return scene.reshape(codes.shape)


def fit(
    lost: LostPixels, settings: FitSettings | None = None
) -> Generator[tuple[int, int], None, GamutMlp]:
    """Fit a network to a photo and its wide-gamut original.

    Parameters
    ----------
    lost : LostPixels
        The pixels that have lost colour, with the estimates that are to be corrected.
    settings : FitSettings, optional
        How.

    Yields
    ------
    (int, int)
        Steps done and in all. Closing the generator cancels the work.

    Returns
    -------
    GamutMlp
        With no step at all where nothing was clipped.

    Examples
    --------
    >>> from core.colour import convert
    >>> from core.gamut import reduce
    >>> from core.payload.lost import lost_pixels
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> lost = finished(lost_pixels(reduce(scene), scene))
    >>> mlp = finished(fit(lost, FitSettings(size="0.5", steps=20, batch=256)))
    >>> mlp.network.form.parameters
    560
    """
    settings = settings or FitSettings()
    form = FORMS[settings.size]
    generator = torch.Generator().manual_seed(settings.seed)
    network = fresh(form, generator)
    samples = samples_of(lost, form, settings.samples)
    if len(samples.features):
        yield from train(network, samples, settings, generator)
    with torch.no_grad():
        network.last.weight *= samples.scale
    yield settings.steps, settings.steps
    network.eval().requires_grad_(False)
    return GamutMlp(network, *lost.size)


def encoded(inputs: Tensor, frequencies: int = FREQUENCIES) -> Tensor:
    """Encode inputs by sines and cosines of rising frequency.

    Parameters
    ----------
    inputs : Tensor, float32, shape (N, 5)
        In -1..1.
    frequencies : int
        How many octaves, K.

    Returns
    -------
    Tensor, float32, shape (N, 10 K)
        sin(2^k π v), cos(2^k π v) for k = 0 to K - 1; by doubling the angle, which errs by less
        than 0.01 at the highest of 12.

    Examples
    --------
    >>> tuple(encoded(torch.zeros(1, 5), 12).shape)
    (1, 120)
    >>> half = encoded(torch.full((1, 5), 0.5), 1)[0]  # sin and cos of π / 2
    >>> [f"{abs(value):.0f}" for value in half]
    ['1', '1', '1', '1', '1', '0', '0', '0', '0', '0']
    """
    sine, cosine = torch.sin(torch.pi * inputs), torch.cos(torch.pi * inputs)
    parts = [sine, cosine]
    for _ in range(frequencies - 1):
        sine, cosine = 2.0 * sine * cosine, 1.0 - 2.0 * sine * sine
        parts += [sine, cosine]
    return torch.cat(parts, dim=-1)


@dataclass(frozen=True, eq=False)
class Samples:
    """Pixels to learn from.

    Attributes
    ----------
    features : Tensor, float32, shape (N, inputs)
        What the network sees.
    missing : Tensor, float32, shape (N, 3)
        What the estimate lacks, scene-linear sRGB, as multiples of `scale`.
    weight : Tensor, float32, shape (N, 3)
        How far the network's step counts: 0 for channels that are not clipped.
    to_prophoto : Tensor, float32, shape (3, 3)
        The matrix to linear ProPhoto RGB, in which errors are measured.
    scale : float
        By which what is lacking is of the usual size: a network learns photos that lost little as
        well as those that lost much.
    complete : bool
        Whether the photo has no other pixels that lack anything: a network that knows these by
        heart knows the photo.
    """

    features: Tensor
    missing: Tensor
    weight: Tensor
    to_prophoto: Tensor
    scale: float
    complete: bool

    def loss(self, network: PhotoNetwork, chosen: Tensor | slice) -> Tensor:
        """Return the mean squared error of some of the samples."""
        step = self.weight[chosen] * network(self.features[chosen])
        error = (step - self.missing[chosen]) @ self.to_prophoto.T
        mean: Tensor = error.square().mean()
        return mean


def samples_of(lost: LostPixels, form: Form, most: int) -> Samples:
    """Return samples of a photo's lost pixels, spread evenly, at most so many.

    Parameters
    ----------
    lost : LostPixels
        Of a photo; at least as many as are wanted, or all are taken.
    form : Form
        Of the network that learns from them.
    most : int
        How many.

    Returns
    -------
    Samples

    Examples
    --------
    >>> from core.colour import convert
    >>> from core.gamut import reduce
    >>> from core.payload.lost import lost_pixels
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> lost = finished(lost_pixels(reduce(scene), scene))
    >>> samples = samples_of(lost, FORMS["4"], 500)
    >>> len(lost.codes), tuple(samples.missing.shape)
    (2793, (466, 3))
    """
    tolerance = lost.settings.tolerance
    chosen = slice(None, None, max(1, -(-len(lost.places) // most)))
    codes, naive = lost.codes[chosen], naive_inversion(lost.codes[chosen])
    base = lost.estimate[chosen]
    low, high = clipped_channels(codes, tolerance)
    certainty = clipping_weight(codes, tolerance)[:, None]
    weight = (low | high) * certainty
    rows, columns = np.divmod(lost.places[chosen], lost.size[1])
    matrix = matrix_between(SRGB, PROPHOTO, lost.settings.adaptation)
    # What restoring leaves without the network, which fades the estimate as the network's step.
    faded = naive + certainty * (base - naive)
    missing = (lost.original[chosen] - faded).astype(np.float32)
    power = np.square(weight * missing).mean(dtype=np.float64) if len(codes) else 0.0
    scale = max(math.sqrt(power) / _USUAL, _LEAST_SCALE)
    return Samples(
        _features(form, _places(rows, columns, lost.size), naive, base),
        torch.from_numpy(missing / np.float32(scale)),
        torch.from_numpy(weight.astype(np.float32)),
        torch.tensor(matrix, dtype=torch.float32),
        scale,
        complete=len(codes) == len(lost.places),
    )


def train(
    network: PhotoNetwork, samples: Samples, settings: FitSettings, generator: torch.Generator
) -> Generator[tuple[int, int], None, None]:
    """Train a network, and keep the weights that were best.

    That is judged on samples that are held out, or on any of them where the samples are all of
    the pixels that the photo lacks.

    Parameters
    ----------
    network : PhotoNetwork
        Is changed.
    samples : Samples
        At least one.
    settings : FitSettings
        How.
    generator : Generator
        Of random numbers.

    Yields
    ------
    (int, int)
        Steps done and at most.

    Examples
    --------
    >>> from core.colour import convert
    >>> from core.gamut import reduce
    >>> from core.payload.lost import lost_pixels
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> samples = samples_of(finished(lost_pixels(reduce(scene), scene)), FORMS["4"], 500)
    >>> generator = torch.Generator().manual_seed(0)
    >>> network = fresh(FORMS["4"], generator)
    >>> before = samples.loss(network, slice(None)).item()
    >>> finished(train(network, samples, FitSettings(steps=30, batch=256), generator))
    >>> samples.loss(network, slice(None)).item() < before
    True
    """
    count = len(samples.features)
    order = torch.randperm(count, generator=generator)
    if samples.complete:
        watched, learned = order[:_MOST_WATCHED], order
    else:
        held = min(count // _HELD_OUT, _MOST_WATCHED)
        watched, learned = (order[:held] if held else order), order[held:]
    hidden = Muon((network.first.weight, network.second.weight), _MOMENTUM)
    last = torch.optim.Adam([network.last.weight], betas=_LAST_MEMORY)
    best, since, slow = math.inf, 0, 1.0
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    for done in range(1, settings.steps + 1):
        cosine = 0.5 + 0.5 * math.cos(math.pi * (done - 1) / settings.steps)
        pace = min(slow, cosine)
        last.param_groups[0]["lr"] = _LAST_SHARE * settings.learning_rate * pace
        batch = learned
        if len(learned) > settings.batch:
            batch = learned[torch.randint(len(learned), (settings.batch,), generator=generator)]
        with at_most_threads(1):
            network.zero_grad()
            samples.loss(network, batch).backward()  # type: ignore[no-untyped-call]
            hidden.step(settings.learning_rate * pace)
            last.step()
        if done % _STEPS_AT_ONCE and done != settings.steps:
            continue
        with torch.no_grad():
            error = float(samples.loss(network, watched))
        since = 0 if error < _WORTH * best else since + 1
        if error < best:
            best = error
            kept = {name: value.clone() for name, value in network.state_dict().items()}
        if since >= _PATIENCE:
            since, slow = 0, slow * _SLOWER
            if slow < _SLOWEST:
                break
        yield done, settings.steps
    network.load_state_dict(kept)


def _places(rows: Places, columns: Places, size: tuple[int, int]) -> FloatImage:
    """Return coordinates in the photo in -1..1, (N, 2): x and y of the pixels' centres."""
    height, width = size
    x, y = (2.0 * columns + 1.0) / width - 1.0, (2.0 * rows + 1.0) / height - 1.0
    return np.stack([x, y], -1).astype(np.float32)


def _features(form: Form, places: FloatImage, naive: FloatImage, base: FloatImage) -> Tensor:
    """Return what a network sees of pixels: places and colours, encoded, and the base's step."""
    colours = 2.0 * convert(naive, SRGB, PROPHOTO) - 1.0
    inputs = np.concatenate([places, colours.astype(np.float32)], -1)
    features = encoded(torch.from_numpy(inputs), form.frequencies)
    step = torch.from_numpy(np.ascontiguousarray(base - naive, np.float32))
    return torch.cat([features, _STEP_GAIN * step], -1)


def fresh(form: Form, generator: torch.Generator) -> PhotoNetwork:
    """Return a network with random weights whose steps are small.

    Examples
    --------
    >>> network = fresh(FORMS["4"], torch.Generator().manual_seed(0))
    >>> sum(weight.numel() for weight in network.parameters()) == FORMS["4"].parameters
    True
    """
    network = PhotoNetwork.empty(form)
    for layer, scale in zip(network.layers, (1.0, 1.0, 0.1), strict=True):
        bound = scale / layer.in_features**0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    return network
