import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB
from core.pictures.chromaticity import Diagram, in_diagram, primaries
from core.pictures.overlaid import overlaid_figure, pointed_at


def test_photos_and_spaces_share_a_legend() -> None:
    rng = np.random.default_rng(0)
    images = {"before": rng.random((40, 3)) * 0.3 + 0.3, "after": rng.random((40, 3))}
    for stacked in (False, True):
        figure = overlaid_figure(images, stacked=stacked, theme="dark")
        (legend,) = figure.legends
        texts = [text.get_text() for text in legend.get_texts()]
        assert texts[:2] == ["before", "after"]
        assert "Display P3" in texts
        colours = [tuple(points.get_facecolor()[0]) for points in figure.axes[0].collections]
        assert len(set(colours)) == 2


def test_more_photos_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="At most 3"):
        overlaid_figure({str(number): np.ones((1, 3)) for number in range(4)})


@pytest.mark.parametrize("diagram", ["xy", "uv"])
def test_a_place_is_told_by_the_smallest_space_that_holds_it(diagram: Diagram) -> None:
    def between(first: np.ndarray, second: np.ndarray, way: float) -> str:
        point = in_diagram(first + way * (second - first), diagram)
        return pointed_at(float(point[0]), float(point[1]), diagram).sentence

    white = np.array(SRGB.white)
    green, wider, widest = (primaries(space)[1] for space in (SRGB, DISPLAY_P3, PROPHOTO))
    assert between(white, green, 0.99).endswith("sRGB holds it.")
    assert between(green, wider, 0.9).endswith("Display P3 holds it, sRGB does not.")
    assert between(wider, widest, 0.9).endswith("ProPhoto RGB holds it, Display P3 does not.")
    assert between(white, widest, 1.1).endswith("beyond ProPhoto RGB.")


def test_the_colour_of_a_place_is_that_of_its_chromaticity() -> None:
    for number, corner in enumerate(primaries(SRGB)):
        for diagram in ("xy", "uv"):
            point = in_diagram(corner, diagram)
            colour = pointed_at(float(point[0]), float(point[1]), diagram).colour
            expected = [0, 0, 0]
            expected[number] = 255
            assert np.abs(np.array(colour) - expected).max() <= 12, (number, diagram, colour)
