"""What methods are worth on wide-gamut photos: reduce them, restore them, measure.

Every photo is finished in each style, reduced to 8-bit sRGB codes, restored by each method and
compared with what it was. The naive inversion is always measured too: gains are over it.
"""

from __future__ import annotations

import functools
import math
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from core.colour import PROPHOTO, SRGB, Adaptation, ColourSpace, convert
from core.engine.expansion import ExpansionSettings, expand
from core.engine.method import Method, Needs
from core.errors import PhotoError
from core.evaluation.originals import read_original, source_of, through_jpeg
from core.evaluation.peak_memory import PeakMemory
from core.evaluation.perceptual import flip_map, published_lpips
from core.files import read, write
from core.gamut import LOSSY_TOLERANCE, Codes, FloatImage, Mask, out_of_gamut_mask, reduce
from core.images import area_reduced, row_bands
from core.methods.naive import NaiveInversion
from core.metrics import (
    REGIONS,
    Group,
    PhotoMetrics,
    Region,
    average,
    compare,
    region_means,
)
from core.progress import finished
from core.source_gamut import UNKNOWN
from core.styles import AS_IS, STYLES, Style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from core.evaluation.perceptual import Lpips

ByRegion = dict[Region, float]

Watch: TypeAlias = "Callable[[str, str, FloatImage, FloatImage], None]"

_WARM_UP_SIDE = 64


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
    expansion : ExpansionSettings
        Solver, tile, device and precision; the rest of it follows from the protocol.
    """

    styles: Mapping[str, Style] = field(default_factory=lambda: dict(STYLES))
    protocol: Protocol = PROTOCOLS["box"]
    source_known: bool = False
    jpeg_quality: int | None = None
    subsampling: Literal["420", "444"] = "420"
    max_side: int | None = None
    perceptual: bool = True
    written: bool = False
    expansion: ExpansionSettings = field(default_factory=ExpansionSettings)

    def __post_init__(self) -> None:
        """Check the fields, naming the one that is out of range."""
        checks = {
            "styles": bool(self.styles),
            "jpeg_quality": self.jpeg_quality is None or 1 <= self.jpeg_quality <= 100,
            "subsampling": self.subsampling in ("420", "444"),
            "max_side": self.max_side is None or self.max_side >= 16,
        }
        for name, valid in checks.items():
            if not valid:
                raise PhotoError(
                    f"The setting {name} = {getattr(self, name)!r} of an evaluation is out of "
                    "range; choose another one."
                )

    @property
    def tolerance(self) -> float:
        """Noise of the reduced photo, in 8-bit codes."""
        return 0.0 if self.jpeg_quality is None else LOSSY_TOLERANCE

    def expansion_settings(self) -> ExpansionSettings:
        """Return the settings of the expansion under the protocol."""
        return replace(
            self.expansion,
            space=PROPHOTO,
            adaptation=self.protocol.adaptation,
            project=self.protocol.project,
            tolerance=self.tolerance,
        )


@dataclass(frozen=True)
class Row:
    """One photo in one style, restored by one method.

    Attributes
    ----------
    photo, style, method : str
        Names.
    source : str
        Key of the space in which the original's colours lay, or "unknown".
    metrics : PhotoMetrics
        Against the original; its round trip counts codes that are exactly unchanged.
    gain : mapping of Region to float
        PSNR above that of the naive inversion, in dB; nan for an empty region.
    flip, lpips : mapping of Region to float, or None
        None where the metric is not available or was not asked for.
    kept : float
        Share of codes that return within the tolerance of the file: within 0 of a lossless one.
    kept_in_file : float or None
        The same through a written 16-bit ProPhoto file, if it was asked for.
    megapixels, seconds : float
        Size, and elapsed time of the expansion, of a fitting too.
    fitting : float
        How many of the seconds the fitting to the original took.
    payload_size : int
        Bytes of metadata that the photo's file carries for the method.
    peak_memory : int or None
        Bytes that the expansion needed above what the process held before; None where the
        system does not tell.
    steps : float
        Evaluations of the cell per solved tile, on average.
    """

    photo: str
    style: str
    method: str
    source: str
    metrics: PhotoMetrics
    gain: Mapping[Region, float]
    flip: Mapping[Region, float] | None
    lpips: Mapping[Region, float] | None
    kept: float
    kept_in_file: float | None
    megapixels: float
    seconds: float
    fitting: float
    payload_size: int
    peak_memory: int | None
    steps: float

    def as_dict(self) -> dict[str, Any]:
        """Return the row for JSON; nan becomes None."""
        return {
            "photo": self.photo,
            "style": self.style,
            "method": self.method,
            "source": self.source,
            "group": self.metrics.group,
            "metrics": self.metrics.as_dict(),
            "gain": _for_json(self.gain),
            "flip": _for_json(self.flip),
            "lpips": _for_json(self.lpips),
            "kept": self.kept,
            "kept_in_file": self.kept_in_file,
            "megapixels": self.megapixels,
            "seconds": self.seconds,
            "fitting": self.fitting,
            "payload_size": self.payload_size,
            "peak_memory": self.peak_memory,
            "steps": self.steps,
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Row:
        """Return the row that :meth:`as_dict` told.

        A gain of infinity, which two identical photos have, comes back as nan.
        """
        changed = {
            "metrics": PhotoMetrics.from_dict(told["metrics"]),
            "gain": _from_json(told["gain"]),
            "flip": _from_json(told["flip"]) if told["flip"] else None,
            "lpips": _from_json(told["lpips"]) if told["lpips"] else None,
        }
        kept = {name: value for name, value in told.items() if name != "group"}
        return cls(**{**kept, **changed})


@dataclass(frozen=True)
class Summary:
    """Averages over photos, each photo counting the same.

    Attributes
    ----------
    style, method : str
        Names.
    group : {"A", "B", "C", "D"} or None
        Photos by their share of out-of-gamut pixels; None for all photos.
    photos : int
        How many.
    metrics : PhotoMetrics
        Means.
    gain : mapping of Region to float
        Mean gain over the naive inversion in dB, over the photos that have the region.
    worst : mapping of Region to (str, float)
        The photo with the smallest gain, and that gain; an empty name where no photo has it.
    flip, lpips : mapping of Region to float, or None
        Means.
    kept, kept_in_file : float, float or None
        The *smallest* share of any photo: a guarantee holds for all or for none.
    seconds_per_megapixel, fitting_per_megapixel : float
        Of all photos together; the fitting's share of it.
    payload_size : float
        Mean.
    peak_memory : int or None
        The largest of any photo.
    steps : float
        Mean.
    """

    style: str
    method: str
    group: Group | None
    photos: int
    metrics: PhotoMetrics
    gain: Mapping[Region, float]
    worst: Mapping[Region, tuple[str, float]]
    flip: Mapping[Region, float] | None
    lpips: Mapping[Region, float] | None
    kept: float
    kept_in_file: float | None
    seconds_per_megapixel: float
    fitting_per_megapixel: float
    payload_size: float
    peak_memory: int | None
    steps: float


def evaluate(
    methods: Sequence[Method],
    photos: Iterable[Path],
    settings: EvaluationSettings | None = None,
    failed: Callable[[PhotoError], None] | None = None,
) -> Iterator[Row]:
    """Measure methods on photos.

    Parameters
    ----------
    methods : sequence of Method
        The naive inversion is measured first, whether it is among them or not.
    photos : iterable of Path
        Wide-gamut photos; one without a profile is taken as ProPhoto.
    settings : EvaluationSettings, optional
        Styles, protocol, JPEG, and what is measured.
    failed : callable, optional
        Called with the error of a photo that cannot be read, which is then left out; unless
        given, the error is raised.

    Yields
    ------
    Row
        Photo by photo, style by style, method by method.
    """
    settings = settings or EvaluationSettings()
    for photo in photos:
        try:
            original, gamut = read_original(photo), source_of(photo)
        except PhotoError as error:
            if failed is None:
                raise
            failed(error)
            continue
        yield from evaluate_photo(methods, photo.name, original, settings, gamut)


def evaluate_photo(
    methods: Sequence[Method],
    name: str,
    original: FloatImage,
    settings: EvaluationSettings,
    gamut: ColourSpace | None = None,
    watch: Watch | None = None,
    naive: PhotoMetrics | None = None,
) -> Iterator[Row]:
    """Measure methods on one photo.

    Parameters
    ----------
    methods : sequence of Method
        As in :func:`evaluate`.
    name : str
        Of the photo.
    original : ndarray, float32, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.
    settings : EvaluationSettings
        As in :func:`evaluate`.
    gamut : ColourSpace, optional
        The space in which the colours of the photo lie, if it is known; a style takes them
        anywhere in ProPhoto.
    watch : callable, optional
        Called with each restoration before it is thrown away: the style, the method, the
        original and the restored photo, linear ProPhoto RGB in 0..1.
    naive : PhotoMetrics, optional
        The naive inversion's figures of this photo, in the one style of the settings, if they
        are known: it is not measured again then.

    Yields
    ------
    Row
        Style by style, method by method.
    """
    if settings.max_side is not None:
        original = area_reduced(original, settings.max_side)
    lpips = published_lpips() if settings.perceptual else None
    ordered = [m for m in methods if not isinstance(m, NaiveInversion)]
    if naive is None:
        ordered.insert(0, NaiveInversion())
    for style_name, style in settings.styles.items():
        reference = style.apply(original)
        codes, outside = reduced(reference, settings)
        source = gamut if style == AS_IS else PROPHOTO
        told = replace(settings.expansion, source=source if settings.source_known else None)
        floor = naive
        for method in ordered:
            own = codes if method.clips else reduced(reference, settings, method)[0]
            row = _row(
                method,
                reference,
                own,
                outside,
                replace(settings, expansion=told),
                lpips,
                floor,
                None if watch is None else functools.partial(watch, style_name),
            )
            floor = floor or row.metrics
            key = UNKNOWN if source is None else source.key
            yield replace(row, photo=name, style=style_name, source=key)


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
    """
    scene = convert(reference, PROPHOTO, SRGB, settings.protocol.adaptation)
    codes = reduce(scene) if method is None else method.reduced(scene)
    if settings.jpeg_quality is not None:
        codes = through_jpeg(codes, settings.jpeg_quality, settings.subsampling)
    return codes, out_of_gamut_mask(scene)


def summarise(rows: Iterable[Row], *, by_group: bool = False) -> list[Summary]:
    """Average rows over photos, by style and method.

    Parameters
    ----------
    rows : iterable of Row
        From :func:`evaluate`.
    by_group : bool
        Whether photos are divided by their share of out-of-gamut pixels.

    Returns
    -------
    list of Summary
        In the order in which styles and methods first come; groups from A to D.
    """
    parts: dict[tuple[str, str], dict[Group | None, list[Row]]] = {}
    for row in rows:
        groups = parts.setdefault((row.style, row.method), {})
        groups.setdefault(row.metrics.group if by_group else None, []).append(row)
    return [
        _summary(style, method, group, groups[group])
        for (style, method), groups in parts.items()
        for group in sorted(groups, key=str)
    ]


def _row(
    method: Method,
    reference: FloatImage,
    codes: Codes,
    outside: Mask,
    settings: EvaluationSettings,
    lpips: Lpips | None,
    naive: PhotoMetrics | None,
    watch: Callable[[str, FloatImage, FloatImage], None] | None,
) -> Row:
    expansion_settings = settings.expansion_settings()
    if method.needs in (Needs.NOTHING, Needs.WEIGHTS):
        # The first call of a network prepares its kernels, which is no part of a photo's time.
        expand(codes[:_WARM_UP_SIDE, :_WARM_UP_SIDE], method, expansion_settings)
    adaptation = settings.protocol.adaptation
    scene = convert(reference, PROPHOTO, SRGB, adaptation)
    with PeakMemory() as peak:
        started = time.perf_counter()
        fitted = finished(method.fitted(codes, scene, settings.tolerance, adaptation))
        fitting = time.perf_counter() - started
        if fitted.source is not None:
            expansion_settings = replace(expansion_settings, source=fitted.source)
        expansion = expand(codes, fitted, expansion_settings)
        seconds = time.perf_counter() - started
    values = expansion.values
    if watch is not None:
        watch(method.name, reference, values)
    metrics = compare(reference, values, outside, codes=codes, adaptation=adaptation)
    flip = flip_map(reference, values) if settings.perceptual else None
    steps = [tile.steps for tile in expansion.tiles]
    return Row(
        photo="",
        style="",
        method=method.name,
        source="",
        metrics=metrics,
        gain=_gain(metrics, naive or metrics),
        flip=None if flip is None else region_means(flip, outside),
        lpips=None if lpips is None else lpips(reference, values, outside),
        kept=_share_kept(codes, values, adaptation, settings.tolerance),
        kept_in_file=_through_file(codes, values, settings) if settings.written else None,
        megapixels=codes.shape[0] * codes.shape[1] / 1e6,
        seconds=seconds,
        fitting=fitting if method.needs is Needs.ORIGINAL else 0.0,
        payload_size=fitted.payload_size,
        peak_memory=peak.bytes,
        steps=sum(steps) / len(steps) if steps else 0.0,
    )


def _gain(metrics: PhotoMetrics, naive: PhotoMetrics) -> ByRegion:
    gains: ByRegion = {}
    for region in REGIONS:
        ours, theirs = metrics.regions[region].psnr, naive.regions[region].psnr
        gains[region] = 0.0 if ours == theirs else ours - theirs
    return gains


def _share_kept(
    codes: Codes, values: FloatImage, adaptation: Adaptation, tolerance: float
) -> float:
    """Return the share of codes that linear ProPhoto values reduce to, within a tolerance."""
    kept = 0
    for rows in row_bands(codes):
        again = reduce(convert(values[rows], PROPHOTO, SRGB, adaptation))
        distance = np.abs(again.astype(np.int16) - codes[rows].astype(np.int16))
        kept += int(np.count_nonzero(distance <= tolerance))
    return kept / codes.size


def _through_file(codes: Codes, values: FloatImage, settings: EvaluationSettings) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "restored.tif"
        write(path, values, PROPHOTO)
        again = convert(read(path).scene(), SRGB, PROPHOTO)
    return _share_kept(codes, again, settings.protocol.adaptation, settings.tolerance)


def _summary(style: str, method: str, group: Group | None, rows: list[Row]) -> Summary:
    in_files = [row.kept_in_file for row in rows if row.kept_in_file is not None]
    peaks = [row.peak_memory for row in rows if row.peak_memory is not None]
    megapixels = sum(row.megapixels for row in rows)
    return Summary(
        style=style,
        method=method,
        group=group,
        photos=len(rows),
        metrics=average(row.metrics for row in rows),
        gain=_means([row.gain for row in rows]),
        worst={region: _worst(rows, region) for region in REGIONS},
        flip=_means_where_measured([row.flip for row in rows]),
        lpips=_means_where_measured([row.lpips for row in rows]),
        kept=min(row.kept for row in rows),
        kept_in_file=min(in_files) if in_files else None,
        seconds_per_megapixel=sum(row.seconds for row in rows) / megapixels,
        fitting_per_megapixel=sum(row.fitting for row in rows) / megapixels,
        payload_size=sum(row.payload_size for row in rows) / len(rows),
        peak_memory=max(peaks) if peaks else None,
        steps=sum(row.steps for row in rows) / len(rows),
    )


def _means(measured: Sequence[Mapping[Region, float]]) -> ByRegion:
    means: ByRegion = {}
    for region in REGIONS:
        known = [values[region] for values in measured if not math.isnan(values[region])]
        means[region] = sum(known) / len(known) if known else math.nan
    return means


def _means_where_measured(measured: Sequence[Mapping[Region, float] | None]) -> ByRegion | None:
    known = [values for values in measured if values is not None]
    return _means(known) if known else None


def _worst(rows: Sequence[Row], region: Region) -> tuple[str, float]:
    gains = [(row.gain[region], row.photo) for row in rows if not math.isnan(row.gain[region])]
    if not gains:
        return "", math.nan
    gain, photo = min(gains)
    return photo, gain


def _for_json(values: Mapping[Region, float] | None) -> dict[str, float | None] | None:
    if values is None:
        return None
    return {region: value if math.isfinite(value) else None for region, value in values.items()}


def _from_json(told: Mapping[Region, float | None]) -> ByRegion:
    return {region: math.nan if value is None else value for region, value in told.items()}
