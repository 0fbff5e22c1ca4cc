"""Camera RAW, through LibRaw: a source of wide-gamut colour, developed without a look."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import rawpy
from PIL import JpegImagePlugin

from core.colour import PROPHOTO
from core.files import metadata
from core.files.encoding import SpaceEncoding
from core.files.errors import unsupported
from core.files.formats import tiff
from core.files.formats.pillow import opened
from core.files.header import Header
from core.files.tiff_directory import COMPRESSION, TiffStructure

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what LibRaw reports (see :mod:`core.files.formats`)."""
    _check_tiff(path)
    with rawpy.imread(str(path)) as raw:
        sizes = raw.sizes
        if 8 * path.stat().st_size < _LEAST_BITS * sizes.raw_width * sizes.raw_height:
            raise ValueError("far fewer bytes than pixels")
        width, height = sizes.iwidth, sizes.iheight
        if sizes.flip in (5, 6):
            width, height = height, width
        thumbnail = _thumbnail(raw)
    with path.open("rb") as file:
        carried, notes = metadata.from_tiff(file)
    if carried.exif is None and thumbnail is not None:
        carried = replace(carried, exif=_exif_of_jpeg(thumbnail))
    return Header(
        "camera RAW",
        width,
        height,
        16,
        3,
        stated=SpaceEncoding(PROPHOTO, linear=True, label="camera RAW, as linear ProPhoto RGB"),
        metadata=carried,
        notes=notes,
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.uint16]:
    """Return linear ProPhoto RGB at the camera's white balance, upright."""
    with rawpy.imread(str(path)) as raw:
        _check_end(raw)
        developed = raw.postprocess(
            output_color=rawpy.ColorSpace.ProPhoto,
            gamma=(1.0, 1.0),
            no_auto_bright=True,
            use_camera_wb=True,
            output_bps=16,
        )
    return developed.astype(np.uint16, copy=False)


_TIFF_SIGNATURES = (b"II*\0", b"MM\0*")
_JPEG_XL = 52546


_LEAST_BITS = 0.5
"""No camera compresses a pixel into fewer."""
_LEAST_ROWS = 8


def _check_end(raw: rawpy.RawPy) -> None:
    # LibRaw conceals data that break off: the last rows repeat. The noise of a sensor never does,
    # but where it is blinded by light.
    mosaic = raw.raw_image_visible
    if mosaic is None or mosaic.ndim != 2 or len(mosaic) < 4 * _LEAST_ROWS:
        return
    end = mosaic[-_LEAST_ROWS - 2 :]
    if np.array_equal(end[2:], end[:-2]) and end.max() < mosaic.max():
        raise ValueError("the raw data ends before the image does")


def _check_tiff(path: Path) -> None:
    """Refuse what LibRaw would fill in with flat colour, or not know (DNG, NEF, CR2, ARW, ...)."""
    with path.open("rb") as file:
        if file.read(4) not in _TIFF_SIGNATURES:
            return
        structure = TiffStructure(file)
        for page in tiff.every_page(structure):
            structure.check_extents(page)
            if structure.number(page, COMPRESSION) == _JPEG_XL:
                raise unsupported(path, "a DNG that is compressed with JPEG XL")


def _thumbnail(raw: rawpy.RawPy) -> bytes | None:
    try:
        thumbnail = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    return thumbnail.data if isinstance(thumbnail.data, bytes) else None


def _exif_of_jpeg(jpeg: bytes) -> bytes | None:
    try:
        with opened(JpegImagePlugin.JpegImageFile, io.BytesIO(jpeg)) as image:
            exif = image.info.get("exif")
    except (OSError, SyntaxError):
        return None
    return exif.removeprefix(b"Exif\0\0") if exif else None
