"""``gamut reduce``: wide-gamut photos to sRGB, by clipping, as cameras and programs do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.cli import common
from core.cli.arguments import at_least
from core.engine import batches
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from core.gamut import Codes, FloatImage
    from core.payload.embedding import Embedding

_SUFFIXES = {"tiff": ".tif", "png": ".png", "jpeg": ".jpg"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "reduce",
        help="reduce wide-gamut photos to sRGB",
        description="Reduce wide-gamut photos (camera RAW, too) to sRGB by clipping what lies "
        "outside: the loss that expansion undoes. With --embed, the new file carries a small "
        "network (GamutMLP, 20 KB) that was fitted to what it lost: gamut expand --model embedded "
        "brings it back. Any edit of the file makes it useless.",
    )
    common.add_inputs(parser)
    parser.add_argument(
        "--format", choices=tuple(_SUFFIXES), help="file format (default: by OUT's name, else png)"
    )
    parser.add_argument("--depth", type=int, choices=(8, 16), default=8, help="bits per channel")
    parser.add_argument("--quality", type=int, default=95, help="of JPEG, 1 to 100")
    parser.add_argument(
        "--assume",
        choices=("srgb", "prophoto", "display-p3", "adobe-rgb", "rec2020", "acescg"),
        default="srgb",
        help="colour space of photos that do not say theirs (default: %(default)s)",
    )
    parser.add_argument(
        "--embed", action="store_true", help="let the new file carry what it takes to undo the loss"
    )
    parser.add_argument("--steps", type=at_least(1), metavar="N", help="of fitting with --embed")
    parser.add_argument(
        "--threads", type=at_least(1), metavar="N", help="processor threads of fitting"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    if options.format == "jpeg" and options.depth == 16:
        raise PhotoError("JPEG holds 8 bits per channel; choose --depth 8, or PNG or TIFF.")
    jobs = batches.plan_jobs(options.inputs, options.output, _SUFFIXES, options.format, "png")

    def work(job: batches.Job, progress: common.Progress) -> tuple[str, dict[str, Any]]:
        from core.colour import SPACES
        from core.files import format_of, read, write_codes
        from core.files.privacy import without_private
        from core.gamut import clipped_mask, out_of_gamut_mask, share
        from core.gamut import reduce as reduce_to_srgb

        photo = read(job.source, assume=SPACES[options.assume])
        scene = photo.scene()
        codes = photo.srgb_codes()
        if codes is None or codes.dtype.itemsize * 8 != options.depth:
            codes = reduce_to_srgb(scene, options.depth)
        notes = photo.notes
        if photo.alpha is not None and format_of(job.target) == "jpeg":
            notes = (*notes, "The opacity (alpha) was left out, since JPEG holds none.")
        written = {
            "metadata": without_private(photo.metadata) if options.drop_private else photo.metadata,
            "alpha": photo.alpha,
            "quality": options.quality,
            "overwrite": options.overwrite,
            "source": job.source,
        }
        carried = 0
        if options.embed:
            embedding = _embed(job.target, codes, scene, written, options, progress)
            carried, lost = embedding.size, embedding.notes
        else:
            lost = write_codes(job.target, codes, **written)
            progress(1, 1)
        outside, clipped = share(out_of_gamut_mask(scene)), share(clipped_mask(codes))
        line = (
            f"{photo.profile_name}: {outside:.2%} of the pixels are outside sRGB and were clipped"
        )
        if carried:
            line += f"; the file carries {carried / 1e3:.1f} kB to bring them back"
        report = {
            "input": str(job.source),
            "output": str(job.target),
            "profile": photo.profile_name,
            "out_of_gamut_share": outside,
            "clipped_share": clipped,
            "payload_size": carried,
            "notes": (*notes, *lost),
        }
        return "\n  ".join((line, *notes, *lost)), report

    return common.run_jobs(jobs, options, work, {})


def _embed(
    target: Path,
    codes: Codes,
    scene: FloatImage,
    written: dict[str, Any],
    options: argparse.Namespace,
    progress: common.Progress,
) -> Embedding:
    """Write a file that carries its own network."""
    import torch

    from core.engine.memory import keep_freed_memory
    from core.payload.embedding import write_embedded
    from core.payload.gamut_mlp import FitSettings
    from core.progress import finished

    if options.threads:
        torch.set_num_threads(options.threads)
    keep_freed_memory()
    settings = FitSettings(steps=options.steps) if options.steps else FitSettings()
    work = write_embedded(target, codes, scene, settings, **written)
    return finished(work, progress)
