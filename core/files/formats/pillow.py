"""Opening files with Pillow's plugins, one by one and without their warnings.

The plugins are used directly: ``Image.open`` would try others, and has a size limit of its own.
"""

from __future__ import annotations

import threading
import warnings
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOCK = threading.Lock()


def opened(plugin: Callable[..., Any], source: Path | IO[bytes]) -> Any:
    """Return an image that a plugin has opened but not decoded.

    Pillow warns of damaged EXIF, which it reads for the resolution; ours is read elsewhere.

    Parameters
    ----------
    plugin : class
        Such as ``JpegImagePlugin.JpegImageFile``.
    source : Path or binary file
        What to read.

    Returns
    -------
    PIL.ImageFile.ImageFile

    Examples
    --------
    >>> from PIL import PngImagePlugin
    >>> from core.files.sample import sample_photo
    >>> with opened(PngImagePlugin.PngImageFile, sample_photo()) as image:
    ...     image.size
    (600, 400)
    """
    # The filters are one for all threads: without the lock, two readers could restore each
    # other's and leave all warnings off.
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plugin(source)
