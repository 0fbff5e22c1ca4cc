"""``gamut compare``: how far one photo's colours are from another's, by region."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse

_REGIONS = {"all": "all", "out_of_gamut": "out of gamut", "in_gamut": "in gamut"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="measure how far one photo is from another",
        description="Measure how far the colours of B are from those of A, over all pixels and "
        "inside and outside sRGB. A is the reference: its colours decide what lies outside.",
    )
    parser.add_argument("reference", metavar="A", help="the wide-gamut original")
    parser.add_argument("test", metavar="B", help="the photo to judge, of the same size")
    common.add_assumed(parser)
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    import numpy as np

    from core import metrics
    from core.colour import PROPHOTO, SRGB, convert
    from core.files import read
    from core.gamut import ROUNDING, out_of_gamut_mask, reduce
    from core.spaces import space_named

    assumed = space_named(options.assume)
    scenes = [read(path, assume=assumed).scene() for path in (options.reference, options.test)]
    if scenes[0].shape != scenes[1].shape:
        sizes = [f"{scene.shape[1]} × {scene.shape[0]}" for scene in scenes]
        raise PhotoError(
            f"The photos differ in size ({sizes[0]} and {sizes[1]}); compare two of equal size."
        )
    reference, test = (np.clip(convert(scene, SRGB, PROPHOTO), 0.0, 1.0) for scene in scenes)
    outside = out_of_gamut_mask(scenes[0], ROUNDING)
    result = metrics.compare(reference, test, outside, codes=reduce(scenes[0]))
    common.say(json.dumps(result.as_dict(), indent=2) if options.json else _text(result))
    return 0


def _text(result: Any) -> str:
    head = f"{'region':14}{'pixels':>12}{'PSNR dB':>10}{'SSIM':>9}{'ΔE2000':>9}{'95 %':>8}"
    lines = [head]
    for key, name in _REGIONS.items():
        region = result.regions[key]
        lines.append(
            f"{name:14}{region.pixels:12d}{region.psnr:10.2f}{region.ssim:9.4f}"
            f"{region.delta_e_mean:9.3f}{region.delta_e_p95:8.3f}"
        )
    lines.append(f"outside sRGB: {result.out_of_gamut_share:.2%} of the pixels of A")
    lines.append(f"same sRGB codes after reduction: {result.round_trip:.4%}")
    return "\n".join(lines)
