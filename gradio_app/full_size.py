"""A result in its own pixels, cut into tiles as somebody looks at them."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.colour import DISPLAY_P3, SRGB
from core.files import icc_profile, open_rows, read
from core.gamut import naive_inversion
from core.images import row_bands
from core.pictures.screens import screen_codes
from gradio_app.uploads import checked, without_paths

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gradio_app.context import Workplace
    from gradio_app.photo_expansion import Outcome

TILE = 512
"""Pixels of a tile's side."""

SIDES = ("before", "after")
_KINDS = {"wide": DISPLAY_P3, "muted": SRGB}
_TOKEN = re.compile(r"[0-9a-f]{40}")
_QUALITY = 95


def full_size(
    place: Workplace, path: str, outcome: Outcome
) -> Generator[tuple[int, int], None, str]:
    """Put a result's pixels down as a screen takes them, beside its file.

    Parameters
    ----------
    place : Workplace
        Limits.
    path : str
        The upload.
    outcome : Outcome
        What became of it.

    Yields
    ------
    (int, int)
        Rows done and in all.

    Returns
    -------
    str
        The token by which :func:`tile` finds them.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    folder = outcome.target.parent
    upload = checked(path, place.uploads, place.settings)
    place.begin()
    with without_paths(upload):
        with open_rows(upload.path, limits=place.settings.limits) as reader:
            codes = reader.srgb_codes()
        after = read(outcome.target).scene()
    written = [
        np.lib.format.open_memmap(_part(folder, side), "w+", np.uint8, codes.shape)
        for side in SIDES
    ]
    for rows in row_bands(after):
        naive = naive_inversion(codes[rows])
        for pixels, scene in zip(written, (naive, after[rows]), strict=True):
            pixels[rows] = screen_codes(scene, naive, DISPLAY_P3)
        yield rows.stop, len(after)
    for pixels, side in zip(written, SIDES, strict=True):
        pixels.flush()
        _part(folder, side).replace(_pixels(folder, side))
    return folder.name


def tile(uploads: Path, token: str, side: str, kind: str, column: int, row: int) -> bytes | None:
    """Return a part of a result as a JPEG file; None where there is none.

    Parameters
    ----------
    uploads : Path
        Where results lie.
    token : str
        Of one of them.
    side : {"before", "after"}
        Of the photo.
    kind : {"wide", "muted"}
        For a screen wider than sRGB, or muted for any.
    column, row : int
        Which tile.
    """
    if _TOKEN.fullmatch(token) is None or side not in SIDES or kind not in _KINDS:
        return None
    with suppress(OSError, ValueError):
        pixels = np.load(_pixels(uploads / token, side), mmap_mode="r", allow_pickle=False)
        part = pixels[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        if part.size:
            file = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(part)).save(
                file, "JPEG", quality=_QUALITY, subsampling=0, icc_profile=icc_profile(_KINDS[kind])
            )
            return file.getvalue()
    return None


def _pixels(folder: Path, side: str) -> Path:
    return folder / f"{side}-full.npy"


def _part(folder: Path, side: str) -> Path:
    return folder / f"{side}-full.npy.part"
