"""Sample data: photos that scikit-image ships, and a chart of wide colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.types import LayerData

    from core.gamut import FloatImage


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
    from core.pictures.chart import wide_gamut_chart

    return _with_original("chart", wide_gamut_chart())


def vivid_astronaut() -> list[LayerData]:
    """Return a portrait, finished vividly in ProPhoto RGB, and what is left of it in sRGB."""
    from skimage import data

    from core.colour import PROPHOTO, SRGB, convert
    from core.gamut import naive_inversion
    from core.styles import VIVID

    values = convert(naive_inversion(data.astronaut()), SRGB, PROPHOTO).clip(0.0, 1.0)
    return _with_original("vivid astronaut", VIVID.apply(values))


def _with_original(name: str, values: FloatImage) -> list[LayerData]:
    """Return linear ProPhoto RGB as a wide layer, and as the sRGB photo that it is reduced to."""
    from napari import current_viewer

    from core.colour import PROPHOTO, SRGB, convert
    from core.gamut import reduce
    from core.pictures.screens import DISPLAYS, display_image
    from napari_gamut.records import KEY, Fingerprint, Record, WidePixels
    from napari_gamut.settings import preferences
    from napari_gamut.widgets.save_guard import guard_saving

    display = preferences().display
    guard_saving(current_viewer())
    codes = reduce(convert(values, PROPHOTO, SRGB))
    shown = display_image(values, PROPHOTO, DISPLAYS[display])
    wide = WidePixels(values, PROPHOTO.key, "Bradford", display)
    record = Record(wide, profile=PROPHOTO.name, shown=Fingerprint.of(shown))
    return [
        (shown, _look(f"{name} (original)") | {"metadata": {KEY: record}}, "image"),
        (codes, _look(f"{name} (sRGB)"), "image"),
    ]


def _photo(name: str, title: str = "") -> LayerData:
    from skimage import data

    return getattr(data, name)(), _look(title or name), "image"


def _look(name: str) -> dict[str, Any]:
    return {"name": name, "rgb": True, "contrast_limits": (0, 255)}
