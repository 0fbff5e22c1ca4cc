"""What people send: where it lies, and named so that names do no harm."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.engine.batches import PHOTO_SUFFIXES
from core.errors import PhotoError
from core.files.header import RAISE_THE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradio_app.settings import DemoSettings

_LONGEST_NAME = 60

SUFFIXES = sorted(PHOTO_SUFFIXES)
"""Of the files that the page offers to choose from; contents decide what is read."""


class UploadError(PhotoError):
    """An upload that is refused, with the reason in one sentence."""


@dataclass(frozen=True)
class Upload:
    """A file that was sent and may be read.

    Attributes
    ----------
    path : Path
        Where it lies on the server.
    stem : str
        Its name without ending, of letters, digits, spaces, dots, hyphens and underscores.
    """

    path: Path
    stem: str

    @property
    def name(self) -> str:
        """Its name with the ending."""
        return self.stem + "".join(re.findall(r"\.[A-Za-z0-9]{1,5}$", self.path.name))


def checked(path: str | None, folder: Path, settings: DemoSettings) -> Upload:
    """Return an upload that may be opened; it is not opened yet.

    Parameters
    ----------
    path : str or None
        Where the server put it; None if nothing was sent.
    folder : Path
        The server's folder for uploads: files outside are never opened.
    settings : DemoSettings
        How long uploads stay.

    Raises
    ------
    UploadError
        If there is none, or it is of another place.
    """
    if not path:
        raise UploadError("Choose a photo first: drop one on the page, or take an example.")
    place = Path(path).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise UploadError("This file was not sent with the request; upload it.")
    if not place.exists():
        raise UploadError(settings.expired)
    return Upload(place, safe_stem(place.name))


@contextmanager
def without_paths(upload: Upload) -> Iterator[None]:
    """Let errors about an upload name no path of the server."""
    try:
        yield
    except PhotoError as error:
        raise PhotoError(sentence(error, upload.path)) from error


def sentence(error: PhotoError, path: Path) -> str:
    """Return what to tell a person about an error, without paths of the server."""
    name = Upload(path, safe_stem(path.name)).name
    text = str(error).replace(str(path), name).replace(str(path.parent), "the upload")
    text = text.replace(RAISE_THE_LIMIT, "take a smaller one")
    return re.sub(r"[<>]", "", text)


def safe_stem(name: str) -> str:
    """Return a file's name without its ending and without characters that mean something."""
    stem = re.sub(r"[^\w .\-]", "_", Path(name).stem).strip(" .")
    return stem[:_LONGEST_NAME] or "photo"
