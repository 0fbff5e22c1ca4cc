"""What JPEG leaves to be restored: the gain of who knows all channels near an end of the range.

    python tests/benchmarks/jpeg_ceiling.py FOLDER [--qualities 80 90 95] [--tolerances 6 12]

Wide-gamut photos are reduced to sRGB, pass through JPEG (4:2:0), and every channel within a
tolerance of 0 or 255 gets its true value back; what the other channels lost stays lost. Gain over
naive inversion, the average over photos, of all pixels and out of gamut.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.evaluation.originals import photos_in, read_original, through_jpeg
from core.gamut import (
    LOSSY_TOLERANCE,
    FloatImage,
    clipped_channels,
    naive_inversion,
    out_of_gamut_mask,
    reduce,
)
from core.images import area_reduced
from core.metrics import mse_by_region
from core.styles import STYLES

REGIONS = ("all", "out_of_gamut")


def gains(scene: FloatImage, quality: int, tolerance: float) -> list[float]:
    """Return the gain over naive inversion in dB, by region; NaN where there is no such pixel."""
    codes = through_jpeg(reduce(scene), quality, "420")
    naive = naive_inversion(codes)
    low, high = clipped_channels(codes, tolerance)
    known = np.where(low | high, scene, naive)
    reference, outside = convert(scene, SRGB, PROPHOTO), out_of_gamut_mask(scene)
    errors = [
        mse_by_region(reference, np.clip(convert(values, SRGB, PROPHOTO), 0.0, 1.0), outside)
        for values in (naive, known)
    ]
    return [10 * float(np.log10(errors[0][region] / errors[1][region])) for region in REGIONS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--qualities", type=int, nargs="+", default=[90])
    parser.add_argument("--tolerances", type=float, nargs="+", default=[LOSSY_TOLERANCE])
    parser.add_argument("--max-side", type=int, default=512)
    options = parser.parse_args()
    originals = [
        area_reduced(read_original(path), options.max_side) for path in photos_in([options.folder])
    ]
    print(f"{len(originals)} photos, up to {options.max_side} pixels\n")
    print("| style | quality | tolerance | all (dB) | out of gamut (dB) |\n|---|--:|--:|--:|--:|")
    for name, style in STYLES.items():
        scenes = [convert(style.apply(original), PROPHOTO, SRGB) for original in originals]
        for quality in options.qualities:
            for tolerance in options.tolerances:
                found = [gains(scene, quality, tolerance) for scene in scenes]
                everywhere, outside = np.nanmean(found, 0)
                print(
                    f"| {name} | {quality} | {tolerance:g} | {everywhere:+.2f} | {outside:+.2f} |"
                )


if __name__ == "__main__":
    main()
