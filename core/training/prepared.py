"""Wide-gamut photos, decoded once: a folder of 16-bit ProPhoto arrays with a manifest."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.colour import PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.evaluation.originals import photos_in, read_original, source_of
from core.files.errors import from_os_error
from core.gamut import share
from core.images import area_reduced
from core.source_gamut import UNKNOWN, index_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_log = logging.getLogger(__name__)

MANIFEST_NAME = "manifest.json"
_WIDE_SHARE = 1e-3
_ROUNDING = 1e-3
"""Linear light by which a channel leaves sRGB: half floats and 11-bit sources round by less."""
_SAVE_EVERY = 20
_VERSION = r"(style|expert|edit|version|v)"
_VERSION_SUFFIX = re.compile(
    rf"([-_ ]{_VERSION}[-_ ]?[a-z0-9]{{1,2}}|{_VERSION}\d{{1,2}}"
    r"|[-_ ](edit|edited|copy|enhanced)([-_ ][a-z0-9]{1,2})?| ?\(\d{1,2}\))$",
    re.I,
)
_NUMBER_SUFFIX = re.compile(r"[-_ ]\d$")


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
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise PhotoError(
                f"“{folder}” holds no prepared data set; prepare the photos first."
            ) from error

    @property
    def sha256(self) -> str:
        """A hash of the photos that are in it, whatever their names and order."""
        hashes = "".join(sorted(source.sha256 for source in self.sources))
        return hashlib.sha256(hashes.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides what is drawn from the photos: each entry, and their order."""
        text = json.dumps([asdict(source) for source in self.sources])
        return hashlib.sha256(text.encode()).hexdigest()

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


def scenes_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the scenes of files: their names without suffix and without a version's ending.

    A number alone is such an ending where the name without it is another file's.

    Examples
    --------
    >>> from pathlib import Path
    >>> list(scenes_of([Path("lake.tif"), Path("lake_v2.tif"), Path("lake-3.tif")]).values())
    ['lake', 'lake', 'lake']
    >>> list(scenes_of([Path("holiday-1.tif"), Path("holiday-2.tif")]).values())
    ['holiday-1', 'holiday-2']
    """
    scenes = {}
    for path in paths:
        name = path.stem
        while (shorter := _VERSION_SUFFIX.sub("", name)) not in ("", name):
            name = shorter
        scenes[path] = name
    names = set(scenes.values())
    for path, name in scenes.items():
        shorter = _NUMBER_SUFFIX.sub("", name)
        if shorter in names:
            scenes[path] = shorter
    return scenes


def prepare(
    places: Iterable[Path],
    cache: Path,
    max_side: int = 1024,
    progress: Callable[[int, int, str], None] | None = None,
    failed: Callable[[PhotoError], None] | None = None,
) -> Manifest:
    """Decode wide-gamut photos into a cache.

    A preparation that was interrupted goes on where it was.

    Parameters
    ----------
    places : iterable of Path
        Photos, and folders, which are searched with all their subfolders (:func:`photos_in`).
        RAW, TIFF, PNG, JPEG, HEIC, AVIF, JPEG XL and OpenEXR are read with their profiles; a
        file without one is taken as ProPhoto (the layout of the GE data set).
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
        If one of them does not exist.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/chart.tif", wide_gamut_chart(8), PROPHOTO)
    ...     manifest = prepare([Path(folder)], Path(folder, "cache"))
    >>> [(source.name, source.width, source.wide, source.gamut) for source in manifest.sources]
    [('chart.tif', 96, True, 'prophoto')]
    """
    paths = photos_in(places, besides=cache)
    scenes = scenes_of(paths)
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
                    scene=scenes[path],
                    gamut=_key_of(gamut),
                    origin=origin,
                )
                continue
            prophoto = area_reduced(read_original(path), max_side)
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
            path.name, scenes[path], digest, array, *size, outside, _key_of(gamut), origin
        )
        unsaved += 1
        if unsaved == _SAVE_EVERY:
            # A kill costs at most these photos, and forgets none that an earlier run decoded.
            Manifest(cache, tuple((known | sources).values())).save()
            unsaved = 0
    manifest = Manifest(cache, tuple(sources.values()))
    manifest.save()
    return manifest


def _key_of(gamut: ColourSpace | None) -> str:
    return UNKNOWN if gamut is None else gamut.key


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
