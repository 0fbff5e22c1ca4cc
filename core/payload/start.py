"""Where the fit of a photo's network begins: weights from which few steps lead to any photo's.

They are meta-learned (Reptile; Nichol et al., "On First-Order Meta-Learning Algorithms", 2018)
by ``gamut train-start``.
"""

from __future__ import annotations

import functools
from importlib import resources

from core.network.tensor_file import pack, unpack
from core.payload.gamut_mlp import FORMS, Form, PhotoNetwork

_FORMAT = "gamut-mlp-start-1"


def start_bytes(network: PhotoNetwork, description: str) -> bytes:
    """Return a start as the bytes of a safetensors file, in half precision.

    Examples
    --------
    >>> import torch
    >>> from core.payload.gamut_mlp import fresh
    >>> network = fresh(FORMS["4"], torch.Generator().manual_seed(0))
    >>> len(start_bytes(network, "an example")) < 4 * FORMS["4"].parameters
    True
    """
    size = next(size for size, form in FORMS.items() if form == network.form)
    tensors = {name: value.half() for name, value in network.state_dict().items()}
    return pack(tensors, {"format": _FORMAT, "size": size, "description": description})


@functools.cache
def shipped_start(form: Form) -> PhotoNetwork | None:
    """Return the start of networks of a form; None where none is shipped.

    Examples
    --------
    >>> start = shipped_start(FORMS["0.5"])
    >>> start is None or start.form == FORMS["0.5"]
    True
    """
    size = next(size for size, known in FORMS.items() if known == form)
    file = resources.files("core") / "weights" / f"start-{size}.safetensors"
    if not file.is_file():
        return None
    return _read(file.read_bytes(), form)


def _read(data: bytes, form: Form) -> PhotoNetwork:
    _, tensors = unpack(data)
    network = PhotoNetwork.empty(form)
    network.load_state_dict({name: value.float() for name, value in tensors.items()})
    return network.requires_grad_(False)
