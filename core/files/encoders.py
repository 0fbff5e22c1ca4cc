"""Whole images to the bytes of a file in any format, with profile and metadata."""

from __future__ import annotations

import errno
import io
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import OpenImageIO
from PIL import Image

from core.files import isobmff, xmp
from core.files.errors import FileError
from core.files.formats import jpeg, jpeg_segments, jxl, png, png_text
from core.files.payloads import PNG_CHUNK, webp_with

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from core.files.metadata import Metadata
    from core.files.target import Target

CODE_POINTS = {"srgb": (1, 13), "display-p3": (12, 13), "rec2020": (9, 14)}
"""Colour primaries and transfer characteristics (ITU-T H.273) of the spaces that have them."""

_UNSPECIFIED = (2, 2)
_ALMOST_FULL = 1 << 16
_AVIF_SPEED = 6


def png_file(codes: npt.NDArray[Any], target: Target) -> bytes:
    """Return a PNG: codes uint8 or uint16 of shape (H, W, 3 or 4).

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3 or 4)
        Encoded values of the target's space, straight opacity behind them.
    target : Target
        Everything else.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.profile import icc_profile
    >>> from core.files.target import Target
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> target = Target(
    ...     6, 4, 3, codes.dtype, 8, DISPLAY_P3, icc_profile(DISPLAY_P3), software="gamut"
    ... )
    >>> file = png_file(codes, target)
    >>> [part in file for part in (b"cICP", b"iCCP", b"gamut")]
    [True, True, True]
    """
    chunks = []
    points = CODE_POINTS.get(target.space.key)
    if points is not None:
        chunks.append((b"cICP", bytes([*points, 0, 1])))
    chunks.append(png.profile_chunk(target.space.name, target.icc))
    chunks += png_text.written_metadata(target.metadata)
    if target.payload is not None:
        chunks.append((PNG_CHUNK, target.payload))
    chunks.append((b"tEXt", b"Software\0" + target.software.encode("latin-1", "replace")))
    image = bytes(imagecodecs.png_encode(codes, level=target.compression))
    return png.insert_chunks(image, chunks)


def jpeg_file(codes: npt.NDArray[np.uint8], target: Target) -> bytes:
    """Return a JPEG without chroma subsampling: codes uint8 of shape (H, W, 3).

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.profile import icc_profile
    >>> from core.files.target import Target
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> target = Target(6, 4, 3, codes.dtype, 8, DISPLAY_P3, icc_profile(DISPLAY_P3), quality=90)
    >>> file = jpeg_file(codes, target)
    >>> file[:2].hex(), target.icc in file
    ('ffd8', True)
    """
    buffer = io.BytesIO()
    exif, resolution = target.metadata.exif, target.metadata.resolution
    across, down = resolution.dots_per_inch if resolution is not None else (0.0, 0.0)
    Image.fromarray(codes).save(
        buffer,
        "JPEG",
        quality=target.quality,
        subsampling=0,
        icc_profile=target.icc,
        exif=b"Exif\0\0" + exif if exif is not None else b"",
        dpi=(round(across), round(down)),
    )
    file = buffer.getvalue()
    more = jpeg_segments.written_metadata(_with_software(target))
    if target.payload is not None:
        more += jpeg.segments(target.payload)
    place = 2
    while file[place] == 0xFF and 0xE0 <= file[place + 1] <= 0xEF:
        place += 2 + int.from_bytes(file[place + 2 : place + 4], "big")
    return file[:place] + more + file[place:]


def webp_file(codes: npt.NDArray[np.uint8], target: Target) -> bytes:
    """Return a WebP: codes uint8 of shape (H, W, 3 or 4).

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.profile import icc_profile
    >>> from core.files.target import Target
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> target = Target(6, 4, 3, codes.dtype, 8, DISPLAY_P3, icc_profile(DISPLAY_P3))
    >>> file = webp_file(codes, target)
    >>> file[8:12], b"VP8L" in file  # quality 100 is lossless
    (b'WEBP', True)
    """
    buffer = io.BytesIO()
    metadata = _with_software(target)
    Image.fromarray(codes).save(
        buffer,
        "WEBP",
        lossless=target.quality == 100,
        exact=True,
        quality=target.quality,
        icc_profile=target.icc,
        exif=metadata.exif or b"",
        xmp=metadata.xmp or b"",
    )
    file = buffer.getvalue()
    return file if target.payload is None else webp_with(file, target.payload)


def avif_file(codes: npt.NDArray[Any], target: Target) -> bytes:
    """Return an AVIF: codes of `target.bits` in uint8 or uint16, shape (H, W, 3 or 4).

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3 or 4)
        Encoded values of the target's space in 0..2**bits - 1, straight opacity behind them.
    target : Target
        Everything else; quality 100 is as good as the depth allows.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.profile import icc_profile
    >>> from core.files.target import Target
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> target = Target(
    ...     6, 4, 3, codes.dtype, 8, DISPLAY_P3, icc_profile(DISPLAY_P3), software="gamut"
    ... )
    >>> images = isobmff.read_images(file := avif_file(codes, target))
    >>> xmp.properties(isobmff.xmp_of(images, file))[xmp.TIFF, "Software"]
    ['gamut']
    """
    primaries, transfer = CODE_POINTS.get(target.space.key, _UNSPECIFIED)
    file = imagecodecs.avif_encode(
        codes,
        level=target.quality,
        speed=_AVIF_SPEED,
        bitspersample=target.bits,
        pixelformat="444",
        primaries=primaries,
        transfer=transfer,
    )
    metadata = _with_software(target)
    whole = isobmff.with_profile_and_metadata(bytes(file), target.icc, metadata)
    return whole if target.payload is None else whole + isobmff.payload_box(target.payload)


def jxl_file(values: npt.NDArray[Any], target: Target, scratch: Path) -> bytes:
    """Return a JPEG XL, by way of a scratch file.

    Parameters
    ----------
    values : ndarray, uint16, float16 or float32, shape (H, W, 3 or 4)
        Codes, or linear light in float.
    target : Target
        Everything else.
    scratch : Path
        A file that may be overwritten, on the disk that will hold the result.

    Returns
    -------
    bytes

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.colour import DISPLAY_P3
    >>> from core.files.profile import icc_profile
    >>> from core.files.target import Target
    >>> codes = np.zeros((4, 6, 3), np.uint8)
    >>> target = Target(6, 4, 3, codes.dtype, 8, DISPLAY_P3, icc_profile(DISPLAY_P3))
    >>> with TemporaryDirectory() as folder:
    ...     file = jxl_file(codes, target, Path(folder, "scratch"))
    >>> [box.kind for box in isobmff.boxes(file)]
    [b'JXL ', b'ftyp', b'xml ', b'jxlc']
    """
    kind = {"uint8": "uint8", "uint16": "uint16", "float16": "half", "float32": "float"}
    spec = OpenImageIO.ImageSpec(
        target.width, target.height, target.channels, kind[values.dtype.name]
    )
    profile = np.frombuffer(target.icc, np.uint8)
    spec.attribute("ICCProfile", OpenImageIO.TypeDesc(f"uint8[{len(profile)}]"), profile)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    spec.attribute("compression", f"jpegxl:{target.quality}")
    # Not by an ImageOutput, whose close() encodes and lets no other thread run meanwhile.
    image: Any = OpenImageIO.ImageBuf(spec)
    whole = OpenImageIO.ROI(0, target.width, 0, target.height, 0, 1, 0, target.channels)
    image.set_pixels(whole, np.ascontiguousarray(values))
    if not image.write(str(scratch), "unknown", "jxl"):
        reason = image.geterror().strip() or "unknown reason"
        if shutil.disk_usage(scratch.parent).free < _ALMOST_FULL:
            # OpenImageIO has only words for it.
            raise OSError(errno.ENOSPC, reason)
        raise FileError(f"JPEG XL could not be written ({reason}); choose TIFF or make room.")
    return jxl.container(scratch.read_bytes(), _with_software(target), target.payload)


def _with_software(target: Target) -> Metadata:
    """Return metadata that name the program, for formats with no other place for its name."""
    packet = xmp.stating_software(target.metadata.xmp, target.software)
    return replace(target.metadata, xmp=packet)
