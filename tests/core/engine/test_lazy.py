import dataclasses
from dataclasses import replace

import dask
import dask.array as da
import numpy as np
import pytest

from core.colour import DISPLAY_P3
from core.engine.expansion import ExpansionSettings, expand
from core.engine.lazy import expand_lazily
from core.engine.method import Method, Place, WindowMethod
from core.errors import PhotoError
from core.gamut import Codes, FloatImage, naive_inversion
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.network.letnet import BOX
from core.network.models import random_model
from core.network.solver import SolverSettings

SETTINGS = ExpansionSettings(device="cpu", tile=64, solver=SolverSettings(max_steps=4))
BOX_METHOD = LetNetMethod(random_model(replace(BOX, channels=8), seed=1, scale=20.0))


def codes_of(height: int, width: int) -> Codes:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (height, width, 3))
    codes[rng.random(codes.shape) < 0.05] = 0
    return codes.astype(np.uint8)


@pytest.mark.parametrize("chunks", [(64, 64, 3), (100, 37, 3), (200, 300, 1)])
@pytest.mark.parametrize("method", [BOX_METHOD, NaiveInversion()], ids=["box", "naive"])
def test_a_lazy_photo_has_the_values_of_one_in_memory(
    method: Method, chunks: tuple[int, int, int]
) -> None:
    codes = codes_of(150, 210)
    settings = dataclasses.replace(SETTINGS, space=DISPLAY_P3, tolerance=3.0)
    lazy = expand_lazily(da.from_array(codes, chunks), method, settings)
    assert (lazy.shape, lazy.dtype) == (codes.shape, np.float32)
    with dask.config.set(scheduler="synchronous"):
        values = lazy.compute()
    np.testing.assert_allclose(values, expand(codes, method, settings).values, atol=1e-6)


def test_only_the_chunks_that_are_asked_for_are_worked_on() -> None:
    seen: list[tuple[int, int]] = []

    class Listening(WindowMethod):
        name, summary, halo = "listening", "", 8

        def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
            seen.append((place.top, place.left))
            return naive_inversion(window)

    lazy = expand_lazily(da.from_array(codes_of(256, 256), (64, 64, 3)), Listening(), SETTINGS)
    assert lazy.chunks == ((64,) * 4, (64,) * 4, (3,))
    assert seen == []
    with dask.config.set(scheduler="synchronous"):
        lazy[70:80, 130:140].compute()
    assert seen
    assert {(top // 56, left // 56) for top, left in seen} == {(1, 2)}


def test_the_engine_takes_lazy_arrays_as_they_are() -> None:
    codes = codes_of(150, 210)
    result = expand(da.from_array(codes, (64, 64, 1)), BOX_METHOD, SETTINGS)
    expected = expand(codes, BOX_METHOD, SETTINGS)
    assert isinstance(result.values, da.Array)
    with dask.config.set(scheduler="synchronous"):
        clipped, values = dask.compute(result.clipped, result.values)
    assert np.array_equal(clipped, expected.clipped)
    np.testing.assert_allclose(values, expected.values, atol=1e-6)


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(PhotoError, match="shape"):
        expand_lazily(da.zeros((4, 4), dtype=np.uint8), NaiveInversion(), SETTINGS)
    with pytest.raises(PhotoError, match="8 or 16 bits"):
        expand_lazily(da.zeros((4, 4, 3)), NaiveInversion(), SETTINGS)
