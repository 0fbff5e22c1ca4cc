"""What Preferences > Gamut Expansion says: device, tile and screen."""

from __future__ import annotations

from dataclasses import dataclass

from core.pictures.screens import DISPLAYS

PLUGIN = "napari-gamut"
SCREENS = tuple((space.name, key) for key, space in DISPLAYS.items())
"""Names for people, and keys."""


@dataclass(frozen=True)
class Preferences:
    """The settings of the plugin.

    Attributes
    ----------
    device : str
        "auto", "cpu", "cuda" or "mps".
    tile : int
        Side of a tile in pixels.
    display : str
        Key of the screen's space.
    """

    device: str = "auto"
    tile: int = 512
    display: str = "srgb"


def preferences() -> Preferences:
    """Return the settings; the defaults where napari does not know the plugin."""
    from napari.settings import get_plugin_settings

    settings = get_plugin_settings().get(PLUGIN)
    if settings is None:
        return Preferences()
    keys = dict(SCREENS)
    return Preferences(settings.engine.device, settings.engine.tile, keys[settings.screen.space])
