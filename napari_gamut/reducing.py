"""A wide-gamut layer as an sRGB file, which may carry what the photo loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.colour import SRGB
from core.gamut import ROUNDING, out_of_gamut_mask, reduce, share
from napari_gamut.naming import percentage
from napari_gamut.photos import LayerError
from napari_gamut.saving import metadata_of
from napari_gamut.targets import completed

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from core.gamut import Codes
    from core.progress import Check
    from napari_gamut.photos import LayerPhoto

SUFFIXES = (".jpg", ".png", ".tif")
FILTER = "sRGB photos (*.jpg *.jpeg *.png *.tif *.tiff)"


@dataclass(frozen=True, eq=False)
class Reduced:
    """What became of a wide-gamut photo.

    Attributes
    ----------
    codes : ndarray, uint8, shape (H, W, 3)
        sRGB codes.
    lost : float
        Share of the pixels, 0..1, whose colour sRGB cannot hold.
    path : Path or None
        The file, if one was written.
    payload : int
        Bytes that the file carries to bring the colours back, 0 without.
    """

    codes: Codes
    lost: float
    path: Path | None = None
    payload: int = 0

    @property
    def sentence(self) -> str:
        """What people are told."""
        told = [f"In sRGB, {percentage(self.lost)} of the pixels lose colour."]
        if self.path is not None:
            told.append(f"Saved as {self.path.name}.")
        if self.payload:
            told.append(
                f"It carries {self.payload / 1000:.0f} KB, with which the method “The photo's own” "
                "brings them back."
            )
        return " ".join(told)


def target_of(path: str | Path) -> Path:
    """Return the file that people mean: without an ending, a JPEG.

    Raises
    ------
    LayerError
        If it is no file for sRGB codes, or if the name had no ending and the JPEG exists.
    """
    target = completed(path, ".jpg")
    if target.suffix.lower() not in (*SUFFIXES, ".jpeg", ".tiff"):
        raise LayerError(f"“{target.name}” is no JPEG, PNG or TIFF; end its name in .jpg.")
    return target


def reducing(
    photo: LayerPhoto,
    path: Path | None = None,
    *,
    carry: bool = False,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, Reduced]:
    """Reduce a wide-gamut layer to sRGB by clipping.

    Parameters
    ----------
    photo : LayerPhoto
        A single photo.
    path : Path, optional
        The file to write; an existing one is replaced, since people were asked.
    carry : bool
        Whether the file carries a hint and a network, fitted to what the photo loses (GamutMLP).
    check : callable, optional
        Called before the file takes its name; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Steps done and in all.
    """
    from core.files import write_codes
    from core.methods.registry import DEFAULT, method
    from core.payload.embedding import write_embedded
    from core.payload.gamut_mlp import FitSettings

    yield 0, 1
    scene = photo.linear(SRGB)
    codes = reduce(scene)
    lost = share(out_of_gamut_mask(scene, ROUNDING))
    if path is None:
        return Reduced(codes, lost)
    settings: dict[str, Any] = {
        "metadata": metadata_of(photo.record),
        "alpha": photo.alpha(),
        "overwrite": True,
        "source": photo.record.path or None,
        "check": check,
    }
    if not carry:
        write_codes(path, codes, **settings)
        return Reduced(codes, lost, path)
    default = method(DEFAULT)
    embedding = yield from write_embedded(path, codes, scene, default, FitSettings(), **settings)
    return Reduced(codes, lost, path, embedding.size)
