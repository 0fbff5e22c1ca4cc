"""A start from which few steps of GamutMLP's published form are worth more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from core.cli import main
from core.colour import PROPHOTO, SRGB, convert
from core.gamut import reduce
from core.methods.gamut_mlp_paper import EncodedNetwork, from_shipped_start, load
from core.methods.photo_fit import PhotoFitSettings, Samples, samples_of
from core.methods.registry import entries, method
from core.network.models import ModelError
from core.network.tensor_file import format_of
from core.progress import finished
from core.training.prepared import prepare
from core.training.start import StartSettings, gains, photo_samples, train_start
from tests.core.conftest import wide_photo, write_untagged

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = StartSettings(rounds=150, inner_steps=8, batch=256)


def samples(seed: int) -> Samples:
    scene = convert(wide_photo(seed), PROPHOTO, SRGB)
    every = PhotoFitSettings(outside=1, inside=5)
    return samples_of(reduce(scene), scene, every, "Bradford")


def test_few_steps_from_it_are_worth_more_on_another_photo() -> None:
    start = finished(train_start([samples(seed) for seed in range(4)], SETTINGS))
    other = [samples(9)]
    (learned,), (random,) = (gains(other, begin, 20) for begin in (start, EncodedNetwork()))
    assert learned > random + 1.0


def test_the_same_seed_gives_the_same_start() -> None:
    few = StartSettings(rounds=3)
    one, two = (finished(train_start([samples(0)], few)) for _ in range(2))
    assert all(map(torch.equal, one.parameters(), two.parameters()))


@pytest.mark.parametrize(
    "change", [{"rounds": 0}, {"side": 3}, {"size": "12kb"}, {"inner_rate": 0.0}]
)
def test_settings_out_of_range_are_named(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        StartSettings(**change)


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A start of the command line, of 11 KB."""
    for seed in range(4):
        (tmp_path / "photos").mkdir(exist_ok=True)
        write_untagged(tmp_path / "photos" / f"lake{seed:02d}.png", wide_photo(seed, 100, 110))
    cache, start = str(tmp_path / "cache"), tmp_path / "mine.safetensors"
    assert main(["prepare", str(tmp_path / "photos"), "--cache", cache]) == 0
    arguments = ["train-start", "--cache", cache, "-o", str(start), "--size", "11kb"]
    arguments += ["--rounds", "5", "--steps", "10", "--held-out", "0.5"]
    capsys.readouterr()
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "10 steps from random weights: " in told
    assert "10 steps from the start: " in told
    assert main(arguments) == 2
    assert "mine.safetensors" in capsys.readouterr().err, "it is not overwritten unasked"
    return start


def test_a_start_is_a_method(trained: Path) -> None:
    mine = method(trained)
    assert (mine.name, mine.parameters) == ("gamut-mlp-paper-start", (120 + 16 + 3) * 16)
    shipped = method("gamut-mlp-paper-start")
    assert shipped.parameters == method("gamut-mlp-paper").parameters
    assert mine.sha256 != shipped.sha256
    assert entries()["gamut-mlp-paper-start"].needs_original


def test_the_start_that_comes_with_the_program_is_one() -> None:
    start = from_shipped_start().network
    assert all(weight.isfinite().all() for weight in start.parameters())
    other = [samples(9)]
    (shipped,), (random,) = (gains(other, begin, 20) for begin in (start, EncodedNetwork()))
    assert shipped > random + 1.0


def test_photos_that_lose_little_are_left_out(tmp_path: Path) -> None:
    grey = np.full((90, 100, 3), 0.4)
    for name, photo in (("wide", wide_photo(0, 90, 100)), ("grey", grey)):
        (tmp_path / "photos").mkdir(exist_ok=True)
        write_untagged(tmp_path / "photos" / f"{name}.png", photo)
    manifest = prepare([tmp_path / "photos"], tmp_path / "cache")
    assert len(finished(photo_samples(manifest, StartSettings()))) == 1
    # What is left of the one that loses colour is too little to learn from.
    assert finished(photo_samples(manifest, StartSettings(side=16))) == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.safetensors cannot be read"):
        load(tmp_path / "nothing.safetensors")


def test_a_damaged_start_is_refused(trained: Path) -> None:
    data = bytearray(trained.read_bytes())
    data[-5] ^= 0xFF
    trained.write_bytes(data)
    assert format_of(trained) == "gamut-mlp-start-1"
    with pytest.raises(ModelError, match="train-start"):
        method(trained)
