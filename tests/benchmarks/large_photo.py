"""Peak memory and time of a 100-megapixel TIFF-to-TIFF expansion.

    python tests/benchmarks/large_photo.py [--side 10000] [--model NAME] [--every 8]

The photo is made of the sample photo's pixels; `--every N` leaves clipped pixels in one of N
rows of tiles only (1: everywhere), since a tile without any is not solved.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from core.engine.expansion import ExpansionSettings
from core.engine.files import expand_file
from core.files import read, sample_photo
from core.methods.registry import method


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--model", default="letnet-box")
    parser.add_argument("--every", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.tif", Path(folder) / "out.tif"
        _make_photo(source, options.side, options.every)
        model = method(options.model)
        before = _peak()
        started = time.perf_counter()
        report = expand_file(source, target, model, ExpansionSettings(device="cpu"))
        seconds = time.perf_counter() - started
        megapixels = options.side**2 / 1e6
        print(f"{megapixels:.0f} megapixels, {report.clipped_share:.2%} clipped")
        print(f"peak memory {_peak():.0f} MB ({before:.0f} MB before the expansion began)")
        print(f"{seconds:.1f} s, {seconds / megapixels:.3f} s per megapixel")


def _make_photo(path: Path, side: int, every: int) -> None:
    """Write a tiled TIFF, one row of tiles after the other."""
    codes = read(sample_photo()).srgb_codes()
    assert codes is not None
    band = np.tile(codes, (2, -(-side // codes.shape[1]), 1))[:512, :side]
    calm = np.clip(band, 1, 254)

    def tiles() -> object:
        for row in range(-(-side // 512)):
            rows = band if row % every == 0 else calm
            for left in range(0, side, 512):
                tile = rows[:, left : left + 512]
                yield np.pad(tile, ((0, 0), (0, 512 - tile.shape[1]), (0, 0)))

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side, 3),
        dtype=np.uint8,
        tile=(512, 512),
        photometric="rgb",
        compression="zlib",
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
