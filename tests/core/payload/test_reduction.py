"""Reducing files from a script: what is written, what it carries, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import core
from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.files import read, write
from core.gamut import ROUNDING, clipped_mask, out_of_gamut_mask, reduce, share
from core.payload.reduction import ReductionSettings, file_reduction, reduce_file
from tests.core.conftest import wide_photo


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original.tif"
    write(path, convert(wide_photo(3), PROPHOTO, DISPLAY_P3).clip(0, 1), DISPLAY_P3)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jxl"])
def test_the_codes_are_those_of_clipping(original: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"narrow{suffix}"
    report = reduce_file(original, target, settings=ReductionSettings(hint=False))
    scene = read(original).scene()
    assert np.array_equal(read(target).srgb_codes(), reduce(scene))
    assert report.out_of_gamut_share == share(out_of_gamut_mask(scene, ROUNDING)) > 0.1
    assert report.clipped_share == share(clipped_mask(reduce(scene)))
    assert (report.payload_size, report.hint_size) == (0, 0)


def test_a_hint_brings_the_colours_nearer(original: Path, tmp_path: Path) -> None:
    method = core.method("letnet-box")
    errors = {}
    reference = np.clip(convert(read(original).scene(), SRGB, PROPHOTO), 0, 1)
    for name, hint in (("plain", False), ("hint", True)):
        narrow, wide = tmp_path / f"{name}.png", tmp_path / f"{name}.tif"
        report = reduce_file(original, narrow, method, ReductionSettings(hint=hint))
        assert (0 < report.hint_size <= 64) is hint
        core.expand_file(narrow, wide, method)
        found = np.clip(convert(read(wide).scene(), SRGB, PROPHOTO), 0, 1)
        errors[name] = float(np.square(found - reference).mean())
    assert errors["hint"] < 0.5 * errors["plain"]


def test_closing_leaves_no_file(original: Path, tmp_path: Path) -> None:
    work = file_reduction(original, tmp_path / "narrow.png", core.method("letnet-box"))
    next(work)
    work.close()
    assert [path.name for path in tmp_path.iterdir()] == ["original.tif"]


def test_16_bits_do_not_fit_everywhere(original: Path, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="is written with 8 bits"):
        reduce_file(original, tmp_path / "a.jpg", settings=ReductionSettings(depth=16, hint=False))


def test_a_hint_is_for_a_method(original: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give one"):
        reduce_file(original, tmp_path / "a.png")


@pytest.mark.parametrize("change", [{"depth": 12}, {"quality": 0}, {"quality": 101}])
def test_settings_out_of_range_are_named(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"Setting {next(iter(change))} = "):
        ReductionSettings(**change)  # type: ignore[arg-type]
