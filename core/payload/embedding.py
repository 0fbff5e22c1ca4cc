"""sRGB files that carry what they lost, written together with it."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.files import Photo, check_target, format_of, read, write_codes
from core.gamut import LOSSY_TOLERANCE, naive_inversion
from core.payload.gamut_mlp import FitSettings, fit
from core.payload.hint import Hint, make_hint
from core.payload.lost import LostPixels, lost_pixels
from core.payload.network_record import network_of, network_record
from core.payload.records import Record, joined
from core.progress import scaled

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

    from core.colour import ColourSpace
    from core.engine.method import Method
    from core.files.writing import Frame
    from core.gamut import Codes, FloatImage

_PARTS = 1000
_LOSSLESS = ("tiff", "png")


@dataclass(frozen=True)
class Embedding:
    """What was put into a file.

    Attributes
    ----------
    hint_size, network_size : int
        Bytes of each; 0 where there is none.
    sha256 : str
        Of the network's weights; empty where there is none.
    notes : tuple of str
        Sentences for people about metadata that the file does not hold.
    """

    hint_size: int = 0
    network_size: int = 0
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.hint_size + self.network_size


def write_embedded(
    path: str | os.PathLike[str],
    codes: Codes,
    original: FloatImage,
    method: Method | None,
    network: FitSettings | None = None,
    *,
    stated: ColourSpace | None = None,
    settings: ExpansionSettings | None = None,
    **written: Unpack[Frame],
) -> Generator[tuple[int, int], None, Embedding]:
    """Write an sRGB file that carries what helps to recover its colours.

    Parameters
    ----------
    path : path
        In any format that :func:`core.files.write_codes` writes.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB codes that the original was reduced to.
    original : ndarray, float32, shape (H, W, 3)
        Scene-linear sRGB, unbounded.
    method : Method or None
        The network that gets a hint how far to go; None for no hint.
    network : FitSettings, optional
        Fits a network to the photo as well, which the file carries. It corrects what the method
        makes of the photo with the hint, or else the naive inversion: then the file does not
        depend on the weights of the method, and is restored faster.
    stated : ColourSpace, optional
        The space of the original's file.
    settings : ExpansionSettings, optional
        Device, adaptation and so on.
    **written
        As for :func:`core.files.write_codes`.

    Yields
    ------
    (int, int)
        Progress. Closing the generator leaves no file.

    Returns
    -------
    Embedding

    Raises
    ------
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.files import carried_bytes
    >>> from core.gamut import reduce
    >>> from core.methods.registry import method
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "chart.png")
    ...     _ = finished(write_embedded(photo, reduce(scene), scene, method("letnet-box")))
    ...     len(carried_bytes(photo)) <= 64
    True
    """
    path = Path(path)
    # Before the work, and again when the file is written.
    read_now = written.get("source")
    check_target(
        path,
        overwrite=written.get("overwrite", False),
        source=None if read_now is None else Path(read_now),
    )
    carried, tolerance = _as_read(path, codes, written)
    settings = replace(settings or ExpansionSettings(), tolerance=tolerance)
    first = _PARTS if network is None else _PARTS // 2 if method is not None else 0
    work = lost_pixels(carried, original, method, stated=stated, settings=settings)
    lost = yield from scaled(work, 0, first, _PARTS)
    records: list[Record] = []
    if method is not None:
        hint = make_hint(lost)
        records.append(hint.record(carried, method.sha256))
        lost = hinted(lost, hint)
    sha256 = ""
    if network is not None:
        fitting = fit(lost, network)
        with closing(scaled(fitting, first, _PARTS, _PARTS)) as steps:
            mlp = yield from steps
        source, base = lost.settings.source, "" if method is None else method.sha256
        record = network_record(mlp, carried, source, base)
        sha256 = network_of(record, *carried.shape[:2]).sha256
        records.append(record)
    notes = write_codes(path, codes, extra_metadata=joined(records), **written)
    sizes = [len(record.serialise()) for record in records]
    hint_size = sizes[0] if method is not None else 0
    return Embedding(hint_size, sum(sizes) - hint_size, sha256, notes)


def hinted(lost: LostPixels, hint: Hint) -> LostPixels:
    """Return lost pixels whose estimates a hint has corrected.

    Parameters
    ----------
    lost : LostPixels
        With the estimates of the network that the hint is for, scene-linear sRGB.
    hint : Hint
        Of the same photo.

    Returns
    -------
    LostPixels
        A copy; only its estimates differ.

    Examples
    --------
    >>> from core.colour import PROPHOTO, SRGB, convert
    >>> from core.gamut import reduce
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> scene = convert(wide_gamut_chart(8), PROPHOTO, SRGB)
    >>> lost = finished(lost_pixels(reduce(scene), scene))
    >>> better = hinted(lost, make_hint(lost))  # without a network there is no step to correct
    >>> bool((better.estimate == lost.estimate).all())
    True
    """
    naive = naive_inversion(lost.codes)
    factors = hint.factors(lost.codes, lost.settings.tolerance)
    return replace(lost, estimate=naive + factors * (lost.estimate - naive))


def _as_read(path: Path, codes: Codes, written: Frame) -> tuple[Codes, float]:
    """Return the codes that a file will give back, and their noise: JPEG changes them."""
    if format_of(path) in _LOSSLESS:
        return codes, 0.0
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, f"trial{path.suffix}")
        write_codes(trial, codes, **(written | {"overwrite": False, "source": None}))
        photo = read(trial)
    return _codes(photo), LOSSY_TOLERANCE if photo.lossy else 0.0


def _codes(photo: Photo) -> Codes:
    codes = photo.srgb_codes()
    if codes is None:
        raise PhotoError(f"“{photo.path}” is no sRGB photo; choose another format.")
    return codes
