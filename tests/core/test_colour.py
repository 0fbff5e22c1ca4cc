"""Colour spaces agree with colour-science, and every conversion has an inverse."""

from __future__ import annotations

import warnings
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import fsolve

from core.colour import (
    ADAPTATIONS,
    D50,
    PROPHOTO,
    SPACES,
    SRGB,
    WIDE_SPACES,
    ColourSpace,
    TransferFunction,
    adaptation_matrix,
    apply_matrix,
    convert,
    lab_from_prophoto,
    matrix_between,
    white_xyz,
)

NAMES = {
    "srgb": "sRGB",
    "prophoto": "ProPhoto RGB",
    "display-p3": "Display P3",
    "adobe-rgb": "Adobe RGB (1998)",
    "rec2020": "ITU-R BT.2020",
    "acescg": "ACEScg",
}
ONE_ULP = np.finfo(np.float64).eps

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
every_pair = pytest.mark.parametrize(
    ("source", "target"), list(permutations(SPACES.values(), 2)), ids=lambda space: space.key
)
every_adaptation = pytest.mark.parametrize("adaptation", ADAPTATIONS)

colours = arrays(
    np.float64,
    array_shapes(min_dims=0, max_dims=3, max_side=4).map(lambda shape: (*shape, 3)),
    elements=st.floats(-4.0, 4.0, allow_subnormal=False),
)


@pytest.fixture(scope="module")
def oracle() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour
    return colour


def derived(oracle: Any, space: ColourSpace) -> Any:
    """The oracle's space with matrices computed from the chromaticities."""
    theirs = oracle.RGB_COLOURSPACES[NAMES[space.key]].copy()
    theirs.use_derived_matrix_RGB_to_XYZ = True
    theirs.use_derived_matrix_XYZ_to_RGB = True
    return theirs


class TestSpaces:
    def test_there_are_six_and_all_but_srgb_are_wide(self) -> None:
        assert set(SPACES) == set(NAMES)
        assert set(WIDE_SPACES) == set(NAMES) - {"srgb"}
        assert all(key == space.key for key, space in SPACES.items())

    @every_space
    def test_primaries_and_white_are_the_published_ones(
        self, space: ColourSpace, oracle: Any
    ) -> None:
        theirs = oracle.RGB_COLOURSPACES[NAMES[space.key]]
        np.testing.assert_allclose(space.white, theirs.whitepoint, rtol=0, atol=1e-12)
        if space is not PROPHOTO:
            np.testing.assert_allclose(space.primaries, theirs.primaries, rtol=0, atol=1e-12)

    def test_prophoto_primaries_are_those_of_romm(self, oracle: Any) -> None:
        theirs = oracle.RGB_COLOURSPACES["ProPhoto RGB"]
        np.testing.assert_allclose(PROPHOTO.primaries, theirs.primaries, rtol=0, atol=5e-5)

    @pytest.mark.parametrize("key", WIDE_SPACES)
    def test_wide_spaces_hold_all_of_srgb(self, key: str) -> None:
        corners = np.stack(np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]), -1).reshape(-1, 3)
        inside = convert(corners, SRGB, WIDE_SPACES[key])
        assert inside.min() >= -1e-15
        assert inside.max() <= 1.0 + 1e-15


class TestMatrices:
    @every_space
    def test_to_xyz_is_the_derived_matrix(self, space: ColourSpace, oracle: Any) -> None:
        theirs = oracle.models.normalised_primary_matrix(
            np.ravel(space.primaries), np.array(space.white)
        )
        np.testing.assert_allclose(space.to_xyz, theirs, rtol=0, atol=1e-14)

    @every_space
    def test_to_xyz_takes_white_to_white(self, space: ColourSpace) -> None:
        white = space.to_xyz @ np.ones(3)
        np.testing.assert_allclose(white, white_xyz(space.white), rtol=0, atol=2 * ONE_ULP)

    @every_adaptation
    @every_pair
    def test_between_spaces_equals_the_oracle(
        self, source: ColourSpace, target: ColourSpace, adaptation: Any, oracle: Any
    ) -> None:
        theirs = oracle.matrix_RGB_to_RGB(
            derived(oracle, source), derived(oracle, target), adaptation
        )
        ours = matrix_between(source, target, adaptation)
        # The oracle rounds ProPhoto's primaries to four decimals.
        tolerance = 3e-4 if PROPHOTO in (source, target) else 1e-12
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)

    @every_adaptation
    @every_pair
    def test_between_spaces_equals_the_oracle_from_the_same_primaries(
        self, source: ColourSpace, target: ColourSpace, adaptation: Any, oracle: Any
    ) -> None:
        steps = [
            oracle.models.normalised_primary_matrix(np.ravel(s.primaries), np.array(s.white))
            for s in (source, target)
        ]
        adapt = oracle.adaptation.matrix_chromatic_adaptation_VonKries(
            white_xyz(source.white), white_xyz(target.white), transform=adaptation
        )
        theirs = np.linalg.inv(steps[1]) @ adapt @ steps[0]
        ours = matrix_between(source, target, adaptation)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)

    @every_adaptation
    @every_pair
    def test_white_stays_white(
        self, source: ColourSpace, target: ColourSpace, adaptation: Any
    ) -> None:
        matrix = matrix_between(source, target, adaptation)
        assert np.abs(matrix.sum(axis=1) - 1.0).max() <= ONE_ULP
        white = apply_matrix(np.ones(3, np.float32), matrix)
        assert np.abs(white - 1.0).max() <= np.finfo(np.float32).eps

    @every_adaptation
    @every_pair
    def test_inverse_is_the_way_back(
        self, source: ColourSpace, target: ColourSpace, adaptation: Any
    ) -> None:
        there = matrix_between(source, target, adaptation)
        back = matrix_between(target, source, adaptation)
        np.testing.assert_allclose(back @ there, np.eye(3), rtol=0, atol=5e-15)

    def test_bradford_is_the_default_and_is_not_cat02(self) -> None:
        bradford = matrix_between(SRGB, PROPHOTO, "Bradford")
        cat02 = matrix_between(SRGB, PROPHOTO, "CAT02")
        np.testing.assert_array_equal(matrix_between(SRGB, PROPHOTO), bradford)
        assert 1e-3 < np.abs(bradford - cat02).max() < 0.02

    @pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
    def test_from_a_space_to_itself_is_exactly_the_identity(self, space: ColourSpace) -> None:
        assert np.array_equal(matrix_between(space, space), np.eye(3))

    def test_spaces_of_one_white_need_no_adaptation(self) -> None:
        there = [matrix_between(SRGB, SPACES["display-p3"], name) for name in ADAPTATIONS]
        np.testing.assert_array_equal(*there)

    def test_matrices_cannot_be_changed(self) -> None:
        with pytest.raises(ValueError, match="read-only"):
            matrix_between(SRGB, PROPHOTO)[0, 0] = 1.0

    @every_adaptation
    def test_adaptation_takes_one_white_to_the_other(self, adaptation: Any) -> None:
        source, target = white_xyz((0.31, 0.33)), white_xyz(D50)
        adapted = adaptation_matrix(source, target, adaptation) @ source
        np.testing.assert_allclose(adapted, target, rtol=0, atol=1e-15)

    @pytest.mark.parametrize("target", ["prophoto", "display-p3"], ids=["other white", "same"])
    def test_an_unknown_adaptation_gives_the_choices(self, target: str) -> None:
        sentence = r"^There is no adaptation named 'Bradfort'; choose one of Bradford, CAT02\.$"
        with pytest.raises(ValueError, match=sentence):
            matrix_between(SRGB, SPACES[target], "Bradfort")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=sentence):
            adaptation_matrix(white_xyz(D50), white_xyz(D50), "Bradfort")  # type: ignore[arg-type]


class TestTransferFunctions:
    @every_space
    def test_decoding_equals_the_oracle(self, space: ColourSpace, oracle: Any) -> None:
        encoded = np.linspace(0.0, 1.0, 65536)
        if space.key == "rec2020":
            # The oracle has the standard's rounded constants (four decimals).
            theirs = oracle.models.oetf_inverse_BT2020(encoded, is_12_bits_system=True)
            tolerance = 1e-5
        else:
            theirs = oracle.RGB_COLOURSPACES[NAMES[space.key]].cctf_decoding(encoded)
            tolerance = 1e-7
        np.testing.assert_allclose(space.decode(encoded), theirs, rtol=0, atol=tolerance)

    @every_space
    def test_encoding_equals_the_oracle(self, space: ColourSpace, oracle: Any) -> None:
        linear = np.linspace(0.0, 1.0, 65536)
        if space.key == "rec2020":
            theirs = oracle.models.oetf_BT2020(linear, is_12_bits_system=True)
            tolerance = 1e-5
        else:
            theirs = oracle.RGB_COLOURSPACES[NAMES[space.key]].cctf_encoding(linear)
            tolerance = 1e-7
        np.testing.assert_allclose(space.encode(linear), theirs, rtol=0, atol=tolerance)

    def test_rec2020_has_the_constants_that_make_the_parts_meet_smoothly(self) -> None:
        def mismatch(constants: Any) -> Any:
            alpha, beta = constants
            value = alpha * beta**0.45 - (alpha - 1.0) - 4.5 * beta
            slope = 0.45 * alpha * beta**-0.55 - 4.5
            return value, slope

        alpha, beta = fsolve(mismatch, (1.1, 0.018), xtol=1e-14)
        linear = np.linspace(0.0, 1.0, 10001)
        standard = np.where(linear < beta, 4.5 * linear, alpha * linear**0.45 - (alpha - 1.0))
        np.testing.assert_allclose(SPACES["rec2020"].encode(linear), standard, rtol=0, atol=1e-12)

    @every_space
    def test_ends_are_exact(self, space: ColourSpace) -> None:
        ends = np.array([0.0, 1.0])
        np.testing.assert_allclose(space.decode(ends), ends, rtol=0, atol=ONE_ULP)
        np.testing.assert_allclose(space.encode(ends), ends, rtol=0, atol=ONE_ULP)

    @every_space
    def test_toe_and_power_meet(self, space: ColourSpace) -> None:
        curve = space.transfer
        below, above = np.nextafter(curve.d, -1.0), curve.d
        gap = space.decode(np.array(above)) - space.decode(np.array(below))
        assert abs(gap) < 1e-8

    @every_space
    def test_curves_rise(self, space: ColourSpace) -> None:
        encoded = np.linspace(-0.1, 1.1, 4001)
        assert (np.diff(space.decode(encoded)) > 0).all()
        assert (np.diff(space.encode(encoded)) > 0).all()

    @every_space
    @given(values=colours)
    def test_encoding_inverts_decoding(self, space: ColourSpace, values: Any) -> None:
        np.testing.assert_allclose(space.encode(space.decode(values)), values, rtol=1e-9, atol=1e-8)
        np.testing.assert_allclose(space.decode(space.encode(values)), values, rtol=1e-9, atol=1e-8)

    @every_space
    @given(values=colours)
    def test_negative_values_are_mirrored(self, space: ColourSpace, values: Any) -> None:
        np.testing.assert_array_equal(space.decode(-values), -space.decode(values))
        np.testing.assert_array_equal(space.encode(-values), -space.encode(values))

    def test_linear_and_power_curves_know_themselves(self) -> None:
        assert SPACES["acescg"].transfer.is_linear
        assert SPACES["adobe-rgb"].transfer.is_power
        for key in ("srgb", "prophoto", "display-p3", "rec2020"):
            assert not SPACES[key].transfer.is_linear
            assert not SPACES[key].transfer.is_power

    def test_a_curve_has_the_icc_parametric_form(self) -> None:
        curve = TransferFunction(gamma=2.0, a=0.5, b=0.5, c=0.25, d=0.1)
        decoded = curve.decode(np.array([0.0, 0.05, 0.1, 0.5, 1.0]))
        np.testing.assert_allclose(decoded, [0.0, 0.0125, 0.3025, 0.5625, 1.0], atol=1e-15)


class TestArrays:
    """The same numbers from numpy and torch, in the dtype that came in."""

    @every_space
    @given(values=colours)
    def test_float32_and_torch_agree_with_float64(self, space: ColourSpace, values: Any) -> None:
        exact = [space.decode(values), space.encode(values), convert(values, SRGB, space)]
        single = values.astype(np.float32)
        for given_values in (single, torch.from_numpy(single), torch.from_numpy(values)):
            answers = [
                space.decode(given_values),
                space.encode(given_values),
                convert(given_values, SRGB, space),
            ]
            for answer, reference in zip(answers, exact, strict=True):
                assert type(answer) is type(given_values)
                assert answer.dtype == given_values.dtype
                assert answer.shape == given_values.shape
                np.testing.assert_allclose(np.asarray(answer), reference, rtol=2e-6, atol=2e-6)

    @pytest.mark.parametrize("axis", [0, 1, 2, -1])
    def test_channels_may_be_on_any_axis(self, axis: int) -> None:
        values = np.random.default_rng(0).random((5, 4, 3))
        moved = np.moveaxis(values, -1, axis)
        expected = np.moveaxis(convert(values, SRGB, PROPHOTO), -1, axis)
        np.testing.assert_array_equal(convert(moved, SRGB, PROPHOTO, axis=axis), expected)
        np.testing.assert_allclose(
            convert(torch.from_numpy(moved), SRGB, PROPHOTO, axis=axis).numpy(),
            expected,
            atol=1e-15,
        )

    def test_a_matrix_acts_on_column_vectors(self) -> None:
        matrix = np.arange(9.0).reshape(3, 3)
        colour = np.array([1.0, 2.0, 3.0])
        np.testing.assert_array_equal(apply_matrix(colour, matrix), matrix @ colour)

    @every_pair
    @given(values=colours)
    def test_conversions_invert_each_other(
        self, source: ColourSpace, target: ColourSpace, values: Any
    ) -> None:
        there = convert(values, source, target)
        np.testing.assert_allclose(convert(there, target, source), values, rtol=0, atol=1e-13)

    def test_a_conversion_to_the_same_space_changes_nothing(self) -> None:
        values = np.random.default_rng(1).random((2, 3), np.float32)
        np.testing.assert_array_equal(convert(values, SRGB, SRGB), values)

    def test_the_adaptation_is_passed_on(self) -> None:
        colour = np.array([0.2, 0.5, 0.9])
        expected = matrix_between(SRGB, PROPHOTO, "CAT02") @ colour
        np.testing.assert_allclose(convert(colour, SRGB, PROPHOTO, "CAT02"), expected, atol=1e-15)

    @every_space
    def test_gradients_are_finite_everywhere(self, space: ColourSpace) -> None:
        values = torch.tensor([-1.0, -0.0, 0.0, 1e-6, 0.04045, 0.5, 1.0, 2.0], requires_grad=True)
        space.decode(values).sum().backward()
        gradient = values.grad if values.grad is not None else torch.ones(8)
        assert gradient.isfinite().all()


class TestLab:
    @given(values=colours)
    def test_lab_equals_the_oracle(self, values: Any, oracle: Any) -> None:
        xyz = np.asarray(values @ PROPHOTO.to_xyz.T)
        theirs = oracle.XYZ_to_Lab(xyz, np.array(D50))
        np.testing.assert_allclose(lab_from_prophoto(values), theirs, rtol=0, atol=1e-9)

    def test_white_black_and_grey(self) -> None:
        grey = (np.array([100.0, 0.0, 50.0]) + 16) / 116
        values = np.where(grey > 6 / 29, grey**3, 0.0)[:, None].repeat(3, 1)
        expected = np.zeros((3, 3))
        expected[:, 0] = [100.0, 0.0, 50.0]
        np.testing.assert_allclose(lab_from_prophoto(values), expected, rtol=0, atol=1e-12)

    def test_float32_and_torch_agree(self) -> None:
        values = np.random.default_rng(2).random((100, 3))
        exact = lab_from_prophoto(values)
        single = lab_from_prophoto(values.astype(np.float32))
        tensor = lab_from_prophoto(torch.from_numpy(values.astype(np.float32)))
        assert single.dtype == np.float32
        assert tensor.dtype == torch.float32
        np.testing.assert_allclose(single, exact, rtol=0, atol=2e-4)
        np.testing.assert_allclose(tensor.numpy(), exact, rtol=0, atol=2e-4)
