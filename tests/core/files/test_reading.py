"""Every format, its codes, its profile, its orientation, its EXIF."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import OpenImageIO
import pillow_heif
import pytest
import tifffile
from PIL import Image, ImageCms

from core.colour import (
    ADOBE_RGB,
    D65,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SRGB,
    adaptation_matrix,
    convert,
    white_xyz,
)
from core.files import FileError, Metadata, Photo, icc_profile, inspect, read, write_codes
from core.files.formats import png
from tests.core.files.conftest import DNG_FIELDS, exif_blob, with_curve

if TYPE_CHECKING:
    from pathlib import Path

ADOBE = icc_profile(ADOBE_RGB)
RANDOM = np.random.default_rng(5)
DEEP = RANDOM.integers(0, 65536, (19, 23, 3), dtype=np.uint16)


def saved(path: Path, codes: np.ndarray, format_name: str, **settings) -> Photo:
    buffer = io.BytesIO()
    Image.fromarray(codes).save(buffer, format_name, **settings)
    path.write_bytes(buffer.getvalue())
    return read(path)


def deep_png(path: Path, codes: np.ndarray, *chunks: tuple[bytes, bytes]) -> Path:
    path.write_bytes(png.insert_chunks(bytes(imagecodecs.png_encode(codes)), list(chunks)))
    return path


@pytest.mark.parametrize(
    ("format_name", "settings", "lossy"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, True),
        ("PNG", {}, False),
        ("TIFF", {}, False),
        ("WEBP", {"quality": 95}, True),
        ("WEBP", {"lossless": True}, False),
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, True),
    ],
)
@pytest.mark.parametrize("profile", [b"", ADOBE], ids=["untagged", "Adobe RGB"])
def test_eight_bits(
    tmp_path: Path, photo: np.ndarray, format_name: str, settings: dict, lossy: bool, profile: bytes
) -> None:
    # The name is deliberately wrong: content decides.
    read_back = saved(
        tmp_path / "a.dat", photo, format_name, icc_profile=profile, exif=_pillow_exif(), **settings
    )
    assert read_back.format.upper() == format_name
    assert read_back.lossy is lossy
    assert read_back.pixels.dtype == np.uint8
    assert read_back.alpha is None
    difference = np.abs(read_back.pixels.astype(int) - photo)
    assert difference.mean() < (6 if lossy else 1e-9)
    assert read_back.space is (ADOBE_RGB if profile else SRGB)
    assert (read_back.srgb_codes() is None) is bool(profile)
    assert inspect(tmp_path / "a.dat").camera == "Maker Model 1"
    expected = read_back.space.decode(read_back.pixels / 255)
    np.testing.assert_allclose(
        read_back.scene(), convert(expected, read_back.space, SRGB), atol=2e-6
    )


def _pillow_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Model 1"
    return exif


def test_untagged_files_say_so_and_can_be_assumed_otherwise(tmp_path: Path) -> None:
    path = deep_png(tmp_path / "a.png", DEEP)
    untagged = read(path)
    assert untagged.profile_name == "untagged (taken as sRGB)"
    np.testing.assert_array_equal(untagged.srgb_codes(), DEEP)
    assumed = read(path, assume=PROPHOTO)
    assert assumed.space is PROPHOTO
    assert assumed.srgb_codes() is None
    expected = convert(PROPHOTO.decode(DEEP / 65535), PROPHOTO, SRGB)
    np.testing.assert_allclose(assumed.scene(), expected, atol=2e-6)


def test_a_tag_outranks_the_assumption(tmp_path: Path) -> None:
    path = deep_png(tmp_path / "a.png", DEEP, png.profile_chunk("x", ADOBE))
    assert read(path, assume=PROPHOTO).space is ADOBE_RGB


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_of_few_bits_and_palettes(tmp_path: Path, bits: int) -> None:
    indices = RANDOM.integers(0, 2**bits, (9, 13), dtype=np.uint8)
    palette = RANDOM.integers(0, 256, (2**bits, 3), dtype=np.uint8)
    image = Image.new("P", indices.shape[::-1])
    image.putdata(indices.ravel().tolist())
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "a.png", bits=bits)
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, palette[indices])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_grey_and_alpha(tmp_path: Path, dtype: type, channels: int) -> None:
    codes = RANDOM.integers(0, np.iinfo(dtype).max, (9, 13, channels), dtype=dtype)
    read_back = read(deep_png(tmp_path / "a.png", codes.squeeze()))
    colour_channels = codes[..., : 3 if channels >= 3 else 1]
    np.testing.assert_array_equal(read_back.pixels, np.broadcast_to(colour_channels, (9, 13, 3)))
    assert read_back.pixels.dtype == dtype
    if channels in (2, 4):
        np.testing.assert_array_equal(read_back.alpha, codes[..., -1])
    else:
        assert read_back.alpha is None
    assert inspect(tmp_path / "a.png").channels == channels


def test_png_code_points_outrank_the_profile(tmp_path: Path) -> None:
    chunks = (b"cICP", bytes([9, 14, 0, 1])), png.profile_chunk("x", ADOBE)
    assert read(deep_png(tmp_path / "a.png", DEEP, *chunks)).space is REC2020


@pytest.mark.parametrize(
    ("chunks", "space"),
    [
        ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))], SRGB),
        ([(b"gAMA", struct.pack(">I", 45455))], SRGB),
        ([(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(
            ">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))], ADOBE_RGB),
    ],
)  # fmt: skip
def test_png_by_exponent_and_chromaticities(tmp_path: Path, chunks: list, space) -> None:
    found = read(deep_png(tmp_path / "a.png", DEEP, *chunks)).encoding
    if space is SRGB:
        assert found.space is SRGB
    else:
        expected = convert((DEEP / 65535) ** 2.2, space, SRGB)
        np.testing.assert_allclose(found.scene(DEEP), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"rowsperstrip": 5, "compression": "lzw", "predictor": True},
        {"tile": (16, 16), "compression": "zlib", "predictor": True},
        {"planarconfig": "separate"},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
    ids=str,
)
def test_tiff(tmp_path: Path, dtype: type, layout: dict) -> None:
    codes = DEEP / 65535 if np.dtype(dtype).kind == "f" else DEEP >> (16 - 8 * dtype().itemsize)
    codes = codes.astype(dtype)
    stored = np.moveaxis(codes, -1, 0) if "planarconfig" in layout else codes
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", metadata=None, **layout)
    read_back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_back.pixels, codes.astype(read_back.pixels.dtype))
    is_float = np.dtype(dtype).kind == "f"
    assert read_back.pixels.dtype == (np.float32 if is_float else dtype)
    assert read_back.linear is is_float
    assert read_back.space is SRGB
    if is_float:
        np.testing.assert_array_equal(read_back.scene(), read_back.pixels)
        assert read_back.srgb_codes() is None


def test_tiff_float_with_a_profile_is_encoded_as_the_profile_says(tmp_path: Path) -> None:
    values = (DEEP / 65535).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", iccprofile=ADOBE)
    scene = read(tmp_path / "a.tif").scene()
    expected = convert(ADOBE_RGB.decode(values.astype(float)), ADOBE_RGB, SRGB)
    np.testing.assert_allclose(scene, expected, atol=2e-6)


@pytest.mark.parametrize("mode", ["grey", "white is zero", "one bit", "palette"])
def test_tiff_without_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tif"
    grey = DEEP[..., 0]
    if mode == "palette":
        table = RANDOM.integers(0, 256, (3, 256), dtype=np.uint16) * 257
        indices = (grey >> 8).astype(np.uint8)
        tifffile.imwrite(path, indices, photometric="palette", colormap=table)
        expected = np.moveaxis((table >> 8).astype(np.uint8)[:, indices], 0, -1)
    elif mode == "one bit":
        tifffile.imwrite(path, grey > 30000, photometric="minisblack")
        expected = np.repeat(((grey > 30000) * 255).astype(np.uint8)[..., None], 3, axis=2)
    else:
        white_is_zero = mode == "white is zero"
        tifffile.imwrite(path, grey, photometric="miniswhite" if white_is_zero else "minisblack")
        expected = np.repeat((65535 - grey if white_is_zero else grey)[..., None], 3, axis=2)
    np.testing.assert_array_equal(read(path).pixels, expected)


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_tiff_alpha(tmp_path: Path, kind: str) -> None:
    alpha = RANDOM.integers(20000, 65536, DEEP.shape[:2], dtype=np.uint16)
    colours = DEEP
    if kind == "assocalpha":
        colours = np.rint(DEEP * (alpha[..., None] / 65535)).astype(np.uint16)
    stored = np.concatenate([colours, alpha[..., None]], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=[kind])
    read_back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_back.alpha, alpha)
    # Multiplied and rounded at an alpha of 20000, a code is uncertain by 65535 / 20000 / 2.
    slack = 0 if kind == "unassalpha" else 2
    assert np.abs(read_back.pixels.astype(int) - DEEP).max() <= slack


def test_a_tiff_of_several_pages_gives_the_first_and_says_so(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(DEEP, photometric="rgb")
        writer.write(DEEP[:5, :5], photometric="rgb")
    read_back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_back.pixels, DEEP)
    assert "2 pictures" in " ".join(read_back.notes)


@pytest.mark.parametrize("format_name", ["WEBP", "PNG", "AVIF"])
def test_an_animation_gives_its_first_frame_and_says_so(
    tmp_path: Path, photo: np.ndarray, format_name: str
) -> None:
    second = Image.fromarray(255 - photo)
    settings = {"lossless": True} if format_name == "WEBP" else {}
    read_back = saved(
        tmp_path / "a", photo, format_name, save_all=True, append_images=[second], **settings
    )
    assert np.abs(read_back.pixels.astype(int) - photo).mean() < 5
    assert "the first is used" in " ".join(read_back.notes)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_the_orientation_is_applied_once(
    tmp_path: Path, photo: np.ndarray, orientation: int, format_name: str
) -> None:
    upright = photo[:64, :48]
    undo = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, 1)
    image = Image.fromarray(upright)
    if undo > 1:
        image = image.transpose(_TRANSPOSES[undo])
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / "a"
    if format_name == "HEIF":
        pillow_heif.from_pillow(image).save(path, quality=95, exif=exif.tobytes())
    elif format_name == "TIFF":
        tifffile.imwrite(
            path, np.asarray(image), photometric="rgb", extratags=[(274, 3, 1, orientation, True)]
        )
    else:
        image.save(path, format_name, exif=exif, quality=95)
    read_back = read(path)
    assert read_back.pixels.shape == upright.shape
    assert np.abs(read_back.pixels.astype(int) - upright).mean() < 6
    info = inspect(path)
    assert (info.height, info.width) == upright.shape[:2]


_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_of_many_bits(tmp_path: Path, bits: int) -> None:
    codes = DEEP >> (16 - bits)
    data = imagecodecs.avif_encode(
        codes, level=100, bitspersample=bits, primaries=12, transfer=13, pixelformat="444"
    )
    (tmp_path / "a.avif").write_bytes(data)
    read_back = read(tmp_path / "a.avif")
    assert read_back.space is DISPLAY_P3
    assert not read_back.lossy
    assert inspect(tmp_path / "a.avif").bits == bits
    np.testing.assert_array_equal(
        read_back.pixels, np.rint(codes / (2**bits - 1) * 65535).astype(np.uint16)
    )


def test_heic_of_ten_bits_reaches_white(tmp_path: Path) -> None:
    white = np.full((64, 64, 3), 65535, np.uint16)
    file = pillow_heif.from_bytes("RGB;16", (64, 64), white.tobytes())
    file.save(tmp_path / "a.heic", quality=100)
    read_back = read(tmp_path / "a.heic")
    assert read_back.format == "HEIC"
    assert read_back.pixels.dtype == np.uint16
    assert read_back.pixels.min() >= 65535 - 2 * 64


def test_heic_profile(tmp_path: Path, photo: np.ndarray) -> None:
    file = pillow_heif.from_pillow(Image.fromarray(photo))
    file.save(tmp_path / "a.heic", quality=95, icc_profile=ADOBE)
    read_back = read(tmp_path / "a.heic")
    assert read_back.space is ADOBE_RGB
    assert np.abs(read_back.pixels.astype(int) - photo).mean() < 5


def test_jpeg_xl_lossy(tmp_path: Path, photo: np.ndarray) -> None:
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(photo, distance=0.5))
    read_back = read(tmp_path / "a.jxl")
    assert read_back.lossy
    assert read_back.space is SRGB
    assert np.abs(read_back.pixels.astype(int) - photo).mean() < 5
    (tmp_path / "b.jxl").write_bytes(imagecodecs.jpegxl_encode(photo, lossless=True))
    assert not read(tmp_path / "b.jxl").lossy


@pytest.mark.parametrize("kind", ["half", "float"])
def test_openexr_is_linear_in_its_own_primaries(tmp_path: Path, kind: str) -> None:
    values = (DEEP / 65535 * 3).astype(np.float16).astype(np.float32)
    spec = OpenImageIO.ImageSpec(values.shape[1], values.shape[0], 3, kind)
    numbers = np.array([*REC2020.primaries, REC2020.white], np.float32).ravel()
    spec.attribute("chromaticities", OpenImageIO.TypeDesc("float[8]"), numbers)
    output = OpenImageIO.ImageOutput.create("exr")
    output.open(str(tmp_path / "a.exr"), spec)
    output.write_image(values)
    output.close()
    read_back = read(tmp_path / "a.exr")
    assert read_back.space is REC2020
    assert read_back.linear
    np.testing.assert_allclose(read_back.scene(), convert(values, REC2020, SRGB), atol=1e-5)


@pytest.mark.parametrize(
    ("colour_space", "interop"), [(2, "R98"), (65535, "R03")], ids=["ColorSpace 2", "R03"]
)
def test_a_camera_jpeg_in_adobe_rgb_without_a_profile(
    tmp_path: Path, photo: np.ndarray, colour_space: int, interop: str
) -> None:
    blob = b"Exif\0\0" + exif_blob(1, colour_space, interop)
    assert saved(tmp_path / "a.jpg", photo, "JPEG", exif=blob).space is ADOBE_RGB


def test_a_damaged_profile_is_ignored_with_a_note(tmp_path: Path, photo: np.ndarray) -> None:
    read_back = saved(tmp_path / "a.jpg", photo, "JPEG", icc_profile=b"broken" * 30)
    assert read_back.space is SRGB
    assert "profile was ignored" in " ".join(read_back.notes)


def test_a_grey_photo_with_a_grey_profile(tmp_path: Path, photo: np.ndarray) -> None:
    profile = bytearray(icc_profile(SRGB))
    profile[16:20] = b"GRAY"
    grey = bytes(profile).replace(b"rTRC", b"kTRC")
    read_back = saved(tmp_path / "a.png", photo[..., 0].copy(), "PNG", icc_profile=grey)
    np.testing.assert_array_equal(read_back.srgb_codes(), np.repeat(photo[..., :1], 3, axis=2))


def test_exif_is_kept_upright(tmp_path: Path, photo: np.ndarray) -> None:
    read_back = saved(tmp_path / "a.jpg", photo, "JPEG", exif=b"Exif\0\0" + exif_blob(6))
    assert read_back.metadata.exif == exif_blob(1)
    info = inspect(tmp_path / "a.jpg")
    assert (info.metadata, info.has_gps, info.camera) == (("EXIF",), True, "Maker Model 1")
    assert info.date == "2024:05:06 07:08:09"


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_codes_are_written_as_they_are(
    tmp_path: Path, photo: np.ndarray, exif: bytes, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    payload = bytes(range(256)) * 400
    write_codes(path, photo, metadata=Metadata(exif), extra_metadata=payload)
    read_back = read(path)
    assert read_back.payload == payload
    assert inspect(path).payload_size == len(payload)
    assert read_back.metadata.exif is not None
    assert inspect(path).has_gps
    if suffix == ".jpg":
        assert np.abs(read_back.pixels.astype(int) - photo).mean() < 3
    else:
        np.testing.assert_array_equal(read_back.srgb_codes(), photo)
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).strip() == "sRGB"


def exr_of(path: Path, values: np.ndarray, numbers: list[float] | None, **window: int) -> Photo:
    spec = OpenImageIO.ImageSpec(values.shape[1], values.shape[0], 3, "float")
    for name, number in window.items():
        setattr(spec, name, number)
    if numbers is not None:
        stated = np.array(numbers, np.float32)
        spec.attribute("chromaticities", OpenImageIO.TypeDesc("float[8]"), stated)
    output = OpenImageIO.ImageOutput.create("exr")
    output.open(str(path), spec)
    output.write_image(values)
    output.close()
    return read(path)


def test_openexr_shows_its_display_window_alone(tmp_path: Path) -> None:
    values = (DEEP / 65535).astype(np.float32)
    window = {"full_x": 2, "full_y": 3, "full_width": 9, "full_height": 8}
    read_back = exr_of(tmp_path / "a.exr", values, None, **window)
    np.testing.assert_array_equal(read_back.pixels, values[3:11, 2:11])
    assert (read_back.info.width, read_back.info.height) == (9, 8)


def test_openexr_is_black_where_its_display_window_is_empty(tmp_path: Path) -> None:
    values = (DEEP / 65535).astype(np.float32)
    window = {"full_x": -4, "full_y": -1, "full_width": 40, "full_height": 30}
    shown = exr_of(tmp_path / "a.exr", values, None, **window).pixels
    np.testing.assert_array_equal(shown[1:20, 4:27], values)
    assert shown.sum() == pytest.approx(values.sum(), rel=1e-5)


def test_openexr_in_xyz_is_read(tmp_path: Path) -> None:
    values = (DEEP / 65535).astype(np.float32)
    read_back = exr_of(tmp_path / "a.exr", values, [1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3])
    cones = adaptation_matrix(np.ones(3), white_xyz(D65), "Bradford")
    expected = values @ np.linalg.solve(SRGB.to_xyz, cones).T
    np.testing.assert_allclose(read_back.scene(), expected, atol=1e-4)


def test_openexr_with_primaries_that_make_no_space_says_so(tmp_path: Path) -> None:
    values = (DEEP / 65535).astype(np.float32)
    read_back = exr_of(tmp_path / "a.exr", values, [0.3] * 8)
    assert read_back.space is SRGB
    assert "make no colour space" in " ".join(read_back.notes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_code_points_of_the_narrow_range(tmp_path: Path, dtype: type) -> None:
    step = 2 ** (8 * dtype().itemsize - 8)
    signal = np.linspace(0.0, 1.0, 220)
    narrow = np.rint((16 + 219 * signal) * step).astype(dtype)
    codes = np.repeat(narrow[None, :, None], 3, axis=2)
    path = deep_png(tmp_path / "a.png", codes, (b"cICP", bytes([1, 13, 0, 0])))
    expected = SRGB.decode(signal)
    np.testing.assert_allclose(read(path).scene()[0, :, 0], expected, atol=1e-4)


def test_a_grey_profile_in_lab_states_lightness(tmp_path: Path, photo: np.ndarray) -> None:
    profile = bytearray(icc_profile(SRGB))
    profile[16:24] = b"GRAYLab "
    lightness = with_curve(bytes(profile).replace(b"rTRC", b"kTRC"), b"curv" + bytes(8), b"kTRC")
    grey = photo[..., 0].copy()
    read_back = saved(tmp_path / "a.png", grey, "PNG", icc_profile=lightness)
    root = (100 * (grey / 255) + 16) / 116
    light = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29))
    np.testing.assert_allclose(read_back.scene()[..., 1], light, atol=1e-4)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_raw_data_that_break_off_are_not_filled_in(tmp_path: Path, share: float) -> None:
    mosaic = RANDOM.integers(100, 4000, (256, 256), dtype=np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, mosaic, photometric="cfa", extratags=DNG_FIELDS)
    data = buffer.getvalue()
    (tmp_path / "whole.dng").write_bytes(data)
    assert read(tmp_path / "whole.dng").format == "camera RAW"
    (tmp_path / "a.dng").write_bytes(data[: int(share * len(data))])
    with pytest.raises(FileError, match="damaged or incomplete"):
        read(tmp_path / "a.dng")
    # Whole by its tables, but the camera's card was full: the rest is one value.
    start = len(data) - mosaic.nbytes + int(share * mosaic.nbytes)
    (tmp_path / "b.dng").write_bytes(data[:start] + bytes(len(data) - start))
    with pytest.raises(FileError, match="damaged or incomplete"):
        read(tmp_path / "b.dng")
