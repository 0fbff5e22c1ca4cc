"""The photo that comes with the program."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def sample_photo() -> Path:
    """Return the file of a vivid still life in sRGB, three quarters of which are clipped.

    Returns
    -------
    Path
        A PNG of 600 × 400 pixels, 8 bits.

    Examples
    --------
    >>> sample_photo().name
    'coffee-vivid.png'
    """
    return Path(str(resources.files("core") / "samples" / "coffee-vivid.png"))
