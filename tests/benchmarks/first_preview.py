"""How long a preview in napari takes: what is seen of a large photo, before the whole is done.

    python tests/benchmarks/first_preview.py

Time is that of the processor, which a busy machine does not change, beside the time that passed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import resources

import numpy as np

from core.files import read
from core.progress import finished
from napari_gamut.previewing import View, glimpse
from napari_gamut.requests import Request, prepared


def main() -> None:
    """Measure and print figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="letnet-box")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    options = parser.parse_args()
    with resources.as_file(resources.files("core") / "samples" / "coffee-vivid.png") as path:
        codes = np.kron(read(path).pixels, np.ones((7, 7, 1), np.uint8))
    view = View(0, 0, *codes.shape[:2], step=max(codes.shape[:2]) / 700)
    method, settings = prepared(Request(options.method))
    told = []
    for _ in range(options.rounds):
        start, busy = time.perf_counter(), time.process_time()
        found = finished(glimpse(codes, view, method, settings))
        told.append(
            {
                "seconds": round(time.perf_counter() - start, 2),
                "processor_seconds": round(time.process_time() - busy, 2),
            }
        )
    best = min(told, key=lambda each: each["processor_seconds"])
    pixels = found.picture.shape[0] * found.picture.shape[1]
    megapixels = round(codes.shape[0] * codes.shape[1] / 1e6, 1)
    report = {"megapixels": megapixels, "preview_pixels": pixels, "best": best, "all": told}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
