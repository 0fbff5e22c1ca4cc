"""Opening photos: the layers that a file becomes, with its colours and upright."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import numpy.typing as npt
    from napari.types import LayerData

    from core.files import Photo
    from core.files.header import Header
    from core.progress import Check
    from napari_gamut.records import Record

OURS_ALONE = {".avif", ".heic", ".heif", ".jxl", ".cr3"}
"""Endings that napari's own reader does not claim."""

_FOREIGN = {"AVIF", "HEIC", "JPEG XL", "camera RAW", "OpenEXR"}
"""Formats that napari reads without regard to their colours, or not at all."""


def has_own_colours(path: Path) -> bool:
    """Return whether napari's own reader shows wrong colours for a photo, or cannot open it."""
    header = _header_of(path)
    return header is not None and _judged(path, header)[0]


def header_of_ours(path: Path) -> Header | None:
    """Return the header of a photo that opens better here than with napari's own reader.

    Returns
    -------
    Header or None
        To be handed on to :func:`opening`, so that the file is opened once.
    """
    header = _header_of(path)
    return header if header is not None and any(_judged(path, header)) else None


def _header_of(path: Path) -> Header | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _header_at(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _header_at(path: Path, modified: int, size: int) -> Header | None:
    """Look into a file once: panels ask again each time that a layer is selected."""
    from core.errors import PhotoError
    from core.files.header import Limits
    from core.files.reading import read_header

    try:
        return read_header(path, Limits())
    except PhotoError:
        return None


def _judged(path: Path, header: Header) -> tuple[bool, bool]:
    """Return whether napari would get the colours wrong, and whether the orientation."""
    from core.colour import SRGB
    from core.errors import PhotoError
    from core.files.reading import describe

    try:
        info = describe(path, header, SRGB)
    except PhotoError:
        return False, False
    if info.frames > 1 or info.channels < 3:
        return False, False
    if info.is_float and info.format == "TIFF":
        return info.profile_name != "" and header.icc is not None, False
    return info.format in _FOREIGN or info.space != "srgb", header.orientation != 1


def opening(
    paths: Sequence[str | Path],
    check: Check | None = None,
    headers: Sequence[Header | None] | None = None,
) -> Generator[tuple[int, int], None, list[LayerData]]:
    """Read photos; yields files done and in all, and returns their layers.

    Parameters
    ----------
    paths : sequence of path
        The files.
    check : callable, optional
        Called before each file; what it raises gives up the work.
    headers : sequence of Header or None, optional
        Of the files, in their order, where they have been read already.

    Raises
    ------
    PhotoError
        If one cannot be read.
    """
    found = []
    for number, path in enumerate(paths):
        yield number, len(paths)
        if check is not None:
            check()
        found.append(_layer(Path(path), headers[number] if headers else None))
    return found


def _layer(path: Path, header: Header | None = None) -> LayerData:
    from core.colour import PROPHOTO, SRGB, convert
    from core.files import read
    from core.files.reading import decode
    from core.pictures.screens import DISPLAYS, display_image
    from napari_gamut.records import Fingerprint, Record, WidePixels
    from napari_gamut.settings import preferences

    photo = read(path) if header is None else decode(path, header, SRGB)
    facts: dict[str, Any] = {
        "path": str(path),
        "metadata": photo.metadata,
        "lossy": photo.lossy,
        "profile": photo.profile_name,
    }
    codes = photo.srgb_codes()
    if codes is not None:
        return _described(path, _with_alpha(codes, photo.alpha), Record(**facts), photo)
    display = preferences().display
    values, space = photo.scene(), SRGB
    if photo.space is not None:
        values, space = convert(values, SRGB, photo.space), photo.space
    elif values.min() < 0.0 or values.max() > 1.0:
        values, space = convert(values, SRGB, PROPHOTO), PROPHOTO
    shown = display_image(values, space, DISPLAYS[display])
    wide = WidePixels(values, space.key, "Bradford", display)
    record = Record(wide, **facts, alpha=photo.alpha, shown=Fingerprint.of(shown))
    return _described(path, shown, record, photo)


def _with_alpha(codes: npt.NDArray[Any], alpha: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """Return codes with their opacity, so that crops and turns concern both."""
    import numpy as np

    if alpha is None or alpha.dtype != codes.dtype:
        return codes
    return np.dstack([codes, alpha])


def _described(path: Path, data: Any, record: Record, photo: Photo) -> LayerData:
    from napari_gamut.levels import shown
    from napari_gamut.records import KEY

    title = path.stem if record.wide is None else f"{path.stem} [{photo.profile_name}]"
    top = 65535 if data.dtype == "uint16" else 255
    layer = shown(data)
    settings = {
        "name": title,
        "rgb": True,
        "contrast_limits": (0, top),
        "metadata": {KEY: record},
        "multiscale": layer["multiscale"],
    }
    return layer["data"], settings, "image"
