"""A photo's own network inside its sRGB file: put there, and found again."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from core.errors import PhotoError
from core.files import Limits, Photo, read, write_codes
from core.files.reading import read_header
from core.files.safe_write import check_target
from core.gamut import LOSSY_TOLERANCE
from core.network.tensor_file import pack, unpack
from core.payload.gamut_mlp import FitSettings, GamutMlp, PhotoNetwork, fit

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from core.colour import Adaptation
    from core.gamut import Codes, FloatImage

FORMAT = "gamut-mlp-1"
LARGEST = 23_000
"""Bytes of a payload at most: what Le et al. 2023 need, and far less than a JPEG can carry."""


@dataclass(frozen=True)
class Embedding:
    """What was put into a file.

    Attributes
    ----------
    sha256 : str
        Of the network's weights.
    size : int
        Of the payload, in bytes.
    """

    sha256: str
    size: int


def write_embedded(
    path: str | os.PathLike[str],
    codes: Codes,
    original: FloatImage,
    settings: FitSettings | None = None,
    *,
    adaptation: Adaptation = "Bradford",
    **written: Any,
) -> Generator[tuple[int, int], None, Embedding]:
    """Write an sRGB file that carries the network fitted to it.

    Parameters
    ----------
    path : path
        TIFF, PNG or JPEG.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB codes that the original was reduced to.
    original : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    settings : FitSettings, optional
        How the network is fitted.
    adaptation : {"Bradford", "CAT02"}
        As for :func:`core.payload.gamut_mlp.fit`.
    **written
        As for :func:`core.files.write_codes`.

    Yields
    ------
    (int, int)
        Steps done and in all. Closing the generator leaves no file.

    Returns
    -------
    Embedding

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    path = Path(path)
    # Before the work, and again when the file is written.
    check_target(path, overwrite=written.get("overwrite", False), source=written.get("source"))
    with tempfile.TemporaryDirectory() as folder:
        # The network learns what will be read: JPEG changes the codes.
        trial = Path(folder, f"trial{path.suffix}")
        write_codes(trial, codes, **{**written, "overwrite": False, "source": None})
        photo = read(trial)
    carried = _codes(photo)
    tolerance = LOSSY_TOLERANCE if photo.lossy else 0.0
    work = fit(carried, original, settings, tolerance=tolerance, adaptation=adaptation)
    with closing(work):
        mlp = yield from work
    payload = to_payload(mlp, carried)
    write_codes(path, codes, extra_metadata=payload, **written)
    return Embedding(mlp.sha256, len(payload))


def carried_payload(path: str | os.PathLike[str], limits: Limits | None = None) -> bytes | None:
    """Return what a file carries for recovering its colours, unchecked; None if it carries nothing.

    Parameters
    ----------
    path : path
        The file. Its pixels are not read.
    limits : Limits, optional
        What is too large to be read.

    Raises
    ------
    FileError
        If it is no photo.
    """
    return read_header(Path(path), limits or Limits()).payload


def to_payload(mlp: GamutMlp, codes: Codes) -> bytes:
    """Return a network as the bytes that a file carries.

    Parameters
    ----------
    mlp : GamutMlp
        The network.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The codes that it was fitted to, by whose hash it knows them again.
    """
    return pack(mlp.network.state_dict(), {"format": FORMAT, "pixels": _digest(codes)})


def from_payload(payload: bytes, codes: Codes, origin: str) -> GamutMlp:
    """Return the network of a payload.

    Parameters
    ----------
    payload : bytes
        As of :func:`to_payload`; from anybody.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        Those of the file.
    origin : str
        The file's name, for errors.

    Raises
    ------
    PhotoError
        If it is damaged, or of other pixels.
    """
    network = PhotoNetwork.empty()
    try:
        if len(payload) > LARGEST:
            raise ValueError("it is too large")
        metadata, tensors = unpack(payload)
        if metadata.get("format") != FORMAT:
            raise ValueError("it is of another kind")
        network.load_state_dict(tensors)
        if not all(bool(weights.isfinite().all()) for weights in tensors.values()):
            raise ValueError("its weights are not finite")
        if any(weights.dtype != torch.float32 for weights in tensors.values()):
            raise ValueError("its weights are of another type")
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise PhotoError(
            f"The network that “{origin}” carries is damaged or from another version; choose "
            "another method."
        ) from error
    if metadata.get("pixels") != _digest(codes):
        raise PhotoError(
            f"“{origin}” was edited, resized or saved again since it got its network, which fits "
            "it no longer; choose another method."
        )
    network.eval().requires_grad_(False)
    return GamutMlp(network, *codes.shape[:2])


def _codes(photo: Photo) -> Codes:
    codes = photo.srgb_codes()
    if codes is None:
        raise PhotoError(f"“{photo.path}” is no sRGB photo; its own network fits sRGB alone.")
    return codes


def _digest(codes: Codes) -> str:
    """Return a hash of what a file shows: its depth, its size, its codes."""
    shape = f"{codes.dtype.name} {codes.shape}".encode()
    return hashlib.sha256(shape + codes.tobytes()).hexdigest()
