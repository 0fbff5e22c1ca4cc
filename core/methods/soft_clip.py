"""Soft clipping: colours are squeezed into sRGB when the photo is reduced, and let out again.

The baseline of Le et al. 2023, with the bounds of their public code: in linear light, what lies
below 0.05 is compressed into 0..0.05 and what lies above 0.9 into 0.9..1, but for pixels all of
whose channels lie there (near black and near white). The file has to tell how far the original
reached. The price is paid by the sRGB photo: its colours are no longer those of the original,
even inside sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.engine.method import Method, Needs, OriginalMethod, Place, WindowMethod
from core.gamut import Codes, Depth, FloatImage, naive_inversion, reduce

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.colour import Adaptation
    from core.engine.expansion import ExpansionSettings
    from core.gamut import Mask

_LOW, _HIGH = 0.05, 0.9
_BYTES = 8


@dataclass(frozen=True)
class Reach:
    """How far the channels of a photo go, in linear light.

    Attributes
    ----------
    lowest, highest : float
        0 and 1 at the nearest.
    """

    lowest: float
    highest: float

    @classmethod
    def of(cls, scene: FloatImage) -> Reach:
        """Return the reach of scene-linear sRGB colours."""
        return cls(min(0.0, float(scene.min())), max(1.0, float(scene.max())))

    def squeezed(self, scene: FloatImage) -> FloatImage:
        """Return colours compressed into 0..1, but for those near black and near white."""
        low, high = _zones(scene)
        squeezed = scene.copy()
        squeezed[low] = _LOW * (scene[low] - self.lowest) / (_LOW - self.lowest)
        squeezed[high] = _HIGH + (1.0 - _HIGH) * (scene[high] - _HIGH) / (self.highest - _HIGH)
        return squeezed

    def let_out(self, linear: FloatImage) -> FloatImage:
        """Undo :meth:`squeezed`."""
        low, high = _zones(linear)
        scene = linear.copy()
        scene[low] = self.lowest + linear[low] / _LOW * (_LOW - self.lowest)
        scene[high] = _HIGH + (linear[high] - _HIGH) / (1.0 - _HIGH) * (self.highest - _HIGH)
        return scene


def _zones(values: FloatImage) -> tuple[Mask, Mask]:
    low, high = values <= _LOW, values >= _HIGH
    return low & ~low.all(-1, keepdims=True), high & ~high.all(-1, keepdims=True)


class SoftClip(OriginalMethod):
    """Soft clipping, with the reach of each photo's original."""

    name = "soft-clip"
    summary = "Soft clipping: the reduction squeezes colours into sRGB, the expansion undoes it"
    payload_size = _BYTES
    clips = False

    def reduced(self, scene: FloatImage, depth: Depth = 8) -> Codes:
        """Reduce a photo by squeezing its colours."""
        return reduce(Reach.of(scene).squeezed(scene), depth)

    @property
    def refusal(self) -> str:
        """What people are told where there is no original."""
        return (
            f"{self.name} has to reduce the wide-gamut original itself; measure it with gamut "
            "evaluate, or choose another method."
        )

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, Method]:
        """Note the original's reach; see :meth:`core.engine.method.Method.fitted`."""
        yield 1, 1
        return SoftlyClipped(Reach.of(original)).renamed(self.name)


class SoftlyClipped(WindowMethod):
    """The way back of one photo.

    Parameters
    ----------
    reach : Reach
        Of its original.
    """

    name = SoftClip.name
    summary = SoftClip.summary
    needs = Needs.PAYLOAD
    payload_size = _BYTES
    clips = False

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Let the colours of a window out again."""
        return self._reach.let_out(naive_inversion(window))
