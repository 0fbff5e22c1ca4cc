"""Writing TIFF from top to bottom, one row of tiles in memory, EXIF at its own place.

The first directory stands behind the data (TIFF 6.0 lets it), since only then the places and
sizes of the tiles are known. EXIF stands before them, byte for byte as it was: the file takes
its byte order, and the first directory points into it. So makers' notes, whose places count
from the start of the file, stay true.
"""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from core.files import exif
from core.files.errors import FileError
from core.files.exif import Directory, Entry
from core.files.payloads import TIFF_TAG

if TYPE_CHECKING:
    import numpy.typing as npt

    from core.files.target import Target

TILE = 256

_DEFLATE, _RGB, _UNASSOCIATED_ALPHA = 8, 2, 2
_HORIZONTAL, _FLOATING = 2, 3
_LEVEL = 6
_LARGEST = 2**32 - 2**20
_RESOLUTION = (exif.X_RESOLUTION, exif.Y_RESOLUTION, exif.RESOLUTION_UNIT)
_HEADER = 8


class TiffStream:
    """A tiled, deflated TIFF with predictor that takes rows as they come.

    Parameters
    ----------
    file : binary file
        Empty, seekable.
    target : Target
        Size, type, profile and metadata.
    """

    def __init__(self, file: IO[bytes], target: Target) -> None:
        self._file = file
        self._target = target
        across = -(-target.width // TILE)
        self._band = np.zeros((TILE, across * TILE, target.channels), target.dtype)
        self._filled = 0
        self._offsets: list[int] = []
        self._sizes: list[int] = []
        blob = target.metadata.exif
        self._described, self._pointers = (
            exif.described(blob) if blob is not None else (Directory(), {})
        )
        self._order = self._described.order
        self._file.write(bytes(_HEADER))
        self._place = _HEADER
        if blob is not None and self._pointers:
            self._append(blob[_HEADER:])
            self._append(bytes(self._place % 2))

    def write(self, values: npt.NDArray[Any]) -> None:
        """Take rows of final values, shape (h, W, C), of the target's dtype."""
        taken = 0
        while taken < len(values):
            count = min(TILE - self._filled, len(values) - taken)
            rows = slice(self._filled, self._filled + count)
            self._band[rows, : self._target.width] = values[taken : taken + count]
            self._filled += count
            taken += count
            if self._filled == TILE:
                self._write_band()

    def finish(self) -> None:
        """Write what is left, then the directories."""
        if self._filled:
            self._band[self._filled :] = 0
            self._write_band()
        self._append(bytes(self._place % 2))
        start = self._place
        self._append(self._directory().serialise(start))
        self._file.seek(0)
        mark = b"II*\0" if self._order == "<" else b"MM\0*"
        self._file.write(mark + struct.pack(self._order + "I", start))

    def _write_band(self) -> None:
        is_float = self._target.dtype.kind == "f"
        predict = imagecodecs.floatpred_encode if is_float else imagecodecs.delta_encode
        for left in range(0, self._band.shape[1], TILE):
            tile = np.ascontiguousarray(self._band[:, left : left + TILE])
            predicted = predict(tile, axis=-2)
            if not is_float and self._order == ">":
                # The predictor of floats has a byte order of its own.
                predicted = predicted.astype(predicted.dtype.newbyteorder(">"))
            data = bytes(imagecodecs.deflate_encode(predicted.tobytes(), level=_LEVEL))
            self._offsets.append(self._place)
            self._sizes.append(len(data))
            self._append(data)
        self._filled = 0

    def _append(self, data: bytes) -> None:
        self._place += len(data)
        if self._place > _LARGEST:
            raise FileError(
                "The result would be larger than the 4 GB that a TIFF can hold; choose JPEG XL."
            )
        self._file.write(data)

    def _directory(self) -> Directory:
        target = self._target
        directory = Directory(order=self._order)
        directory.entries.update(self._described.entries)
        directory.entries.update({tag: Entry.longs(place) for tag, place in self._pointers.items()})
        if target.metadata.resolution is not None:
            directory.entries.update(
                zip(_RESOLUTION, target.metadata.resolution.entries(), strict=True)
            )
        if target.metadata.xmp is not None:
            directory.entries[exif.XMP_TAG] = Entry.octets(target.metadata.xmp)
        if target.metadata.iptc is not None:
            directory.entries[exif.IPTC_TAG] = Entry.opaque(target.metadata.iptc)
        is_float = target.dtype.kind == "f"
        bits = 8 * target.dtype.itemsize
        directory.entries.update(
            {
                254: Entry.longs(0),
                256: Entry.longs(target.width),
                257: Entry.longs(target.height),
                258: Entry.shorts(*[bits] * target.channels),
                259: Entry.shorts(_DEFLATE),
                262: Entry.shorts(_RGB),
                274: Entry.shorts(1),
                277: Entry.shorts(target.channels),
                284: Entry.shorts(1),
                305: Entry.text(target.software),
                317: Entry.shorts(_FLOATING if is_float else _HORIZONTAL),
                322: Entry.longs(TILE),
                323: Entry.longs(TILE),
                324: Entry.longs(*self._offsets),
                325: Entry.longs(*self._sizes),
                339: Entry.shorts(*[3 if is_float else 1] * target.channels),
                34675: Entry.opaque(target.icc),
            }
        )
        if target.channels == 4:
            directory.entries[338] = Entry.shorts(_UNASSOCIATED_ALPHA)
        if target.payload is not None:
            directory.entries[TIFF_TAG] = Entry.opaque(target.payload)
        return directory
