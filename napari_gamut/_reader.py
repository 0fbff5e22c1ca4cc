"""Reader of photos whose colours or orientation napari would get wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.types import LayerData

    from core.files import Photo

_OURS_ALONE = {".avif", ".heic", ".heif", ".jxl", ".cr3"}
"""Endings that napari's own reader does not claim."""

_FOREIGN = {"AVIF", "HEIC", "JPEG XL", "camera RAW", "OpenEXR"}
"""Formats that napari reads without regard to their colours, or not at all."""


def get_reader(path: str | Sequence[str]) -> Callable[..., list[LayerData]] | None:
    """Return a reader if there is something to add to napari's own, else None.

    Parameters
    ----------
    path : str or sequence of str
        One photo, or several to be opened as layers.

    Returns
    -------
    callable or None
        None for plain sRGB photos, for files with several pages, and for what is no photo.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return _read if paths and all(_is_ours(Path(item)) for item in paths) else None


def get_plain_reader(path: str | Sequence[str]) -> Callable[..., list[LayerData]] | None:
    """Return napari's own reader for what :func:`get_reader` leaves to it, else None.

    napari chooses between readers by the names of files alone, and shows an error if the chosen
    one refuses. So this plugin refuses nothing that napari would open: it can be remembered as
    the reader of photos, and plain ones look as ever.

    Parameters
    ----------
    path : str or sequence of str
        A file, or several to be stacked.
    """
    if get_reader(path) is not None:
        return None
    first = Path(path if isinstance(path, str) else path[0])
    if first.suffix.lower() in _OURS_ALONE:
        return _read  # It says what is wrong with the file.
    from napari_builtins.io import napari_get_reader

    plain: Callable[..., list[LayerData]] = napari_get_reader(path)
    return plain


def open_without_asking() -> None:
    """Make this plugin the reader of photos, as the tick in napari's question does."""
    from napari.plugins.utils import get_filename_patterns_for_reader
    from napari.settings import get_settings
    from napari.utils.notifications import show_info

    from napari_gamut._settings import PLUGIN

    plugins = get_settings().plugins
    chosen = dict.fromkeys(sorted(get_filename_patterns_for_reader(PLUGIN)), PLUGIN)
    plugins.extension2reader = {**plugins.extension2reader, **chosen}
    show_info(
        "Photos now open with their colour profile and upright, without a question. Plain ones "
        "look as before. Preferences > Plugins takes it back."
    )


def has_own_colours(path: Path) -> bool:
    """Return whether napari's own reader shows wrong colours for a photo, or cannot open it."""
    return _judged(path)[0]


def _is_ours(path: Path) -> bool:
    return any(_judged(path))


def _judged(path: Path) -> tuple[bool, bool]:
    """Return whether napari would get the colours wrong, and whether the orientation."""
    from core.errors import PhotoError
    from core.files import inspect
    from core.files.header import Limits
    from core.files.reading import read_header

    try:
        info = inspect(path)
        header = read_header(path, Limits())
    except PhotoError:
        return False, False
    if info.frames > 1 or info.channels < 3:
        return False, False
    if info.is_float and info.format == "TIFF":
        return info.profile_name != "" and header.icc is not None, False
    return info.format in _FOREIGN or info.space != "srgb", header.orientation != 1


def _read(path: str | Sequence[str], stack: bool = False) -> list[LayerData]:
    paths = [path] if isinstance(path, str) else list(path)
    return [_layer(Path(item)) for item in paths]


def _layer(path: Path) -> LayerData:
    from core.colour import PROPHOTO, SRGB, convert
    from core.files import read
    from core.pictures.screens import DISPLAYS, display_image
    from napari_gamut._settings import preferences
    from napari_gamut.metadata import Record, WidePixels

    photo = read(path)
    facts: dict[str, Any] = {
        "path": str(path),
        "exif": photo.exif,
        "alpha": photo.alpha,
        "lossy": photo.lossy,
        "profile": photo.profile_name,
    }
    codes = photo.srgb_codes()
    if codes is not None:
        return _described(path, codes, Record(**facts), photo)
    display = preferences().display
    values, space = photo.scene(), SRGB
    if photo.space is not None:
        values, space = convert(values, SRGB, photo.space), photo.space
    elif values.min() < 0.0 or values.max() > 1.0:
        values, space = convert(values, SRGB, PROPHOTO), PROPHOTO
    record = Record(WidePixels(values, space.key, "Bradford", display), **facts)
    shown = display_image(values, space, DISPLAYS[display])
    return _described(path, shown, record, photo)


def _described(path: Path, data: Any, record: Any, photo: Photo) -> LayerData:
    from napari_gamut.metadata import KEY

    title = path.stem if record.wide is None else f"{path.stem} [{photo.profile_name}]"
    top = 65535 if data.dtype == "uint16" else 255
    return (
        data,
        {"name": title, "rgb": True, "contrast_limits": (0, top), "metadata": {KEY: record}},
        "image",
    )
