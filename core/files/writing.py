"""Writing photos: linear light to the codes of a space, to a file with that space's profile."""

from __future__ import annotations

import struct
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Unpack, get_args

import numpy as np
import numpy.typing as npt

from core.colour import SRGB, ColourSpace
from core.files import encoders, isobmff, xmp
from core.files.errors import FileError
from core.files.formats import jpeg_segments, jxl, png, webp
from core.files.metadata import Metadata
from core.files.payloads import carried_bytes
from core.files.profile import ProfileVersion, icc_profile
from core.files.safe_write import SafeFile, translated
from core.files.target import Target
from core.files.tiff_directory import TiffStructure
from core.files.tiff_stream import TiffStream

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType

    from core.files.encoding import FloatImage
    from core.gamut import Codes
    from core.progress import Check

OutputFormat = Literal["tiff", "png", "jxl", "avif"]

OUTPUT_FORMATS: Mapping[OutputFormat, str] = MappingProxyType(
    {"tiff": ".tif", "png": ".png", "jxl": ".jxl", "avif": ".avif"}
)
"""The formats that hold a wide-gamut photo, and their suffixes."""

SOFTWARE = "napari-gamut"
_HEAD = 1 << 17
_LONGEST_NAME = 1 << 10

REDUCED_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "tiff": ".tif",
        "png": ".png",
        "jpeg": ".jpg",
        "webp": ".webp",
        "avif": ".avif",
        "jxl": ".jxl",
    }
)
"""The formats of reduced files, with the suffixes of new ones."""

_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".tif": "tiff",
        ".tiff": "tiff",
        ".png": "png",
        ".jxl": "jxl",
        ".avif": "avif",
        ".jpg": "jpeg",
        ".jpeg": "jpeg",
        ".webp": "webp",
    }
)
_NAMES = {
    "tiff": "TIFF",
    "png": "PNG",
    "jxl": "JPEG XL",
    "avif": "AVIF",
    "jpeg": "JPEG",
    "webp": "WebP",
}
_ONLY_8_BITS = ("jpeg", "webp", "avif")
_JPEG_QUALITY = 95
_DEPTHS: dict[str, tuple[int, ...]] = {
    "tiff": (16,),
    "png": (16,),
    "jxl": (16,),
    "avif": (12, 10),
}
_FLOAT_DEPTHS: dict[str, tuple[int, ...]] = {"tiff": (32, 16), "jxl": (32, 16)}
"""Depths of spaces without a transfer function, in float: 16 bits of linear integers are too
coarse in the shadows. The first is the default."""


class PhotoWriter:
    """A photo that is written from top to bottom; a context manager.

    The file takes its name when the last row has been written and the block is left without an
    exception; otherwise nothing of it remains. TIFF keeps one row of tiles in memory, the other
    formats the whole photo.

    Parameters
    ----------
    path : path
        The file to write.
    width, height : int
        In pixels.
    space : ColourSpace
        Of the file. Spaces with a transfer function are written as integers; ACEScg, which is
        linear, as float, in TIFF and JPEG XL.
    format : {"tiff", "png", "jxl", "avif"}, optional
        By the suffix of `path` if not given.
    depth : int, optional
        Bits per channel: 16 (the default), 12 (the default) or 10 for AVIF, and 32 (the
        default) or 16 for float.
    metadata : Metadata, optional
        To carry over, of an upright photo; what becomes untrue is set right.
    alpha : ndarray, shape (H, W), optional
        Opacity: uint8 or uint16 over the whole range, or float in 0..1.
    overwrite : bool
        Whether a file of that name may be replaced.
    source : path, optional
        The photo that is being read; writing over it is refused.
    software : str
        The program's name in the file.
    extra_metadata : bytes, optional
        Private data of this product, which :attr:`Photo.payload` gives back.
    icc_version : {4, 2}
        Version of the embedded profile.
    quality : int
        Of AVIF and JPEG XL: 100 is lossless.
    check : callable, optional
        Called before the file takes its name; what it raises leaves no file.

    Attributes
    ----------
    notes : tuple of str
        Sentences for people about metadata that the format does not hold.

    Raises
    ------
    FileError
        If the file cannot be written, or the format cannot hold the space.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        height: int,
        space: ColourSpace,
        *,
        format: OutputFormat | None = None,  # noqa: A002
        depth: int | None = None,
        metadata: Metadata | None = None,
        alpha: npt.NDArray[Any] | None = None,
        overwrite: bool = False,
        source: str | os.PathLike[str] | None = None,
        software: str = SOFTWARE,
        extra_metadata: bytes | None = None,
        icc_version: ProfileVersion = 4,
        quality: int = 100,
        check: Check | None = None,
    ) -> None:
        path = Path(path)
        format_key = format or format_of(path)
        if format_key not in get_args(OutputFormat):
            raise FileError(f"{_NAMES.get(format_key, format_key)} cannot hold a wide-gamut photo.")
        bits = check_output(format_key, space, depth)
        if alpha is not None and alpha.shape != (height, width):
            raise ValueError(f"alpha has shape {alpha.shape}, not {(height, width)}.")
        if width < 1 or height < 1:
            raise ValueError(f"A photo of {width} × {height} pixels cannot be written.")
        is_float = space.transfer.is_linear
        self._space = space
        self._alpha = alpha
        fitted, self.notes = (metadata or Metadata()).fitted(format_key, width, height, space)
        target = Target(
            width=width,
            height=height,
            channels=3 if alpha is None else 4,
            dtype=np.dtype(f"float{bits}" if is_float else np.uint16),
            bits=bits,
            space=space,
            icc=icc_profile(space, icc_version),
            metadata=fitted,
            payload=extra_metadata,
            software=software,
            quality=quality,
        )
        self._sink = _Sink(
            path,
            format_key,
            target,
            overwrite=overwrite,
            source=Path(source) if source is not None else None,
            check=check,
        )

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self._sink.path

    @property
    def rows_written(self) -> int:
        """How many rows have been taken so far."""
        return self._sink.rows_written

    def write_rows(self, rows: FloatImage) -> None:
        """Write the next rows.

        Parameters
        ----------
        rows : ndarray, float32, shape (h, W, 3)
            Linear RGB of the space. Integers are clipped to 0..1; float files keep everything.

        Raises
        ------
        ValueError
            If the shape is wrong, or values are not finite.
        FileError
            If the disk is full, or fails.
        """
        target = self._sink.target
        start, stop = self.rows_written, self.rows_written + len(rows)
        if rows.shape[1:] != (target.width, 3) or stop > target.height:
            raise ValueError(
                f"Rows of shape {rows.shape} do not fit into {target.height} × {target.width}."
            )
        if not np.isfinite(rows).all():
            raise ValueError("Rows to be written must be finite.")
        values = self._final(rows)
        if self._alpha is not None:
            values = np.concatenate([values, _opacity(self._alpha[start:stop], target)], axis=-1)
        self._sink.write(values)

    def stored(self, rows: FloatImage) -> FloatImage:
        """Return rows as the file will give them back at best: rounded to its depth.

        Parameters
        ----------
        rows : ndarray, float32, shape (h, W, 3)
            Linear RGB of the space.

        Returns
        -------
        ndarray, float32, shape (h, W, 3)
        """
        values = self._final(rows)
        if values.dtype.kind == "f":
            return values.astype(np.float32)
        codes = values / (2**self._sink.target.bits - 1)
        return np.asarray(self._space.decode(codes), np.float32)

    def _final(self, rows: FloatImage) -> npt.NDArray[Any]:
        target = self._sink.target
        if target.dtype.kind == "f":
            return rows.astype(target.dtype)
        encoded = self._space.encode(np.clip(rows, 0.0, 1.0))
        final: npt.NDArray[Any] = np.rint(encoded * (2**target.bits - 1)).astype(np.uint16)
        return final

    @property
    def bits(self) -> int:
        """Bits per channel of the file."""
        return self._sink.target.bits

    @property
    def precision(self) -> int:
        """Bits of a channel near 1 that tell its values apart: of float, the significand's."""
        target = self._sink.target
        if target.dtype.kind == "u":
            return target.bits
        return {32: 24, 16: 11}[target.bits]  # IEEE 754

    def close(self) -> None:
        """Finish the file; an incomplete one is removed and is an error.

        Raises
        ------
        ValueError
            If rows are missing.
        FileError
            If the disk is full or fails, or the name was taken meanwhile.
        """
        self._sink.close()

    def abort(self) -> None:
        """Give up: nothing remains."""
        self._sink.abort()

    def __enter__(self) -> PhotoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class Frame(TypedDict, total=False):
    """What :func:`write_codes` takes beside the codes and their space."""

    metadata: Metadata | None
    alpha: npt.NDArray[Any] | None
    quality: int | None
    compression: int | None
    overwrite: bool
    source: str | os.PathLike[str] | None
    software: str
    icc_version: ProfileVersion
    check: Check | None


class WideFrame(TypedDict, total=False):
    """What :class:`PhotoWriter` takes beside the size and the space."""

    format: OutputFormat | None
    depth: int | None
    metadata: Metadata | None
    alpha: npt.NDArray[Any] | None
    overwrite: bool
    source: str | os.PathLike[str] | None
    software: str
    extra_metadata: bytes | None
    icc_version: ProfileVersion
    quality: int
    check: Check | None


def write(
    path: str | os.PathLike[str],
    linear: FloatImage,
    space: ColourSpace,
    **settings: Unpack[WideFrame],
) -> None:
    """Write a whole photo.

    Parameters
    ----------
    path : path
        The file to write.
    linear : ndarray, float32, shape (H, W, 3)
        Linear RGB of `space`.
    space : ColourSpace
        Of the file.
    **settings
        As for :class:`PhotoWriter`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.colour import DISPLAY_P3
    >>> from core.files import inspect
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "red.png")
    ...     write(photo, np.array([[[1.0, 0.0, 0.0]]], np.float32), DISPLAY_P3)
    ...     info = inspect(photo)
    >>> info.profile_name, info.bits
    ('Display P3', 16)
    """
    height, width = linear.shape[:2]
    with PhotoWriter(path, width, height, space, **settings) as writer:
        writer.write_rows(linear)


def write_codes(
    path: str | os.PathLike[str],
    codes: Codes,
    space: ColourSpace = SRGB,
    *,
    metadata: Metadata | None = None,
    alpha: npt.NDArray[Any] | None = None,
    quality: int | None = None,
    compression: int | None = None,
    overwrite: bool = False,
    source: str | os.PathLike[str] | None = None,
    software: str = SOFTWARE,
    extra_metadata: bytes | None = None,
    icc_version: ProfileVersion = 4,
    check: Check | None = None,
) -> tuple[str, ...]:
    """Write codes as they are, with the profile of their space.

    Parameters
    ----------
    path : path
        TIFF, PNG, JPEG, WebP, AVIF or JPEG XL, by its suffix.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        Encoded values of `space`.
    space : ColourSpace
        What the codes mean.
    metadata : Metadata, optional
        To carry over, of an upright photo; what becomes untrue is set right.
    alpha : ndarray, shape (H, W), optional
        Opacity; JPEG has none and drops it.
    quality : int, optional
        Of JPEG (95 unless given), WebP, AVIF and JPEG XL, 0 to 100. These three are lossless at
        100 and unless it is given.
    compression : int, optional
        Of PNG, which is lossless in any case: from 1, about three times as fast, to 9, a little
        smaller.
    overwrite, source, software, extra_metadata, icc_version, check
        As for :class:`PhotoWriter`.

    Returns
    -------
    notes : tuple of str
        Sentences for people about metadata that the format does not hold.

    Raises
    ------
    FileError
        If the file cannot be written, or the format cannot hold the codes.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import read
    >>> codes = np.array([[[255, 128, 0]]], np.uint8)
    >>> with TemporaryDirectory() as folder:
    ...     notes = write_codes(Path(folder, "orange.png"), codes)
    ...     read(Path(folder, "orange.png")).pixels.tolist()
    [[[255, 128, 0]]]
    """
    path = Path(path)
    format_key = format_of(path)
    if format_key in _ONLY_8_BITS and codes.dtype != np.uint8:
        name = _NAMES[format_key]
        raise FileError(f"{name} is written with 8 bits only; choose PNG or TIFF for 16 bits.")
    if format_key == "jpeg":
        alpha = None
    height, width = codes.shape[:2]
    fitted, notes = (metadata or Metadata()).fitted(format_key, width, height, space)
    target = Target(
        width=width,
        height=height,
        channels=3 if alpha is None else 4,
        dtype=codes.dtype,
        bits=8 * codes.dtype.itemsize,
        space=space,
        icc=icc_profile(space, icc_version),
        metadata=fitted,
        payload=extra_metadata,
        software=software,
        quality=(_JPEG_QUALITY if format_key == "jpeg" else 100) if quality is None else quality,
        compression=compression,
    )
    values: npt.NDArray[Any] = codes
    if alpha is not None:
        values = np.concatenate([codes, _opacity(alpha, target)], axis=-1)
    sink = _Sink(
        path,
        format_key,
        target,
        overwrite=overwrite,
        source=Path(source) if source is not None else None,
        check=check,
    )
    sink.write(values)
    sink.close()
    return notes


def format_of(path: Path) -> str:
    """Return the format that a file's suffix asks for.

    Returns
    -------
    {"tiff", "png", "jxl", "avif", "jpeg", "webp"}

    Raises
    ------
    FileError
        If it asks for none of them.

    Examples
    --------
    >>> format_of(Path("wide.TIF"))
    'tiff'
    >>> format_of(Path("wide.gif"))  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.files.errors.FileError: “wide.gif” has no known suffix; end its name in one of .tif,
    .tiff, .png, .jxl, .avif, .jpg, .jpeg, .webp.
    """
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        known = ", ".join(_SUFFIXES)
        raise FileError(f"“{path}” has no known suffix; end its name in one of {known}.") from None


def is_own_result(path: Path) -> bool:
    """Return whether a TIFF, PNG, JPEG XL or AVIF says that it was expanded by this program.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    bool
        False for files of other formats, and for those that cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.files.sample import sample_photo
    >>> is_own_result(sample_photo())
    False
    >>> with TemporaryDirectory() as folder:
    ...     result = Path(folder, "wide.png")
    ...     write(result, np.zeros((4, 6, 3), np.float32), SRGB, software=f"{SOFTWARE} 0.1.0")
    ...     is_own_result(result)
    True
    """
    return _stated_software(path).startswith(f"{SOFTWARE} ")


def is_own_reduction(path: Path) -> bool:
    """Return whether a file was reduced to sRGB by this program.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    bool
        Whether it names the program without a method, as reduced files do, or carries what helps
        to undo the reduction; False for what cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     narrow, wide = Path(folder, "narrow.png"), Path(folder, "wide.png")
    ...     notes = write_codes(narrow, np.zeros((4, 6, 3), np.uint8))
    ...     write(wide, np.zeros((4, 6, 3), np.float32), SRGB, software=f"{SOFTWARE} 0.1.0")
    ...     is_own_reduction(narrow), is_own_reduction(wide)
    (True, False)
    """
    try:
        return _stated_software(path) == SOFTWARE or carried_bytes(path) is not None
    except OSError:
        return False


def _stated_software(path: Path) -> str:
    """Return the program that a file says it was written by, empty if it says none."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if head.startswith(png.SIGNATURE):
                return _software_of_png(file)
            if head.startswith(jxl.CONTAINER) or head[8:12] == b"avif":
                return _software_of_boxes(head, file)
            if head.startswith(b"\xff\xd8"):
                return _software_of_packet(jpeg_segments.packet_in(head + file.read(_HEAD)))
            if head[8:12] == b"WEBP":
                return _software_of_packet(webp.read_header(path).metadata.xmp)
            if head[:4] not in (b"II*\0", b"MM\0*"):
                return ""
            structure = TiffStructure(file)
            software = structure.content(structure.pages[0], 305) or b""
            return software.rstrip(b"\0").decode("utf-8", "replace")
    except (OSError, ValueError, LookupError, struct.error, NotImplementedError, FileError):
        return ""  # Whoever reads it says what is wrong.


def _software_of_png(file: IO[bytes]) -> str:
    """Return the last program that a PNG names before its pixels: what it was made by."""
    found = ""
    file.seek(len(png.SIGNATURE))
    for kind, size in png.walk(file):
        if kind == b"IDAT":
            break
        if kind == b"tEXt" and size <= _LONGEST_NAME:
            key, _, text = file.read(size).partition(b"\0")
            if key == b"Software":
                found = text.decode("latin-1")
    return found


def _software_of_boxes(head: bytes, file: IO[bytes]) -> str:
    """Return the program that the XMP of a JPEG XL or an AVIF names."""
    data = head + file.read()
    if head.startswith(jxl.CONTAINER):
        box = isobmff.find(data, b"xml ")
        packet: bytes | None = data[box.start : box.end]
    else:
        packet = isobmff.xmp_of(isobmff.read_images(data), data)
    return _software_of_packet(packet)


def _software_of_packet(packet: bytes | None) -> str:
    return xmp.properties(packet).get((xmp.TIFF, "Software"), [""])[0]


def check_output(format: str, space: ColourSpace, depth: int | None = None) -> int:  # noqa: A002
    """Return the depth a format will have for a space, or say why it cannot hold it.

    Parameters
    ----------
    format : {"tiff", "png", "jxl", "avif"}
        The format.
    space : ColourSpace
        The space.
    depth : int, optional
        The depth asked for; None for the default.

    Returns
    -------
    int
        Bits per channel; float for spaces that are linear.

    Raises
    ------
    FileError
        If the format cannot hold the space, or not at this depth.

    Examples
    --------
    >>> from core.colour import ACESCG
    >>> check_output("tiff", SRGB)
    16
    >>> check_output("png", ACESCG)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.files.errors.FileError: ACEScg is linear and needs floating point, which PNG does not
    have; choose TIFF or JPEG XL.
    """
    linear = space.transfer.is_linear
    known = (_FLOAT_DEPTHS if linear else _DEPTHS).get(format)
    if known is None:
        raise FileError(
            f"{space.name} is linear and needs floating point, which {_NAMES[format]} does not "
            "have; choose TIFF or JPEG XL."
        )
    if depth is None:
        return known[0]
    if depth not in known:
        words = " or ".join(str(bits) for bits in known)
        raise FileError(f"{_NAMES[format]} in {space.name} is written with {words} bits.")
    return depth


class _Encoder(Protocol):
    def write(self, values: npt.NDArray[Any]) -> None: ...
    def finish(self) -> None: ...


class _Sink:
    """Takes final values, and writes them safely to a file."""

    def __init__(
        self,
        path: Path,
        format_key: str,
        target: Target,
        *,
        overwrite: bool,
        source: Path | None,
        check: Check | None = None,
    ) -> None:
        self.path = path
        self._check = check
        self.target = target
        self.rows_written = 0
        self._open = True
        self._file = SafeFile(path, overwrite=overwrite, source=source)
        try:
            with translated(path):
                self._encoder: _Encoder = (
                    TiffStream(self._file.file, target)
                    if format_key == "tiff"
                    else _Buffer(self._file, format_key, target)
                )
        except BaseException:
            self.abort()
            raise

    def write(self, values: npt.NDArray[Any]) -> None:
        try:
            with translated(self.path):
                self._encoder.write(values)
        except BaseException:
            self.abort()
            raise
        self.rows_written += len(values)

    def close(self) -> None:
        if not self._open:
            return
        try:
            if self.rows_written != self.target.height:
                raise ValueError(f"{self.rows_written} of {self.target.height} rows were written.")
            with translated(self.path):
                self._encoder.finish()
            if self._check is not None:
                self._check()
            self._open = False
            self._file.commit()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        self._open = False
        self._file.discard()


class _Buffer:
    """The whole image, for formats that are encoded in one go."""

    def __init__(self, file: SafeFile, format_key: str, target: Target) -> None:
        self._file = file
        self._format = format_key
        self._target = target
        self._values = np.empty((target.height, target.width, target.channels), target.dtype)
        self._filled = 0

    def write(self, values: npt.NDArray[Any]) -> None:
        self._values[self._filled : self._filled + len(values)] = values
        self._filled += len(values)

    def finish(self) -> None:
        if self._format == "png":
            content = encoders.png_file(self._values, self._target)
        elif self._format == "jpeg":
            content = encoders.jpeg_file(self._values, self._target)
        elif self._format == "webp":
            content = encoders.webp_file(self._values, self._target)
        elif self._format == "avif":
            content = encoders.avif_file(self._values, self._target)
        else:
            content = encoders.jxl_file(self._values, self._target, self._file.temporary)
            self._file.file.seek(0)
            self._file.file.truncate()
        self._file.file.write(content)


def _opacity(alpha: npt.NDArray[Any], target: Target) -> npt.NDArray[Any]:
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1
    top = 1 if target.dtype.kind == "f" else 2**target.bits - 1
    scaled = np.clip(alpha.astype(np.float64) / full, 0.0, 1.0) * top
    rounded = scaled if target.dtype.kind == "f" else np.rint(scaled)
    values: npt.NDArray[Any] = rounded.astype(target.dtype)[..., None]
    return values
