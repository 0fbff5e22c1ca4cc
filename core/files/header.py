"""What a file says about itself before its pixels are decoded, and what is refused then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.files.errors import FileError
from core.files.metadata import Metadata

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from core.files.encoding import Encoding

RAISE_THE_LIMIT = "raise the limit if it is a real photo"
"""What can be done about a photo that is too large."""

EXTRA_LEFT_OUT = "An extra channel of the file (neither colour nor opacity) was left out."
"""What people are told of channels that no photo needs."""


@dataclass(frozen=True)
class Limits:
    """What is too large to be read; checked against the header, before anything is decoded.

    Attributes
    ----------
    max_pixels : int
        Width times height.
    max_bytes : int
        Size of the file on disk.
    """

    max_pixels: int = 400_000_000
    max_bytes: int = 8 << 30


@dataclass(frozen=True)
class Header:
    """What a file says about its pixels.

    Attributes
    ----------
    format : str
        "JPEG", "PNG", ...
    width, height : int
        As stored, before the orientation is applied.
    bits : int
        Per channel, as stored.
    channels : int
        As decoded, with alpha.
    is_float : bool
        Whether values are floating point.
    is_lossy : bool
        Whether the compression changed values.
    orientation : int
        EXIF orientation that is still to be applied to the decoded pixels.
    icc : bytes or None
        Embedded ICC profile.
    cicp : tuple of int or None
        Colour primaries and transfer characteristics (ITU-T H.273).
    is_narrow : bool
        Whether the stored codes use the narrow range that belongs to `cicp`.
    stated : Encoding or None
        What else the file says its values mean.
    metadata : Metadata
        EXIF and its kin, as stored.
    frames : int
        Pages or frames; the first is read.
    is_premultiplied : bool
        Whether colours are multiplied by alpha.
    payload : bytes or None
        Private data of this product.
    notes : tuple of str
        Sentences for people about what was ignored.
    decoded : ndarray or None
        The pixels, where the decoder gives the header only together with them.
    """

    format: str
    width: int
    height: int
    bits: int
    channels: int
    is_float: bool = False
    is_lossy: bool = False
    orientation: int = 1
    icc: bytes | None = None
    cicp: tuple[int, int] | None = None
    is_narrow: bool = False
    stated: Encoding | None = None
    metadata: Metadata = field(default_factory=Metadata)
    frames: int = 1
    is_premultiplied: bool = False
    payload: bytes | None = None
    notes: tuple[str, ...] = ()
    decoded: npt.NDArray[Any] | None = field(default=None, repr=False, compare=False)


def check_size(path: Path, width: int, height: int, limits: Limits) -> None:
    """Refuse an empty or a gigantic image.

    Raises
    ------
    FileError

    Examples
    --------
    >>> from pathlib import Path
    >>> check_size(Path("photo.png"), 6000, 4000, Limits())
    >>> check_size(Path("bomb.png"), 100_000, 100_000, Limits())  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    core.files.errors.FileError: “bomb.png” claims 100000 × 100000 pixels, more than the limit
    of 400 megapixels; raise the limit if it is a real photo.
    """
    if width <= 0 or height <= 0:
        raise FileError(f"“{path}” holds an image without pixels; use another file.")
    if width * height > limits.max_pixels:
        raise FileError(
            f"“{path}” claims {width} × {height} pixels, more than the limit of "
            f"{limits.max_pixels / 1e6:g} megapixels; {RAISE_THE_LIMIT}."
        )
