"""Writing TIFF from top to bottom, one row of tiles in memory, EXIF as real directories.

The directories stand behind the data (TIFF 6.0 lets them), since only then the places and
sizes of the tiles are known.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO, TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from core.files import metadata
from core.files.errors import FileError
from core.files.formats.tiff import PAYLOAD_TAG
from core.files.metadata import Directory, Entry

if TYPE_CHECKING:
    import numpy.typing as npt

    from core.files.target import Target

TILE = 256

_DEFLATE, _RGB, _UNASSOCIATED_ALPHA = 8, 2, 2
_HORIZONTAL, _FLOATING = 2, 3
_LEVEL = 6
_LARGEST = 2**32 - 2**20
_RESOLUTION_TAGS = (282, 283, 296)


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
        self._file.write(bytes(8))
        self._place = 8

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
        self._file.write(b"II*\0" + struct.pack("<I", start))

    def _write_band(self) -> None:
        is_float = self._target.dtype.kind == "f"
        predict = imagecodecs.floatpred_encode if is_float else imagecodecs.delta_encode
        for left in range(0, self._band.shape[1], TILE):
            tile = np.ascontiguousarray(self._band[:, left : left + TILE])
            data = zlib.compress(predict(tile, axis=-2).tobytes(), _LEVEL)
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
        directory = Directory()
        if target.exif is not None:
            kept = metadata.described(target.exif)
            directory.entries.update(kept.entries)
            directory.children.update(kept.children)
        if not all(tag in directory.entries for tag in _RESOLUTION_TAGS):
            directory.entries.update(
                zip(
                    _RESOLUTION_TAGS,
                    (Entry.rational(300, 1), Entry.rational(300, 1), Entry.shorts(2)),
                    strict=True,
                )
            )
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
            directory.entries[PAYLOAD_TAG] = Entry.opaque(target.payload)
        return directory
