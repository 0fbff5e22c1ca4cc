"""Expanding a folder of photos, file by file, without any window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from core.errors import PhotoError
from core.progress import mapped
from napari_gamut.naming import percentage
from napari_gamut.requests import Request, prepared

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from core.files import OutputFormat
    from core.progress import Check

Existing = Literal["keep", "replace"]


@dataclass(frozen=True)
class FolderRequest:
    """What is to be done to a folder.

    Attributes
    ----------
    source, target : Path
        Folders to read, with those inside it, and to write.
    format : {"tiff", "png", "jxl", "avif"}
        Of the files.
    existing : {"keep", "replace"}
        What happens to files that exist already.
    detect_source : bool
        Whether each file's own records decide where its colours lay.
    """

    source: Path
    target: Path
    format: OutputFormat = "tiff"
    existing: Existing = "keep"
    detect_source: bool = True


@dataclass(frozen=True)
class FileProgress:
    """How far the work on a folder is.

    Attributes
    ----------
    name : str
        The photo that is being worked on.
    files_done, files : int
        Photos done and photos in all.
    done, total : int
        Tiles of this photo.
    line : str
        A finished photo, in one sentence; empty in between.
    """

    name: str
    files_done: int
    files: int
    done: int = 0
    total: int = 0
    line: str = ""

    @property
    def is_news(self) -> bool:
        """Whether it holds a line that nobody must miss."""
        return bool(self.line)


@dataclass(frozen=True)
class FolderReport:
    """What became of a folder: numbers of photos."""

    expanded: int
    kept: int
    failed: int


def expand_folder(
    folder: FolderRequest, request: Request, check: Check | None = None
) -> Generator[FileProgress, None, FolderReport]:
    """Expand every photo of a folder; one that fails does not stop the others.

    Yields
    ------
    FileProgress

    Raises
    ------
    PhotoError
        If there is no photo, or the network cannot be used.
    """
    from core.engine.batches import log_unforeseen, plan_jobs, sentence
    from core.engine.files import FileSettings, file_expansion
    from core.files import OUTPUT_FORMATS
    from core.files.safe_write import remove_partials

    if not folder.source.is_dir():
        raise PhotoError(f"{folder.source} is no folder; choose the folder of your photos.")
    yield FileProgress("", 0, 0)
    jobs = plan_jobs(
        [str(folder.source)], str(folder.target), {folder.format: OUTPUT_FORMATS[folder.format]}
    )
    method, settings = prepared(request)
    files = FileSettings(
        format=folder.format,
        overwrite=folder.existing == "replace",
        detect_source=folder.detect_source,
    )
    # What was killed may have left parts of files, which nobody is writing.
    remove_partials(job.target for job in jobs)
    expanded = kept = failed = 0
    for number, job in enumerate(jobs):
        name = job.source.name
        if folder.existing == "keep" and job.target.exists():
            kept += 1
            yield FileProgress(name, number + 1, len(jobs), line=f"{name}: exists already, kept")
            continue
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            work = file_expansion(job.source, job.target, method, settings, files, check)
            report = yield from mapped(work, partial(FileProgress, name, number, len(jobs)))
        except Exception as error:
            # Whatever one photo does, the others are worked on.
            log_unforeseen(job.source, error)
            failed += 1
            yield FileProgress(name, number + 1, len(jobs), line=f"{name}: {sentence(error)}")
        else:
            expanded += 1
            clipped = percentage(report.clipped_share)
            line = f"{name} → {job.target.name}: {clipped} of the pixels were clipped."
            line = " ".join([line, *report.notes])
            yield FileProgress(name, number + 1, len(jobs), line=line)
    return FolderReport(expanded, kept, failed)
