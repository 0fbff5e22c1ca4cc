"""Trained networks as files: safetensors with a descriptor, checked by hash.

A descriptor travels inside the file: the form of the network, how its fixed point is to be
sought, how much of its surroundings a tile needs, and where the weights come from.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from core.checks import check_fields
from core.errors import PhotoError
from core.network.letnet import LetNet, LetNetConfig
from core.network.solver import SolverSettings
from core.network.tensor_file import pack, unpack

FORMAT = "gamut-model-1"

LARGEST_HALO = 1024
"""Pixels; a file that claims to need more asks for the memory of far larger tiles."""

_WEIGHTS = resources.files("core") / "weights"
_HASHES = "SHA256.json"


class ModelError(PhotoError):
    """A model that cannot be used, with the reason in one sentence."""


@dataclass(frozen=True)
class Descriptor:
    """What has to be known of a network to use it.

    Attributes
    ----------
    name : str
        For people, reports and metadata.
    config : LetNetConfig
        Its form.
    solver : SolverSettings
        How its fixed point is sought, unless the user says otherwise.
    halo : int
        Pixels around a tile that it has to see, so that tiles show no seams.
    card : dict
        Its model card: data, recipe, seed, figures, limits.
    """

    name: str
    config: LetNetConfig = field(default_factory=LetNetConfig)
    solver: SolverSettings = field(default_factory=SolverSettings)
    halo: int = 64
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what comes from a file, naming the field that is out of range."""
        checks = {
            "name": isinstance(self.name, str),
            "halo": 0 <= self.halo <= LARGEST_HALO,
            "card": isinstance(self.card, dict),
        }
        check_fields(self, checks, "Model field {name} = {value!r} is out of range.")


@dataclass(frozen=True)
class Model:
    """A network, ready for use.

    Attributes
    ----------
    descriptor : Descriptor
        What it is.
    network : LetNet
        In evaluation mode, on the CPU.
    sha256 : str
        Of the file that it came from; of its bytes, if it came from none.
    """

    descriptor: Descriptor
    network: LetNet
    sha256: str

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.descriptor.name


def to_bytes(network: LetNet, descriptor: Descriptor) -> bytes:
    """Return a network and its descriptor as the bytes of a safetensors file.

    The metadata hold a hash of the weights, by which damage is found.

    Examples
    --------
    >>> model = random_model(LetNetConfig(channels=4))
    >>> data = to_bytes(model.network, model.descriptor)
    >>> hashlib.sha256(data).hexdigest() == model.sha256
    True
    """
    text = json.dumps(asdict(descriptor), sort_keys=True)
    return pack(network.state_dict(), {"format": FORMAT, "descriptor": text})


def random_model(config: LetNetConfig, seed: int = 0, scale: float = 1.0) -> Model:
    """Return a network with random weights: for tests, and to see what training is worth.

    Parameters
    ----------
    config : LetNetConfig
        Its form.
    seed : int
        Of the weights.
    scale : float
        Factor of the last layer's weights, which are drawn from a normal distribution.

    Examples
    --------
    >>> first, again = (
    ...     random_model(LetNetConfig(channels=4)),
    ...     random_model(LetNetConfig(channels=4)),
    ... )
    >>> first.name, first.sha256 == again.sha256
    ('random-0', True)
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LetNet(config).eval().requires_grad_(False)
        network.head.weight.normal_(0.0, scale)
    descriptor = Descriptor(f"random-{seed}", config)
    return Model(descriptor, network, hashlib.sha256(to_bytes(network, descriptor)).hexdigest())


def shipped_names() -> tuple[str, ...]:
    """Return the names of the networks that come with the package.

    Examples
    --------
    >>> shipped_names()
    ('letnet-box', 'letnet')
    """
    return tuple(_hashes())


def load_model(name: str | Path) -> Model:
    """Load a network.

    Parameters
    ----------
    name : str or Path
        The name of a shipped network, or the path of a ``.safetensors`` file.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If there is no such network, its file is damaged, or its form is unknown.

    Examples
    --------
    >>> model = load_model("letnet-box")
    >>> model.network.config.mode, model.descriptor.halo
    ('implicit', 16)
    >>> load_model("lettuce")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.network.models.ModelError: There is no network named 'lettuce'; choose one of
    letnet-box, letnet, or a .safetensors file.
    """
    hashes = _hashes()
    if str(name) in hashes:
        file = _WEIGHTS / f"{name}.safetensors"
        data = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(data).hexdigest() != hashes[str(name)]:
            raise ModelError(f"The weights of {name} are damaged; install the package again.")
        return _parse(data, str(name))
    path = Path(name)
    if path.suffix != ".safetensors":
        raise ModelError(
            f"There is no network named {str(name)!r}; choose one of {', '.join(hashes)}, or a "
            ".safetensors file."
        )
    return _parse(bytes_of(path), str(path))


def bytes_of(path: Path) -> bytes:
    """Return what a file of weights holds.

    Raises
    ------
    ModelError
        If it cannot be read.

    Examples
    --------
    >>> bytes_of(Path("no such file.safetensors"))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.network.models.ModelError: The model file no such file.safetensors cannot be read: No
    such file or directory.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror}.") from error


def _hashes() -> dict[str, str]:
    hashes: dict[str, str] = json.loads((_WEIGHTS / _HASHES).read_text())
    return hashes


def _parse(data: bytes, origin: str) -> Model:
    try:
        metadata, tensors = unpack(data)
        if metadata.get("format") != FORMAT:
            raise ModelError(f"{origin} holds no gamut expansion model; choose another file.")
        described = json.loads(metadata["descriptor"])
        descriptor = Descriptor(
            name=described["name"],
            config=LetNetConfig(**described["config"]),
            solver=SolverSettings(**described["solver"]),
            halo=int(described["halo"]),
            card=described["card"],
        )
        with torch.device("meta"):  # A damaged form may ask for any amount of memory.
            expected = LetNet(descriptor.config).state_dict()
        if {name: value.shape for name, value in expected.items()} != {
            name: value.shape for name, value in tensors.items()
        }:
            raise ValueError("the weights are those of another form")
        network = LetNet(descriptor.config)
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{origin} is damaged or from another version; get the model file again."
        ) from error
    network.eval().requires_grad_(False)
    return Model(descriptor, network, hashlib.sha256(data).hexdigest())
