"""Photos that are too large for memory: chunks of dask arrays, expanded when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.expansion import Expansion, ExpansionSettings, solve_region
from core.engine.finishing import finish_band
from core.engine.tiling import Span, Tile, spans_within
from core.errors import PhotoError
from core.gamut import clipped_mask

if TYPE_CHECKING:
    from core.engine.method import Method, Worker
    from core.gamut import Codes, FloatImage


@dataclass(frozen=True)
class LazySource:
    """Codes of a dask array; only the rows that are asked for are computed."""

    codes: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and 3."""
        return tuple(self.codes.shape)

    def rows(self, start: int, stop: int) -> Codes:
        """Return the rows from `start` up to `stop`."""
        return np.asarray(self.codes[start:stop])


def expand_lazily(codes: Any, method: Method, settings: ExpansionSettings | None = None) -> Any:
    """Expand a photo chunk by chunk, each when it is computed.

    Parameters
    ----------
    codes : dask array, uint8 or uint16, shape (H, W, 3)
        sRGB codes, as of zarr, OME-TIFF or napari's large images. About 16,000 of its pixels are
        read at once: what a network has to know of the whole photo.
    method : Method
        What restores it.
    settings : ExpansionSettings, optional
        How.

    Returns
    -------
    dask array, float32, shape (H, W, 3)
        Linear RGB of the settings' space, in 0..1, the values of
        :func:`core.engine.expansion.expand`. Its chunks are about as large as those of `codes`,
        in whole tiles; each reads the halo around it. Memory is that of the chunks at work.

    Raises
    ------
    PhotoError
        If the array is no sRGB photo, or dask is missing.

    Examples
    --------
    >>> import dask.array
    >>> from core.methods.registry import method
    >>> codes = dask.array.zeros((1024, 1024, 3), dtype=np.uint8, chunks=(512, 512, 3))
    >>> values = expand_lazily(codes, method("naive"))  # nothing is expanded yet
    >>> values.chunks, values[:2, :2].compute().dtype
    (((512, 512), (512, 512), (3,)), dtype('float32'))
    """
    try:
        import dask
        import dask.array
    except ImportError as error:
        raise PhotoError("Lazy arrays need dask; install napari-gamut[cluster].") from error
    settings = settings or ExpansionSettings()
    if codes.ndim != 3 or codes.shape[2] != 3 or not codes.size:
        raise PhotoError(
            f"A photo has the shape (height, width, 3), not {codes.shape}; choose an RGB image."
        )
    if codes.dtype not in (np.uint8, np.uint16):
        raise PhotoError(
            f"sRGB codes are 8- or 16-bit unsigned integers, not {codes.dtype}. Convert the image "
            "to 8 or 16 bits."
        )
    height, width = codes.shape[:2]
    worker = method.worker(LazySource(codes), settings)
    tile, halo = (worker.tile, worker.halo) if worker else (settings.tile, 0)
    down, across = (
        spans_within(Span(0, length, 0, length), length, _chunk_side(sizes, tile), halo)
        for length, sizes in ((height, codes.chunks[0]), (width, codes.chunks[1]))
    )
    shared = dask.delayed(worker)
    chunk = dask.delayed(_expanded_chunk)
    blocks: list[list[list[Any]]] = []
    for row in down:
        blocks.append([])
        for column in across:
            window = codes[row.window_start : row.window_stop, :, :]
            window = window[:, column.window_start : column.window_stop]
            # One block, so that it arrives as a single array.
            (whole,) = window.rechunk(window.shape).to_delayed().ravel()
            values = chunk(whole, Tile(row, column), (height, width), shared, settings)
            size = row.stop - row.start, column.stop - column.start, 3
            blocks[-1].append([dask.array.from_delayed(values, size, dtype=np.float32)])
    return dask.array.block(blocks)


def lazy_expansion(
    codes: Any, method: Method, settings: ExpansionSettings | None = None
) -> Expansion:
    """Return the expansion of a dask array, whose values and mask are dask arrays, too.

    Parameters
    ----------
    codes, method, settings
        As for :func:`expand_lazily`.

    Returns
    -------
    Expansion
        No tile is solved yet: there are no reports of them, and no time has passed.

    Examples
    --------
    >>> import dask.array
    >>> from core.methods.registry import method
    >>> codes = dask.array.zeros((600, 600, 3), dtype=np.uint8, chunks=(300, 300, 3))
    >>> found = lazy_expansion(codes, method("naive"))
    >>> found.space.name, bool(found.clipped.all().compute())
    ('ProPhoto RGB', False)
    """
    settings = settings or ExpansionSettings()
    values = expand_lazily(codes, method, settings)
    whole_pixels = codes.rechunk({2: 3})
    clipped = whole_pixels.map_blocks(clipped_mask, settings.tolerance, drop_axis=2, dtype=bool)
    return Expansion(values, settings.space, clipped, (), method.name, method.sha256, 0.0)


def _chunk_side(sizes: tuple[int, ...], tile: int) -> int:
    """Return a multiple of the tile that is about the size of an array's chunks."""
    return max(1, round(max(sizes) / tile)) * tile


def _expanded_chunk(
    window: Codes,
    region: Tile,
    shape: tuple[int, int],
    worker: Worker | None,
    settings: ExpansionSettings,
) -> FloatImage:
    for band in solve_region(np.asarray(window), region, shape, worker, settings):
        if band.answers is not None:
            return finish_band(band, settings)
    raise AssertionError("A region ends with its answers.")
