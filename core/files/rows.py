"""Reading a photo band by band, so that a large TIFF need not fit into memory."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.colour import SRGB, ColourSpace
from core.files.formats import tiff
from core.files.guard import guarded
from core.files.header import Header, Limits
from core.files.reading import Photo, PhotoInfo, decode, describe, read_header
from core.gamut import reduce

if TYPE_CHECKING:
    import os
    from types import TracebackType

    import numpy.typing as npt

    from core.files.encoding import Pixels
    from core.gamut import Codes


class _Source(Protocol):
    def rows(self, start: int, stop: int) -> Pixels: ...
    def close(self) -> None: ...


class RowReader:
    """A photo that is read from top to bottom; a context manager.

    Attributes
    ----------
    shape : tuple (H, W, 3)
        Of the upright photo.
    dtype : numpy dtype
        uint8, uint16 or float32.
    info : PhotoInfo
        What the file says about itself.
    metadata : Metadata
        EXIF and its kin, for upright pixels.
    payload : bytes or None
        Private data of this product.
    photo : Photo or None
        The whole photo where it had to be decoded at once; None where bands are decoded as they
        are asked for, which happens only to sRGB codes without alpha.
    """

    def __init__(
        self, source: _Source, header: Header, info: PhotoInfo, photo: Photo | None, dtype: Any
    ) -> None:
        self._source = source
        self.metadata = header.metadata.upright()
        self.payload = header.payload
        self.info = info
        self.photo = photo
        self.shape = (info.height, info.width, 3)
        self.dtype = np.dtype(dtype)

    @property
    def alpha(self) -> npt.NDArray[Any] | None:
        """Opacity of the whole photo, as in :class:`Photo`; None if there is none."""
        return self.photo.alpha if self.photo is not None else None

    @property
    def is_srgb_codes(self) -> bool:
        """Whether :meth:`rows` gives sRGB codes; otherwise see :meth:`Photo.scene`."""
        return self.photo is None or self.photo.srgb_codes() is not None

    def rows(self, start: int, stop: int) -> Pixels:
        """Return a band of stored values.

        Parameters
        ----------
        start, stop : int
            The first row, and the one after the last. Going down with small overlaps decodes
            nothing twice.

        Returns
        -------
        ndarray, shape (stop - start, W, 3)
            As in :class:`Photo`.

        Raises
        ------
        FileError
            If this part of the file is damaged.
        """
        if not 0 <= start <= stop <= self.shape[0]:
            raise ValueError(f"Rows {start} to {stop} are not in 0 to {self.shape[0]}.")
        return self._source.rows(start, stop)

    def srgb_codes(self) -> Codes:
        """Return the sRGB codes of the whole photo, reduced to 16 bits where it has others.

        Returns
        -------
        ndarray, uint8 or uint16, shape (H, W, 3)
        """
        if self.is_srgb_codes:
            return self.rows(0, self.shape[0])  # type: ignore[return-value]
        assert self.photo is not None
        return reduce(self.photo.scene(), 16)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> RowReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_rows(
    path: str | os.PathLike[str], *, limits: Limits | None = None, assume: ColourSpace = SRGB
) -> RowReader:
    """Open a photo to be read band by band.

    TIFF files of 8 or 16 bits in sRGB (or untagged), upright and without alpha, are decoded
    strip by strip or tile by tile; every other file at once.

    Parameters
    ----------
    path : path
        Any file that :func:`read` takes.
    limits : Limits, optional
        What is too large.
    assume : ColourSpace
        The space of files that do not say theirs.

    Returns
    -------
    RowReader

    Raises
    ------
    FileError
        If the file cannot be read as a photo.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> with open_rows(sample_photo()) as reader:
    ...     band = reader.rows(0, 64)
    >>> reader.info.height, band.shape
    (400, (64, 600, 3))
    """
    path = Path(path)
    header = read_header(path, limits or Limits())
    info = describe(path, header, assume)
    if (
        (header.format, header.orientation, info.space) == ("TIFF", 1, SRGB.key)
        and not info.linear
        and not header.is_float
    ):
        with guarded(path, header.format):
            segments = _TiffSegments.opened(path)
        if segments is not None:
            return RowReader(segments, header, info, None, segments.dtype)
    photo = decode(path, header, assume)
    return RowReader(_Whole(photo.pixels), header, info, photo, photo.pixels.dtype)


class _Whole:
    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    def rows(self, start: int, stop: int) -> Pixels:
        return self._pixels[start:stop]

    def close(self) -> None:
        pass


_BY_SEGMENTS = {tiff.UNCOMPRESSED, 5, 8, 32773, 32946, 50000}
"""Compressions whose strips and tiles are decoded on demand: none, LZW, Deflate (two codes),
PackBits, Zstandard."""


class _TiffSegments:
    """The strips or tiles of a TIFF page, decoded on demand; the latest bands are kept."""

    def __init__(self, path: Path, stack: contextlib.ExitStack, file: tiff.OpenTiff) -> None:
        layout = file.layout
        self._path = path
        self._stack = stack
        self._layout = layout
        self._decoder: Any = file.decoder
        self.dtype = np.dtype(np.uint8 if layout.bits == 8 else np.uint16)
        self._step, self._band = layout.tile or (layout.width, layout.rows_per_strip)
        self._bands: dict[int, npt.NDArray[Any]] = {}

    @classmethod
    def opened(cls, path: Path) -> _TiffSegments | None:
        """Return the segments of a file; None where only the whole reader is sure of it."""
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(tiff.opened(path))
            layout = file.layout
            plain = (
                (layout.photometric, layout.samples, layout.planar) == (tiff.RGB, 3, 1)
                and (layout.kind, layout.fill_order) == (tiff.UNSIGNED, 1)
                and layout.bits in (8, 16)
                and layout.compression in _BY_SEGMENTS
                and layout.predictor in ((1,) if layout.compression == 1 else (1, 2))
            )
            return cls(path, stack.pop_all(), file) if plain else None

    def rows(self, start: int, stop: int) -> Pixels:
        with guarded(self._path, "TIFF"):
            if self._layout.tile is None and self._layout.compression == tiff.UNCOMPRESSED:
                return self._uncompressed(start, stop)
            return self._from_bands(start, stop)

    def _from_bands(self, start: int, stop: int) -> Pixels:
        wanted = range(start // self._band, -(-stop // self._band))
        self._bands = {i: self._bands[i] for i in wanted if i in self._bands}
        out = np.empty((stop - start, self._layout.width, 3), self.dtype)
        for index in wanted:
            if index not in self._bands:
                self._bands[index] = self._decoded(index)
            top = index * self._band
            first, last = max(start, top), min(stop, top + self._band)
            out[first - start : last - start] = self._bands[index][first - top : last - top]
        return out

    def close(self) -> None:
        self._bands = {}
        self._stack.close()

    def _uncompressed(self, start: int, stop: int) -> Pixels:
        # A strip may be as long as the photo: only the rows that are asked for are read. Strips
        # stand anywhere, and may be padded.
        page = self._decoder
        stored = self.dtype.newbyteorder(page.parent.byteorder)
        row = self._layout.width * 3 * stored.itemsize
        out = np.empty((stop - start, self._layout.width, 3), self.dtype)
        done = start
        while done < stop:
            strip = done // self._band
            inside = done - strip * self._band
            count = min(stop - done, self._band - inside)
            page.parent.filehandle.seek(page.dataoffsets[strip] + inside * row)
            data = page.parent.filehandle.read(count * row)
            values = np.frombuffer(data, stored).reshape(count, self._layout.width, 3)
            out[done - start : done - start + count] = values
            done += count
        return out

    def _decoded(self, band: int) -> npt.NDArray[Any]:
        page, width = self._decoder, self._layout.width
        height = min(self._band, self._layout.length - band * self._band)
        out = np.empty((height, width, 3), self.dtype)
        across = -(-width // self._step)
        for column in range(across):
            index = band * across + column
            page.parent.filehandle.seek(page.dataoffsets[index])
            data = page.parent.filehandle.read(page.databytecounts[index])
            segment, _, _ = page.decode(data, index)
            left = column * self._step
            piece = segment[0, :height, : width - left]
            out[:, left : left + self._step] = tiff.normalised(self._layout, piece)
        return out
