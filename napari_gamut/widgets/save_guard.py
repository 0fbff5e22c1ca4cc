"""napari's own ways to save, led so that they do not lose the wide colours of a layer.

Ctrl+S proposes napari's writer first, which knows nothing of colour: it would write the rendering
for the screen, in 8 bits and without a profile. For single layers with wide colours the plugin's
writer takes its place; where it cannot, people are told at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning

from napari_gamut.roles import is_wide
from napari_gamut.saving import SUFFIXES, target_of
from napari_gamut.settings import PLUGIN
from napari_gamut.targets import completed

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import Viewer

_GUARDED = "napari_gamut_saves"


def guard_saving(viewer: Viewer | None) -> None:
    """See to it that saving from a viewer's menus keeps wide colours."""
    if viewer is None or hasattr(viewer.layers, _GUARDED):
        return
    layers: Any = viewer.layers
    setattr(layers, _GUARDED, True)
    layers.save = _Guard(layers, layers.save)


class _Guard:
    """Takes the place of ``viewer.layers.save``."""

    def __init__(self, layers: Any, save: Callable[..., list[str]]) -> None:
        self._layers, self._save = layers, save

    def __call__(
        self,
        path: str,
        *,
        selected: bool = False,
        plugin: str | None = None,
        _writer: Any = None,
    ) -> list[str]:
        """Save as napari does, but wide colours with their profile."""
        chosen = [
            layer for layer in self._layers if not selected or layer in self._layers.selection
        ]
        wide = [layer for layer in chosen if is_wide(layer)]
        asked = plugin or getattr(_writer, "plugin_name", None)
        if asked == PLUGIN and len(chosen) == 1:
            path = str(completed(path, SUFFIXES[0]))
        if not wide or asked == PLUGIN:
            return self._save(path, selected=selected, plugin=plugin, _writer=_writer)
        suffix = Path(path).suffix.lower()
        if len(chosen) == 1 and (suffix in SUFFIXES or not suffix):
            written: list[str] = chosen[0].save(str(target_of(path)), plugin=PLUGIN)
            if written:
                show_info(f"{Path(written[0]).name} holds the wide colours, with their profile.")
            return written
        written = self._save(path, selected=selected, plugin=plugin, _writer=_writer)
        show_warning(_lost(wide, Path(path).name, single=len(chosen) == 1))
        return written


def _lost(wide: list[Layer], name: str, *, single: bool) -> str:
    if single:
        return (
            f"{name} holds what the screen shows, without the restored colours. Save the layer "
            f"again with a name that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
        )
    names = ", ".join(f"“{layer.name}”" for layer in wide)
    return (
        f"{name} holds what the screen shows of {names}, without the wide colours. Select these "
        "layers one at a time and press Ctrl+S again, or use Save on the page Expand."
    )
