"""FLIP and LPIPS, on what a Display P3 screen shows."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from skimage.data import astronaut

from core import images
from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.evaluation.perceptual import Lpips, display_rendering, flip_map, published_lpips
from core.gamut import naive_inversion, reduce
from core.metrics import REGIONS

Image = npt.NDArray[np.float32]


def original() -> Image:
    """A real photo in linear ProPhoto, saturated so that it leaves sRGB."""
    linear = naive_inversion(astronaut()[300:380, 120:210])
    grey = linear.mean(axis=-1, keepdims=True)
    return np.clip(convert(grey + 2.0 * (linear - grey), SRGB, PROPHOTO), 0, 1)


def clipped(values: Image) -> Image:
    codes = reduce(convert(values, PROPHOTO, SRGB))
    return convert(naive_inversion(codes), SRGB, PROPHOTO)


class TestDisplayRendering:
    def test_it_is_encoded_display_p3(self) -> None:
        p3 = np.random.default_rng(0).random((20, 3)).astype(np.float32)
        shown = display_rendering(convert(p3, DISPLAY_P3, PROPHOTO))
        np.testing.assert_allclose(shown, DISPLAY_P3.encode(p3), atol=2e-5)

    def test_it_shows_what_srgb_cannot(self) -> None:
        red = convert(np.array([[1.0, 0.0, 0.0]]), DISPLAY_P3, PROPHOTO)
        assert np.abs(display_rendering(red) - display_rendering(clipped(red))).max() > 0.02


class TestFlip:
    def test_it_sees_the_colours_that_the_reduction_took(self) -> None:
        photo = original()
        error = flip_map(photo, clipped(photo))
        assert error is not None
        assert error.shape == photo.shape[:2]
        assert error.dtype == np.float32
        assert 0.0 <= error.min() < 0.01
        assert 0.05 < error.max() <= 1.0

    def test_it_is_the_library_s_on_the_rendering(self) -> None:
        import flip_evaluator as flip

        photo = original()
        shown = display_rendering(photo), display_rendering(clipped(photo))
        wanted, _, _ = flip.evaluate(*shown, "LDR", applyMagma=False)
        np.testing.assert_array_equal(flip_map(photo, clipped(photo)), wanted[..., 0])

    def test_bands_do_not_change_the_map(self, monkeypatch: pytest.MonkeyPatch) -> None:
        photo = original()
        whole = flip_map(photo, clipped(photo))
        monkeypatch.setattr(images, "_BAND_PIXELS", 90 * 7)
        np.testing.assert_array_equal(flip_map(photo, clipped(photo)), whole)

    def test_it_is_not_available_without_the_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        assert flip_map(original(), original()) is None

    def test_photos_of_two_sizes(self) -> None:
        with pytest.raises(PhotoError, match="same size"):
            flip_map(original(), original()[:10])


@pytest.fixture
def alexnet() -> torch.nn.Sequential:
    """The convolutions of AlexNet, layer by layer as published, with random weights."""
    torch.manual_seed(0)
    relu, pool = torch.nn.ReLU, torch.nn.MaxPool2d
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 11, stride=4, padding=2),
        relu(),
        pool(3, 2),
        torch.nn.Conv2d(64, 192, 5, padding=2),
        relu(),
        pool(3, 2),
        torch.nn.Conv2d(192, 384, 3, padding=1),
        relu(),
        torch.nn.Conv2d(384, 256, 3, padding=1),
        relu(),
        torch.nn.Conv2d(256, 256, 3, padding=1),
        relu(),
    )


@pytest.fixture
def lpips(alexnet: torch.nn.Sequential) -> Lpips:
    backbone = {f"features.{name}": value for name, value in alexnet.state_dict().items()}
    widths = (64, 192, 384, 256, 256)
    heads = {f"lin{n}.model.1.weight": torch.rand(1, width, 1, 1) for n, width in enumerate(widths)}
    return Lpips(backbone, heads)


def half(photo: Image) -> npt.NDArray[np.bool_]:
    mask = np.zeros(photo.shape[:2], bool)
    mask[:, 45:] = True
    return mask


class TestLpips:
    def test_it_follows_the_definition(self, alexnet: torch.nn.Sequential, lpips: Lpips) -> None:
        photo, test = original(), clipped(original())
        shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
        scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
        states = [
            (torch.from_numpy(display_rendering(values)).movedim(-1, 0)[None] * 2 - 1 - shift)
            / scale
            for values in (photo, test)
        ]
        wanted, head = 0.0, 0
        with torch.inference_mode():
            for layer in alexnet:
                states = [layer(state) for state in states]
                if isinstance(layer, torch.nn.ReLU):
                    one, other = (torch.nn.functional.normalize(state, dim=1) for state in states)
                    weight = lpips.heads[f"lin{head}.model.1.weight"]
                    wanted += float(((one - other) ** 2 * weight).sum(dim=1).mean())
                    head += 1
        assert wanted > 1e-4
        assert lpips(photo, test, half(photo))["all"] == pytest.approx(wanted, rel=1e-4)

    def test_identical_photos_do_not_differ(self, lpips: Lpips) -> None:
        photo = original()
        assert lpips(photo, photo, half(photo)) == dict.fromkeys(REGIONS, 0.0)

    def test_a_region_is_measured_where_it_lies(self, lpips: Lpips) -> None:
        photo = original()
        test = photo.copy()
        test[:, 60:] *= 0.5
        measured = lpips(photo, test, half(photo))
        assert measured["in_gamut"] < measured["all"] < measured["out_of_gamut"]

    def test_an_empty_region_has_no_figure(self, lpips: Lpips) -> None:
        photo = original()
        measured = lpips(photo, clipped(photo), np.zeros(photo.shape[:2], bool))
        assert math.isnan(measured["out_of_gamut"])
        assert measured["in_gamut"] == measured["all"] > 0.0

    def test_a_photo_may_be_too_small(self, lpips: Lpips) -> None:
        photo = original()
        assert lpips(photo[:31], photo[:31], half(photo)[:31])["all"] == 0.0
        assert math.isnan(lpips(photo[:30], photo[:30], half(photo)[:30])["all"])

    def test_photos_of_two_sizes(self, lpips: Lpips) -> None:
        with pytest.raises(PhotoError, match="same size"):
            lpips(original(), original()[:40], half(original()))


class TestPublishedWeights:
    def test_they_are_not_available_unless_on_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
        assert published_lpips() is None

    def test_a_named_file_has_to_exist(self, tmp_path: Path) -> None:
        with pytest.raises(PhotoError, match="There is no file"):
            published_lpips(tmp_path / "alexnet.pth")

    def test_other_weights_are_refused(self, tmp_path: Path, alexnet: torch.nn.Sequential) -> None:
        other = tmp_path / "alexnet-owt-7be5be79.pth"
        torch.save(alexnet.state_dict(), other)
        with pytest.raises(PhotoError, match="not the published AlexNet"):
            published_lpips(other)
