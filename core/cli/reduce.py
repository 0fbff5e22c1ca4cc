"""``gamut reduce``: wide-gamut photos to sRGB, by clipping, as cameras and programs do."""

from __future__ import annotations

import argparse
import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.cli.arguments import at_least, set_threads
from core.engine import batches
from core.errors import PhotoError
from core.files import REDUCED_FORMATS, format_of, is_own_reduction

if TYPE_CHECKING:
    from core.engine.method import Method
    from core.payload.gamut_mlp import FitSettings

_NO_QUALITY = {"png", "tiff"}
_SIZES = ("0.5", "1", "2", "4", "8", "16", "23")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "reduce",
        help="reduce wide-gamut photos to sRGB",
        description="Reduce wide-gamut photos (camera RAW, too) to sRGB by clipping what lies "
        "outside: the loss that expansion undoes. The new file carries a hint of at most 64 "
        "bytes: where its colours lay, and how far expansion is to go. That takes as long as an "
        "expansion. With --embed, it also carries a small network (GamutMLP) that was fitted to "
        "what it lost: gamut recover brings it back. Any edit of the file makes both useless, but "
        "for the space in which its colours lay.",
    )
    common.add_inputs(parser)
    parser.add_argument(
        "--format",
        choices=tuple(REDUCED_FORMATS),
        help="file format (default: by OUT's name, else png)",
    )
    parser.add_argument("--depth", type=int, choices=(8, 16), default=8, help="bits per channel")
    parser.add_argument(
        "--quality",
        type=int,
        metavar="Q",
        help="1 to 100 (default: 95 for JPEG; WebP, AVIF and JPEG XL are lossless at 100, "
        "their default)",
    )
    common.add_assumed(parser)
    common.add_drop_private(parser)
    parser.add_argument(
        "--no-hint", action="store_true", help="do not let the new file carry a hint"
    )
    parser.add_argument(
        "--embed", action="store_true", help="let the new file carry what it takes to undo the loss"
    )
    parser.add_argument(
        "--payload-size",
        choices=_SIZES,
        metavar="KB",
        help=f"of the network, which --embed is about, in kilobytes: {', '.join(_SIZES)} "
        "(default: 16)",
    )
    parser.add_argument("--steps", type=at_least(1), metavar="N", help="of fitting at most")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps; of the hint")
    parser.add_argument("--threads", type=at_least(1), metavar="N", help="processor threads to use")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    if options.format in ("jpeg", "webp", "avif") and options.depth == 16:
        raise PhotoError("It is written with 8 bits; choose --depth 8, or PNG, TIFF or JPEG XL.")
    if options.steps is not None and not _embeds(options):
        raise PhotoError("--steps is about the network of --embed; give --embed, too.")
    jobs = batches.plan_jobs(
        options.inputs, options.output, REDUCED_FORMATS, options.format, "png", is_own_reduction
    )
    if options.quality is not None and {format_of(job.target) for job in jobs} <= _NO_QUALITY:
        raise PhotoError("PNG and TIFF are lossless; leave --quality out, or choose a --format.")
    reducer = _Reducer(options)
    return common.run_jobs(jobs, options, reducer.reduce, {})


class _Reducer:
    """The reduction with the settings of the command line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._method: Method | None = None
        if options.dry_run:
            return
        from core.payload.reduction import ReductionSettings
        from core.spaces import space_named

        embeds = _embeds(options)
        if embeds or not options.no_hint:
            self._prepare(options)
        try:
            self._settings = ReductionSettings(
                depth=options.depth,
                quality=options.quality,
                assume=space_named(options.assume),
                hint=not options.no_hint,
                network=_network(options) if embeds else None,
                keep_private=not options.drop_private,
                overwrite=options.overwrite or common.is_spread(options),
                device=options.device,
            )
        except ValueError as error:
            raise PhotoError(f"{error} See gamut reduce --help.") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _kept_reducer, (json.dumps(common.plain_options(self._options)),)

    def _prepare(self, options: argparse.Namespace) -> None:
        """Load what hints and networks need."""
        from core.engine.memory import keep_freed_memory
        from core.methods.registry import DEFAULT, method

        set_threads(options)
        keep_freed_memory()
        self._method = None if options.no_hint else method(DEFAULT)

    def reduce(self, job: batches.Job, progress: common.Progress) -> tuple[str, dict[str, Any]]:
        """Reduce one photo; returns a line for people and a report."""
        from core.payload.reduction import reduce_file

        report = reduce_file(job.source, job.target, self._method, self._settings, progress)
        line = (
            f"{report.profile}: {report.out_of_gamut_share:.2%} of the pixels are outside sRGB and "
            "were clipped"
        )
        if report.payload_size:
            line += f"; the file carries {report.payload_size} bytes to bring them back"
        return "\n  ".join((line, *report.notes)), report.as_dict()


@functools.lru_cache(maxsize=4)
def _kept_reducer(options: str) -> _Reducer:
    """Return what a worker process reduces photo after photo with."""
    return _Reducer(argparse.Namespace(**json.loads(options)))


def _embeds(options: argparse.Namespace) -> bool:
    return bool(options.embed) or options.payload_size is not None


def _network(options: argparse.Namespace) -> FitSettings:
    from core.payload.gamut_mlp import DEFAULT_SIZE, FitSettings

    network = FitSettings(size=options.payload_size or DEFAULT_SIZE)
    return replace(network, steps=options.steps) if options.steps else network
