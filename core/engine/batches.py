"""Many photos at once: which there are, what each becomes, and what went wrong with one."""

from __future__ import annotations

import glob
import logging
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import PhotoError
from core.files import (
    PHOTO_FORMATS,
    FileError,
    Limits,
    format_of,
    is_own_result,
    is_same_file,
    pixel_count,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

logger = logging.getLogger(__name__)

PHOTO_SUFFIXES = frozenset(suffix for those in PHOTO_FORMATS.values() for suffix in those)

LARGE = 100_000_000
"""Pixels of a photo that several processes share, where there are several."""

_SMALL_FILE = 2_000_000
"""Bytes: of smaller files not even the header is read, since no large photo is so small."""


@dataclass(frozen=True)
class Job:
    """A photo to work on and the file it becomes.

    Attributes
    ----------
    source, target : Path
        What is read, and what is written.
    plain : Path, optional
        The name the result would have without a namesake of another format, where it has one.
    """

    source: Path
    target: Path
    plain: Path | None = None


def is_large(path: Path) -> bool:
    """Return whether a photo is so large that several processes had better share it.

    Examples
    --------
    >>> from core.files import sample_photo
    >>> is_large(sample_photo())
    False
    """
    try:
        return path.stat().st_size >= _SMALL_FILE and pixel_count(path, Limits()) >= LARGE
    except (OSError, FileError):
        return False  # Whoever opens it says why it cannot be read.


Mark = Callable[[Path], bool]
"""Tells whether a file says that it is a result of this program."""


def find_photos(
    inputs: Sequence[str], apart: Path | None = None, made: Mark = is_own_result
) -> list[tuple[Path, Path]]:
    """Return the photos that inputs name, each with its place below the named folder.

    Parameters
    ----------
    inputs : sequence of str
        Photos, folders and globs. Hidden files, and what file systems, servers
        and archives leave behind, are not taken for photos.
    apart : Path, optional
        The folder of the results: what lies in it, or was made for it, is no photo to work on.
    made : callable
        Tells which files of a folder were made for it; those that were expanded, unless given.

    Raises
    ------
    PhotoError
        If an input names nothing.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("crete/beach.jpg", "market.jpg", ".trash.jpg", "notes.txt"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     found = find_photos([folder])
    >>> [place.as_posix() for _, place in found]
    ['crete/beach.jpg', 'market.jpg']
    """
    found: dict[Path, Path] = {}
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            photos = sorted(_inside(path, apart))
            inside = [photo for photo in photos if apart is None or not made(photo)]
            if photos and not inside:
                raise PhotoError(
                    f"The folder {path} holds nothing but results of this program; name the files "
                    "to work on them again."
                )
            if not inside:
                raise PhotoError(f"The folder {path} holds no photos; name another one.")
            found |= {photo: photo.relative_to(path) for photo in inside}
        elif path.exists():
            found[path] = Path(path.name)
        else:
            matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
            if not matches:
                raise PhotoError(f"There is no photo {text}; check its name.")
            found |= {match: Path(match.name) for match in matches if match.is_file()}
    return list(found.items())


_NOT_PHOTOS = frozenset({"__macosx", "#recycle", "$recycle.bin", "system volume information"})


def _inside(folder: Path, apart: Path | None) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = [
            name
            for name in folders
            if name[0] not in ".@"
            and name.lower() not in _NOT_PHOTOS
            and not (apart is not None and is_same_file(here / name, apart))
        ]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_SUFFIXES:
                yield here / name


def plan_jobs(
    inputs: Sequence[str],
    output: str,
    formats: Mapping[str, str],
    format_key: str | None = None,
    default: str | None = None,
    made: Mark = is_own_result,
) -> list[Job]:
    """Return what is to be done: which photo becomes which file.

    Parameters
    ----------
    inputs : sequence of str
        Photos, folders and globs.
    output : str
        A file for one photo, else a folder that keeps the names.
    formats : mapping of str to str
        What the command writes: keys of formats and their suffixes.
    format_key : str, optional
        The format that is asked for.
    default : str, optional
        The format of files in a folder if none is asked for; the first unless given.
    made : callable
        As for :func:`find_photos`.

    Returns
    -------
    list of Job
        In a folder, photos that share a name but for the suffix keep it: "a.jpg" beside
        "a.png" becomes "a-jpg.tif".

    Raises
    ------
    PhotoError
        If two photos would become the same file, an input names nothing, or the output is
        of a format that is not asked for or not written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("beach.jpg", "beach.png", "market.jpg"):
    ...         Path(folder, name).touch()
    ...     jobs = plan_jobs([folder], f"{folder}/wide", {"tiff": ".tif", "jxl": ".jxl"})
    >>> [(job.source.name, job.target.name) for job in jobs]
    [('beach.jpg', 'beach-jpg.tif'), ('beach.png', 'beach-png.tif'), ('market.jpg', 'market.tif')]
    """
    target = Path(output)
    suffix = formats[format_key or default or next(iter(formats))]
    photos = find_photos(inputs, target, made)
    if _is_one_file(inputs, output, photos):
        _check_name(target, formats, format_key)
        return [Job(photos[0][0], target)]
    stems = Counter(place.with_suffix("") for _, place in photos)
    jobs = []
    for photo, place in photos:
        shared = stems[place.with_suffix("")] > 1
        name = f"{place.stem}-{place.suffix[1:]}" if shared else place.stem
        plain = target / place.with_name(place.stem + suffix) if shared else None
        jobs.append(Job(photo, target / place.with_name(name + suffix), plain))
    return _apart(jobs)


def plan_copies(inputs: Sequence[str], output: str) -> list[Job]:
    """Return which photo becomes which file where each keeps its format, and so its name.

    Parameters
    ----------
    inputs, output
        As for :func:`plan_jobs`.

    Raises
    ------
    PhotoError
        If two photos would become the same file, an input names nothing, or the output says
        another format than the photo's.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("beach.jpg", "beach.png"):
    ...         Path(folder, name).touch()
    ...     jobs = plan_copies([folder], f"{folder}/bare")
    >>> [job.target.name for job in jobs]
    ['beach.jpg', 'beach.png']
    """
    target = Path(output)
    photos = find_photos(inputs, target)
    if not _is_one_file(inputs, output, photos):
        return _apart([Job(photo, target / place) for photo, place in photos])
    photo = photos[0][0]
    own = photo.suffix.lower()
    if not any({own, target.suffix.lower()} <= set(names) for names in PHOTO_FORMATS.values()):
        raise PhotoError(f"{photo} keeps its format; end {target} in {own}, too.")
    return [Job(photo, target)]


def _is_one_file(inputs: Sequence[str], output: str, photos: Sequence[tuple[Path, Path]]) -> bool:
    """Return whether the output is the name of a file, not of a folder."""
    target = Path(output)
    for parent in target.parents:
        if parent.exists() and not parent.is_dir():
            raise PhotoError(
                f"{parent} is a file, not a folder; choose another place for {target}."
            )
    named_one = len(inputs) == 1 and len(photos) == 1 and not Path(inputs[0]).is_dir()
    if named_one and target.suffix and not target.is_dir() and not output.endswith(("/", os.sep)):
        return True
    if target.exists() and not target.is_dir():
        raise PhotoError(f"{target} is a file, but several photos need a folder; name a folder.")
    return False


def _apart(jobs: list[Job]) -> list[Job]:
    """Return jobs no two of which become the same file."""
    taken: dict[Path, Path] = {}
    for job in jobs:
        other = taken.setdefault(job.target, job.source)
        if other != job.source:
            raise PhotoError(
                f"{other} and {job.source} would both become {job.target}; "
                "name different folders for them."
            )
    return jobs


def _check_name(target: Path, formats: Mapping[str, str], format_key: str | None) -> None:
    """Refuse a name whose suffix says another format than the one that would be written."""
    suffixes = " or ".join((", ".join(list(formats.values())[:-1]), list(formats.values())[-1]))
    try:
        named = format_of(target)
    except PhotoError:
        named = ""
    if named not in formats:
        raise PhotoError(f"{target} is no name of a format that is written; end it in {suffixes}.")
    if format_key is not None and named != format_key:
        raise PhotoError(
            f"--format {format_key} does not go with the name {target}; end it in "
            f"{formats[format_key]}, or leave --format out."
        )


def is_done(job: Job, jobs: Sequence[Job]) -> bool:
    """Return whether a photo's result exists, be it under the name from before it had a namesake.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     source, target = Path(folder, "beach.jpg"), Path(folder, "beach.tif")
    ...     job = Job(source, target)
    ...     before = is_done(job, [job])
    ...     target.touch()
    ...     before, is_done(job, [job])
    (False, True)
    """
    if job.target.exists():
        return True
    if job.plain is None or not job.plain.exists():
        return False
    made = job.plain.stat().st_mtime
    older = [
        other.source
        for other in jobs
        if other.plain == job.plain and other.source.stat().st_mtime <= made
    ]
    return older == [job.source]


def sentence(error: BaseException) -> str:
    """Return what to tell a person about an error.

    Examples
    --------
    >>> sentence(PhotoError("“beach.jpg” does not exist; check the name and the folder."))
    '“beach.jpg” does not exist; check the name and the folder.'
    >>> sentence(MemoryError())
    'There is not enough memory for this photo; close other programs or use --tile 256.'
    """
    if isinstance(error, PhotoError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory for this photo; close other programs or use --tile 256."
    if isinstance(error, OSError):
        return f"The file cannot be written: {error.strerror or error}."
    return (
        f"This photo made the program fail ({type(error).__name__}); run the command on it alone "
        "with gamut -v, which says where, and report it."
    )


def log_unforeseen(path: Path, error: Exception) -> None:
    """Keep the trace of an error that is not meant for people, for an engineer's log.

    Examples
    --------
    >>> class Shown(logging.Handler):
    ...     def emit(self, record):
    ...         print(record.getMessage())
    >>> logger.addHandler(shown := Shown())
    >>> logger.setLevel(logging.INFO)
    >>> log_unforeseen(Path("beach.jpg"), ValueError("a table is too short"))
    beach.jpg failed in an unforeseen way
    >>> log_unforeseen(Path("beach.jpg"), PhotoError("It is damaged; use another copy."))
    >>> logger.setLevel(logging.NOTSET)
    >>> logger.removeHandler(shown)
    """
    if not isinstance(error, (PhotoError, OSError, MemoryError)):
        logger.info("%s failed in an unforeseen way", path, exc_info=error)
