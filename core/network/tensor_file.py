"""Tensors with metadata as safetensors bytes: the same for the same content, checked by hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from safetensors.torch import load as parse
from safetensors.torch import save as serialise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

_HASH = "sha256"
_HEADER_LIMIT = 1 << 24


def pack(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return tensors and metadata as the bytes of a safetensors file.

    Parameters
    ----------
    tensors : mapping of name to Tensor
        On the CPU.
    metadata : mapping of str to str
        A hash of the tensors is added, by which damage is found.

    Examples
    --------
    >>> import torch
    >>> data = pack({"weight": torch.ones(2)}, {"format": "demo"})
    >>> data == pack({"weight": torch.ones(2)}, {"format": "demo"})  # the same bytes each time
    True
    """
    contiguous = {name: value.contiguous() for name, value in tensors.items()}
    header, buffer = _split(serialise(contiguous, dict(metadata)))
    # The library writes metadata in a random order; the same content has to have the same hash.
    header["__metadata__"][_HASH] = hashlib.sha256(buffer).hexdigest()
    ordered = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    ordered += b" " * (-len(ordered) % 8)
    return len(ordered).to_bytes(8, "little") + ordered + buffer


def unpack(data: bytes) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    r"""Return the metadata and the tensors of :func:`pack`.

    Raises
    ------
    SafetensorError, ValueError
        If the bytes are no such file, or damaged.

    Examples
    --------
    >>> import torch
    >>> data = pack({"weight": torch.ones(2)}, {"format": "demo"})
    >>> metadata, tensors = unpack(data)
    >>> metadata["format"], tensors["weight"].tolist()
    ('demo', [1.0, 1.0])
    >>> unpack(data[:-1] + b"\1")
    Traceback (most recent call last):
    ValueError: the weights are not those that were saved
    """
    tensors = parse(data)
    header, buffer = _split(data)
    metadata: dict[str, str] = header.get("__metadata__", {})
    digest = hashlib.sha256(buffer).hexdigest()
    if metadata.get(_HASH, digest) != digest:
        raise ValueError("the weights are not those that were saved")
    return metadata, tensors


def format_of(path: Path) -> str:
    """Return what a file of tensors says that it is; nothing but its header is read.

    Parameters
    ----------
    path : Path
        Of any file, or of none.

    Returns
    -------
    str
        Empty if it says nothing.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> format_of(sample_photo())
    ''
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= _HEADER_LIMIT else {}
        return str(header["__metadata__"]["format"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Split safetensors bytes into the header and the tensors' values."""
    start = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:start]), data[start:]
