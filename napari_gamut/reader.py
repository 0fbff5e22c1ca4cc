"""Reader of photos whose colours or orientation napari would get wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari.types import LayerData

    from core.files.header import Header

_NOTHING: list[Any] = [(None,)]
"""What napari takes for a file of which no layer comes."""


def get_reader(path: str | Sequence[str] | None = None) -> Callable[..., list[LayerData]] | None:
    """Return a reader if there is something to add to napari's own, else None.

    Parameters
    ----------
    path : str or sequence of str
        One photo, or several to be opened as layers. Without one, as from the command palette,
        people are asked.

    Returns
    -------
    callable or None
        None for plain sRGB photos, for files with several pages, and for what is no photo.
    """
    from napari_gamut.opening import OURS_ALONE, header_of_ours

    if path is None:
        _ask()
        return None
    paths = [path] if isinstance(path, str) else list(path)
    headers: list[Header | None] = []
    for item in paths:
        if Path(item).suffix.lower() in OURS_ALONE:
            headers.append(None)  # No question, and some are decoded for their header.
            continue
        header = header_of_ours(Path(item))
        if header is None:
            return None
        headers.append(header)
    return partial(_read, headers=headers) if headers else None


def get_plain_reader(
    path: str | Sequence[str] | None = None,
) -> Callable[..., list[LayerData]] | None:
    """Return napari's own reader for what :func:`get_reader` leaves to it, else None.

    napari chooses between readers by the names of files alone, and shows an error if the chosen
    one refuses. So this plugin refuses nothing that napari would open: it can be remembered as
    the reader of photos, and plain ones look as ever.

    Parameters
    ----------
    path : str or sequence of str
        A file, or several to be stacked. Without one, people are asked.
    """
    from napari_gamut.opening import OURS_ALONE

    if path is None:
        _ask()
        return None
    if get_reader(path) is not None:
        return None
    first = Path(path if isinstance(path, str) else path[0])
    if first.suffix.lower() in OURS_ALONE:
        return _read  # It says what is wrong with the file.
    from napari_builtins.io import napari_get_reader

    plain = napari_get_reader(path)
    return None if plain is None else partial(_read_plain, plain)


def open_without_asking() -> None:
    """Make this plugin the reader of photos, as the tick in napari's question does."""
    from napari.plugins.utils import get_filename_patterns_for_reader
    from napari.settings import get_settings
    from napari.utils.notifications import show_info

    from napari_gamut.settings import PLUGIN

    plugins = get_settings().plugins
    chosen = dict.fromkeys(sorted(get_filename_patterns_for_reader(PLUGIN)), PLUGIN)
    plugins.extension2reader = {**plugins.extension2reader, **chosen}
    show_info(
        "Photos now open with their colour profile and upright, without a question. Plain ones "
        "look as before. Preferences > Plugins takes it back."
    )


def _read(
    path: str | Sequence[str], stack: bool = False, headers: Sequence[Header | None] | None = None
) -> list[LayerData]:
    from napari import current_viewer

    from napari_gamut.opening import opening
    from napari_gamut.widgets.save_guard import guard_saving
    from napari_gamut.widgets.waiting import waited

    paths = [path] if isinstance(path, str) else list(path)
    found = waited(partial(opening, paths, headers=headers), _title(paths))
    if found is None:
        return _NOTHING
    guard_saving(current_viewer())
    return found


def _read_plain(
    plain: Callable[..., list[LayerData]], path: str | Sequence[str]
) -> list[LayerData]:
    from napari_gamut.widgets.waiting import waited

    def work(_: object) -> Generator[tuple[int, int], None, list[LayerData]]:
        yield 0, 1
        return [_in_levels(*layer) for layer in plain(path)]

    found = waited(work, _title([path] if isinstance(path, str) else list(path)))
    return _NOTHING if found is None else found


def _in_levels(data: Any, settings: dict[str, Any] | None = None, kind: str = "image") -> LayerData:
    """Return a layer as it is, but a large photo in levels of detail."""
    from napari_gamut.levels import shown

    settings = dict(settings or {})
    is_photo = getattr(data, "ndim", 0) == 3 and data.shape[-1] in (3, 4) and kind == "image"
    if not is_photo or data.dtype != "uint8" or settings.get("rgb") is False:
        return data, settings, kind
    layer = shown(data)
    return layer["data"], settings | {"multiscale": layer["multiscale"], "rgb": True}, kind


def _title(paths: Sequence[str]) -> str:
    name = Path(paths[0]).name
    return f"Opening {name}" if len(paths) == 1 else f"Opening {len(paths)} photos"


def _ask() -> None:
    from napari import current_viewer

    from napari_gamut.widgets.dialogs import ask_to_open

    viewer = current_viewer()
    if viewer is not None:
        ask_to_open(viewer)
