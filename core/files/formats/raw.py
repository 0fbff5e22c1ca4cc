"""Camera RAW, through LibRaw: a source of wide-gamut colour, developed without a look."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import rawpy
from PIL import JpegImagePlugin

from core.colour import PROPHOTO
from core.files import exif, metadata
from core.files.encoding import SpaceEncoding
from core.files.errors import unsupported
from core.files.exif import Entry
from core.files.formats import raw_extent, tiff
from core.files.formats.pillow import opened
from core.files.header import Header
from core.files.tiff_directory import COMPRESSION, TiffStructure

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what LibRaw reports (see :mod:`core.files.formats`)."""
    raw_extent.check(path)
    crop = _stated_crop(path)
    with rawpy.imread(str(path)) as raw:
        sizes = raw.sizes
        if 8 * path.stat().st_size < _LEAST_BITS * sizes.raw_width * sizes.raw_height:
            raise ValueError("far fewer bytes than pixels")
        rows, columns = _shown(crop, sizes)
        orientation = _ORIENTATIONS[sizes.flip]
        thumbnail = _thumbnail(raw)
        facts = raw.other
    with path.open("rb") as file:
        carried, notes = metadata.from_tiff(file)
    if carried.exif is None:
        known = _exif_of_jpeg(thumbnail) if thumbnail is not None else None
        carried = replace(carried, exif=_with_facts(known, facts))
        notes = (*notes, _RECORDS_LEFT_OUT)
    return Header(
        "camera RAW",
        columns.stop - columns.start,
        rows.stop - rows.start,
        16,
        3,
        orientation=orientation,
        stated=SpaceEncoding(PROPHOTO, linear=True, label="camera RAW, as linear ProPhoto RGB"),
        metadata=carried,
        notes=notes,
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.uint16]:
    """Return linear ProPhoto RGB at the camera's white balance, cropped as the file says."""
    crop = _stated_crop(path)
    with rawpy.imread(str(path)) as raw:
        _check_end(raw)
        developed = raw.postprocess(
            output_color=rawpy.ColorSpace.ProPhoto,
            gamma=(1.0, 1.0),
            no_auto_bright=True,
            use_camera_wb=True,
            output_bps=16,
            user_flip=0,
        )
        shown = _shown(crop, raw.sizes)
    return developed[shown].astype(np.uint16, copy=False)


_TIFF_SIGNATURES = (b"II*\0", b"MM\0*")
_JPEG_XL = 52546
_CROP_ORIGIN, _CROP_SIZE, _USER_CROP = 50719, 50720, 51125
_ORIENTATIONS = (1, 2, 4, 3, 5, 8, 6, 7)
"""Of EXIF, by LibRaw's word for it."""
_RECORDS_LEFT_OUT = (
    "The camera wrote its records in a form of its own; only camera, date, exposure and author "
    "are kept."
)

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


@dataclass(frozen=True)
class _Crop:
    """The part that a DNG wants shown, in pixels from the corner of its active area."""

    top: float
    left: float
    bottom: float
    right: float


def _stated_crop(path: Path) -> _Crop | None:
    """Return the crop of a DNG: DefaultCrop, and within it the photographer's (DNG 1.7, 4)."""
    with path.open("rb") as file:
        if file.read(4) not in _TIFF_SIGNATURES:
            return None
        structure = TiffStructure(file)
        pages = [page for page in tiff.every_page(structure) if structure.is_whole(page)]
        for page in pages:
            if structure.number(page, COMPRESSION) == _JPEG_XL:
                raise unsupported(path, "a DNG that is compressed with JPEG XL")
        for page in pages:
            origin = structure.fractions(page, _CROP_ORIGIN) or [0.0, 0.0]
            size = structure.fractions(page, _CROP_SIZE)
            if len(size) != 2 or len(origin) != 2:
                continue
            (left, top), (width, height) = origin, size
            inner = structure.fractions(page, _USER_CROP)
            if len(inner) != 4:
                inner = [0.0, 0.0, 1.0, 1.0]
            return _Crop(
                top + inner[0] * height,
                left + inner[1] * width,
                top + inner[2] * height,
                left + inner[3] * width,
            )
    return None


def _shown(crop: _Crop | None, sizes: Any) -> tuple[slice, slice]:
    """Return the rows and columns of a developed image that are to be seen.

    What was cropped away must not come back, and the dark borders that only LibRaw shows are no
    part of the photo: where a file states no crop, that of the camera's maker is taken.
    """
    width, height = sizes.iwidth, sizes.iheight
    if (width, height) != (sizes.width, sizes.height):
        return slice(0, height), slice(0, width)
    if crop is None:
        left = sizes.crop_left_margin - sizes.left_margin
        top = sizes.crop_top_margin - sizes.top_margin
        right, bottom = left + sizes.crop_width, top + sizes.crop_height
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            return slice(0, height), slice(0, width)
        return slice(top, bottom), slice(left, right)
    # A crop in fractions of a pixel is rounded to the inside.
    rows = slice(max(0, _up(crop.top)), min(height, _down(crop.bottom)))
    columns = slice(max(0, _up(crop.left)), min(width, _down(crop.right)))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise ValueError("a crop outside the image")
    return rows, columns


_NEARLY = 1e-3


def _up(place: float) -> int:
    return math.ceil(place - _NEARLY)


def _down(place: float) -> int:
    return math.floor(place + _NEARLY)


def _thumbnail(raw: rawpy.RawPy) -> bytes | None:
    try:
        thumbnail = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    return thumbnail.data if isinstance(thumbnail.data, bytes) else None


def _exif_of_jpeg(jpeg: bytes) -> bytes | None:
    try:
        with opened(JpegImagePlugin.JpegImageFile, io.BytesIO(jpeg)) as image:
            stored = image.info.get("exif")
    except (OSError, SyntaxError):
        return None
    return stored.removeprefix(b"Exif\0\0") if stored else None


def _with_facts(blob: bytes | None, facts: Any) -> bytes | None:
    """Return EXIF with what LibRaw knows of a file in a maker's own format."""
    try:
        main = exif.parse(blob) if blob is not None else exif.Directory()
    except ValueError:
        main = exif.Directory()
    inner = main.children.setdefault(exif.EXIF_IFD, exif.Directory(order=main.order))
    if facts.artist:
        main.entries.setdefault(exif.ARTIST, Entry.text(facts.artist))
    if facts.timestamp is not None and facts.timestamp.timestamp() > 0:
        stamp = Entry.text(f"{facts.timestamp:%Y:%m:%d %H:%M:%S}")
        inner.entries.setdefault(exif.DATE_TAKEN, stamp)
    if 0 < facts.iso_speed < 65535:
        inner.entries.setdefault(exif.SENSITIVITY, Entry.shorts(round(facts.iso_speed)))
    for tag, value in (
        (exif.EXPOSURE_TIME, facts.shutter_speed),
        (exif.F_NUMBER, facts.aperture),
        (exif.FOCAL_LENGTH, facts.focal_length),
    ):
        if 0 < value < 4000:
            inner.entries.setdefault(tag, Entry.rational(round(value * 1_000_000), 1_000_000))
    return exif.blob_from(main) if main.entries or inner.entries else None
