"""The drawings that the command line and both faces share."""

import io
import itertools
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image as Pillow
from skimage.data import astronaut

from core.colour import DISPLAY_P3, PROPHOTO, SPACES, SRGB, convert
from core.errors import PhotoError
from core.gamut import naive_inversion
from core.pictures import (
    QualityTrace,
    ThemeName,
    chromaticities,
    chromaticity_figure,
    convergence_figure,
    error_figure,
    heat_map,
    move_cursor,
    save_figure,
    shared_limits,
)
from core.pictures.locus import LONGEST, SHORTEST, chromaticity_of, spectral_locus
from core.pictures.saving import figure_bytes, lay_out_like
from core.pictures.theme import theme_named

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

Image = npt.NDArray[np.float32]
THEMES: list[ThemeName] = ["light", "dark"]


@pytest.fixture(scope="module")
def photo() -> Image:
    return convert(naive_inversion(astronaut()[::4, ::4]), SRGB, PROPHOTO)


def rendered(figure: Figure) -> npt.NDArray[np.uint8]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def is_stacked(panels: list[Axes]) -> bool:
    """Whether each panel lies below the one before it, and none beside another."""
    boxes = [axes.get_position() for axes in panels]
    pairs = list(itertools.pairwise(boxes))
    return all(lower.y1 < upper.y0 and lower.x0 == upper.x0 for upper, lower in pairs)


def is_cut_off(figure: Figure) -> bool:
    """Return whether anything that is drawn sticks out of the page."""
    rendered(figure)
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    edge = 0.01
    return bool(
        drawn.x0 < -edge or drawn.y0 < -edge or drawn.x1 > width + edge or drawn.y1 > height + edge
    )


def images_of(figure: Figure) -> list[AxesImage]:
    return [image for axes in figure.axes for image in axes.images]


class TestImport:
    def test_matplotlib_is_not_imported_before_a_drawing_is_made(self) -> None:
        code = "import sys, core.pictures; sys.exit('matplotlib' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_drawing_does_not_need_the_global_state_of_pyplot(self) -> None:
        code = (
            "import sys; from core.pictures import *; chromaticity_figure({}); "
            "convergence_figure({'Anderson': [0.1]}); sys.exit('matplotlib.pyplot' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestSpectralLocus:
    def test_it_is_that_of_the_standard_observer(self) -> None:
        observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
        xyz = np.array([observer[float(w)] for w in range(SHORTEST, LONGEST + 1)])
        published = xyz[:, :2] / xyz.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(spectral_locus(), published, atol=3.1e-4)
        np.testing.assert_allclose(spectral_locus()[::5], published[::5], atol=5.1e-6)

    def test_a_wavelength_is_found(self) -> None:
        np.testing.assert_allclose(chromaticity_of(520), (0.07430, 0.83380), atol=1e-5)

    @pytest.mark.parametrize("wavelength", [389, 701])
    def test_it_has_two_ends(self, wavelength: int) -> None:
        with pytest.raises(ValueError, match="from 390 to 700 nm"):
            chromaticity_of(wavelength)


class TestChromaticities:
    @pytest.mark.parametrize("key", ["srgb", "display-p3", "rec2020"])
    def test_primaries_fall_on_the_corners_of_their_space(self, key: str) -> None:
        corners = convert(np.eye(3), SPACES[key], PROPHOTO)
        np.testing.assert_allclose(chromaticities(corners), SPACES[key].primaries, atol=1e-12)

    def test_neutrals_fall_on_the_white(self) -> None:
        grey = np.full((4, 5, 3), 0.3, np.float32)
        points = chromaticities(grey)
        assert points.shape == (20, 2)
        np.testing.assert_allclose(points, np.tile(SRGB.white, (20, 1)), atol=1e-6)

    def test_the_other_diagram_is_that_of_colour_science(self, photo: Image) -> None:
        wanted = colour.xy_to_Luv_uv(chromaticities(photo, "xy"))
        np.testing.assert_allclose(chromaticities(photo, "uv"), wanted, atol=1e-12)

    def test_nearly_black_colours_have_none(self) -> None:
        assert chromaticities(np.full((3, 3), 0.001)).shape == (0, 2)


class TestChromaticityFigure:
    @pytest.mark.parametrize("theme", THEMES)
    @pytest.mark.parametrize("diagram", ["xy", "uv"])
    def test_photos_stand_side_by_side_on_one_scale(
        self, photo: Image, diagram: str, theme: ThemeName
    ) -> None:
        figure = chromaticity_figure(
            {"Original": photo, "Input": photo / 2, "Restored": photo}, diagram=diagram, theme=theme
        )
        assert [axes.get_title() for axes in figure.axes[:3]] == ["Original", "Input", "Restored"]
        assert len({image.get_clim() for image in images_of(figure)[:3]}) == 1
        assert not is_cut_off(figure)

    def test_more_than_three_photos_take_another_row(self, photo: Image) -> None:
        figure = chromaticity_figure(dict.fromkeys("ABCDE", photo))
        assert not is_cut_off(figure)
        drawn = [axes for axes in figure.axes if axes.get_title()]
        assert len({round(axes.get_position().y0, 3) for axes in drawn}) == 2
        assert [bool(axes.get_xlabel()) for axes in drawn] == [False, False, True, True, True]

    def test_photos_are_stacked_for_a_narrow_place(self, photo: Image) -> None:
        figure = chromaticity_figure({"Original": photo, "Restored": photo}, stacked=True)
        assert not is_cut_off(figure)
        assert is_stacked(figure.axes[:2])

    def test_the_density_lies_where_the_colours_are(self) -> None:
        red = np.tile(convert(np.eye(3)[:1], DISPLAY_P3, PROPHOTO), (50, 1))
        image = images_of(chromaticity_figure({"Red": red}))[0]
        density = np.ma.filled(image.get_array(), 0.0)
        row, column = np.unravel_index(density.argmax(), density.shape)
        left, right, bottom, top = image.get_extent()
        x = left + (column + 0.5) / density.shape[1] * (right - left)
        y = bottom + (row + 0.5) / density.shape[0] * (top - bottom)
        assert (x, y) == pytest.approx(DISPLAY_P3.primaries[0], abs=0.004)
        assert density.sum() == pytest.approx(1.0)

    def test_every_space_is_named_on_the_page(self) -> None:
        figure = chromaticity_figure({}, spaces=list(SPACES.values()))
        named = {text.get_text() for text in figure.legends[0].get_texts()}
        assert named == {space.name for space in SPACES.values()} | {"White (D65)"}
        assert not is_cut_off(figure)

    def test_a_photo_without_any_bright_colour_is_an_empty_panel(self) -> None:
        figure = chromaticity_figure({"Black": np.zeros((5, 5, 3), np.float32)})
        assert np.ma.count(images_of(figure)[0].get_array()) == 0
        rendered(figure)

    def test_an_unknown_diagram_is_named(self, photo: Image) -> None:
        with pytest.raises(ValueError, match="no diagram named 'Lab'"):
            chromaticity_figure({"Photo": photo}, diagram="Lab")


class TestHeatMap:
    def test_the_ends_of_the_scale_take_the_ends_of_the_colours(self) -> None:
        picture = heat_map(np.array([[0.0, 10.0], [-5.0, 99.0]]), (0.0, 10.0), "gray")
        assert picture.dtype == np.uint8
        assert picture[0].tolist() == picture[1].tolist() == [[0, 0, 0, 255], [255, 255, 255, 255]]

    def test_what_is_no_number_is_transparent(self) -> None:
        picture = heat_map(np.array([[np.nan, np.inf, 0.5]]), (0.0, 1.0))
        assert picture[0, :, 3].tolist() == [0, 0, 255]

    @settings(max_examples=30)
    @given(arrays(np.float64, (4, 5), elements=st.floats(-1e6, 1e6)))
    def test_a_larger_error_is_never_darker(self, values: npt.NDArray[np.float64]) -> None:
        picture = heat_map(values, (0.0, 100.0), "gray")
        order = np.argsort(values, axis=None)
        assert np.all(np.diff(picture[..., 0].ravel()[order].astype(int)) >= 0)

    @pytest.mark.parametrize("limits", [(1.0, 1.0), (2.0, 1.0), (0.0, np.nan)])
    def test_limits_rise(self, limits: tuple[float, float]) -> None:
        with pytest.raises(ValueError, match="limits of a heat map rise"):
            heat_map(np.zeros((2, 2)), limits)

    def test_an_unknown_colour_map_is_named(self) -> None:
        with pytest.raises(ValueError, match="no colour map named 'sepia'"):
            heat_map(np.zeros((2, 2)), (0, 1), "sepia")


class TestSharedLimits:
    def test_they_hold_the_largest_of_the_maps(self) -> None:
        maps = [np.full((10, 10), 2.0), np.full((10, 10), 5.0)]
        assert shared_limits(maps) == (0.0, 5.0)

    def test_few_outliers_do_not_count(self) -> None:
        values = np.ones((100, 100))
        values[0, 0] = 1000.0
        assert shared_limits([values]) == (0.0, 1.0)

    @pytest.mark.parametrize("values", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
    def test_without_errors_there_is_still_a_scale(self, values: npt.NDArray[np.float64]) -> None:
        assert shared_limits([values]) == (0.0, 1.0)


class TestErrorFigure:
    @pytest.mark.parametrize("theme", THEMES)
    def test_maps_share_a_scale_in_a_grid(self, theme: ThemeName) -> None:
        maps = {f"K = {k}": np.full((30, 40), 1.0 / k) for k in (10, 15, 20, 30, 40)}
        figure = error_figure(maps, "ΔE2000", theme=theme)
        visible = [axes for axes in figure.axes if axes.get_visible() and axes.get_title()]
        assert [axes.get_title() for axes in visible][:2] == [
            "K = 10  (mean 0.100)",
            "K = 15  (mean 0.0667)",
        ]
        drawn = [axes.images[0] for axes in visible]
        assert len(drawn) == 5
        assert {image.get_clim() for image in drawn} == {(0.0, 0.1)}
        assert any(axes.get_ylabel() == "ΔE2000" for axes in figure.axes)
        assert not is_cut_off(figure)

    def test_maps_stand_above_each_other_in_a_narrow_place(self) -> None:
        maps = {name: np.ones((40, 60), np.float32) for name in "AB"}
        figure = error_figure(maps, "ΔE2000", stacked=True)
        first, second = (axes.get_position() for axes in figure.axes[:2])
        assert first.y0 > second.y1 - 1e-9
        assert figure.get_figwidth() < 0.5 * error_figure(maps, "ΔE2000").get_figwidth()

    def test_limits_can_be_given(self) -> None:
        figure = error_figure({"A": np.ones((5, 5))}, "Error", limits=(0.0, 7.0))
        assert images_of(figure)[0].get_clim() == (0.0, 7.0)

    def test_a_large_map_is_drawn_small(self) -> None:
        figure = error_figure({"A": np.ones((50, 2500), np.float32)}, "Error")
        assert images_of(figure)[0].get_array().shape == (20, 1000)

    def test_nothing_cannot_be_drawn(self) -> None:
        with pytest.raises(ValueError, match="no error map"):
            error_figure({}, "Error")


class TestConvergenceFigure:
    trace = QualityTrace([0, 1, 2], {"all": [0.1, 0.01, 0.001], "out_of_gamut": [0.2, 0.02, 0.002]})

    def test_residuals_are_counted_from_one_on_a_logarithmic_axis(self) -> None:
        axes = convergence_figure({"Anderson": [1e-1, 1e-2], "Picard": [1e-1]}).axes[0]
        assert axes.get_yscale() == "log"
        assert axes.lines[0].get_xydata().tolist() == [[1.0, 0.1], [2.0, 0.01]]

    def test_what_a_logarithm_cannot_show_leaves_a_gap(self) -> None:
        figure = convergence_figure({"Anderson": [1e-1, 0.0, np.nan, np.inf, 1e-3]})
        shown = figure.axes[0].lines[0].get_ydata()
        assert np.isnan(shown).tolist() == [False, True, True, True, False]
        rendered(figure)

    @pytest.mark.parametrize("theme", THEMES)
    def test_quality_is_shown_by_region(self, theme: ThemeName) -> None:
        figure = convergence_figure({"Anderson": [0.1, 0.01]}, self.trace, theme=theme)
        decibels, errors = figure.axes[1], figure.axes[2]
        assert decibels.lines[0].get_ydata() == pytest.approx([10, 20, 30])
        assert errors.lines[0].get_ydata() == pytest.approx(np.sqrt([0.1, 0.01, 0.001]))
        assert [text.get_text() for text in decibels.get_legend().get_texts()] == [
            "All pixels",
            "Out of gamut",
        ]
        assert not is_cut_off(figure)

    def test_an_exact_answer_has_no_point_of_psnr(self) -> None:
        exact = QualityTrace([0, 1], {"all": [0.1, 0.0]})
        figure = convergence_figure({"Anderson": [0.1]}, exact)
        assert np.isfinite(figure.axes[1].get_ylim()).all()
        rendered(figure)

    def test_the_cursor_marks_an_iteration_in_every_panel(self) -> None:
        figure = convergence_figure({"Anderson": [0.1, 0.01]}, self.trace, cursor=1)
        before = rendered(figure).copy()
        move_cursor(figure, 2)
        marks = [line for axes in figure.axes for line in axes.lines if line.get_gid() == "cursor"]
        assert [list(mark.get_xdata()) for mark in marks] == [[2, 2]] * 3
        moved = rendered(figure)
        assert not np.array_equal(before, moved)
        move_cursor(figure, 1)
        np.testing.assert_array_equal(rendered(figure), before)

    def test_panels_are_stacked_for_a_narrow_place(self) -> None:
        figure = convergence_figure({"Anderson": [0.1, 0.01]}, self.trace, stacked=True)
        assert not is_cut_off(figure)
        assert is_stacked(figure.axes)

    def test_the_hidden_cursor_is_not_drawn(self) -> None:
        plain = convergence_figure({"Anderson": [0.1, 0.01]}, self.trace)
        marked = convergence_figure({"Anderson": [0.1, 0.01]}, self.trace, cursor=1)
        move_cursor(marked, None)
        np.testing.assert_array_equal(rendered(plain), rendered(marked))

    def test_every_iteration_needs_its_error(self) -> None:
        with pytest.raises(ValueError, match="one error for each iteration"):
            QualityTrace([1, 2, 3], {"all": [0.1]})


class TestTheme:
    @pytest.mark.parametrize("name", THEMES)
    def test_text_and_series_stand_out_from_the_page(self, name: ThemeName) -> None:
        theme = theme_named(name)

        def luminance(css: str) -> float:
            codes = np.array([int(css[i : i + 2], 16) for i in (1, 3, 5)])
            return float(SRGB.to_xyz[1] @ SRGB.decode(codes / 255))

        def contrast(css: str, behind: str) -> float:
            bright, dark = sorted((luminance(css), luminance(behind)), reverse=True)
            return (bright + 0.05) / (dark + 0.05)

        # WCAG 2.2: 4.5 for text (criterion 1.4.3), 3 for graphics (criterion 1.4.11).
        assert min(contrast(theme.text, behind) for behind in (theme.page, theme.panel)) >= 4.5
        assert min(contrast(colour, theme.panel) for colour in theme.series) >= 3.0

    def test_an_unknown_theme_is_named(self) -> None:
        with pytest.raises(ValueError, match="no theme named 'sepia'; choose one of light, dark"):
            theme_named("sepia")


class TestSaving:
    @pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
    def test_the_same_drawing_gives_the_same_bytes(
        self, photo: Image, ending: str, tmp_path: Path
    ) -> None:
        for name in ("one", "other"):
            save_figure(chromaticity_figure({"Photo": photo}), tmp_path / (name + ending))
        one, other = (tmp_path / (name + ending) for name in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()

    def test_the_formats_are_what_they_are_called(self, tmp_path: Path) -> None:
        figure = error_figure({"A": np.ones((5, 5))}, "Error")
        for ending in ("png", "svg", "pdf"):
            save_figure(figure, tmp_path / f"drawing.{ending}")
        assert (tmp_path / "drawing.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "drawing.pdf").read_bytes().startswith(b"%PDF")
        assert ElementTree.parse(tmp_path / "drawing.svg").getroot().tag.endswith("svg")

    def test_a_file_is_replaced_only_when_asked(self, tmp_path: Path) -> None:
        figure, path = error_figure({"A": np.ones((5, 5))}, "Error"), tmp_path / "drawing.png"
        save_figure(figure, path)
        first = path.read_bytes()
        with pytest.raises(PhotoError, match="exists already"):
            save_figure(figure, path, dots_per_inch=50)
        assert path.read_bytes() == first
        save_figure(figure, path, dots_per_inch=50, overwrite=True)
        assert path.read_bytes() != first

    def test_an_unknown_ending_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PhotoError, match=r"end it in \.png, \.svg or \.pdf"):
            save_figure(error_figure({"A": np.ones((5, 5))}, "Error"), tmp_path / "drawing.jpg")

    @pytest.mark.parametrize("stacked", [False, True])
    def test_a_picture_is_what_matplotlib_would_save(self, photo: Image, stacked: bool) -> None:
        """Also where the layout is that of the same drawing for another page."""

        def drawn(theme: ThemeName) -> Figure:
            photos = {"Photo": photo, "Half of it": photo / 2}
            return chromaticity_figure(photos, stacked=stacked, theme=theme)

        light, dark = drawn("light"), drawn("dark")
        saved = [figure_bytes(light, ".png", 90)]
        lay_out_like(dark, light)
        saved.append(figure_bytes(dark, ".png", 90))
        for theme, picture in zip(THEMES, saved, strict=True):
            expected = io.BytesIO()
            drawn(theme).savefig(expected, format="png", dpi=90)
            shown, wanted = (
                np.asarray(Pillow.open(file).convert("RGB")).astype(int)
                for file in (io.BytesIO(picture), expected)
            )
            assert np.abs(shown - wanted).max() <= 2

    def test_a_drawing_that_was_saved_is_still_laid_out_when_its_size_changes(
        self, photo: Image
    ) -> None:
        figure = chromaticity_figure({"Photo": photo})
        before, engine = rendered(figure).shape, figure.get_layout_engine()
        figure_bytes(figure, ".png", 90)
        assert rendered(figure).shape == before
        assert figure.get_layout_engine() is engine
        figure.set_size_inches(8.0, 5.0)
        assert not is_cut_off(figure)
