"""Wide-gamut photos become training pairs: reduced patches and the colours they had.

``prepare`` decodes sources once into a cache of 16-bit ProPhoto arrays with a manifest;
``PatchDataset`` draws patches from it. Item i of a seed is always the same, whatever
process draws it and whenever, so that a run can be resumed exactly.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.colour import PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.evaluation.originals import photos_in, read_original, shrink, source_of, through_jpeg
from core.files.errors import from_os_error
from core.gamut import clipped_mask, reduce, share
from core.network.letnet import positions
from core.network.statistics import photo_statistics
from core.source_gamut import UNKNOWN, index_entry, source_named, told
from core.styles import Style, StyleMixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)

MANIFEST_NAME = "manifest.json"
_WIDE_SHARE = 1e-3
_ROUNDING = 1e-3
"""Linear light by which a channel leaves sRGB: half floats and 11-bit sources round by less."""
_SAMPLES = 4096
_SAVE_EVERY = 20
_VERSION = r"(style|expert|edit|version|v)"
_VERSION_SUFFIX = re.compile(
    rf"([-_ ]{_VERSION}[-_ ]?[a-z0-9]{{1,2}}|{_VERSION}\d{{1,2}}|[-_ ]\d)$", re.I
)


@dataclass(frozen=True)
class Source:
    """A photo of a data set.

    Attributes
    ----------
    name : str
        File name of the source.
    scene : str
        Photos of one scene never stand on both sides of a split.
    sha256 : str
        Of the source file.
    array : str
        File name of the decoded array: uint16, encoded ProPhoto, full scale 65535.
    height, width : int
        Of the array.
    out_of_gamut : float
        Share of pixels that leave sRGB by more than rounding, as it is.
    gamut : str
        Key of the space in which its colours lie (:func:`source_of`), or "unknown".
    origin : str
        Where it was taken from; photos of one origin resemble each other. Empty if unknown.
    """

    name: str
    scene: str
    sha256: str
    array: str
    height: int
    width: int
    out_of_gamut: float
    gamut: str
    origin: str

    @property
    def wide(self) -> bool:
        """Whether the photo leaves sRGB as it is."""
        return self.out_of_gamut > _WIDE_SHARE


@dataclass(frozen=True)
class Manifest:
    """The photos of a prepared data set, in the folder that holds their arrays."""

    folder: Path
    sources: tuple[Source, ...]

    def save(self) -> None:
        """Write the manifest into its folder."""
        text = json.dumps([asdict(source) for source in self.sources], indent=1)
        partial = self.folder / f".{MANIFEST_NAME}.partial"
        partial.write_text(text)
        partial.replace(self.folder / MANIFEST_NAME)

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of a prepared folder.

        Raises
        ------
        PhotoError
            If the folder is not a prepared one.
        """
        try:
            entries = json.loads((folder / MANIFEST_NAME).read_text())
            return cls(folder, tuple(Source(**entry) for entry in entries))
        except (OSError, ValueError, TypeError) as error:
            raise PhotoError(
                f"“{folder}” holds no prepared data set; prepare the photos first."
            ) from error

    @property
    def sha256(self) -> str:
        """A hash of the photos that are in it, whatever their names and order."""
        hashes = "".join(sorted(source.sha256 for source in self.sources))
        return hashlib.sha256(hashes.encode()).hexdigest()

    def photo(self, source: Source) -> npt.NDArray[np.uint16]:
        """Return a photo's encoded ProPhoto codes (uint16, (H, W, 3)), mapped from disk."""
        return np.load(self.folder / source.array, mmap_mode="r")  # type: ignore[no-any-return]

    def split(self, held_out: float, seed: int = 0) -> tuple[Manifest, Manifest]:
        """Split by scene into a part to train on and a part that is held out.

        Parameters
        ----------
        held_out : float
            About which share of the scenes is held out, 0..1.
        seed : int
            Another seed gives another split; a scene's side depends on nothing else.
        """
        sides: tuple[list[Source], list[Source]] = ([], [])
        for source in self.sources:
            digest = hashlib.sha256(f"{seed}:{source.scene}".encode()).digest()
            sides[int.from_bytes(digest[:8]) / 2**64 < held_out].append(source)
        return Manifest(self.folder, tuple(sides[0])), Manifest(self.folder, tuple(sides[1]))


def scene_of(path: Path) -> str:
    """Return the scene of a file: its name without suffix and without a version's ending."""
    return _VERSION_SUFFIX.sub("", path.stem)


def prepare(
    folders: Iterable[Path],
    cache: Path,
    max_side: int = 1024,
    progress: Callable[[int, int, str], None] | None = None,
    failed: Callable[[PhotoError], None] | None = None,
) -> Manifest:
    """Decode folders of wide-gamut photos into a cache.

    A preparation that was interrupted goes on where it was.

    Parameters
    ----------
    folders : iterable of Path
        Searched with all their subfolders (:func:`photos_in`). RAW, TIFF, PNG, JPEG, HEIC,
        AVIF, JPEG XL and OpenEXR are read with their profiles; a file without one is
        taken as ProPhoto (the layout of the GE data set).
    cache : Path
        Where arrays and manifest go. What is there already is not decoded again.
    max_side : int
        Larger photos are area-averaged, in linear light, to this length of the longer side.
    progress : callable, optional
        Called with files done, files in all, and the current name.
    failed : callable, optional
        Called with the error of each file that is left out; unless given, they go to the log.

    Returns
    -------
    Manifest
        Unreadable files are left out; of files with the same content, one stands for all.

    Raises
    ------
    PhotoError
        If a folder does not exist.
    """
    paths = photos_in(folders, besides=cache)
    cache.mkdir(parents=True, exist_ok=True)
    known = {}
    if (cache / MANIFEST_NAME).exists():
        known = {source.array: source for source in Manifest.load(cache).sources}
    sources: dict[str, Source] = {}
    unsaved = 0
    for number, path in enumerate(paths):
        if progress:
            progress(number, len(paths), path.name)
        try:
            digest = _digest(path)
            array = f"{digest[:20]}-{max_side}.npy"
            if array in sources:
                continue
            gamut, origin = source_of(path), (index_entry(path) or {}).get("source", "")
            if array in known and (cache / array).exists():
                sources[array] = replace(
                    known[array],
                    name=path.name,
                    scene=scene_of(path),
                    gamut=_key_of(gamut),
                    origin=origin,
                )
                continue
            prophoto = shrink(read_original(path), max_side)
        except PhotoError as error:
            if failed:
                failed(error)
            else:
                _log.warning("left out: %s", error)
            continue
        height, width, _ = prophoto.shape
        outside = _share_outside(convert(prophoto, PROPHOTO, SRGB))
        _save_array(cache / array, np.rint(PROPHOTO.encode(prophoto) * 65535).astype(np.uint16))
        size = height, width
        sources[array] = Source(
            path.name, scene_of(path), digest, array, *size, outside, _key_of(gamut), origin
        )
        unsaved += 1
        if unsaved == _SAVE_EVERY:
            # A kill costs at most these photos, and forgets none that an earlier run decoded.
            Manifest(cache, tuple((known | sources).values())).save()
            unsaved = 0
    manifest = Manifest(cache, tuple(sources.values()))
    manifest.save()
    return manifest


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
    lossy_share : float
        Share of photos whose reduced patches pass through JPEG of quality 70 to 98.
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
    lossy_share: float = 0.0
    lossy_tolerance: float = 3.0
    known: float = 0.7
    styles: StyleMixture = field(default_factory=StyleMixture)

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "size": self.size >= 8,
            "per_photo": self.per_photo >= 1,
            "wide_share": 0.0 <= self.wide_share <= 1.0,
            "lossy_share": 0.0 <= self.lossy_share <= 1.0,
            "lossy_tolerance": 0.0 <= self.lossy_tolerance <= 64.0,
            "known": 0.0 <= self.known <= 1.0,
        }
        for name, valid in checks.items():
            if not valid:
                raise ValueError(f"Patch setting {name} = {getattr(self, name)!r} is out of range.")


class _Pool:
    """Photos to draw from; the more share an origin, the more seldom each of them comes."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        shared = Counter(source.origin for source in sources if source.origin)
        self._weights = np.cumsum([max(shared[s.origin], 1) ** -0.5 for s in sources])

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
        source = self._draw_source(rng)
        photo = self.manifest.photo(source)
        style, gamut = self.settings.styles.draw(rng, source.wide, source_named(source.gamut))
        known = rng.random() < self.settings.known
        quality = int(rng.integers(70, 99)) if rng.random() < self.settings.lossy_share else None
        tolerance = 0.0 if quality is None else self.settings.lossy_tolerance
        sample = photo.reshape(-1, 3)[:: max(1, source.height * source.width // _SAMPLES)]
        statistics = photo_statistics(reduce(finish(sample, style)), tolerance)
        scenes, codes, places = [], [], []
        for _ in range(self.settings.per_photo):
            scene, top, left = self._draw_window(rng, photo, style)
            size = self.settings.size
            place = positions(top, left, size, size, source.height, source.width)
            turned, place = _turn(rng, scene, place)
            reduced = reduce(turned)
            if quality is not None:
                reduced = through_jpeg(reduced, quality, "420" if rng.random() < 0.5 else "444")
            codes.append(reduced)
            scenes.append(turned)
            places.append(place)
        count = self.settings.per_photo
        return {
            "codes": torch.from_numpy(np.stack(codes)),
            "scene": torch.from_numpy(np.stack(scenes)),
            "statistics": torch.from_numpy(np.tile(statistics, (count, 1))),
            "positions": torch.from_numpy(np.stack(places)),
            "source": torch.from_numpy(np.tile(told(gamut if known else None), (count, 1))),
            "tolerance": torch.tensor(tolerance),
        }

    def _draw_source(self, rng: np.random.Generator) -> Source:
        wide = rng.random() < self.settings.wide_share
        pool = self._wide if (wide or not self._narrow) and self._wide else self._narrow
        return pool.draw(rng)

    def _draw_window(
        self, rng: np.random.Generator, photo: npt.NDArray[np.uint16], style: Style
    ) -> tuple[npt.NDArray[np.float32], int, int]:
        """Draw a window that holds clipped pixels, if one of three does."""
        size = self.settings.size
        for _ in range(3):
            top = int(rng.integers(photo.shape[0] - size + 1))
            left = int(rng.integers(photo.shape[1] - size + 1))
            window = photo[top : top + size, left : left + size]
            if clipped_mask(reduce(finish(window[::4, ::4], style))).mean() > 0.01:
                break
        return finish(window, style), top, left


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
    """
    return convert(style.apply(_prophoto_table()[encoded]), PROPHOTO, SRGB)


def collate(items: Sequence[Item]) -> Item:
    """Join photos' patches into one batch; patches of a photo stay together."""
    return {
        "codes": torch.cat([item["codes"] for item in items]),
        "scene": torch.cat([item["scene"] for item in items]),
        "statistics": torch.cat([item["statistics"] for item in items]),
        "positions": torch.cat([item["positions"] for item in items]),
        "source": torch.cat([item["source"] for item in items]),
        "tolerance": torch.stack([item["tolerance"] for item in items]),
    }


def _key_of(gamut: ColourSpace | None) -> str:
    return UNKNOWN if gamut is None else gamut.key


@functools.cache
def _prophoto_table() -> npt.NDArray[np.float32]:
    return PROPHOTO.decode(np.arange(65536) / 65535).astype(np.float32)


def _turn(
    rng: np.random.Generator, scene: npt.NDArray[np.float32], place: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Turn and mirror a square patch at random; its positions turn with it."""
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    scene = np.rot90(scene, turns)
    place = np.rot90(place, turns, axes=(1, 2))
    if mirror:
        scene, place = scene[:, ::-1], place[:, :, ::-1]
    return np.ascontiguousarray(scene), np.ascontiguousarray(place)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise from_os_error(error, path, "read") from error


def _share_outside(scene: npt.NDArray[np.float32]) -> float:
    excess = np.maximum(-scene, scene - 1.0).max(-1)
    return share(excess > _ROUNDING)


def _save_array(path: Path, array: npt.NDArray[np.uint16]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)
