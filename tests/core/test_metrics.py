"""The figures by which restored photos are judged."""

import json
import math
import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut, coffee
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from core import images
from core.colour import PROPHOTO, SRGB, convert, lab_from_prophoto
from core.colour_difference import delta_e_2000
from core.errors import PhotoError
from core.gamut import naive_inversion, out_of_gamut_mask, reduce
from core.metrics import (
    REGIONS,
    PhotoMetrics,
    RegionMetrics,
    absolute_error_map,
    average,
    compare,
    delta_e_map,
    group_of,
    mse_by_region,
    psnr,
    region_means,
    rmse,
    round_trip,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

Image = npt.NDArray[np.float32]


def original(height: int = 60, width: int = 90, *, saturation: float = 1.6) -> Image:
    """A real photo in linear ProPhoto, saturated so that it leaves sRGB."""
    linear = naive_inversion(astronaut()[100 : 100 + height, 150 : 150 + width])
    grey = linear.mean(axis=-1, keepdims=True)
    return np.clip(convert(grey + saturation * (linear - grey), SRGB, PROPHOTO), 0, 1)


def mask_of(values: Image) -> npt.NDArray[np.bool_]:
    return out_of_gamut_mask(convert(values, PROPHOTO, SRGB))


def restored(values: Image, depth: int = 8) -> tuple[npt.NDArray[np.uint8], Image]:
    codes = reduce(convert(values, PROPHOTO, SRGB), depth)
    return codes, convert(naive_inversion(codes), SRGB, PROPHOTO)


@pytest.fixture(scope="module")
def photo() -> Image:
    return original()


class TestErrors:
    def test_psnr_is_that_of_scikit_image(self, photo: Image) -> None:
        _, test = restored(photo)
        measured = compare(photo, test, mask_of(photo)).regions
        wanted = peak_signal_noise_ratio(
            photo.astype(np.float64), test.astype(np.float64), data_range=1
        )
        assert measured["all"].psnr == pytest.approx(wanted, abs=1e-9)
        assert measured["all"].rmse == pytest.approx(10 ** (-wanted / 20), rel=1e-9)

    def test_each_region_is_measured_on_its_pixels_alone(self, photo: Image) -> None:
        _, test = restored(photo)
        mask = mask_of(photo)
        assert 0.1 < mask.mean() < 0.9
        measured = compare(photo, test, mask).regions
        squares = (photo.astype(np.float64) - test) ** 2
        for region, pixels in (("out_of_gamut", mask), ("in_gamut", ~mask)):
            assert measured[region].rmse == pytest.approx(math.sqrt(squares[pixels].mean()))
            assert measured[region].pixels == pixels.sum()
        assert measured["out_of_gamut"].psnr < measured["all"].psnr < measured["in_gamut"].psnr

    def test_identical_photos_have_no_error(self, photo: Image) -> None:
        measured = compare(photo, photo, mask_of(photo)).regions["all"]
        assert measured == RegionMetrics(math.inf, 0.0, pytest.approx(1.0), 0.0, 0.0, 5400)

    def test_an_empty_region_has_no_figures(self, photo: Image) -> None:
        nothing = np.zeros(photo.shape[:2], bool)
        empty = compare(photo, photo, nothing).regions["out_of_gamut"]
        figures = (empty.psnr, empty.rmse, empty.ssim, empty.delta_e_mean, empty.delta_e_p95)
        assert all(math.isnan(figure) for figure in figures)
        assert empty.pixels == 0

    def test_errors_are_summed_in_double_precision(self) -> None:
        reference = np.full((700, 700, 3), 0.5, np.float32)
        test = reference + np.float32(1e-4)
        exact = (float(test[0, 0, 0]) - 0.5) ** 2
        mse = mse_by_region(reference, test, np.zeros((700, 700), bool))["all"]
        assert mse == pytest.approx(exact, rel=1e-12)

    @pytest.mark.parametrize(("mse", "decibels"), [(1.0, 0.0), (0.01, 20.0), (0.0, math.inf)])
    def test_psnr_of_a_known_error(self, mse: float, decibels: float) -> None:
        assert psnr(mse) == pytest.approx(decibels)
        assert rmse(mse) == pytest.approx(math.sqrt(mse))

    def test_the_quick_error_is_that_of_the_full_comparison(self, photo: Image) -> None:
        _, test = restored(photo)
        full = compare(photo, test, mask_of(photo)).regions
        for region, mse in mse_by_region(photo, test, mask_of(photo)).items():
            assert psnr(mse) == full[region].psnr
            assert rmse(mse) == full[region].rmse


class TestSSIM:
    @staticmethod
    def oracle(reference: Image, test: Image) -> tuple[float, npt.NDArray[np.float64]]:
        mean, full = structural_similarity(
            reference.astype(np.float64),
            test.astype(np.float64),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=-1,
            full=True,
        )
        return float(mean), full.mean(axis=-1)

    @pytest.mark.parametrize("shape", [(60, 90), (11, 11), (11, 40), (300, 200)])
    def test_it_is_that_of_scikit_image(self, shape: tuple[int, int]) -> None:
        reference = original(*shape)
        _, test = restored(reference)
        wanted, _ = self.oracle(reference, test)
        measured = compare(reference, test, mask_of(reference)).regions["all"].ssim
        assert measured == pytest.approx(wanted, abs=1e-12)

    def test_a_region_is_the_mean_of_the_map_over_it(self, photo: Image) -> None:
        _, test = restored(photo)
        mask = mask_of(photo)
        _, full = self.oracle(photo, test)
        inner = np.zeros_like(mask)
        inner[5:-5, 5:-5] = True
        measured = compare(photo, test, mask).regions
        assert measured["out_of_gamut"].ssim == pytest.approx(full[mask & inner].mean())
        assert measured["in_gamut"].ssim == pytest.approx(full[~mask & inner].mean())

    def test_it_is_undefined_where_no_window_fits(self) -> None:
        small = original(10, 40)
        measured = compare(small, small, mask_of(small)).regions["all"]
        assert math.isnan(measured.ssim)
        assert measured.psnr == math.inf


class TestDeltaE:
    def test_it_is_that_of_colour_science_from_pixel_to_figure(self, photo: Image) -> None:
        _, test = restored(photo)
        space = colour.RGB_COLOURSPACES["ProPhoto RGB"]
        white = np.array(PROPHOTO.white)

        def lab(values: Image) -> npt.NDArray[np.float64]:
            matrix = colour.normalised_primary_matrix(space.primaries, white)
            return colour.XYZ_to_Lab(values.astype(np.float64) @ matrix.T, white)

        oracle = colour.difference.delta_E_CIE2000(lab(photo), lab(test))
        mask = mask_of(photo)
        measured = compare(photo, test, mask).regions
        for region, pixels in (("all", mask | True), ("out_of_gamut", mask), ("in_gamut", ~mask)):
            assert measured[region].delta_e_mean == pytest.approx(oracle[pixels].mean(), abs=1e-4)
            wanted = np.percentile(oracle[pixels], 95)
            assert measured[region].delta_e_p95 == pytest.approx(wanted, abs=1e-3)

    def test_the_map_holds_the_difference_of_each_pixel(self, photo: Image) -> None:
        _, test = restored(photo)
        wanted = delta_e_2000(
            lab_from_prophoto(photo.astype(float)), lab_from_prophoto(test.astype(float))
        )
        np.testing.assert_allclose(delta_e_map(photo, test), wanted, rtol=1e-6, atol=1e-6)


class TestMaps:
    def test_the_absolute_error_is_averaged_over_the_channels(self) -> None:
        reference = np.zeros((2, 3, 3), np.float32)
        test = reference.copy()
        test[1, 2] = (0.3, 0.0, -0.6)
        error = absolute_error_map(reference, test)
        assert error[1, 2] == pytest.approx(0.3)
        assert np.count_nonzero(error) == 1

    def test_a_map_is_averaged_by_region(self) -> None:
        values = np.array([[1.0, 2.0], [3.0, 10.0]])
        mask = np.array([[False, True], [True, False]])
        assert region_means(values, mask) == {"all": 4.0, "out_of_gamut": 2.5, "in_gamut": 5.5}


class TestRoundTrip:
    @pytest.mark.parametrize("depth", [8, 16])
    def test_the_naive_inversion_gives_every_code_back(self, photo: Image, depth: int) -> None:
        codes, test = restored(photo, depth)
        assert round_trip(codes, naive_inversion(codes)) == 1.0
        assert compare(photo, test, mask_of(photo), codes=codes).round_trip == 1.0

    def test_each_changed_code_counts(self) -> None:
        codes = np.full((4, 5, 3), 100, np.uint8)
        scene = naive_inversion(codes)
        scene[0, 0] = naive_inversion(np.array([101, 100, 99], np.uint8))
        assert round_trip(codes, scene) == pytest.approx(58 / 60)

    def test_it_is_unknown_without_the_codes(self, photo: Image) -> None:
        assert compare(photo, photo, mask_of(photo)).round_trip is None


class TestAnySize:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
    def test_all_is_the_union_of_the_two_regions(self, height: int, width: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        reference = random.random((height, width, 3))
        test = random.random((height, width, 3))
        mask = random.random((height, width)) < random.random()
        measured = compare(reference, test, mask).regions
        inside, outside = measured["in_gamut"], measured["out_of_gamut"]
        whole = measured["all"]
        assert inside.pixels + outside.pixels == whole.pixels == mask.size
        parts = sum(part.rmse**2 * part.pixels for part in (inside, outside) if part.pixels)
        assert whole.rmse**2 * whole.pixels == pytest.approx(parts)
        assert whole.psnr == pytest.approx(-20 * math.log10(whole.rmse))

    def test_bands_do_not_change_the_figures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reference = original(120, 70)
        codes, test = restored(reference)
        mask = mask_of(reference)
        whole = compare(reference, test, mask, codes=codes).as_dict()
        maps = delta_e_map(reference, test), absolute_error_map(reference, test)
        monkeypatch.setattr(images, "_BAND_PIXELS", 70 * 3)
        banded = compare(reference, test, mask, codes=codes).as_dict()
        for region in REGIONS:
            assert banded["regions"][region] == pytest.approx(whole["regions"][region], rel=1e-12)
        assert banded["round_trip"] == whole["round_trip"]
        np.testing.assert_array_equal(delta_e_map(reference, test), maps[0])
        np.testing.assert_array_equal(absolute_error_map(reference, test), maps[1])


class TestGroups:
    @pytest.mark.parametrize(
        ("share", "group"),
        [(0.0, "A"), (0.2499, "A"), (0.25, "B"), (0.5, "C"), (0.75, "D"), (1.0, "D")],
    )
    def test_four_groups_by_share(self, share: float, group: str) -> None:
        assert group_of(share) == group

    def test_a_share_is_a_share(self) -> None:
        with pytest.raises(ValueError, match=r"lies in 0\.\.1"):
            group_of(25.0)

    def test_a_photo_knows_its_share_and_group(self, photo: Image) -> None:
        mask = np.zeros(photo.shape[:2], bool)
        mask[:, :63] = True
        measured = compare(photo, photo, mask)
        assert measured.out_of_gamut_share == pytest.approx(0.7)
        assert measured.group == "C"


class TestAverage:
    @staticmethod
    def photo(decibels: float, pixels: int, trip: float | None = None) -> PhotoMetrics:
        figures = RegionMetrics(decibels, 0.1, 0.9, 1.0, 2.0, pixels)
        return PhotoMetrics(dict.fromkeys(REGIONS, figures), 0.5, trip)

    def test_every_photo_counts_the_same(self) -> None:
        mean = average([self.photo(30.0, 1), self.photo(40.0, 1_000_000)])
        assert mean.regions["all"].psnr == pytest.approx(35.0)
        assert mean.regions["all"].pixels == 1_000_001

    def test_a_photo_without_the_region_is_left_out(self) -> None:
        mean = average([self.photo(30.0, 5), self.photo(math.nan, 0)])
        assert mean.regions["out_of_gamut"].psnr == pytest.approx(30.0)

    def test_the_round_trip_is_averaged_where_it_is_known(self) -> None:
        assert average([self.photo(30.0, 5), self.photo(30.0, 5, 0.5)]).round_trip == 0.5
        assert average([self.photo(30.0, 5)]).round_trip is None

    def test_nothing_has_no_average(self) -> None:
        with pytest.raises(ValueError, match="no photo"):
            average([])


class TestJson:
    def test_undefined_is_null_and_infinite_is_named(self, photo: Image) -> None:
        measured = compare(photo, photo, np.zeros(photo.shape[:2], bool))
        text = json.dumps(measured.as_dict(), allow_nan=False)
        loaded = json.loads(text)
        assert loaded["regions"]["out_of_gamut"]["psnr"] is None
        assert loaded["regions"]["all"]["psnr"] == "Infinity"
        assert float(loaded["regions"]["all"]["psnr"]) == math.inf
        assert loaded["round_trip"] is None
        assert loaded["out_of_gamut_share"] == 0.0


class TestBadInput:
    def test_photos_of_two_sizes(self, photo: Image) -> None:
        with pytest.raises(PhotoError, match="90 x 60 pixels, but the restored photo is 80 x 60"):
            compare(photo, photo[:, :80], mask_of(photo))

    def test_a_mask_of_another_photo(self, photo: Image) -> None:
        with pytest.raises(ValueError, match="make the mask from the original"):
            compare(photo, photo, mask_of(photo)[:50])

    def test_a_grey_photo(self, photo: Image) -> None:
        with pytest.raises(ValueError, match="give an RGB image"):
            compare(photo[..., 0], photo[..., 0], mask_of(photo))

    def test_codes_of_another_photo(self, photo: Image) -> None:
        codes = coffee()[:50, :90]
        with pytest.raises(PhotoError, match="same size"):
            compare(photo, photo, mask_of(photo), codes=codes)

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    def test_a_value_that_is_no_number(self, photo: Image, value: float) -> None:
        broken = photo.copy()
        broken[3, 4, 1] = value
        with pytest.raises(PhotoError, match="restored photo holds values that are not finite"):
            compare(photo, broken, mask_of(photo))
