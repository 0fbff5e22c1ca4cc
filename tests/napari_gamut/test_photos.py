from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Points, Shapes

from core.colour import PROPHOTO, SRGB, convert
from core.gamut import naive_inversion
from napari_gamut import photos
from napari_gamut.photos import LayerError, photo_of, same_size, srgb_photo_of
from napari_gamut.places import in_stack, place_of, shown_index
from napari_gamut.records import KEY, Provenance, Record, WidePixels
from napari_gamut.regions import region_of

RGB = (8, 9, 3)


def image(data: object, **settings: object) -> Image:
    settings = {"name": "photo", "rgb": True, "contrast_limits": (0, 1)} | settings
    return Image(data, **settings)


WRONG = {
    "nothing": (None, "no photo yet"),
    "grey": (image(np.zeros((8, 9)), rgb=False), "greyscale"),
    "a volume": (image(np.zeros((5, 8, 9)), rgb=False), "volume without colours"),
    "RGB that is shown as dimensions": (image(np.zeros(RGB), rgb=False), "dimensions of grey"),
    "labels": (Labels(np.zeros((8, 9), int), name="photo"), "is a Labels layer"),
    "points": (Points(np.zeros((1, 2)), name="photo"), "is a Points layer"),
    "shapes": (Shapes(name="photo"), "is a Shapes layer"),
    "32-bit integers": (image(np.zeros(RGB, np.int32)), "type int32"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_layer_that_is_no_photo_is_refused_in_one_sentence(kind: str) -> None:
    layer, says = WRONG[kind]
    with pytest.raises(LayerError, match=says) as error:
        photo_of(layer)
    assert str(error.value).endswith(".")


WRONG_VALUES = {
    "NaN": (np.full(RGB, np.nan, np.float32), "not numbers"),
    "beyond 1": (np.full(RGB, 1.5, np.float32), "go from 0 to 1.5"),
    "below 0": (np.full(RGB, -0.5, np.float32), "go from -0.5"),
    "0 to 255": (np.full(RGB, 200.0), "go from 0 to 200"),
}


@pytest.mark.parametrize("kind", WRONG_VALUES)
def test_values_that_are_no_codes_are_refused_in_one_sentence(kind: str) -> None:
    data, says = WRONG_VALUES[kind]
    with pytest.raises(LayerError, match=f"“photo” cannot be used.*{says}"):
        photo_of(image(data)).codes()


def test_a_huge_layer_is_sent_to_the_folder_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST_PIXELS", 50)
    with pytest.raises(LayerError, match="use the page Folder"):
        photo_of(image(np.zeros(RGB, np.uint8)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_codes_are_taken_as_they_are(dtype: type) -> None:
    data = np.arange(np.prod(RGB), dtype=dtype).reshape(RGB)
    assert np.array_equal(photo_of(image(data)).codes(), data)


def test_opacity_is_kept_apart() -> None:
    data = np.arange(8 * 9 * 4, dtype=np.uint8).reshape(8, 9, 4)
    photo = photo_of(image(data))
    assert np.array_equal(photo.codes(), data[..., :3])
    assert np.array_equal(photo.alpha(), data[..., 3])


def test_a_multiscale_layer_is_taken_in_full_size() -> None:
    full = np.ones((20, 30, 3), np.uint8)
    photo = photo_of(image([full, full[::2, ::2]], multiscale=True))
    assert photo.size == (20, 30)


def test_a_stack_is_taken_frame_by_frame() -> None:
    data = np.arange(2 * 4 * 8 * 9 * 3, dtype=np.uint16).reshape(2, 4, 8, 9, 3)
    photo = photo_of(image(data))
    assert photo.leading == (2, 4)
    assert np.array_equal(photo.frame((1, 3)).codes(), data[1, 3])


def test_the_frame_that_is_shown_is_found_where_the_viewer_stands() -> None:
    stack = image(np.zeros((6, *RGB), np.uint8), scale=(0.5, 1, 1), translate=(10, 0, 0))
    assert shown_index(stack, (11.5, 0, 0)) == (3,)
    assert shown_index(stack, (99.0, 0, 0)) == (5,)
    assert shown_index(stack, (7.0, 7.0, 11.5, 0, 0)) == (3,)
    assert shown_index(image(np.zeros(RGB, np.uint8)), (11.5, 0, 0)) == ()


def test_wide_colours_come_from_the_record() -> None:
    values = np.random.default_rng(0).random(RGB, np.float32)
    record = Record(WidePixels(values, "prophoto", "Bradford", "srgb"))
    photo = photo_of(image(np.zeros(RGB, np.uint8), metadata={KEY: record}))
    assert np.array_equal(photo.prophoto(), values)
    assert np.allclose(photo.linear(SRGB), convert(values, PROPHOTO, SRGB))
    with pytest.raises(LayerError, match="has wide colours of its own"):
        srgb_photo_of(image(np.zeros(RGB, np.uint8), metadata={KEY: record}))


def test_srgb_codes_become_light() -> None:
    data = np.random.default_rng(0).integers(0, 256, RGB, dtype=np.uint8)
    photo = photo_of(image(data))
    assert np.array_equal(photo.linear(SRGB), naive_inversion(data))


def test_photos_of_two_sizes_are_refused() -> None:
    first, second = (photo_of(image(np.zeros((n, 9, 3), np.uint8))) for n in (8, 7))
    with pytest.raises(LayerError, match=r"9 × 8 and .* 9 × 7 pixels"):
        same_size(first, second)


@pytest.mark.parametrize("frames", [(), (2,)])
def test_a_part_of_a_layer_stands_where_the_part_was(frames: tuple[int, ...]) -> None:
    more = [1.0] * len(frames)
    layer = image(
        np.zeros((*frames, *RGB), np.uint8), scale=(*more, 2.0, 3.0), translate=(*more, 10.0, 20.0)
    )
    index = tuple(1 for _ in frames)
    part = image(in_stack(np.zeros(RGB, np.uint8), index), **place_of(layer, index, 4, 5))
    whole = layer.data_to_world((*index, 4, 5))
    assert part.data_to_world((0,) * layer.ndim) == pytest.approx(whole)
    assert part.scale.tolist() == [*more, 2.0, 3.0]


def test_a_part_of_a_turned_layer_stands_where_the_part_was() -> None:
    layer = image(
        np.zeros(RGB, np.uint8),
        scale=(2.0, 3.0),
        translate=(10.0, 20.0),
        rotate=30,
        shear=[0.2],
        affine=[[0.9, 0.1, 3.0], [-0.1, 0.9, 4.0], [0.0, 0.0, 1.0]],
    )
    part = image(np.zeros(RGB, np.uint8), **place_of(layer, top=4, left=5))
    for y, x in ((0, 0), (1, 0), (2, 3)):
        assert part.data_to_world((y, x)) == pytest.approx(layer.data_to_world((y + 4, x + 5)))


def test_a_frame_of_a_sheared_stack_stands_where_it_was() -> None:
    affine = np.eye(4)
    affine[1, 2], affine[1:3, 3] = 0.3, (4.0, -2.0)
    stack = image(
        np.zeros((4, *RGB), np.uint8), scale=(1, 2, 3), affine=affine, units=("s", "mm", "mm")
    )
    part = image(in_stack(np.zeros(RGB, np.uint8), (2,)), **place_of(stack, (2,), 4, 5))
    for y, x in ((0, 0), (1, 0), (2, 3)):
        whole = stack.data_to_world((2, y + 4, x + 5))
        assert part.data_to_world((0, y, x)) == pytest.approx(whole)
    assert [str(unit) for unit in part.units] == ["second", "millimeter", "millimeter"]


def test_a_smaller_picture_covers_what_it_was_made_of() -> None:
    layer = image(np.zeros((8, 12, 3), np.uint8), scale=(2.0, 3.0), rotate=30)
    small = image(np.zeros((2, 3, 3), np.uint8), **place_of(layer, step=4))
    for corner in ((-0.5, -0.5), (1.5, 2.5)):
        whole = [4 * (part + 0.5) - 0.5 for part in corner]
        assert small.data_to_world(corner) == pytest.approx(layer.data_to_world(whole))


SQUARE = [[1.6, 2.6], [1.6, 6.4], [5.4, 6.4], [5.4, 2.6]]


def test_a_region_is_found_where_it_is_seen() -> None:
    turned = {"scale": (2.0, 3.0), "rotate": 30, "translate": (10.0, 20.0)}
    photo = image(np.zeros(RGB, np.uint8), **turned)
    drawn_in_pixels = Shapes([SQUARE], **turned)
    drawn_in_the_world = Shapes([[photo.data_to_world(corner) for corner in SQUARE]])
    expected = np.zeros(RGB[:2], bool)
    expected[2:6, 3:7] = True
    for shapes in (drawn_in_pixels, drawn_in_the_world):
        region = region_of(shapes, photo)
        assert region.bounds((8, 9)) == pytest.approx((1.6, 2.6, 5.4, 6.4))
        assert np.array_equal(region.mask((8, 9)), expected)
    painted = Labels(expected.astype(int) * 3, **turned)
    region = region_of(painted, photo)
    assert region.bounds((8, 9)) == (2.0, 3.0, 6.0, 7.0)
    assert np.array_equal(region.mask((8, 9)), expected)


def test_a_region_belongs_to_the_frame_it_was_drawn_on() -> None:
    stack = image(np.zeros((4, *RGB), np.uint8), scale=(0.5, 1, 1))
    shapes = Shapes([[[1.0, *corner] for corner in SQUARE]])
    found = region_of(shapes, stack, (2,)).bounds((8, 9))
    assert found == pytest.approx((1.6, 2.6, 5.4, 6.4))
    with pytest.raises(LayerError, match="draw a shape over it"):
        region_of(shapes, stack, (0,))
    everywhere = region_of(Shapes([SQUARE]), stack, (3,))
    assert everywhere.bounds((8, 9)) == pytest.approx((1.6, 2.6, 5.4, 6.4))


def test_labels_are_painted_on_one_frame_or_on_all() -> None:
    stack = image(np.zeros((4, *RGB), np.uint8), scale=(0.5, 1, 1))
    values = np.zeros((4, 8, 9), int)
    values[2, 3:5, 4:7] = 7
    one = Labels(values, scale=(0.5, 1, 1))
    assert np.array_equal(region_of(one, stack, (2,)).mask((8, 9)), values[2] > 0)
    with pytest.raises(LayerError, match="paint on it"):
        region_of(one, stack, (1,)).mask((8, 9))
    assert np.array_equal(region_of(Labels(values[2]), stack, (1,)).mask((8, 9)), values[2] > 0)
    later = Labels(values[2:3], translate=(1.0, 0.0, 0.0), scale=(0.5, 1, 1))
    assert region_of(later, stack, (2,)).mask((8, 9)).sum() == 6
    with pytest.raises(LayerError, match="holds no pixel"):
        region_of(later, stack, (0,))


def test_coarse_labels_mark_the_pixels_below_them() -> None:
    photo = image(np.zeros(RGB, np.uint8))
    coarse = Labels(np.array([[0, 1], [0, 0]]), scale=(4.0, 4.0), translate=(1.5, 1.5))
    expected = np.zeros((8, 9), bool)
    expected[:4, 4:8] = True
    assert np.array_equal(region_of(coarse, photo).mask((8, 9)), expected)


def test_a_region_has_a_soft_edge_inside() -> None:
    photo = image(np.zeros((40, 40, 3), np.uint8))
    labels = np.zeros((40, 40), int)
    labels[10:30, 10:30] = 1
    weight = region_of(Labels(labels), photo, feather=5.0).weight((40, 40))
    assert (weight[labels == 0] == 0).all()
    assert weight[20, 10] == np.float32(0.2)
    assert weight[20, 20] == 1.0


def test_a_region_beside_the_photo_holds_no_pixel() -> None:
    photo = image(np.zeros(RGB, np.uint8), translate=(100.0, 100.0))
    with pytest.raises(LayerError, match="holds no pixel"):
        region_of(Shapes([SQUARE]), photo).mask((8, 9))


def test_wide_photos_are_told_what_can_be_done_with_them() -> None:
    wide = WidePixels(np.zeros(RGB, np.float32), "adobe-rgb", "Bradford", "srgb")
    opened = image(np.zeros(RGB, np.uint8), metadata={KEY: Record(wide)})
    with pytest.raises(LayerError, match="choose an sRGB photo, or reduce this one on the page"):
        srgb_photo_of(opened)
    made = Provenance("coffee", "letnet-box", "", 1.0, 0.0)
    expanded = image(np.zeros(RGB, np.uint8), metadata={KEY: Record(wide, made)})
    with pytest.raises(LayerError, match="expanded already; choose “coffee”"):
        srgb_photo_of(expanded)
