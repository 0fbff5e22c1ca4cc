"""Train on one's own wide-gamut photos: python examples/train_own.py PHOTOS/ RUN/ [STEPS]."""

import sys
from dataclasses import replace
from pathlib import Path

from core.network.models import Descriptor, to_bytes
from core.training.prepared import prepare
from core.training.recipes import RECIPES
from core.training.run import train


def main(photos: str, run: str, steps: str = "200", patch: str = "96") -> None:
    """Write RUN/mine.safetensors, which gamut expand --model takes."""
    folder = Path(run)
    manifest = prepare([Path(photos)], folder / "cache")
    recipe = RECIPES["cpu"]
    patches = replace(recipe.patches, size=int(patch))
    recipe = replace(recipe, steps=int(steps), patches=patches)
    network = train(recipe, manifest, folder / "run", workers=0, progress=False)
    descriptor = Descriptor("mine", recipe.config, recipe.inference, recipe.halo)
    (folder / "mine.safetensors").write_bytes(to_bytes(network, descriptor))
    print(f"{network.parameters_count:,} weights in {folder / 'mine.safetensors'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
