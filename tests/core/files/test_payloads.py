"""Private data are found without decoding a pixel, and taken out without touching anything else."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from core.files import FileError, carried_bytes, read, write_codes
from core.files.payloads import BOX_IDENTITY, LARGEST, strip
from core.files.tiff_directory import TiffStructure

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(256)) * 3
SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".avif", ".jxl")


def codes_of(height: int = 40, width: int = 50) -> np.ndarray:
    waves = np.mgrid[0:height, 0:width].sum(0)[..., None] * (3, 5, 7)
    return (waves % 256).astype(np.uint8)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_they_are_found_and_taken_out(tmp_path: Path, suffix: str) -> None:
    path, plain = tmp_path / f"a{suffix}", tmp_path / f"plain{suffix}"
    write_codes(path, codes_of(), extra_metadata=DATA)
    write_codes(plain, codes_of())
    assert carried_bytes(path) == DATA
    assert carried_bytes(plain) is None
    stripped = tmp_path / f"stripped{suffix}"
    assert strip(path, stripped) == len(DATA)
    assert carried_bytes(stripped) is None
    assert np.array_equal(read(stripped).pixels, read(plain).pixels)
    content = path.read_bytes()
    if suffix == ".tif":
        kept = stripped.read_bytes()
        place = content.index(DATA)
        assert len(kept) == place
        with path.open("rb") as one, stripped.open("rb") as other:
            before, after = TiffStructure(one), TiffStructure(other)
            fields = dict(before.pages[0].fields)
            assert fields.pop(65271)
            assert {tag: f.place for tag, f in fields.items()} == {
                tag: f.place for tag, f in after.pages[0].fields.items()
            }
            for tag in fields:
                assert before.content(before.pages[0], tag) == after.content(after.pages[0], tag)
    elif suffix == ".jxl":
        # Alone, a codestream needs no container.
        box = content.index(BOX_IDENTITY) - 8
        assert stripped.read_bytes() == content[:box] + content[box + 24 + len(DATA) :]
    else:
        assert stripped.read_bytes() == plain.read_bytes()


def test_heic_is_stripped_too(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain.heic", tmp_path / "a.heic"
    pillow_heif.from_pillow(Image.fromarray(codes_of(64, 64))).save(plain)
    box = (24 + len(DATA)).to_bytes(4, "big") + b"uuid" + BOX_IDENTITY + DATA
    path.write_bytes(plain.read_bytes() + box)
    assert carried_bytes(path) == DATA
    assert read(path).payload == DATA
    strip(path, tmp_path / "b.heic")
    assert (tmp_path / "b.heic").read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("mode", ["<", ">"])
def test_a_small_value_inside_the_directory_is_taken_out(tmp_path: Path, mode: str) -> None:
    import tifffile

    path = tmp_path / "a.tif"
    tags = [(65271, 7, 3, b"abc", True)]
    tifffile.imwrite(path, codes_of(), photometric="rgb", extratags=tags, byteorder=mode)
    assert carried_bytes(path) == b"abc"
    strip(path, tmp_path / "b.tif")
    assert carried_bytes(tmp_path / "b.tif") is None
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), codes_of())


def test_a_value_amid_the_file_is_overwritten(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "a.tif"
    tags = [(65271, 7, len(DATA), DATA, True)]
    tifffile.imwrite(path, codes_of(), photometric="rgb", extratags=tags, bigtiff=True)
    strip(path, tmp_path / "b.tif")
    assert DATA not in (tmp_path / "b.tif").read_bytes()
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), codes_of())


def test_what_carries_nothing_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_codes(path, codes_of())
    with pytest.raises(FileError, match="carries nothing"):
        strip(path, tmp_path / "b.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_codes(path, codes_of(), extra_metadata=DATA)
    for target in (path, tmp_path / "b.png"):
        (tmp_path / "b.png").write_bytes(b"mine")
        with pytest.raises(FileError):
            strip(path, target)
    assert carried_bytes(path) == DATA
    assert (tmp_path / "b.png").read_bytes() == b"mine"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_breaks_off_costs_an_answer_and_no_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_codes(path, codes_of(), extra_metadata=DATA)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    tracemalloc.start()
    for number in range(60):
        damaged = bytearray(whole[: rng.integers(1, len(whole))] if number % 2 else whole)
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        found = carried_bytes(path)
        assert found is None or len(found) <= LARGEST
    assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST
    tracemalloc.stop()


def test_no_more_is_read_than_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_codes(path, codes_of(), extra_metadata=bytes(3 * LARGEST))
    tracemalloc.start()
    assert carried_bytes(path) == bytes(LARGEST)
    assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST
    tracemalloc.stop()


def test_finding_them_takes_a_fiftieth_of_decoding_at_most(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1500, 3), np.uint8)
    write_codes(path, noise, extra_metadata=DATA)

    def seconds(work: object) -> float:
        assert callable(work)
        times = []
        for _ in range(5):
            started = time.process_time()
            work()
            times.append(time.process_time() - started)
        return min(times)

    assert seconds(lambda: carried_bytes(path)) < seconds(lambda: read(path).pixels) / 50
