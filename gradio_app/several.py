"""Several photos at once: what each becomes, and one archive of all."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import PhotoError
from gradio_app.uploads import safe_stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradio_app.photo_expansion import Outcome

_NAME = "expanded.zip"


@dataclass
class Entry:
    """One of several photos.

    Attributes
    ----------
    number : int
        Its place, from 1.
    path : str
        The upload.
    outcome : Outcome or None
        What became of it, once it is done.
    problem : str
        What went wrong, if something did.
    """

    number: int
    path: str
    outcome: Outcome | None = None
    problem: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return safe_stem(Path(self.path).name)

    @property
    def said(self) -> str:
        """What became of it, for people."""
        if self.problem:
            return self.problem
        if self.outcome is None:
            return "waits"
        gain = self.outcome.pictures and self.outcome.pictures.gain
        return gain.sentence if gain and not self.outcome.report.converted else "converted"

    def folder_in(self, folder: Path) -> Path:
        """Make a folder for its files."""
        own = folder / str(self.number)
        own.mkdir()
        return own


def planned(paths: Sequence[str], most: int) -> list[Entry]:
    """Return what is to be done with several photos.

    Parameters
    ----------
    paths : sequence of str
        The uploads.
    most : int
        That are taken at once.

    Raises
    ------
    PhotoError
        If there are too many.
    """
    if len(paths) > most:
        raise PhotoError(
            f"These are {len(paths)} photos, and {most} are taken at once; send fewer, or use the "
            "program on your own computer."
        )
    return [Entry(number, path) for number, path in enumerate(paths, start=1)]


def cut_short(entries: Sequence[Entry], seconds: float) -> str:
    """Give up the photos that are not done in time; return what there is to say of all.

    Parameters
    ----------
    entries : sequence of Entry
        All of them.
    seconds : float
        How long they might take together.
    """
    for entry in entries:
        if entry.outcome is None and not entry.problem:
            entry.problem = "not done: the time was over"
    *others, last = [entry.name for entry in entries if entry.outcome is not None] or [""]
    if not last:
        return (
            f"The {seconds:g} seconds that one press may take were over before a photo was done; "
            "choose smaller photos, or use the program on your own computer."
        )
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return (
        f"The {seconds:g} seconds that one press may take are over: {names} done and can be "
        "downloaded; send the others again, or use the program on your own computer."
    )


def archive_of(entries: Sequence[Entry], folder: Path) -> Path | None:
    """Move the files of several photos into one archive; None if none was made.

    Parameters
    ----------
    entries : sequence of Entry
        All of them.
    folder : Path
        Where the archive is put. Photos of the same name are numbered.
    """
    done = [entry.outcome.target for entry in entries if entry.outcome is not None]
    if not done:
        return None
    archive = folder / _NAME
    taken: set[str] = set()
    # The files are as small as they get.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as pack:
        for target in done:
            name = _free(target, taken)
            taken.add(name)
            pack.write(target, name)
            target.unlink()
    return archive


def _free(target: Path, taken: set[str]) -> str:
    number, name = 1, target.name
    while name in taken:
        number += 1
        name = f"{target.stem}-{number}{target.suffix}"
    return name
