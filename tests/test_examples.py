"""The examples do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import core
from core.files import read, write_codes
from core.methods.registry import method
from core.network.models import load_model
from tests.core.conftest import wide_photo, write_untagged

ROOT = Path(core.__file__).parents[1]
CODES = np.random.default_rng(0).choice(np.array([0, 90, 255], np.uint8), (48, 64, 3))


def run(name: str, *arguments: object) -> str:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_folder_is_expanded(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.jpg"):
        write_codes(tmp_path / "in" / name, CODES)
    said = run("expand_folder", tmp_path / "in", tmp_path / "out", "naive")
    assert [line.split(":")[0] for line in said.splitlines()] == ["a.png", "b.jpg"]
    assert read(tmp_path / "out" / "a.png.tif").pixels.shape == CODES.shape
    assert run("expand_folder", tmp_path / "in", tmp_path / "out", "naive") == "", "all are there"


def test_a_method_of_one_s_own_keeps_the_codes() -> None:
    assert run("own_method") == "stretch: 100% of the codes come back\n"


def test_an_array_is_expanded(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", CODES)
    run("expand_array", tmp_path / "in.npy", tmp_path / "out.npy")
    expected = core.expand(CODES, method("letnet-box")).values
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-5)


def test_methods_are_compared(tmp_path: Path) -> None:
    write_untagged(tmp_path / "wide.png", wide_photo(1))
    lines = run("compare_methods", tmp_path / "wide.png", "naive", "letnet-box").splitlines()
    assert [line.split(":")[0] for line in lines] == ["naive", "letnet-box"]
    assert all(" dB, ΔE2000 " in line for line in lines)


def test_a_network_is_trained_on_one_s_own_photos(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        write_untagged(tmp_path / "photos" / f"{seed}.png", wide_photo(seed))
    run("train_own", tmp_path / "photos", tmp_path / "run", 2, 32)
    assert load_model(tmp_path / "run" / "mine.safetensors").name == "mine"
