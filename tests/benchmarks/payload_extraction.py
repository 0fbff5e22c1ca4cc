"""How long finding what a photo carries takes, beside decoding the photo.

Usage: ``python tests/benchmarks/payload_extraction.py [MEGAPIXELS]`` (24 unless given).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.files import carried_bytes, read, write_codes

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """The shortest of three runs, in processor time."""
    times = []
    for _ in range(3):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    megapixels = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    width = round((megapixels * 1.5e6) ** 0.5)
    height = round(width / 1.5)
    rng = np.random.default_rng(0)
    waves = np.sin(np.mgrid[0:height, 0:width].sum(0)[..., None] / (90.0, 70.0, 50.0))
    codes = (127.5 + 110 * waves + rng.normal(0, 4, (height, width, 1))).clip(0, 255)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        write_codes(path, codes.astype(np.uint8), extra_metadata=bytes(4096))
        found, decoded = seconds(lambda: carried_bytes(path)), seconds(lambda: read(path))
        size = path.stat().st_size / 1e6
    print(f"JPEG of {width} x {height} pixels, {size:.1f} MB")
    print(f"finding 4096 bytes in it: {1e3 * found:.2f} ms")
    print(f"decoding it: {1e3 * decoded:.0f} ms, {decoded / found:.0f} times as long")


if __name__ == "__main__":
    main()
