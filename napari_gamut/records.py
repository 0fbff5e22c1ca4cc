"""The one record that this plugin keeps in a layer's metadata."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import numpy.typing as npt

    from core.colour import Adaptation
    from core.files import Metadata

KEY = "napari_gamut"
"""The name of the record in ``layer.metadata``."""


@dataclass(frozen=True, eq=False)
class WidePixels:
    """The colours of a layer, of which napari shows a rendering only.

    Attributes
    ----------
    values : ndarray or dask array, float32, shape (..., H, W, 3)
        Linear RGB of `space`.
    space : str
        Key of the colour space.
    adaptation : {"Bradford", "CAT02"}
        How white is adapted.
    display : str
        Key of the screen's space that the layer's data are rendered for.
    """

    values: Any
    space: str
    adaptation: Adaptation
    display: str


@dataclass(frozen=True)
class Provenance:
    """How an expanded layer was made.

    Attributes
    ----------
    source : str
        What the layer was called that it was made from.
    model, sha256 : str
        Which network did it.
    strength, tolerance : float
        Of the expansion.
    space, origin : str
        Keys of the result's space, and of the one in which the photo's colours were taken to
        have lain, or "unknown".
    steps : tuple of int
        Evaluations of the cell, tile by tile; empty for stacks, which are solved when shown.
    residuals : tuple of float
        The last relative residual of each tile.
    unconverged : int
        Tiles that reached the step limit or failed.
    clipped_share : float or None
        Share of pixels that may have lost colour; None for stacks.
    region : str
        Name of the layer outside of which nothing was restored; empty for the whole photo.
    layer : Hashable
        By which napari knows the layer that it was made from, whatever it is called by now.
    """

    source: str
    model: str
    sha256: str
    strength: float
    tolerance: float
    space: str = "prophoto"
    origin: str = "unknown"
    steps: tuple[int, ...] = ()
    residuals: tuple[float, ...] = ()
    unconverged: int = 0
    clipped_share: float | None = None
    region: str = ""
    layer: Hashable = None


@dataclass(frozen=True)
class Fingerprint:
    """By which data are known again after somebody may have edited them.

    Attributes
    ----------
    shape : tuple of int
        Of the data.
    checksum : int
        Of the data.
    """

    shape: tuple[int, ...]
    checksum: int

    @classmethod
    def of(cls, data: npt.NDArray[Any]) -> Fingerprint:
        """Return the fingerprint of an array."""
        return cls(tuple(data.shape), zlib.crc32(np.ascontiguousarray(data).data))


@dataclass(frozen=True)
class Record:
    """What the plugin knows of a layer.

    Attributes
    ----------
    wide : WidePixels or None
        Its colours, where they are wider than what it shows.
    made : Provenance or None
        How it was expanded.
    path : str
        The file of the photo, empty if there is none.
    metadata : Metadata or None
        EXIF and its kin, of the photo.
    alpha : ndarray, shape (H, W), or None
        Opacity of the photo.
    lossy : bool
        Whether the photo's codes carry the noise of a lossy file.
    profile : str
        Name of the photo's colour profile.
    shown : Fingerprint or None
        Of the rendering that belongs to the wide colours; None for stacks.
    is_picture : bool
        Whether the layer is a picture for looking at (a curtain, an iteration, a map) and no photo.
    """

    wide: WidePixels | None = None
    made: Provenance | None = None
    path: str = ""
    metadata: Metadata | None = None
    alpha: npt.NDArray[Any] | None = None
    lossy: bool = False
    profile: str = ""
    shown: Fingerprint | None = None
    is_picture: bool = False


PICTURE = {KEY: Record(is_picture=True)}
"""The metadata of a layer that is for looking at."""


def record_in(metadata: Mapping[str, Any]) -> Record:
    """Return the record of a layer's metadata, an empty one if there is none."""
    record = metadata.get(KEY)
    return record if isinstance(record, Record) else Record()
