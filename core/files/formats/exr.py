"""OpenEXR, through OpenImageIO: scene-linear by definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import OpenImageIO

from core.colour import D65, SRGB
from core.files.encoding import from_gamma
from core.files.errors import FileError
from core.files.header import Header

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_header(path: Path) -> Header:
    """Return what the header says (see :mod:`core.files.formats`)."""
    image = _opened(path)
    try:
        spec = image.spec()
        order = _channel_order(path, spec)
        stated = spec.getattribute("chromaticities")
        primaries, white = SRGB.primaries, D65
        if stated is not None:
            red, green, blue, neutral = np.asarray(stated, float).reshape(4, 2).round(6).tolist()
            primaries, white = (tuple(red), tuple(green), tuple(blue)), tuple(neutral)
        parts = 1
        while image.seek_subimage(parts, 0):
            parts += 1
        return Header(
            "OpenEXR",
            spec.width,
            spec.height,
            16 if str(spec.format) == "half" else 32,
            len(order),
            is_float=True,
            is_lossy=str(spec.get_string_attribute("compression")) in _LOSSY,
            stated=from_gamma(1.0, primaries, white),
            frames=parts,
            is_premultiplied=True,
        )
    finally:
        image.close()


def read_pixels(path: Path, header: Header) -> npt.NDArray[np.float32]:
    """Return the decoded values (see :mod:`core.files.formats`)."""
    image = _opened(path)
    try:
        spec = image.spec()
        pixels = image.read_image(0, 0, 0, spec.nchannels, "float")
        if pixels is None:
            raise ValueError(image.geterror())
        return np.ascontiguousarray(np.asarray(pixels)[..., _channel_order(path, spec)])
    finally:
        image.close()


_LOSSY = {"pxr24", "b44", "b44a", "dwaa", "dwab"}


def _opened(path: Path) -> Any:
    image = OpenImageIO.ImageInput.open(str(path))
    if image is None:
        raise ValueError(OpenImageIO.geterror())
    return image


def _channel_order(path: Path, spec: Any) -> list[int]:
    names = [name.upper() for name in spec.channelnames]
    if spec.deep:
        raise FileError(f"“{path}” is a deep OpenEXR file; flatten it first.")
    for wanted in ("RGBA", "RGB", "YA", "Y"):
        if all(name in names for name in wanted):
            return [names.index(name) for name in wanted]
    raise FileError(f"“{path}” has no channels named R, G and B; save it with these names.")
