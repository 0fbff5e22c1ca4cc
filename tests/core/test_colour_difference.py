"""CIEDE2000 gives the published values, and agrees with colour-science everywhere."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.colour_difference import delta_e_2000

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

# Sharma, Wu, Dalal 2005, table 1: L*, a*, b* of both colours and their difference.
PUBLISHED = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)

labs = st.tuples(st.floats(0, 100), st.floats(-150, 150), st.floats(-150, 150))


def random_labs(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform((0, -150, -150), (100, 150, 150), (count, 3))


def test_it_gives_the_34_published_differences() -> None:
    first, second, expected = PUBLISHED[:, :3], PUBLISHED[:, 3:6], PUBLISHED[:, 6]
    np.testing.assert_allclose(delta_e_2000(first, second), expected, atol=5.1e-5)
    np.testing.assert_allclose(delta_e_2000(second, first), expected, atol=5.1e-5)


def test_it_agrees_with_colour_science() -> None:
    first, second = random_labs(1, 20_000), random_labs(2, 20_000)
    oracle = colour.difference.delta_E_CIE2000(first, second)
    np.testing.assert_allclose(delta_e_2000(first, second), oracle, rtol=0, atol=1e-9)


def test_single_precision_is_kept_and_is_enough() -> None:
    first = random_labs(3, 20_000)
    second = first + np.random.default_rng(4).normal(0, 3, first.shape)
    single = delta_e_2000(first.astype(np.float32), second.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, delta_e_2000(first, second), rtol=0, atol=1e-3)


@given(labs, labs)
def test_it_is_symmetric_finite_and_never_negative(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> None:
    one, other = np.array(first), np.array(second)
    forwards, backwards = delta_e_2000(one, other), delta_e_2000(other, one)
    assert np.isfinite(forwards)
    assert forwards >= 0.0
    assert forwards == pytest.approx(backwards, rel=1e-9, abs=1e-9)


@given(labs)
def test_a_colour_does_not_differ_from_itself(lab: tuple[float, float, float]) -> None:
    assert delta_e_2000(np.array(lab), np.array(lab)) == 0.0


def test_any_leading_shape_is_kept() -> None:
    lab = random_labs(5, 24).reshape(2, 3, 4, 3)
    assert delta_e_2000(lab, lab[::-1]).shape == (2, 3, 4)
