"""Masks and error maps of layers, without any window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.colour import PROPHOTO, SRGB, convert
from core.gamut import (
    ROUNDING,
    clipped_mask,
    naive_inversion,
    out_of_gamut_mask,
    reduce,
    share,
)
from core.metrics import absolute_error_map, delta_e_map
from core.pictures.error_maps import shared_limits
from core.pictures.screens import DISPLAYS, outside_mask
from napari_gamut.naming import percentage
from napari_gamut.photos import LayerError, same_size

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import numpy.typing as npt

    from core.gamut import FloatImage
    from napari_gamut.photos import LayerPhoto
    from napari_gamut.regions import Region

Kind = Literal["clipped", "outside_srgb", "outside_screen", "restored", "absolute", "delta_e"]

KINDS: dict[Kind, str] = {
    "clipped": "Clipped in the sRGB photo",
    "outside_srgb": "Out of gamut in the reference",
    "outside_screen": "Beyond the screen",
    "restored": "Restored amount (ΔE2000)",
    "absolute": "Absolute error",
    "delta_e": "Colour error (ΔE2000)",
}
MASKS: tuple[Kind, ...] = ("clipped", "outside_srgb", "outside_screen")
_SHORT: dict[Kind, str] = {
    "clipped": "clipped",
    "outside_srgb": "out of gamut",
    "outside_screen": "beyond the screen",
    "restored": "restored, ΔE",
    "absolute": "error",
    "delta_e": "error, ΔE",
}
"""For napari's list of layers, which is narrow."""
OF_REFERENCE: tuple[Kind, ...] = ("outside_srgb", "absolute", "delta_e")
"""Kinds that need a reference."""


@dataclass(frozen=True, eq=False)
class Map:
    """A mask or an error map of a layer.

    Attributes
    ----------
    kind : Kind
        What it shows.
    values : ndarray, bool or float32, shape (H, W)
        The mask, or the map.
    title : str
        With the share of pixels of a mask, or the mean of a map.
    name : str
        The same for places without room.
    limits : (float, float)
        Ends of the colour bar, shared by maps of one unit; (0, 1) for masks.
    """

    kind: Kind
    values: npt.NDArray[Any]
    title: str
    name: str
    limits: tuple[float, float] = (0.0, 1.0)

    @property
    def is_mask(self) -> bool:
        """Whether it is a mask."""
        return self.kind in MASKS


def maps_of(
    kinds: Iterable[Kind],
    photo: LayerPhoto,
    reference: LayerPhoto | None,
    display: str,
    region: Region | None = None,
) -> Generator[tuple[int, int], None, list[Map]]:
    """Compute masks and error maps; yields maps done and maps in all, and returns them.

    Parameters
    ----------
    kinds : iterable of Kind
        Which.
    photo, reference : LayerPhoto
        What is looked at, and its wide-gamut original.
    display : str
        Key of the screen's space.
    region : Region, optional
        Only the pixels inside are in masks, and count for shares, means and limits; maps are not
        a number outside, which napari leaves out.

    Raises
    ------
    LayerError
        If a kind needs a reference and there is none, or the sizes differ.
    """
    wanted = list(kinds)
    if reference is not None:
        same_size(photo, reference)
    elif any(kind in OF_REFERENCE for kind in wanted):
        raise LayerError("Errors need the wide-gamut original; choose it as the reference.")
    raw = {}
    within = None if region is None else region.mask(photo.size)
    for number, kind in enumerate(wanted):
        yield number, len(wanted)
        raw[kind] = _values(kind, photo, reference, display)
        if within is not None:
            raw[kind][~within] = False if kind in MASKS else np.nan
    differences = [raw[kind] for kind in ("restored", "delta_e") if kind in raw]
    found = []
    for kind, values in raw.items():
        if kind in MASKS:
            part = share(values if within is None else values[within])
            told = percentage(part)
            found.append(Map(kind, values, f"{KINDS[kind]}: {told}", f"{_SHORT[kind]} {told}"))
            continue
        limits = shared_limits([values] if kind == "absolute" else differences)
        told = f"mean {float(np.nanmean(values)):.2g}"
        title = f"{KINDS[kind]}: {told}, the bar ends at {limits[1]:.2g}"
        found.append(Map(kind, values, title, f"{_SHORT[kind]} {told}", limits))
    return found


def reduced(photo: LayerPhoto) -> FloatImage:
    """Return the naive inversion of a photo's sRGB form, linear ProPhoto."""
    codes = reduce(photo.linear(SRGB)) if photo.is_wide else photo.codes()
    return convert(naive_inversion(codes), SRGB, PROPHOTO)


def _values(
    kind: Kind, photo: LayerPhoto, reference: LayerPhoto | None, display: str
) -> npt.NDArray[Any]:
    if kind == "clipped":
        made = photo.record.made
        tolerance = made.tolerance if made is not None else photo.tolerance
        codes = reduce(photo.linear(SRGB)) if photo.is_wide else photo.codes()
        return clipped_mask(codes, tolerance)
    if kind == "outside_screen":
        return outside_mask(photo.linear(SRGB), SRGB, DISPLAYS[display])
    if kind == "restored":
        return delta_e_map(reduced(photo), photo.prophoto())
    assert reference is not None
    if kind == "outside_srgb":
        return out_of_gamut_mask(reference.linear(SRGB), ROUNDING)
    compare = absolute_error_map if kind == "absolute" else delta_e_map
    return compare(reference.prophoto(), photo.prophoto())
