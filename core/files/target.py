"""What is to be written besides the pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.files.metadata import Metadata

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.colour import ColourSpace


@dataclass(frozen=True)
class Target:
    """The frame of a photo to be written.

    Attributes
    ----------
    width, height : int
        In pixels.
    channels : int
        3, or 4 with alpha.
    dtype : numpy dtype
        uint8, uint16, float16 or float32.
    bits : int
        Per channel; less than `dtype` holds for AVIF.
    space : ColourSpace
        Of the values.
    icc : bytes
        Its profile.
    metadata : Metadata
        What the format can hold of the photo's.
    payload : bytes or None
        Private data of this product.
    software : str
        The program's name.
    quality : int
        0 to 100; 100 is lossless where the format can be.
    compression : int or None
        Of PNG: 1 is fast, 9 small; None for the library's own choice.
    """

    width: int
    height: int
    channels: int
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16] | np.dtype[np.floating[npt.NBitBase]]
    bits: int
    space: ColourSpace
    icc: bytes
    metadata: Metadata = field(default_factory=Metadata)
    payload: bytes | None = None
    software: str = ""
    quality: int = 100
    compression: int | None = None
