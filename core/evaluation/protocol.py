"""How photos are reduced for an evaluation, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from core.checks import check_fields
from core.colour import PROPHOTO, SRGB, Adaptation, convert
from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.evaluation.originals import through_jpeg
from core.gamut import LOSSY_TOLERANCE, Codes, FloatImage, Mask, out_of_gamut_mask, reduce
from core.styles import AS_IS, STYLES, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.colour import ColourSpace
    from core.engine.method import Method


@dataclass(frozen=True)
class Protocol:
    """How photos are reduced and estimates finished.

    Attributes
    ----------
    name : str
        In tables.
    adaptation : {"Bradford", "CAT02"}
        Between ProPhoto's white and that of sRGB.
    project : bool
        Whether estimates are projected into the feasible box.
    """

    name: str
    adaptation: Adaptation
    project: bool


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "box": Protocol("box", "Bradford", True),
        # Le et al. 2023 and Xiao et al. 2024.
        "paper": Protocol("paper", "CAT02", False),
    }
)


@dataclass(frozen=True)
class EvaluationSettings:
    """How methods are evaluated.

    Attributes
    ----------
    styles : mapping of str to Style
        How photos are finished before the reduction.
    protocol : Protocol
        Adaptation and projection.
    source_known : bool
        Whether methods are told the space in which the original's colours lay.
    jpeg_quality : int, optional
        Passes the reduced photo through JPEG of this quality (1 to 100).
    subsampling : {"420", "444"}
        Of the JPEG's colours; cameras and most programs halve them ("420").
    max_side : int, optional
        Larger photos are area-averaged to this length of the longer side.
    perceptual : bool
        Whether FLIP and LPIPS are measured where they are available.
    written : bool
        Whether the round trip is also measured through a written 16-bit ProPhoto file.
    steps : int, optional
        Most iterations of networks that iterate; the model's, unless given.
    residual : float, optional
        At which relative residual they stop; the model's, unless given.
    expansion : ExpansionSettings
        Tile, device and precision; the rest of it follows from the protocol and the method.
    """

    styles: Mapping[str, Style] = field(default_factory=lambda: dict(STYLES))
    protocol: Protocol = PROTOCOLS["box"]
    source_known: bool = False
    jpeg_quality: int | None = None
    subsampling: Literal["420", "444"] = "420"
    max_side: int | None = None
    perceptual: bool = True
    written: bool = False
    steps: int | None = None
    residual: float | None = None
    expansion: ExpansionSettings = field(default_factory=ExpansionSettings)

    def __post_init__(self) -> None:
        """Check the fields, naming the one that is out of range."""
        checks = {
            "styles": bool(self.styles),
            "jpeg_quality": self.jpeg_quality is None or 1 <= self.jpeg_quality <= 100,
            "subsampling": self.subsampling in ("420", "444"),
            "max_side": self.max_side is None or self.max_side >= 16,
            "steps": self.steps is None or self.steps >= 1,
            "residual": self.residual is None or self.residual >= 0.0,
        }
        check_fields(
            self,
            checks,
            "The setting {name} = {value!r} of an evaluation is out of range; choose another one.",
            PhotoError,
        )

    @property
    def tolerance(self) -> float:
        """Noise of the reduced photo, in 8-bit codes."""
        return 0.0 if self.jpeg_quality is None else LOSSY_TOLERANCE

    def told(self, gamut: ColourSpace | None, style: Style) -> EvaluationSettings:
        """Return the settings for a photo: where methods are told it, with its source gamut.

        Parameters
        ----------
        gamut, style
            As for :func:`source_in`.
        """
        told = source_in(gamut, style) if self.source_known else None
        return replace(self, expansion=replace(self.expansion, source=told))

    def expansion_settings(self, method: Method) -> ExpansionSettings:
        """Return the settings of a method's expansion under the protocol."""
        solver = method.solver
        return replace(
            self.expansion,
            solver=None if solver is None else solver.changed(self.steps, self.residual),
            space=PROPHOTO,
            adaptation=self.protocol.adaptation,
            project=self.protocol.project,
            tolerance=self.tolerance,
        )


def source_in(gamut: ColourSpace | None, style: Style) -> ColourSpace | None:
    """Return the space in which a photo's colours lie in a style; None where it is unknown.

    Parameters
    ----------
    gamut : ColourSpace or None
        In which they lie as the photo is, where that is known.
    style : Style
        Which takes them anywhere in ProPhoto, unless it leaves them as they are.

    Examples
    --------
    >>> from core.styles import VIVID
    >>> source_in(None, AS_IS) is None, source_in(None, VIVID).name
    (True, 'ProPhoto RGB')
    """
    return gamut if style == AS_IS else PROPHOTO


def reduced(
    reference: FloatImage, settings: EvaluationSettings, method: Method | None = None
) -> tuple[Codes, Mask]:
    """Reduce an original as the protocol says.

    Parameters
    ----------
    reference : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.
    settings : EvaluationSettings
        Adaptation and JPEG.
    method : Method, optional
        One that may reduce photos in a way of its own; by clipping unless given.

    Returns
    -------
    codes : ndarray, uint8, shape (H, W, 3)
        sRGB codes.
    out_of_gamut : ndarray, bool, shape (H, W)
        Pixels of the original that sRGB cannot hold.

    Examples
    --------
    >>> from core.pictures.chart import wide_gamut_chart
    >>> codes, outside = reduced(wide_gamut_chart(8), EvaluationSettings())
    >>> codes.dtype, f"{outside.mean():.0%} of the pixels lost colour"
    (dtype('uint8'), '33% of the pixels lost colour')
    """
    scene = convert(reference, PROPHOTO, SRGB, settings.protocol.adaptation)
    codes = reduce(scene) if method is None else method.reduced(scene)
    if settings.jpeg_quality is not None:
        codes = through_jpeg(codes, settings.jpeg_quality, settings.subsampling)
    return codes, out_of_gamut_mask(scene)
