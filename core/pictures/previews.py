"""Pictures of an expanded photo for a screen: before, after, and where the two differ.

They are made from the written file, so that what is seen is what was exported.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, convert
from core.errors import PhotoError
from core.files import Limits, read
from core.gamut import (
    ROUNDING,
    Codes,
    FloatImage,
    Mask,
    clipped_mask,
    naive_inversion,
    out_of_gamut_mask,
    reduce,
    share,
)
from core.images import area_reduced
from core.metrics import delta_e_map
from core.pictures.screens import screen_codes
from core.styles import LUMINANCE

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

CLIPPED_MARK = (255, 176, 0)
"""sRGB codes that mark clipped pixels: amber."""

BEYOND_MARK = (255, 64, 200)
"""sRGB codes that mark colours that an sRGB screen cannot show: pink."""

_DIMMED = 0.6
_GAIN = 4.0


class Previews:
    """An expanded photo, small enough for a screen; each picture is made when first asked for.

    Parameters
    ----------
    before : ndarray, uint8 or uint16, shape (H, W, 3)
        sRGB codes.
    after : ndarray, float32, shape (H, W, 3)
        The restored photo in scene-linear sRGB, unbounded.
    tolerance : float
        Noise of a lossy file, in 8-bit codes.
    space : ColourSpace
        Of the pictures before and after. Colours beyond it move towards the sRGB ones until it
        can hold them.
    longest : int
        Pixels of the longest side at most; larger photos are averaged over square blocks, in
        linear light.

    Raises
    ------
    PhotoError
        If the two photos differ in size.
    """

    def __init__(
        self,
        before: Codes,
        after: FloatImage,
        *,
        tolerance: float = 0.0,
        space: ColourSpace = DISPLAY_P3,
        longest: int = 1600,
    ) -> None:
        if before.shape != after.shape:
            raise PhotoError("The photo before and the photo after have to be of the same size.")
        self.space = space
        self._longest = longest
        self._clipped = clipped_mask(before, tolerance)
        self._beyond = out_of_gamut_mask(after, ROUNDING)
        self._naive = area_reduced(naive_inversion(before), longest)
        self._restored = area_reduced(after, longest)

    @cached_property
    def before(self) -> Picture:
        """The sRGB photo: ndarray, uint8, shape (h, w, 3), encoded codes of `space`."""
        return screen_codes(self._naive, self._naive, self.space)

    @cached_property
    def after(self) -> Picture:
        """The restored photo: ndarray, uint8, shape (h, w, 3), encoded codes of `space`."""
        return screen_codes(self._restored, self._naive, self.space)

    @cached_property
    def clipped(self) -> Picture:
        """Marks of what may have lost colour: ndarray, uint8, shape (h, w, 3), sRGB codes.

        The photo is in grey.
        """
        return self._marked(self._clipped, CLIPPED_MARK)

    @cached_property
    def beyond_srgb(self) -> Picture:
        """Marks of colours that sRGB cannot hold: ndarray, uint8, shape (h, w, 3), sRGB codes.

        The photo is in grey.
        """
        return self._marked(self._beyond, BEYOND_MARK)

    @cached_property
    def delta_e(self) -> FloatImage:
        """CIEDE2000 between before and after: ndarray, float32, shape (h, w).

        Each is averaged over the pixels of a block.
        """
        return delta_e_map(_prophoto(self._naive), _prophoto(self._restored))

    @property
    def clipped_share(self) -> float:
        """Share of the whole photo's pixels that may have lost colour, 0..1."""
        return share(self._clipped)

    @property
    def beyond_share(self) -> float:
        """Share of the whole photo's pixels that sRGB cannot hold, 0..1."""
        return share(self._beyond)

    def _marked(self, mask: Mask, mark: tuple[int, int, int]) -> Picture:
        """Return the photo in dim grey with the pixels of a full-size mask in a colour."""
        grey = self._grey
        # A few pixels of a large photo would vanish in the average.
        weight = np.clip(_GAIN * area_reduced(mask.astype(np.float32), self._longest), 0.0, 1.0)
        picture: Picture = np.rint(grey + weight[..., None] * (np.array(mark) - grey)).astype(
            np.uint8
        )
        return picture

    @cached_property
    def _grey(self) -> FloatImage:
        light = np.clip(_prophoto(self._naive) @ LUMINANCE, 0.0, 1.0)
        grey: FloatImage = 255 * _DIMMED * SRGB.encode(light)[..., None]
        return grey


def file_previews(
    source: str | Path,
    result: str | Path,
    *,
    tolerance: float = 0.0,
    space: ColourSpace = DISPLAY_P3,
    longest: int = 1600,
    limits: Limits | None = None,
) -> Previews:
    """Return the previews of a photo and of the file that it was expanded into.

    Parameters
    ----------
    source, result : path
        The photo and its expansion.
    tolerance, space, longest
        As for :class:`Previews`.
    limits : Limits, optional
        What is too large to be read.

    Raises
    ------
    PhotoError
        If one of them cannot be read, or they differ in size.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import sample_photo
    >>> from core.engine.files import expand_file
    >>> from core.methods.registry import method
    >>> with TemporaryDirectory() as folder:
    ...     _ = expand_file(sample_photo(), f"{folder}/wide.tif", method("naive"))
    ...     previews = file_previews(sample_photo(), f"{folder}/wide.tif", longest=60)
    >>> previews.before.shape
    (40, 60, 3)
    """
    photo = read(source, limits=limits)
    codes = photo.srgb_codes()
    before = reduce(photo.scene(), 16) if codes is None else codes
    after = read(result, limits=limits).scene()
    return Previews(before, after, tolerance=tolerance, space=space, longest=longest)


def prophoto_screen_codes(
    values: FloatImage, codes: Codes, space: ColourSpace = DISPLAY_P3
) -> Picture:
    """Return an estimate in ProPhoto as codes for a screen of some space.

    Parameters
    ----------
    values : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB.
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB photo that was restored.
    space : ColourSpace
        The space of the screen.

    Returns
    -------
    ndarray, uint8, shape (H, W, 3)
        Encoded codes of `space`.

    Examples
    --------
    >>> codes = np.full((4, 6, 3), 128, np.uint8)
    >>> values = convert(naive_inversion(codes), SRGB, PROPHOTO)
    >>> prophoto_screen_codes(values, codes)[0, 0].tolist()  # a grey is the same in Display P3
    [128, 128, 128]
    """
    return screen_codes(convert(values, PROPHOTO, SRGB), naive_inversion(codes), space)


def _prophoto(scene: FloatImage) -> FloatImage:
    values: FloatImage = np.clip(convert(scene, SRGB, PROPHOTO), 0.0, 1.0)
    return values
