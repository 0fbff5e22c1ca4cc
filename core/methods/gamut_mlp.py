"""GamutMLP as a method: fitted to a photo's original, or found in the photo's file."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.engine.expansion import ExpansionSettings
from core.engine.method import Method, Needs, OriginalMethod, Place, WindowMethod
from core.errors import PhotoError
from core.methods.hinted import HintedMethod
from core.methods.registry import DEFAULT, EMBEDDED, GAMUT_MLP, method
from core.payload.carried import Carried
from core.payload.embedding import hinted
from core.payload.gamut_mlp import DEFAULT_SIZE, FORMS, FitSettings, GamutMlp, fit
from core.payload.hint import LARGEST_HINT, make_hint
from core.payload.lost import lost_pixels
from core.payload.network_record import network_of, network_record
from core.payload.records import LARGEST, joined, model_mark
from core.progress import scaled

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.colour import Adaptation, ColourSpace
    from core.engine.method import Subject, TileReport, Worker
    from core.engine.tiling import Source, Tile
    from core.gamut import Codes, FloatImage
    from core.progress import Check

_HALF = 1000


class FittedGamutMlp(WindowMethod):
    """A network that was fitted to one photo, and restores that photo alone.

    Parameters
    ----------
    mlp : GamutMlp
        The network.
    base : Method, optional
        Whose estimate it corrects; the naive inversion unless given.
    source : ColourSpace, optional
        The space in which the colours of the photo's original lay.
    """

    name = GAMUT_MLP
    summary = "GamutMLP (Le et al., CVPR 2023), fitted to this photo"
    needs = Needs.PAYLOAD
    told = False

    def __init__(
        self, mlp: GamutMlp, base: Method | None = None, source: ColourSpace | None = None
    ) -> None:
        self.mlp, self.base, self.source = mlp, base, source
        self.sha256 = mlp.sha256
        self.parameters = mlp.network.form.parameters
        self.solver = None if base is None else base.solver

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
        under = None if self.base is None else self.base.worker(codes, settings, check)
        if under is None:
            return super().worker(codes, settings, check)
        return _CorrectingWorker(under, mlp, settings)

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Estimate the colours of a window, pixel by pixel."""
        return self.mlp.estimate(window, place.top, place.left, settings.tolerance)


class GamutMlpMethod(OriginalMethod):
    """A network that is fitted to each photo's original while the photo is reduced.

    Parameters
    ----------
    settings : FitSettings, optional
        How it is fitted.
    size : str, optional
        Of the network, one of :data:`core.payload.gamut_mlp.FORMS`, if not that of the settings.
    """

    summary = "GamutMLP (Le et al., CVPR 2023) on LETNet-box, fitted to the original"

    def __init__(self, settings: FitSettings | None = None, size: str | None = None) -> None:
        self.settings = settings or FitSettings()
        if size is not None:
            self.settings = replace(self.settings, size=size)
        size = self.settings.size
        self.name = GAMUT_MLP if size == DEFAULT_SIZE else f"{GAMUT_MLP}-{size}kb"
        self.parameters = FORMS[size].parameters
        self.payload_size = LARGEST_HINT + min(round(1024 * float(size)), LARGEST)
        self._base = method(DEFAULT)

    @property
    def refusal(self) -> str:
        """What people are told where there is no original."""
        return (
            f"{self.name} is fitted to a photo's wide-gamut original; make an sRGB file that "
            f"carries it with gamut reduce --embed, and expand that one by “{EMBEDDED}”."
        )

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, FittedGamutMlp]:
        """Fit a network to a photo; see :meth:`core.engine.method.Method.fitted`."""
        settings = ExpansionSettings(tolerance=tolerance, adaptation=adaptation)
        finding = lost_pixels(codes, original, self._base, settings=settings)
        with closing(scaled(finding, 0, _HALF, 2 * _HALF)) as work:
            lost = yield from work
        hint = make_hint(lost)
        base, lost = HintedMethod(self._base, hint), hinted(lost, hint)
        fitting = fit(lost, self.settings)
        with closing(scaled(fitting, _HALF, 2 * _HALF, 2 * _HALF)) as work:
            mlp = yield from work
        found = FittedGamutMlp(mlp, base, lost.settings.source).renamed(self.name)
        mark = self._base.sha256
        network = network_record(mlp, codes, lost.settings.source, mark)
        found.payload_size = len(joined([hint.record(codes, mark), network]))
        return found


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
        origin = subject.origin
        if subject.payload is None:
            raise PhotoError(
                f"“{origin}” carries no network of its own; choose another method, or "
                "make such a file from the original with gamut reduce --embed."
            )
        default = method(DEFAULT)
        carried = Carried.of(subject.payload, subject.codes, default.sha256)
        record = carried.network
        if record is None and not carried.is_damaged:
            raise PhotoError(
                f"“{origin}” carries a hint, but no network of its own; choose “{DEFAULT}”, which "
                "uses the hint."
            )
        if carried.is_edited:
            raise PhotoError(
                f"“{origin}” was edited, resized or saved again since it got its network, which "
                "fits it no longer; choose another method."
            )
        try:
            if record is None:
                raise ValueError("no sound records")
            mlp = network_of(record, *subject.codes.shape[:2])
        except ValueError as error:
            raise PhotoError(
                f"The network that “{origin}” carries is damaged or from another version; choose "
                "another method."
            ) from error
        base: Method | None = None
        if record.model != model_mark(""):
            if record.model != model_mark(default.sha256):
                raise PhotoError(
                    f"The network that “{origin}” carries corrects other weights than those of "
                    f"this version's {default.name}; use the version that wrote it, or another "
                    "method."
                )
            base = default if carried.hint is None else HintedMethod(default, carried.hint)
        bound = FittedGamutMlp(mlp, base, carried.source)
        bound.notes = ("The photo was restored by the network that it carries.",)
        return bound

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Refuse: codes alone carry nothing."""
        raise PhotoError(
            "Pixels alone carry no network; expand the photo's own file, or choose another method."
        )


class _CorrectingWorker:
    """A photo's own network on top of another worker."""

    told = True

    def __init__(self, under: Worker, mlp: GamutMlp, settings: ExpansionSettings) -> None:
        self._under, self._mlp, self._settings = under, mlp, settings
        self.tile, self.halo = under.tile, under.halo

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        found = np.empty_like(answers)
        reports = self._under.solve(window, region, tiles, found)
        for tile in tiles:
            rows, columns = tile.rows, tile.columns
            top = rows.start - region.rows.window_start
            left = columns.start - region.columns.window_start
            codes = window[
                top : top + rows.stop - rows.start, left : left + columns.stop - columns.start
            ]
            place = tile.filled_in(region)
            flat = found[place].reshape(-1, 3)
            base = self._under.scene(codes.reshape(-1, 3), flat, self._settings.source)
            answers[place] = self._mlp.estimate(
                codes,
                rows.start,
                columns.start,
                self._settings.tolerance,
                base.reshape(codes.shape),
            )
        return reports

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        return answers
