"""The engine: sRGB codes in, the colours of a wide gamut out.

A photo is worked on in bands of tiles from top to bottom. Only tiles that hold a clipped
pixel are solved; everywhere else the naive inversion is the best estimate there is, and the
feasible box makes it exact. Memory depends on the tile and the photo's width, not its height.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch

from core.colour import PROPHOTO, SRGB, Adaptation, ColourSpace, convert
from core.engine.tiling import ArraySource, Source, Span, plan_spans, sample_patches, sample_pixels
from core.errors import PhotoError
from core.gamut import (
    Codes,
    FloatImage,
    Mask,
    clip_within,
    clipped_mask,
    clipping_weight,
    code_maximum,
    feasible_box,
    fit_into,
    naive_inversion,
)
from core.names import NAIVE
from core.network.letnet import Inputs, positions
from core.network.models import Model
from core.network.solver import Status
from core.network.statistics import SAMPLES, photo_statistics
from core.payload.gamut_mlp import GamutMlp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from core.network.solver import SolverSettings

Restorer = Model | GamutMlp
"""What estimates lost colours: a network for every photo, or one that was fitted to this photo."""

Precision = Literal["float32", "bfloat16"]

_SCENE_LIMIT = 4.0
"""No colour of a wide space is further out; estimates beyond it are of untrained networks."""

_ROWS_AT_ONCE = 32
_POOL_PATCH, _POOL_PATCHES = 256, 16


@dataclass(frozen=True)
class ExpansionSettings:
    """How a photo is expanded.

    Attributes
    ----------
    space : ColourSpace
        The wide space of the result, which limits its colours.
    adaptation : {"Bradford", "CAT02"}
        How white is adapted; Bradford wherever a file gets an ICC profile.
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
        Tiles solved together; more than 1 pays on GPUs.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps", ...
    precision : {"float32", "bfloat16"}
        Of the convolutions.
    """

    space: ColourSpace = PROPHOTO
    adaptation: Adaptation = "Bradford"
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
            "space": self.space is not SRGB,
            "tolerance": 0.0 <= self.tolerance <= 64.0,
            "strength": 0.0 <= self.strength <= 2.0,
            "tile": 64 <= self.tile <= 4096,
            "halo": self.halo is None or 0 <= self.halo <= 1024,
            "batch": self.batch >= 1,
            "precision": self.precision in ("float32", "bfloat16"),
        }
        for name, valid in checks.items():
            if not valid:
                raise ValueError(f"Setting {name} = {getattr(self, name)!r} is out of range.")


@dataclass(frozen=True)
class TileReport:
    """How the fixed point of one tile was found.

    Attributes
    ----------
    top, left, height, width : int
        The pixels that the tile fills.
    steps : int
        Evaluations of the cell.
    residual : float
        The last relative residual.
    status : Status
        How it ended.
    """

    top: int
    left: int
    height: int
    width: int
    steps: int
    residual: float
    status: Status


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
        Which network did it; "naive" and an empty string for the naive inversion.
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
    model: Restorer | None,
    settings: ExpansionSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Expansion:
    """Expand a photo that is in memory.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    model : Model, GamutMlp or None
        The network; None is the naive inversion, which restores nothing.
    settings : ExpansionSettings, optional
        How.
    progress : callable, optional
        Called with tiles done and tiles in all.

    Returns
    -------
    Expansion
        Reducing its values gives back the same codes (with a projection and a tolerance of 0).

    Raises
    ------
    PhotoError
        If the codes are no sRGB photo, or one of another size than the GamutMlp's, or the device
        is missing.
    """
    settings = settings or ExpansionSettings()
    check_codes(codes)
    started = time.perf_counter()
    values = np.empty(codes.shape, np.float32)
    clipped = np.empty(codes.shape[:2], np.bool_)
    tiles: list[TileReport] = []
    for band in expand_bands(ArraySource(codes), model, settings):
        if progress:
            progress(band.done, band.total)
        if band.values is not None:
            rows = slice(band.top, band.top + len(band.values))
            values[rows], clipped[rows] = band.values, band.clipped
            tiles.extend(band.tiles)
    name, sha256 = (model.name, model.sha256) if model else (NAIVE, "")
    seconds = time.perf_counter() - started
    return Expansion(values, settings.space, clipped, tuple(tiles), name, sha256, seconds)


def expand_bands(
    source: Source, model: Restorer | None, settings: ExpansionSettings | None = None
) -> Generator[Band, None, None]:
    """Expand a photo band by band: the generator beneath every front.

    Parameters
    ----------
    source : Source
        sRGB codes, read from top to bottom.
    model : Model, GamutMlp or None
        The network; None is the naive inversion.
    settings : ExpansionSettings, optional
        How.

    Yields
    ------
    Band
        After each batch of tiles, without values; after the last of a band, with them. Closing
        the generator cancels the work.
    """
    settings = settings or ExpansionSettings()
    height, width, _ = source.shape
    worker = _worker(source, model, settings)
    tile, halo = (worker.tile, worker.halo) if worker else (settings.tile, 0)
    down, across = plan_spans(height, tile, halo), plan_spans(width, tile, halo)
    total = len(down) * len(across)
    done = 0
    for row in down:
        window = source.rows(row.window_start, row.window_stop)
        codes = window[row.inner]
        clipped = clipped_mask(codes, settings.tolerance)
        scene = naive_inversion(codes)
        reports: list[TileReport] = []
        if worker:
            wanted = [c for c in across if not settings.project or _any(clipped, c)]
            done += len(across) - len(wanted)
            for batch in _batches(wanted, settings.batch):
                reports += worker.solve(window, row, batch, scene)
                done += len(batch)
                yield Band(row.start, codes, None, clipped, (), done, total)
        else:
            done += len(across)
        values = _finish_by_rows(codes, scene, clipped, settings)
        yield Band(row.start, codes, values, clipped, tuple(reports), done, total)


def finish(
    codes: Codes, scene: FloatImage, clipped: Mask, settings: ExpansionSettings
) -> FloatImage:
    """Turn an estimate of a photo's colours into values of the settings' space.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    scene : ndarray, float32, shape (H, W, 3)
        The estimate, scene-linear sRGB; what is not finite is replaced by the naive inversion.
    clipped : ndarray, bool, shape (H, W)
        Pixels that may have lost colour; with a projection only they change, those of a lossy
        file the less the farther their codes are from the ends of the range.
    settings : ExpansionSettings
        Space, adaptation, tolerance, strength, projection.

    Returns
    -------
    ndarray, float32, shape (H, W, 3)
        Linear RGB of the space, in 0..1.
    """
    naive = naive_inversion(codes)
    step = np.where(np.isfinite(scene), scene, naive) - naive
    if settings.project:
        step *= clipped[..., None]
        if settings.tolerance > 0.0:
            step *= clipping_weight(codes, settings.tolerance)[..., None]
    estimate = np.clip(naive + np.float32(settings.strength) * step, -_SCENE_LIMIT, _SCENE_LIMIT)
    if not settings.project:
        values: FloatImage = convert(estimate, SRGB, settings.space, settings.adaptation)
        return np.clip(values, 0.0, 1.0, out=values)
    box = feasible_box(codes, settings.tolerance)
    space, adaptation = settings.space, settings.adaptation
    inside = box.project(estimate)
    if space is not PROPHOTO:
        prophoto = fit_into(inside, naive, PROPHOTO, adaptation)
        inside = box.project(convert(prophoto, PROPHOTO, SRGB, adaptation))
        inside = clip_within(inside, box, space, adaptation)
    return fit_into(inside, naive, space, adaptation)


def check_codes(codes: Codes) -> None:
    """Raise a PhotoError unless the codes are an sRGB photo of at least one pixel."""
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


def device_named(name: str) -> torch.device:
    """Return a device that is there; "auto" prefers CUDA, then Apple's GPU, then the CPU."""
    if name == "auto":
        has_mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PhotoError(f"This computer has no device {name!r}; choose auto or cpu.") from error
    return device


class _Worker(Protocol):
    """Something that restores tiles."""

    tile: int
    halo: int

    def solve(
        self, window: Codes, row: Span, columns: list[Span], scene: FloatImage
    ) -> list[TileReport]:
        """Put the colours of tiles of equal size into `scene`, a band of the photo."""
        ...


def _worker(source: Source, model: Restorer | None, settings: ExpansionSettings) -> _Worker | None:
    if model is None:
        return None
    if isinstance(model, GamutMlp):
        return _OwnNetwork(source, model, settings)
    return _Equilibrium(source, model, settings)


class _OwnNetwork:
    """The network that was fitted to the photo, which looks at each pixel by itself."""

    halo = 0

    def __init__(self, source: Source, model: GamutMlp, settings: ExpansionSettings) -> None:
        height, width, _ = source.shape
        if (height, width) != (model.height, model.width):
            raise PhotoError(
                f"The network was fitted to a photo of {model.width} × {model.height} pixels, not "
                f"{width} × {height}; take that photo, or another model."
            )
        self._model = model
        self._tolerance = settings.tolerance
        self.tile = settings.tile

    def solve(
        self, window: Codes, row: Span, columns: list[Span], scene: FloatImage
    ) -> list[TileReport]:
        reports = []
        for column in columns:
            place = slice(column.start, column.stop)
            scene[:, place] = self._model.estimate(
                window[:, place], row.start, column.start, self._tolerance
            )
            size = row.stop - row.start, column.stop - column.start
            reports.append(TileReport(row.start, column.start, *size, 1, 0.0, Status.CONVERGED))
        return reports


class _Equilibrium:
    """A network on its device, with what it has to know of the whole photo."""

    def __init__(self, source: Source, model: Model, settings: ExpansionSettings) -> None:
        self._settings = settings
        self._device = device_named(settings.device)
        self._network = model.network.to(self._device)
        self._solver = settings.solver or model.descriptor.solver
        self._size = source.shape[:2]
        self._scale = model.network.config.scale
        self.tile = _round_up(settings.tile, self._scale)
        halo = model.descriptor.halo if settings.halo is None else settings.halo
        self.halo = _round_up(halo, self._scale)
        pixels = sample_pixels(source, SAMPLES)
        self._statistics = photo_statistics(pixels, settings.tolerance)
        config = model.network.config
        # Unrolled networks have another average at each step: there is none to be held.
        holds = config.attention == "channel" and config.mode == "implicit"
        self._pooled = self._pool(source) if holds else None

    def solve(
        self, window: Codes, row: Span, columns: list[Span], scene: FloatImage
    ) -> list[TileReport]:
        windows = [window[:, column.window_start : column.window_stop] for column in columns]
        corners = [(row.window_start, column.window_start) for column in columns]
        inputs = self._inputs(np.stack(windows), corners)
        pooled = self._pooled.expand(len(columns), -1) if self._pooled is not None else None
        with torch.inference_mode(), self._precision():
            estimate = self._network(inputs, self._solver, pooled=pooled)
        planes = estimate.scene.float().movedim(1, -1).cpu().numpy()
        solution = estimate.solution
        reports = []
        for index, column in enumerate(columns):
            scene[:, column.start : column.stop] = planes[index][row.inner, column.inner]
            trace = solution.residuals[index]
            reports.append(
                TileReport(
                    row.start,
                    column.start,
                    row.stop - row.start,
                    column.stop - column.start,
                    len(trace),
                    trace[-1] if trace else 0.0,
                    solution.status[index],
                )
            )
        return reports

    def _inputs(self, codes: Codes, corners: list[tuple[int, int]]) -> Inputs:
        """Return a network's inputs, filled up to its grid by repeating the last pixels."""
        down, right = (-side % self._scale for side in codes.shape[1:3])
        if down or right:
            codes = np.pad(codes, ((0, 0), (0, down), (0, right), (0, 0)), mode="edge")
        size = codes.shape[1:3]
        places = np.stack([positions(*corner, *size, *self._size) for corner in corners])
        statistics = np.tile(self._statistics, (len(codes), 1))
        return Inputs.from_codes(
            codes, statistics, places, self._settings.tolerance, device=self._device
        )

    def _pool(self, source: Source) -> torch.Tensor:
        patches, corners = sample_patches(source, _POOL_PATCH, _POOL_PATCHES)
        with torch.inference_mode(), self._precision():
            return self._network.pool(self._inputs(patches, corners), self._solver)[None]

    def _precision(self) -> contextlib.AbstractContextManager[object]:
        if self._settings.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, torch.bfloat16)


def _finish_by_rows(
    codes: Codes, scene: FloatImage, clipped: Mask, settings: ExpansionSettings
) -> FloatImage:
    """Finish a band a few rows at a time, in the place of the estimate: it needs many copies."""
    for top in range(0, len(codes), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        scene[rows] = finish(codes[rows], scene[rows], clipped[rows], settings)
    return scene


def _any(clipped: Mask, column: Span) -> bool:
    return bool(clipped[:, column.start : column.stop].any())


def _batches(columns: list[Span], size: int) -> Iterator[list[Span]]:
    """Yield runs of tiles whose windows are equally wide, at most `size` of them."""
    batch: list[Span] = []
    for column in columns:
        width = column.window_stop - column.window_start
        if batch and (len(batch) == size or width != batch[0].window_stop - batch[0].window_start):
            yield batch
            batch = []
        batch.append(column)
    if batch:
        yield batch


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
