"""How far a photo expanded in tiles is from the same photo expanded as a whole.

    python tests/benchmarks/tile_curve.py [--model NAME] [--photo FILE] [--tile 256]

For each halo and solver tolerance: the largest difference, and that which one value in a
thousand exceeds, in 16-bit codes of encoded ProPhoto. The halo and tolerance of a model's
descriptor are read off this curve.
"""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np
import torch

from core.colour import PROPHOTO
from core.engine.expansion import ExpansionSettings, expand
from core.files import read, sample_photo
from core.methods.registry import method
from core.network.models import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="letnet-box")
    parser.add_argument("--photo", default=str(sample_photo()))
    parser.add_argument("--tile", type=int, default=256)
    parser.add_argument("--halos", type=int, nargs="+", default=[0, 8, 16, 32, 48, 64, 96, 128])
    parser.add_argument("--tolerances", type=float, nargs="+", default=[1e-2, 1e-3, 1e-4, 1e-5])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, descriptor = method(options.model), load_model(options.model).descriptor
    codes = read(options.photo).srgb_codes()
    assert codes is not None, "the photo has to be sRGB"
    print(f"{options.model}, {options.photo}, {codes.shape[1]} x {codes.shape[0]}")
    print(f"{'tolerance':>10}{'halo':>6}{'steps':>7}{'largest':>10}{'1 in 1000':>11}")
    for tolerance in options.tolerances:
        solver = dataclasses.replace(descriptor.solver, tolerance=tolerance, max_steps=100)
        settings = ExpansionSettings(device="cpu", solver=solver, tile=4096)
        whole = PROPHOTO.encode(expand(codes, model, settings).values)
        for halo in options.halos:
            tiled = expand(
                codes, model, dataclasses.replace(settings, tile=options.tile, halo=halo)
            )
            difference = np.abs(PROPHOTO.encode(tiled.values) - whole) * 65535
            steps = np.mean([tile.steps for tile in tiled.tiles])
            print(
                f"{tolerance:10.0e}{halo:6d}{steps:7.1f}{difference.max():10.2f}"
                f"{np.quantile(difference, 0.999):11.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
