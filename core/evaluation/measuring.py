"""What methods are worth on wide-gamut photos: reduce them, restore them, measure.

Every photo is finished in each style, reduced to 8-bit sRGB codes, restored by each method and
compared with what it was. The naive inversion is always measured too: gains are over it.
"""

from __future__ import annotations

import functools
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from core.colour import PROPHOTO, SRGB, Adaptation, ColourSpace, convert
from core.engine.expansion import expand
from core.engine.method import Method, Needs
from core.errors import PhotoError
from core.evaluation.originals import read_original, source_of
from core.evaluation.peak_memory import PeakMemory
from core.evaluation.perceptual import Lpips, flip_map, published_lpips
from core.evaluation.protocol import EvaluationSettings, reduced, source_in
from core.evaluation.rows import ByRegion, Row
from core.files import read, write
from core.gamut import Codes, FloatImage, Mask, reduce
from core.images import area_reduced, row_bands
from core.methods.naive import NaiveInversion
from core.metrics import REGIONS, PhotoMetrics, compare, region_means
from core.progress import finished
from core.source_gamut import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Watch: TypeAlias = "Callable[[str, str, FloatImage, FloatImage], None]"


_WARM_UP_SIDE = 64


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

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.files import write
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> with TemporaryDirectory() as folder:
    ...     photo = Path(folder, "chart.tif")
    ...     write(photo, wide_gamut_chart(8), PROPHOTO)
    ...     rows = list(evaluate(methods(["soft-clip"]), [photo], vivid))
    >>> [(row.photo, row.style, row.method) for row in rows]
    [('chart.tif', 'vivid', 'naive'), ('chart.tif', 'vivid', 'soft-clip')]
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

    Examples
    --------
    >>> from core.methods.registry import methods
    >>> from core.pictures.chart import wide_gamut_chart
    >>> from core.styles import STYLES
    >>> vivid = EvaluationSettings(styles={"vivid": STYLES["vivid"]}, perceptual=False)
    >>> rows = evaluate_photo(methods(["letnet-box"]), "chart.tif", wide_gamut_chart(8), vivid)
    >>> [(row.method, row.gain["out_of_gamut"] > 0.0, row.kept) for row in rows]
    [('naive', False, 1.0), ('letnet-box', True, 1.0)]
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
        source = source_in(gamut, style)
        told = settings.told(gamut, style)
        floor = naive
        for method in ordered:
            own = codes if method.clips else reduced(reference, settings, method)[0]
            row = _row(
                method,
                reference,
                own,
                outside,
                told,
                lpips,
                floor,
                None if watch is None else functools.partial(watch, style_name),
            )
            floor = floor or row.metrics
            key = UNKNOWN if source is None else source.key
            yield replace(row, photo=name, style=style_name, source=key)


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
    expansion_settings = settings.expansion_settings(method)
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
