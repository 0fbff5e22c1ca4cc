"""Wide-gamut originals: found, read, and passed through JPEG once reduced."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import imagecodecs
import numpy as np
import numpy.typing as npt

from core.colour import PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.files import inspect, read
from core.source_gamut import index_entry, source_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from core.gamut import Codes

_NO_PHOTOS = frozenset(
    ".txt .md .rst .csv .json .yaml .yml .xml .html .pdf .xmp .pp3 .dop .thm .ini .db .icc .icm "
    ".py .npy .zip".split()
)


def photos_in(places: Iterable[Path], besides: Path | None = None) -> list[Path]:
    """Return the photos of folders and their subfolders, in order of their paths.

    Parameters
    ----------
    places : iterable of Path
        Photos, and folders where to look for them. Every file there is taken for a photo but
        hidden ones and, by their suffixes, texts, tables and sidecars.
    besides : Path, optional
        A folder to leave out.

    Raises
    ------
    PhotoError
        If one of them does not exist.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("beach.nef", "beach.xmp", ".hidden.nef"):
    ...         Path(folder, name).touch()
    ...     [path.name for path in photos_in([Path(folder)])]
    ['beach.nef']
    """
    paths: set[Path] = set()
    for folder in places:
        if folder.is_file():
            paths.add(folder)
            continue
        if not folder.is_dir():
            raise PhotoError(f"There is no photo or folder “{folder}”; check its name.")
        for path in folder.rglob("*"):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and path.suffix.lower() not in _NO_PHOTOS:
                paths.add(path)
    if besides is not None:
        paths = {path for path in paths if besides.resolve() not in path.resolve().parents}
    return sorted(paths)


def distinct_names(photos: Sequence[Path]) -> dict[Path, str]:
    """Return what photos are called in tables.

    That is the name of the file, with as many of the folders above it as tell photos of the same
    name apart.

    Examples
    --------
    >>> from pathlib import Path
    >>> list(distinct_names([Path("a/1.tif"), Path("b/1.tif"), Path("b/2.tif")]).values())
    ['a/1.tif', 'b/1.tif', '2.tif']
    """
    names = {photo: photo.name for photo in photos}
    deepest = max((len(photo.absolute().parts) for photo in photos), default=0)
    # At the deepest, names that are still the same are of one photo, named in two ways.
    for depth in range(2, deepest + 1):
        counts = Counter(names.values())
        for photo, name in names.items():
            if counts[name] > 1:
                names[photo] = "/".join(photo.absolute().parts[-depth:])
    return names


def evenly(photos: Sequence[Path], limit: int | None) -> list[Path]:
    """Return at most `limit` photos, spread evenly over all; all of them without a limit.

    Examples
    --------
    >>> from pathlib import Path
    >>> [path.name for path in evenly([Path(f"{number}.nef") for number in range(10)], 4)]
    ['0.nef', '2.nef', '5.nef', '7.nef']
    """
    if limit is None or limit >= len(photos):
        return list(photos)
    return [photos[number * len(photos) // limit] for number in range(limit)]


def read_original(path: Path) -> npt.NDArray[np.float32]:
    """Read a wide-gamut photo as an original to train on or to evaluate with.

    Parameters
    ----------
    path : Path
        Any readable photo; one without a profile is taken as ProPhoto.

    Returns
    -------
    ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB, limited to 0..1.

    Raises
    ------
    PhotoError
        If the file cannot be read.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> original = read_original(sample_photo())
    >>> original.shape, original.max().item() <= 1.0
    ((400, 600, 3), True)
    """
    scene = read(path, assume=PROPHOTO).scene()
    prophoto: npt.NDArray[np.float32] = np.clip(convert(scene, SRGB, PROPHOTO), 0.0, 1.0)
    return prophoto


def source_of(path: Path) -> ColourSpace | None:
    """Return the space in which the colours of a wide-gamut photo lie, None if it is unknown.

    Parameters
    ----------
    path : Path
        The photo. A table beside it says it (:func:`core.source_gamut.index_entry`), else the
        file itself: its profile, or ProPhoto for camera RAW, OpenEXR, and files without one.

    Raises
    ------
    PhotoError
        If the file cannot be read.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> wide = sample_photo().with_name("rocket.jpg")
    >>> source_of(wide).name, source_of(sample_photo()) is None  # sRGB is no wide gamut
    ('Adobe RGB (1998)', True)
    """
    entry = index_entry(path)
    if entry and entry.get("source_gamut"):
        return source_named(entry["source_gamut"])
    return source_named(inspect(path, assume=PROPHOTO).space)


def through_jpeg(codes: Codes, quality: int, subsampling: Literal["420", "444"]) -> Codes:
    """Return what JPEG leaves of sRGB codes.

    Parameters
    ----------
    codes : ndarray, uint8, shape (H, W, 3)
        sRGB codes.
    quality : int
        1 to 100.
    subsampling : {"420", "444"}
        Whether the colours keep their resolution ("444").

    Examples
    --------
    >>> codes = np.zeros((8, 8, 3), np.uint8)
    >>> codes[:, ::2] = [255, 0, 0]
    >>> through_jpeg(codes, 90, "444")[0, :2].tolist()
    [[254, 0, 0], [0, 0, 2]]
    >>> through_jpeg(codes, 90, "420")[0, :2].tolist()  # colours at half the resolution
    [[166, 38, 37], [88, 0, 0]]
    """
    data = imagecodecs.jpeg8_encode(codes, level=quality, subsampling=subsampling)
    decoded: Codes = imagecodecs.jpeg8_decode(data)
    return decoded
