"""A network adapted to a photographer's own originals."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from core.cli import main
from core.errors import PhotoError
from core.network.letnet import BOX
from core.network.models import Descriptor, Model, load_model, random_model, to_bytes
from core.progress import finished
from core.training import adaptation as module
from core.training.adaptation import AdaptationSettings, adaptation
from core.training.prepared import Manifest, prepare
from tests.core.conftest import wide_photo, write_untagged

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight originals that are large enough for a patch."""
    folder = tmp_path_factory.mktemp("originals")
    for seed in range(8):
        write_untagged(folder / f"lake{'abcdefgh'[seed]}.png", wide_photo(seed, 100, 120))
    return folder


@pytest.fixture(scope="module")
def manifest(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return prepare([originals], tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model(replace(BOX, channels=8), scale=0.1)


QUICK = AdaptationSettings(steps=40, measure_every=10, side=96, learning_rate=5e-3, average=0.8)


def test_it_helps_on_scenes_that_were_not_seen(manifest: Manifest, model: Model) -> None:
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    outcome = finished(adaptation(model, manifest, QUICK))
    assert outcome.worthwhile
    assert outcome.after.both >= outcome.before.both + QUICK.worthwhile
    assert outcome.steps in (10, 20, 30, 40)
    trained = {source.name for source in outcome.trained_on.sources}
    assert len(outcome.held_out) == 2
    assert trained.isdisjoint(outcome.held_out)
    assert len(trained) == 6
    changed = outcome.network.state_dict()
    assert any(not torch.equal(changed[name], value) for name, value in before.items())
    # The network that it started from is as it was.
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, before[name])


def test_what_does_not_help_is_left_as_it_was(
    manifest: Manifest, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(network: torch.nn.Module, *rest: object) -> object:
        spoilt = objective(network, *rest)  # type: ignore[arg-type]
        return replace(spoilt, loss=-spoilt.loss)

    objective = module.objective
    monkeypatch.setattr(module, "objective", away)
    outcome = finished(adaptation(model, manifest, QUICK))
    assert not outcome.worthwhile
    assert outcome.network is model.network
    assert outcome.after == outcome.before
    assert outcome.steps == 0


def test_the_result_lies_part_of_the_way(manifest: Manifest, model: Model) -> None:
    def moved(share: float) -> float:
        settings = replace(QUICK, steps=10, share=share, worthwhile=0.0)
        outcome = finished(adaptation(model, manifest, settings))
        assert outcome.steps == 10
        pairs = zip(outcome.network.parameters(), model.network.parameters(), strict=True)
        return float(sum((one - two).square().sum() for one, two in pairs)) ** 0.5

    assert moved(0.25) == pytest.approx(0.25 * moved(1.0), rel=1e-3)


def test_too_few_scenes_are_refused(manifest: Manifest, model: Model) -> None:
    few = Manifest(manifest.folder, manifest.sources[:3])
    with pytest.raises(PhotoError, match="3 of the originals' scenes leave sRGB"):
        finished(adaptation(model, few, QUICK))


def test_time_is_kept_and_what_was_learned_in_it_is_measured(
    manifest: Manifest, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that a step moves by a second: 30 seconds are 29 steps and the beginning."""
    clock = itertools.count()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    settings = replace(QUICK, minutes=0.5, steps=1_000_000, measure_every=1_000)
    outcome = finished(adaptation(model, manifest, settings))
    assert outcome.worthwhile
    assert outcome.after.both > outcome.before.both
    assert 20 < outcome.steps < 30
    assert outcome.seconds <= 30.0 + 2.0  # So often the clock is read after the last step.


def test_too_little_time_is_said(manifest: Manifest, model: Model) -> None:
    with pytest.raises(PhotoError, match="too short to measure the 2 photos"):
        finished(adaptation(model, manifest, replace(QUICK, minutes=1e-9)))


def test_it_follows_from_the_seed(manifest: Manifest, model: Model) -> None:
    def weights(seed: int) -> torch.Tensor:
        settings = replace(QUICK, steps=3, seed=seed, worthwhile=0.0)
        network = finished(adaptation(model, manifest, settings)).network
        return torch.cat([parameter.flatten() for parameter in network.parameters()])

    first = weights(1)
    torch.rand(1)  # What else is drawn in the process changes nothing.
    assert torch.equal(weights(1), first)
    assert not torch.equal(weights(2), first)


@pytest.mark.parametrize(
    "change", [{"minutes": 0.0}, {"share": 2.0}, {"held_out": 0.9}, {"steps": 0}, {"average": 1.0}]
)
def test_settings_out_of_range_are_named(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"Setting {next(iter(change))} = "):
        AdaptationSettings(**change)  # type: ignore[arg-type]


class TestCommand:
    @pytest.fixture
    def start(self, tmp_path: Path, model: Model) -> str:
        path = tmp_path / "start.safetensors"
        path.write_bytes(to_bytes(model.network, Descriptor("start", model.descriptor.config)))
        return str(path)

    def test_the_model_is_one_like_any_other(
        self,
        originals: Path,
        start: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(
            module, "AdaptationSettings", lambda **given: replace(QUICK, seed=given["seed"])
        )
        mine = tmp_path / "mine.safetensors"
        photos = sorted(str(path) for path in originals.iterdir())
        arguments = ["adapt", *photos, "-o", str(mine), "--model", start, "--json"]
        assert main(arguments) == 0
        report = json.loads(capsys.readouterr().out)
        assert len(report["trained_on"]) + len(report["held_out"]) == 8
        assert report["after"]["blind"] > report["before"]["blind"]
        adapted = load_model(mine)
        assert adapted.name == "mine"
        assert adapted.descriptor.card["start"]["name"] == "start"
        assert "# mine" in mine.with_suffix(".md").read_text()
        wide = tmp_path / "wide.tif"
        assert main(["expand", "--sample", "-o", str(wide), "--model", str(mine)]) == 0
        capsys.readouterr()
        assert main(arguments) == 2
        assert "exists already" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("nowhere", "-o", "m.safetensors"), "There is no photo or folder “nowhere”"),
            ((".", "-o", "m.pt"), "end it in .safetensors"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(
        self, arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["adapt", *arguments]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1

    def test_where_it_does_not_help_nothing_is_written(
        self, originals: Path, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        mine = tmp_path / "mine.safetensors"
        arguments = ["adapt", str(originals), "-o", str(mine), "--model", start]
        assert main([*arguments, "--minutes", "0.01"]) in (0, 1)
        said = capsys.readouterr().out
        assert mine.exists() is ("use it with --model" in said)
        assert mine.exists() is not ("Adapting did not help" in said)
        assert np.char.count(said, "blind") == 1
