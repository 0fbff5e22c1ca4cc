"""Styles stay in the range of ProPhoto, and do what their names say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.colour import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SRGB, convert
from core.gamut import out_of_gamut_mask, share
from core.styles import AS_IS, LUMINANCE, STYLES, VIVID, Style, StyleMixture

Image = npt.NDArray[np.float32]

images = arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.just(3)),
    elements=st.floats(0.0, 1.0, width=32),
)
styles = st.builds(
    Style,
    exposure=st.floats(-2.0, 2.0),
    balance=st.tuples(*[st.floats(0.5, 2.0)] * 3),
    contrast=st.floats(0.0, 1.0),
    saturation=st.floats(0.0, 2.0),
    space=st.sampled_from([PROPHOTO, ADOBE_RGB, DISPLAY_P3, REC2020]),
)


@pytest.fixture(scope="module")
def image() -> Image:
    return np.random.default_rng(0).random((20, 30, 3), np.float32)


class TestStyle:
    @given(photo=images, style=styles)
    def test_colours_stay_in_the_range_of_prophoto(self, photo: Image, style: Style) -> None:
        before = photo.copy()
        finished = style.apply(photo)
        assert finished.dtype == np.float32
        assert finished.shape == photo.shape
        assert finished.min() >= 0.0
        assert finished.max() <= 1.0
        np.testing.assert_array_equal(photo, before)

    @given(photo=images)
    def test_as_is_changes_nothing(self, photo: Image) -> None:
        np.testing.assert_array_equal(AS_IS.apply(photo), photo)

    @given(
        grey=st.floats(0.0, 1.0, width=32),
        saturation=st.floats(0.0, 2.0),
        contrast=st.floats(0.0, 1.0),
    )
    def test_greys_stay_grey(self, grey: float, saturation: float, contrast: float) -> None:
        photo = np.full((1, 1, 3), grey, np.float32)
        finished = Style(saturation=saturation, contrast=contrast).apply(photo)
        assert np.ptp(finished) < 1e-6

    @pytest.mark.parametrize("contrast", [0.3, 1.0])
    def test_contrast_darkens_the_dark_and_lightens_the_light(self, contrast: float) -> None:
        ramp = np.linspace(0.0, 1.0, 101, dtype=np.float32)
        finished = Style(contrast=contrast).apply(np.stack([ramp] * 3, axis=-1))[:, 0]
        middle = 0.45**1.8
        inside = (ramp > 0.0) & (ramp < 1.0)
        assert (finished[inside & (ramp < middle)] < ramp[inside & (ramp < middle)]).all()
        assert (finished[inside & (ramp > middle)] > ramp[inside & (ramp > middle)]).all()
        assert finished[0] == 0.0
        assert finished[-1] == 1.0
        assert (np.diff(finished) >= 0).all()

    def test_exposure_is_in_stops(self, image: Image) -> None:
        np.testing.assert_allclose(Style(exposure=-1.0).apply(image), image / 2, rtol=1e-6)
        np.testing.assert_allclose(
            Style(exposure=1.0).apply(image), np.minimum(image * 2, 1.0), rtol=1e-6
        )

    def test_balance_scales_the_channels(self, image: Image) -> None:
        finished = Style(balance=(0.5, 1.0, 0.25)).apply(image)
        np.testing.assert_allclose(finished, image * np.float32([0.5, 1.0, 0.25]), rtol=1e-6)

    def test_saturation_keeps_luminance(self, image: Image) -> None:
        finished = Style(saturation=0.5).apply(image)
        np.testing.assert_allclose(finished @ LUMINANCE, image @ LUMINANCE, rtol=1e-5)
        np.testing.assert_allclose(
            np.ptp(finished, axis=-1), np.ptp(image, axis=-1) / 2, rtol=1e-4, atol=1e-6
        )

    def test_luminance_is_that_of_prophoto(self) -> None:
        np.testing.assert_allclose(LUMINANCE, [0.28804, 0.71188, 0.00009], rtol=0, atol=1e-4)
        assert LUMINANCE.sum() == pytest.approx(1.0, abs=1e-6)

    def test_vivid_puts_more_colours_outside_srgb(self, image: Image) -> None:
        mild = 0.5 * image + 0.25
        outside = [
            share(out_of_gamut_mask(convert(style.apply(mild), PROPHOTO, SRGB)))
            for style in (AS_IS, VIVID)
        ]
        assert outside[0] < outside[1]

    @pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3, REC2020])
    def test_the_working_space_limits_the_colours(self, image: Image, space: Any) -> None:
        limited = convert(Style(space=space).apply(image), PROPHOTO, space)
        assert limited.min() >= -1e-5
        assert limited.max() <= 1.0 + 1e-5
        assert convert(image, PROPHOTO, space).max() > 1.1

    def test_evaluations_name_two(self) -> None:
        assert STYLES == {"as-is": AS_IS, "vivid": VIVID}


class TestStyleMixture:
    def draw(self, mixture: StyleMixture, wide: bool, count: int = 4000) -> list[Style]:
        rng = np.random.default_rng(1)
        return [mixture.draw(rng, wide)[0] for _ in range(count)]

    def test_shares_are_those_asked_for(self) -> None:
        drawn = self.draw(StyleMixture(as_is=0.3, vivid=0.2, camera=0.4), wide=True)
        assert drawn.count(AS_IS) / len(drawn) == pytest.approx(0.3, abs=0.03)
        assert drawn.count(VIVID) / len(drawn) == pytest.approx(0.2, abs=0.03)
        free = [style for style in drawn if style not in (AS_IS, VIVID)]
        camera = [style for style in free if style.space is not PROPHOTO]
        assert len(camera) / len(free) == pytest.approx(0.4, abs=0.04)
        assert {style.space.key for style in camera} == {"adobe-rgb", "display-p3", "rec2020"}

    def test_a_photo_that_srgb_holds_is_always_changed(self) -> None:
        drawn = self.draw(StyleMixture(), wide=False)
        assert AS_IS not in drawn
        assert VIVID in drawn
        assert all(style.saturation >= 1.05 for style in drawn)
        assert all(style.saturation >= 1.15 for style in drawn if style.space is PROPHOTO)
        assert any(style.saturation < 1.05 for style in self.draw(StyleMixture(as_is=0), wide=True))

    def test_no_share_is_never_drawn(self) -> None:
        drawn = self.draw(StyleMixture(as_is=0.0, vivid=0.0, camera=0.0), wide=True, count=500)
        assert not {AS_IS, VIVID} & set(drawn)
        assert {style.space for style in drawn} == {PROPHOTO}
        assert self.draw(StyleMixture(as_is=1.0), wide=True, count=500) == [AS_IS] * 500

    def test_the_same_seed_draws_the_same(self) -> None:
        first, second = (self.draw(StyleMixture(), wide=True, count=50) for _ in range(2))
        assert first == second
        assert len(set(first)) > 10

    def test_drawn_styles_vary_in_every_part(self) -> None:
        free = self.draw(StyleMixture(as_is=0.0, vivid=0.0), wide=True, count=200)
        neutral = replace(AS_IS)
        for part in ("exposure", "balance", "contrast", "saturation", "space"):
            values = {getattr(style, part) for style in free}
            assert values - {getattr(neutral, part)}
            assert len(values) > 1

    def test_each_comes_with_the_gamut_in_which_it_then_lies(self) -> None:
        rng = np.random.default_rng(2)
        mixture = StyleMixture(as_is=0.2, touched=0.2, vivid=0.2)
        colours = convert(rng.random((400, 3)), DISPLAY_P3, PROPHOTO).astype(np.float32)
        for _ in range(200):
            style, gamut = mixture.draw(rng, wide=True, gamut=DISPLAY_P3)
            assert gamut is not None
            wide = convert(style.apply(colours), PROPHOTO, gamut)
            assert float(wide.min()) >= -1e-5
            assert float(wide.max()) <= 1.0 + 1e-5

    def test_a_photo_of_an_unknown_gamut_stays_unknown_where_it_is_left_as_it_is(self) -> None:
        rng = np.random.default_rng(3)
        drawn = [StyleMixture(as_is=0.5).draw(rng, wide=True) for _ in range(200)]
        assert all(gamut is None for style, gamut in drawn if style == AS_IS)
        assert any(gamut is PROPHOTO for style, gamut in drawn if style == VIVID)
