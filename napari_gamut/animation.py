"""Iterations as a picture that moves, for talks."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from napari_gamut.photos import LayerError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

SUFFIXES = (".gif", ".png")
_LONGEST = 800
_REST = 5
"""The last picture stays so many times as long."""


def write_animation(
    path: Path, pictures: Sequence[npt.NDArray[np.uint8]], milliseconds: int
) -> Generator[tuple[int, int], None, Path]:
    """Write pictures as a GIF or an animated PNG, small enough for a slide.

    Parameters
    ----------
    path : Path
        Ends in .gif or .png; an existing file is replaced, since people were asked.
    pictures : sequence of ndarray, uint8, shape (h, w, 3)
        sRGB codes.
    milliseconds : int
        Of each picture.

    Yields
    ------
    (int, int)
        Pictures done and in all.

    Raises
    ------
    PhotoError
        If the name ends in something else, or the file cannot be written.
    """
    from PIL import Image

    from core.files import write_bytes

    if path.suffix.lower() not in SUFFIXES:
        raise LayerError(f"“{path.name}” is no animation; end its name in .gif or .png.")
    frames = []
    for number, picture in enumerate(pictures):
        yield number, len(pictures)
        image = Image.fromarray(picture)
        image.thumbnail((_LONGEST, _LONGEST))
        frames.append(image)
    times = [milliseconds] * (len(frames) - 1) + [_REST * milliseconds]
    content = io.BytesIO()
    frames[0].save(
        content,
        format="GIF" if path.suffix.lower() == ".gif" else "PNG",
        save_all=True,
        append_images=frames[1:],
        duration=times,
        loop=0,
    )
    write_bytes(path, content.getvalue(), overwrite=True)
    return path
