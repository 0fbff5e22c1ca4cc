"""What a file's records tell of the space in which its colours lay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import ADOBE_RGB, DISPLAY_P3, PROPHOTO, SPACES, ColourSpace
from core.engine.expansion import ExpansionSettings
from core.engine.files import FileSettings, expand_file
from core.engine.origin import _cameras, origin_of
from core.files import read, write_codes
from core.files.exif import EXIF_IFD, MAKE, MODEL, Directory, Entry, blob_from
from core.files.metadata import Metadata
from core.files.provenance import Provenance
from core.gamut import reduce
from core.methods.letnet import LetNetMethod
from core.network.letnet import BOX
from core.network.models import random_model
from core.source_gamut import contains_srgb

if TYPE_CHECKING:
    from pathlib import Path

TAKEN = "2021:05:01 10:00:00"


@pytest.mark.parametrize(
    ("records", "space"),
    [
        ({}, None),
        ({"make": "Apple", "model": "iPhone 12", "taken": TAKEN}, DISPLAY_P3),
        ({"make": "Apple", "model": "iPhone 6s", "taken": TAKEN}, None),
        ({"make": "Apple", "model": "iPhone SE", "taken": TAKEN}, None),
        ({"make": "Apple", "model": "iPhone SE (2nd generation)", "taken": TAKEN}, DISPLAY_P3),
        ({"make": "Apple", "model": "iPhone XR", "taken": "2016:05:01 10:00:00"}, None),
        ({"make": "Apple", "model": "iPhone 12"}, DISPLAY_P3),
        ({"make": "Google", "model": "Pixel 6", "taken": TAKEN}, None),
        ({"make": "Google", "model": "Pixel 8 Pro", "taken": "2024:05:01 10:00:00"}, DISPLAY_P3),
        ({"make": "Google", "model": "Glass", "taken": TAKEN}, None),
        ({"make": "Canon", "interop_index": "R03"}, ADOBE_RGB),
        ({"make": "Canon", "interop_index": "R98"}, None),
        ({"make": "NIKON CORPORATION", "colour_space": 65535}, ADOBE_RGB),
        ({"make": "NIKON CORPORATION", "colour_space": 1}, None),
        ({"make": "Scanner", "colour_space": 65535}, None),
        ({"software": "Adobe Lightroom Classic 13.0"}, PROPHOTO),
        ({"make": "Apple", "model": "iPhone 12", "taken": TAKEN, "software": "17.1"}, DISPLAY_P3),
        ({"make": "Canon", "interop_index": "R03", "creator_tool": "darktable 4.6"}, PROPHOTO),
        ({"history": ("Adobe Photoshop Camera Raw 16.0",)}, PROPHOTO),
        ({"software": "GIMP 2.10"}, None),
        ({"camera_raw": {"Version": "16.0"}}, PROPHOTO),
        ({"rawtherapee": {"Version": "5.10"}}, PROPHOTO),
    ],
    ids=str,
)
def test_what_records_tell(records: dict, space: ColourSpace | None) -> None:  # type: ignore[type-arg]
    origin = origin_of(Provenance(**records))
    assert origin.source is space
    assert bool(origin.reason) is (space is not None)
    if space is not None:
        assert space.name in origin.reason


def test_the_table_names_spaces_that_can_be_a_source() -> None:
    for row in _cameras():
        assert contains_srgb(SPACES[row["source"]])
        assert len(row["since"]) == 7


def test_a_telephone_s_photo_is_limited_to_its_gamut_and_says_why(tmp_path: Path) -> None:
    fields = {MAKE: Entry.text("Apple"), MODEL: Entry.text("iPhone 12")}
    taken = Directory({36867: Entry.text(TAKEN)})
    blob = blob_from(Directory(fields, {EXIF_IFD: taken}))
    rng = np.random.default_rng(0)
    codes = rng.choice(np.array([0, 60, 140, 255], np.uint8), (40, 50, 3))
    photo = tmp_path / "photo.png"
    write_codes(photo, codes, metadata=Metadata(blob))
    method = LetNetMethod(random_model(BOX, scale=20.0))
    settings = ExpansionSettings(device="cpu", tile=64)
    results = {}
    for name, files, asked in (
        ("auto", FileSettings(), settings),
        ("unknown", FileSettings(detect_source=False), settings),
        ("told", FileSettings(), ExpansionSettings(device="cpu", tile=64, source=DISPLAY_P3)),
        ("overruled", FileSettings(), ExpansionSettings(device="cpu", tile=64, source=PROPHOTO)),
    ):
        target = tmp_path / f"{name}.tif"
        report = expand_file(photo, target, method, asked, files)
        results[name] = read(target).pixels
        assert ("iPhones photograph in Display P3" in " ".join(report.notes)) is (name == "auto")
        key = {"auto": "display-p3", "unknown": "unknown", "told": "display-p3"}
        assert report.source == key.get(name, "prophoto")
        assert np.array_equal(reduce(read(target).scene()), codes)
    assert np.array_equal(results["auto"], results["told"])
    assert not np.array_equal(results["auto"], results["unknown"])
    assert not np.array_equal(results["auto"], results["overruled"])
