"""``gamut reduce``: wide-gamut photos to sRGB, by clipping, as cameras and programs do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.cli.arguments import at_least
from core.engine import batches
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse

    from core.colour import ColourSpace
    from core.files import Photo
    from core.gamut import Codes, FloatImage
    from core.payload.embedding import Embedding

_SUFFIXES = {
    "tiff": ".tif",
    "png": ".png",
    "jpeg": ".jpg",
    "webp": ".webp",
    "avif": ".avif",
    "jxl": ".jxl",
}
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
        "--format", choices=tuple(_SUFFIXES), help="file format (default: by OUT's name, else png)"
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
        "(default: 4)",
    )
    parser.add_argument("--steps", type=at_least(1), metavar="N", help="of fitting at most")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps; of the hint")
    parser.add_argument("--threads", type=at_least(1), metavar="N", help="processor threads to use")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    if options.format in ("jpeg", "webp", "avif") and options.depth == 16:
        raise PhotoError("It is written with 8 bits; choose --depth 8, or PNG, TIFF or JPEG XL.")
    embeds = options.embed or options.payload_size is not None
    jobs = batches.plan_jobs(options.inputs, options.output, _SUFFIXES, options.format, "png")

    def work(job: batches.Job, progress: common.Progress) -> tuple[str, dict[str, Any]]:
        from core.files import format_of, read, write_codes
        from core.gamut import clipped_mask, out_of_gamut_mask, share
        from core.gamut import reduce as reduce_to_srgb
        from core.spaces import space_named

        photo = read(job.source, assume=space_named(options.assume))
        scene = photo.scene()
        codes = photo.srgb_codes()
        if codes is None or codes.dtype.itemsize * 8 != options.depth:
            codes = reduce_to_srgb(scene, options.depth)
        notes = photo.notes
        if photo.alpha is not None and format_of(job.target) == "jpeg":
            notes = (*notes, "The opacity (alpha) was left out, since JPEG holds none.")
        written = {
            "metadata": photo.metadata,
            "alpha": photo.alpha,
            "quality": options.quality,
            "overwrite": options.overwrite,
            "source": job.source,
        }
        embedding: Embedding | None = None
        if embeds or not options.no_hint:
            embedding = _embed(job, photo, codes, scene, written, options, progress)
            lost = embedding.notes
        else:
            lost = write_codes(job.target, codes, **written)
            progress(1, 1)
        outside, clipped = share(out_of_gamut_mask(scene)), share(clipped_mask(codes))
        line = (
            f"{photo.profile_name}: {outside:.2%} of the pixels are outside sRGB and were clipped"
        )
        if embedding is not None:
            line += f"; the file carries {embedding.size} bytes to bring them back"
        report = {
            "input": str(job.source),
            "output": str(job.target),
            "profile": photo.profile_name,
            "out_of_gamut_share": outside,
            "clipped_share": clipped,
            "payload_size": 0 if embedding is None else embedding.size,
            "hint_size": 0 if embedding is None else embedding.hint_size,
            "notes": (*notes, *lost),
        }
        return "\n  ".join((line, *notes, *lost)), report

    return common.run_jobs(jobs, options, work, {})


def _embed(
    job: batches.Job,
    photo: Photo,
    codes: Codes,
    scene: FloatImage,
    written: dict[str, Any],
    options: argparse.Namespace,
    progress: common.Progress,
) -> Embedding:
    """Write a file that carries a hint, a network, or both."""
    import torch

    from core.colour import SPACES
    from core.engine.expansion import ExpansionSettings
    from core.engine.memory import keep_freed_memory
    from core.methods.registry import DEFAULT, method
    from core.payload.embedding import write_embedded
    from core.payload.gamut_mlp import DEFAULT_SIZE, FitSettings
    from core.progress import finished

    if options.threads:
        torch.set_num_threads(options.threads)
    keep_freed_memory()
    network = None
    if options.embed or options.payload_size is not None:
        network = FitSettings(size=options.payload_size or DEFAULT_SIZE)
        if options.steps:
            network = replace(network, steps=options.steps)
    stated: ColourSpace | None = SPACES.get(photo.info.space or "")
    work = write_embedded(
        job.target,
        codes,
        scene,
        None if options.no_hint else method(DEFAULT),
        network,
        stated=stated,
        settings=ExpansionSettings(device=options.device),
        **written,
    )
    return finished(work, progress)
