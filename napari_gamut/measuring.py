"""Measurements of layers, without any window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.colour import SRGB
from core.gamut import ROUNDING, out_of_gamut_mask

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import numpy as np
    import numpy.typing as npt

    from core.gamut import FloatImage
    from core.metrics import PhotoMetrics
    from napari_gamut.photos import LayerPhoto


def measure(
    photo: LayerPhoto, reference: LayerPhoto
) -> Generator[tuple[int, int], None, PhotoMetrics]:
    """Measure a photo against its reference; yields steps done and in all.

    Returns
    -------
    PhotoMetrics
        See :func:`core.metrics.compare`.
    """
    from core.metrics import compare

    yield 0, 4
    mask = out_of_gamut_mask(reference.linear(SRGB), ROUNDING)
    yield 1, 4
    original = reference.prophoto()
    yield 2, 4
    restored = photo.prophoto()
    yield 3, 4
    return compare(original, restored, mask)


def chosen_colours(
    photos: Sequence[LayerPhoto], mask: npt.NDArray[np.bool_] | None
) -> Generator[tuple[int, int], None, dict[str, FloatImage]]:
    """Collect the colours that a diagram is drawn of; yields photos done and in all.

    Parameters
    ----------
    photos : sequence of LayerPhoto
        The photos.
    mask : ndarray, bool, shape (H, W), or None
        Their pixels to be drawn.

    Returns
    -------
    dict of str to ndarray, float32, shape (n, 3)
        Evenly spaced pixels of each, linear ProPhoto in 0..1.
    """
    from core.pictures import evenly_spaced

    found = {}
    for number, photo in enumerate(photos):
        yield number, len(photos)
        values = photo.prophoto()
        found[photo.name] = evenly_spaced(values if mask is None else values[mask]).copy()
    return found
