"""Measurements of layers, without any window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.colour import SRGB
from core.gamut import ROUNDING, out_of_gamut_mask, reduce
from napari_gamut.naming import drawn_names

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import numpy as np
    import numpy.typing as npt

    from core.gamut import FloatImage
    from core.metrics import PhotoMetrics
    from napari_gamut.photos import LayerPhoto
    from napari_gamut.regions import Region


def measure(
    photo: LayerPhoto, reference: LayerPhoto, region: Region | None = None
) -> Generator[tuple[int, int], None, PhotoMetrics]:
    """Measure a photo against its reference; yields steps done and in all.

    Parameters
    ----------
    photo, reference : LayerPhoto
        What is measured, and its wide-gamut original.
    region : Region, optional
        Only the pixels inside count.

    Returns
    -------
    PhotoMetrics
        See :func:`core.metrics.compare`.
    """
    from core.metrics import compare

    yield 0, 4
    within = None if region is None else region.mask(photo.size)
    mask = out_of_gamut_mask(reference.linear(SRGB), ROUNDING)
    yield 1, 4
    original = reference.prophoto()
    yield 2, 4
    restored = photo.prophoto()
    yield 3, 4
    return compare(original, restored, mask, within=within)


@dataclass(frozen=True, eq=False)
class Colours:
    """What drawings are made of.

    Attributes
    ----------
    values : ndarray, float32, shape (n, 3)
        Evenly spaced pixels, linear ProPhoto in 0..1.
    codes : ndarray, float64, shape (256, 3)
        How often each sRGB code occurs, as of :func:`core.pictures.code_shares`; of a wide photo,
        those that it is reduced to.
    """

    values: FloatImage
    codes: npt.NDArray[np.float64]


def chosen_colours(
    photos: Sequence[LayerPhoto], region: Region | None = None
) -> Generator[tuple[int, int], None, dict[str, Colours]]:
    """Collect the colours that drawings are made of; yields photos done and in all.

    Parameters
    ----------
    photos : sequence of LayerPhoto
        The photos.
    region : Region, optional
        Only the pixels inside are drawn.

    Returns
    -------
    dict of str to Colours
        By names of photos.
    """
    from core.pictures import code_shares, evenly_spaced

    found = {}
    names = drawn_names((photo.name, photo.record) for photo in photos)
    for number, photo in enumerate(photos):
        yield number, len(photos)
        mask = None if region is None else region.mask(photo.size)
        values = photo.prophoto()
        codes = reduce(photo.linear(SRGB)) if photo.is_wide else photo.codes()
        if mask is not None:
            values, codes = values[mask], codes[mask]
        found[names[number]] = Colours(evenly_spaced(values).copy(), code_shares(codes))
    return found
