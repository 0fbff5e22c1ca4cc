"""The profiles that are made: numbers, structure, and what littleCMS makes of them."""

from __future__ import annotations

import hashlib
import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import ImageCms

from core.colour import ICC_PCS_WHITE, SPACES, ColourSpace, adaptation_matrix, white_xyz
from core.files.encoding import SpaceEncoding
from core.files.icc import from_icc
from core.files.profile import colorants, icc_profile

SPACE_LIST = list(SPACES.values())
pytestmark = pytest.mark.parametrize("space", SPACE_LIST, ids=lambda space: space.key)


@pytest.mark.parametrize("version", [2, 4])
def test_a_profile_is_recognised_by_its_numbers(space: ColourSpace, version: int) -> None:
    encoding = from_icc(icc_profile(space, version))
    assert isinstance(encoding, SpaceEncoding)
    assert encoding.space is space


def test_recognition_does_not_look_at_the_name(space: ColourSpace) -> None:
    name = space.name.encode("utf-16-be")
    renamed = icc_profile(space).replace(name, "x".encode("utf-16-be") * (len(name) // 2))
    assert from_icc(renamed).space is space


def test_colorants_add_up_to_the_white_of_the_connection_space(space: ColourSpace) -> None:
    white = np.rint(ICC_PCS_WHITE * 65536) / 65536
    np.testing.assert_array_equal(colorants(space).sum(axis=1), white)


def test_colorants_are_the_adapted_primaries_to_two_units_of_the_format(space: ColourSpace) -> None:
    adapt = adaptation_matrix(white_xyz(space.white), ICC_PCS_WHITE, "Bradford")
    assert np.abs(colorants(space) - adapt @ space.to_xyz).max() <= 2 / 65536


@pytest.mark.parametrize("version", [2, 4])
def test_the_header_states_size_version_and_kind(space: ColourSpace, version: int) -> None:
    profile = icc_profile(space, version)
    assert struct.unpack_from(">I", profile)[0] == len(profile)
    assert profile[8] == version
    assert profile[12:24] == b"mntrRGB XYZ "
    assert profile[36:40] == b"acsp"
    assert len(profile) % 4 == 0


def test_the_identity_of_version_4_is_the_digest_of_the_specification(space: ColourSpace) -> None:
    profile = bytearray(icc_profile(space, 4))
    identity = bytes(profile[84:100])
    for start, end in ((44, 48), (64, 68), (84, 100)):
        profile[start:end] = bytes(end - start)
    assert hashlib.md5(profile).digest() == identity


@pytest.mark.parametrize("version", [2, 4])
def test_littlecms_reads_name_and_copyright(space: ColourSpace, version: int) -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile(space, version))).profile
    assert profile.profile_description == space.name
    assert profile.copyright == "CC0"


@pytest.mark.parametrize(("version", "codes"), [(4, 1.1), (2, 2.1)])
def test_littlecms_sees_the_same_colours(space: ColourSpace, version: int, codes: float) -> None:
    stored = np.random.default_rng(0).random((50, 50, 3)).astype(np.float32)
    stored[0] = np.linspace(0.0, 1.0, 50, dtype=np.float32)[:, None]
    flags = imagecodecs.CMS.FLAGS
    seen = imagecodecs.cms_transform(
        stored,
        icc_profile(space, version),
        imagecodecs.cms_profile("xyz"),
        colorspace="rgb",
        outcolorspace="xyz",
        outdtype="float32",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=flags.NOOPTIMIZE | flags.HIGHRESPRECALC,
    )
    adapt = adaptation_matrix(white_xyz(space.white), ICC_PCS_WHITE, "Bradford")
    own = space.decode(stored.astype(np.float64)) @ (adapt @ space.to_xyz).T
    # XYZ in units of 1/65535; the format itself rounds colorants and tables to about this.
    assert np.abs(seen - own).max() * 65535 < codes


def test_an_unknown_version_is_named(space: ColourSpace) -> None:
    with pytest.raises(ValueError, match="3"):
        icc_profile(space, 3)  # type: ignore[arg-type]
