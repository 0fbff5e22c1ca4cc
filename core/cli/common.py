"""What several commands share: arguments, progress, and what they print."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from core.colour import WIDE_SPACES
from core.engine.batches import Job, is_done, log_unforeseen, sentence
from core.errors import PhotoError
from core.files import PHOTO_FORMATS
from core.methods.registry import DEFAULT
from core.source_gamut import SOURCES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from core.engine.method import Method
    from core.network.solver import SolverSettings

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


def add_photos(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the photos of a command that works on many."""
    parser.add_argument(
        "inputs",
        nargs=nargs,
        metavar="PHOTO",
        help=f"photos ({', '.join(PHOTO_FORMATS)}), folders (searched throughout), globs",
    )


def add_inputs(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the photos of a command that makes files of them, and where these go."""
    add_photos(parser, nargs)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the file for one photo, else a folder, which keeps the names",
    )
    parser.add_argument(
        "--drop-private",
        action="store_true",
        help="carry over only what is known to be harmless (camera, lens, exposure, date): no "
        "place, names, serial numbers, captions or thumbnails",
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
    kept = [job for job in jobs if options.resume and is_done(job, jobs)]
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
        choices=("auto", "unknown", *(space.key for space in SOURCES)),
        default="auto",
        help="where the photo's colours lay before it became sRGB, which limits how far they go: "
        "display-p3 for telephones, adobe-rgb for cameras set so, prophoto for RAW developments; "
        "auto reads what the file records of camera and programs "
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
