"""Damaged and hostile files: each ends in a photo or a sentence, in little memory and time."""

from __future__ import annotations

import io
import os
import selectors
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.colour import PROPHOTO
from core.files import icc_profile
from tests.core.files.conftest import Samples, pillow

LONGEST = 20.0
"""Seconds for one file of a few kilobytes, on a busy machine."""

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the limit on memory is one of Linux"
)


class Reader:
    """The reader of :mod:`tests.core.files.fuzzed_reader`, started again where it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, path: Path) -> str:
        if self._process is None:
            script = Path(__file__).with_name("fuzzed_reader.py")
            self._process = subprocess.Popen(
                [sys.executable, str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            answer = self._process.stdout.readline() if selector.select(LONGEST) else "endless"
        if not answer or answer == "endless":
            self.close()
        return answer.strip() or "crash"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture(scope="module")
def reader():
    started = Reader()
    yield started
    started.close()


Change = st.tuples(
    st.sampled_from(["byte", "long", "short", "copy", "cut", "double"]),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0, 1, 2, 4, 8, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]),
)


def mutated(data: bytearray, kind: str, where: float, other: float, value: int) -> bytearray:
    # Most of what can be hostile stands at the beginning, or in a TIFF at the end.
    first = int(where**3 * len(data)) if where < 0.8 else int((1 - (1 - where) ** 2) * len(data))
    second = int(other * len(data))
    if kind == "byte":
        data[min(first, len(data) - 1)] = value & 255
    elif kind in ("short", "long"):
        width = 2 if kind == "short" else 4
        order = "big" if other < 0.5 else "little"
        data[first : first + width] = (value & (256**width - 1)).to_bytes(width, order)
    elif kind == "copy":
        data[first : first + 64] = data[second : second + 64]
    elif kind == "cut":
        del data[first : first + 1 + (value & 255)]
    else:
        data[first:first] = data[second : second + 256]
    return data


@pytest.mark.timeout(600)
@settings(
    max_examples=6000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(index=st.integers(0, 100), changes=st.lists(Change, min_size=1, max_size=6))
def test_any_damage_ends_in_a_photo_or_a_sentence(
    tmp_path: Path, samples: Samples, reader: Reader, index: int, changes: list
) -> None:
    data = bytearray(samples[index % len(samples)])
    for change in changes:
        data = mutated(data, *change) if data else data
    (tmp_path / "a").write_bytes(data)
    assert reader(tmp_path / "a") in ("photo", "sentence")


@pytest.mark.skipif(not find_spec("atheris"), reason="needs napari-gamut[fuzz], where it installs")
def test_no_line_that_a_file_can_reach_fails(tmp_path: Path, samples: Samples) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, data in enumerate(samples):
        (corpus / str(number)).write_bytes(data)
    script = Path(__file__).with_name("coverage_fuzzer.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(corpus), "-max_total_time=20"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert len(list(corpus.iterdir())) > len(samples)


def test_sound_files_are_photos_with_as_little_memory(
    tmp_path: Path, samples: Samples, reader: Reader
) -> None:
    answers = []
    for data in samples:
        (tmp_path / "a").write_bytes(data)
        answers.append(reader(tmp_path / "a"))
    assert answers.count("photo") >= len(samples) - 1  # LibRaw may refuse the bare raw data.


def hostile_profile(size: int) -> bytes:
    """200 tags that all claim the whole profile."""
    profile = bytearray(icc_profile(PROPHOTO, 2)[:128] + bytes(size))
    names = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"desc", b"cprt"]
    names += [b"x%03d" % number for number in range(192)]
    profile[128:132] = len(names).to_bytes(4, "big")
    for index, name in enumerate(names):
        entry = name + (0).to_bytes(4, "big") + len(profile).to_bytes(4, "big")
        profile[132 + 12 * index : 144 + 12 * index] = entry
    return bytes(profile)


def test_tags_of_a_profile_that_claim_the_same_bytes(
    tmp_path: Path, photo: np.ndarray, reader: Reader
) -> None:
    # 200 copies of 4 MB would be 800 MB.
    data = pillow(photo, "PNG", icc_profile=hostile_profile(4 << 20))
    (tmp_path / "a").write_bytes(data)
    assert reader(tmp_path / "a") == "photo"


def test_fields_of_a_tiff_that_claim_the_same_bytes(
    tmp_path: Path, photo: np.ndarray, reader: Reader
) -> None:
    # As numbers of Python, 60 fields of a million shorts would be 2 GB.
    tags = [(65000 + number, 3, 1 << 20, np.zeros(1, np.uint16), True) for number in range(60)]
    shared = np.zeros(1 << 20, np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, photo, photometric="rgb", extratags=[(*tags[0][:3], shared, True)])
    data = bytearray(buffer.getvalue())
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as tiff:
        page = tiff.pages[0]
        entries = [data[tag.offset : tag.offset + 12] for tag in page.tags]
        last = next(data[tag.offset : tag.offset + 12] for tag in page.tags if tag.code == 65000)
    place = len(data)
    for number in range(1, 60):
        entries.append(bytearray((65000 + number).to_bytes(2, "little") + last[2:]))
    data += len(entries).to_bytes(2, "little") + b"".join(entries) + bytes(4)
    data[4:8] = place.to_bytes(4, "little")
    (tmp_path / "a").write_bytes(data)
    assert reader(tmp_path / "a") == "photo"
