"""A wide photo to an sRGB file that carries what it loses."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.files import read
from core.payload.gamut_mlp import FitSettings
from core.payload.reduction import ReductionSettings, file_reduction
from gradio_app.uploads import checked, without_paths

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from gradio_app.context import Workplace


@dataclass(frozen=True)
class Reduced:
    """An sRGB file that carries what it lost.

    Attributes
    ----------
    target : Path
        The file.
    lost_share : float
        Of the pixels that sRGB cannot hold, 0..1.
    carried : int
        Bytes that bring them back.
    """

    target: Path
    lost_share: float
    carried: int


def reduction(
    place: Workplace, path: str | None, private: bool, folder: Path
) -> Generator[tuple[int, int], None, Reduced]:
    """Reduce an upload to sRGB, and let the file carry what that loses.

    Parameters
    ----------
    place : Workplace
        Limits.
    path : str or None
        The upload: JPEG for a lossy one, else PNG is written.
    private : bool
        Whether the place, serial numbers and the owner's name stay in the EXIF.
    folder : Path
        Where the file is put.

    Yields
    ------
    (int, int)
        Steps of fitting done and in all.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    upload = checked(path, place.uploads, place.settings)
    place.begin()
    settings = ReductionSettings(
        hint=False, network=FitSettings(), keep_private=private, device=place.settings.device
    )
    with without_paths(upload):
        photo = read(upload.path, limits=place.settings.limits)
        target = folder / f"{upload.stem}-srgb{'.jpg' if photo.lossy else '.png'}"
        work = file_reduction(upload.path, target, settings=settings, photo=photo)
        with closing(work):
            report = yield from work
    return Reduced(target, report.out_of_gamut_share, report.payload_size)
