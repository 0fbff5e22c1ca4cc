"""Make the benchmark's page of the documentation, from photos that come with scikit-image.

    python tests/benchmarks/benchmark_page.py WORK docs/benchmark.html

WORK keeps photos and figures, so that an interrupted run goes on. What else is given are options
of gamut benchmark.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import skimage.data

from core.cli import main
from core.colour import SRGB
from core.files import write_codes

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
METHODS = (
    *("letnet-box", "letnet", "hint", "soft-clip", "sampled", "siren", "gamut-mlp"),
    *("gamut-mlp-paper", "gamut-mlp-paper-start"),
    *("gamut-mlp-paper-11kb", "gamut-mlp-paper-53kb"),
    *("gamut-mlp-paper-colour", "gamut-mlp-paper-place"),
    *("gamutnet", "pix2pix", "swinir", "restormer"),
)


def run() -> int:
    """Write the photos as sRGB files that say so, measure them in the vivid style."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("page", type=Path)
    options, rest = parser.parse_known_args()
    photos = options.work / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    for name in PHOTOS:
        target = photos / f"{name}.png"
        if not target.exists():
            write_codes(target, getattr(skimage.data, name)(), SRGB)
    arguments = ["benchmark", str(photos), "-o", str(options.work / "figures"), "--styles", "vivid"]
    arguments += ["--max-side", "256", "--sides", "256", "512", "--threads", "1"]
    code = main([*arguments, *([] if "--methods" in rest else ["--methods", *METHODS]), *rest])
    if code == 0:
        options.page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(options.work / "figures" / "benchmark.html", options.page)
    return code


if __name__ == "__main__":
    raise SystemExit(run())
