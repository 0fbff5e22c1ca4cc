"""What a person sees of the restored colours."""

import warnings

import numpy as np
import pytest

from core.colour import DISPLAY_P3, SRGB, convert
from core.errors import PhotoError
from core.gamut import naive_inversion
from core.pictures import tell
from core.pictures.seen import (
    STRONGEST,
    VISIBLE,
    Gain,
    difference_to,
    gain_of,
    gain_overlay,
    muted,
    visibility,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

P3_RED = convert(np.array([[[1.0, 0.0, 0.0]]], np.float32), DISPLAY_P3, SRGB)
P3_GREEN = convert(np.array([[[0.0, 1.0, 0.0]]], np.float32), DISPLAY_P3, SRGB)


class TestMuted:
    def test_greys_are_as_they_were(self) -> None:
        codes = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
        assert np.array_equal(muted(naive_inversion(codes)), codes)

    def test_a_restored_colour_is_seen_beside_the_clipped_one(self) -> None:
        clipped = np.clip(P3_RED, 0, 1)
        assert muted(clipped).tolist() == [[[234, 51, 35]]]
        assert muted(P3_RED).tolist() == [[[255, 0, 0]]]

    def test_colours_beyond_the_screen_move_towards_the_clipped_ones(self) -> None:
        beyond = 1.5 * P3_RED
        naive = np.clip(beyond, 0, 1)
        shown = muted(beyond, naive)
        assert shown.dtype == np.uint8
        assert np.all(shown >= np.minimum(muted(naive), [255, 0, 0]))


class TestGain:
    def test_what_nobody_sees_is_transparent(self) -> None:
        overlay = gain_overlay(np.array([[0.0, 1.0, VISIBLE, STRONGEST, 50.0]]))
        opacity = overlay[0, :, 3].tolist()
        assert opacity[:2] == [0, 0]
        assert 0 < opacity[2] < opacity[3] == opacity[4] == round(0.9 * 255)

    def test_visibility_rises_with_the_difference(self) -> None:
        assert visibility(np.array([0.5, 1.0, 5.5, 10.0, 20.0])).tolist() == [0, 0, 0.5, 1, 1]

    def test_the_figures(self) -> None:
        difference = np.array([[0.0, 1.0, 3.0, 5.0]])
        assert gain_of(difference, 0.75) == Gain(0.5, 4.0, pytest.approx(4.994), 0.75)

    @pytest.mark.parametrize(
        ("gain", "sentence"),
        [
            (Gain(0.143, 3.2, 8.0, 0.2), "14 % of the pixels gain a colour that you can see "
             "(ΔE above 2, typically 3.2)."),
            (Gain(0.0004, 3.2, 8.0, 0.2), "Less than 0.1 % of the pixels gain"),
            (Gain(0.02, 3.2, 8.0, 0.2), "2.0 % of the pixels gain"),
            (Gain(0.0, 0.0, 0.0, 0.0), "Nothing was lost in this photo"),
            (Gain(0.0, 0.0, 1.4, 0.3), "30 % of the pixels are clipped, but what came back is too "
             "faint to be seen (ΔE up to 1.4)."),
            (Gain(0.0, 0.0, 0.01, 0.3), "30 % of the pixels are clipped, and nothing came back."),
        ],
    )  # fmt: skip
    def test_one_honest_sentence(self, gain: Gain, sentence: str) -> None:
        assert gain.sentence.startswith(sentence)

    def test_a_known_difference(self) -> None:
        codes = np.array([[[0, 255, 0], [100, 100, 100]]], np.uint8)
        scene = naive_inversion(codes)
        scene[0, 0] = P3_GREEN[0, 0]
        difference = difference_to(codes, scene)
        # Of colour-science, between the greens of sRGB and Display P3 in Lab (D50).
        assert difference[0, 0] == pytest.approx(_reference(), abs=0.01)
        assert difference[0, 1] == pytest.approx(0.0, abs=1e-3)


def _reference() -> float:
    d50 = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D50"]

    def green(space: str) -> np.ndarray:
        known = colour.RGB_COLOURSPACES[space]
        return np.asarray(
            colour.XYZ_to_Lab(colour.RGB_to_XYZ([0.0, 1.0, 0.0], known, d50, "Bradford"), d50)
        )

    return float(colour.delta_E(green("sRGB"), green("Display P3"), method="CIE 2000"))


class TestStory:
    def test_four_panels_and_the_sentence(self) -> None:
        codes = np.full((40, 60, 3), (255, 0, 0), np.uint8)
        story = tell(codes, np.tile(P3_RED, (40, 60, 1)), title="red.png")
        assert story.gain.visible == 1.0
        titles = [axes.get_title() for axes in story.figure.axes if axes.get_title()]
        assert titles[0].startswith("Before")
        assert len(titles) == 4
        heading = story.figure.get_suptitle()
        assert heading.startswith("red.png: 100 % of the pixels gain a colour")
        before, after = (axes.images[0].get_array() for axes in story.figure.axes[:2])
        assert np.asarray(before)[0, 0].tolist() == [234, 51, 35]
        assert np.asarray(after)[0, 0].tolist() == [255, 0, 0]

    def test_photos_of_two_sizes(self) -> None:
        with pytest.raises(PhotoError, match="same size"):
            tell(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.float32))
