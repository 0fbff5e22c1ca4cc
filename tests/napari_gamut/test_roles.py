"""Which layers are photos, which belong together, and where their colours lay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from PIL import Image as Pillow

from core.progress import finished
from core.source_gamut import UNKNOWN
from core.spaces import space_named
from napari_gamut import origins
from napari_gamut.conversions import conversion
from napari_gamut.engine import expand_photo
from napari_gamut.naming import drawn_names, file_name, result_name
from napari_gamut.origins import Recorded
from napari_gamut.photos import LayerError, photo_of
from napari_gamut.records import KEY, PICTURE, Provenance, Record, WidePixels
from napari_gamut.requests import AS_FILE, Request
from napari_gamut.roles import (
    counterpart_of,
    is_photo,
    is_plain,
    reference_of,
    result_of,
    source_of,
)

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (8, 9, 3)
MADE = Provenance("photo", "letnet-box", "", 0.5, 0.0, "display-p3", "adobe-rgb")


def layer(name: str, record: Record | None = None, shape: tuple[int, ...] = SHAPE) -> Image:
    metadata = {} if record is None else {KEY: record}
    return Image(np.zeros(shape, np.uint8), rgb=True, name=name, metadata=metadata)


def wide(made: Provenance | None = None) -> Record:
    return Record(WidePixels(np.zeros(SHAPE, np.float32), "prophoto", "Bradford", "srgb"), made)


def test_pictures_masks_and_grey_are_no_photos() -> None:
    assert is_photo(layer("photo"))
    assert not is_photo(layer("curtain", PICTURE[KEY]))
    assert not is_photo(Labels(np.zeros((8, 9), int)))
    assert not is_photo(Image(np.zeros((8, 9))))
    assert not is_plain(layer("photo", wide()))
    with pytest.raises(LayerError, match="a picture for looking at"):
        photo_of(layer("curtain", PICTURE[KEY]))


def test_what_belongs_together_is_found() -> None:
    photo = layer("photo")
    result = layer(result_name(MADE), wide(replace(MADE, layer=photo.unique_id)))
    original, other = layer("Photo [ProPhoto RGB]", wide()), layer("other", wide())
    layers = [other, original, photo, result]
    assert source_of(result, layers) is photo
    assert reference_of(photo, layers) is original
    assert reference_of(result, layers) is original
    assert counterpart_of(photo, layers) is result
    assert counterpart_of(result, layers) is photo
    photo.name = "renamed"
    assert source_of(result, layers) is photo
    assert result_of(photo, layers) is result
    namesake = layer("photo")
    assert source_of(result, [namesake, result]) is None
    assert result_of(namesake, [namesake, result]) is None


def test_names_tell_method_strength_source_and_space() -> None:
    assert result_name(MADE) == "photo · 50% · letnet-box · source Adobe RGB · in P3"
    assert file_name("any", wide(MADE)) == "photo in P3.tif"
    assert file_name("a/b: c?", Record()) == "a b c.tif"


def test_photos_with_one_long_beginning_are_told_apart() -> None:
    long = "a very long beginning that many names of photos share"
    result = wide(replace(MADE, source="photo"))
    names = [(f"{long} (original)", Record()), (f"{long} (sRGB)", Record()), ("x", Record())]
    drawn = drawn_names([*names, ("one", result), ("other", result)])
    assert len(set(drawn)) == 5
    assert drawn[0].startswith("a very") and drawn[0].endswith("(original)")
    assert drawn[2:] == ["x", "photo, letnet-box 50%", "photo, letnet-box 50% (2)"]
    assert all(len(name) <= 36 for name in drawn)


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (AS_FILE, "An iPhone"),
        ("adobe-rgb", "stays within Adobe RGB (1998); the file says Display P3."),
        (UNKNOWN, "you set aside"),
    ],
)
def test_the_file_is_heard_and_people_decide(choice: str, says: str) -> None:
    origin = Recorded(space_named("display-p3"), "An iPhone.")
    offered = origins.choices(origin)
    assert offered[0] == ("As the file says: Display P3", AS_FILE)
    assert says in origins.sentence(choice, origin)


def test_nothing_is_claimed_of_a_file_that_says_nothing() -> None:
    assert origins.choices(Recorded())[0] == ("I do not know", UNKNOWN)
    assert "does not say" in origins.sentence(UNKNOWN, Recorded())


def test_a_telephone_is_recognised_by_its_file(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[271], exif[272] = "Apple", "iPhone 12"
    exif.get_ifd(0x8769)[0x9003] = "2021:05:01 10:00:00"
    path = tmp_path / "phone.jpg"
    Pillow.new("RGB", (9, 8)).save(path, exif=exif)
    photo = photo_of(layer("phone", Record(path=str(path))))
    assert origins.recorded(photo).source is space_named("display-p3")
    for choice, key in ((UNKNOWN, "display-p3"), ("adobe-rgb", "adobe-rgb")):
        request = Request("naive", source=origins.source_for(choice))
        assert finished(expand_photo(photo, request)).record.made.origin == key


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.full(SHAPE, 200, np.int32), np.uint8),
        (np.full(SHAPE, 60000, np.int64), np.uint16),
        (np.full(SHAPE, 200.4), np.uint8),
        (np.full(SHAPE, 0.5, np.float32), np.float32),
    ],
)
def test_values_are_converted_without_scaling(values: Any, dtype: Any) -> None:
    converted = finished(conversion("photo", values))
    assert converted.dtype == dtype
    assert np.allclose(converted, np.rint(values) if dtype != np.float32 else values)


@pytest.mark.parametrize(
    "values", [np.full(SHAPE, -1), np.full(SHAPE, np.nan), np.full(SHAPE, 1e6)]
)
def test_values_that_are_no_codes_are_not_converted(values: Any) -> None:
    with pytest.raises(LayerError, match="scale them"):
        finished(conversion("photo", values))
