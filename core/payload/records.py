"""What a file carries to bring its colours back: records, each for certain pixels and weights.

A record opens with 16 bytes: what it is, how long, in which colour space the colours of the
original lay, for which network and for which pixels it was made, and a checksum. An edited file
no longer has those pixels; what stays true of it is the source gamut.
"""

from __future__ import annotations

import enum
import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import PhotoError
from core.source_gamut import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.colour import ColourSpace
    from core.engine.tiling import Source

LARGEST = 23_000
"""Bytes of a record at most: what Le et al. 2023 need, and far less than a JPEG can carry."""

_MAGIC = b"gM"
_HEAD = struct.Struct(">2sBHBB2s5sH")
HEAD_SIZE = _HEAD.size
"""Bytes before the body of a record: 16."""

_CHECKSUM = struct.Struct(">H")
_ROWS_AT_ONCE = 256


class Kind(enum.Enum):
    """What a record holds; the number is in the file, and stands for its form, too."""

    HINT = 1
    NETWORK = 2


class DamagedError(PhotoError):
    """What a file carries is no sound sequence of records."""


@dataclass(frozen=True)
class Record:
    """One thing that a file carries.

    Attributes
    ----------
    kind : Kind
        What it is.
    source : ColourSpace or None
        The space in which the colours of the original lay, where it is known.
    model : bytes
        The first two bytes of the hash of the weights whose estimate it improves; zeros where it
        needs none.
    pixels : bytes
        Of :func:`fingerprint`: the codes that it was made for.
    body : bytes
        The rest, whose form is the business of its kind.
    detail : int
        A byte that says more about the form of the body.
    """

    kind: Kind
    source: ColourSpace | None
    model: bytes
    pixels: bytes
    body: bytes
    detail: int = 0

    def serialise(self) -> bytes:
        """Return the bytes that a file carries."""
        length = HEAD_SIZE + len(self.body)
        if length > LARGEST:
            raise ValueError(f"A record of {length} bytes is too large.")
        space = 0 if self.source is None else 1 + SOURCES.index(self.source)
        fields = (_MAGIC, self.kind.value, length, space, self.detail, self.model, self.pixels)
        head = _HEAD.pack(*fields, 0)[: -_CHECKSUM.size]
        return head + _CHECKSUM.pack(_checksum(head, self.body)) + self.body


def parsed(carried: bytes) -> tuple[Record, ...]:
    """Return the records that a file carries.

    Parameters
    ----------
    carried : bytes
        From anybody.

    Returns
    -------
    tuple of Record
        One of each kind at most.

    Raises
    ------
    DamagedError
        If it is anything else: cut off, changed, too large, or of another version.

    Examples
    --------
    >>> record = Record(Kind.HINT, None, bytes(2), bytes(5), b"steps")
    >>> parsed(record.serialise()) == (record,)
    True
    >>> parsed(record.serialise()[:-1])
    Traceback (most recent call last):
    core.payload.records.DamagedError: What the photo carries is damaged, or from another version.
    """
    found: dict[Kind, Record] = {}
    place = 0
    while place < len(carried):
        record, length = _record(carried, place)
        if record.kind in found:
            raise DamagedError("What the photo carries is damaged: it comes twice.")
        found[record.kind] = record
        place += length
    return tuple(found.values())


def joined(records: Sequence[Record]) -> bytes:
    """Return what a file carries for some records.

    Examples
    --------
    >>> hint = Record(Kind.HINT, None, bytes(2), bytes(5), b"steps")
    >>> network = Record(Kind.NETWORK, None, bytes(2), bytes(5), b"weights")
    >>> [record.kind.name for record in parsed(joined([hint, network]))]
    ['HINT', 'NETWORK']
    """
    return b"".join(record.serialise() for record in records)


def fingerprint(codes: Source) -> bytes:
    """Return five bytes that identify a photo's pixels: a hash of depth, size and codes.

    Parameters
    ----------
    codes : Source
        sRGB codes; read from top to bottom, a few rows at a time.

    Examples
    --------
    >>> from core.engine.tiling import ArraySource
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> before = fingerprint(ArraySource(codes))
    >>> codes[0, 0, 0] = 1
    >>> fingerprint(ArraySource(codes)) == before  # one code is another
    False
    """
    height = codes.shape[0]
    digest = hashlib.sha256()
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = codes.rows(top, min(top + _ROWS_AT_ONCE, height))
        if top == 0:
            digest.update(f"{rows.dtype.name} {tuple(codes.shape)}".encode())
        digest.update(np.ascontiguousarray(rows).data)
    return digest.digest()[:5]


def model_mark(sha256: str) -> bytes:
    """Return the two bytes by which a record knows the weights that it was made for.

    Examples
    --------
    >>> model_mark("2c26b46b68ffc68f").hex(), model_mark("").hex()
    ('2c26', '0000')
    """
    return bytes.fromhex(sha256[:4].ljust(4, "0"))


def _record(carried: bytes, place: int) -> tuple[Record, int]:
    damaged = DamagedError("What the photo carries is damaged, or from another version.")
    if len(carried) - place < HEAD_SIZE:
        raise damaged
    magic, number, length, space, detail, model, pixels, checksum = _HEAD.unpack_from(
        carried, place
    )
    known = number in {kind.value for kind in Kind}
    end = place + length
    if magic != _MAGIC or not known or not HEAD_SIZE <= length <= LARGEST or end > len(carried):
        raise damaged
    head = carried[place : place + HEAD_SIZE - _CHECKSUM.size]
    body = carried[place + HEAD_SIZE : end]
    if checksum != _checksum(head, body) or space > len(SOURCES):
        raise damaged
    source = SOURCES[space - 1] if space else None
    return Record(Kind(number), source, model, pixels, body, detail), length


def _checksum(head: bytes, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(head)) & 0xFFFF
