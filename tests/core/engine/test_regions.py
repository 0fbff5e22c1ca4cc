"""Expansions of a part of a photo, with a soft edge."""

from __future__ import annotations

import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, convert
from core.engine.expansion import ExpansionSettings, expand
from core.engine.method import Method, Place, WindowMethod
from core.engine.solved import photo_solve
from core.errors import PhotoError
from core.gamut import Codes, FloatImage, Mask, clipped_mask, naive_inversion, reduce
from core.images import feathered
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.network.letnet import BOX
from core.network.models import random_model
from core.network.solver import SolverSettings
from core.progress import finished

CPU = ExpansionSettings(device="cpu", tile=64, solver=SolverSettings(max_steps=3))


class Constant(WindowMethod):
    """Adds the same step to every pixel."""

    name, summary = "constant", "a step"

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        return naive_inversion(window) + np.float32([0.4, -0.3, 0.2])


METHODS = [
    Constant(),
    NaiveInversion(),
    LetNetMethod(random_model(BOX, seed=1, scale=20.0)),
]


@pytest.fixture
def codes() -> Codes:
    rng = np.random.default_rng(5)
    return np.clip(rng.normal(128, 110, (150, 130, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def region() -> Mask:
    y, x = np.mgrid[:150, :130]
    return (y - 70) ** 2 + (x - 60) ** 2 < 45**2


@pytest.mark.parametrize("space", [PROPHOTO, DISPLAY_P3])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: str(method.name))
def test_outside_is_naive_inversion_and_the_guarantee_holds_everywhere(
    method: Method, space: ColourSpace, codes: Codes, region: Mask
) -> None:
    settings = ExpansionSettings(device="cpu", tile=64, space=space, solver=CPU.solver)
    weight = feathered(region, 12.0)
    result = expand(codes, method, settings, weight=weight)
    naive = np.clip(convert(naive_inversion(codes), SRGB, space), 0.0, 1.0)
    assert np.array_equal(result.values[~region], naive[~region])
    assert np.array_equal(reduce(convert(result.values, space, SRGB)), codes)
    assert np.array_equal(result.clipped, clipped_mask(codes) & region)
    if not isinstance(method, NaiveInversion):
        changed = (result.values != naive).any(-1)
        assert changed[weight == 1.0].mean() > 0.2


def test_the_step_grows_with_the_weight(codes: Codes, region: Mask) -> None:
    weight = feathered(region, 20.0)
    whole = expand(codes, Constant(), CPU).values
    part = expand(codes, Constant(), CPU, weight=weight).values
    naive = np.clip(convert(naive_inversion(codes), SRGB, PROPHOTO), 0.0, 1.0)
    assert np.array_equal(part[weight == 1.0], whole[weight == 1.0])
    assert np.allclose(part, naive + weight[..., None] * (whole - naive), atol=1e-6)


def test_without_a_projection_a_region_has_an_outside_too(codes: Codes, region: Mask) -> None:
    settings = ExpansionSettings(device="cpu", tile=64, project=False)
    weight = feathered(region, 0.0)
    whole = expand(codes, Constant(), settings).values
    part = expand(codes, Constant(), settings, weight=weight).values
    naive = np.clip(convert(naive_inversion(codes), SRGB, PROPHOTO), 0.0, 1.0)
    assert np.array_equal(part[region], whole[region])
    assert np.array_equal(part[~region], naive[~region])


def test_tiles_outside_a_region_are_not_solved(codes: Codes) -> None:
    weight = np.zeros(codes.shape[:2], np.float32)
    weight[:50, :50] = 1.0
    assert len(expand(codes, Constant(), CPU).tiles) == 9
    assert len(expand(codes, Constant(), CPU, weight=weight).tiles) == 1


@pytest.mark.parametrize("project", [True, False])
def test_a_kept_solve_of_a_region_is_finished_alike(
    project: bool, codes: Codes, region: Mask
) -> None:
    weight = feathered(region, 9.0)
    settings = ExpansionSettings(device="cpu", tile=64, project=project)
    solved = finished(photo_solve(codes, Constant(), settings, weight=weight))
    other = ExpansionSettings(
        device="cpu", tile=64, project=project, strength=0.4, space=DISPLAY_P3
    )
    expected = expand(codes, Constant(), other, weight=weight).values
    assert np.array_equal(solved.finish(other), expected)
    assert np.array_equal(solved.rows(40, 90, other), expected[40:90])
    earlier = solved.finish(ExpansionSettings(**(vars(other) | {"strength": 1.7})))
    assert np.array_equal(solved.finish(other, out=earlier), expected)


@pytest.mark.parametrize(
    ("weight", "says"),
    [
        (np.ones((3, 3), np.float32), "shape"),
        (np.full((150, 130), 1.5, np.float32), "0 to 1"),
        (np.full((150, 130), np.nan, np.float32), "0 to 1"),
    ],
)
def test_a_weight_that_is_none_is_refused(weight: FloatImage, says: str, codes: Codes) -> None:
    with pytest.raises(ValueError, match=says):
        expand(codes, Constant(), CPU, weight=weight)


def test_dask_arrays_have_no_regions(codes: Codes) -> None:
    da = pytest.importorskip("dask.array")
    with pytest.raises(PhotoError, match="load this one"):
        expand(da.from_array(codes), Constant(), CPU, weight=np.ones(codes.shape[:2], np.float32))


def test_a_soft_edge_rises_inside_the_region_alone(region: Mask) -> None:
    weight = feathered(region, 10.0)
    assert (weight[~region] == 0.0).all()
    assert (weight[region] > 0.0).all()
    assert weight[70, 60] == 1.0
    assert weight.dtype == np.float32
    along = weight[70, 60:106]
    assert (np.diff(along) <= 0.0).all()
    assert np.abs(np.diff(along)).max() <= 0.11
    # Where the photo ends, the region goes on.
    half = np.zeros((20, 30), np.bool_)
    half[:, :15] = True
    assert feathered(half, 5.0)[0, 0] == 1.0
    assert np.array_equal(feathered(half, 5.0)[0, 10:16], np.float32([1, 0.8, 0.6, 0.4, 0.2, 0]))
    assert (feathered(np.ones((4, 4), np.bool_), 3.0) == 1.0).all()
    assert (feathered(np.zeros((4, 4), np.bool_), 3.0) == 0.0).all()
