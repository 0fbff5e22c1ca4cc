"""The reduction to sRGB, and what its codes say for certain about the colours before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.colour import SRGB, WIDE_SPACES, ColourSpace, convert
from core.gamut import (
    Codes,
    clipped_channels,
    clipped_mask,
    clipping_weight,
    code_maximum,
    feasible_box,
    fit_into,
    naive_inversion,
    out_of_gamut_mask,
    reduce,
    share,
)

Scene = npt.NDArray[np.float32]
HUGE = float(np.finfo(np.float32).max)

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))
every_wide_space = pytest.mark.parametrize("space", WIDE_SPACES.values(), ids=WIDE_SPACES.keys())
every_depth = pytest.mark.parametrize("depth", [8, 16])


def codes_of(draw: st.DrawFn, shape: tuple[int, ...], depth: int) -> Codes:
    maximum = 2**depth - 1
    dtype = np.uint8 if depth == 8 else np.uint16
    values = st.one_of(
        st.sampled_from([0, 1, 2, maximum - 2, maximum - 1, maximum]), st.integers(0, maximum)
    )
    return draw(arrays(dtype, shape, elements=values))


@st.composite
def photos(draw: st.DrawFn, depths: tuple[int, ...] = (8, 16)) -> Codes:
    return codes_of(draw, draw(shapes), draw(st.sampled_from(depths)))


@st.composite
def photos_and_scenes(draw: st.DrawFn, farthest: float = HUGE) -> tuple[Codes, Scene]:
    codes = draw(photos())
    values = st.one_of(
        st.floats(-0.5, 1.5, width=32),
        st.floats(-farthest, farthest, width=32),
    )
    return codes, draw(arrays(np.float32, codes.shape, elements=values))


def depth_of(codes: Codes) -> Any:
    return 8 if codes.dtype == np.uint8 else 16


def random_photo(depth: int, count: int, seed: int = 0) -> Codes:
    """Random codes, two channels in three at an end of the range."""
    rng = np.random.default_rng(seed)
    maximum = 2**depth - 1
    codes = rng.integers(0, maximum + 1, (count, 3))
    end = rng.integers(0, 3, codes.shape)
    codes = np.where(end == 0, 0, np.where(end == 1, maximum, codes))
    return codes.astype(np.uint8 if depth == 8 else np.uint16)


def random_estimate(codes: Codes, seed: int = 1) -> Scene:
    """Estimates in the box: at its two walls, near the naive inversion and far out."""
    rng = np.random.default_rng(seed)
    spread = rng.choice([1e-4, 0.1, 1.0, 100.0], (len(codes), 1))
    noise = rng.standard_normal(codes.shape) * spread
    return feasible_box(codes).project((naive_inversion(codes) + noise).astype(np.float32))


class TestReduction:
    @given(codes=photos())
    def test_the_naive_inversion_reduces_to_the_same_codes(self, codes: Codes) -> None:
        again = reduce(naive_inversion(codes), depth_of(codes))
        assert again.dtype == codes.dtype
        np.testing.assert_array_equal(again, codes)

    @every_depth
    def test_every_code_survives(self, depth: Any) -> None:
        codes = np.arange(2**depth).astype(np.uint8 if depth == 8 else np.uint16)
        grey = np.stack([codes] * 3, axis=-1)
        np.testing.assert_array_equal(reduce(naive_inversion(grey), depth), grey)

    @every_depth
    def test_it_is_clip_encode_round(self, depth: Any) -> None:
        scene = np.random.default_rng(0).uniform(-1, 2, (1000, 3))
        clipped = np.minimum(np.maximum(scene, 0), 1)
        encoded = np.where(
            clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055
        )
        np.testing.assert_array_equal(
            reduce(scene, depth), np.round(encoded * (2**depth - 1)).astype(int)
        )

    def test_it_clips_what_srgb_cannot_hold(self) -> None:
        scene = np.array([[-1.0, 0.0, 1.0], [2.0, -HUGE, HUGE]])
        np.testing.assert_array_equal(reduce(scene), [[0, 0, 255], [255, 0, 255]])

    def test_eight_bits_unless_asked(self) -> None:
        assert reduce(np.zeros((1, 3))).dtype == np.uint8
        assert reduce(np.zeros((1, 3)), 16).dtype == np.uint16

    def test_naive_inversion_is_linear_light_in_float32(self) -> None:
        codes = np.array([[0, 10, 128], [200, 254, 255]], np.uint8)
        linear = naive_inversion(codes)
        assert linear.dtype == np.float32
        np.testing.assert_allclose(linear, SRGB.decode(codes / 255), rtol=0, atol=6e-8)

    @pytest.mark.parametrize("dtype", [np.int64, np.int16, np.float32, np.bool_])
    @pytest.mark.parametrize(
        "function", [code_maximum, naive_inversion, clipped_mask, clipped_channels, feasible_box]
    )
    def test_other_dtypes_are_no_codes(self, function: Any, dtype: Any) -> None:
        with pytest.raises(TypeError, match=r"8- or 16-bit unsigned integers, not \w+\.$"):
            function(np.zeros((2, 2, 3), dtype))


class TestMasks:
    @given(
        scene=arrays(
            np.float32,
            shapes,
            elements=st.one_of(st.sampled_from([0.0, 1.0, -0.5, 1.5]), st.floats(-2, 3, width=32)),
        )
    )
    def test_out_of_gamut_is_any_channel_outside_unless_all_on_one_side(self, scene: Scene) -> None:
        mask = out_of_gamut_mask(scene)
        assert mask.shape == scene.shape[:-1]
        for place in np.ndindex(mask.shape):
            r, g, b = scene[place]
            outside = r < 0 or r > 1 or g < 0 or g > 1 or b < 0 or b > 1
            black = r < 0 and g < 0 and b < 0
            white = r > 1 and g > 1 and b > 1
            assert mask[place] == (outside and not black and not white)

    @given(codes=photos(), tolerance=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
    def test_clipped_is_any_channel_at_an_end_unless_black_or_white(
        self, codes: Codes, tolerance: float
    ) -> None:
        maximum = code_maximum(codes)
        slack = tolerance * maximum / 255
        low, high = clipped_channels(codes, tolerance)
        mask = clipped_mask(codes, tolerance)
        for place in np.ndindex(mask.shape):
            at_zero = [int(code) <= slack for code in codes[place]]
            at_maximum = [int(code) >= maximum - slack for code in codes[place]]
            assert low[place].tolist() == at_zero
            assert high[place].tolist() == at_maximum
            expected = any(at_zero + at_maximum) and not all(at_zero) and not all(at_maximum)
            assert mask[place] == expected

    @given(codes=photos(), tolerance=st.floats(0.0, 8.0))
    def test_tolerance_widens_the_ends(self, codes: Codes, tolerance: float) -> None:
        exact, wide = clipped_channels(codes), clipped_channels(codes, tolerance)
        assert all((outer | ~inner).all() for inner, outer in zip(exact, wide, strict=True))

    @given(codes=photos(), tolerance=st.floats(0.0, 64.0))
    def test_the_weight_of_clipping_fades_within_the_tolerance(
        self, codes: Codes, tolerance: float
    ) -> None:
        weight = clipping_weight(codes, tolerance)
        near, within = (
            np.logical_or(*clipped_channels(codes, limit)).any(-1)
            for limit in (tolerance / 2, tolerance)
        )
        assert weight.dtype == np.float32
        assert (weight[near] > 1.0 - 1e-5).all()
        assert (weight[~within] < 1e-5).all()
        assert ((weight >= 0.0) & (weight <= 1.0)).all()

    def test_the_weight_falls_linearly(self) -> None:
        codes = np.array([[n, 100, 255 - n] for n in (0, 3, 4, 5, 6, 7)], np.uint8)
        assert clipping_weight(codes, 6.0) == pytest.approx([1, 1, 2 / 3, 1 / 3, 0, 0])
        wide = codes.astype(np.uint16) * 257
        assert clipping_weight(wide, 6.0) == pytest.approx([1, 1, 2 / 3, 1 / 3, 0, 0])
        assert clipping_weight(codes, 0.0).tolist() == [1, 0, 0, 0, 0, 0]

    def test_sixteen_bit_tolerance_is_in_eight_bit_codes(self) -> None:
        codes = np.array([[257, 258, 65535 - 257]], np.uint16)
        low, high = clipped_channels(codes, 1.0)
        assert low.tolist() == [[True, False, False]]
        assert high.tolist() == [[False, False, True]]

    @pytest.mark.parametrize("tolerance", [-0.1, 64.5, float("nan")])
    def test_a_tolerance_out_of_range_is_an_error(self, tolerance: float) -> None:
        codes = np.zeros((1, 3), np.uint8)
        for function in (clipped_mask, clipping_weight, feasible_box):
            with pytest.raises(ValueError, match=r"tolerance .* 0\.\.64, not"):
                function(codes, tolerance)

    def test_share(self) -> None:
        assert share(np.array([[True, False], [False, False]])) == 0.25
        assert share(np.zeros((0, 4), bool)) == 0.0


class TestFeasibleBox:
    @given(photos_and_scenes())
    def test_whatever_is_projected_reduces_to_the_same_codes(
        self, given_pair: tuple[Codes, Scene]
    ) -> None:
        codes, scene = given_pair
        box = feasible_box(codes)
        projected = box.project(scene)
        assert projected.dtype == np.float32
        assert box.contains(projected).all()
        np.testing.assert_array_equal(reduce(projected, depth_of(codes)), codes)

    @given(photos_and_scenes())
    def test_colours_inside_are_not_moved(self, given_pair: tuple[Codes, Scene]) -> None:
        codes, scene = given_pair
        box = feasible_box(codes)
        projected = box.project(scene)
        np.testing.assert_array_equal(box.project(projected), projected)
        inside = box.contains(scene)
        np.testing.assert_array_equal(projected[inside], scene[inside])

    @given(codes=photos())
    def test_the_naive_inversion_lies_inside(self, codes: Codes) -> None:
        assert feasible_box(codes).contains(naive_inversion(codes)).all()

    @given(codes=photos(), tolerance=st.sampled_from([0.0, 1.0, 2.5]))
    def test_it_is_open_exactly_where_codes_are_clipped(
        self, codes: Codes, tolerance: float
    ) -> None:
        box = feasible_box(codes, tolerance)
        low, high = clipped_channels(codes, tolerance)
        np.testing.assert_array_equal(np.isneginf(box.lower), low)
        np.testing.assert_array_equal(np.isposinf(box.upper), high)

    @given(
        given_pair=photos_and_scenes(farthest=4.0), tolerance=st.sampled_from([0.5, 1.0, 2.0, 3.0])
    )
    def test_tolerance_widens_it_and_holds_to_within_the_tolerance(
        self, given_pair: tuple[Codes, Scene], tolerance: float
    ) -> None:
        codes, scene = given_pair
        narrow, wide = feasible_box(codes), feasible_box(codes, tolerance)
        assert (wide.lower <= narrow.lower).all()
        assert (wide.upper >= narrow.upper).all()
        again = reduce(wide.project(scene), depth_of(codes))
        moved = np.abs(again.astype(int) - codes.astype(int)) * 255 / code_maximum(codes)
        low, high = clipped_channels(codes, tolerance)
        assert moved[~low & ~high].max(initial=0.0) <= np.ceil(tolerance)

    @every_depth
    @pytest.mark.parametrize("tolerance", [0.0, 1.0, 3.0])
    def test_it_is_as_wide_as_half_codes_and_the_tolerance(
        self, depth: int, tolerance: float
    ) -> None:
        maximum = 2**depth - 1
        codes = np.array([[maximum // 3, maximum // 2, maximum // 4]])
        box = feasible_box(codes.astype(np.uint8 if depth == 8 else np.uint16), tolerance)
        for wall, sign in ((box.lower, -1), (box.upper, 1)):
            reach = sign * (SRGB.encode(wall.astype(np.float64)) * maximum - codes)
            slack = tolerance * maximum / 255
            assert (reach <= 0.5 + slack).all()
            assert (reach > slack).all()

    @every_wide_space
    @every_depth
    def test_the_guarantee_holds_through_another_space_in_float32(
        self, space: ColourSpace, depth: Any
    ) -> None:
        codes = random_photo(depth, 200_000)
        wide = fit_into(random_estimate(codes), naive_inversion(codes), space)
        assert wide.dtype == np.float32
        np.testing.assert_array_equal(reduce(convert(wide, space, SRGB), depth), codes)

    @every_wide_space
    def test_the_guarantee_holds_through_a_sixteen_bit_file(self, space: ColourSpace) -> None:
        # ProPhoto is the widest, and the one whose rounding moves colours farthest.
        codes = random_photo(8, 1_000_000 if space.key == "prophoto" else 100_000, seed=2)
        wide = fit_into(random_estimate(codes, seed=3), naive_inversion(codes), space)
        written = np.rint(space.encode(wide) * np.float32(65535)).astype(np.uint16)
        read = space.decode(written.astype(np.float32) / np.float32(65535))
        np.testing.assert_array_equal(reduce(convert(read, space, SRGB)), codes)


class TestFitInto:
    @every_wide_space
    @given(given_pair=photos_and_scenes())
    def test_it_stays_in_range_and_in_the_box(
        self, space: ColourSpace, given_pair: tuple[Codes, Scene]
    ) -> None:
        codes, scene = given_pair
        estimate = feasible_box(codes).project(scene)
        fitted = fit_into(estimate, naive_inversion(codes), space)
        assert fitted.dtype == np.float32
        assert fitted.min() >= 0.0
        assert fitted.max() <= 1.0
        again = reduce(convert(fitted, space, SRGB), depth_of(codes))
        np.testing.assert_array_equal(again, codes)

    @every_wide_space
    def test_estimates_near_the_limit_of_float32_do_not_overflow(self, space: ColourSpace) -> None:
        ends = np.array([[0, 255, 0], [255, 0, 0], [0, 0, 255], [255, 255, 0], [255, 9, 0]])
        codes = ends.astype(np.uint8)
        farthest = np.where(ends > 0, HUGE, -HUGE).astype(np.float32)
        fitted = fit_into(feasible_box(codes).project(farthest), naive_inversion(codes), space)
        np.testing.assert_array_equal(reduce(convert(fitted, space, SRGB)), codes)

    @every_wide_space
    def test_it_moves_towards_the_naive_inversion_as_little_as_needed(
        self, space: ColourSpace
    ) -> None:
        codes = random_photo(8, 5000, seed=4)
        estimate, naive = random_estimate(codes), naive_inversion(codes)
        start = convert(naive.astype(np.float64), SRGB, space)
        end = convert(estimate.astype(np.float64), SRGB, space)
        fitted = fit_into(estimate, naive, space)
        step = end - start
        length = (step**2).sum(-1)
        kept = np.where(
            length > 0, ((fitted - start) * step).sum(-1) / np.maximum(length, 1e-30), 1.0
        )
        # On the segment ...
        np.testing.assert_allclose(fitted, start + kept[:, None] * step, rtol=0, atol=1e-5)
        beyond = (kept - np.clip(kept, 0.0, 1.0)) * np.sqrt(length)
        assert np.abs(beyond).max() < 1e-6
        # ... and at its end, or at the boundary of the space.
        at_end = np.abs(fitted - end).max(-1) < 1e-5
        at_boundary = (fitted < 1e-6).any(-1) | (fitted > 1.0 - 1e-6).any(-1)
        assert (at_end | at_boundary).all()
        assert at_end.any()
        assert (at_boundary & ~at_end).any()

    @every_wide_space
    def test_colours_that_the_space_holds_are_kept(self, space: ColourSpace) -> None:
        inside = np.random.default_rng(5).uniform(0.01, 0.99, (1000, 3)).astype(np.float32)
        scene = convert(inside, space, SRGB)
        fitted = fit_into(scene, np.clip(scene, 0.0, 1.0), space)
        np.testing.assert_allclose(fitted, inside, rtol=0, atol=1e-6)

    @every_wide_space
    def test_it_is_continuous(self, space: ColourSpace) -> None:
        """A small change of the estimate changes the result little, across the boundary too."""
        rng = np.random.default_rng(6)
        naive = rng.uniform(0.05, 0.95, (200, 1, 3)).astype(np.float32)
        direction = rng.standard_normal((200, 1, 3)).astype(np.float32)
        way = np.linspace(0.0, 2.0, 400, dtype=np.float32)[:, None]
        fitted = fit_into(naive + way * direction, np.broadcast_to(naive, (200, 400, 3)), space)
        jumps = np.abs(np.diff(fitted, axis=1)).max(-1)
        steps = np.abs(np.diff(convert(way * direction, SRGB, space), axis=1)).max(-1)
        assert (jumps <= steps + 1e-6).all()

    def test_the_adaptation_is_that_of_the_conversion(self) -> None:
        scene = np.array([[0.2, 0.5, 0.4]], np.float32)
        for adaptation in ("Bradford", "CAT02"):
            fitted = fit_into(scene, scene, WIDE_SPACES["prophoto"], adaptation)
            expected = convert(scene, SRGB, WIDE_SPACES["prophoto"], adaptation)
            np.testing.assert_allclose(fitted, expected, rtol=0, atol=1e-6)
