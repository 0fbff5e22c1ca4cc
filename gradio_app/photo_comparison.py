"""A wide-gamut original, reduced and restored: what the tab and the API have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.colour import PROPHOTO, SPACES, SRGB, convert
from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.evaluation.comparison import Comparison, compare_methods
from core.evaluation.protocol import EvaluationSettings
from core.files import Limits, Photo, read
from core.gamut import naive_inversion
from core.images import area_reduced
from core.methods.registry import NAIVE
from core.pictures import chromaticity_figure, error_figure, save_figure
from core.pictures.previews import prophoto_screen_codes
from core.styles import STYLES
from gradio_app import page, tables
from gradio_app.photo_pictures import Pictures, side
from gradio_app.uploads import Upload, checked, without_paths

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from gradio_app.context import Workplace
    from gradio_app.results import Compared

LONGEST = 1024
"""Larger originals are averaged to this length of the longer side."""

ASK = "ask"
"""A photo that does not say its colour space is asked about."""

ASSUMED = (ASK, "prophoto", "adobe-rgb", "display-p3", "srgb")
"""What a photo may be taken as that does not say its colour space."""

_DOTS_PER_INCH = 130


@dataclass(frozen=True)
class Compares:
    """A comparison as it is shown.

    Attributes
    ----------
    report : Compared
        The figures, for programs.
    table : str
        The same as HTML.
    out_of_gamut_share : float
        Of the original's pixels that are outside sRGB, 0..1.
    drawings : tuple of Path
        The errors, and where the colours lie; empty where they are not asked for.
    pictures : Pictures or None
        The photo, reduced, restored by each method, and as it was.
    """

    report: Compared
    table: str
    out_of_gamut_share: float
    drawings: tuple[Path, ...] = ()
    pictures: Pictures | None = None


def comparison(
    place: Workplace,
    path: str | None,
    names: Sequence[str],
    style: str,
    assume: str = ASK,
    folder: Path | None = None,
    screen: page.Screen | None = None,
) -> Generator[tuple[int, int] | str, None, Compares]:
    """Compare methods on an upload.

    Parameters
    ----------
    place : Workplace
        Models and limits.
    path : str or None
        The upload.
    names : sequence of str
        Methods that the demo offers.
    style : str
        Key of :data:`core.styles.STYLES`.
    assume : str
        One of :data:`ASSUMED`.
    folder : Path, optional
        Where drawings are put; there are none unless it is given.
    screen : Screen, optional
        What they are made for.

    Yields
    ------
    (int, int) or str
        Tiles done and in all, and what comes after them.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    if style not in STYLES:
        raise PhotoError(f"Choose a style out of {', '.join(STYLES)}.")
    if not names:
        raise PhotoError("Choose at least one method.")
    upload = checked(path, place.uploads, place.settings)
    place.begin()
    methods = place.fitted(names)
    with without_paths(upload):
        photo = _read(upload, place.settings.limits, assume)
    original = area_reduced(convert(photo.scene(), SRGB, PROPHOTO).clip(0.0, 1.0), LONGEST)
    yield 0, 1
    settings = EvaluationSettings(
        perceptual=False, expansion=ExpansionSettings(device=place.settings.device)
    )
    result = yield from compare_methods(STYLES[style].apply(original), methods, settings)
    told = (tables.as_dict(result), tables.markup(result), float(result.out_of_gamut.mean()))
    if folder is None:
        return Compares(*told)
    yield "Drawing …"
    drawings = _drawn(result, folder, screen or page.Screen("light", narrow=False))
    return Compares(*told, drawings, _pictures(result, folder))


def _read(upload: Upload, limits: Limits, assume: str) -> Photo:
    """Read an original.

    Raises
    ------
    PhotoError
        If it does not say its colour space, and nobody else does.
    """
    known = assume in ASSUMED and assume != ASK
    photo = read(upload.path, limits=limits, assume=SPACES[assume] if known else PROPHOTO)
    if not known and photo.profile_name.startswith("untagged"):
        raise PhotoError(
            f"“{upload.name}” does not say its colour space; choose what to take it as. An sRGB "
            "photo has lost its colours already: nothing can be measured with it."
        )
    return photo


def _pictures(result: Comparison, folder: Path) -> Pictures:
    """Write the photo as it was reduced, as each method restored it, and as it was."""
    reduced = convert(naive_inversion(result.codes), SRGB, PROPHOTO)
    restored = {one.method: one.values for one in result.restorations if one.method != NAIVE}
    photos = {"Reduced to sRGB": reduced, **restored, "Original": result.original}
    sides = tuple(
        side(name, prophoto_screen_codes(values, result.codes), folder / f"photo-{number}")
        for number, (name, values) in enumerate(photos.items())
    )
    height, width = result.codes.shape[:2]
    return Pictures(sides, (width, height))


def _drawn(result: Comparison, folder: Path, screen: page.Screen) -> tuple[Path, ...]:
    maps = {one.method: one.delta_e for one in result.restorations}
    photos = {one.method: one.values for one in result.restorations}
    figures = {
        "errors.png": error_figure(maps, "ΔE2000", stacked=screen.narrow, theme=screen.theme),
        "chromaticities.png": chromaticity_figure(
            {"Original": result.original, **photos},
            diagram="uv",
            stacked=screen.narrow,
            theme=screen.theme,
        ),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / name, dots_per_inch=_DOTS_PER_INCH)
    return tuple(folder / name for name in figures)
