"""Training pairs: patches of reduced photos, and the colours that these had.

:class:`PatchDataset` draws them from prepared photos. Item i of a seed is always the same,
whatever process draws it and whenever, so that a run can be resumed exactly.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.checks import check_fields
from core.colour import PROPHOTO, SRGB, convert
from core.engine.tiling import sample_grid
from core.errors import PhotoError
from core.evaluation.originals import through_jpeg
from core.gamut import LOSSY_TOLERANCE, Codes, clipped_mask, reduce
from core.network.letnet import positions
from core.network.statistics import SAMPLES, photo_statistics
from core.source_gamut import source_named, told
from core.styles import Style, StyleMixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.training.prepared import Manifest, Source


class Item(TypedDict):
    """Patches of one photo: what :class:`PatchDataset` gives.

    ``codes`` (P, S, S, 3) uint8, ``scene`` (P, S, S, 3) float32 scene-linear sRGB,
    ``statistics`` (P, ...), ``positions`` (P, 2, S, S) and ``source`` (P, ...) float32,
    ``tolerance`` () float32.
    """

    codes: Tensor
    scene: Tensor
    statistics: Tensor
    positions: Tensor
    source: Tensor
    tolerance: Tensor


@dataclass(frozen=True)
class PatchSettings:
    """How patches are drawn.

    Attributes
    ----------
    size : int
        Side in pixels.
    per_photo : int
        Patches of each drawn photo.
    wide_share : float
        Share of drawn photos that leave sRGB as they are (where the data has both kinds).
    half_share : float
        Share of photos that are first area-averaged to half their prepared size, where they
        are large enough.
    lossy_share : float
        Share of photos that pass through JPEG of quality 70 to 98 once they are reduced.
    lossy_tolerance : float
        How close to an end of the range counts as clipped in them, in 8-bit codes.
    known : float
        How often the network is told the source gamut, where it is known at all.
    styles : StyleMixture
        How photos are finished.
    """

    size: int = 128
    per_photo: int = 1
    wide_share: float = 0.6
    half_share: float = 0.0
    lossy_share: float = 0.0
    lossy_tolerance: float = LOSSY_TOLERANCE
    known: float = 0.7
    styles: StyleMixture = field(default_factory=StyleMixture)

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "size": self.size >= 8,
            "per_photo": self.per_photo >= 1,
            "wide_share": 0.0 <= self.wide_share <= 1.0,
            "half_share": 0.0 <= self.half_share <= 1.0,
            "lossy_share": 0.0 <= self.lossy_share <= 1.0,
            "lossy_tolerance": 0.0 <= self.lossy_tolerance <= 64.0,
            "known": 0.0 <= self.known <= 1.0,
        }
        check_fields(self, checks, "Patch setting {name} = {value!r} is out of range.")


class _Pool:
    """Photos to draw from.

    The more of them share an origin or a source gamut, the more rarely each is drawn: neither one
    maker nor the telephones, which most photos are from, shall outweigh the rest.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        origins = Counter(source.origin for source in sources if source.origin)
        gamuts = Counter(source.gamut for source in sources)
        shared = np.array([max(origins[s.origin], 1) * gamuts[s.gamut] for s in sources])
        self._weights = np.cumsum(shared**-0.5)

    def __len__(self) -> int:
        return len(self._sources)

    def draw(self, rng: np.random.Generator) -> Source:
        place = np.searchsorted(self._weights, rng.random() * self._weights[-1], side="right")
        return self._sources[min(int(place), len(self) - 1)]


class PatchDataset(Dataset[Item]):
    """Patches of a prepared data set, of any number: item i follows from seed and i alone.

    Parameters
    ----------
    manifest : Manifest
        The photos.
    settings : PatchSettings
        How patches are drawn.
    length : int
        How many items there are.
    seed : int
        Another seed draws other patches.
    """

    def __init__(
        self, manifest: Manifest, settings: PatchSettings, length: int, seed: int = 0
    ) -> None:
        fitting = [s for s in manifest.sources if min(s.height, s.width) >= settings.size]
        if not fitting:
            raise PhotoError(
                f"No photo of the data set is at least {settings.size} pixels high and wide; "
                "add larger photos or choose a smaller patch."
            )
        self.manifest, self.settings, self.length, self.seed = manifest, settings, length, seed
        self._wide = _Pool([s for s in fitting if s.wide])
        self._narrow = _Pool([s for s in fitting if not s.wide])

    def __len__(self) -> int:
        """Return how many items there are."""
        return self.length

    def __getitem__(self, index: int) -> Item:
        """Draw the patches of one photo."""
        rng = np.random.default_rng([self.seed, index])
        settings, size = self.settings, self.settings.size
        source = self._draw_source(rng)
        style, gamut = settings.styles.draw(rng, source.wide, source_named(source.gamut))
        known = rng.random() < settings.known
        lossy = rng.random() < settings.lossy_share
        halved = rng.random() < settings.half_share and min(source.height, source.width) >= 2 * size
        photo = _Finished(self.manifest.photo(source), style, 2 if halved else 1)
        if lossy:
            photo.compress(int(rng.integers(70, 99)), "420" if rng.random() < 0.5 else "444")
        tolerance = settings.lossy_tolerance if lossy else 0.0
        height, width = photo.shape
        sample = photo.codes(*sample_grid(height, width, SAMPLES))
        statistics = photo_statistics(sample, tolerance)
        drawn = []
        for _ in range(settings.per_photo):
            window, top, left = self._draw_window(rng, photo)
            place = positions(top, left, size, size, height, width)
            drawn.append(_turn(rng, photo.codes(*window), photo.scene(*window), place))
        codes, scenes, places = (np.stack(parts) for parts in zip(*drawn, strict=True))
        return {
            "codes": torch.from_numpy(codes),
            "scene": torch.from_numpy(scenes),
            "statistics": torch.from_numpy(np.tile(statistics, (settings.per_photo, 1))),
            "positions": torch.from_numpy(places),
            "source": torch.from_numpy(
                np.tile(told(gamut if known else None), (settings.per_photo, 1))
            ),
            "tolerance": torch.tensor(tolerance),
        }

    def _draw_source(self, rng: np.random.Generator) -> Source:
        wide = rng.random() < self.settings.wide_share
        pool = self._wide if (wide or not self._narrow) and self._wide else self._narrow
        return pool.draw(rng)

    def _draw_window(
        self, rng: np.random.Generator, photo: _Finished
    ) -> tuple[tuple[slice, slice], int, int]:
        """Draw a window that holds clipped pixels, in three attempts at most."""
        size = self.settings.size
        height, width = photo.shape
        for _ in range(3):
            top = int(rng.integers(height - size + 1))
            left = int(rng.integers(width - size + 1))
            thinned = slice(top, top + size, 4), slice(left, left + size, 4)
            if clipped_mask(reduce(photo.scene(*thinned))).mean() > 0.01:
                break
        return (slice(top, top + size), slice(left, left + size)), top, left


class _Finished:
    """A prepared photo in a style and a size, computed where it is looked at."""

    def __init__(self, encoded: npt.NDArray[np.uint16], style: Style, factor: int) -> None:
        self._encoded, self._style, self._factor = encoded, style, factor
        self.shape = encoded.shape[0] // factor, encoded.shape[1] // factor
        self._decoded: Codes | None = None

    def compress(self, quality: int, subsampling: Literal["420", "444"]) -> None:
        """Let the reduced photo pass through JPEG."""
        whole = slice(0, self.shape[0]), slice(0, self.shape[1])
        self._decoded = through_jpeg(reduce(self.scene(*whole)), quality, subsampling)

    def codes(self, rows: slice, columns: slice) -> Codes:
        """Return sRGB codes (uint8)."""
        if self._decoded is not None:
            return self._decoded[rows, columns]
        return reduce(self.scene(rows, columns))

    def scene(self, rows: slice, columns: slice) -> npt.NDArray[np.float32]:
        """Return scene-linear sRGB."""
        if self._factor == 1:
            return finish(self._encoded[rows, columns], self._style)
        down, across = (
            np.arange(length)[part] * self._factor
            for length, part in zip(self.shape, (rows, columns), strict=True)
        )
        steps = range(self._factor)
        parts = [
            _prophoto_table()[self._encoded[np.ix_(down + y, across + x)]]
            for y in steps
            for x in steps
        ]
        return _finish_linear(np.mean(parts, 0), self._style)


def finish(encoded: npt.NDArray[np.uint16], style: Style) -> npt.NDArray[np.float32]:
    """Return the scene of a prepared photo in a style.

    Parameters
    ----------
    encoded : ndarray, uint16, shape (..., 3)
        Encoded ProPhoto codes of a prepared array.
    style : Style
        How the photo is finished.

    Returns
    -------
    ndarray, float32, shape (..., 3)
        Scene-linear sRGB, unbounded.

    Examples
    --------
    >>> from core.styles import STYLES
    >>> encoded = np.array([[65535, 65535, 65535], [0, 65535, 0]], np.uint16)
    >>> scene = finish(encoded, STYLES["as-is"])
    >>> bool(np.allclose(scene[0], 1.0, atol=1e-4)), bool(scene[1].min() < 0.0)  # ProPhoto's green
    (True, True)
    """
    return _finish_linear(_prophoto_table()[encoded], style)


def _finish_linear(prophoto: npt.NDArray[np.float32], style: Style) -> npt.NDArray[np.float32]:
    return convert(style.apply(prophoto), PROPHOTO, SRGB)


def collate(items: Sequence[Item]) -> Item:
    """Join photos' patches into one batch; patches of a photo stay together.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.training.prepared import prepare
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    ...     patches = PatchDataset(manifest, PatchSettings(size=16, per_photo=3), 2)
    ...     batch = collate([patches[0], patches[1]])
    >>> tuple(batch["codes"].shape), tuple(batch["tolerance"].shape)
    ((6, 16, 16, 3), (2,))
    """
    return {
        "codes": torch.cat([item["codes"] for item in items]),
        "scene": torch.cat([item["scene"] for item in items]),
        "statistics": torch.cat([item["statistics"] for item in items]),
        "positions": torch.cat([item["positions"] for item in items]),
        "source": torch.cat([item["source"] for item in items]),
        "tolerance": torch.stack([item["tolerance"] for item in items]),
    }


@functools.cache
def _prophoto_table() -> npt.NDArray[np.float32]:
    return PROPHOTO.decode(np.arange(65536) / 65535).astype(np.float32)


def _turn(
    rng: np.random.Generator,
    codes: Codes,
    scene: npt.NDArray[np.float32],
    place: npt.NDArray[np.float32],
) -> tuple[Codes, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Turn and mirror a square patch at random; its positions turn with it."""
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    codes, scene = np.rot90(codes, turns), np.rot90(scene, turns)
    place = np.rot90(place, turns, axes=(1, 2))
    if mirror:
        codes, scene, place = codes[:, ::-1], scene[:, ::-1], place[:, :, ::-1]
    return np.ascontiguousarray(codes), np.ascontiguousarray(scene), np.ascontiguousarray(place)
