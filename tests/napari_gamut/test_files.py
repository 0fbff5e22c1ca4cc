"""Reader, writer and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.errors import MultipleReaderError
from PIL import Image as Pillow

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.files import read, write, write_codes
from core.gamut import naive_inversion, reduce
from core.pictures.chart import wide_gamut_chart
from napari_gamut import samples
from napari_gamut.photos import LayerError, photo_of
from napari_gamut.reader import get_plain_reader, get_reader, open_without_asking
from napari_gamut.records import KEY, record_in
from napari_gamut.writer import write_photo
from tests.openings import Openings

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer

pytestmark = pytest.mark.usefixtures("plugin")


def opened(path: Path) -> tuple[Any, dict[str, Any]]:
    reader = get_reader(str(path))
    assert reader is not None
    ((data, meta, kind),) = reader(str(path))
    assert kind == "image"
    assert meta["rgb"]
    return data, meta


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif", "jxl"])
def test_a_photo_is_opened_once(
    tmp_path: Path, codes: np.ndarray, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = tmp_path / f"photo.{suffix}"
    write_codes(photo, codes, DISPLAY_P3)
    openings = Openings(monkeypatch, photo)
    opened(photo)
    assert openings.taken() == (1, 1)


@pytest.mark.parametrize("name", ["plain.png", "plain.jpg", "plain.tif"])
def test_plain_photos_are_left_to_napari(tmp_path: Path, codes: np.ndarray, name: str) -> None:
    Pillow.fromarray(codes).save(tmp_path / name)
    assert get_reader(str(tmp_path / name)) is None


@pytest.mark.parametrize("name", ["plain.png", "plain.jpg", "plain.tif", "grey.png"])
def test_a_plain_photo_opens_through_the_plugin_as_through_napari(
    viewer: Viewer, tmp_path: Path, codes: np.ndarray, name: str
) -> None:
    pixels = codes[..., 0] if name.startswith("grey") else codes
    Pillow.fromarray(pixels).save(tmp_path / name)
    (own,) = viewer.open(tmp_path / name, plugin="napari")
    (ours,) = viewer.open(tmp_path / name, plugin="napari-gamut")
    assert np.array_equal(ours.data, own.data)
    assert (ours.rgb, ours.metadata) == (own.rgb, own.metadata)


def test_a_photo_opened_without_its_profile_is_not_taken_for_srgb(
    viewer: Viewer, tmp_path: Path, codes: np.ndarray
) -> None:
    write_codes(tmp_path / "phone.png", codes, DISPLAY_P3)
    (layer,) = viewer.open(tmp_path / "phone.png", plugin="napari")
    with pytest.raises(LayerError, match=r"open phone\.png again"):
        photo_of(layer)


def test_a_damaged_file_that_only_this_plugin_opens_is_an_error(
    viewer: Viewer, tmp_path: Path
) -> None:
    (tmp_path / "damaged.heic").write_bytes(b"nothing")
    with pytest.raises(PhotoError, match=r"damaged\.heic"):
        viewer.open(tmp_path / "damaged.heic", plugin="napari-gamut")


def test_photos_can_open_without_a_question(
    viewer: Viewer, tmp_path: Path, codes: np.ndarray
) -> None:
    Pillow.fromarray(codes).save(tmp_path / "plain.png")
    write_codes(tmp_path / "phone.png", codes, DISPLAY_P3)
    with pytest.raises(MultipleReaderError):
        viewer.open(tmp_path / "plain.png", plugin=None)
    open_without_asking()
    (plain,) = viewer.open(tmp_path / "plain.png", plugin=None)
    (phone,) = viewer.open(tmp_path / "phone.png", plugin=None)
    assert KEY not in plain.metadata
    assert record_in(phone.metadata).wide.space == "display-p3"


@pytest.mark.parametrize("reader", [get_reader, get_plain_reader])
def test_from_the_command_palette_people_are_asked_for_photos(
    viewer: Viewer, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("napari_gamut.widgets.dialogs.ask_to_open", asked.append)
    assert reader() is None
    assert asked == [viewer]


def test_what_is_no_photo_is_left_to_napari(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("nothing")
    Pillow.new("L", (4, 4)).save(tmp_path / "grey.png")
    for path in tmp_path.iterdir():
        assert get_reader(str(path)) is None


def test_a_wide_file_shows_its_rendering_and_keeps_its_colours(tmp_path: Path) -> None:
    chart = wide_gamut_chart(8)
    write(tmp_path / "wide.tif", chart, PROPHOTO)
    data, meta = opened(tmp_path / "wide.tif")
    wide = record_in(meta["metadata"]).wide
    assert wide.space == "prophoto"
    assert np.allclose(wide.values, chart, atol=1e-4)
    expected = reduce(convert(chart, PROPHOTO, SRGB))
    assert np.abs(data.astype(int) - expected).max() <= 1
    assert "ProPhoto" in meta["name"]


def test_a_display_p3_photo_is_recognised(tmp_path: Path, codes: np.ndarray) -> None:
    write_codes(tmp_path / "phone.png", codes, DISPLAY_P3)
    _, meta = opened(tmp_path / "phone.png")
    assert record_in(meta["metadata"]).wide.space == "display-p3"


def test_a_rotated_photo_stands_upright(tmp_path: Path, codes: np.ndarray) -> None:
    exif = Pillow.Exif()
    exif[274] = 6
    Pillow.fromarray(codes).save(tmp_path / "turned.jpg", exif=exif)
    data, meta = opened(tmp_path / "turned.jpg")
    assert data.shape == (90, 70, 3)
    record = record_in(meta["metadata"])
    assert record.lossy
    assert record.wide is None


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jxl"])
def test_wide_colours_are_written_with_their_profile(tmp_path: Path, suffix: str) -> None:
    ((data, meta, _), _) = samples.chart()
    path = tmp_path / f"chart{suffix}"
    assert write_photo(str(path), data, meta) == [str(path)]
    photo = read(path)
    assert photo.space is PROPHOTO
    assert photo.pixels.dtype == np.uint16
    values = convert(photo.scene(), SRGB, PROPHOTO)
    assert np.allclose(values, record_in(meta["metadata"]).wide.values, atol=1e-4)


def test_an_srgb_layer_is_written_code_for_code(tmp_path: Path, codes: np.ndarray) -> None:
    write_photo(str(tmp_path / "photo.png"), codes, {"rgb": True})
    assert np.array_equal(read(tmp_path / "photo.png").srgb_codes(), codes)


def test_exif_and_opacity_are_kept(tmp_path: Path, codes: np.ndarray) -> None:
    exif = Pillow.Exif()
    exif[272] = "Camera of the test"
    exif[274] = 3
    rgba = np.dstack([codes, np.full(codes.shape[:2], 77, np.uint8)])
    Pillow.fromarray(rgba).save(tmp_path / "in.png", exif=exif)
    data, meta = opened(tmp_path / "in.png")
    write_photo(str(tmp_path / "out.tif"), data, meta)
    photo = read(tmp_path / "out.tif")
    assert b"Camera of the test" in photo.metadata.exif
    assert (photo.alpha >> (8 * (photo.alpha.itemsize - 1)) == 77).all()


def test_grey_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no RGB layer"):
        write_photo(str(tmp_path / "a.tif"), np.zeros((4, 4), np.uint8), {"rgb": False})


def test_a_written_photo_is_read_as_wide_again(tmp_path: Path, codes: np.ndarray) -> None:
    write(tmp_path / "wide.tif", convert(naive_inversion(codes), SRGB, PROPHOTO), PROPHOTO)
    data, _ = opened(tmp_path / "wide.tif")
    assert np.array_equal(data, codes)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "cat", "rocket"])
def test_samples_are_photos(name: str) -> None:
    ((data, meta, kind),) = getattr(samples, name)()
    assert (data.dtype, data.ndim, kind, meta["rgb"]) == (np.uint8, 3, "image", True)


@pytest.mark.parametrize("name", ["chart", "vivid_astronaut"])
def test_originals_come_with_their_reduction(name: str) -> None:
    ((shown, wide, _), (codes, plain, _)) = getattr(samples, name)()
    assert np.array_equal(shown, codes)
    assert KEY in wide["metadata"]
    assert "metadata" not in plain
