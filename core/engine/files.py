"""The engine on files: a photo is read in bands, expanded and written as it goes."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np

from core.checks import check_fields
from core.colour import SRGB, convert
from core.engine.expansion import Band, ExpansionSettings, expand_bands
from core.engine.method import Method, Subject, TileReport
from core.engine.origin import sourced
from core.engine.tiling import ArraySource, Source
from core.files import OutputFormat, PhotoWriter, open_rows
from core.files.encoding import rounding
from core.files.privacy import without_private
from core.gamut import (
    LOSSY_TOLERANCE,
    ROUNDING,
    FloatImage,
    code_maximum,
    naive_inversion,
    reduce,
    share,
)
from core.progress import Behind, finished
from core.source_gamut import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from core.files import Limits, Photo, RowReader
    from core.progress import Check

ExpandBands: TypeAlias = (
    "Callable[[Source, Method, ExpansionSettings, Check | None], Generator[Band, None, None]]"
)

_KEPT = "none"
_CARRIES = (
    "The photo carries what helps to recover its colours, which this method does not use; "
    "gamut info says what it is."
)
_NOT_PROJECTED = (
    "The estimate was not projected: when the result is reduced to sRGB, some of the photo's codes "
    "come back changed."
)


@dataclass(frozen=True)
class FileSettings:
    """Where an expanded photo goes and in which form.

    Attributes
    ----------
    format : {"tiff", "png", "jxl", "avif"}, optional
        By the suffix of the name if not given.
    depth : int, optional
        Bits per channel; the format's best unless given.
    overwrite : bool
        Whether a file of that name may be replaced.
    limits : Limits, optional
        What is too large to be read.
    lossy_tolerance : float
        Noise of a lossy source, in 8-bit codes.
    keep_private : bool
        Whether all metadata is carried over, or only what is known to be harmless (see
        :mod:`core.files.privacy`).
    detect_source : bool
        Whether the file's own records decide in which space its colours lay, where the
        expansion's settings do not say it (:mod:`core.engine.origin`).
    """

    format: OutputFormat | None = None
    depth: int | None = None
    overwrite: bool = False
    limits: Limits | None = None
    lossy_tolerance: float = LOSSY_TOLERANCE
    keep_private: bool = True
    detect_source: bool = True

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "format": self.format is None or self.format in get_args(OutputFormat),
            "depth": self.depth in (None, 10, 12, 16, 32),
            "lossy_tolerance": 0.0 <= self.lossy_tolerance <= 64.0,
        }
        check_fields(self, checks)


@dataclass(frozen=True)
class FileReport:
    """What was done to a file.

    Attributes
    ----------
    input, output : str
        Paths.
    width, height : int
        In pixels.
    space : str
        Key of the output's colour space.
    source : str
        Key of the space in which the photo's colours were taken to have lain, or "unknown".
    model, sha256 : str
        Which method did it, and the hash of its weights; "none" where the photo was only
        converted.
    tolerance : float
        Noise that the codes were taken to have, in 8-bit codes.
    clipped_share, restored_share : float
        Shares of pixels that may have lost colour, and whose colour moved.
    steps_mean, steps_most : float, int
        Evaluations of the cell over the solved tiles.
    residual_most : float
        The largest last residual.
    unconverged : int
        Tiles that reached the step limit or failed.
    converted : bool
        Whether the photo was wide-gamut already, so that it was only converted.
    seconds : float
        Elapsed time.
    notes : tuple of str
        Sentences for people.
    """

    input: str
    output: str
    width: int
    height: int
    space: str
    source: str
    model: str
    sha256: str
    tolerance: float
    clipped_share: float
    restored_share: float
    steps_mean: float
    steps_most: int
    residual_most: float
    unconverged: int
    converted: bool
    seconds: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def expand_file(
    source: str | Path,
    target: str | Path,
    method: Method,
    settings: ExpansionSettings | None = None,
    file_settings: FileSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FileReport:
    """Expand a photo file into a wide-gamut file.

    Parameters
    ----------
    source : path
        An sRGB photo in any format that :func:`core.files.read` takes. One with a wide-gamut
        profile keeps its colours and is only converted.
    target : path
        The file to write: TIFF, PNG, JPEG XL or AVIF.
    method : Method
        What restores it (:func:`core.methods.registry.method`).
    settings : ExpansionSettings, optional
        How; the tolerance is that for lossless files.
    file_settings : FileSettings, optional
        Format, depth, overwriting, limits.
    progress : callable, optional
        Called with tiles done and tiles in all.

    Returns
    -------
    FileReport

    Raises
    ------
    PhotoError
        If the photo cannot be read or the file not be written; then nothing of it remains.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from core.files import write_codes
    >>> from core.methods.registry import method
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = write_codes(folder / "a.png", np.full((8, 8, 3), 128, np.uint8))
    >>> report = expand_file(folder / "a.png", folder / "a.tif", method("naive"))
    >>> report.clipped_share
    0.0
    """
    return finished(file_expansion(source, target, method, settings, file_settings), progress)


def file_expansion(
    source: str | Path,
    target: str | Path,
    method: Method,
    settings: ExpansionSettings | None = None,
    file_settings: FileSettings | None = None,
    check: Check | None = None,
    reader: RowReader | None = None,
    expand: ExpandBands = expand_bands,
) -> Generator[tuple[int, int], None, FileReport]:
    """Expand a file step by step.

    Parameters
    ----------
    source, target, method, settings, file_settings
        As for :func:`expand_file`.
    check : callable, optional
        Called often, before each iteration of a solver, too; what it raises gives up the work.
    reader : RowReader, optional
        The source, where it is open already; it stays open.
    expand : callable
        What expands the codes, as :func:`core.engine.expansion.expand_bands` does: such as
        :class:`core.engine.large.SharedBands`.

    Yields
    ------
    (int, int)
        Tiles done and in all. Closing the generator cancels the work and leaves no file.

    Returns
    -------
    FileReport

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from core.files import write_codes
    >>> from core.methods.registry import method
    >>> from core.progress import finished
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_codes(f"{folder}/red.png", np.full((8, 8, 3), [255, 0, 0], np.uint8))
    ...     work = file_expansion(f"{folder}/red.png", f"{folder}/wide.tif", method("letnet-box"))
    ...     report = finished(work, lambda done, total: print(done, "of", total))
    1 of 1
    1 of 1
    >>> report.clipped_share, report.space
    (1.0, 'prophoto')
    """
    started = time.perf_counter()
    files = file_settings or FileSettings()
    with ExitStack() as stack:
        if reader is None:
            reader = stack.enter_context(open_rows(source, limits=files.limits))
        settings = settings or ExpansionSettings()
        if reader.info.lossy:
            settings = replace(settings, tolerance=files.lossy_tolerance)
        pixels, notes = codes_of(reader)
        if pixels is not None:
            method = method.bound(Subject(pixels, reader.payload, str(source)))
            settings, reason = sourced(
                settings, method, reader.metadata, detect=files.detect_source
            )
            notes = (*notes, *method.notes, *reason)
            if reader.payload is not None and not method.notes:
                notes = (*notes, _CARRIES)
        used = None if pixels is None else method
        writer = stack.enter_context(_writer(source, target, reader, settings, files, used))
        if pixels is not None and not settings.project:
            notes = (*notes, _NOT_PROJECTED)
        coarse = settings.project and _may_lose_codes(reader, writer)
        tally = _Tally(_WayBack() if coarse else None)
        if pixels is None:
            values, lost = _kept(reader, settings)
            notes = (*notes, *lost)
            writer.write_rows(values)
            yield 1, 1
        else:
            bands = stack.enter_context(closing(expand(pixels, method, settings, check)))
            yield from _written(bands, writer, tally, settings)
            notes = (*notes, *tally.notes(writer.bits))
    return FileReport(
        input=str(source),
        output=str(target),
        width=reader.info.width,
        height=reader.info.height,
        space=settings.space.key,
        source=UNKNOWN if settings.source is None else settings.source.key,
        model=_KEPT if pixels is None else method.name,
        sha256="" if pixels is None else method.sha256,
        tolerance=settings.tolerance,
        converted=pixels is None,
        seconds=time.perf_counter() - started,
        notes=(*reader.info.notes, *notes, *writer.notes),
        **tally.as_dict(),
    )


def _writer(
    source: str | Path,
    target: str | Path,
    reader: RowReader,
    settings: ExpansionSettings,
    files: FileSettings,
    method: Method | None,
) -> PhotoWriter:
    """Return what writes the result, with the frame of the source around it."""
    height, width, _ = reader.shape
    carried = reader.metadata
    return PhotoWriter(
        target,
        width,
        height,
        settings.space,
        format=files.format,
        depth=files.depth,
        metadata=carried if files.keep_private else without_private(carried),
        alpha=reader.alpha,
        overwrite=files.overwrite,
        source=source,
        software=_software(method),
    )


def _written(
    bands: Iterator[Band], writer: PhotoWriter, tally: _Tally, settings: ExpansionSettings
) -> Generator[tuple[int, int], None, None]:
    """Write and count bands, each while the next is being expanded."""
    with Behind() as behind:
        for band in bands:
            if band.values is not None:
                behind.do(writer.write_rows, band.values)
                tally.add(band, settings)
                if tally.back is not None:
                    tally.back.add(band, writer.stored(band.values), settings)
            yield band.done, band.total
        behind.wait()


def codes_of(reader: RowReader) -> tuple[Source | None, tuple[str, ...]]:
    """Return a file's sRGB codes, or None if its colours are wide already; and notes on that.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> with open_rows(sample_photo()) as reader:
    ...     codes, notes = codes_of(reader)
    >>> codes.shape, notes
    ((400, 600, 3), ())
    """
    if reader.is_srgb_codes:
        return reader, ()  # type: ignore[return-value]
    assert reader.photo is not None
    scene = reader.photo.scene()
    excess = float(np.maximum(-scene, scene - 1.0).max())
    if excess <= ROUNDING or _is_rounded_srgb(reader.photo, scene):
        note = f"Its profile ({reader.photo.profile_name}) was converted to sRGB."
        return ArraySource(reduce(scene, 16)), (note,)
    note = (
        f"The photo is wide-gamut already ({reader.photo.profile_name}): its colours were "
        "converted, nothing was restored; reduce it to sRGB first to try an expansion."
    )
    return None, (note,)


def _is_rounded_srgb(photo: Photo, scene: FloatImage) -> bool:
    """Return whether the codes of a file explain all that lies outside sRGB by their rounding."""
    if photo.pixels.dtype.kind == "f":
        return False
    excess = np.maximum(-scene, scene - 1.0)
    outside = (excess > ROUNDING).any(-1)
    # The brightest hint of a wide photo is looked at first: most need no more.
    few = np.unravel_index([int(excess.max(-1).argmax())], outside.shape)
    for chosen in (few, np.nonzero(outside)):
        codes = photo.pixels[chosen][None]
        if (excess[chosen] > ROUNDING + rounding(photo.encoding, codes)[0]).any():
            return False
    return True


def _kept(reader: RowReader, settings: ExpansionSettings) -> tuple[FloatImage, tuple[str, ...]]:
    """Return a wide-gamut photo in the output's space, and what it loses there."""
    assert reader.photo is not None
    values = convert(reader.photo.scene(), SRGB, settings.space, settings.adaptation)
    if settings.space.transfer.is_linear:
        return values, ()
    bright = share(np.asarray((values > 1.0 + ROUNDING).any(-1)))
    outside = share(np.asarray((values < -ROUNDING).any(-1)))
    notes = []
    if bright:
        notes.append(
            f"{bright:.2%} of the pixels are brighter than white and were clipped; choose ACEScg "
            "to keep them."
        )
    if outside:
        notes.append(
            f"{outside:.2%} of the pixels have colours outside {settings.space.name} and were "
            "clipped; choose a larger space to keep them."
        )
    return np.clip(values, 0.0, 1.0, out=values), tuple(notes)


def _software(method: Method | None) -> str:
    product = f"napari-gamut {version('napari-gamut')}"
    return f"{product}; {method.name} {method.sha256[:12]}".rstrip() if method else product


def _may_lose_codes(reader: RowReader, writer: PhotoWriter) -> bool:
    """Return whether the file is too coarse to bring back every code of a lossless photo."""
    if reader.info.lossy:
        return False
    return writer.precision < (16 if reader.dtype == np.uint8 else 24)


@dataclass
class _WayBack:
    """Which codes come back changed when the written file is reduced to sRGB."""

    codes: int = 0
    changed: int = 0
    most: int = 0
    top: int = 255

    def add(self, band: Band, stored: FloatImage, settings: ExpansionSettings) -> None:
        """Take in a band as it was rounded for the file."""
        scene = convert(stored, settings.space, SRGB, settings.adaptation)
        self.top = code_maximum(band.codes)
        back = reduce(scene, 8 if self.top == 255 else 16)
        away = np.abs(back.astype(np.int32) - band.codes)
        self.codes += away.size
        self.changed += int(np.count_nonzero(away))
        self.most = max(self.most, int(away.max()))

    def note(self, bits: int) -> str:
        """Return the figures as a sentence."""
        part = self.changed / self.codes
        shown = f"{part:.2%}" if part >= 5e-5 else "less than 0.01%"
        return (
            f"Reduced to sRGB, {shown} of the codes come back changed, by "
            f"{self.most} of {self.top} at most, since {bits} bits are too coarse for them."
        )


@dataclass
class _Tally:
    """What a report adds up, band by band."""

    back: _WayBack | None
    pixels: int = 0
    clipped: int = 0
    restored: int = 0
    tiles: list[TileReport] = field(default_factory=list)

    def add(self, band: Band, settings: ExpansionSettings) -> None:
        """Take in a finished band."""
        assert band.values is not None
        # With a projection the others keep the colours of their codes.
        places = band.clipped if settings.project else np.ones_like(band.clipped)
        scene = convert(band.values[places], settings.space, SRGB, settings.adaptation)
        away = np.abs(scene - naive_inversion(band.codes[places])) > ROUNDING
        self.pixels += places.size
        self.clipped += int(np.count_nonzero(band.clipped))
        self.restored += int(np.count_nonzero(away[:, 0] | away[:, 1] | away[:, 2]))
        self.tiles.extend(band.tiles)

    def notes(self, bits: int) -> tuple[str, ...]:
        """Return a sentence for people if codes come back changed from a file of so many bits."""
        return () if self.back is None or not self.back.changed else (self.back.note(bits),)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the report that are counted here."""
        steps = [tile.steps for tile in self.tiles]
        return {
            "clipped_share": self.clipped / max(self.pixels, 1),
            "restored_share": self.restored / max(self.pixels, 1),
            "steps_mean": sum(steps) / max(len(steps), 1),
            "steps_most": max(steps, default=0),
            "residual_most": max((tile.residual for tile in self.tiles), default=0.0),
            "unconverged": sum(tile.status.failed for tile in self.tiles),
        }
