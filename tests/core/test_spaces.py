"""The spaces of colour-science as ours: numbers, profiles, files, and what cannot be had."""

import json
import re
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.cli import main
from core.colour import SPACES, SRGB, ColourSpace, convert, matrix_between
from core.engine.expansion import ExpansionSettings, expand
from core.errors import PhotoError
from core.files import read
from core.files.profile import colorants, icc_profile
from core.gamut import reduce
from core.methods.registry import method
from core.source_gamut import is_wide
from core.spaces import CatalogueEntry, catalogue, space_named, wide_space_named

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour

ENTRIES = list(catalogue().values())
WIDE = [entry.space for entry in ENTRIES if entry.is_wide]


def original(entry: CatalogueEntry) -> str:
    """Return the name of a space in colour-science."""
    stated = re.search("“(.+)”", entry.space.source)
    return (
        stated[1]
        if stated
        else {"Rec.2020": "ITU-R BT.2020"}.get(entry.space.name, entry.space.name)
    )


def key(value: object) -> str:
    return value.key if isinstance(value, ColourSpace) else value.space.key  # type: ignore[attr-defined]


def test_none_is_missing() -> None:
    names = {name for entry in ENTRIES for name in (original(entry), *entry.aliases)}
    assert set(colour.RGB_COLOURSPACES) <= names
    assert len(ENTRIES) > 60


@pytest.mark.parametrize("entry", ENTRIES, ids=key)
def test_the_numbers_are_those_of_colour_science(entry: CatalogueEntry) -> None:
    described = colour.RGB_COLOURSPACES[original(entry)]
    theirs = colour.matrix_RGB_to_RGB(described, colour.RGB_COLOURSPACES["sRGB"], "Bradford")
    assert matrix_between(entry.space, SRGB) == pytest.approx(theirs, abs=2e-3)
    assert np.array(entry.space.primaries) == pytest.approx(described.primaries, abs=1e-4)
    if not entry.linearised:
        stored = np.linspace(0, 1, 101)
        light = described.cctf_decoding(stored)
        assert entry.space.decode(stored) == pytest.approx(light, abs=2e-4)


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("entry", ENTRIES, ids=key)
def test_littlecms_takes_the_profile(entry: CatalogueEntry, version: int) -> None:
    space = entry.space
    profile = ImageCms.ImageCmsProfile(BytesIO(icc_profile(space, version)))  # type: ignore[arg-type]
    assert ImageCms.getProfileDescription(profile).strip() == space.name
    codes = np.array(
        [[[255, 255, 255], [180, 180, 180], [200, 150, 120], [90, 130, 110]]], np.uint8
    )
    to_lab = ImageCms.buildTransform(
        profile, ImageCms.createProfile("LAB"), "RGB", "LAB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    shown = np.asarray(ImageCms.applyTransform(Image.fromarray(codes), to_lab)).astype(float)
    lab = np.stack(
        [shown[..., 0] / 2.55, *(np.int8(shown[..., k].astype(np.uint8)) for k in (1, 2))]
    )
    xyz = space.decode(codes / 255.0) @ colorants(space).T
    wanted = np.moveaxis(colour.XYZ_to_Lab(xyz, colour.XYZ_to_xy(colorants(space).sum(1))), -1, 0)
    # PIL's Lab has 8 bits, of which a* and b* beyond ±128 are cut off.
    inside = np.abs(wanted[1:]).max(axis=0) < 120
    assert inside[0, :2].all()
    assert np.abs(lab - wanted)[:, inside].max() < 1.6


@pytest.mark.parametrize("space", WIDE, ids=key)
def test_photos_can_be_expanded_into_it(space: ColourSpace) -> None:
    codes = np.random.default_rng(3).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    result = expand(codes, method("naive"), ExpansionSettings(space=space))
    assert result.values.min() >= 0.0
    assert result.values.max() <= 1.0
    assert np.array_equal(reduce(convert(result.values, space, SRGB)), codes)


@pytest.mark.parametrize("name", ["DCI-P3", "ARRI Wide Gamut 4", "ACES2065-1", "S-Gamut3"])
def test_through_a_file_the_codes_return(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide, narrow = tmp_path / "wide.tif", tmp_path / "narrow.png"
    assert main(["expand", "--sample", "-o", str(wide), "--model", "naive", "--space", name]) == 0
    assert main(["reduce", str(wide), "-o", str(narrow)]) == 0
    from core.files import sample_photo

    assert np.array_equal(read(narrow).pixels, read(sample_photo()).pixels)
    assert read(wide).profile_name.startswith(name)


def test_a_source_of_the_catalogue_limits_the_colours() -> None:
    codes = np.zeros((40, 40, 3), np.uint8)
    codes[..., 0] = 255
    source = space_named("dci-p3")
    settings = ExpansionSettings(source=source, strength=2.0)
    result = expand(codes, method("letnet-box"), settings)
    inside = convert(result.values, settings.space, source)
    assert inside.min() >= -1e-5
    assert inside.max() <= 1.0 + 1e-5


@pytest.mark.parametrize("name", ["display p3", "Display-P3", "DISPLAY_P3"])
def test_names_are_read_with_goodwill(name: str) -> None:
    assert space_named(name) is SPACES["display-p3"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Displai P3", "did you mean display-p3"),
        ("qqq", "gamut spaces lists them"),
    ],
)
def test_unknown_names(name: str, sentence: str) -> None:
    with pytest.raises(PhotoError, match=sentence):
        space_named(name)


@pytest.mark.parametrize("name", ["Apple RGB", "srgb", "ITU-R BT.709", "SMPTE 240M"])
def test_spaces_that_hold_none_of_the_lost_colours(name: str) -> None:
    assert not is_wide(space_named(name))
    with pytest.raises(PhotoError, match="choose a larger space"):
        wide_space_named(name)
    with pytest.raises(ValueError, match="Setting space"):
        ExpansionSettings(space=space_named(name))


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spaces", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["spaces"]
    assert [row["key"] for row in rows][:6] == list(SPACES)
    assert {row["key"] for row in rows if row["output"]} == {space.key for space in WIDE}
    assert main(["spaces"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ENTRIES)
    small = [line.split()[0] for line in lines if "only for originals" in line]
    assert small == [row["key"] for row in rows if not row["output"]]


def test_the_command_writes_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "dci.icc"
    assert main(["spaces", "dci p3", "--profile", str(target)]) == 0
    assert target.read_bytes() == icc_profile(space_named("DCI-P3"))
    assert "red 0.6800 0.3200" in capsys.readouterr().out
    assert main(["spaces", "dci p3", "--profile", str(target)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["spaces", "--profile", str(tmp_path / "x.icc")]) == 2
    assert "Name the space" in capsys.readouterr().err
