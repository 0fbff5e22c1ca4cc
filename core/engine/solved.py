"""A photo that is solved once and finished as often as its settings change.

Strength, target space and, for networks that are not told it, the source gamut only concern
what is made of a network's answers. Faces let people change them under the mouse: the answers
are kept, and :meth:`SolvedPhoto.finish` gives what a new expansion would give.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.engine.expansion import ExpansionSettings, SolvedBand, check_codes, solve_bands
from core.engine.finishing import finish_rows
from core.engine.tiling import ArraySource
from core.errors import PhotoError
from core.gamut import clipped_mask
from core.images import row_bands
from core.progress import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from core.engine.method import Method, TileReport
    from core.gamut import Codes, FloatImage, Mask
    from core.progress import Check

LARGEST = 1 << 30
"""Bytes that a kept photo takes at most, unless the caller says otherwise."""

_ANSWER = 3 * np.dtype(np.float32).itemsize


@dataclass(frozen=True, eq=False)
class SolvedPhoto:
    """What a method found of a photo, ready to be finished in any strength and space.

    It keeps one byte a pixel, 12 bytes for each pixel that may have lost colour (for every pixel
    without a projection), and the photo itself, which is not copied.

    Attributes
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The photo's sRGB codes.
    settings : ExpansionSettings
        With which it was solved.
    model, sha256 : str
        Which method did it, and the hash of its weights, empty where it has none.
    tiles : tuple of TileReport
        The tiles that were solved.
    seconds : float
        Elapsed time of the solve.
    """

    codes: Codes
    settings: ExpansionSettings
    model: str
    sha256: str
    tiles: tuple[TileReport, ...]
    seconds: float
    _bands: tuple[SolvedBand, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that are kept beside the photo's codes."""
        return sum(_answers(band).nbytes + band.clipped.nbytes for band in self._bands)

    @property
    def clipped(self) -> Mask:
        """Pixels that may have lost colour, where the weight is above 0; bool, shape (H, W)."""
        return np.concatenate([band.clipped for band in self._bands])

    @property
    def told(self) -> bool:
        """Whether the method was told the source gamut: another one needs a new solve."""
        return any(band.worker is not None and band.worker.told for band in self._bands)

    def serves(self, settings: ExpansionSettings) -> bool:
        """Return whether a photo can be finished with these settings without a new solve.

        Strength, space and adaptation may differ from :attr:`settings`, and the source gamut
        where the method was not :attr:`told` it; all else is part of the solve.
        """
        free = replace(
            self.settings,
            strength=settings.strength,
            space=settings.space,
            adaptation=settings.adaptation,
        )
        if not self.told:
            free = replace(free, source=settings.source)
        return free == settings

    def finish(
        self, settings: ExpansionSettings | None = None, out: FloatImage | None = None
    ) -> FloatImage:
        """Return the photo's colours.

        Parameters
        ----------
        settings : ExpansionSettings, optional
            Those of the solve unless given; see :meth:`serves`.
        out : ndarray, float32, shape (H, W, 3), optional
            An earlier result in the same space and adaptation: only the pixels that may have
            lost colour are written anew, which is all that can differ.

        Returns
        -------
        ndarray, float32, shape (H, W, 3)
            Linear RGB of the settings' space, in 0..1: exactly what
            :func:`core.engine.expansion.expand` gives with them.

        Raises
        ------
        ValueError
            If these settings need a new solve.
        """
        values = np.empty(self.codes.shape, np.float32) if out is None else out
        settings = self._checked(settings)
        for band in self._bands:
            part = values[band.top : band.top + len(band.codes)]
            finish_rows(band, settings, part, whole=out is None)
        return values

    def rows(self, start: int, stop: int, settings: ExpansionSettings | None = None) -> FloatImage:
        """Return the colours of some rows, as :meth:`finish` has them.

        Parameters
        ----------
        start, stop : int
            The first row and the one after the last, inside the photo.
        settings : ExpansionSettings, optional
            As for :meth:`finish`.

        Returns
        -------
        ndarray, float32, shape (stop - start, W, 3)
        """
        settings = self._checked(settings)
        if not 0 <= start <= stop <= len(self.codes):
            raise ValueError(f"Rows {start} to {stop} are not in 0 to {len(self.codes)}.")
        values = np.empty((stop - start, *self.codes.shape[1:]), np.float32)
        for band in self._bands:
            first, last = max(start, band.top), min(stop, band.top + len(band.codes))
            if first < last:
                inside = slice(first - band.top, last - band.top)
                finish_rows(
                    band, settings, values[first - start : last - start], inside, whole=True
                )
        return values

    def thinned(self, rows: slice, columns: slice) -> SolvedPhoto:
        """Return the solve of some of the pixels, as if the photo had only these.

        A picture for a screen has far fewer pixels than a photo, and is finished the sooner.

        Parameters
        ----------
        rows, columns : slice
            Which pixels; with a step, every so many of them. The step must be positive.

        Returns
        -------
        SolvedPhoto
            Its :meth:`finish` gives what the whole photo's gives of these pixels, up to rounding.
        """
        start, stop, step = rows.indices(len(self.codes))
        found: list[SolvedBand] = []
        for band in self._bands:
            height = len(band.codes)
            first = start - band.top if start > band.top else (start - band.top) % step
            inside = slice(first, min(height, stop - band.top), step)
            if inside.start >= inside.stop:
                continue
            part = (inside, columns)
            lost = band.concerned(self.settings)
            wanted = np.zeros_like(lost)
            wanted[part] = lost[part]
            found.append(
                replace(
                    band,
                    top=sum(len(other.codes) for other in found),
                    codes=band.codes[part],
                    clipped=band.clipped[part],
                    answers=_answers(band)[wanted[lost]],
                    weight=None if band.weight is None else band.weight[part],
                )
            )
        return replace(self, codes=self.codes[rows, columns], _bands=tuple(found))

    def bands(self, settings: ExpansionSettings | None = None) -> Iterator[tuple[int, FloatImage]]:
        """Yield the first row and the colours of band after band, from top to bottom."""
        for band in self._bands:
            yield band.top, self.rows(band.top, band.top + len(band.codes), settings)

    def _checked(self, settings: ExpansionSettings | None) -> ExpansionSettings:
        settings = settings or self.settings
        if not self.serves(settings):
            raise ValueError("These settings need a new solve of the photo.")
        return settings


def kept_bytes(codes: Codes, settings: ExpansionSettings | None = None) -> int:
    """Return the bytes that keeping a photo's solve takes, beside its codes.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    settings : ExpansionSettings, optional
        Tolerance and projection.

    Examples
    --------
    >>> codes = np.full((100, 100, 3), 128, np.uint8)
    >>> codes[:10, :10, 0] = 255  # 100 clipped pixels
    >>> kept_bytes(codes)
    11200
    """
    settings = settings or ExpansionSettings()
    pixels: int = codes.shape[0] * codes.shape[1]
    if not settings.project:
        return pixels + _ANSWER * pixels
    clipped = sum(
        int(np.count_nonzero(clipped_mask(codes[rows], settings.tolerance)))
        for rows in row_bands(codes)
    )
    return pixels + _ANSWER * clipped


def solve_photo(
    codes: Codes,
    method: Method,
    settings: ExpansionSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
    most: int = LARGEST,
) -> SolvedPhoto:
    """Solve a photo that is in memory, and keep what is found.

    Parameters
    ----------
    codes, method, settings, progress
        As for :func:`core.engine.expansion.expand`.
    most : int
        Bytes that may be kept.

    Returns
    -------
    SolvedPhoto

    Raises
    ------
    PhotoError
        As :func:`core.engine.expansion.expand`, and if the photo needs more memory than `most`.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> solved = solve_photo(np.full((8, 8, 3), [255, 0, 0], np.uint8), method("letnet-box"))
    >>> full = solved.finish()
    >>> none = solved.finish(
    ...     replace(solved.settings, strength=0.0)
    ... )  # the network does not run again
    >>> bool((full != none).any())
    True
    """
    return finished(photo_solve(codes, method, settings, most=most), progress)


def photo_solve(
    codes: Codes,
    method: Method,
    settings: ExpansionSettings | None = None,
    check: Check | None = None,
    most: int = LARGEST,
    weight: FloatImage | None = None,
) -> Generator[tuple[int, int], None, SolvedPhoto]:
    """Solve a photo step by step, and keep what is found.

    Parameters
    ----------
    codes, method, settings, most
        As for :func:`solve_photo`.
    check : callable, optional
        Called often, before each iteration of a solver, too; what it raises gives up the work.
    weight : ndarray, float32, shape (H, W), optional
        As for :func:`core.engine.expansion.expand`; it is part of the solve.

    Yields
    ------
    (int, int)
        Tiles done and in all. Closing the generator cancels the work.

    Returns
    -------
    SolvedPhoto

    Examples
    --------
    >>> from core.methods.registry import method
    >>> from core.progress import finished
    >>> codes = np.full((8, 8, 3), [255, 0, 0], np.uint8)
    >>> solved = finished(photo_solve(codes, method("letnet-box")), print)
    1 1
    1 1
    """
    settings = method.settled(settings or ExpansionSettings())
    check_codes(codes)
    needed = kept_bytes(codes, settings)
    if needed > most:
        raise PhotoError(
            f"Trying out settings on this photo would take {needed / 1e9:.1f} GB of memory, but "
            f"only {most / 1e9:.1f} GB are allowed; expand it with settings that are decided, or "
            "try them on a smaller copy."
        )
    started = time.perf_counter()
    kept: list[SolvedBand] = []
    with closing(solve_bands(ArraySource(codes), method, settings, check, weight)) as bands:
        for band in bands:
            if band.answers is not None:
                kept.append(band)
            yield band.done, band.total
    tiles = tuple(tile for band in kept for tile in band.tiles)
    seconds = time.perf_counter() - started
    return SolvedPhoto(codes, settings, method.name, method.sha256, tiles, seconds, tuple(kept))


def _answers(band: SolvedBand) -> FloatImage:
    assert band.answers is not None
    return band.answers
