"""A network that is told how far to go: by the hint that a photo's file carries."""

from __future__ import annotations

import copy
from contextlib import closing
from typing import TYPE_CHECKING

from core.engine.expansion import ExpansionSettings
from core.engine.method import Method, OriginalMethod
from core.gamut import naive_inversion
from core.methods.registry import DEFAULT, HINT, method
from core.payload.carried import Carried
from core.payload.hint import LARGEST_HINT, Hint, make_hint
from core.payload.lost import lost_pixels

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.colour import Adaptation, ColourSpace
    from core.engine.method import Subject, TileReport, Worker
    from core.engine.tiling import Source, Tile
    from core.gamut import Codes, FloatImage
    from core.progress import Check


class HintedMethod(Method):
    """A method whose steps are multiplied by the factors of a hint.

    Parameters
    ----------
    method : Method
        The one that the hint was made for.
    hint : Hint
        Of the photo. Where the settings name another source gamut, its factors are not used.
    """

    def __init__(self, method: Method, hint: Hint) -> None:
        self.method, self.hint = method, hint
        self.name, self.summary, self.needs = method.name, method.summary, method.needs
        self.parameters, self.sha256, self.solver = method.parameters, method.sha256, method.solver
        self.payload_size = LARGEST_HINT
        self.source = hint.source

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker | None:
        """Return what restores the tiles of a photo."""
        worker = self.method.worker(codes, settings, check)
        return None if worker is None else _HintedWorker(worker, self.hint, settings.tolerance)


class HintMethod(OriginalMethod):
    """The recommended network, with a hint that is made of each photo's original."""

    name = HINT
    summary = f"{DEFAULT} with a hint of the original ({LARGEST_HINT} bytes in the sRGB file)"
    payload_size = LARGEST_HINT

    def __init__(self) -> None:
        self.method = method(DEFAULT)
        self.parameters, self.sha256 = self.method.parameters, self.method.sha256

    @property
    def refusal(self) -> str:
        """What people are told where there is no original."""
        return (
            f"A hint is made of a photo's wide-gamut original; make an sRGB file that carries it "
            f"with gamut reduce, and expand that one by “{DEFAULT}”."
        )

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, Method]:
        """Make the hint; see :meth:`core.engine.method.Method.fitted`."""
        settings = ExpansionSettings(tolerance=tolerance, adaptation=adaptation)
        work = lost_pixels(codes, original, self.method, settings=settings)
        with closing(work):
            lost = yield from work
        hint = make_hint(lost)
        found = HintedMethod(self.method, hint).renamed(self.name)
        found.payload_size = len(hint.record(codes, self.sha256).serialise())
        return found


def with_hint(method: Method, subject: Subject) -> Method:
    """Return a method with what a photo's file says of its original.

    Parameters
    ----------
    method : Method
        A network.
    subject : Subject
        The photo.

    Returns
    -------
    Method
        With the hint's factors where they were made for these pixels and these weights; else
        with the source gamut alone, if the file states it; its notes say what was found.

    Examples
    --------
    >>> import numpy as np
    >>> from core.engine.method import Subject
    >>> from core.engine.tiling import ArraySource
    >>> from core.methods.registry import method
    >>> letnet = method("letnet-box")
    >>> photo = Subject(ArraySource(np.zeros((4, 6, 3), np.uint8)))
    >>> with_hint(letnet, photo) is letnet  # its file carries nothing
    True
    """
    if subject.payload is None:
        return method
    carried = Carried.of(subject.payload, subject.codes, method.sha256)
    bound = copy.copy(method) if carried.hint is None else HintedMethod(method, carried.hint)
    bound.source = carried.source
    bound.notes = carried.notes
    return bound


class _HintedWorker:
    """A worker whose estimates go as far as the hint says."""

    def __init__(self, worker: Worker, hint: Hint, tolerance: float) -> None:
        self._worker, self._hint, self._tolerance = worker, hint, tolerance
        self.tile, self.halo, self.told = worker.tile, worker.halo, True

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        return self._worker.solve(window, region, tiles, answers)

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        scene = self._worker.scene(codes, answers, source)
        if source != self._hint.source:
            return scene
        naive = naive_inversion(codes)
        return naive + self._hint.factors(codes, self._tolerance) * (scene - naive)
