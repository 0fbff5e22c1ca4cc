"""Every system side by side on a folder of photos: measured unit by unit, kept, resumed.

A unit is a photo in a style under a protocol, restored by one method. Its figures are written as
soon as they are there, so that a run that was killed goes on where it was; what they were
measured under is part of their name, so that figures of other settings are never mixed in.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import DISPLAY_P3, PROPHOTO
from core.engine.cluster import Workers
from core.engine.method import Needs
from core.errors import PhotoError
from core.evaluation.measuring import evaluate_photo
from core.evaluation.originals import distinct_names, read_original, source_of
from core.evaluation.protocol import PROTOCOLS, EvaluationSettings
from core.evaluation.rows import Row
from core.files.safe_write import write_bytes
from core.images import area_reduced
from core.methods import registry
from core.metrics import delta_e_map
from core.pictures import evenly_spaced
from core.pictures.screens import display_image

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from core.engine.cluster import Cluster
    from core.engine.method import Method
    from core.gamut import FloatImage
    from core.progress import Check

_LONGEST_PICTURE = 420
_COLOURS = 60_000
_ORIGINAL = "original"


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is measured, and how.

    Attributes
    ----------
    methods : tuple of str
        Names or files, as for :func:`core.methods.registry.method`. Networks that have not been
        trained are listed, and never measured for quality.
    protocols : tuple of str
        Of :data:`core.evaluation.protocol.PROTOCOLS`.
    evaluation : EvaluationSettings
        Styles, size, what is measured; the protocol in it is not used.
    threads : int, optional
        Of each process; torch's own choice unless given.
    """

    methods: tuple[str, ...]
    protocols: tuple[str, ...] = ("paper", "box")
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    threads: int | None = None

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
    """A photo in a style under a protocol, restored by a method.

    Attributes
    ----------
    photo : Path
        The original.
    name : str
        What it is called, unlike every other one.
    style, protocol, method : str
        By name.
    shown : bool
        Whether pictures of its restorations are kept.
    """

    photo: Path
    name: str
    style: str
    protocol: str
    method: str
    shown: bool = False


@dataclass(frozen=True)
class Measured:
    """A figure, and the protocol under which it was measured.

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
    """Return the names of all methods that can be measured on originals.

    Examples
    --------
    >>> "letnet" in every_method(), "embedded" in every_method()
    (True, False)
    """
    return tuple(
        name
        for name, entry in registry.entries().items()
        if entry.load().needs is not Needs.PAYLOAD
    )


def plan(photos: Sequence[Path], settings: BenchmarkSettings, shown: int = 0) -> list[Unit]:
    """Return the units of a benchmark, photo by photo, the naive inversion always the first.

    Networks that have not been trained have none.

    Parameters
    ----------
    photos : sequence of Path
        The originals.
    settings : BenchmarkSettings
        Styles and protocols.
    shown : int
        Of how many photos pictures are kept, evenly from all; in the last style, under the last
        protocol.

    Examples
    --------
    >>> from pathlib import Path
    >>> settings = BenchmarkSettings(("soft-clip",), ("box",))
    >>> units = plan([Path("beach.tif"), Path("market.tif")], settings)
    >>> len(units)  # 2 photos × 2 styles × 2 methods
    8
    >>> units[0].photo.name, units[0].style, units[0].method
    ('beach.tif', 'as-is', 'naive')
    """
    styles = list(settings.evaluation.styles)
    count = min(shown, len(photos))
    chosen = {photos[number * len(photos) // count] for number in range(count)}
    trained = [method.name for method in registry.methods(settings.methods) if method.trained]
    methods = [registry.NAIVE, *(name for name in trained if name != registry.NAIVE)]
    return [
        Unit(
            photo,
            name,
            style,
            protocol,
            method,
            photo in chosen and style == styles[-1] and protocol == settings.protocols[-1],
        )
        for photo, name in distinct_names(photos).items()
        for style in styles
        for protocol in settings.protocols
        for method in methods
    ]


def benchmark(
    units: Sequence[Unit],
    settings: BenchmarkSettings,
    folder: Path,
    *,
    place: Cluster | None = None,
    failed: Callable[[PhotoError], None] | None = None,
) -> Generator[tuple[int, int], None, list[Measured]]:
    """Measure units, except those that have been measured already.

    Parameters
    ----------
    units : sequence of Unit
        From :func:`plan`.
    settings : BenchmarkSettings
        What is measured.
    folder : Path
        Where figures and pictures are kept.
    place : Cluster, optional
        Processes, here or elsewhere, that measure at the same time: it is faster, but times are
        those of a busy machine then. They find photos, weights and the folder under the same
        names.
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

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.colour import PROPHOTO
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.progress import finished
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> settings = BenchmarkSettings(("soft-clip",), ("box",), vivid)
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "chart.tif")
    ...     write(photo, wide_gamut_chart(8), PROPHOTO)
    ...     measured = finished(benchmark(plan([photo], settings), settings, Path(folder, "kept")))
    >>> [(one.row.method, one.row.gain["all"] > 0.0) for one in measured]
    [('naive', False), ('soft-clip', True)]
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = functools.partial(
        _measure,
        recipes=registry.recipes(settings.methods),
        settings=settings,
        folder=folder.absolute(),
    )
    found: dict[Unit, Row | None] = {}
    yield 0, len(units)
    if place is None:
        for unit in units:
            _keep(found, unit, functools.partial(work, unit), failed)
            yield len(found), len(units)
    else:
        named = {replace(unit, photo=unit.photo.absolute()): unit for unit in units}
        with Workers(place) as workers, closing(workers.spread(work, list(named))) as outcomes:
            for outcome in outcomes:
                _keep(found, named[outcome.task], outcome.get, failed)
                yield len(found), len(units)
    return [Measured(unit.protocol, row) for unit in units if (row := found[unit]) is not None]


def untrained(settings: BenchmarkSettings) -> list[Method]:
    """Return the networks among the methods that have not been trained.

    Examples
    --------
    >>> settings = BenchmarkSettings(("letnet-box", "swinir"))
    >>> [method.name for method in untrained(settings)]
    ['swinir']
    """
    return [m for m in registry.methods(settings.methods) if not m.trained]


def pictures_of(
    folder: Path, units: Sequence[Unit], settings: BenchmarkSettings
) -> dict[str, Path]:
    """Return the kept pictures of units of one photo: files of arrays by the method's name.

    "original" has the arrays ``screen`` (uint8, Display P3 codes), ``colours`` (float32, linear
    ProPhoto); a method has ``error`` (float32, CIEDE2000) and ``colours``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> settings = BenchmarkSettings(("letnet",))
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "beach.tif")
    ...     photo.touch()
    ...     unit = Unit(photo, photo.name, "vivid", "box", "letnet", shown=True)
    ...     kept = _picture(_place(Path(folder), unit, settings), "letnet")
    ...     kept.parent.mkdir(parents=True, exist_ok=True)
    ...     kept.touch()
    ...     list(pictures_of(Path(folder), [unit], settings))
    ['letnet']
    """
    found = {}
    for unit in units:
        for name in (_ORIGINAL, unit.method):
            path = _picture(_place(folder, unit, settings), name)
            if path.exists():
                found[name] = path
    return found


def _keep(
    found: dict[Unit, Row | None],
    unit: Unit,
    result: Callable[[], Row],
    failed: Callable[[PhotoError], None] | None,
) -> None:
    try:
        found[unit] = result()
    except PhotoError as error:
        if failed is None:
            raise
        failed(error)
        found[unit] = None


def _measure(
    unit: Unit,
    check: Check | None = None,
    *,
    recipes: dict[str, str],
    settings: BenchmarkSettings,
    folder: Path,
) -> Row:
    """Measure a unit, or read what was measured of it before."""
    import torch

    if check is not None:
        check()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    evaluation, place = _evaluation(unit, settings), _place(folder, unit, settings)
    chosen = [] if unit.method == registry.NAIVE else [_method(recipes[unit.method], unit.method)]
    weights = {method.name: method.sha256 for method in chosen}
    file = place / _name(unit.method, weights.get(unit.method, ""))
    floor = place / _name(registry.NAIVE, "")
    if not file.exists() or (unit.shown and not _picture(place, unit.method).exists()):
        place.mkdir(parents=True, exist_ok=True)
        naive = _read(floor).metrics if chosen and floor.exists() else None
        original, gamut = _original(unit.photo, evaluation.max_side), source_of(unit.photo)
        watch = functools.partial(_keep_pictures, place) if unit.shown else None
        for row in evaluate_photo(chosen, unit.name, original, evaluation, gamut, watch, naive):
            target = floor if row.method == registry.NAIVE else file
            write_bytes(target, json.dumps(row.as_dict()).encode(), overwrite=True)
    return _read(file)


def _read(file: Path) -> Row:
    return Row.from_dict(json.loads(file.read_text()))


@functools.lru_cache(maxsize=32)
def _method(recipe: str, name: str) -> Method:
    return registry.method(recipe).renamed(name)


@functools.lru_cache(maxsize=1)
def _original(photo: Path, max_side: int | None) -> FloatImage:
    original = read_original(photo)
    return original if max_side is None else area_reduced(original, max_side)


def _evaluation(unit: Unit, settings: BenchmarkSettings) -> EvaluationSettings:
    whole = settings.evaluation
    styles = {unit.style: whole.styles[unit.style]}
    return replace(whole, styles=styles, protocol=PROTOCOLS[unit.protocol])


def _place(folder: Path, unit: Unit, settings: BenchmarkSettings) -> Path:
    """Return where the figures and pictures of a photo under the same conditions are kept."""
    stat = unit.photo.stat()
    file = (unit.name, stat.st_size, stat.st_mtime_ns)
    conditions = repr((file, _evaluation(unit, settings), settings.threads))
    digest = hashlib.sha256(conditions.encode()).hexdigest()[:12]
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in unit.photo.stem)[:60]
    return folder / "measured" / f"{stem}-{digest}" / f"{unit.style}-{unit.protocol}"


def _name(method: str, weights: str) -> str:
    return f"{hashlib.sha256(f'{method} {weights}'.encode()).hexdigest()[:20]}.json"


def _picture(place: Path, name: str) -> Path:
    return place / "pictures" / f"{hashlib.sha256(name.encode()).hexdigest()[:12]}.npz"


def _keep_pictures(
    place: Path, style: str, method: str, reference: FloatImage, values: FloatImage
) -> None:
    """Keep what is seen of a restoration, small."""
    if not _picture(place, _ORIGINAL).exists():
        screen = display_image(area_reduced(reference, _LONGEST_PICTURE), PROPHOTO, DISPLAY_P3)
        _save(_picture(place, _ORIGINAL), screen=screen, colours=_some(reference))
    error = area_reduced(delta_e_map(reference, values), _LONGEST_PICTURE)
    _save(_picture(place, method), error=error, colours=_some(values))


def _save(path: Path, **arrays: np.ndarray[Any, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_bytes(path, content.getvalue(), overwrite=True)


def _some(values: FloatImage) -> FloatImage:
    colours = evenly_spaced(values)
    return colours[:: max(1, len(colours) // _COLOURS)].astype(np.float32)
