"""A photo carries its own network, which is found again as long as nobody changed a pixel."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.files import expand_file
from core.errors import PhotoError
from core.files import inspect, read, write, write_codes
from core.gamut import reduce
from core.methods.gamut_mlp import Embedded
from core.network.tensor_file import pack, unpack
from core.payload.embedding import (
    FORMAT,
    LARGEST,
    from_payload,
    write_embedded,
)
from core.payload.gamut_mlp import FitSettings
from core.progress import finished
from tests.core.conftest import network_in, wide_photo

if TYPE_CHECKING:
    from pathlib import Path

QUICK = FitSettings(steps=60, batch=256)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return convert(wide_photo(1), PROPHOTO, SRGB)


@pytest.fixture
def carrier(tmp_path: Path, scene: np.ndarray) -> Path:
    path = tmp_path / "carrier.png"
    finished(write_embedded(path, reduce(scene), scene, QUICK))
    return path


@pytest.mark.parametrize("name", ["photo.png", "photo.tif", "photo.jpg"])
def test_every_format_carries_it(tmp_path: Path, scene: np.ndarray, name: str) -> None:
    path = tmp_path / name
    embedding = finished(write_embedded(path, reduce(scene), scene, QUICK))
    mlp = network_in(path).mlp
    assert mlp.sha256 == embedding.sha256
    assert (mlp.height, mlp.width) == scene.shape[:2]
    assert embedding.size == inspect(path).payload_size < LARGEST
    naive = path.with_stem("plain")
    write_codes(naive, reduce(scene))
    assert np.array_equal(read(path).pixels, read(naive).pixels), "the photo itself is the same"


def test_16_bits_carry_it_too(tmp_path: Path, scene: np.ndarray) -> None:
    path = tmp_path / "deep.png"
    embedding = finished(write_embedded(path, reduce(scene, 16), scene, QUICK))
    assert network_in(path).sha256 == embedding.sha256


def test_the_same_photo_gives_the_same_file(
    tmp_path: Path, carrier: Path, scene: np.ndarray
) -> None:
    again = tmp_path / "again.png"
    finished(write_embedded(again, reduce(scene), scene, QUICK))
    assert again.read_bytes() == carrier.read_bytes()


def test_an_edited_photo_is_refused(tmp_path: Path, carrier: Path) -> None:
    photo = read(carrier)
    codes = photo.pixels.copy()
    codes[3, 4, 1] ^= 1
    edited = tmp_path / "edited.png"
    write_codes(edited, codes, extra_metadata=photo.payload)
    with pytest.raises(PhotoError, match="edited, resized or saved again"):
        network_in(edited)


def test_a_photo_in_memory_finds_the_network_of_its_file(carrier: Path) -> None:
    codes = read(carrier).srgb_codes()
    assert codes is not None
    assert network_in(carrier, codes).sha256 == network_in(carrier).sha256
    with pytest.raises(PhotoError, match="edited"):
        network_in(carrier, codes[1:])


def test_a_photo_that_lost_it_is_refused(tmp_path: Path, carrier: Path) -> None:
    saved = tmp_path / "saved.png"
    Image.open(carrier).save(saved)
    with pytest.raises(PhotoError, match="carries no network of its own"):
        network_in(saved)


def test_a_wide_photo_needs_none(tmp_path: Path, carrier: Path) -> None:
    wide = tmp_path / "wide.png"
    write_codes(wide, read(carrier).pixels, DISPLAY_P3, extra_metadata=read(carrier).payload)
    report = expand_file(wide, tmp_path / "out.tif", Embedded())
    assert report.converted
    assert report.model == "none"


def test_damage_anywhere_is_found(carrier: Path) -> None:
    photo = read(carrier)
    assert photo.payload is not None
    codes = photo.srgb_codes()
    assert codes is not None
    for place in range(0, len(photo.payload), 997):
        damaged = bytearray(photo.payload)
        damaged[place] ^= 0x10
        with pytest.raises(PhotoError):
            from_payload(bytes(damaged), codes, "photo")
    for cut in (0, 7, 8, 200, len(photo.payload) - 1):
        with pytest.raises(PhotoError, match="damaged"):
            from_payload(photo.payload[:cut], codes, "photo")


def test_what_is_no_network_of_a_photo_is_refused(carrier: Path) -> None:
    photo = read(carrier)
    assert photo.payload is not None
    codes = photo.srgb_codes()
    assert codes is not None
    metadata, tensors = unpack(photo.payload)
    first = "first.weight"
    infinite = {**tensors, first: torch.full_like(tensors[first], torch.inf)}
    forms = {
        "another kind": pack(tensors, {**metadata, "format": "other"}),
        "missing weights": pack({first: tensors[first]}, metadata),
        "other form": pack({**tensors, first: tensors[first][:5].clone()}, metadata),
        "infinite": pack(infinite, metadata),
        "other type": pack({**tensors, first: tensors[first].half()}, metadata),
        "too large": pack({**tensors, "more": torch.zeros(2000)}, metadata),
    }
    assert metadata["format"] == FORMAT
    for payload in forms.values():
        with pytest.raises(PhotoError, match="damaged or from another version"):
            from_payload(payload, codes, "photo")


def test_giving_up_leaves_no_file(tmp_path: Path, scene: np.ndarray) -> None:
    with closing(write_embedded(tmp_path / "photo.png", reduce(scene), scene, QUICK)) as work:
        next(work)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_and_refused_before_the_work(
    tmp_path: Path, scene: np.ndarray
) -> None:
    path = tmp_path / "photo.tif"
    write(path, wide_photo(2), PROPHOTO)
    before = path.read_bytes()
    with pytest.raises(PhotoError, match="exists already"):
        next(write_embedded(path, reduce(scene), scene, QUICK))
    assert path.read_bytes() == before
    assert finished(write_embedded(path, reduce(scene), scene, QUICK, overwrite=True)).size
