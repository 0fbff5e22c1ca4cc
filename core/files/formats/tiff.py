"""TIFF 6.0 and BigTIFF: directories by hand, pixels through tifffile and imagecodecs."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from core.files import metadata
from core.files import tiff_directory as tags
from core.files.errors import FileError, unsupported
from core.files.formats.depth import stretched
from core.files.formats.jpeg_stream import check_scans
from core.files.header import EXTRA_LEFT_OUT, Header
from core.files.tiff_directory import Page, TiffStructure, shown_alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
UNSIGNED, FLOAT = 1, 3
UNCOMPRESSED = 1

_PHOTOMETRIC_WORDS = {5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab", 10: "Lab", 32844: "LogL"}
_LOSSY = {6, 7, 33007, 34892, 34933, 50001, 50002}
_OLD_JPEG, _JPEG = 6, {6, 7}
_SCAN = b"\xff\xda"
_CFA, _LINEAR_RAW = 32803, 34892
_UNSPECIFIED, _ASSOCIATED, _UNASSOCIATED = 0, 1, 2
_MOST_CHANNELS = 16

# tifffile reports oddities of a file through its logger, raw and by the dozen. What matters of
# them reaches people as an error or a note; an engineer can set a level to see the rest.
if logging.getLogger("tifffile").level == logging.NOTSET:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Layout:
    """How the pixels of a page are stored.

    Attributes
    ----------
    width, length, depth : int
        In pixels; the depth of a photo is 1.
    bits : int
        Per sample; 0 where they differ among channels.
    kind : int
        SampleFormat: 1 unsigned, 2 signed, 3 floating point.
    samples : int
        Per pixel.
    photometric, compression, planar, predictor, fill_order : int
        The fields of these names.
    extras : tuple of int
        What the samples behind the colours are (ExtraSamples).
    tile : tuple of int or None
        Width and length of a tile; None for strips.
    rows_per_strip : int
        At most the length.
    """

    width: int
    length: int
    depth: int
    bits: int
    kind: int
    samples: int
    photometric: int
    compression: int
    planar: int
    predictor: int
    fill_order: int
    extras: tuple[int, ...]
    tile: tuple[int, int] | None
    rows_per_strip: int

    @property
    def colours(self) -> int:
        """Samples of colour in a pixel: 3, or 1 for grey and palettes."""
        return 3 if self.photometric in (RGB, YCBCR) else 1

    @property
    def alpha(self) -> int | None:
        """Which sample is the opacity."""
        for index, extra in enumerate(self.extras):
            if extra in (_ASSOCIATED, _UNASSOCIATED):
                return self.colours + index
        # Many programs leave it open what their only extra channel is.
        return self.colours if len(self.extras) == 1 else None

    @property
    def is_premultiplied(self) -> bool:
        """Whether colours are multiplied by the opacity."""
        return self.alpha is not None and self.extras[self.alpha - self.colours] == _ASSOCIATED

    @property
    def segments(self) -> int:
        """How many strips or tiles the image has."""
        planes = self.samples if self.planar == 2 else 1
        if self.tile is None:
            return planes * -(-self.length // self.rows_per_strip)
        across, down = -(-self.width // self.tile[0]), -(-self.length // self.tile[1])
        return planes * across * down


def is_raw(path: Path) -> bool:
    """Return whether a TIFF file holds a camera's raw data (DNG, NEF, ARW, CR2, ...).

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "photo.tif")
    ...     tifffile.imwrite(photo, np.zeros((4, 6, 3), np.uint8))
    ...     is_raw(photo)
    False
    """
    try:
        with path.open("rb") as file:
            if file.read(10)[8:] == b"CR":
                return True
            structure = TiffStructure(file)
            return any(
                structure.number(page, tags.PHOTOMETRIC) in (_CFA, _LINEAR_RAW)
                for page in every_page(structure)
            )
    except (OSError, ValueError):
        # Not even its directories can be read: the TIFF reader will say so.
        return False


def every_page(structure: TiffStructure) -> list[Page]:
    """Return the pages of the chain, and those below them.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> with tifffile.TiffWriter(file) as writer:
    ...     writer.write(np.zeros((64, 96, 3), np.uint8), subifds=1)
    ...     writer.write(np.zeros((32, 48, 3), np.uint8), subfiletype=1)  # a smaller version
    >>> structure = TiffStructure(file)
    >>> [structure.number(page, tags.WIDTH) for page in every_page(structure)]
    [96, 48]
    """
    return [one for page in structure.pages for one in (page, *page.children)]


@dataclass(frozen=True)
class OpenTiff:
    """The photo in an open file: its page as we see it, and as tifffile sees it."""

    structure: TiffStructure
    page: Page
    layout: Layout
    decoder: tifffile.TiffPage


@contextlib.contextmanager
def opened(path: Path) -> Iterator[OpenTiff]:
    """Open a TIFF file for decoding.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "photo.tif")
    ...     tifffile.imwrite(photo, np.zeros((4, 6, 3), np.uint16), rowsperstrip=2)
    ...     with opened(photo) as tiff:
    ...         tiff.layout.bits, tiff.layout.segments
    (16, 2)
    """
    with path.open("rb") as file:
        structure = TiffStructure(file)
        page = structure.photo()
        layout = _layout(structure, page)
        _check_counts(structure, page, layout)
        counts = dict.fromkeys(
            (tags.STRIP_OFFSETS, tags.STRIP_COUNTS, tags.TILE_OFFSETS, tags.TILE_COUNTS),
            layout.segments,
        )
        counts |= dict.fromkeys((tags.BITS, tags.SAMPLE_FORMAT), layout.samples)
        counts[tags.EXTRA_SAMPLES] = len(layout.extras)
        counts[tags.COLOUR_MAP] = 3 << min(layout.bits, 16)
        with (
            shown_alone(structure, page, counts) as alone,
            tifffile.TiffFile(alone, name="photo.tif") as tiff,
        ):
            yield OpenTiff(structure, page, layout, tiff.pages[0])  # type: ignore[arg-type]


def read_header(path: Path) -> Header:
    """Return what the directory says (see :mod:`core.files.formats`)."""
    with path.open("rb") as file:
        structure = TiffStructure(file)
        page, first = structure.photo(), structure.pages[0]
        layout = _layout(structure, page)
        _refuse_unusable(path, layout)
        structure.check_extents(page)
        alpha = layout.alpha
        orientation = structure.number(page, tags.ORIENTATION)
        carried, notes = metadata.from_tiff(file, None if page is first else page.place)
        dropped = len(layout.extras) - (alpha is not None)
        return Header(
            "TIFF",
            layout.width,
            layout.length,
            layout.bits,
            (3 if layout.photometric == PALETTE else layout.colours) + (alpha is not None),
            is_float=layout.kind == FLOAT,
            is_lossy=layout.compression in _LOSSY,
            orientation=orientation or structure.number(first, tags.ORIENTATION, 1),
            icc=structure.content(page, tags.ICC) or structure.content(first, tags.ICC),
            metadata=carried,
            frames=max(1, sum(structure.is_whole(one) for one in structure.pages)),
            is_premultiplied=layout.is_premultiplied,
            notes=(*notes, EXTRA_LEFT_OUT) if dropped else notes,
        )


def read_pixels(path: Path, header: Header) -> npt.NDArray[Any]:
    """Return the decoded codes or float values (see :mod:`core.files.formats`)."""
    with opened(path) as tiff:
        layout = tiff.layout
        _check_scans(tiff)
        try:
            stored = tiff.decoder.asarray(squeeze=False)
        except Exception as error:
            if layout.compression == _OLD_JPEG:
                raise unsupported(path, "the old JPEG compression of TIFF 6.0") from error
            raise
        stored = np.moveaxis(stored[:, 0, ..., 0], 0, -1) if layout.planar == 2 else stored[0, 0]
        if stored.shape != (layout.length, layout.width, layout.samples):
            raise ValueError("the decoded image is not of the stated size")
        table = None
        if layout.photometric == PALETTE:
            table = tiff.structure.numbers(tiff.page, tags.COLOUR_MAP, 3 << layout.bits)
    alpha = [] if layout.alpha is None else [layout.alpha]
    wanted = [*range(layout.colours), *alpha]
    if len(wanted) != layout.samples:
        stored = stored[..., wanted]
    return normalised(layout, stored) if table is None else _coloured(layout, stored, table)


def normalised(layout: Layout, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return decoded values over the whole range of their type, with black at 0.

    Parameters
    ----------
    layout : Layout
        Where they come from.
    stored : ndarray, any numeric dtype, shape (h, w, C)
        Decoded values: colours, and alpha behind them.

    Returns
    -------
    ndarray, uint8, uint16 or float32, shape (h, w, C)

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     negative = Path(folder, "negative.tif")
    ...     tifffile.imwrite(negative, np.zeros((1, 2), np.uint8), photometric="miniswhite")
    ...     with opened(negative) as tiff:
    ...         normalised(tiff.layout, np.array([[[0], [255]]], np.uint8)).tolist()
    [[[255], [0]]]
    """
    if layout.kind == FLOAT:
        with np.errstate(over="ignore"):
            values: npt.NDArray[Any] = stored.astype(np.float32)
        if layout.photometric == WHITE_IS_ZERO:
            values[..., 0] = 1.0 - values[..., 0]
        return values
    codes = stretched(stored, layout.bits)
    if layout.photometric == WHITE_IS_ZERO:
        # Only grey images have it; alpha stays.
        codes = codes.copy()
        np.subtract(np.iinfo(codes.dtype).max, codes[..., 0], out=codes[..., 0])
    return codes


def _coloured(
    layout: Layout, stored: npt.NDArray[Any], numbers: npt.NDArray[np.int64]
) -> npt.NDArray[Any]:
    entries = 1 << layout.bits
    if len(numbers) != 3 * entries:
        raise ValueError("the palette is incomplete")
    table = numbers.reshape(3, entries).T.astype(np.uint16)
    if table.max() < 256:
        # Old writers store 8-bit colour maps.
        table = table.astype(np.uint8)
    elif np.array_equal((table >> 8) * 257, table) or not (table & 255).any():
        table = (table >> 8).astype(np.uint8)
    # tifffile gives single bits as booleans, which would choose instead of index.
    colours: npt.NDArray[Any] = table[stored[..., 0].astype(np.uint16)]
    if layout.alpha is None:
        return colours
    full = np.iinfo(table.dtype).max
    alpha = np.rint(stored[..., 1:2] * (full / (entries - 1))).astype(table.dtype)
    return np.concatenate([colours, alpha], axis=-1)


def _layout(structure: TiffStructure, page: Page) -> Layout:
    def number(tag: int, default: int) -> int:
        return structure.number(page, tag, default)

    compression = number(tags.COMPRESSION, UNCOMPRESSED)
    old_jpeg = compression == _OLD_JPEG
    samples = number(tags.SAMPLES, 3 if old_jpeg else 1)
    bits = set(structure.numbers(page, tags.BITS, max(samples, 1)).tolist())
    kinds = set(structure.numbers(page, tags.SAMPLE_FORMAT, max(samples, 1)).tolist())
    photometric = number(tags.PHOTOMETRIC, RGB if samples >= 3 else BLACK_IS_ZERO)
    if old_jpeg and photometric == RGB:
        photometric = YCBCR  # As libtiff reads what the writers of old JPEG meant.
    colours = 3 if photometric in (RGB, YCBCR) else 1
    stated = structure.numbers(page, tags.EXTRA_SAMPLES, _MOST_CHANNELS).tolist()
    count = min(max(samples - colours, 0), _MOST_CHANNELS)
    length = number(tags.LENGTH, 0)
    tile = None
    if tags.TILE_WIDTH in page.fields or tags.TILE_OFFSETS in page.fields:
        tile = number(tags.TILE_WIDTH, 0), number(tags.TILE_LENGTH, 0)
    rows = number(tags.ROWS_PER_STRIP, length)
    if rows < 1 or samples < 1 or (tile is not None and min(tile) < 1):
        raise ValueError("strips, tiles or pixels without content")
    return Layout(
        width=number(tags.WIDTH, 0),
        length=length,
        depth=number(tags.DEPTH, 1),
        bits=bits.pop() if len(bits) == 1 else 0 if bits else 8 if old_jpeg else 1,
        kind=kinds.pop() if len(kinds) == 1 else 0 if kinds else UNSIGNED,
        samples=samples,
        photometric=photometric,
        compression=compression,
        planar=number(tags.PLANAR, 1) if samples > 1 else 1,
        predictor=number(tags.PREDICTOR, 1),
        fill_order=number(tags.FILL_ORDER, 1),
        extras=tuple((stated + [_UNSPECIFIED] * count)[:count]),
        tile=tile,
        rows_per_strip=min(rows, max(length, 1)),
    )


def _check_counts(structure: TiffStructure, page: Page, layout: Layout) -> None:
    places = tags.STRIP_OFFSETS if layout.tile is None else tags.TILE_OFFSETS
    found = page.fields.get(places)
    if layout.compression != _OLD_JPEG and (found is None or found.count < layout.segments):
        raise ValueError("strips or tiles are missing")
    structure.check_extents(page)


def _check_scans(tiff: OpenTiff) -> None:
    """Refuse strips or tiles of JPEG that consist of absurdly many scans."""
    layout, file = tiff.layout, tiff.structure.file
    if layout.compression not in _LOSSY:
        return
    across, down = layout.tile or (layout.width, layout.rows_per_strip)
    for start, size in zip(tiff.decoder.dataoffsets, tiff.decoder.databytecounts, strict=False):
        file.seek(start)
        check_scans(file.read(size).count(_SCAN), across * down)


def _refuse_unusable(path: Path, layout: Layout) -> None:
    photometric, compression = layout.photometric, layout.compression
    word = _PHOTOMETRIC_WORDS.get(photometric)
    if word == "YCbCr" and compression in _JPEG:
        word = None
    if photometric == BLACK_IS_ZERO and layout.samples >= 3 and not any(layout.extras):
        word = "many-channel"
    if word is not None:
        raise FileError(f"“{path}” is a {word} TIFF; convert it to RGB in a photo editor first.")
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR):
        raise FileError(f"“{path}” is a TIFF of an unusual kind; save it as RGB TIFF first.")
    if layout.depth != 1 or not layout.colours <= layout.samples <= _MOST_CHANNELS:
        raise FileError(f"“{path}” is a volume or has too many channels; save a flat RGB photo.")
    if layout.kind not in (UNSIGNED, FLOAT) or not 0 < layout.bits <= (
        16 if layout.kind == UNSIGNED else 64
    ):
        raise FileError(
            f"“{path}” stores its values in an unusual way; save it as 8-bit, 16-bit or float TIFF."
        )
    if compression != UNCOMPRESSED and compression not in tifffile.TIFF.DECOMPRESSORS:
        raise FileError(
            f"“{path}” is compressed in a way that this program does not read (TIFF compression "
            f"{compression}); save it with ZIP or LZW compression."
        )
    if layout.tile is not None and layout.tile[0] * layout.tile[1] > 4 * max(
        1 << 22, layout.width * layout.length
    ):
        raise ValueError("tiles far larger than the image")
