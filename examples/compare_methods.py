"""Compare methods on an original: python examples/compare_methods.py ORIGINAL METHOD …."""

import sys
from pathlib import Path

from core.evaluation.comparison import compare_methods
from core.evaluation.originals import read_original
from core.images import area_reduced
from core.methods.registry import methods
from core.progress import finished


def main(photo: str, *names: str) -> None:
    """Reduce the photo to sRGB, restore it by each method, and print how near each comes."""
    original = area_reduced(read_original(Path(photo)), 512)
    comparison = finished(compare_methods(original, methods(names or ["naive", "letnet-box"])))
    for restoration in comparison.restorations:
        region = restoration.metrics.regions["out_of_gamut"]
        print(f"{restoration.method}: {region.psnr:.2f} dB, ΔE2000 {region.delta_e_mean:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
