"""Reading a photo band by band, so that a large TIFF need not fit into memory."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from core.colour import SRGB, ColourSpace
from core.files.errors import damaged
from core.files.formats import tiff
from core.files.header import Header, Limits
from core.files.reading import Photo, PhotoInfo, describe, read, read_header

if TYPE_CHECKING:
    import os
    from types import TracebackType

    import numpy.typing as npt
    import tifffile

    from core.files.encoding import Pixels


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
    """
    path = Path(path)
    header = read_header(path, limits or Limits())
    info = describe(path, header, assume)
    if header.format == "TIFF" and info.space == SRGB.key and not info.linear:
        try:
            segments = _TiffSegments.opened(path, header)
        except Exception as error:
            raise damaged(path, header.format) from error
        if segments is not None:
            return RowReader(segments, header, info, None, segments.dtype)
    photo = read(path, limits=limits, assume=assume)
    return RowReader(_Whole(photo.pixels), header, info, photo, photo.pixels.dtype)


class _Whole:
    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    def rows(self, start: int, stop: int) -> Pixels:
        return self._pixels[start:stop]

    def close(self) -> None:
        pass


class _TiffSegments:
    """The strips or tiles of a TIFF page, decoded on demand; the latest bands are kept."""

    def __init__(self, path: Path, stack: contextlib.ExitStack, file: tifffile.TiffFile) -> None:
        page: Any = file.pages[0]
        self._path = path
        self._stack = stack
        self._file = file
        self._page = page
        self._width = page.imagewidth
        self._height = page.imagelength
        self.dtype = np.dtype(np.uint8 if page.bitspersample == 8 else np.uint16)
        if page.is_tiled:
            self._band, self._step = page.tilelength, page.tilewidth
        else:
            self._band, self._step = min(page.rowsperstrip, page.imagelength), self._width
        self._bands: dict[int, npt.NDArray[Any]] = {}

    @classmethod
    def opened(cls, path: Path, header: Header) -> _TiffSegments | None:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(tiff.opened(path))
            page: Any = file.pages[0]
            fits = (
                page.photometric in (2, 6)
                and page.samplesperpixel == 3
                and page.planarconfig == 1
                and page.bitspersample in (8, 16)
                and header.orientation == 1
            )
            return cls(path, stack.pop_all(), file) if fits else None

    def rows(self, start: int, stop: int) -> Pixels:
        try:
            if not self._page.is_tiled and self._page.compression == 1 and self._is_contiguous():
                return self._uncompressed(start, stop)
            wanted = range(start // self._band, -(-stop // self._band))
            self._bands = {i: self._bands[i] for i in wanted if i in self._bands}
            out = np.empty((stop - start, self._width, 3), self.dtype)
            for index in wanted:
                if index not in self._bands:
                    self._bands[index] = self._decoded(index)
                top = index * self._band
                first, last = max(start, top), min(stop, top + self._band)
                out[first - start : last - start] = self._bands[index][first - top : last - top]
        except Exception as error:
            raise damaged(self._path, "TIFF") from error
        return out

    def close(self) -> None:
        self._bands = {}
        self._stack.close()

    def _is_contiguous(self) -> bool:
        offsets, counts = self._page.dataoffsets, self._page.databytecounts
        return all(
            start + count == after
            for start, count, after in zip(offsets[:-1], counts[:-1], offsets[1:], strict=True)
        )

    def _uncompressed(self, start: int, stop: int) -> Pixels:
        row = self._width * 3
        stored = self.dtype.newbyteorder(self._file.byteorder)
        handle = self._file.filehandle
        handle.seek(self._page.dataoffsets[0] + start * row * stored.itemsize)
        data = handle.read((stop - start) * row * stored.itemsize)
        values = np.frombuffer(data, stored).reshape(stop - start, self._width, 3)
        codes: Pixels = values.astype(self.dtype)
        return codes

    def _decoded(self, band: int) -> npt.NDArray[Any]:
        page = self._page
        height = min(self._band, self._height - band * self._band)
        out = np.zeros((height, self._width, 3), self.dtype)
        across = -(-self._width // self._step)
        for column in range(across):
            index = band * across + column
            self._file.filehandle.seek(page.dataoffsets[index])
            data = self._file.filehandle.read(page.databytecounts[index])
            segment, _, _ = page.decode(
                data, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
            )
            if segment is None:
                continue
            left = column * self._step
            piece = segment[0, :height, : self._width - left]
            out[: piece.shape[0], left : left + piece.shape[1]] = tiff.normalised(page, piece)
        return out
