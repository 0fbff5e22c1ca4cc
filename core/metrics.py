"""How far a restored photo is from its wide-gamut original: one definition for everything.

All figures compare linear ProPhoto RGB in 0..1 and are summed in float64. Each is given for
three regions: all pixels, the pixels whose original colour sRGB cannot hold, and the others.
Images are read in bands of rows, so that a photo of any size needs little memory beside its
own.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from core.colour import PROPHOTO, SRGB, Adaptation, convert, lab_from_prophoto
from core.colour_difference import delta_e_2000
from core.errors import PhotoError
from core.gamut import Codes, FloatImage, Mask, code_maximum, reduce
from core.images import row_bands

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Region = Literal["all", "out_of_gamut", "in_gamut"]
REGIONS: tuple[Region, ...] = get_args(Region)
Group = Literal["A", "B", "C", "D"]
GROUPS: tuple[Group, ...] = get_args(Group)

Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]

_SSIM_SIGMA = 1.5
_SSIM_RADIUS = 5
_SSIM_C1 = 0.01**2
_SSIM_C2 = 0.03**2

_UNCOUNTED = 2
"""The class of pixels that do not count, beside 0 (in gamut) and 1 (out of gamut)."""


@dataclass(frozen=True)
class RegionMetrics:
    """The figures of one region of a photo; nan where the region holds no pixel.

    Attributes
    ----------
    psnr : float
        Peak signal-to-noise ratio in dB, of peak 1; inf for identical pixels.
    rmse : float
        Root mean square error over the pixels and 3 channels, on the scale 0..1.
    ssim : float
        Structural similarity, averaged over the pixels of the region that lie at least 5
        pixels inside the photo, where the 11x11 window fits.
    delta_e_mean, delta_e_p95 : float
        CIEDE2000 colour difference (D50): mean and 95th percentile.
    pixels : int
        Number of pixels of the region.
    """

    psnr: float
    rmse: float
    ssim: float
    delta_e_mean: float
    delta_e_p95: float
    pixels: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON: nan becomes None, infinity the text "Infinity"."""
        return {name: _for_json(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, figures: Mapping[str, Any]) -> RegionMetrics:
        """Return the figures from what :meth:`as_dict` returned."""
        known = {name: _from_json(figures[name]) for name in figures if name != "pixels"}
        return cls(**known, pixels=figures["pixels"])


@dataclass(frozen=True)
class PhotoMetrics:
    """The figures of one photo, or the averages over several.

    Attributes
    ----------
    regions : mapping of Region to RegionMetrics
        Holds every region of `REGIONS`.
    out_of_gamut_share : float
        Share of pixels whose original colour sRGB cannot hold, 0..1.
    round_trip : float or None
        Share of sRGB codes that the restored photo gives back, 0..1; None if not measured.
    """

    regions: Mapping[Region, RegionMetrics]
    out_of_gamut_share: float
    round_trip: float | None = None

    @property
    def group(self) -> Group:
        """The group of the photo by its share of out-of-gamut pixels."""
        return group_of(self.out_of_gamut_share)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON: nan becomes None, infinity the text "Infinity"."""
        return {
            "regions": {region: figures.as_dict() for region, figures in self.regions.items()},
            "out_of_gamut_share": _for_json(self.out_of_gamut_share),
            "round_trip": _for_json(self.round_trip),
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> PhotoMetrics:
        """Return the figures from what :meth:`as_dict` returned."""
        regions = {region: RegionMetrics.from_dict(told["regions"][region]) for region in REGIONS}
        return cls(regions, told["out_of_gamut_share"], told["round_trip"])


def compare(
    reference: Floats,
    test: Floats,
    out_of_gamut: Mask,
    *,
    within: Mask | None = None,
    codes: Codes | None = None,
    adaptation: Adaptation = "Bradford",
) -> PhotoMetrics:
    """Measure a restored photo against its original.

    Parameters
    ----------
    reference, test : ndarray, floating, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1. Must be finite.
    out_of_gamut : ndarray, bool, shape (H, W)
        Mask of the *reference* (:func:`core.gamut.out_of_gamut_mask`).
    within : ndarray, bool, shape (H, W), optional
        The pixels that count, but for the round trip; all unless given. SSIM looks at their
        surroundings, too.
    codes : ndarray, uint8 or uint16, shape (H, W, 3), optional
        The sRGB photo that was restored, to measure the round trip.
    adaptation : {"Bradford", "CAT02"}
        How the round trip goes from ProPhoto to sRGB.

    Returns
    -------
    PhotoMetrics

    Raises
    ------
    PhotoError
        If the two photos differ in size or a value is not finite.
    ValueError
        If an array is not an RGB image, or the mask is not the reference's.

    Examples
    --------
    >>> reference = np.full((16, 16, 3), 0.5, np.float32)
    >>> outside = np.zeros((16, 16), bool)
    >>> outside[:8] = True
    >>> measured = compare(reference, reference * np.float32(0.9), outside)
    >>> round(measured.regions["all"].psnr, 2)
    26.02
    """
    _check(reference, test, out_of_gamut)
    classes = out_of_gamut.astype(np.uint8)
    if within is not None:
        classes[~within] = _UNCOUNTED
    pixels, squares, differences = np.zeros(2), np.zeros(2), np.zeros(2)
    similarities, windows = np.zeros(2), np.zeros(2)
    delta_e = np.empty(out_of_gamut.shape, np.float32)
    for rows in row_bands(out_of_gamut):
        mask = classes[rows]
        band = _delta_e(reference[rows], test[rows])
        delta_e[rows] = band
        pixels += _sums(mask)
        differences += _sums(mask, band)
        squares += _sums(mask, _squares(reference[rows], test[rows]))
        similarity, inner = _ssim_band(reference, test, classes, rows)
        similarities += _sums(inner, similarity)
        windows += _sums(inner)
    errors = _by_region(squares, 3 * pixels)
    ssim = _by_region(similarities, windows)
    means = _by_region(differences, pixels)
    masks = region_masks(out_of_gamut)
    if within is not None:
        masks = {region: mask & within for region, mask in masks.items()}
    regions = {
        region: RegionMetrics(
            psnr(errors[region]),
            rmse(errors[region]),
            ssim[region],
            means[region],
            _percentile_95(delta_e[masks[region]]),
            int(masks[region].sum()),
        )
        for region in REGIONS
    }
    kept = None
    if codes is not None:
        kept = _round_trip_of_prophoto(codes, test, adaptation)
    return PhotoMetrics(regions, _ratio(pixels[1], pixels.sum()), kept)


def average(photos: Iterable[PhotoMetrics]) -> PhotoMetrics:
    """Return the mean of each figure over photos, each photo counting the same.

    A region that a photo does not have is left out of that region's means; the pixels are
    added up. A mean is infinite as soon as one PSNR is.

    Parameters
    ----------
    photos : iterable of PhotoMetrics
        At least one.

    Returns
    -------
    PhotoMetrics

    Examples
    --------
    >>> reference = np.full((16, 16, 3), 0.5, np.float32)
    >>> one = compare(reference, reference * np.float32(0.9), np.ones((16, 16), bool))
    >>> average([one, one]).regions["all"].psnr == one.regions["all"].psnr
    True
    """
    measured = list(photos)
    if not measured:
        raise ValueError("There is no photo to average over.")
    regions: dict[Region, RegionMetrics] = {}
    for region in REGIONS:
        rows = [photo.regions[region] for photo in measured]
        regions[region] = RegionMetrics(
            _mean(row.psnr for row in rows),
            _mean(row.rmse for row in rows),
            _mean(row.ssim for row in rows),
            _mean(row.delta_e_mean for row in rows),
            _mean(row.delta_e_p95 for row in rows),
            sum(row.pixels for row in rows),
        )
    trips = [photo.round_trip for photo in measured if photo.round_trip is not None]
    return PhotoMetrics(
        regions,
        _mean(photo.out_of_gamut_share for photo in measured),
        _mean(trips) if trips else None,
    )


def group_of(out_of_gamut_share: float) -> Group:
    """Return the group of a photo by its share of out-of-gamut pixels.

    A holds the shares below 25 %, B those from 25 and below 50 %, C those from 50 and below
    75 %, D the rest.

    Examples
    --------
    >>> group_of(0.02), group_of(0.6)
    ('A', 'C')
    """
    if not 0.0 <= out_of_gamut_share <= 1.0:
        raise ValueError(f"A share of pixels lies in 0..1, not at {out_of_gamut_share}.")
    return GROUPS[min(int(out_of_gamut_share * 4), 3)]


def psnr(mse: float) -> float:
    """Return the peak signal-to-noise ratio in dB of a mean squared error, of peak 1.

    Examples
    --------
    >>> psnr(0.01)
    20.0
    """
    return math.inf if mse == 0.0 else -10.0 * math.log10(mse)


def rmse(mse: float) -> float:
    """Return the root of a mean squared error.

    Examples
    --------
    >>> rmse(0.01)
    0.1
    """
    return math.sqrt(mse)


def mse_by_region(reference: Floats, test: Floats, out_of_gamut: Mask) -> dict[Region, float]:
    """Return the mean squared error of each region: what PSNR and RMSE are made of.

    Parameters
    ----------
    reference, test : ndarray, floating, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1. Must be finite.
    out_of_gamut : ndarray, bool, shape (H, W)
        Mask of the reference.

    Returns
    -------
    dict of Region to float
        Mean over the region's pixels and 3 channels; nan for an empty region.

    Examples
    --------
    >>> reference = np.zeros((1, 2, 3), np.float32)
    >>> test = np.array([[[0.1] * 3, [0.3] * 3]], np.float32)
    >>> errors = mse_by_region(reference, test, np.array([[True, False]]))
    >>> {region: round(float(error), 4) for region, error in errors.items()}
    {'all': 0.05, 'out_of_gamut': 0.01, 'in_gamut': 0.09}
    """
    _check(reference, test, out_of_gamut)
    squares, pixels = np.zeros(2), np.zeros(2)
    for rows in row_bands(out_of_gamut):
        squares += _sums(out_of_gamut[rows], _squares(reference[rows], test[rows]))
        pixels += _sums(out_of_gamut[rows])
    return _by_region(squares, 3 * pixels)


def region_masks(out_of_gamut: Mask) -> dict[Region, Mask]:
    """Return the mask of each region (bool, same shape).

    Examples
    --------
    >>> region_masks(np.array([True, False]))["in_gamut"].tolist()
    [False, True]
    """
    return {
        "all": np.ones_like(out_of_gamut),
        "out_of_gamut": out_of_gamut,
        "in_gamut": ~out_of_gamut,
    }


def region_means(values: Floats, out_of_gamut: Mask) -> dict[Region, float]:
    """Return the mean of a map over each region; nan for an empty one.

    Parameters
    ----------
    values : ndarray, floating, shape (H, W)
        Any error map.
    out_of_gamut : ndarray, bool, shape (H, W)
        Mask of the reference.

    Examples
    --------
    >>> region_means(np.array([[1.0, 3.0]]), np.array([[True, False]]))
    {'all': 2.0, 'out_of_gamut': 1.0, 'in_gamut': 3.0}
    """
    return _by_region(_sums(out_of_gamut, values), _sums(out_of_gamut))


def absolute_error_map(reference: Floats, test: Floats) -> FloatImage:
    """Return the absolute difference of two photos, averaged over the channels.

    Parameters
    ----------
    reference, test : ndarray, floating, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.

    Returns
    -------
    ndarray, float32, shape (H, W)

    Examples
    --------
    >>> white, black = np.ones((1, 1, 3), np.float32), np.zeros((1, 1, 3), np.float32)
    >>> absolute_error_map(white, black).tolist()
    [[1.0]]
    """
    _check(reference, test)
    error = np.empty(reference.shape[:2], np.float32)
    for rows in row_bands(error):
        error[rows] = np.abs(_double(reference[rows]) - _double(test[rows])).mean(axis=-1)
    return error


def delta_e_map(reference: Floats, test: Floats) -> FloatImage:
    """Return the CIEDE2000 colour difference of two photos, pixel by pixel.

    Parameters
    ----------
    reference, test : ndarray, floating, shape (H, W, 3)
        Linear ProPhoto RGB in 0..1.

    Returns
    -------
    ndarray, float32, shape (H, W)

    Examples
    --------
    >>> white, black = np.ones((1, 1, 3), np.float32), np.zeros((1, 1, 3), np.float32)
    >>> delta_e_map(white, black).astype(float).round(3).tolist()
    [[100.0]]
    """
    _check(reference, test)
    difference = np.empty(reference.shape[:2], np.float32)
    for rows in row_bands(difference):
        difference[rows] = _delta_e(reference[rows], test[rows])
    return difference


def round_trip(codes: Codes, scene: Floats) -> float:
    """Return the share of sRGB codes that a restored photo gives back when reduced again.

    Parameters
    ----------
    codes : ndarray, uint8 or uint16, shape (H, W, 3)
        The sRGB photo that was restored.
    scene : ndarray, floating, shape (H, W, 3)
        Scene-linear sRGB, unbounded.

    Returns
    -------
    float
        Share of the channel values, 0..1; nan for an empty photo.

    Examples
    --------
    >>> from core.gamut import naive_inversion
    >>> codes = np.array([[[0, 128, 255]]], np.uint8)
    >>> round_trip(codes, naive_inversion(codes))
    1.0
    """
    if codes.shape != scene.shape:
        raise PhotoError(
            f"The sRGB photo is {_size(codes)}, but the restored one is {_size(scene)}: give "
            "two photos of the same size."
        )
    depth: Literal[8, 16] = 8 if code_maximum(codes) == 255 else 16
    kept = sum(
        int(np.count_nonzero(reduce(scene[rows], depth) == codes[rows]))
        for rows in row_bands(codes)
    )
    return kept / codes.size if codes.size else math.nan


def _round_trip_of_prophoto(codes: Codes, values: Floats, adaptation: Adaptation) -> float:
    if codes.shape != values.shape:
        return round_trip(codes, values)
    kept, total = 0.0, 0
    for rows in row_bands(codes):
        scene = convert(values[rows], PROPHOTO, SRGB, adaptation)
        kept += round_trip(codes[rows], scene) * codes[rows].size
        total += codes[rows].size
    return kept / total if total else math.nan


def _ssim_band(
    reference: Floats, test: Floats, classes: npt.NDArray[np.uint8], rows: slice
) -> tuple[Doubles, npt.NDArray[np.uint8]]:
    """Return the SSIM of the rows whose windows fit (Wang et al. 2004), and their mask."""
    height, width = classes.shape
    first = max(rows.start, _SSIM_RADIUS)
    last = min(rows.stop, height - _SSIM_RADIUS)
    if first >= last or width <= 2 * _SSIM_RADIUS:
        return np.zeros((0, 0)), np.zeros((0, 0), np.uint8)
    reach = slice(first - _SSIM_RADIUS, last + _SSIM_RADIUS)
    inner = (slice(_SSIM_RADIUS, -_SSIM_RADIUS), slice(_SSIM_RADIUS, -_SSIM_RADIUS))
    x, y = _double(reference[reach]), _double(test[reach])
    mean_x, mean_y = _window_mean(x)[inner], _window_mean(y)[inner]
    variance_x = _window_mean(x * x)[inner] - mean_x**2
    variance_y = _window_mean(y * y)[inner] - mean_y**2
    covariance = _window_mean(x * y)[inner] - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _SSIM_C1) / (mean_x**2 + mean_y**2 + _SSIM_C1)
    structure = (2 * covariance + _SSIM_C2) / (variance_x + variance_y + _SSIM_C2)
    return (luminance * structure).mean(axis=-1), classes[first:last, inner[1]]


def _window_mean(values: Doubles) -> Doubles:
    sigma = (_SSIM_SIGMA, _SSIM_SIGMA, 0.0)
    return np.asarray(gaussian_filter(values, sigma, radius=_SSIM_RADIUS), np.float64)


def _delta_e(reference: Floats, test: Floats) -> Doubles:
    difference = delta_e_2000(
        lab_from_prophoto(_double(reference)), lab_from_prophoto(_double(test))
    )
    return np.asarray(difference, np.float64)


def _squares(reference: Floats, test: Floats) -> Doubles:
    error = _double(reference) - _double(test)
    return np.asarray(np.einsum("...c,...c->...", error, error))


def _sums(mask: Mask | npt.NDArray[np.uint8], values: Floats | None = None) -> Doubles:
    """Return the sums over the pixels outside and inside a mask (their numbers by default)."""
    weights = None if values is None else values.ravel()
    return np.bincount(mask.ravel(), weights, minlength=2)[:_UNCOUNTED].astype(np.float64)


def _by_region(sums: Doubles, counts: Doubles) -> dict[Region, float]:
    inside, outside = (float(total) for total in sums)
    inside_count, outside_count = (float(count) for count in counts)
    return {
        "all": _ratio(inside + outside, inside_count + outside_count),
        "out_of_gamut": _ratio(outside, outside_count),
        "in_gamut": _ratio(inside, inside_count),
    }


def _ratio(total: float, count: float) -> float:
    return total / count if count else math.nan


def _percentile_95(values: npt.NDArray[np.float32]) -> float:
    return float(np.percentile(values, 95)) if values.size else math.nan


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _double(values: Floats) -> Doubles:
    return values.astype(np.float64, copy=False)


def _check(reference: Floats, test: Floats, mask: Mask | None = None) -> None:
    for name, values in (("original", reference), ("restored photo", test)):
        if values.ndim != 3 or values.shape[-1] != 3:
            raise ValueError(
                f"The {name} has the shape {values.shape}: give an RGB image of shape "
                "(height, width, 3)."
            )
    if reference.shape != test.shape:
        raise PhotoError(
            f"The original is {_size(reference)}, but the restored photo is {_size(test)}: "
            "give two photos of the same size."
        )
    if mask is not None and mask.shape != reference.shape[:2]:
        raise ValueError(
            f"The mask is {_size(mask)}, but the original is {_size(reference)}: make the mask "
            "from the original."
        )
    for name, values in (("original", reference), ("restored photo", test)):
        if not all(np.isfinite(values[rows]).all() for rows in row_bands(values)):
            raise PhotoError(
                f"The {name} holds values that are not finite numbers: replace them first."
            )


def _size(values: npt.NDArray[Any]) -> str:
    return f"{values.shape[1]} x {values.shape[0]} pixels" if values.ndim > 1 else "no image"


def _for_json(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _from_json(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
