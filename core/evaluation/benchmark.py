"""Every system side by side on a folder of photos: measured unit by unit, kept, resumed.

A unit is a photo in a style under a protocol, restored by all methods. Each figure is written
as soon as it is there, so that a run that was killed goes on where it was; what it was measured
under is part of its name, so that figures of other settings are never mixed in.
"""

from __future__ import annotations

import functools
import hashlib
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import DISPLAY_P3, PROPHOTO
from core.engine.method import Needs
from core.errors import PhotoError
from core.evaluation.evaluation import PROTOCOLS, EvaluationSettings, Row, evaluate_photo
from core.evaluation.originals import read_original, source_of
from core.files.safe_write import write_bytes
from core.images import area_reduced
from core.methods import registry
from core.metrics import delta_e_map
from core.pictures import evenly_spaced
from core.pictures.screens import display_image

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from core.engine.method import Method
    from core.gamut import FloatImage

_LONGEST_PICTURE = 420
_COLOURS = 60_000


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is measured, and how.

    Attributes
    ----------
    methods : tuple of str
        Names or files, as for :func:`core.methods.registry.method`. Networks that have not been
        trained are listed, and never measured for quality.
    protocols : tuple of str
        Of :data:`core.evaluation.evaluation.PROTOCOLS`.
    evaluation : EvaluationSettings
        Styles, size, what is measured; the protocol in it is not used.
    """

    methods: tuple[str, ...]
    protocols: tuple[str, ...] = ("paper", "box")
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def __post_init__(self) -> None:
        """Check the fields, naming the one that is out of range."""
        if not self.methods:
            raise PhotoError("A benchmark needs at least one method; name some.")
        if not self.protocols or not set(self.protocols) <= set(PROTOCOLS):
            raise PhotoError(
                f"The protocols of a benchmark are {', '.join(PROTOCOLS)}; choose among them."
            )


@dataclass(frozen=True)
class Unit:
    """A photo in a style under a protocol.

    Attributes
    ----------
    photo : Path
        The original.
    style, protocol : str
        By name.
    shown : bool
        Whether pictures of its restorations are kept.
    """

    photo: Path
    style: str
    protocol: str
    shown: bool = False


@dataclass(frozen=True)
class Measured:
    """A figure with what it was measured under.

    Attributes
    ----------
    protocol : str
        By name.
    row : Row
        The figures.
    """

    protocol: str
    row: Row


def every_method() -> tuple[str, ...]:
    """Return the names of all methods that can be measured on originals."""
    return tuple(
        name
        for name, entry in registry.entries().items()
        if entry.load().needs is not Needs.PAYLOAD
    )


def plan(photos: Sequence[Path], settings: BenchmarkSettings, shown: int = 0) -> list[Unit]:
    """Return the units of a benchmark, photo by photo.

    Parameters
    ----------
    photos : sequence of Path
        The originals.
    settings : BenchmarkSettings
        Styles and protocols.
    shown : int
        Of how many photos pictures are kept, evenly from all; in the last style, under the last
        protocol.
    """
    styles = list(settings.evaluation.styles)
    count = min(shown, len(photos))
    chosen = {photos[number * len(photos) // count] for number in range(count)}
    return [
        Unit(
            photo,
            style,
            protocol,
            photo in chosen and style == styles[-1] and protocol == settings.protocols[-1],
        )
        for photo in photos
        for style in styles
        for protocol in settings.protocols
    ]


def benchmark(
    units: Sequence[Unit],
    settings: BenchmarkSettings,
    folder: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    failed: Callable[[PhotoError], None] | None = None,
) -> Generator[tuple[int, int], None, list[Measured]]:
    """Measure units, those that have been measured already excepted.

    Parameters
    ----------
    units : sequence of Unit
        From :func:`plan`.
    settings : BenchmarkSettings
        What is measured.
    folder : Path
        Where figures and pictures are kept.
    workers : int
        Processes that measure at the same time: it is faster, but times are those of a busy
        machine then.
    threads : int, optional
        Of each worker.
    failed : callable, optional
        Called with the error of each photo that cannot be measured; unless given, the error is
        raised.

    Yields
    ------
    (int, int)
        Units done and in all. Closing the generator cancels the work.

    Returns
    -------
    list of Measured
        In the order of the units.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = functools.partial(_measure, settings=settings, folder=folder, threads=threads)
    found: dict[Unit, list[Row]] = {}
    yield 0, len(units)
    if workers == 1:
        for unit in units:
            _keep(found, unit, functools.partial(work, unit), failed)
            yield len(found), len(units)
    else:
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        try:
            futures = {pool.submit(work, unit): unit for unit in units}
            for future in as_completed(futures):
                _keep(found, futures[future], future.result, failed)
                yield len(found), len(units)
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return [Measured(unit.protocol, row) for unit in units for row in found[unit]]


def untrained(settings: BenchmarkSettings) -> list[Method]:
    """Return the networks among the methods that have not been trained."""
    return [m for m in registry.methods(settings.methods) if not m.trained]


def pictures_of(folder: Path, unit: Unit) -> dict[str, Path]:
    """Return the kept pictures of a unit: files of arrays by the method's name.

    "original" has the arrays ``screen`` (uint8, Display P3 codes), ``colours`` (float32, linear
    ProPhoto); a method has ``error`` (float32, CIEDE2000) and ``colours``.
    """
    place = _place(folder, unit) / "pictures"
    index = place / "index.json"
    if not index.exists():
        return {}
    return {name: place / file for name, file in json.loads(index.read_text()).items()}


def _keep(
    found: dict[Unit, list[Row]],
    unit: Unit,
    result: Callable[[], list[Row]],
    failed: Callable[[PhotoError], None] | None,
) -> None:
    try:
        found[unit] = result()
    except PhotoError as error:
        if failed is None:
            raise
        failed(error)
        found[unit] = []


def _measure(
    unit: Unit, settings: BenchmarkSettings, folder: Path, threads: int | None
) -> list[Row]:
    """Measure what is missing of a unit; all of its rows, the naive inversion's first."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    protocol = PROTOCOLS[unit.protocol]
    styles = {unit.style: settings.evaluation.styles[unit.style]}
    evaluation = replace(settings.evaluation, styles=styles, protocol=protocol)
    place = _place(folder, unit)
    conditions = _conditions(unit, evaluation)
    kept: dict[str, Any] = {}
    methods = [m for m in _methods(settings.methods) if m.trained]
    wanted = {method.name: _name(conditions, method.name, method.sha256) for method in methods}
    wanted = {registry.NAIVE: _name(conditions, registry.NAIVE, ""), **wanted}
    for name, file in wanted.items():
        if (place / file).exists():
            kept[name] = json.loads((place / file).read_text())
    missing = [method for method in methods if method.name not in kept]
    if missing or registry.NAIVE not in kept:
        place.mkdir(parents=True, exist_ok=True)
        original, gamut = _original(unit.photo, evaluation.max_side), source_of(unit.photo)
        watch = _Pictures(place / "pictures") if unit.shown else None
        rows = evaluate_photo(missing, unit.photo.name, original, evaluation, gamut, watch)
        for row in rows:
            kept[row.method] = row.as_dict()
            content = json.dumps(kept[row.method]).encode()
            write_bytes(place / wanted[row.method], content, overwrite=True)
    return [Row.from_dict(kept[name]) for name in wanted]


@functools.lru_cache(maxsize=4)
def _methods(names: tuple[str, ...]) -> list[Method]:
    return registry.methods(names)


@functools.lru_cache(maxsize=1)
def _original(photo: Path, max_side: int | None) -> FloatImage:
    original = read_original(photo)
    return original if max_side is None else area_reduced(original, max_side)


def _place(folder: Path, unit: Unit) -> Path:
    digest = hashlib.sha256(unit.photo.name.encode()).hexdigest()[:8]
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in unit.photo.stem)[:60]
    return folder / "measured" / f"{stem}-{digest}" / f"{unit.style}-{unit.protocol}"


def _conditions(unit: Unit, evaluation: EvaluationSettings) -> str:
    stat = unit.photo.stat()
    return repr((unit.photo.name, stat.st_size, stat.st_mtime_ns, evaluation))


def _name(conditions: str, method: str, weights: str) -> str:
    digest = hashlib.sha256(f"{conditions} {method} {weights}".encode()).hexdigest()
    return f"{digest[:20]}.json"


class _Pictures:
    """What is seen of a unit's restorations, small, as they come."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._index = place / "index.json"

    def __call__(self, style: str, method: str, reference: FloatImage, values: FloatImage) -> None:
        self._place.mkdir(parents=True, exist_ok=True)
        files = json.loads(self._index.read_text()) if self._index.exists() else {}
        if "original" not in files:
            screen = display_image(area_reduced(reference, _LONGEST_PICTURE), PROPHOTO, DISPLAY_P3)
            files["original"] = self._save("original", screen=screen, colours=_some(reference))
        error = area_reduced(delta_e_map(reference, values), _LONGEST_PICTURE)
        files[method] = self._save(method, error=error, colours=_some(values))
        write_bytes(self._index, json.dumps(files).encode(), overwrite=True)

    def _save(self, name: str, **arrays: np.ndarray[Any, Any]) -> str:
        file = f"{hashlib.sha256(name.encode()).hexdigest()[:12]}.npz"
        np.savez_compressed(self._place / file, allow_pickle=False, **arrays)
        return file


def _some(values: FloatImage) -> FloatImage:
    colours = evenly_spaced(values)
    return colours[:: max(1, len(colours) // _COLOURS)].astype(np.float32)
