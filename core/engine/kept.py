"""What a method found of a photo, kept in files: what was solved once is not solved again.

Strength, target space, format and metadata only concern what is made of a method's answers. Where
one process solves and another one makes the next file, the answers wait on the disk meanwhile.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.method import Method, Subject, TileReport
from core.gamut import clipped_mask
from core.network.solver import Status

if TYPE_CHECKING:
    from pathlib import Path

    from core.colour import ColourSpace
    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Worker
    from core.engine.tiling import Source, Tile
    from core.gamut import Codes, FloatImage
    from core.progress import Check

LARGEST = 1 << 27
"""Bytes that the answers of a photo take at most; more are not kept."""

_FORM = 1
_ANSWERS, _INDEX = "answers.bin", "answers.json"


class KeptAnswers:
    """The answers of a method to a whole photo, in a folder; not those of an expansion in a region.

    Parameters
    ----------
    folder : Path
        Where they are put, unless they are there; it exists.
    photo : str
        What tells the photo from all others that the folder may be used for.
    earlier : Path, optional
        Another folder in which they may be; nothing is changed there.
    most : int
        Bytes that they may take.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from core.engine.expansion import expand
    >>> from core.methods.registry import method
    >>> codes = np.full((8, 8, 3), 255, np.uint8)
    >>> codes[:4, :, 0] = 0
    >>> answers = KeptAnswers(Path(tempfile.mkdtemp()), "a photo of two colours")
    >>> first = expand(codes, answers.of(method("letnet-box"))).values
    >>> answers.save()
    >>> again = expand(codes, answers.of(method("letnet-box"))).values
    >>> answers.served, bool((first == again).all())
    (True, True)
    """

    def __init__(
        self, folder: Path, photo: str, earlier: Path | None = None, most: int = LARGEST
    ) -> None:
        self._folder, self._photo, self._earlier, self._most = folder, photo, earlier, most
        self._recorded: _Recorder | None = None
        self.served = False

    def of(self, method: Method) -> Method:
        """Return a method that gives its answers from the folder, or puts them there.

        Parameters
        ----------
        method : Method
            Which solves what is not there, or is there for another photo or other settings.
        """
        return _Kept(method, self)

    def save(self) -> None:
        """Keep what was solved, if anything was, and the work has come to its end."""
        if self._recorded is not None:
            self._recorded.save()
            self._recorded = None

    def worker(
        self, method: Method, codes: Source, settings: ExpansionSettings, worker: Worker
    ) -> Worker:
        """Return what answers in the place of a worker, or writes down what it answers."""
        key = self._key(method, codes, settings, told=worker.told)
        for place in (self._folder, self._earlier):
            tiles = None if place is None else _tiles_in(place, key)
            if place is None or tiles is None:
                continue
            if place is not self._folder:
                _link(place, self._folder)
            self.served = True
            return _Replay(worker, settings, self._folder, tiles)
        self._recorded = _Recorder(worker, settings, self._folder, key, self._most)
        return self._recorded

    def _key(
        self, method: Method, codes: Source, settings: ExpansionSettings, *, told: bool
    ) -> dict[str, Any]:
        kept = {
            "form": _FORM,
            "photo": self._photo,
            "shape": list(codes.shape),
            "method": [method.name, method.sha256, list(method.notes)],
            "source": settings.source.key if told and settings.source is not None else "",
            "solver": None if settings.solver is None else asdict(settings.solver),
        }
        for name in ("tolerance", "project", "tile", "halo", "batch", "device", "precision"):
            kept[name] = getattr(settings, name)
        # As it is read again.
        plain: dict[str, Any] = json.loads(json.dumps(kept))
        return plain


class _Kept(Method):
    """A method whose answers are kept."""

    def __init__(self, method: Method, answers: KeptAnswers) -> None:
        self._method, self._answers = method, answers
        self.name, self.summary, self.needs = method.name, method.summary, method.needs
        self.parameters, self.payload_size = method.parameters, method.payload_size
        self.sha256, self.solver, self.source = method.sha256, method.solver, method.source
        self.notes, self.clips, self.trained = method.notes, method.clips, method.trained

    def bound(self, subject: Subject) -> Method:
        return _Kept(self._method.bound(subject), self._answers)

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> Worker | None:
        worker = self._method.worker(codes, settings, check)
        if worker is None:
            return None
        return self._answers.worker(self._method, codes, settings, worker)


class _Recorder:
    """A worker whose answers are written down."""

    def __init__(
        self,
        worker: Worker,
        settings: ExpansionSettings,
        folder: Path,
        key: dict[str, Any],
        most: int,
    ) -> None:
        self._worker, self._settings, self._folder = worker, settings, folder
        self._key, self._room = key, most
        self.tile, self.halo, self.told = worker.tile, worker.halo, worker.told
        self._reports: list[TileReport] = []
        self._written = folder / f"{_ANSWERS}.part"
        self._written.write_bytes(b"")

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        reports = self._worker.solve(window, region, tiles, answers)
        # Not kept open: work that is given up says nothing.
        with self._written.open("ab") as file:
            for tile in tiles:
                place = tile.filled_in(region)
                found = answers[place][_asked(window, region, tile, self._settings)]
                self._room -= found.nbytes
                if self._room >= 0:
                    file.write(found.tobytes())
        self._reports += reports
        return reports

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        return self._worker.scene(codes, answers, source)

    def save(self) -> None:
        """Make what was written valid; forget what is too much."""
        written, index = self._written, self._folder / f"{_INDEX}.part"
        if self._room < 0:
            written.unlink()
            return
        tiles = [{**asdict(report), "status": report.status.value} for report in self._reports]
        size = written.stat().st_size
        index.write_text(json.dumps({"key": self._key, "tiles": tiles, "size": size}))
        # Nobody may take one for the other's.
        (self._folder / _INDEX).unlink(missing_ok=True)
        written.replace(self._folder / _ANSWERS)
        index.replace(self._folder / _INDEX)


class _Replay:
    """Answers that were written down, in the place of the worker that gave them."""

    def __init__(
        self, worker: Worker, settings: ExpansionSettings, folder: Path, tiles: list[dict[str, Any]]
    ) -> None:
        self._worker, self._settings = worker, settings
        self.tile, self.halo, self.told = worker.tile, worker.halo, worker.told
        self._answers = np.fromfile(folder / _ANSWERS, np.float32).reshape(-1, 3)
        self._reports = [TileReport(**{**tile, "status": Status(tile["status"])}) for tile in tiles]
        self._given = 0

    def solve(
        self, window: Codes, region: Tile, tiles: list[Tile], answers: FloatImage
    ) -> list[TileReport]:
        reports, self._reports = self._reports[: len(tiles)], self._reports[len(tiles) :]
        for tile in tiles:
            asked = _asked(window, region, tile, self._settings)
            number = int(np.count_nonzero(asked))
            found = self._answers[self._given : self._given + number]
            answers[tile.filled_in(region)][asked] = found
            self._given += number
        return reports

    def scene(self, codes: Codes, answers: FloatImage, source: ColourSpace | None) -> FloatImage:
        return self._worker.scene(codes, answers, source)


def _asked(window: Codes, region: Tile, tile: Tile, settings: ExpansionSettings) -> Any:
    """Return which pixels of a tile are asked about, bool, shape (h, w)."""
    codes = window[region.rows.inner, region.columns.inner][tile.filled_in(region)]
    if not settings.project:
        return np.ones(codes.shape[:2], np.bool_)
    return clipped_mask(codes, settings.tolerance)


def _tiles_in(folder: Path, key: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return what is known of the tiles whose answers are in a folder; None where there are none.

    Parameters
    ----------
    folder : Path
        Where they may be.
    key : dict
        Of the photo and of the settings that they have to be of.
    """
    try:
        index = json.loads((folder / _INDEX).read_text())
        size = (folder / _ANSWERS).stat().st_size
    except (OSError, ValueError):
        return None
    tiles: list[dict[str, Any]] = index["tiles"]
    return tiles if index["key"] == key and size == index["size"] else None


def _link(source: Path, target: Path) -> None:
    """Put answers into another folder, too, for as long as that one stays."""
    for name in (_ANSWERS, _INDEX):
        (target / name).unlink(missing_ok=True)
        try:
            os.link(source / name, target / name)
        except OSError:
            shutil.copyfile(source / name, target / name)
