"""The result that follows the controls, and what it was made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container
    from weakref import ref

    from napari.layers import Image, Layer

    from napari_gamut.engine import Solve
    from napari_gamut.regions import Region
    from napari_gamut.requests import Request


@dataclass(frozen=True, eq=False)
class LastResult:
    """A layer that was expanded last.

    Attributes
    ----------
    layer : Image
        The result.
    source : weak reference to Layer
        The photo that it was made from.
    request : Request
        What was asked for.
    region : Region or None
        Outside of it, nothing was restored.
    solve : Solve or None
        What was found of the photo; None where it is not kept.
    """

    layer: Image
    source: ref[Layer]
    request: Request
    region: Region | None
    solve: Solve | None

    def is_of(self, photo: Layer | None, layers: Container[Layer]) -> bool:
        """Return whether it was made from a photo, and both are still there."""
        return photo is not None and photo is self.source() and self.layer in layers

    def concerns(self, layer: Layer) -> bool:
        """Return whether a layer is the result, or the photo that it was made from."""
        return layer is self.layer or layer is self.source()
