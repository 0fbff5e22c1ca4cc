"""AVIF: boxes by hand, pixels through libavif: Pillow for 8 bits, imagecodecs for 10 and 12."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from PIL import AvifImagePlugin

from core.files import isobmff
from core.files.errors import FileError, moving, unsupported
from core.files.formats import av1
from core.files.formats.depth import stretched
from core.files.formats.pillow import opened
from core.files.header import Header
from core.files.metadata import GAIN_MAP_LEFT_OUT, Metadata

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_IDENTITY = 0
_NOT_IMPLEMENTED = "Not implemented"
"""What libavif says of sound files that it does not read; both libraries pass it on."""
_LONGEST_SIDE, _MOST_PIXELS = 1 << 15, 1 << 28
_READ = {b"av01", b"grid", b"tmap", b"iden"}


def read_header(path: Path) -> Header:
    """Return what the boxes say (see :mod:`core.files.formats`)."""
    data = path.read_bytes()
    try:
        images = isobmff.read_images(data)
    except isobmff.MotionError as error:
        raise moving(path, "AVIF") from error
    photo = images.photo
    if photo.kind not in _READ:
        raise unsupported(path, "this kind of AVIF file")
    extent = photo.property(b"ispe")
    if extent is None:
        raise ValueError("the image has no size")
    _check_decodable(path, images)
    isobmff.check_extents(data, images)
    isobmff.check_work(images)
    rows, columns = isobmff.aperture(photo, *struct.unpack_from(">4xII", extent))
    width, height = columns.stop - columns.start, rows.stop - rows.start
    if _turns(photo) % 2:
        width, height = height, width
    pixi = photo.property(b"pixi")
    config = photo.property(b"av1C")
    bits = pixi[5] if pixi is not None and len(pixi) > 5 else 8
    if pixi is None and config is not None:
        bits = (12 if config[2] & 0x20 else 10) if config[2] & 0x40 else 8
    icc, cicp, lossy = None, None, True
    for kind, content in photo.properties:
        if kind == b"colr" and content[:4] in (b"prof", b"rICC"):
            icc = content[4:]
        elif kind == b"colr" and content[:4] == b"nclx":
            primaries, transfer, matrix = struct.unpack_from(">HHH", content, 4)
            cicp = primaries, transfer
            lossy = matrix != _IDENTITY or not av1.is_lossless(isobmff.item_data(data, photo))
    alpha = any(
        b"alpha" in (item.property(b"auxC") or b"")
        for number, item in images.items.items()
        if number != images.primary
    )
    frames = 2 if data[8:12] == b"avis" else 1
    return Header(
        "AVIF",
        width,
        height,
        bits,
        4 if alpha else 3,
        is_lossy=lossy,
        icc=icc,
        cicp=cicp,
        metadata=Metadata(exif=isobmff.exif_of(images, data), xmp=isobmff.xmp_of(images, data)),
        frames=frames,
        notes=(GAIN_MAP_LEFT_OUT,) if images.has_gain_map else (),
    )


def read_pixels(path: Path, header: Header) -> npt.NDArray[Any]:
    """Return the decoded codes, turned as the boxes say (see :mod:`core.files.formats`)."""
    data = path.read_bytes()
    images = isobmff.read_images(data)
    photo = images.photo
    if images.has_gain_map and photo.kind != isobmff.GAIN_MAP:
        data = isobmff.without_gain_map(data)
    if header.bits != 8 and header.frames > 1:
        # imagecodecs corrupts its memory when asked for the first frame of an animation.
        raise FileError(
            f"“{path}” is an animated AVIF of {header.bits} bits; save a still picture."
        )
    try:
        pixels = _decoded(data, header.bits)
    except (RuntimeError, SyntaxError) as error:
        if _NOT_IMPLEMENTED in str(error):
            raise NotImplementedError(str(error)) from error
        raise
    # The order that MIAF demands: crop, turn, mirror (ISO/IEC 23000-22, 7.3.6.7).
    pixels = pixels[isobmff.aperture(photo, pixels.shape[1], pixels.shape[0])]
    turned = np.rot90(pixels, _turns(photo))
    mirror = photo.property(b"imir")
    if mirror is None:
        return turned
    # ISO/IEC 23008-12:2022, 6.5.12: 0 exchanges top and bottom, 1 left and right.
    return turned[:, ::-1] if mirror[0] & 1 else turned[::-1]


def _decoded(data: bytes, bits: int) -> npt.NDArray[Any]:
    if bits != 8:
        return stretched(imagecodecs.avif_decode(data), bits)
    with opened(AvifImagePlugin.AvifImageFile, io.BytesIO(data)) as image:
        return np.asarray(image)


def _check_decodable(path: Path, images: isobmff.Images) -> None:
    """Refuse what libavif refuses for its size, which would look like damage."""
    for item in images.items.values():
        extent = item.property(b"ispe")
        if extent is None or len(extent) < 12:
            continue
        width, height = struct.unpack_from(">4xII", extent)
        if max(width, height) > _LONGEST_SIDE or width * height > _MOST_PIXELS:
            raise FileError(
                f"“{path}” has {width} × {height} pixels, more than the "
                f"{_MOST_PIXELS / 1e6:.0f} megapixels (sides of {_LONGEST_SIDE}) that are read of "
                "an AVIF; make it smaller in another program first."
            )


def _turns(photo: isobmff.Item) -> int:
    rotation = photo.property(b"irot")
    return rotation[0] & 3 if rotation else 0
