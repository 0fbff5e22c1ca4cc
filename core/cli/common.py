"""What several commands share: inputs, output names, progress."""

from __future__ import annotations

import glob
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from core.colour import WIDE_SPACES
from core.errors import PhotoError
from core.files import format_of, is_own_result, is_same_file
from core.methods.registry import DEFAULT
from core.source_gamut import SOURCES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from core.engine.method import Method
    from core.network.solver import SolverSettings

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .jfi .jif .mpo .png .apng .tif .tiff .tf8 .btf .webp .avif .avifs "
    ".heic .heics .heif .heifs .hif .jxl .exr .dng .3fr .arw .cr2 .cr3 .crw .dcr .erf .fff .gpr "
    ".iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)


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


def add_inputs(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the photos of a command that works on many, and where their files go."""
    parser.add_argument(
        "inputs", nargs=nargs, metavar="PHOTO", help="photos, folders (searched throughout), globs"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the file for one photo, else a folder, which keeps the names",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    parser.add_argument(
        "--resume", action="store_true", help="leave out photos whose output exists already"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say which files would be written"
    )
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")


def find_photos(inputs: Sequence[str], apart: Path | None = None) -> list[tuple[Path, Path]]:
    """Return the photos that inputs name, each with its place below the named folder.

    Parameters
    ----------
    inputs : sequence of str
        Photos, folders and globs. What is hidden in a folder, and what file systems, servers
        and archives leave there, is none of its photos.
    apart : Path, optional
        The folder of the results: what lies in it, or was made for it, is no photo to work on.

    Raises
    ------
    PhotoError
        If an input names nothing.
    """
    found: dict[Path, Path] = {}
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in _inside(path, apart) if not _is_result(p, apart))
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


def _is_result(photo: Path, apart: Path | None) -> bool:
    return apart is not None and is_own_result(photo)


def plan_jobs(
    inputs: Sequence[str],
    output: str,
    formats: Mapping[str, str],
    format_key: str | None = None,
    default: str | None = None,
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
    """
    target = Path(output)
    _check_parents(target)
    suffix = formats[format_key or default or next(iter(formats))]
    photos = find_photos(inputs, target)
    named_one = len(inputs) == 1 and len(photos) == 1 and not Path(inputs[0]).is_dir()
    if named_one and target.suffix and not target.is_dir() and not output.endswith(("/", os.sep)):
        _check_name(target, formats, format_key)
        return [Job(photos[0][0], target)]
    if target.exists() and not target.is_dir():
        raise PhotoError(f"{target} is a file, but several photos need a folder; name a folder.")
    stems = Counter(place.with_suffix("") for _, place in photos)
    jobs = []
    for photo, place in photos:
        shared = stems[place.with_suffix("")] > 1
        name = f"{place.stem}-{place.suffix[1:]}" if shared else place.stem
        plain = target / place.with_name(place.stem + suffix) if shared else None
        jobs.append(Job(photo, target / place.with_name(name + suffix), plain))
    taken: dict[Path, Path] = {}
    for job in jobs:
        other = taken.setdefault(job.target, job.source)
        if other != job.source:
            raise PhotoError(
                f"{other} and {job.source} would both become {job.target}; "
                "name different folders for them."
            )
    return jobs


def _check_parents(target: Path) -> None:
    for parent in target.parents:
        if parent.exists() and not parent.is_dir():
            raise PhotoError(
                f"{parent} is a file, not a folder; choose another place for {target}."
            )


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


def _is_done(job: Job, jobs: Sequence[Job]) -> bool:
    """Return whether the result of a photo exists, perhaps from before it had a namesake."""
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


def run_jobs(
    jobs: Sequence[Job],
    options: argparse.Namespace,
    work: Callable[[Job, Progress], tuple[str, dict[str, Any]]],
    description: dict[str, Any],
) -> int:
    """Work on photo after photo; one that fails does not stop the others.

    Parameters
    ----------
    jobs : sequence of Job
        What is to be done.
    options : Namespace
        With those of :func:`add_inputs`.
    work : callable
        Does a job; returns a line for people and a report for programs.
    description : dict
        What the report for programs says once.

    Returns
    -------
    int
        The exit code: 0, or 1 if a photo failed.
    """
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    kept = [job for job in jobs if options.resume and _is_done(job, jobs)]
    todo = [job for job in jobs if job not in kept]
    talks = not options.json and not options.quiet
    with _Bars(len(todo), hidden=options.quiet or options.json or options.dry_run) as bars:
        for job in todo:
            if options.dry_run:
                done.append({"input": str(job.source), "output": str(job.target)})
                if not options.json:
                    say(f"{job.source} -> {job.target}")
                continue
            try:
                if not options.overwrite and job.target.exists():
                    raise PhotoError(
                        f"{job.target} exists already; choose another name, --overwrite to replace "
                        "it, or --resume to keep it."
                    )
                job.target.parent.mkdir(parents=True, exist_ok=True)
                line, report = work(job, bars.begin(job.source.name))
            except Exception as error:
                # Whatever one photo does, the others are worked on.
                log_unforeseen(job.source, error)
                text = sentence(error)
                failed.append({"input": str(job.source), "error": text})
                bars.write(text if job.source.name in text else f"{job.source}: {text}", error=True)
            else:
                done.append(report)
                if talks:
                    bars.write(f"{job.source} -> {job.target}\n  {line}")
            bars.end()
    if talks and (len(jobs) > 1 or kept):
        say(f"{len(done)} done, {len(kept)} kept from before, {len(failed)} failed")
    if options.json:
        skipped = [str(job.target) for job in kept]
        report = {**description, "files": done, "skipped": skipped, "failed": failed}
        say(json.dumps(report, indent=2))
    return 1 if failed else 0


def sentence(error: BaseException) -> str:
    """Return what to tell a person about an error."""
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
    """Keep the trace of an error that is not meant for people, for an engineer's log."""
    if not isinstance(error, (PhotoError, OSError, MemoryError)):
        logger.info("%s failed in an unforeseen way", path, exc_info=error)


class _Bars:
    """Progress on the terminal: photos in all, tiles of the current one."""

    def __init__(self, photos: int, hidden: bool) -> None:
        self._hidden = hidden or not sys.stderr.isatty()
        self._photos = tqdm(
            total=photos, unit="photo", disable=self._hidden or photos < 2, position=0
        )
        self._tiles: tqdm[NoReturn] | None = None

    def begin(self, name: str) -> Progress:
        """Start the bar of a photo; returns what tells it about tiles."""
        bar = tqdm(desc=name[:40], unit="tile", disable=self._hidden, leave=False, position=1)
        self._tiles = bar

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return advance

    def write(self, text: str, error: bool = False) -> None:
        """Print lines between the bars."""
        tqdm.write(text, file=sys.stderr if error else sys.stdout)

    def end(self) -> None:
        """Close the bar of a photo."""
        if self._tiles is not None:
            self._tiles.close()
        self._photos.update()

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._tiles is not None:
            self._tiles.close()
        self._photos.close()


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the settings of the engine."""
    parser.add_argument(
        "--model",
        default=DEFAULT,
        metavar="NAME",
        help="one that gamut methods lists, such as letnet, embedded (what the photo carries) or "
        "naive (which restores nothing), or a .safetensors file (default: %(default)s)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="S",
        help="how much of the lost colour is given back: 0 nothing, 1 what the network estimates, "
        "up to 2 (default: %(default)s)",
    )
    parser.add_argument(
        "--source",
        choices=("unknown", *(space.key for space in SOURCES)),
        default="unknown",
        help="where the photo's colours lay before it became sRGB, which limits how far they go: "
        "display-p3 for telephones, adobe-rgb for cameras set so, prophoto for RAW developments "
        "(default: %(default)s)",
    )
    engine = parser.add_argument_group("engine")
    engine.add_argument(
        "--tolerance",
        type=float,
        metavar="CODES",
        help="noise of the photo's codes, of 255 (default: 0; 6 for JPEG and other lossy files)",
    )
    engine.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    engine.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32", help="of convolutions"
    )
    engine.add_argument("--tile", type=int, default=512, metavar="PIXELS", help="side of a tile")
    engine.add_argument("--steps", type=int, metavar="K", help="most iterations of a tile")
    engine.add_argument(
        "--residual", type=float, metavar="R", help="relative residual at which a tile is done"
    )
    engine.add_argument("--threads", type=int, metavar="N", help="processor threads to use")


def add_space(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Add the form of the output."""
    parser.add_argument(
        "--space",
        choices=tuple(WIDE_SPACES),
        default="prophoto",
        help="colour space of the result (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(formats),
        help="file format (default: that of OUT's name, else tiff)",
    )
    parser.add_argument(
        "--depth", type=int, metavar="BITS", help="bits per channel (default: the format's best)"
    )


def solver_for(options: argparse.Namespace, method: Method) -> SolverSettings | None:
    """Return the method's solver settings with the command line's changes; None if it has none."""
    if method.solver is None:
        return None
    changes = {"max_steps": options.steps, "tolerance": options.residual}
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(method.solver, **given)


def say(text: str) -> None:
    """Print a line of a command's result."""
    sys.stdout.write(text + "\n")
