"""The machine's ceilings for the work of the networks, and how near the solver comes.

    python tests/benchmarks/roofline.py [--rounds 9] [--tiny]

With one thread; medians of seconds of the processor. Bytes are those that must move at least
where nothing stays in a cache: each tensor read or written once by each operation that needs it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from core.engine.memory import keep_freed_memory
from core.methods.registry import method

if TYPE_CHECKING:
    from collections.abc import Callable


def median(work: Callable[[], object], rounds: int) -> float:
    work()
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tiny", action="store_true", help="only see that everything runs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    print(
        "| network | state | operations a pixel and step | conv float32 GFLOP/s |"
        " conv bfloat16 GFLOP/s | copy GB/s | ceiling ms a step | memory ms a step |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for name in ("letnet-box", "letnet"):
        for pixels in (64,) if options.tiny else (256, 576):
            print(ceilings(name, pixels, options.rounds))


def ceilings(name: str, pixels: int, rounds: int) -> str:
    """Return a row of the table: of a network's solve of a window of so many pixels a side."""
    network = method(name).model.network  # type: ignore[attr-defined]
    memory = method(name).solver.memory  # type: ignore[union-attr]
    width, scale = network.config.channels, network.config.scale
    side = pixels // scale
    state = torch.randn(1, width, side, side).to(memory_format=torch.channels_last)
    other = torch.empty_like(state)
    layer = network.transform[0]
    weight, bias, rough = layer.weight.bfloat16(), layer.bias.bfloat16(), state.bfloat16()
    operations = 2 * 9 * width**2 * side**2
    with torch.inference_mode():
        exact = median(lambda: layer(state), rounds)
        quick = median(lambda: functional.conv2d(rough, weight, bias, padding=1), rounds)
        copied = median(lambda: other.copy_(state), rounds)
    moved = 2 * state.nbytes
    # Two convolutions (2 each), z + x (3), two tanh (2 each), gate and x (3), the change (3), its
    # row of the Gram matrix and the norms (memory + 3), the mixture (memory + 1).
    passes = 4 + 3 + 4 + 3 + 3 + memory + 3 + memory + 1
    return (
        f"| {name} | {side}×{side}×{width} | {2 * operations / pixels**2:.0f} "
        f"| {operations / exact / 1e9:.0f} | {operations / quick / 1e9:.0f} "
        f"| {moved / copied / 1e9:.1f} | {2 * exact * 1e3:.2f} "
        f"| {passes * state.nbytes * copied / moved * 1e3:.2f} |"
    )


if __name__ == "__main__":
    main()
