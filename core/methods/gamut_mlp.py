"""GamutMLP as a method: fitted to a photo's original, or found in the photo's file."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from core.engine.method import Method, Needs, Place, WindowMethod
from core.errors import PhotoError
from core.methods.registry import EMBEDDED, GAMUT_MLP
from core.payload.embedding import from_payload
from core.payload.gamut_mlp import PARAMETERS, FitSettings, GamutMlp, fit

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.colour import Adaptation
    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Subject, Worker
    from core.engine.tiling import Source
    from core.gamut import Codes, FloatImage
    from core.progress import Check

_PAYLOAD_SIZE = 4 * PARAMETERS


class FittedGamutMlp(WindowMethod):
    """A network that was fitted to one photo, and restores that photo alone.

    Parameters
    ----------
    mlp : GamutMlp
        The network.
    """

    name = GAMUT_MLP
    summary = "GamutMLP (Le et al., CVPR 2023), fitted to this photo"
    needs = Needs.PAYLOAD
    parameters = PARAMETERS
    payload_size = _PAYLOAD_SIZE
    told = False

    def __init__(self, mlp: GamutMlp) -> None:
        self.mlp = mlp
        self.sha256 = mlp.sha256

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Return what restores the photo.

        Raises
        ------
        PhotoError
            If the photo is of another size than the one that it was fitted to.
        """
        height, width, _ = codes.shape
        mlp = self.mlp
        if (height, width) != (mlp.height, mlp.width):
            raise PhotoError(
                f"The network was fitted to a photo of {mlp.width} × {mlp.height} pixels, not "
                f"{width} × {height}; take that photo, or another method."
            )
        return super().worker(codes, settings, check)

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Estimate the colours of a window, pixel by pixel."""
        return self.mlp.estimate(window, place.top, place.left, settings.tolerance)


class GamutMlpMethod(Method):
    """A network that is fitted to each photo's original while the photo is reduced.

    Parameters
    ----------
    settings : FitSettings, optional
        How it is fitted.
    """

    name = GAMUT_MLP
    summary = "GamutMLP (Le et al., CVPR 2023): fitted to the original, travels in the sRGB file"
    needs = Needs.ORIGINAL
    parameters = PARAMETERS
    payload_size = _PAYLOAD_SIZE

    def __init__(self, settings: FitSettings | None = None) -> None:
        self.settings = settings or FitSettings()

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Refuse: without its original, a photo has no such network."""
        raise PhotoError(
            f"{self.name} is fitted to a photo's wide-gamut original; make an sRGB file that "
            f"carries it with gamut reduce --embed, and expand that one by “{EMBEDDED}”."
        )

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, FittedGamutMlp]:
        """Fit a network to a photo; see :meth:`core.engine.method.Method.fitted`."""
        work = fit(codes, original, self.settings, tolerance=tolerance, adaptation=adaptation)
        with closing(work):
            mlp = yield from work
        return FittedGamutMlp(mlp).renamed(self.name)


class Embedded(Method):
    """Whatever network the photo's own file carries."""

    name = EMBEDDED
    summary = "The network that the photo's own file carries (gamut reduce --embed)"
    needs = Needs.PAYLOAD

    def bound(self, subject: Subject) -> FittedGamutMlp:
        """Return the network of a photo's file.

        Raises
        ------
        PhotoError
            If the file carries none, or the pixels are no longer those that it was fitted to.
        """
        if subject.payload is None:
            raise PhotoError(
                f"“{subject.origin}” carries no network of its own; choose another method, or "
                "make such a file from the original with gamut reduce --embed."
            )
        codes = subject.codes.rows(0, subject.codes.shape[0])
        return FittedGamutMlp(from_payload(subject.payload, codes, subject.origin))

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Refuse: codes alone carry nothing."""
        raise PhotoError(
            "Pixels alone carry no network; expand the photo's own file, or choose another method."
        )
