"""Sample data: photos that scikit-image ships, and a chart of wide colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.types import LayerData


def astronaut() -> list[LayerData]:
    """Return a portrait in front of saturated reds and blues."""
    return [_photo("astronaut")]


def coffee() -> list[LayerData]:
    """Return a vivid still life, three quarters of which sRGB clipped."""
    from core.files import read, sample_photo

    return [(read(sample_photo()).pixels, _look("coffee"), "image")]


def cat() -> list[LayerData]:
    """Return a photo with hardly a clipped pixel."""
    return [_photo("chelsea", "cat")]


def rocket() -> list[LayerData]:
    """Return a night scene with bright lights."""
    return [_photo("rocket")]


def chart() -> list[LayerData]:
    """Return a chart of wide colours, and what is left of it in sRGB."""
    from napari import current_viewer

    from core.colour import PROPHOTO, SRGB, convert
    from core.gamut import reduce
    from core.pictures.chart import wide_gamut_chart
    from core.pictures.screens import DISPLAYS, display_image
    from napari_gamut.records import KEY, Fingerprint, Record, WidePixels
    from napari_gamut.settings import preferences
    from napari_gamut.widgets.save_guard import guard_saving

    values = wide_gamut_chart()
    display = preferences().display
    guard_saving(current_viewer())
    codes = reduce(convert(values, PROPHOTO, SRGB))
    shown = display_image(values, PROPHOTO, DISPLAYS[display])
    wide = WidePixels(values, PROPHOTO.key, "Bradford", display)
    record = Record(wide, profile=PROPHOTO.name, shown=Fingerprint.of(shown))
    return [
        (shown, _look("chart (original)") | {"metadata": {KEY: record}}, "image"),
        (codes, _look("chart (sRGB)"), "image"),
    ]


def _photo(name: str, title: str = "") -> LayerData:
    from skimage import data

    return getattr(data, name)(), _look(title or name), "image"


def _look(name: str) -> dict[str, Any]:
    return {"name": name, "rgb": True, "contrast_limits": (0, 255)}
