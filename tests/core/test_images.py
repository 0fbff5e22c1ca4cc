from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PhotoError
from core.images import area_reduced, codes_from_image


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integer_codes_stay_as_they_are(dtype: type) -> None:
    image = np.arange(12, dtype=dtype).reshape(2, 2, 3)
    assert codes_from_image(image) is image


@given(code=st.integers(0, 255), dtype=st.sampled_from([np.float32, np.float64]))
def test_8_bit_codes_come_back_from_floats(code: int, dtype: type) -> None:
    image = np.full((1, 1, 3), code / 255, dtype)
    codes = codes_from_image(image)
    assert codes.dtype == np.uint8
    assert (codes == code).all()


@given(code=st.integers(0, 65535))
def test_16_bit_codes_come_back_from_floats(code: int) -> None:
    image = np.array([[[code / 65535, 1 / 65535, 0.0]]])
    codes = codes_from_image(image)
    assert codes.dtype == np.uint16
    assert codes[0, 0].tolist() == [code, 1, 0]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.full((1, 1, 3), 1.5), "go from 0 to 1.5"),
        (np.full((1, 1, 3), -0.1), "go from -0.1 to 0"),
        (np.full((1, 1, 3), np.nan), "not numbers"),
        (np.full((1, 1, 3), np.inf), "not numbers"),
        (np.zeros((1, 1, 3), np.int32), "type int32"),
        (np.zeros((1, 1, 3), bool), "type bool"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_sentence(image: np.ndarray, says: str) -> None:
    with pytest.raises(PhotoError, match=says):
        codes_from_image(image)


class TestAreaReduced:
    @settings(max_examples=60)
    @given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30))
    def test_an_even_image_stays_even(self, height: int, width: int, longest: int) -> None:
        reduced = area_reduced(np.full((height, width, 3), 0.25, np.float32), longest)
        assert reduced.dtype == np.float32
        assert np.all(reduced == 0.25)
        assert max(reduced.shape[:2]) == min(longest, max(height, width))

    @settings(max_examples=40)
    @given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30))
    def test_it_is_the_area_average_of_torch(self, height: int, width: int, longest: int) -> None:
        image = np.random.default_rng(height * width).random((height, width, 3), np.float32)
        reduced = area_reduced(image, longest)
        planes = torch.from_numpy(np.moveaxis(image, -1, 0).copy())[None]
        wanted = torch.nn.functional.interpolate(planes, size=reduced.shape[:2], mode="area")
        assert np.abs(reduced - np.moveaxis(wanted[0].numpy(), 0, -1)).max() < 1e-6

    def test_blocks_are_averaged(self) -> None:
        values = np.array([[0.0, 1.0, 4.0, 4.0], [2.0, 1.0, 4.0, 4.0]])
        assert area_reduced(values, 2).tolist() == [[1.0, 4.0]]

    def test_small_images_are_as_they_were(self) -> None:
        image = np.zeros((5, 7), np.float32)
        assert area_reduced(image, 7) is image
