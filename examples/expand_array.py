"""Expand a numpy array: python examples/expand_array.py PHOTO.npy OUT.npy [METHOD]."""

import sys

import numpy as np

import core


def main(source: str, target: str, name: str = "letnet-box") -> None:
    """Read sRGB codes (H, W, 3), uint8 or uint16; write linear ProPhoto RGB, float32."""
    codes = np.load(source)

    def progress(done: int, total: int) -> None:
        print(f"{done} of {total} tiles", end="\r")

    expansion = core.expand(codes, core.method(name), progress=progress)
    np.save(target, expansion.values)
    print(f"{expansion.clipped.mean():.1%} of the pixels were clipped; {expansion.seconds:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
