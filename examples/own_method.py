"""A method of one's own beside those that come with the program: python examples/own_method.py."""

import numpy as np

import core
from core.gamut import clipped_channels, naive_inversion


class Stretch(core.WindowMethod):
    """Push each clipped channel a fifth further from the middle of the range."""

    name = "stretch"
    summary = "Clipped channels, a fifth further out"

    def estimate(self, window, place, settings):
        """Return scene-linear sRGB for a window of codes."""
        low, high = clipped_channels(window, settings.tolerance)
        return naive_inversion(window) + 0.2 * high - 0.05 * low


def main() -> None:
    """Expand random codes; the codes come back whatever the method guesses."""
    codes = np.random.default_rng(0).choice(np.array([0, 90, 255], np.uint8), (64, 96, 3))
    expansion = core.expand(codes, Stretch())
    from core.colour import PROPHOTO, SRGB, convert

    again = core.reduce(convert(expansion.values, PROPHOTO, SRGB))
    print(f"{expansion.model}: {(again == codes).mean():.0%} of the codes come back")


if __name__ == "__main__":
    main()
