"""Reading photos: what the file is by its content, its pixels, and what they mean."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.colour import ADOBE_RGB, SRGB, ColourSpace
from core.files import exif
from core.files.cicp import from_cicp
from core.files.encoding import (
    Encoding,
    FloatImage,
    Pixels,
    SpaceEncoding,
)
from core.files.errors import FileError, from_os_error
from core.files.formats import avif, exr, heic, jpeg, jxl, png, raw, tiff, webp
from core.files.guard import guarded
from core.files.header import RAISE_THE_LIMIT, Header, Limits, check_size
from core.files.icc import NotRGBError, UnusableProfileError, from_icc
from core.files.payloads import carried_bytes

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import ModuleType

    from core.files.metadata import Metadata
    from core.gamut import Codes


PHOTO_FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo"),
        "PNG": (".png", ".apng"),
        "TIFF": (".tif", ".tiff", ".tf8", ".btf"),
        "WebP": (".webp",),
        "AVIF": (".avif", ".avifs"),
        "HEIC": (".heic", ".heics", ".heif", ".heifs", ".hif"),
        "JPEG XL": (".jxl",),
        "OpenEXR": (".exr",),
        "camera RAW": tuple(
            ".dng .3fr .arw .cr2 .cr3 .crw .dcr .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw "
            ".orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
        ),
    }
)
"""What is read, by the names people know, and the suffixes of such files. A file's content alone
decides what it is; suffixes tell the photos of a folder from what else lies there."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as it was read.

    Attributes
    ----------
    pixels : ndarray, uint8, uint16 or float32, shape (H, W, 3)
        Stored values, upright: codes over the whole range of their type, or float. Odd depths
        (10, 12 bits) are stretched to 16.
    space : ColourSpace or None
        The known space that the file's profile describes (by its numbers), None for another.
    linear : bool
        Whether `pixels` are proportional to light.
    alpha : ndarray, same dtype, shape (H, W), or None
        Opacity.
    metadata : Metadata
        EXIF and its kin, for upright pixels.
    profile_name : str
        For people: "sRGB", "Adobe RGB (1998)", "untagged (taken as sRGB)".
    lossy : bool
        Whether compression changed the values.
    format : str
        "JPEG", "PNG", "TIFF", ...
    path : Path
        Where it was read.
    encoding : Encoding
        What stored values mean.
    info : PhotoInfo
        What the file says about itself, as :func:`inspect` tells it.
    payload : bytes or None
        Private data of this product.
    notes : tuple of str
        Sentences for people: what was ignored or taken for granted.
    """

    pixels: Pixels
    space: ColourSpace | None
    linear: bool
    alpha: npt.NDArray[Any] | None
    metadata: Metadata
    profile_name: str
    lossy: bool
    format: str
    path: Path
    encoding: Encoding = field(repr=False)
    info: PhotoInfo = field(repr=False)
    payload: bytes | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def scene(self) -> FloatImage:
        """Return the photo in scene-linear sRGB, whatever its profile.

        Returns
        -------
        ndarray, float32, shape (H, W, 3)
            Linear light, sRGB primaries, D65, unbounded; adapted by Bradford. Diffuse white
            of PQ and HLG (203 cd/m²) is 1.
        """
        return self.encoding.scene(self.pixels)

    def srgb_codes(self) -> Codes | None:
        """Return the untouched codes if the file is sRGB (or untagged), else None.

        Returns
        -------
        ndarray, uint8 or uint16, shape (H, W, 3), or None
        """
        if self.space != SRGB or self.linear or self.pixels.dtype == np.float32:
            return None
        codes: Codes = self.pixels  # type: ignore[assignment]
        return codes


@dataclass(frozen=True)
class PhotoInfo:
    """What a file says about itself, without its pixels.

    Attributes
    ----------
    format : str
        "JPEG", "PNG", "TIFF", ...
    width, height : int
        Upright.
    bits : int
        Per channel, as stored.
    channels : int
        With alpha.
    is_float : bool
        Whether values are floating point.
    profile_name : str
        For people.
    space : str or None
        Key of the known space, if it is one.
    linear : bool
        Whether values are proportional to light.
    lossy : bool
        Whether compression changed the values.
    frames : int
        Pages or frames in the file; the first is read.
    metadata : tuple of str
        The kinds of metadata: "EXIF", "XMP", "IPTC", "texts".
    has_gps : bool
        Whether a place is in them.
    camera, date : str
        From EXIF or XMP, empty if unknown.
    payload_size : int
        Bytes of private data of this product, 0 if there is none.
    notes : tuple of str
        Sentences for people.
    """

    format: str
    width: int
    height: int
    bits: int
    channels: int
    is_float: bool
    profile_name: str
    space: str | None
    linear: bool
    lossy: bool
    frames: int
    metadata: tuple[str, ...]
    has_gps: bool
    camera: str
    date: str
    payload_size: int
    notes: tuple[str, ...]


def read(
    path: str | os.PathLike[str], *, limits: Limits | None = None, assume: ColourSpace = SRGB
) -> Photo:
    """Read a photo.

    Parameters
    ----------
    path : path
        JPEG, PNG, TIFF, WebP, AVIF, HEIC, JPEG XL, OpenEXR or camera RAW; the content decides,
        not the name.
    limits : Limits, optional
        What is too large.
    assume : ColourSpace
        The space of files that do not say theirs; float files are taken as linear in it.

    Returns
    -------
    Photo

    Raises
    ------
    FileError
        If the file cannot be read as a photo.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> photo = read(sample_photo())
    >>> photo.pixels.shape, photo.pixels.dtype, photo.space.name, photo.lossy
    ((400, 600, 3), dtype('uint8'), 'sRGB', False)
    >>> photo.scene().max().round(3).item()  # scene-linear sRGB
    1.0
    """
    path = Path(path)
    return decode(path, read_header(path, limits or Limits()), assume)


def decode(path: Path, header: Header, assume: ColourSpace) -> Photo:
    """Return the photo whose header has been read (see :func:`read`).

    Examples
    --------
    >>> from core.files import sample_photo
    >>> header = read_header(sample_photo(), Limits())
    >>> decode(sample_photo(), header, SRGB).srgb_codes().shape
    (400, 600, 3)
    """
    reader = _READERS[header.format]
    encoding, notes = _encoding(path, header, assume)
    with guarded(path, header.format):
        stored = reader.read_pixels(path, header)
        if stored.shape[:2] not in ((header.height, header.width), (header.width, header.height)):
            raise ValueError("the decoded size is not the stated one")
        colour, alpha = _split(stored, header)
        pixels = np.ascontiguousarray(_turned(colour, header.orientation))
        if alpha is not None:
            alpha = np.ascontiguousarray(_turned(alpha, header.orientation))
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        raise FileError(
            f"“{path}” contains values that are not numbers (NaN or infinite); repair it first."
        )
    return Photo(
        pixels=pixels,
        space=encoding.space,
        linear=encoding.is_linear,
        alpha=alpha,
        metadata=header.metadata.upright(),
        profile_name=encoding.name,
        lossy=header.is_lossy,
        format=header.format,
        path=path,
        encoding=encoding,
        payload=header.payload,
        notes=notes,
        info=describe(path, header, assume),
    )


def inspect(
    path: str | os.PathLike[str], *, limits: Limits | None = None, assume: ColourSpace = SRGB
) -> PhotoInfo:
    """Return what a file says about itself, without decoding its pixels.

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
    PhotoInfo

    Raises
    ------
    FileError
        If the file is no photo, or beyond the limits.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> info = inspect(sample_photo())
    >>> info.format, info.width, info.height, info.bits, info.profile_name
    ('PNG', 600, 400, 8, 'sRGB')
    """
    path = Path(path)
    return describe(path, read_header(path, limits or Limits()), assume)


def describe(path: Path, header: Header, assume: ColourSpace) -> PhotoInfo:
    """Return what a header says, in the form of :func:`inspect`.

    Examples
    --------
    >>> photo = Path("scan.tif")
    >>> info = describe(photo, Header("TIFF", 6000, 4000, 16, 3, orientation=6), ADOBE_RGB)
    >>> info.width, info.height, info.space  # upright; without a profile, what is assumed
    (4000, 6000, 'adobe-rgb')
    """
    encoding, notes = _encoding(path, header, assume)
    camera, date = header.metadata.origin
    width, height = header.width, header.height
    if header.orientation >= 5:
        width, height = height, width
    return PhotoInfo(
        format=header.format,
        width=width,
        height=height,
        bits=header.bits,
        channels=header.channels,
        is_float=header.is_float,
        profile_name=encoding.name,
        space=encoding.space.key if encoding.space is not None else None,
        linear=encoding.is_linear,
        lossy=header.is_lossy,
        frames=header.frames,
        metadata=header.metadata.kinds,
        has_gps=header.metadata.has_place,
        camera=camera,
        date=date,
        payload_size=len(header.payload or b""),
        notes=notes,
    )


def read_header(path: Path, limits: Limits) -> Header:
    """Return a file's header, within limits.

    Raises
    ------
    FileError

    Examples
    --------
    >>> from core.files import sample_photo
    >>> header = read_header(sample_photo(), Limits())
    >>> header.width, header.height, header.channels
    (600, 400, 3)
    >>> read_header(Path("no such photo.jpg"), Limits())
    Traceback (most recent call last):
    core.files.errors.FileError: “no such photo.jpg” does not exist; check the name and the folder.
    """
    module = _module(path, limits)
    with guarded(path, _NAMES[module]):
        if module is jxl:
            # OpenImageIO decodes JPEG XL as soon as it opens it.
            check_size(path, *jxl.read_size(path), limits)
        header: Header = module.read_header(path)
        header = replace(header, payload=carried_bytes(path))
    check_size(path, header.width, header.height, limits)
    return header


def pixel_count(path: Path, limits: Limits) -> int:
    """Return how many pixels a photo has, without decoding them.

    Raises
    ------
    FileError
        If the file cannot be read as a photo, or is too large.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> pixel_count(sample_photo(), Limits())
    240000
    """
    module = _module(path, limits)
    with guarded(path, _NAMES[module]):
        if module is jxl:
            width, height = jxl.read_size(path)
        else:
            header: Header = module.read_header(path)
            width, height = header.width, header.height
    check_size(path, width, height, limits)
    return width * height


_SIGNATURES: tuple[tuple[bytes, ModuleType], ...] = (
    (b"\xff\xd8\xff", jpeg),
    (png.SIGNATURE, png),
    (jxl.CONTAINER, jxl),
    (jxl.CODESTREAM, jxl),
    (b"\x76\x2f\x31\x01", exr),
    (b"FUJIFILMCCD-RAW", raw),
    (b"II\x1a\0\0\0HEAPCCDR", raw),
    (b"IIRO", raw),
    (b"IIRS", raw),
    (b"MMOR", raw),
    (b"IIU\0", raw),
    (b"\0MRM", raw),
    (b"FOVb", raw),
    (b"II*\0", tiff),
    (b"MM\0*", tiff),
    (b"II+\0", tiff),
    (b"MM\0+", tiff),
)
_NOT_READ = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"gimp xcf", "a GIMP document"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file or an SVG drawing"),
    (b"PK\x03\x04", "a ZIP archive"),
)
_RAW_BRANDS = {b"crx "}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def _sniffed(path: Path) -> ModuleType:
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise FileError(f"“{path}” is empty; use another copy of the photo.")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return webp
    if head[4:8] == b"ftyp":
        size = int.from_bytes(head[:4], "big")
        brands = {head[i : i + 4] for i in range(8, min(size, len(head)), 4)}
        if brands & _AVIF_BRANDS:
            return avif
        if brands & _RAW_BRANDS:
            return raw
        if brands & _HEIC_BRANDS:
            return heic
        raise FileError(f"“{path}” is a video, not a photo; export a still picture first.")
    for signature, module in _SIGNATURES:
        if head.startswith(signature):
            return raw if module is tiff and tiff.is_raw(path) else module
    for signature, name in _NOT_READ:
        if head.lstrip().startswith(signature):
            raise FileError(f"“{path}” is {name}; save it as PNG, TIFF or JPEG first.")
    raise FileError(
        f"“{path}” is not a photo in a known format; use {', '.join([*PHOTO_FORMATS][:-1])} or "
        f"{[*PHOTO_FORMATS][-1]}."
    )


def _module(path: Path, limits: Limits) -> ModuleType:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileError(f"“{path}” is a folder, not a photo; name a file.")
        # A pipe or a device would make the reader wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"“{path}” is not an ordinary file; name a photo.")
        if status.st_size > limits.max_bytes:
            raise FileError(
                f"“{path}” has {status.st_size / 1e9:.1f} GB, more than the limit of "
                f"{limits.max_bytes / 1e9:.3g} GB; {RAISE_THE_LIMIT}."
            )
        return _sniffed(path)
    except OSError as error:
        raise from_os_error(error, path, "read") from error


_NAMES = {
    avif: "AVIF",
    exr: "OpenEXR",
    heic: "HEIC",
    jpeg: "JPEG",
    jxl: "JPEG XL",
    png: "PNG",
    raw: "camera RAW",
    tiff: "TIFF",
    webp: "WebP",
}
_READERS = {name: module for module, name in _NAMES.items()}


def _encoding(path: Path, header: Header, assume: ColourSpace) -> tuple[Encoding, tuple[str, ...]]:
    notes = [*header.notes, *header.metadata.faults()]
    if header.frames > 1:
        notes.append(f"The file holds {header.frames} pictures; the first is used.")
    coded = None
    if header.cicp is not None:
        coded = from_cicp(*header.cicp, narrow_bits=header.bits if header.is_narrow else 0)
    # A PNG's code points outrank its profile (PNG, third edition, 4.3); in HEIF they mainly say
    # how luma and chroma were made, and the profile outranks them.
    if coded is not None and (header.format == "PNG" or not header.icc):
        return coded, tuple(notes)
    if header.icc is not None:
        try:
            return from_icc(header.icc, grey=header.channels <= 2), tuple(notes)
        except NotRGBError as error:
            raise FileError(
                f"The colour profile of “{path}” is for {error} images, not RGB; convert the "
                "photo to RGB in a photo editor first."
            ) from error
        except UnusableProfileError as error:
            notes.append(f"The embedded colour profile was ignored: {error}.")
    if coded is not None:
        return coded, tuple(notes)
    if header.stated is not None:
        return header.stated, tuple(notes)
    if exif.summary(header.metadata.exif).is_adobe_rgb and not header.is_float:
        return SpaceEncoding(ADOBE_RGB), tuple(notes)
    linear = header.is_float
    label = f"untagged (taken as {'linear ' if linear else ''}{assume.name})"
    return SpaceEncoding(assume, linear=linear, label=label), tuple(notes)


def _split(
    stored: npt.NDArray[Any], header: Header
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    if stored.ndim == 2:
        stored = stored[..., None]
    channels = stored.shape[2]
    alpha = stored[..., channels - 1] if channels in (2, 4) else None
    colour = stored[..., :3] if channels >= 3 else np.repeat(stored[..., :1], 3, axis=2)
    if alpha is not None and header.is_premultiplied:
        colour = _divided(colour, alpha)
    return colour, alpha


def _divided(colour: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> npt.NDArray[Any]:
    full = np.iinfo(colour.dtype).max if colour.dtype.kind == "u" else 1.0
    factor = np.divide(
        full, alpha, out=np.ones(alpha.shape, np.float32), where=alpha > 0, dtype=np.float32
    )
    divided = colour * factor[..., None]
    if colour.dtype.kind == "u":
        divided = np.rint(np.clip(divided, 0, full))
    restored: npt.NDArray[Any] = divided.astype(colour.dtype)
    return restored


def _turned(image: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    # The eight cases of EXIF 3.0, 4.6.5.1.6.
    if orientation in (5, 7):
        image = image.swapaxes(0, 1)
    if orientation == 6:
        return np.rot90(image, -1)
    if orientation == 8:
        return np.rot90(image)
    if orientation in (3, 7):
        return image[::-1, ::-1]
    if orientation == 2:
        return image[:, ::-1]
    if orientation == 4:
        return image[::-1]
    return image
