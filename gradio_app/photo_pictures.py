"""What the page shows of a result: small pictures with profiles, an overlay, drawings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, convert
from core.files import icc_profile, read
from core.gamut import naive_inversion
from core.pictures import chromaticity_figure, save_figure
from core.pictures.previews import Previews
from core.pictures.saving import lay_out_like
from core.pictures.seen import Gain, gain_of, gain_overlay
from gradio_app import page

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    from core.engine.files import FileReport
    from core.gamut import Codes

    Image8 = npt.NDArray[np.uint8]

_SIDE = 1120
"""A picture has as many pixels as a square of this side, so that two of them come within seconds on
a slow line. Whoever looks closer gets tiles (:mod:`gradio_app.full_size`)."""

_QUALITY = 82
_OVERLAY_QUALITY = 60
_DOTS_PER_INCH = 100


@dataclass(frozen=True)
class Side:
    """A photo as the page shows it, for either kind of screen.

    Attributes
    ----------
    name : str
        What it is.
    wide : Path
        In Display P3, with its profile.
    muted : Path
        The same codes as if they were sRGB (see :func:`core.pictures.seen.muted`).
    """

    name: str
    wide: Path
    muted: Path


@dataclass(frozen=True)
class Pictures:
    """What is shown of a result.

    Attributes
    ----------
    sides : tuple of Side
        Of which two are compared at a time: at first the first and the last.
    size : (int, int)
        Width and height of the pictures, in pixels.
    overlay : Path or None
        How much colour came back, and where; transparent elsewhere.
    gain : Gain or None
        The same in figures.
    chromaticities : mapping of theme to Path
        Drawings.
    """

    sides: tuple[Side, ...]
    size: tuple[int, int]
    overlay: Path | None = None
    gain: Gain | None = None
    chromaticities: dict[str, Path] | None = None


def pictures_of(codes: Codes, target: Path, report: FileReport, folder: Path) -> Pictures:
    """Make the pictures of an expansion from the file that was written.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes of the photo.
    target : Path
        The file.
    report : FileReport
        What was done.
    folder : Path
        Where they are put.
    """
    after = read(target).scene()
    shown = Previews(codes, after, tolerance=report.tolerance, longest=_longest(codes.shape))
    names = ("Reduced to sRGB", "As it is") if report.converted else ("sRGB photo", "Restored")
    sides = (
        side(names[0], shown.before, folder / "before"),
        side(names[1], shown.after, folder / "after"),
    )
    overlay = folder / "gain.webp"
    _save(gain_overlay(shown.delta_e), overlay, quality=_OVERLAY_QUALITY)
    height, width = shown.before.shape[:2]
    photos = {"Before": naive_inversion(codes), "After": after}
    return Pictures(
        sides,
        (width, height),
        overlay,
        gain_of(shown.delta_e, report.clipped_share),
        drawn({name: convert(scene, SRGB, PROPHOTO) for name, scene in photos.items()}, folder),
    )


def write_card(pictures: Pictures, path: Path) -> None:
    """Write the picture that previews of links show: before and after, and the product's name.

    Parameters
    ----------
    pictures : Pictures
        Of the photo.
    path : Path
        A JPEG file.
    """
    width, height = page.CARD_SIZE
    card = Image.new("RGB", page.CARD_SIZE)
    for number, side in enumerate((pictures.sides[0], pictures.sides[-1])):
        with Image.open(side.muted) as picture:
            half = ImageOps.fit(picture.convert("RGB"), page.CARD_SIZE)
        box = (number * width // 2, 0, (number + 1) * width // 2, height)
        card.paste(half.crop(box), box)
    pen = ImageDraw.Draw(card, "RGBA")
    pen.rectangle((width // 2 - 2, 0, width // 2 + 1, height), fill="white")
    pen.rectangle((0, height - 120, width, height), fill=(0, 0, 0, 170))
    pen.text((48, height - 60), page.TITLE, "white", ImageFont.load_default(56), anchor="lm")
    small = ImageFont.load_default(32)
    for place, side in zip(
        (24, width // 2 + 24), pictures.sides[:: len(pictures.sides) - 1], strict=True
    ):
        pen.text((place, 24), side.name, "white", small, stroke_width=2, stroke_fill="black")
    card.save(path, quality=85)


def _longest(shape: tuple[int, ...]) -> int:
    """Return the longer side of a picture of a photo: a long panorama has a longer one."""
    short, long = sorted(shape[:2])
    return max(1, min(long, round(_SIDE * math.sqrt(long / short))))


def side(name: str, codes: Image8, place: Path) -> Side:
    """Write a photo for either kind of screen.

    Parameters
    ----------
    name : str
        What it is.
    codes : ndarray, uint8, shape (h, w, 3)
        Display P3.
    place : Path
        Where, without ending.
    """
    wide, muted = (place.with_name(f"{place.name}{kind}.webp") for kind in ("", "-muted"))
    _save(codes, wide, DISPLAY_P3, quality=_QUALITY)
    _save(codes, muted, SRGB, quality=_QUALITY)
    return Side(name, wide, muted)


def drawn(photos: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Draw the chromaticities of photos, for the light page and for the dark one.

    Parameters
    ----------
    photos : mapping of title to ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB.
    folder : Path
        Where the drawings are put.
    """
    paths: dict[str, Path] = {}
    saved: Figure | None = None
    for theme in ("light", "dark"):
        figure = chromaticity_figure(photos, diagram="uv", stacked=True, theme=theme)
        if saved is not None:
            lay_out_like(figure, saved)
        paths[theme] = folder / f"chromaticities-{theme}.png"
        save_figure(figure, paths[theme], dots_per_inch=_DOTS_PER_INCH)
        saved = figure
    return paths


def _save(codes: Image8, path: Path, space: ColourSpace = SRGB, *, quality: int) -> None:
    # Pillow's own writer: these pictures are seen once, and WebP halves the wait on a slow line.
    Image.fromarray(codes).save(
        path, "WEBP", quality=quality, method=3, icc_profile=icc_profile(space)
    )
