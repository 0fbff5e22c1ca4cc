"""What stored values mean: profiles of others, code points, and what cannot be used."""

from __future__ import annotations

import io
import struct

import colour
import numpy as np
import pytest
from PIL import ImageCms

from core.colour import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SPACES,
    SRGB,
    convert,
)
from core.files import encoding
from core.files.cicp import from_cicp
from core.files.encoding import SpaceEncoding, from_gamma
from core.files.icc import NotRGBError, TableEncoding, UnusableProfileError, from_icc
from core.files.profile import icc_profile
from tests.core.files.conftest import with_curve

RANDOM = np.random.default_rng(3)
CODES = RANDOM.integers(0, 65536, (20, 30, 3), dtype=np.uint16)


def para(kind: int, *numbers: float) -> bytes:
    return (
        b"para"
        + bytes(4)
        + struct.pack(">HH", kind, 0)
        + np.rint(np.array(numbers) * 65536).astype(">i4").tobytes()
    )


def test_the_profile_that_littlecms_makes_is_srgb() -> None:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert from_icc(made).space is SRGB


@pytest.mark.parametrize("space", list(SPACES.values()), ids=lambda space: space.key)
def test_codes_become_the_scene_that_core_colour_computes(space) -> None:
    expected = convert(space.decode(CODES / 65535), space, SRGB)
    scene = SpaceEncoding(space).scene(CODES)
    assert scene.dtype == np.float32
    np.testing.assert_allclose(scene, expected, atol=2e-6)


def test_a_bare_gamma_is_not_taken_for_srgb_but_decoded_as_stated() -> None:
    profile = with_curve(icc_profile(SRGB), para(0, 2.2))
    read = from_icc(profile)
    assert read.space is None
    # 2.2 in 1/65536, and colorants in the same steps.
    np.testing.assert_allclose(read.scene(CODES), (CODES / 65535) ** 2.2, atol=1e-4)


def test_romm_without_its_toe_is_called_prophoto_and_decoded_as_stated() -> None:
    read = from_icc(with_curve(icc_profile(PROPHOTO), para(0, 1.8)))
    assert read.space is PROPHOTO
    expected = convert((CODES / 65535) ** 1.8, PROPHOTO, SRGB)
    np.testing.assert_allclose(read.scene(CODES), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("curve", "function"),
    [
        (b"curv" + bytes(8), lambda x: x),
        (b"curv" + bytes(4) + struct.pack(">IH", 1, 512), lambda x: x**2),
        (b"curv" + bytes(4) + struct.pack(">I3H", 3, 0, 16384, 65535),
         lambda x: np.interp(x, [0, 0.5, 1], [0, 16384 / 65535, 1])),
        (para(1, 2.0, 0.75, 0.25), lambda x: (0.75 * x + 0.25) ** 2),
        (para(2, 2.0, 0.5, 0.25, 0.125), lambda x: (0.5 * x + 0.25) ** 2 + 0.125),
        (para(3, 2.0, 0.75, 0.25, 0.5, 0.5),
         lambda x: np.where(x >= 0.5, (0.75 * x + 0.25) ** 2, 0.5 * x)),
        (para(4, 2.0, 0.75, 0.25, 0.5, 0.5, 0.125, 0.25),
         lambda x: np.where(x >= 0.5, (0.75 * x + 0.25) ** 2 + 0.125, 0.5 * x + 0.25)),
    ],
)  # fmt: skip
def test_every_kind_of_curve_is_read(curve: bytes, function) -> None:
    scene = from_icc(with_curve(icc_profile(SRGB), curve)).scene(CODES)
    np.testing.assert_allclose(scene, function(CODES / 65535), atol=1e-4)


def test_a_linear_profile_of_known_primaries_is_linear_light() -> None:
    read = from_icc(with_curve(icc_profile(REC2020), b"curv" + bytes(8)))
    assert read.space is REC2020
    assert read.is_linear
    np.testing.assert_allclose(read.scene(CODES), convert(CODES / 65535, REC2020, SRGB), atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"nonsense", bytes(200), icc_profile(SRGB)[:140]])
def test_an_empty_or_damaged_profile_is_unusable(content: bytes) -> None:
    with pytest.raises(UnusableProfileError):
        from_icc(content)


@pytest.mark.parametrize("length", range(132, 480, 12))
def test_a_truncated_profile_never_escapes_as_another_error(length: int) -> None:
    try:
        from_icc(icc_profile(SRGB)[:length])
    except UnusableProfileError as error:
        assert str(error)


def test_a_profile_for_another_kind_of_image_is_named() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    with pytest.raises(NotRGBError, match="Lab"):
        from_icc(lab)


def test_a_profile_with_tables_goes_through_littlecms() -> None:
    # The same numbers once as matrix and once left to littleCMS.
    tables = TableEncoding("tables", icc_profile(ADOBE_RGB))
    direct = SpaceEncoding(ADOBE_RGB)
    np.testing.assert_allclose(tables.scene(CODES), direct.scene(CODES), atol=5e-5)


@pytest.mark.parametrize(
    ("points", "space"),
    [((1, 13), SRGB), ((12, 13), DISPLAY_P3), ((9, 14), REC2020), ((9, 1), REC2020)],
)
def test_code_points_of_known_spaces(points, space) -> None:
    found = from_cicp(*points)
    assert found is not None
    assert found.space is space


@pytest.mark.parametrize("points", [(2, 2), (1, 2), (2, 13), (77, 13)])
def test_unspecified_code_points_say_nothing(points) -> None:
    assert from_cicp(*points) is None


def test_pq_is_absolute_light_with_reference_white_at_one() -> None:
    nits = np.array([0.1, 1.0, 100.0, 203.0, 1000.0, 10000.0])
    signal = colour.models.eotf_inverse_ST2084(nits).astype(np.float32)
    found = from_cicp(9, 16)
    assert found is not None
    grey = np.repeat(signal[None, :, None], 3, axis=2)
    np.testing.assert_allclose(found.scene(grey)[0, :, 0], nits / 203, rtol=2e-4)


def test_hlg_is_displayed_light_of_a_1000_nit_screen() -> None:
    signal = np.array([0.1, 0.5, 0.75, 1.0])
    grey = np.repeat(signal.astype(np.float32)[None, :, None], 3, axis=2)
    nits = colour.models.eotf_BT2100_HLG(grey[0], L_W=1000, L_B=0)[:, 1]
    found = from_cicp(9, 18)
    assert found is not None
    np.testing.assert_allclose(found.scene(grey)[0, :, 1], nits / 203, rtol=1e-4)
    # BT.2408: reference white, 203 cd/m², is the signal 0.75.
    assert abs(found.scene(grey)[0, 2, 1] - 1.0) < 0.01


def test_negative_and_large_floats_survive() -> None:
    values = np.array([[[-0.5, 0.5, 4.0]]], np.float32)
    scene = SpaceEncoding(SRGB).scene(values)
    np.testing.assert_allclose(scene, SRGB.decode(values.astype(np.float64)), rtol=1e-6)


def test_a_bare_exponent_with_known_primaries() -> None:
    assert from_gamma(563 / 256, ADOBE_RGB.primaries, ADOBE_RGB.white).space is ADOBE_RGB
    linear = from_gamma(1.0, REC2020.primaries, REC2020.white)
    assert linear.is_linear
    assert linear.space is REC2020


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (SpaceEncoding(PROPHOTO), TableEncoding("t", icc_profile(PROPHOTO))):
        whole = one.scene(CODES)
        monkeypatch.setattr(encoding, "_STRIP", 64)
        np.testing.assert_array_equal(one.scene(CODES), whole)
        monkeypatch.undo()


def test_pillow_agrees_on_an_8_bit_photo(photo: np.ndarray) -> None:
    from PIL import Image

    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile(ADOBE_RGB)))
    target = ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(
        Image.fromarray(photo), profile, target, ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    own = np.rint(255 * SRGB.encode(np.clip(SpaceEncoding(ADOBE_RGB).scene(photo), 0, 1)))
    assert image is not None
    assert np.abs(np.asarray(image) - own).max() <= 1
