"""What several commands share: arguments, progress, and what they print."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from core.cli.arguments import add_place, at_least, place_of
from core.colour import WIDE_SPACES
from core.engine.batches import Job, is_done, is_large, log_unforeseen, sentence
from core.engine.cluster import Workers
from core.errors import PhotoError
from core.files import PHOTO_FORMATS
from core.files.safe_write import remove_partials
from core.methods.registry import DEFAULT
from core.source_gamut import UNKNOWN
from core.spaces import wide_space_named

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from core.colour import ColourSpace
    from core.engine.cluster import Cluster
    from core.engine.method import Method
    from core.network.solver import SolverSettings
    from core.progress import Check

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


def add_photos(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the photos that a command works on.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_photos(parser)
    >>> parser.parse_args(["beach.jpg", "holiday/"]).inputs
    ['beach.jpg', 'holiday/']
    """
    parser.add_argument(
        "inputs",
        nargs=nargs,
        metavar="PHOTO",
        help=f"photos ({', '.join(PHOTO_FORMATS)}), folders (searched throughout), globs",
    )


def add_inputs(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add the photos of a command that turns each into a file, and where the files go.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_inputs(parser)
    >>> options = parser.parse_args(["holiday/", "-o", "wide/", "--resume"])
    >>> options.output, options.resume, options.overwrite
    ('wide/', True, False)
    """
    add_photos(parser, nargs)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the file for one photo, else a folder, which keeps the names",
    )
    taken = parser.add_mutually_exclusive_group()
    taken.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    taken.add_argument(
        "--resume", action="store_true", help="leave out photos whose output exists already"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say which files would be written"
    )
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="print only errors and what --json asks for"
    )
    group = parser.add_argument_group(
        "many photos at once",
        "(needs napari-gamut[cluster]; gamut expand lets all of them share a photo of 100 "
        "megapixels or more)",
    )
    add_place(group)


def is_spread(options: argparse.Namespace) -> bool:
    """Return whether photos are worked on by several processes.

    Then names that are taken are refused before the work begins: a photo that is begun again,
    since its worker died, may replace what that one wrote.

    Examples
    --------
    >>> import argparse
    >>> is_spread(argparse.Namespace(workers=None, cluster=None))
    False
    >>> is_spread(argparse.Namespace(workers=4, cluster=None))
    True
    """
    return place_of(options) is not None


def run_jobs(
    jobs: Sequence[Job],
    options: argparse.Namespace,
    work: Work,
    description: dict[str, Any],
    share: Share | None = None,
) -> int:
    """Work on photo after photo; one that fails does not stop the others.

    Parameters
    ----------
    jobs : sequence of Job
        What is to be done.
    options : Namespace
        With those of :func:`add_inputs`.
    work : callable
        Does a job; returns a line for people and a report for programs. It can be pickled.
    description : dict
        What the report for programs says once.
    share : callable, optional
        Does a job of a very large photo, sharing it among all workers, where there are any.

    Returns
    -------
    int
        The exit code: 0, or 1 if a photo failed.

    Examples
    --------
    >>> import argparse
    >>> from pathlib import Path
    >>> parser = argparse.ArgumentParser()
    >>> add_inputs(parser)
    >>> options = parser.parse_args(["beach.jpg", "-o", "beach.tif", "--dry-run"])
    >>> jobs = [Job(Path("beach.jpg"), Path("beach.tif"))]
    >>> run_jobs(jobs, options, lambda job, progress: ("done", {}), {})
    beach.jpg -> beach.tif
    0
    """
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    kept = [job for job in jobs if options.resume and is_done(job, jobs)]
    known = set(kept)
    todo = [job for job in jobs if job not in known]
    talks = not options.json and not options.quiet
    with _Bars(len(todo), hidden=options.quiet or options.json or options.dry_run) as bars:
        if options.dry_run:
            for job in todo:
                done.append({"input": str(job.source), "output": str(job.target)})
                if not options.json:
                    say(f"{job.source} -> {job.target}")
            todo = []
        place = place_of(options)
        run = partial(_spread, share=share, place=place) if place else _in_turn
        written = [] if options.dry_run else jobs
        with _tidied(written), closing(run(todo, options, work, bars)) as results:
            for job, result in results:
                if isinstance(result, Exception):
                    # Whatever one photo does, the others are worked on.
                    log_unforeseen(job.source, result)
                    text = sentence(result)
                    failed.append({"input": str(job.source), "error": text})
                    named = text if job.source.name in text else f"{job.source}: {text}"
                    bars.write(named, error=True)
                else:
                    line, report = result
                    done.append(report)
                    if talks:
                        bars.write(f"{job.source} -> {job.target}\n  {line}")
                bars.end()
    order = {str(job.source): number for number, job in enumerate(jobs)}
    for part in (done, failed):
        part.sort(key=lambda one: order.get(str(one["input"]), len(order)))
    if talks and (len(jobs) > 1 or kept):
        say(f"{len(done)} done, {len(kept)} kept from before, {len(failed)} failed")
        _say_most_clipped(done)
    if options.json:
        skipped = [str(job.target) for job in kept]
        report = {**description, "files": done, "skipped": skipped, "failed": failed}
        say(json.dumps(report, indent=2))
    return 1 if failed else 0


@contextmanager
def _tidied(jobs: Sequence[Job]) -> Iterator[None]:
    """Remove in the end what killed workers, and killed runs before, left of files."""
    try:
        yield
    finally:
        remove_partials(job.target for job in jobs)


def _say_most_clipped(reports: Sequence[dict[str, Any]], most: int = 5) -> None:
    """Print which of many photos lost most."""
    found = [one for one in reports if one.get("clipped_share", 0.0) > 0.0]
    found.sort(key=lambda one: -one["clipped_share"])
    if len(reports) > most:
        say("clipped most:")
        for one in found[:most]:
            say(f"  {one['clipped_share']:.2%}  {one['input']}")


Work = Callable[[Job, Progress], tuple[str, dict[str, Any]]]
"""Does a job; returns a line for people and a report for programs."""

Share = Callable[[Job, Progress, Workers], tuple[str, dict[str, Any]]]
"""Does a job with the help of workers; returns the same."""

_Results = Generator[tuple[Job, Exception | tuple[str, dict[str, Any]]], None, None]


def _in_turn(jobs: Sequence[Job], options: argparse.Namespace, work: Work, bars: _Bars) -> _Results:
    """Do one job after the other, in this process."""
    for job in jobs:
        try:
            _make_way(job, options)
            yield job, work(job, bars.begin(job.source.name))
        except Exception as error:
            yield job, error


def _spread(
    jobs: Sequence[Job],
    options: argparse.Namespace,
    work: Work,
    bars: _Bars,
    *,
    place: Cluster,
    share: Share | None,
) -> _Results:
    """Do many jobs at once, in other processes; then very large ones, each in all of them."""
    free = []
    for job in jobs:
        try:
            _make_way(job, options)
            free.append(replace(job, source=job.source.absolute(), target=job.target.absolute()))
        except Exception as error:
            yield job, error
    if not free:
        return
    named = {job.source.absolute(): job for job in jobs}
    large = [job for job in free if share is not None and is_large(job.source)]
    with Workers(place) as workers:
        singly = partial(_job_of_a_worker, work)
        small = [job for job in free if job not in large]
        with closing(workers.spread(singly, small)) as outcomes:
            for outcome in outcomes:
                job = named[outcome.task.source]
                if outcome.error is not None:
                    yield job, outcome.error
                    continue
                logger.debug("%s was done by %s", job.source, outcome.worker)
                yield job, _named(outcome.result, job)
        for task in large:
            job = named[task.source]
            try:
                assert share is not None
                yield job, _named(share(task, bars.begin(job.source.name), workers), job)
            except Exception as error:
                yield job, error


def _named(result: tuple[str, dict[str, Any]], job: Job) -> tuple[str, dict[str, Any]]:
    """Return a result with the names of files as they were given."""
    line, report = result
    return line, {**report, "input": str(job.source), "output": str(job.target)}


def _job_of_a_worker(work: Work, job: Job, check: Check) -> tuple[str, dict[str, Any]]:
    return work(job, lambda done, total: check())


def _make_way(job: Job, options: argparse.Namespace) -> None:
    """Refuse a job whose result would replace a file unasked; make its folder."""
    if not options.overwrite and job.target.exists():
        raise PhotoError(
            f"{job.target} exists already; choose another name, --overwrite to replace "
            "it, or --resume to keep it."
        )
    job.target.parent.mkdir(parents=True, exist_ok=True)


class _Bars:
    """Progress on the terminal: photos in all, tiles of the current one."""

    def __init__(self, photos: int, hidden: bool) -> None:
        self._hidden = hidden or not sys.stderr.isatty()
        self._photos = tqdm(
            total=photos, unit="photo", disable=self._hidden or photos < 2, position=0
        )
        self._tiles: tqdm[NoReturn] | None = None

    def begin(self, name: str) -> Progress:
        """Start the bar of a photo; returns the function that moves it."""
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
    """Add the settings of the engine.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_engine(parser)
    >>> options = parser.parse_args(["--model", "naive", "--strength", "0.5"])
    >>> options.model, options.strength
    ('naive', 0.5)
    """
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
        default="auto",
        metavar="SPACE",
        help="where the photo's colours lay before it became sRGB, which limits how far they go: "
        "display-p3 for telephones, adobe-rgb for cameras set so, prophoto for RAW developments; "
        "auto reads what the file records of camera and programs, unknown sets no limit; any "
        "space of gamut spaces is possible (default: %(default)s)",
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
    engine.add_argument(
        "--no-projection",
        action="store_true",
        help="leave the estimate as it is, as the paper of LETNet has it: pixels that lost nothing "
        "change, too, and codes do not come back",
    )
    engine.add_argument("--threads", type=at_least(1), metavar="N", help="processor threads to use")


def add_space(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Add the colour space, format and depth of the output.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_space(parser, ["tiff", "png"])
    >>> options = parser.parse_args(["--space", "display-p3"])
    >>> options.space, options.format, options.depth
    ('display-p3', None, None)
    """
    parser.add_argument(
        "--space",
        default="prophoto",
        metavar="SPACE",
        help=f"colour space of the result: {', '.join(WIDE_SPACES)}, or any that gamut spaces "
        "lists (default: %(default)s)",
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
    """Return the method's solver settings with the command line's changes; None if it has none.

    Examples
    --------
    >>> import argparse
    >>> from core.methods.registry import method
    >>> options = argparse.Namespace(steps=10, residual=None)
    >>> solver_for(options, method("letnet-box")).max_steps
    10
    >>> solver_for(argparse.Namespace(steps=None, residual=None), method("naive")) is None
    True
    """
    if method.solver is not None:
        return method.solver.changed(options.steps, options.residual)
    if options.steps is not None or options.residual is not None:
        raise PhotoError(
            f"{method.name} does not iterate; leave out --steps and --residual, or choose another "
            "--model."
        )
    return None


def source_for(options: argparse.Namespace) -> ColourSpace | None:
    """Return the source gamut that a person names; None where it has yet to be found out.

    Examples
    --------
    >>> import argparse
    >>> source_for(argparse.Namespace(source="display-p3")).name
    'Display P3'
    >>> source_for(argparse.Namespace(source="auto")) is None
    True
    """
    if options.source in ("auto", UNKNOWN):
        return None
    return wide_space_named(options.source)


def add_drop_private(parser: argparse.ArgumentParser) -> None:
    """Add the switch that keeps metadata about people out of the new file.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_drop_private(parser)
    >>> parser.parse_args(["--drop-private"]).drop_private
    True
    """
    parser.add_argument(
        "--drop-private",
        action="store_true",
        help="carry over only what is known to be harmless (camera, lens, exposure, date): no "
        "place, names, serial numbers, captions or thumbnails",
    )


def add_assumed(parser: argparse.ArgumentParser) -> None:
    """Add the space that is assumed for photos that do not state one.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_assumed(parser)
    >>> parser.parse_args([]).assume
    'srgb'
    """
    parser.add_argument(
        "--assume",
        default="srgb",
        metavar="SPACE",
        help="colour space assumed for photos that do not state one, see gamut spaces "
        "(default: %(default)s)",
    )


def plain_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return a command's options as values that mean the same in another process.

    Examples
    --------
    >>> import argparse
    >>> plain_options(argparse.Namespace(run=print, space="prophoto"))
    {'space': 'prophoto'}
    """
    return {name: value for name, value in vars(options).items() if name != "run"}


def say(text: str) -> None:
    """Print a line of a command's result.

    Examples
    --------
    >>> say("beach.jpg: 3.1 % of the pixels are clipped")
    beach.jpg: 3.1 % of the pixels are clipped
    """
    sys.stdout.write(text + "\n")
