"""A photo from upload to download: what the tab and the API have in common."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from core.colour import SRGB, WIDE_SPACES, ColourSpace
from core.engine.expansion import ExpansionSettings
from core.engine.files import FileReport, FileSettings, file_expansion
from core.errors import PhotoError
from core.files import OUTPUT_FORMATS, OutputFormat, check_output, write_codes
from core.pictures import heat_map, shared_limits
from gradio_app.results import Expanded
from gradio_app.uploads import Upload, checked, sentence

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.gamut import Codes
    from core.pictures.previews import Previews
    from core.progress import Check
    from gradio_app.context import Context

_JUST_SEEN = 1.0
"""CIEDE2000 of a difference that can just be seen."""

_FAST = 1
"""Compression of pictures that are shown once: somebody is waiting."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for, checked.

    Attributes
    ----------
    model : str
        Name of a method that the demo offers.
    space : str
        Key of a wide space.
    format : {"tiff", "png", "jxl", "avif"}
        Of the file.
    strength : float
        0 to 2.
    private : bool
        Whether the place, serial numbers and the owner's name stay in the EXIF.
    """

    model: str
    space: str = "prophoto"
    format: OutputFormat = "tiff"
    strength: float = 1.0
    private: bool = False

    def __post_init__(self) -> None:
        """Refuse what the engine cannot do, in one sentence."""
        if self.space not in WIDE_SPACES:
            raise PhotoError(f"Choose a colour space out of {', '.join(WIDE_SPACES)}.")
        if self.format not in get_args(OutputFormat):
            raise PhotoError(f"Choose a format out of {', '.join(get_args(OutputFormat))}.")
        if not isinstance(self.strength, int | float) or not 0.0 <= self.strength <= 2.0:
            raise PhotoError("The strength lies between 0 and 2; choose such a number.")
        check_output(self.format, WIDE_SPACES[self.space])

    def target(self, folder: str, upload: Upload) -> Path:
        """Return the file that the result becomes."""
        return Path(folder) / f"{upload.stem}-{self.space}{OUTPUT_FORMATS[self.format]}"


def expansion(
    context: Context,
    path: str | None,
    request: Request,
    folder: str,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, tuple[Path, FileReport]]:
    """Expand an upload into a file, exactly as the command line does.

    Parameters
    ----------
    context : Context
        Models and limits.
    path : str or None
        The upload.
    request : Request
        What is wanted.
    folder : str
        The folder of the request.
    check : callable, optional
        Called often; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Tiles done and in all.

    Returns
    -------
    path, report
        The file and what was done.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    limits = context.settings.limits
    upload = checked(path, context.uploads, context.settings)
    target = request.target(folder, upload)
    settings = ExpansionSettings(
        space=WIDE_SPACES[request.space],
        strength=float(request.strength),
        device=context.settings.device,
    )
    files = FileSettings(format=request.format, limits=limits, private_exif=request.private)
    try:
        method = context.method(request.model)
        work = file_expansion(upload.path, target, method, settings, files, check)
        with closing(work):
            report = yield from work
    except PhotoError as error:
        raise PhotoError(sentence(error, upload.path)) from error
    return target, report


def photos(shown: Previews, folder: str) -> tuple[Path, Path]:
    """Write the photo before and after: PNG in Display P3, with its profile.

    Parameters
    ----------
    shown : Previews
        Of the upload and of the file that it was expanded into.
    folder : str
        The folder of the request.
    """
    before = _written(shown.before, Path(folder, "before.png"), shown.space)
    return before, _written(shown.after, Path(folder, "after.png"), shown.space)


@dataclass(frozen=True)
class Maps:
    """Paths of the maps that the page shows of a result: PNG in sRGB.

    Attributes
    ----------
    beyond, clipped : Path
        Marks over the grey photo.
    difference : Path
        Heat map of CIEDE2000.
    largest_difference : float
        CIEDE2000 of the brightest colour of the heat map.
    """

    beyond: Path
    clipped: Path
    difference: Path
    largest_difference: float


def maps(shown: Previews, folder: str) -> Maps:
    """Write the maps of a result.

    Parameters
    ----------
    shown, folder
        As for :func:`photos`.
    """
    scale = shared_limits([shown.delta_e], least=_JUST_SEEN)
    heat = heat_map(shown.delta_e, scale)[..., :3]
    return Maps(
        beyond=_written(shown.beyond_srgb, Path(folder, "beyond-srgb.png")),
        clipped=_written(shown.clipped, Path(folder, "clipped.png")),
        difference=_written(heat, Path(folder, "difference.png")),
        largest_difference=scale[1],
    )


def _written(codes: Codes, path: Path, space: ColourSpace = SRGB) -> Path:
    write_codes(path, codes, space, compression=_FAST)
    return path


def public_report(report: FileReport) -> Expanded:
    """Return a report without paths of the server."""
    values = report.as_dict()
    values["notes"] = list(report.notes)
    return {name: values[name] for name in Expanded.__annotations__}  # type: ignore[return-value]
