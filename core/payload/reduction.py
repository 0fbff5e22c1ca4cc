"""Reducing files: a wide-gamut photo in, an sRGB file out that carries what helps to undo it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.checks import check_fields
from core.colour import SPACES, SRGB, ColourSpace
from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.files import format_of, read, write_codes
from core.files.privacy import without_private
from core.gamut import ROUNDING, clipped_mask, out_of_gamut_mask, reduce, share
from core.payload.embedding import Embedding, write_embedded
from core.progress import finished

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator

    from core.engine.method import Method
    from core.files import Photo
    from core.files.writing import Frame
    from core.gamut import Codes, Depth, FloatImage
    from core.payload.gamut_mlp import FitSettings

_EIGHT_BITS = ("jpeg", "webp", "avif")
_NO_ALPHA = ("jpeg",)


@dataclass(frozen=True)
class ReductionSettings:
    """How a file is reduced.

    Attributes
    ----------
    depth : {8, 16}
        Bits per channel.
    quality : int, optional
        1 to 100; by default 95 for JPEG, and 100, which is lossless, for WebP, AVIF and JPEG XL.
    assume : ColourSpace
        The space of a photo that does not say its own.
    hint : bool
        Whether the file carries a hint how far expansion is to go (at most 64 bytes).
    network : FitSettings, optional
        Fits a network to what the photo loses, which the file carries as well.
    keep_private : bool
        Whether metadata that may tell of a person are carried over.
    overwrite : bool
        Whether a file of that name may be replaced.
    device : str
        Where the hint is worked out: "auto", "cpu", "cuda", ...
    """

    depth: Depth = 8
    quality: int | None = None
    assume: ColourSpace = SRGB
    hint: bool = True
    network: FitSettings | None = None
    keep_private: bool = True
    overwrite: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "depth": self.depth in (8, 16),
            "quality": self.quality is None or 1 <= self.quality <= 100,
        }
        check_fields(self, checks)


@dataclass(frozen=True)
class ReductionReport:
    """What became of a file.

    Attributes
    ----------
    input, output : str
        The files.
    profile : str
        What the photo was.
    out_of_gamut_share : float
        Share of the pixels, 0..1, whose colours sRGB cannot hold.
    clipped_share : float
        Share of the pixels, 0..1, with a code at an end of the range, before any compression.
    payload_size, hint_size : int
        Bytes that the file carries to bring the colours back: in all, and of the hint.
    notes : tuple of str
        Sentences for people.
    """

    input: str
    output: str
    profile: str
    out_of_gamut_share: float
    clipped_share: float
    payload_size: int = 0
    hint_size: int = 0
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def reduce_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    method: Method | None = None,
    settings: ReductionSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReductionReport:
    """Reduce a wide-gamut photo to an sRGB file.

    Parameters
    ----------
    source : path
        Any photo that can be read.
    target : path
        PNG, TIFF, JPEG, WebP, AVIF or JPEG XL, by its suffix.
    method : Method, optional
        The network that the hint is for; it has to be given where the settings ask for a hint.
    settings : ReductionSettings, optional
        How.
    progress : callable, optional
        Called with steps done and steps in all.

    Returns
    -------
    ReductionReport

    Raises
    ------
    PhotoError
        If the photo cannot be read, or the file cannot be written so.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import sample_photo
    >>> with TemporaryDirectory() as folder:
    ...     wide = sample_photo().with_name("rocket.jpg")  # Adobe RGB
    ...     report = reduce_file(
    ...         wide, f"{folder}/rocket.png", settings=ReductionSettings(hint=False)
    ...     )
    ...     read(f"{folder}/rocket.png").space.name
    'sRGB'
    """
    return finished(file_reduction(source, target, method, settings), progress)


def file_reduction(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    method: Method | None = None,
    settings: ReductionSettings | None = None,
    photo: Photo | None = None,
) -> Generator[tuple[int, int], None, ReductionReport]:
    """Reduce a file step by step; closing the generator cancels, and leaves no file.

    Parameters
    ----------
    source, target, method, settings
        As for :func:`reduce_file`.
    photo : Photo, optional
        The source, where it has been read already.

    Yields
    ------
    (int, int)
        Steps done and steps in all.

    Returns
    -------
    ReductionReport

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import sample_photo
    >>> with TemporaryDirectory() as folder:
    ...     wide = sample_photo().with_name("rocket.jpg")
    ...     settings = ReductionSettings(hint=False)
    ...     report = finished(file_reduction(wide, f"{folder}/rocket.png", settings=settings))
    >>> report.payload_size
    0
    """
    settings = settings or ReductionSettings()
    source, target = Path(source), Path(target)
    format_key = format_of(target)
    if format_key in _EIGHT_BITS and settings.depth == 16:
        raise PhotoError(
            f"“{target}” is written with 8 bits per channel; choose a depth of 8, or PNG, TIFF or "
            "JPEG XL."
        )
    if settings.hint and method is None:
        raise ValueError("A hint is for a method; give one, or settings without a hint.")
    photo = photo or read(source, assume=settings.assume)
    scene, codes = photo.scene(), photo.srgb_codes()
    if codes is None or codes.dtype.itemsize * 8 != settings.depth:
        codes = reduce(scene, settings.depth)
    notes = photo.notes
    if photo.alpha is not None and format_key in _NO_ALPHA:
        notes = (*notes, "The opacity (alpha) was left out, since JPEG holds none.")
    made = yield from _written(source, target, photo, codes, scene, method, settings)
    return ReductionReport(
        str(source),
        str(target),
        photo.profile_name,
        share(out_of_gamut_mask(scene, ROUNDING)),
        share(clipped_mask(codes)),
        made.size,
        made.hint_size,
        (*notes, *made.notes),
    )


def _written(
    source: Path,
    target: Path,
    photo: Photo,
    codes: Codes,
    scene: FloatImage,
    method: Method | None,
    settings: ReductionSettings,
) -> Generator[tuple[int, int], None, Embedding]:
    """Write the file, with what it is to carry."""
    metadata = photo.metadata if settings.keep_private else without_private(photo.metadata)
    frame: Frame = {
        "metadata": metadata,
        "alpha": photo.alpha,
        "quality": settings.quality,
        "overwrite": settings.overwrite,
        "source": source,
    }
    if not settings.hint and settings.network is None:
        lost = write_codes(target, codes, **frame)
        yield 1, 1
        return Embedding(notes=lost)
    work = write_embedded(
        target,
        codes,
        scene,
        method if settings.hint else None,
        settings.network,
        stated=SPACES.get(photo.info.space or ""),
        settings=ExpansionSettings(device=settings.device),
        **frame,
    )
    with closing(work):
        return (yield from work)
