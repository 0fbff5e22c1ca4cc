"""HEIC, through libheif, which turns the pixels upright itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pillow_heif

from core.files import isobmff
from core.files.errors import moving, unsupported
from core.files.formats.depth import stretched
from core.files.header import Header
from core.files.metadata import GAIN_MAP_LEFT_OUT, Metadata

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what libheif reports (see :mod:`core.files.formats`)."""
    data = path.read_bytes()
    # libheif fills what is missing of a grid with flat colour.
    try:
        images = isobmff.read_images(data)
    except isobmff.MotionError as error:
        raise moving(path, "HEIC") from error
    if images.photo.kind not in _READ:
        raise unsupported(path, _KINDS.get(images.photo.kind, "this kind of HEIF file"))
    isobmff.check_extents(data, images)
    isobmff.check_work(images)
    file = _opened(path)
    photo = file[file.primary_index]
    nclx = photo.info.get("nclx_profile")
    exif = photo.info.get("exif")
    width, height = photo.size
    return Header(
        "HEIC",
        width,
        height,
        int(photo.info.get("bit_depth", 8)),
        _CHANNELS[photo.mode.split(";")[0]],
        is_lossy=True,
        icc=photo.info.get("icc_profile") or None,
        cicp=(nclx["color_primaries"], nclx["transfer_characteristics"]) if nclx else None,
        metadata=Metadata(
            exif=exif.removeprefix(b"Exif\0\0") if exif else None,
            xmp=bytes(photo.info.get("xmp") or b"") or None,
        ),
        frames=len(file),
        is_premultiplied=bool(getattr(photo, "premultiplied_alpha", False)),
        notes=(GAIN_MAP_LEFT_OUT,) if _has_gain_map(photo) else (),
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[Any]:
    """Return the decoded codes (see :mod:`core.files.formats`)."""
    file = _opened(path)
    stored = np.asarray(file[file.primary_index])
    if stored.dtype == np.uint16:
        # libheif's wrapper shifts 10 and 12 bits to the top of 16, which leaves white too dark.
        return stretched(stored >> (16 - header.bits), header.bits)
    return stored


_READ = {b"hvc1", b"hev1", b"av01", b"grid", b"iden", b"iovl", b"tmap"}
_KINDS = {
    b"unci": "a HEIF file of uncompressed pixels",
    b"jpeg": "a HEIF file with JPEG inside",
    b"j2k1": "a HEIF file with JPEG 2000 inside",
    b"avc1": "a HEIF file with H.264 inside",
    b"vvc1": "a HEIF file with H.266 inside",
    b"evc1": "a HEIF file with EVC inside",
}
_CHANNELS = {"L": 1, "LA": 2, "La": 2, "I": 1, "RGB": 3, "RGBA": 4, "RGBa": 4}


def _has_gain_map(photo: Any) -> bool:
    return any("gainmap" in kind.lower() for kind in photo.info.get("aux") or {})


def _opened(path: Path) -> Any:
    return pillow_heif.open_heif(str(path), convert_hdr_to_8bit=False)
