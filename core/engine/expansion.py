"""The engine: sRGB codes in, the colours of a wide gamut out.

A photo is worked on in bands of tiles from top to bottom. Only tiles that hold a clipped
pixel are solved; everywhere else the naive inversion is the best estimate there is, and the
feasible box makes it exact. Memory depends on the tile and the photo's width, not its height.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.checks import check_fields
from core.colour import PROPHOTO, Adaptation, ColourSpace
from core.engine.finishing import finish_band
from core.engine.method import TileReport
from core.engine.tiling import ArraySource, Span, Tile, pieces, plan_spans, spans_within
from core.errors import PhotoError
from core.gamut import Codes, FloatImage, Mask, clipped_mask, code_maximum
from core.progress import finished
from core.source_gamut import is_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from core.engine.method import Method, Worker
    from core.engine.tiling import Source
    from core.network.solver import SolverSettings
    from core.progress import Check

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class ExpansionSettings:
    """How a photo is expanded.

    Attributes
    ----------
    space : ColourSpace
        The space of the result, which limits its colours; it has to hold all of sRGB and more.
    adaptation : {"Bradford", "CAT02"}
        How white is adapted; Bradford wherever a file gets an ICC profile.
    source : ColourSpace, optional
        The space in which the colours of the original lay, if that is known: it limits what is
        restored, and networks that can be told are told. It has to hold all of sRGB and more.
    tolerance : float
        Noise of a lossy file, in 8-bit codes.
    strength : float
        0 restores nothing, 1 what the network estimates; up to 2 exaggerates.
    project : bool
        Whether estimates are projected into the feasible box (the round-trip guarantee).
        Without, every tile is solved, and all pixels take the network's output: the papers' way.
    solver : SolverSettings, optional
        For the fixed point; the model's own unless given.
    tile : int
        Side of a tile in pixels, 64 to 4096.
    halo : int, optional
        Surroundings of a tile that the network sees; the model's own unless given.
    batch : int
        Tiles solved together; more than 1 pays on GPUs, where tiles are solved whole. A single
        one is cut into pieces around the pixels that may have lost colour.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps", ...
    precision : {"float32", "bfloat16"}
        Of the convolutions.
    """

    space: ColourSpace = PROPHOTO
    adaptation: Adaptation = "Bradford"
    source: ColourSpace | None = None
    tolerance: float = 0.0
    strength: float = 1.0
    project: bool = True
    solver: SolverSettings | None = None
    tile: int = 512
    halo: int | None = None
    batch: int = 1
    device: str = "auto"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "space": is_wide(self.space),
            "source": self.source is None or is_wide(self.source),
            "tolerance": 0.0 <= self.tolerance <= 64.0,
            "strength": 0.0 <= self.strength <= 2.0,
            "tile": 64 <= self.tile <= 4096,
            "halo": self.halo is None or 0 <= self.halo <= 1024,
            "batch": self.batch >= 1,
            "precision": self.precision in ("float32", "bfloat16"),
        }
        check_fields(self, checks)


@dataclass(frozen=True)
class Band:
    """A finished band of rows, as :func:`expand_bands` yields it.

    Attributes
    ----------
    top : int
        Its first row.
    codes : ndarray, uint8 or uint16, shape (h, W, 3)
        Its sRGB codes.
    values : ndarray, float32, shape (h, W, 3)
        Linear RGB of the settings' space, in 0..1; None while only tiles of it are done.
    clipped : ndarray, bool, shape (h, W)
        Pixels that may have lost colour.
    tiles : tuple of TileReport
        The tiles that were solved for it.
    done, total : int
        Tiles finished and tiles in all, counting those that need no solving.
    """

    top: int
    codes: Codes
    values: FloatImage | None
    clipped: Mask
    tiles: tuple[TileReport, ...]
    done: int
    total: int


@dataclass(frozen=True)
class Expansion:
    """A whole photo, expanded.

    Attributes
    ----------
    values : ndarray, float32, shape (H, W, 3)
        Linear RGB of `space`, in 0..1.
    space : ColourSpace
        The space of `values`.
    clipped : ndarray, bool, shape (H, W)
        Pixels that may have lost colour; without a projection others may have changed, too.
    tiles : tuple of TileReport
        The tiles that were solved.
    model, sha256 : str
        Which method did it, and the hash of its weights, empty where it has none.
    seconds : float
        Elapsed time.
    """

    values: FloatImage
    space: ColourSpace
    clipped: Mask
    tiles: tuple[TileReport, ...]
    model: str
    sha256: str
    seconds: float


def expand(
    codes: Codes,
    method: Method,
    settings: ExpansionSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
    weight: FloatImage | None = None,
) -> Expansion:
    """Expand a photo that is in memory.

    Parameters
    ----------
    codes : ndarray or dask array, uint8 or uint16, shape (H, W, 3)
        sRGB codes. Of a dask array, values and mask are dask arrays, too, whose chunks are
        worked on when they are computed (:func:`core.engine.lazy.expand_lazily`).
    method : Method
        What restores it (:func:`core.methods.registry.method`).
    settings : ExpansionSettings, optional
        How.
    progress : callable, optional
        Called with tiles done and tiles in all.
    weight : ndarray, float32, shape (H, W), optional
        How much of its restored colour each pixel gets, 0..1, as of
        :func:`core.images.feathered`: nothing is solved where it is 0.

    Returns
    -------
    Expansion
        Reducing its values gives back the same codes (with a projection and a tolerance of 0).

    Raises
    ------
    PhotoError
        If the codes are no sRGB photo, or not one that the method can restore, the device is
        missing, or a dask array is given a weight.

    Examples
    --------
    >>> import numpy as np
    >>> from core.engine.expansion import expand
    >>> from core.methods.registry import method
    >>> codes = np.full((2, 2, 3), 128, np.uint8)
    >>> expand(codes, method("naive")).values[0, 0].astype(float).round(3).tolist()
    [0.216, 0.216, 0.216]
    """
    if hasattr(codes, "__dask_graph__"):
        from core.engine.lazy import lazy_expansion

        if weight is not None:
            raise PhotoError("Only photos in memory are expanded in a region; load this one first.")
        return lazy_expansion(codes, method, settings)
    return finished(expansion(codes, method, settings, weight=weight), progress)


def expansion(
    codes: Codes,
    method: Method,
    settings: ExpansionSettings | None = None,
    check: Check | None = None,
    weight: FloatImage | None = None,
) -> Generator[tuple[int, int], None, Expansion]:
    """Expand a photo that is in memory step by step.

    Parameters
    ----------
    codes, method, settings, weight
        As for :func:`expand`.
    check : callable, optional
        Called often, before each iteration of a solver, too; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Tiles done and in all. Closing the generator cancels the work.

    Returns
    -------
    Expansion

    Examples
    --------
    >>> from core.methods.registry import method
    >>> codes = np.full((2, 2, 3), 128, np.uint8)
    >>> work = expansion(codes, method("naive"))
    >>> [(done, total) for done, total in work]
    [(1, 1)]
    """
    settings = method.settled(settings or ExpansionSettings())
    check_codes(codes)
    started = time.perf_counter()
    values = np.empty(codes.shape, np.float32)
    clipped = np.empty(codes.shape[:2], np.bool_)
    tiles: list[TileReport] = []
    with closing(expand_bands(ArraySource(codes), method, settings, check, weight)) as bands:
        for band in bands:
            if band.values is not None:
                rows = slice(band.top, band.top + len(band.values))
                values[rows], clipped[rows] = band.values, band.clipped
                tiles.extend(band.tiles)
            yield band.done, band.total
    seconds = time.perf_counter() - started
    return Expansion(
        values, settings.space, clipped, tuple(tiles), method.name, method.sha256, seconds
    )


def expand_bands(
    source: Source,
    method: Method,
    settings: ExpansionSettings | None = None,
    check: Check | None = None,
    weight: FloatImage | None = None,
) -> Generator[Band, None, None]:
    """Expand a photo band by band: the generator beneath every front.

    Parameters
    ----------
    source : Source
        sRGB codes, read from top to bottom.
    method : Method
        What restores them.
    settings : ExpansionSettings, optional
        How.
    check : callable, optional
        Called often, before each iteration of a solver, too; what it raises gives up the work.
    weight : ndarray, float32, shape (H, W), optional
        As for :func:`expand`.

    Yields
    ------
    Band
        After each batch of tiles, without values; after the last of a band, with them. Closing
        the generator cancels the work.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> codes = np.full((600, 2, 3), 128, np.uint8)
    >>> bands = expand_bands(ArraySource(codes), method("naive"), ExpansionSettings())
    >>> [band.values.shape for band in bands if band.values is not None]
    [(512, 2, 3), (88, 2, 3)]
    """
    settings = method.projected(settings or ExpansionSettings())
    with closing(solve_bands(source, method, settings, check, weight)) as solved:
        for band in solved:
            yield band.finished(settings)


@dataclass(frozen=True, eq=False)
class SolvedBand:
    """A band of rows with what a method found of it, before any colour is made.

    Attributes
    ----------
    top : int
        Its first row.
    codes : ndarray, uint8 or uint16, shape (h, W, 3)
        Its sRGB codes.
    clipped : ndarray, bool, shape (h, W)
        Pixels that may have lost colour, where the weight is above 0.
    answers : ndarray, float32, shape (P, 3)
        What the worker says of the clipped pixels, row by row; without a projection, of all
        pixels whose weight is above 0. None while only tiles of the band are done.
    worker : Worker or None
        Turns answers into colours; None where nothing was asked.
    tiles : tuple of TileReport
        The tiles that were solved for it.
    done, total : int
        Tiles finished and tiles in all, counting those that need no solving.
    weight : ndarray, float32, shape (h, W), or None
        How much of its restored colour each pixel gets, 0..1; None for all of it.
    """

    top: int
    codes: Codes
    clipped: Mask
    answers: FloatImage | None
    worker: Worker | None
    tiles: tuple[TileReport, ...]
    done: int
    total: int
    weight: FloatImage | None = None

    def concerned(self, settings: ExpansionSettings) -> Mask:
        """Return the pixels that have answers, bool, shape (h, W)."""
        return _concerned(self.clipped, self.weight, settings.project)

    def finished(self, settings: ExpansionSettings) -> Band:
        """Return the band with the colours that its answers give, if it has them."""
        values = None if self.answers is None else finish_band(self, settings)
        return Band(self.top, self.codes, values, self.clipped, self.tiles, self.done, self.total)


def solve_bands(
    source: Source,
    method: Method,
    settings: ExpansionSettings,
    check: Check | None = None,
    weight: FloatImage | None = None,
) -> Generator[SolvedBand, None, None]:
    """Solve a photo band by band, without making colours of what is found.

    Parameters
    ----------
    source, method, settings, check, weight
        As for :func:`expand_bands`.

    Yields
    ------
    SolvedBand
        After each batch of tiles, without answers; after the last of a band, with them.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> codes = np.full((600, 2, 3), 128, np.uint8)
    >>> bands = solve_bands(ArraySource(codes), method("naive"), ExpansionSettings())
    >>> len(list(bands))
    2
    """
    if weight is not None:
        height, width, _ = source.shape
        check_weight(weight, (height, width))
    plan = BandPlan.of(source, method, settings, check)
    for number, row in enumerate(plan.rows):
        if check is not None:
            check()
        share = None if weight is None else weight[row.start : row.stop]
        yield from plan.solve(number, share)


@dataclass(frozen=True, eq=False)
class BandPlan:
    """A photo cut into bands, each of which can be solved without the others.

    Attributes
    ----------
    source : Source
        sRGB codes.
    worker : Worker or None
        A method at work on the whole photo; None where there is nothing to solve.
    settings : ExpansionSettings
        Tolerance, projection, batch.
    rows : tuple of Span
        The bands, from top to bottom.
    across : int
        Tiles of a band.
    """

    source: Source
    worker: Worker | None
    settings: ExpansionSettings
    rows: tuple[Span, ...]
    across: int

    @classmethod
    def of(
        cls,
        source: Source,
        method: Method,
        settings: ExpansionSettings,
        check: Check | None = None,
    ) -> BandPlan:
        """Return the plan of a photo for a method.

        Examples
        --------
        >>> from core.methods.registry import method
        >>> source = ArraySource(np.full((600, 2, 3), 128, np.uint8))
        >>> plan = BandPlan.of(source, method("naive"), ExpansionSettings())
        >>> [(row.start, row.stop) for row in plan.rows]
        [(0, 512), (512, 600)]
        """
        height, width, _ = source.shape
        worker = method.worker(source, settings, check)
        side, halo = (worker.tile, worker.halo) if worker else (settings.tile, 0)
        rows = tuple(plan_spans(height, side, halo))
        return cls(source, worker, settings, rows, len(plan_spans(width, side, halo)))

    def solve(self, number: int, weight: FloatImage | None = None) -> Iterator[SolvedBand]:
        """Solve a band.

        Parameters
        ----------
        number : int
            Which.
        weight : ndarray, float32, of the band's pixels, optional
            As for :func:`expand`.

        Yields
        ------
        SolvedBand
            After each batch of tiles, without answers; at last with them.
        """
        row = self.rows[number]
        _, width, _ = shape = self.source.shape
        region = Tile(row, Span(0, width, 0, width))
        window = self.source.rows(row.window_start, row.window_stop)
        before, total = number * self.across, len(self.rows) * self.across
        for part in solve_region(window, region, shape, self.worker, self.settings, weight):
            yield replace(part, done=part.done + before, total=total)


def solve_region(
    window: Codes,
    region: Tile,
    shape: tuple[int, ...],
    worker: Worker | None,
    settings: ExpansionSettings,
    weight: FloatImage | None = None,
) -> Iterator[SolvedBand]:
    """Solve a rectangle of a photo, tile by tile.

    Parameters
    ----------
    window : ndarray, uint8 or uint16, shape (h, w, 3)
        sRGB codes of the rectangle with its halo.
    region : Tile
        Where it lies; it begins on the grid of the worker's tiles.
    shape : tuple of int
        Height and width of the whole photo, and what follows.
    worker : Worker or None
        A method at work on the whole photo; None where there is nothing to solve.
    settings : ExpansionSettings
        Tolerance, projection, batch.
    weight : ndarray, float32, of the pixels that the rectangle fills, optional
        As for :func:`expand`.

    Yields
    ------
    SolvedBand
        After each batch of tiles, without answers; at last with them. Of the rectangle alone,
        tiles done and in all, too.

    Examples
    --------
    >>> from core.engine.tiling import plan_spans
    >>> codes = np.full((40, 64, 3), 128, np.uint8)
    >>> (rows,), (columns,) = plan_spans(40, 512, 0), plan_spans(64, 512, 0)
    >>> region, settings = Tile(rows, columns), ExpansionSettings()
    >>> *_, last = solve_region(codes, region, codes.shape, None, settings)
    >>> last.clipped.any().item()
    False
    """
    rows, columns = region.rows, region.columns
    codes = window[rows.inner, columns.inner]
    clipped = clipped_mask(codes, settings.tolerance)
    if weight is not None:
        clipped &= weight > 0.0
    lost = _concerned(clipped, weight, settings.project)
    found = np.empty((0, 3), np.float32)
    if worker is None:
        total = -(-len(codes) // settings.tile) * -(-codes.shape[1] // settings.tile)
        yield SolvedBand(rows.start, codes, clipped, found, None, (), total, total, weight)
        return
    tiles = [
        Tile(row, column)
        for row in spans_within(rows, shape[0], worker.tile, worker.halo)
        for column in spans_within(columns, shape[1], worker.tile, worker.halo)
    ]
    wanted = [tile for tile in tiles if lost[tile.filled_in(region)].any()]
    done = len(tiles) - len(wanted)
    answers = np.empty(codes.shape, np.float32) if wanted else found
    reports: list[TileReport] = []
    for batch in _batches(wanted, settings.batch):
        if settings.project and settings.batch == 1:
            (tile,) = batch
            cut = pieces(tile, lost[tile.filled_in(region)], shape, worker.halo)
            parts = [worker.solve(window, region, [piece], answers)[0] for piece in cut]
            reports.append(TileReport.over(tile, parts))
        else:
            reports += worker.solve(window, region, batch, answers)
        done += len(batch)
        yield SolvedBand(rows.start, codes, clipped, None, worker, (), done, len(tiles), weight)
    if wanted:
        found = answers[lost]
    told = tuple(reports)
    yield SolvedBand(rows.start, codes, clipped, found, worker, told, done, len(tiles), weight)


def check_codes(codes: Codes) -> None:
    """Raise a PhotoError unless the codes are an sRGB photo of at least one pixel.

    Examples
    --------
    >>> check_codes(np.zeros((4, 4, 3), np.uint8))
    """
    if codes.ndim != 3 or codes.shape[2] != 3:
        raise PhotoError(
            f"A photo has the shape (height, width, 3), not {codes.shape}; choose an RGB image."
        )
    if codes.size == 0:
        raise PhotoError("The photo holds no pixels; choose another one.")
    try:
        code_maximum(codes)
    except TypeError as error:
        raise PhotoError(f"{error} Convert the image to 8 or 16 bits.") from error


def check_weight(weight: FloatImage, shape: tuple[int, int]) -> None:
    """Raise a ValueError unless a weight is one of a photo's pixels, each in 0..1.

    Examples
    --------
    >>> check_weight(np.ones((4, 6), np.float32), (4, 6))
    """
    if weight.shape != shape:
        raise ValueError(f"A weight has the photo's shape {shape}, not {weight.shape}.")
    if not (weight.min(initial=0.0) >= 0.0 and weight.max(initial=0.0) <= 1.0):
        raise ValueError("Weights are numbers of 0 to 1.")


def _concerned(clipped: Mask, weight: FloatImage | None, project: bool) -> Mask:
    if project:
        return clipped
    return np.ones_like(clipped) if weight is None else weight > 0.0


def _batches(tiles: list[Tile], size: int) -> Iterator[list[Tile]]:
    """Yield runs of tiles whose windows are equally large, at most `size` of them."""
    batch: list[Tile] = []
    for tile in tiles:
        if batch and (len(batch) == size or tile.window_shape != batch[0].window_shape):
            yield batch
            batch = []
        batch.append(tile)
    if batch:
        yield batch
