"""``gamut expand``: sRGB photos in, wide-gamut photos out."""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.cli.arguments import set_threads
from core.engine import batches
from core.engine.memory import keep_freed_memory
from core.errors import PhotoError
from core.files import OUTPUT_FORMATS, check_output, check_target, format_of, sample_photo
from core.methods import registry
from core.spaces import wide_space_named

if TYPE_CHECKING:
    from core.engine.cluster import Workers
    from core.engine.files import ExpandBands
    from core.engine.method import Method
    from core.files import RowReader

_EPILOGUE = """\
examples:
  gamut expand photo.jpg -o photo.tiff
  gamut expand holiday/ -o wide/ --space display-p3 --format jxl --resume
  gamut expand --sample -o sample.tiff --before-after sample.png

A photo that is wide-gamut already is converted, not expanded. Whatever the network guesses,
reducing the result to sRGB gives back the original codes (within the tolerance for lossy files)
where the file has room for them: 8-bit photos in TIFF, PNG and JPEG XL, any photo in ACEScg with
32 bits. AVIF (12 or 10 bits) and 16-bit photos in 16-bit files change some codes a little; the
report says how many, and by how much.
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str = "expand",
    model: str = registry.DEFAULT,
    summary: str = "give sRGB photos their lost colours back",
    description: str = "Give sRGB photos their lost colours back, as wide-gamut files.",
) -> None:
    """Add the command, or one by another name that begins with another model."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common.add_inputs(parser, nargs="*")
    parser.add_argument(
        "--sample", action="store_true", help="expand the photo that comes with the program"
    )
    parser.add_argument(
        "--before-after",
        metavar="PICTURE",
        help="also write a picture of one photo before and after, with a map of the colour that "
        "came back and the chromaticities (PNG, SVG or PDF)",
    )
    common.add_drop_private(parser)
    common.add_space(parser, tuple(OUTPUT_FORMATS))
    common.add_engine(parser)
    parser.set_defaults(run=run, model=model)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    inputs = [*options.inputs, *([str(sample_photo())] if options.sample else [])]
    if not inputs:
        raise PhotoError("No photo is named; name photos or folders, or use --sample.")
    formats = {str(key): suffix for key, suffix in OUTPUT_FORMATS.items()}
    jobs = batches.plan_jobs(inputs, options.output, formats, options.format)
    space = wide_space_named(options.space)
    for key in {format_of(job.target) for job in jobs}:
        check_output(key, space, options.depth)
    if options.before_after and len(jobs) != 1:
        raise PhotoError("A picture before and after shows one photo; name only one.")
    if options.before_after:
        _check_picture(Path(options.before_after), jobs[0], overwrite=options.overwrite)
    expander = _Expander(options)
    return common.run_jobs(jobs, options, expander.expand, expander.describe(), expander.share)


def _check_picture(picture: Path, job: batches.Job, *, overwrite: bool) -> None:
    """Refuse, before any work, a picture that cannot be written or would replace a photo."""
    from core.pictures import check_figure_name

    check_figure_name(picture)
    check_target(picture, overwrite=overwrite, source=job.source)
    if picture.absolute() == job.target.absolute():
        raise PhotoError(f"The picture {picture} would replace the photo; give it another name.")


class _Expander:
    """The engine with the settings of the command line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._name = options.model
        self._method: Method | None = None
        if options.dry_run:
            return

        from core.engine.devices import device_named
        from core.engine.expansion import ExpansionSettings
        from core.engine.files import FileSettings
        from core.gamut import LOSSY_TOLERANCE

        set_threads(options)
        keep_freed_memory()
        device_named(options.device)
        self._method = registry.method(options.model)
        given = options.tolerance
        try:
            self._settings = ExpansionSettings(
                space=wide_space_named(options.space),
                source=common.source_for(options),
                tolerance=0.0 if given is None else given,
                strength=options.strength,
                solver=common.solver_for(options, self._method),
                tile=options.tile,
                device=options.device,
                precision=options.precision,
                project=not options.no_projection,
            )
            self._files = FileSettings(
                format=options.format,
                depth=options.depth,
                detect_source=options.source == "auto",
                overwrite=options.overwrite or common.is_spread(options),
                lossy_tolerance=LOSSY_TOLERANCE if given is None else given,
                keep_private=not options.drop_private,
            )
        except ValueError as error:
            raise PhotoError(f"{error} See gamut expand --help.") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _kept_expander, (json.dumps(_plain(self._options)),)

    def describe(self) -> dict[str, Any]:
        """Return what a report says once for all files."""
        if self._method is None or not self._method.sha256:
            return {"model": self._name}
        return {"model": self._method.name, "sha256": self._method.sha256}

    def expand(self, job: batches.Job, progress: common.Progress) -> tuple[str, dict[str, Any]]:
        """Expand one photo; returns a line for people and a report."""
        from core.engine.expansion import expand_bands

        return self._expanded(job, progress, expand_bands)

    def share(
        self, job: batches.Job, progress: common.Progress, workers: Workers
    ) -> tuple[str, dict[str, Any]]:
        """Expand one photo, whose bands are shared among workers."""
        from core.engine.large import SharedBands

        load = functools.partial(registry.method, registry.anywhere(self._options.model))
        bands = SharedBands(workers, job.source, load, self._files.limits)
        return self._expanded(job, progress, bands)

    def _expanded(
        self, job: batches.Job, progress: common.Progress, expand: ExpandBands
    ) -> tuple[str, dict[str, Any]]:
        from core.engine.files import file_expansion
        from core.files import open_rows
        from core.progress import finished

        assert self._method is not None
        picture: tuple[str, ...] = ()
        with open_rows(job.source, limits=self._files.limits) as reader:
            work = file_expansion(
                job.source,
                job.target,
                self._method,
                self._settings,
                self._files,
                reader=reader,
                expand=expand,
            )
            report = finished(work, progress)
            if self._options.before_after:
                picture = (self._before_after(job, reader, report.tolerance),)
        line = (
            f"{report.model}: {report.clipped_share:.2%} of the pixels are clipped, colour was "
            f"restored in {report.restored_share:.2%} ({report.seconds:.1f} s)"
        )
        return "\n  ".join((line, *report.notes, *picture)), report.as_dict()

    def _before_after(self, job: batches.Job, reader: RowReader, tolerance: float) -> str:
        """Draw what came back to the photo; returns it in one sentence."""
        from core.files import read
        from core.pictures import save_figure, tell

        story = tell(
            reader.srgb_codes(),
            read(job.target).scene(),
            title=job.source.name,
            tolerance=tolerance,
        )
        target = Path(self._options.before_after)
        save_figure(story.figure, target, overwrite=self._options.overwrite, dots_per_inch=110)
        return f"{target}: {story.gain.sentence}"


@functools.lru_cache(maxsize=4)
def _kept_expander(options: str) -> _Expander:
    """Return the engine of a worker process, which serves photo after photo."""
    return _Expander(argparse.Namespace(**json.loads(options)))


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    """Return options as plain values that mean the same in another process."""
    plain = common.plain_options(options)
    if options.before_after:
        plain["before_after"] = str(Path(options.before_after).absolute())
    return {**plain, "model": registry.anywhere(options.model)}
