"""A photo's own network as a record: weights of six bits, entropy-coded."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import torch

from core.engine.tiling import ArraySource
from core.payload.gamut_mlp import FORMS, LEVELS, GamutMlp, PhotoNetwork, unit_of
from core.payload.records import Kind, Record, fingerprint, model_mark

if TYPE_CHECKING:
    from core.colour import ColourSpace
    from core.gamut import Codes

_UNITS = struct.Struct(">3f")
_RAW_DEFLATE = -15
_LARGEST_UNIT = 1e3


def network_record(mlp: GamutMlp, codes: Codes, source: ColourSpace | None, sha256: str) -> Record:
    """Return a network as a file carries it.

    Parameters
    ----------
    mlp : GamutMlp
        The network.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The codes that it was fitted to.
    source : ColourSpace or None
        The space in which the colours of the original lie.
    sha256 : str
        Of the weights whose estimate it corrects; empty where it corrects the naive inversion.

    Examples
    --------
    >>> from core.payload.gamut_mlp import fresh
    >>> network = fresh(FORMS["0.5"], torch.Generator().manual_seed(0)).requires_grad_(False)
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> record = network_record(GamutMlp(network, 4, 6), codes, None, "")
    >>> record.kind.name, len(record.body) < FORMS["0.5"].parameters  # less than a byte a weight
    ('NETWORK', True)
    """
    form = mlp.network.form
    units, levels = [], []
    for layer in mlp.network.layers:
        unit = unit_of(layer.weight)
        units.append(float(unit))
        levels.append(torch.round(layer.weight / unit).to(torch.int8).numpy().ravel())
    # Deflate without repetitions is a Huffman code: the weights are noise but for their spread.
    coder = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE, 9, zlib.Z_HUFFMAN_ONLY)
    body = _UNITS.pack(*units) + coder.compress(np.concatenate(levels).tobytes()) + coder.flush()
    number = list(FORMS.values()).index(form)
    mark = model_mark(sha256)
    pixels = fingerprint(ArraySource(codes))
    return Record(Kind.NETWORK, source, mark, pixels, body, number)


def network_of(record: Record, height: int, width: int) -> GamutMlp:
    """Return the network of a record.

    Parameters
    ----------
    record : Record
        From anybody; whether it fits the photo is not looked at.
    height, width : int
        Of the photo, in pixels.

    Raises
    ------
    ValueError
        If it holds no network. It costs no more memory than one.

    Examples
    --------
    >>> from core.payload.gamut_mlp import fresh
    >>> network = fresh(FORMS["0.5"], torch.Generator().manual_seed(0)).requires_grad_(False)
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> again = network_of(network_record(GamutMlp(network, 4, 6), codes, None, ""), 4, 6)
    >>> unit = unit_of(network.last.weight)
    >>> bool(((again.network.last.weight - network.last.weight).abs() <= 0.51 * unit).all())
    True
    """
    forms = list(FORMS.values())
    if record.kind is not Kind.NETWORK or record.detail >= len(forms):
        raise ValueError("this is no network of a known form")
    form = forms[record.detail]
    if len(record.body) < _UNITS.size:
        raise ValueError("the network breaks off")
    units = _UNITS.unpack_from(record.body)
    if not all(0.0 <= unit <= _LARGEST_UNIT for unit in units):
        raise ValueError("its weights are no sound numbers")
    decoder = zlib.decompressobj(_RAW_DEFLATE)
    try:
        raw = decoder.decompress(record.body[_UNITS.size :], form.parameters + 1)
    except zlib.error as error:
        raise ValueError("its weights are damaged") from error
    levels = np.frombuffer(raw, np.int8)
    whole = decoder.eof and not decoder.unused_data
    if not whole or len(levels) != form.parameters or np.abs(levels.astype(int)).max() > LEVELS:
        raise ValueError("its weights are damaged")
    network = PhotoNetwork.empty(form)
    place = 0
    with torch.no_grad():
        for layer, unit in zip(network.layers, units, strict=True):
            count = layer.weight.numel()
            part = levels[place : place + count].astype(np.float32) * np.float32(unit)
            layer.weight.copy_(torch.from_numpy(part).reshape(layer.weight.shape))
            place += count
    network.eval().requires_grad_(False)
    return GamutMlp(network, height, width)
