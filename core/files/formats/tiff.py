"""TIFF 6.0 and BigTIFF, through tifffile and imagecodecs."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from core.files import exif, metadata
from core.files.errors import FileError
from core.files.formats.depth import stretched
from core.files.header import Header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

PAYLOAD_TAG = 65271
"""A tag of the private range, for data of this product."""

_PHOTOMETRIC_WORDS = {5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab", 10: "Lab", 32844: "LogL"}
_LOSSY = {6, 7, 33007, 34892, 34933, 50001, 50002}
_JPEG = {6, 7}
_CFA = {32803, 34892}
_ICC_TAG, _DNG_TAG, _REDUCED = 34675, 50706, 1
_ASSOCIATED_ALPHA = 1
_MOST_CHANNELS = 16

# tifffile reports oddities of a file through its logger; without a handler they would be
# printed raw. What matters of them reaches people as an error or a note.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def is_raw(path: Path) -> bool:
    """Return whether a TIFF file holds a camera's raw data (DNG, NEF, ARW, CR2, ...)."""
    try:
        with opened(path) as tiff:
            page = _first_page(tiff)
            if _DNG_TAG in page.tags or page.photometric in _CFA:
                return True
            return any(sub.photometric in _CFA for sub in page.pages or ())
    except Exception:
        # Not even its directories can be read: the TIFF reader will say so.
        return False


def check_dng(path: Path) -> None:
    """Raise a ValueError for a DNG whose data end early; LibRaw would fill in and print."""
    with opened(path) as tiff:
        page = _first_page(tiff)
        if _DNG_TAG not in page.tags:
            return
        for one in (page, *(page.pages or ())):
            _check_extents(path, one)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file; tifffile itself forgets to close one that is damaged."""
    with path.open("rb") as file, tifffile.TiffFile(file, name=path.name) as tiff:
        yield tiff


def read_header(path: Path) -> Header:
    """Return what the first directory says (see :mod:`core.files.formats`)."""
    with opened(path) as tiff:
        page = _first_page(tiff)
        _refuse_unusable(path, page)
        frames = sum(not int(_tag(one, 254) or 0) & _REDUCED for one in tiff.pages)
        icc = _tag(page, _ICC_TAG)
        payload = _tag(page, PAYLOAD_TAG)
        with path.open("rb") as file:
            carried, notes = metadata.from_tiff(file)
        alpha = bool(page.extrasamples) and page.photometric != 3
        return Header(
            "TIFF",
            int(page.imagewidth),
            int(page.imagelength),
            int(page.bitspersample),
            3 if page.photometric == 3 else min(int(page.samplesperpixel), 4),
            is_float=page.sampleformat == 3,
            is_lossy=page.compression in _LOSSY,
            orientation=int(_tag(page, exif.ORIENTATION) or 1),
            icc=bytes(icc) if isinstance(icc, bytes) else None,
            metadata=carried,
            frames=frames,
            is_premultiplied=alpha and int(page.extrasamples[0]) == _ASSOCIATED_ALPHA,
            payload=bytes(payload) if isinstance(payload, bytes) else None,
            notes=notes,
        )


def read_pixels(path: Path, header: Header) -> npt.NDArray[Any]:
    """Return the decoded codes or float values (see :mod:`core.files.formats`)."""
    with opened(path) as tiff:
        page = _first_page(tiff)
        stored = page.asarray()
        if page.planarconfig == 2 and stored.ndim == 3:
            stored = np.moveaxis(stored, 0, -1)
        if page.photometric == 3:
            return _coloured(page, stored)
    return normalised(page, stored)


def normalised(page: Any, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values as tifffile decodes them over a whole range, black at 0.

    Parameters
    ----------
    page : tifffile.TiffPage
        Where they come from.
    stored : ndarray, any numeric dtype
        Decoded values.

    Returns
    -------
    ndarray, uint8, uint16 or float32
    """
    if page.sampleformat == 3:
        return stored.astype(np.float32)
    codes = stretched(stored, int(page.bitspersample))
    if page.photometric == 0:
        # White is zero: only grey images have it, alpha stays.
        codes = codes.copy()
        grey = codes if codes.ndim == 2 else codes[..., 0]
        np.subtract(np.iinfo(codes.dtype).max, grey, out=grey)
    return codes


def _coloured(page: Any, indices: npt.NDArray[Any]) -> npt.NDArray[Any]:
    table = page.colormap
    if table.max() < 256:
        # Old writers store 8-bit colour maps.
        return np.moveaxis(table.astype(np.uint8)[:, indices], 0, -1)
    eight = (table >> 8).astype(np.uint8)
    if np.array_equal(eight.astype(np.uint16) * 257, table) or not (table & 255).any():
        return np.moveaxis(eight[:, indices], 0, -1)
    return np.moveaxis(table[:, indices], 0, -1)


def _first_page(tiff: Any) -> Any:
    return tiff.pages[0]


def _tag(page: Any, code: int) -> Any:
    found = page.tags.get(code)
    return None if found is None else found.value


def _refuse_unusable(path: Path, page: Any) -> None:
    photometric, compression = int(page.photometric), int(page.compression)
    word = _PHOTOMETRIC_WORDS.get(photometric)
    if word == "YCbCr" and compression in _JPEG:
        word = None
    if photometric == 1 and page.samplesperpixel >= 3 and not page.extrasamples:
        word = "many-channel"
    if word is not None:
        raise FileError(f"“{path}” is a {word} TIFF; convert it to RGB in a photo editor first.")
    if photometric not in (0, 1, 2, 3, 6):
        raise FileError(f"“{path}” is a TIFF of an unusual kind; save it as RGB TIFF first.")
    if page.imagedepth != 1 or page.samplesperpixel > _MOST_CHANNELS:
        raise FileError(f"“{path}” is a volume or has too many channels; save a flat RGB photo.")
    bits, kind = page.bitspersample, int(page.sampleformat)
    if isinstance(bits, tuple) or kind not in (1, 3) or (kind == 1 and bits > 16):
        raise FileError(
            f"“{path}” stores its values in an unusual way; save it as 8-bit, 16-bit or float TIFF."
        )
    _check_extents(path, page)
    if page.is_tiled and page.tilewidth * page.tilelength > 4 * max(
        1 << 22, page.imagewidth * page.imagelength
    ):
        raise ValueError("tiles far larger than the image")


def _check_extents(path: Path, page: Any) -> None:
    size = path.stat().st_size
    places = zip(page.dataoffsets, page.databytecounts, strict=False)
    if not page.dataoffsets or any(start + count > size for start, count in places):
        raise ValueError("the data ends before the image does")
