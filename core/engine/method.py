"""What a method is: something that turns sRGB codes into the colours of a wide gamut.

The engine, the faces, the evaluation and the command line know methods by this idea alone; which
methods there are is the business of :mod:`core.methods`.
"""

from __future__ import annotations

import copy
import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from core.errors import PhotoError
from core.gamut import reduce
from core.network.solver import Status

if TYPE_CHECKING:
    from collections.abc import Generator

    from core.colour import Adaptation, ColourSpace
    from core.engine.expansion import ExpansionSettings
    from core.engine.tiling import Source, Tile
    from core.gamut import Codes, Depth, FloatImage
    from core.network.solver import SolverSettings
    from core.progress import Check


class Needs(enum.Enum):
    """What a method needs beside the sRGB photo."""

    NOTHING = "nothing"
    WEIGHTS = "weights"
    ORIGINAL = "the original, when the photo is reduced"
    PAYLOAD = "what the file carries"


@dataclass(frozen=True)
class TileReport:
    """How one tile was restored.

    Attributes
    ----------
    top, left, height, width : int
        The pixels that the tile fills.
    steps : int
        Evaluations of the cell of an equilibrium network; 1 where there is none.
    residual : float
        The last relative residual.
    status : Status
        How the search for the fixed point ended.
    """

    top: int
    left: int
    height: int
    width: int
    steps: int
    residual: float
    status: Status

    @classmethod
    def of(cls, tile: Tile, steps: int, residual: float, status: Status) -> TileReport:
        """Return the report of a tile."""
        rows, columns = tile.rows, tile.columns
        size = rows.stop - rows.start, columns.stop - columns.start
        return cls(rows.start, columns.start, *size, steps, residual, status)

    @classmethod
    def over(cls, tile: Tile, reports: list[TileReport]) -> TileReport:
        """Return the report of a tile that was cut into pieces: the hardest one's figures."""
        return cls.of(
            tile,
            max(report.steps for report in reports),
            max(report.residual for report in reports),
            max((report.status for report in reports), key=_SEVERITY.index),
        )


_SEVERITY = (Status.NOT_SOUGHT, Status.CONVERGED, Status.STEP_LIMIT, Status.NON_FINITE)


@dataclass(frozen=True)
class Place:
    """Where a window lies in its photo, in pixels.

    Attributes
    ----------
    top, left : int
        Its first row and column.
    photo_height, photo_width : int
        Size of the whole photo.
    """

    top: int
    left: int
    photo_height: int
    photo_width: int


@dataclass(frozen=True)
class Subject:
    """A photo that is to be expanded, with what its file carries.

    Attributes
    ----------
    codes : Source
        Its sRGB codes.
    payload : bytes or None
        What the file carries for recovering colours, unchecked.
    origin : str
        The file's name, for errors.
    """

    codes: Source
    payload: bytes | None = None
    origin: str = "the photo"


class Worker(Protocol):
    """A method at work on one photo.

    Attributes
    ----------
    tile, halo : int
        Side of the tiles that it takes, and of their surroundings that it looks at, in pixels.
    told : bool
        Whether its answers depend on the source gamut, so that another one needs new answers.
    """

    tile: int
    halo: int
    told: bool

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        """Answer for tiles whose windows have the same size.

        Parameters
        ----------
        window : ndarray, uint8 or uint16, shape (h, w, 3)
            sRGB codes of a part of the photo with its halo.
        region : Tile
            Which part that is.
        tiles : list of Tile
            Within the part. They begin on a grid of 16 pixels, but may be smaller than `tile`.
        answers : ndarray, float32, of the pixels that the part fills, and 3 channels
            Receives what is found of each pixel, in a form of the worker's own.
        """
        ...

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        """Turn answers into colours, pixel by pixel.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (P, 3)
            sRGB codes of any pixels of the photo.
        answers : ndarray, float32, shape (P, 3)
            What :meth:`solve` found of them.
        source : ColourSpace or None
            The source gamut, if it is known.

        Returns
        -------
        ndarray, float32, shape (P, 3)
            Estimates in scene-linear sRGB, unbounded.
        """
        ...


class Method(ABC):
    """Something that restores photos.

    A method of one's own overrides :meth:`worker`, or derives from :class:`WindowMethod`, which
    needs nothing but a function from codes to colours.

    Attributes
    ----------
    name : str
        By which it is chosen, and called in reports and tables.
    summary : str
        One line about it.
    needs : Needs
        What it needs beside the sRGB photo.
    parameters : int
        Number of its weights.
    payload_size : int
        Bytes of metadata that it adds to an sRGB file.
    sha256 : str
        Of its weights; empty where there are none.
    solver : SolverSettings or None
        How it seeks its fixed point, unless the settings say otherwise; None where it seeks none.
    source : ColourSpace or None
        The space in which the colours of its photo's original lay, where it knows it.
    notes : tuple of str
        Sentences for people about what it found in the photo's file.
    clips : bool
        Whether the codes that it restores come from clipping. Of other codes the feasible box
        says nothing, so that its estimates are not projected.
    trained : bool
        Whether it has the weights that it needs. One that has none refuses to restore anything.
    """

    name: str
    summary: str
    needs: Needs = Needs.NOTHING
    parameters: int = 0
    payload_size: int = 0
    sha256: str = ""
    solver: SolverSettings | None = None
    source: ColourSpace | None = None
    notes: tuple[str, ...] = ()
    clips: bool = True
    trained: bool = True

    @abstractmethod
    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker | None:
        """Return what restores the tiles of a photo; None if nothing has to be done to them.

        Parameters
        ----------
        codes : Source
            sRGB codes of the whole photo.
        settings : ExpansionSettings
            Tolerance, solver, tile, device and so on.
        check : callable, optional
            To be called often by long work; what it raises gives up the work.
        """

    def reduced(self, scene: FloatImage, depth: Depth = 8) -> Codes:
        """Return the sRGB codes that the method makes of a photo: by clipping, unless overridden.

        Parameters
        ----------
        scene : ndarray, float32, shape (H, W, 3)
            Scene-linear sRGB, unbounded.
        depth : {8, 16}
            Bits per channel.

        Returns
        -------
        ndarray, uint8 or uint16, shape (H, W, 3)
        """
        return reduce(scene, depth)

    def bound(self, subject: Subject) -> Method:
        """Return the method for a certain photo: itself, unless the file decides which it is."""
        return self

    def settled(self, settings: ExpansionSettings) -> ExpansionSettings:
        """Return settings with the source gamut that the method knows, unless they name one.

        Parameters
        ----------
        settings : ExpansionSettings
            What is asked for.

        Returns
        -------
        ExpansionSettings
            Also without a projection that does not apply (:meth:`projected`).
        """
        if settings.source is None and self.source is not None:
            settings = replace(settings, source=self.source)
        return self.projected(settings)

    def projected(self, settings: ExpansionSettings) -> ExpansionSettings:
        """Return settings without a projection where the codes do not come from clipping."""
        return settings if self.clips else replace(settings, project=False)

    def fitted(
        self, codes: Codes, original: FloatImage, tolerance: float, adaptation: Adaptation
    ) -> Generator[tuple[int, int], None, Method]:
        """Return the method for a photo whose original is at hand, fitted to it if it can be.

        Parameters
        ----------
        codes : ndarray, uint8 or uint16, shape (H, W, 3)
            The sRGB codes that the original was reduced to.
        original : ndarray, float32, shape (H, W, 3)
            Scene-linear sRGB, unbounded.
        tolerance : float
            Noise of the codes of a lossy file, in 8-bit codes.
        adaptation : {"Bradford", "CAT02"}
            Between sRGB's white and ProPhoto's.

        Yields
        ------
        (int, int)
            Steps done and in all.
        """
        yield from ()
        return self

    def renamed(self, name: str) -> Self:
        """Return the same method under another name."""
        other = copy.copy(self)
        other.name = name
        return other


class OriginalMethod(Method):
    """A method that takes a photo's wide-gamut original (:meth:`fitted`) and refuses codes alone.

    Attributes
    ----------
    refusal : str
        What is said then, and what to do instead.
    """

    needs = Needs.ORIGINAL

    @property
    @abstractmethod
    def refusal(self) -> str:
        """What people are told where there is no original."""

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker | None:
        """Refuse: there is no original.

        Raises
        ------
        PhotoError
            Always.
        """
        raise PhotoError(self.refusal)


class WindowMethod(Method):
    """A method that estimates the colours of any window of a photo by itself.

    Attributes
    ----------
    halo : int
        Pixels around a tile that it has to see, so that tiles show no seams.
    told : bool
        Whether its estimates depend on the source gamut of the settings.
    """

    halo: int = 0
    told: bool = True

    @abstractmethod
    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        """Estimate the colours of a window.

        Parameters
        ----------
        window : ndarray, uint8 or uint16, shape (h, w, 3)
            sRGB codes, with the halo where the photo has one.
        place : Place
            Where the window lies.
        settings : ExpansionSettings
            Tolerance, device and so on.

        Returns
        -------
        ndarray, floating, shape (h, w, 3)
            Scene-linear sRGB, unbounded. The engine projects it into what the codes allow.
        """

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker:
        """Return a worker that estimates tile by tile."""
        return _WindowWorker(self, codes, settings, check)


class _WindowWorker:
    def __init__(
        self, method: WindowMethod, codes: Source, settings: ExpansionSettings, check: Check | None
    ) -> None:
        self._method, self._settings, self._check = method, settings, check
        self._size = codes.shape[:2]
        self.tile, self.halo = (
            settings.tile,
            method.halo if settings.halo is None else settings.halo,
        )
        self.told = method.told

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        reports = []
        for tile in tiles:
            if self._check is not None:
                self._check()
            rows, columns = tile.rows, tile.columns
            place = Place(rows.window_start, columns.window_start, *self._size)
            seen = window[tile.seen_in(region)]
            estimate = np.asarray(self._method.estimate(seen, place, self._settings))
            answers[tile.filled_in(region)] = estimate[rows.inner, columns.inner]
            reports.append(TileReport.of(tile, 1, 0.0, Status.NOT_SOUGHT))
        return reports

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        return answers
