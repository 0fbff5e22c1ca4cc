"""Picture styles: photo-finishing in wide gamut, applied before the reduction to sRGB.

How many pixels of a photo leave sRGB depends on how it was finished. The styles vary the
exposure, white balance, contrast and saturation of linear ProPhoto colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.colour import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, ColourSpace, convert

LUMINANCE = PROPHOTO.to_xyz[1].astype(np.float32)


@dataclass(frozen=True)
class Style:
    """How a photo is finished; the default leaves it as it is.

    Attributes
    ----------
    exposure : float
        In stops.
    balance : tuple of three floats
        Gains of the linear ProPhoto channels.
    contrast : float
        0 (none) to 1: strength of an S-curve on values encoded with the exponent 1/1.8.
    saturation : float
        Gain of the distance from the grey of the same luminance; 1 leaves colours as they are.
    space : ColourSpace
        The working space: colours are limited to it at the end.
    """

    exposure: float = 0.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 0.0
    saturation: float = 1.0
    space: ColourSpace = PROPHOTO

    def apply(self, prophoto: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Finish a photo.

        Parameters
        ----------
        prophoto : ndarray, float32, shape (..., 3)
            Linear ProPhoto RGB in 0..1.

        Returns
        -------
        ndarray, float32, shape (..., 3)
            Linear ProPhoto RGB in 0..1.
        """
        finished = prophoto
        if self.exposure != 0.0 or self.balance != (1.0, 1.0, 1.0):
            gains = np.asarray(self.balance, np.float32) * np.float32(2.0**self.exposure)
            finished = np.clip(finished * gains, 0.0, 1.0)
        if self.contrast != 0.0:
            encoded = finished ** np.float32(1 / 1.8)
            curve = encoded * (1.0 - encoded) * (encoded - np.float32(0.45))
            curved = encoded + np.float32(2.0 * self.contrast) * curve
            finished = np.minimum(curved, 1.0) ** np.float32(1.8)
        if self.saturation != 1.0:
            grey = (finished @ LUMINANCE)[..., None]
            finished = np.clip(grey + np.float32(self.saturation) * (finished - grey), 0.0, 1.0)
        if self.space != PROPHOTO:
            limited = np.clip(convert(finished, PROPHOTO, self.space), 0.0, 1.0)
            finished = np.clip(convert(limited, self.space, PROPHOTO), 0.0, 1.0)
        return finished


_CAMERA_SPACES = (ADOBE_RGB, DISPLAY_P3, REC2020)

AS_IS = Style()
VIVID = Style(saturation=1.4)
STYLES = {"as-is": AS_IS, "vivid": VIVID}
"""The styles that an evaluation names."""


@dataclass(frozen=True)
class StyleMixture:
    """How often a training photo is finished in which way.

    Attributes
    ----------
    as_is : float
        Share of wide-gamut photos that are left as they are.
    touched : float
        Share of wide-gamut photos that are finished with a light hand and stay within their
        own gamut: other originals of the same kind.
    vivid : float
        Share of photos in the vivid style. The rest is finished at random.
    camera : float
        Share of the rest that is limited to Adobe RGB, Display P3 or Rec.2020, as most
        wide-gamut photos of cameras and telephones are.
    """

    as_is: float = 0.5
    touched: float = 0.0
    vivid: float = 0.25
    camera: float = 0.6

    def draw(
        self, rng: np.random.Generator, wide: bool, gamut: ColourSpace | None = None
    ) -> tuple[Style, ColourSpace | None]:
        """Draw how a photo is finished.

        Parameters
        ----------
        rng : Generator
            Of random numbers.
        wide : bool
            Whether the photo leaves sRGB as it is; one that does not is always changed.
        gamut : ColourSpace, optional
            The space in which its colours lie, if it is known.

        Returns
        -------
        style : Style
            How.
        source : ColourSpace or None
            The space in which the colours lie then, if it is known.
        """
        own = self.as_is + self.touched
        kind = rng.random() if wide else rng.uniform(own, 1.0)
        if kind < self.as_is:
            return AS_IS, gamut
        if kind < own:
            return self._touch(rng, gamut or PROPHOTO), gamut
        if kind < own + self.vivid:
            return VIVID, PROPHOTO
        space, least, most = PROPHOTO, 1.15, 2.0
        if rng.random() < self.camera:
            space, least, most = _CAMERA_SPACES[int(rng.integers(3))], 1.05, 1.7
        style = Style(
            exposure=float(rng.uniform(-1.0, 0.4)),
            balance=_balance(rng, 0.08),
            contrast=float(rng.uniform(0.0, 1.0)) if rng.random() < 0.5 else 0.0,
            saturation=float(rng.uniform(1.0 if wide else least, most)),
            space=space,
        )
        return style, space

    def _touch(self, rng: np.random.Generator, space: ColourSpace) -> Style:
        return Style(
            exposure=float(rng.uniform(-0.5, 0.3)),
            balance=_balance(rng, 0.04),
            contrast=float(rng.uniform(0.0, 0.4)) if rng.random() < 0.5 else 0.0,
            saturation=float(rng.uniform(0.85, 1.25)),
            space=space,
        )


def _balance(rng: np.random.Generator, stops: float) -> tuple[float, float, float]:
    red, green, blue = (float(gain) for gain in 2.0 ** rng.normal(0.0, stops, 3))
    return red, green, blue
