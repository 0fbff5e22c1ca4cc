import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.colour import ACESCG, ADOBE_RGB, DISPLAY_P3, PROPHOTO, SRGB, ColourSpace, convert
from core.engine.expansion import ExpansionSettings, expand
from core.engine.files import FileSettings, expand_file, file_expansion
from core.errors import PhotoError
from core.files import inspect, read, write, write_codes
from core.gamut import LOSSY_TOLERANCE, reduce
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.network.letnet import BOX
from core.network.models import random_model
from core.network.solver import SolverSettings

MODEL = LetNetMethod(random_model(replace(BOX, channels=8, told=False), scale=5.0))
SETTINGS = ExpansionSettings(device="cpu", tile=64, solver=SolverSettings(max_steps=4))


def photo_codes(height: int = 150, width: int = 130) -> np.ndarray:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (height, width, 3))
    codes[rng.random(codes.shape) < 0.2] = 0
    return codes.astype(np.uint8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    write_codes(path, photo_codes())
    return path


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jxl", ".avif"])
def test_a_photo_becomes_a_wide_gamut_file(source: Path, suffix: str) -> None:
    target = source.with_name("out" + suffix)
    seen: list[tuple[int, int]] = []
    report = expand_file(
        source, target, MODEL, SETTINGS, progress=lambda done, total: seen.append((done, total))
    )
    written = read(target)
    assert written.space is PROPHOTO
    assert seen[-1] == (9, 9)
    assert report.model == "random-0"
    assert 0.0 < report.restored_share <= report.clipped_share < 1.0
    assert report.steps_most <= 4
    assert report.as_dict()["sha256"] == MODEL.sha256


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jxl"])
def test_the_written_16_bit_file_reduces_to_the_same_codes(source: Path, suffix: str) -> None:
    target = source.with_name("out" + suffix)
    expand_file(source, target, MODEL, SETTINGS)
    assert np.array_equal(reduce(read(target).scene()), photo_codes())


def test_the_file_holds_what_the_engine_gives(source: Path) -> None:
    target = source.with_name("out.tif")
    settings = dataclasses.replace(SETTINGS, space=DISPLAY_P3)
    expand_file(source, target, MODEL, settings)
    values = expand(photo_codes(), MODEL, settings).values
    expected = np.rint(DISPLAY_P3.encode(values.astype(np.float64)) * 65535)
    assert np.abs(read(target).pixels - expected).max() <= 1


def test_a_tiled_tiff_is_streamed_to_the_same_result(source: Path) -> None:
    import tifffile

    tiled = source.with_name("tiled.tif")
    tifffile.imwrite(tiled, photo_codes(), tile=(64, 64), compression="zlib", photometric="rgb")
    expand_file(tiled, source.with_name("a.tif"), MODEL, SETTINGS)
    expand_file(source, source.with_name("b.tif"), MODEL, SETTINGS)
    first, second = (read(source.with_name(name)).pixels for name in ("a.tif", "b.tif"))
    assert np.array_equal(first, second)


def test_a_lossy_photo_gets_the_tolerance_of_lossy_files(tmp_path: Path) -> None:
    jpeg = tmp_path / "in.jpg"
    write_codes(jpeg, photo_codes(), quality=95)
    report = expand_file(jpeg, tmp_path / "out.tif", MODEL, SETTINGS)
    assert report.tolerance == LOSSY_TOLERANCE > 0.0
    exact = FileSettings(lossy_tolerance=0.0)
    assert expand_file(jpeg, tmp_path / "b.tif", MODEL, SETTINGS, exact).tolerance == 0.0


def test_a_wide_gamut_photo_keeps_its_colours(tmp_path: Path) -> None:
    wide = tmp_path / "wide.tif"
    linear = np.zeros((20, 30, 3), np.float32)
    linear[..., 1] = 0.8
    write(wide, linear, ADOBE_RGB)
    report = expand_file(wide, tmp_path / "out.tif", MODEL, SETTINGS)
    assert "wide-gamut already" in " ".join(report.notes)
    assert report.model == "none"
    kept = read(tmp_path / "out.tif").scene()
    assert np.allclose(kept, convert(linear, ADOBE_RGB, SRGB), atol=1e-4)


def test_exif_is_carried_over(source: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F] = "Maker"
    with_exif = source.with_name("exif.jpg")
    Image.fromarray(photo_codes()).save(with_exif, exif=exif)
    target = source.with_name("out.tif")
    expand_file(with_exif, target, MODEL, SETTINGS)
    assert "EXIF" in inspect(target).metadata
    assert "Maker" in inspect(target).camera


def test_a_cancelled_job_leaves_no_file(source: Path) -> None:
    target = source.with_name("out.tif")
    work = file_expansion(source, target, MODEL, SETTINGS)
    next(work)
    work.close()
    assert [path.name for path in source.parent.iterdir()] == ["in.png"]


def test_an_error_while_reading_leaves_no_file(source: Path) -> None:
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(PhotoError):
        expand_file(source, source.with_name("out.tif"), MODEL, SETTINGS)
    assert [path.name for path in source.parent.iterdir()] == ["in.png"]


def test_an_existing_file_is_not_overwritten_unasked(source: Path) -> None:
    target = source.with_name("out.tif")
    target.write_text("mine")
    with pytest.raises(PhotoError, match="exists"):
        expand_file(source, target, MODEL, SETTINGS)
    assert target.read_text() == "mine"
    expand_file(source, target, MODEL, SETTINGS, FileSettings(overwrite=True))
    assert read(target).space is PROPHOTO


def test_the_input_is_never_overwritten(source: Path) -> None:
    before = source.read_bytes()
    with pytest.raises(PhotoError):
        expand_file(source, source, MODEL, SETTINGS, FileSettings(overwrite=True))
    assert source.read_bytes() == before


def test_private_metadata_stay_only_where_they_are_wanted(tmp_path: Path) -> None:
    from core.files.exif import GPS_IFD, Directory, Entry, blob_from
    from core.files.metadata import Metadata

    blob = blob_from(
        Directory({272: Entry.text("Model 1")}, {GPS_IFD: Directory({1: Entry.text("N")})})
    )
    source = tmp_path / "in.png"
    write_codes(source, photo_codes(20, 20), metadata=Metadata(blob))
    for keep in (True, False):
        target = tmp_path / f"{keep}.tif"
        expand_file(source, target, NaiveInversion(), SETTINGS, FileSettings(keep_private=keep))
        written = inspect(target)
        assert written.has_gps is keep
        assert written.camera == "Model 1"


@pytest.mark.parametrize("space", [ADOBE_RGB, PROPHOTO], ids=lambda space: space.key)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_copy_of_an_srgb_photo_in_a_wide_space_is_expanded(
    tmp_path: Path, space: ColourSpace, dtype: type
) -> None:
    top = np.iinfo(dtype).max
    light = convert(SRGB.decode(photo_codes() / 255), SRGB, space)
    copy = np.rint(space.encode(np.clip(light, 0.0, 1.0)) * top).astype(dtype)
    write_codes(tmp_path / "copy.png", copy, space)
    report = expand_file(tmp_path / "copy.png", tmp_path / "out.tif", MODEL, SETTINGS)
    assert not report.converted
    assert "converted to sRGB" in " ".join(report.notes)


def test_a_colour_that_rounding_does_not_explain_is_wide(tmp_path: Path) -> None:
    copy = np.full((20, 30, 3), 128, np.uint8)
    copy[3, 4] = 0, 255, 0
    write_codes(tmp_path / "wide.png", copy, ADOBE_RGB)
    assert expand_file(tmp_path / "wide.png", tmp_path / "out.tif", MODEL, SETTINGS).converted


def bright_photo(path: Path) -> np.ndarray:
    import tifffile

    values = np.linspace(-0.1, 4.0, 20 * 30 * 3, dtype=np.float32).reshape(20, 30, 3)
    tifffile.imwrite(path, values, photometric="rgb")
    return values


def test_light_above_white_is_kept_where_there_is_room(tmp_path: Path) -> None:
    values = bright_photo(tmp_path / "hdr.tif")
    settings = dataclasses.replace(SETTINGS, space=ACESCG)
    report = expand_file(tmp_path / "hdr.tif", tmp_path / "out.tif", MODEL, settings)
    assert np.allclose(read(tmp_path / "out.tif").scene(), values, atol=1e-5)
    assert "clipped" not in " ".join(report.notes)


def test_light_above_white_is_said_to_be_clipped_where_there_is_none(tmp_path: Path) -> None:
    values = bright_photo(tmp_path / "hdr.tif")
    report = expand_file(tmp_path / "hdr.tif", tmp_path / "out.tif", MODEL, SETTINGS)
    share = (convert(values, SRGB, PROPHOTO) > 1.0001).any(-1).mean()
    assert f"{share:.2%} of the pixels are brighter than white" in " ".join(report.notes)


@pytest.mark.parametrize(
    ("dtype", "suffix", "space", "depth", "exact"),
    [
        (np.uint8, ".tif", PROPHOTO, None, True),
        (np.uint8, ".png", PROPHOTO, None, True),
        (np.uint8, ".jxl", PROPHOTO, None, True),
        (np.uint8, ".avif", PROPHOTO, None, False),
        (np.uint8, ".tif", ACESCG, 16, False),
        (np.uint16, ".tif", PROPHOTO, None, False),
        (np.uint16, ".tif", ACESCG, None, True),
        (np.uint16, ".jxl", ACESCG, None, True),
    ],
)
def test_the_note_says_which_codes_do_not_come_back(
    tmp_path: Path, dtype: type, suffix: str, space: ColourSpace, depth: int | None, exact: bool
) -> None:
    codes = photo_codes().astype(dtype)
    if dtype is np.uint16:
        codes = codes * 257 + np.random.default_rng(1).integers(0, 2, codes.shape, np.uint16) * (
            codes < 255
        )
    codes = codes.astype(dtype)
    write_codes(tmp_path / "in.png", codes)
    settings = dataclasses.replace(SETTINGS, space=space)
    target = tmp_path / f"out{suffix}"
    report = expand_file(tmp_path / "in.png", target, MODEL, settings, FileSettings(depth=depth))
    back = reduce(read(target).scene(), 8 * codes.dtype.itemsize)
    away = np.abs(back.astype(int) - codes)
    note = " ".join(report.notes)
    assert (not away.any()) is exact
    assert ("come back changed" in note) is not exact
    if not exact:
        said = float(note.split("sRGB, ")[1].split("%")[0]) / 100
        # Our reader stretches 12 bits to 16, which moves a few codes over the edge, or back.
        assert said == pytest.approx(np.count_nonzero(away) / away.size, abs=2e-4)
        assert f"by {away.max()} of {np.iinfo(dtype).max} at most" in note


@pytest.mark.parametrize("setting", [{"lossy_tolerance": -5.0}, {"depth": 77}, {"format": "gif"}])
def test_file_settings_out_of_range_are_named(setting: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        FileSettings(**setting)
