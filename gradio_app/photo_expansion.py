"""A photo from upload to download: what the tab and the API have in common."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from core.colour import SPACES, WIDE_SPACES
from core.engine.expansion import ExpansionSettings
from core.engine.files import FileReport, FileSettings, file_expansion
from core.engine.kept import KeptAnswers
from core.engine.origin import origin_of
from core.errors import PhotoError
from core.files import OUTPUT_FORMATS, OutputFormat, check_output, open_rows, provenance_of
from core.source_gamut import SOURCES, UNKNOWN
from gradio_app.photo_pictures import Pictures, pictures_of
from gradio_app.results import Expanded
from gradio_app.uploads import Upload, checked, without_paths

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gradio_app.context import Workplace

AUTO = "auto"
"""The source that the file's own records tell."""

SOURCE_NAMES = (AUTO, *(space.key for space in SOURCES), UNKNOWN)
"""What may be said of where the colours of a photo lay before it became sRGB."""


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
    source : str
        One of :data:`SOURCE_NAMES`: where the colours lay before the photo became sRGB.
    """

    model: str
    space: str = "prophoto"
    format: OutputFormat = "tiff"
    strength: float = 1.0
    private: bool = False
    source: str = AUTO

    def __post_init__(self) -> None:
        """Refuse what the engine cannot do, in one sentence."""
        if self.space not in WIDE_SPACES:
            raise PhotoError(f"Choose a colour space out of {', '.join(WIDE_SPACES)}.")
        if self.format not in get_args(OutputFormat):
            raise PhotoError(f"Choose a format out of {', '.join(get_args(OutputFormat))}.")
        if not isinstance(self.strength, int | float) or not 0.0 <= self.strength <= 2.0:
            raise PhotoError("The strength lies between 0 and 2; choose such a number.")
        if self.source not in SOURCE_NAMES:
            raise PhotoError(f"Choose a source out of {', '.join(SOURCE_NAMES)}.")
        check_output(self.format, WIDE_SPACES[self.space])

    def target(self, folder: Path, upload: Upload) -> Path:
        """Return the file that the result becomes."""
        return folder / f"{upload.stem}-{self.space}{OUTPUT_FORMATS[self.format]}"

    def expansion(self, device: str) -> ExpansionSettings:
        """Return the same for the engine."""
        stated = self.source not in (AUTO, UNKNOWN)
        return ExpansionSettings(
            space=WIDE_SPACES[self.space],
            source=SPACES[self.source] if stated else None,
            strength=float(self.strength),
            device=device,
        )


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    Attributes
    ----------
    name, file : str
        Of the photo, without ending and with it.
    target : Path
        The file.
    report : FileReport
        What was done.
    photo : str
        Tells the photo from all others, without telling where it lies.
    pictures : Pictures or None
        What the page shows of it.
    """

    name: str
    file: str
    target: Path
    report: FileReport
    photo: str
    pictures: Pictures | None = None


def expansion(
    place: Workplace,
    path: str | None,
    request: Request,
    folder: Path,
    *,
    shown: bool = False,
    earlier: Path | None = None,
) -> Generator[Any, None, Outcome]:
    """Expand an upload into a file, exactly as the command line does.

    Parameters
    ----------
    place : Workplace
        Models and limits.
    path : str or None
        The upload.
    request : Request
        What is wanted.
    folder : Path
        Where the file is put, and the pictures.
    shown : bool
        Whether pictures are made, and what was solved is kept for other settings.
    earlier : Path, optional
        The folder of an earlier result of the same photo, which need not be solved again then.

    Yields
    ------
    Origin, (int, int), str
        What the file says of where its colours lay; tiles done and in all; what comes after them.

    Returns
    -------
    Outcome

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    upload = checked(path, place.uploads, place.settings)
    target = request.target(folder, upload)
    place.begin()
    files = FileSettings(
        format=request.format,
        limits=place.settings.limits,
        keep_private=request.private,
        detect_source=request.source == AUTO,
    )
    with without_paths(upload), ExitStack() as stack:
        reader = stack.enter_context(open_rows(upload.path, limits=place.settings.limits))
        yield origin_of(provenance_of(reader.metadata))
        method = place.method(request.model)
        settings = request.expansion(place.settings.device)
        photo = _mark_of(upload.path)
        answers = KeptAnswers(folder, photo, earlier) if shown else None
        if answers is not None:
            method = answers.of(method)
        work = file_expansion(upload.path, target, method, settings, files, reader=reader)
        report = yield from stack.enter_context(closing(work))
        if answers is not None:
            answers.save()
        pictures = None
        if shown:
            yield "Making the pictures …"
            pictures = pictures_of(reader.srgb_codes(), target, report, folder)
    return Outcome(upload.stem, upload.name, target, report, photo, pictures)


def _mark_of(path: Path) -> str:
    """Return what tells a file from all others, and from what it was before.

    It is the page's, and lies beside results, where whoever has a link may read it: the path, by
    which the upload itself is fetched, cannot be told from it.
    """
    status = path.stat()
    said = f"{path} {status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()


def public_report(report: FileReport) -> Expanded:
    """Return a report without paths of the server."""
    values = report.as_dict()
    values["notes"] = list(report.notes)
    return {name: values[name] for name in Expanded.__annotations__}  # type: ignore[return-value]
