"""Training on a budget of processor time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from core.cli import main
from core.colour import PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.methods.registry import method
from core.network.rivals import image_model
from core.network.rivals.image_model import FORMS, Form
from core.training.patches import PatchDataset, PatchSettings, collate
from core.training.recipes import RECIPES
from core.training.rivals import (
    RIVALS,
    ImageLearner,
    LetNetLearner,
    RivalRecipe,
    train_within,
)

if TYPE_CHECKING:
    from pathlib import Path

    from core.training.prepared import Manifest

PATCHES = PatchSettings(size=32)
TINY = Form("gamutnet", "for the test", lambda: nn.Conv2d(3, 3, 3, padding=1), 1)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> RivalRecipe:
    """A network of one convolution instead of GamutNet."""
    forms = {**FORMS, "gamutnet": TINY}
    monkeypatch.setattr("core.training.rivals.FORMS", forms)
    monkeypatch.setattr(image_model, "FORMS", forms)
    return RivalRecipe("gamutnet", PATCHES, photos=2, learning_rate=1e-2, loss="l1")


def test_the_budget_is_time_of_the_processor(tiny: RivalRecipe, manifest: Manifest) -> None:
    learner = ImageLearner(tiny)
    done = list(train_within(learner, manifest, PATCHES, 2, 0.5))
    assert done[-2].cpu_seconds < 0.5 <= done[-1].cpu_seconds
    assert [progress.steps for progress in done] == list(range(1, len(done) + 1))
    assert not any(weight.requires_grad for weight in learner.result.parameters())


def test_a_network_learns(tiny: RivalRecipe, manifest: Manifest) -> None:
    learner = ImageLearner(tiny)
    done = list(train_within(learner, manifest, PATCHES, 2, 2.0))
    tenth = len(done) // 10
    first, last = (sum(p.loss for p in part) / tenth for part in (done[:tenth], done[-tenth:]))
    assert last < 0.7 * first


def test_errors_of_pixels_that_were_not_clipped_do_not_count_with_l1_clipped(
    tiny: RivalRecipe, manifest: Manifest
) -> None:
    dataset = PatchDataset(manifest, PATCHES, 4)
    batch = collate([dataset[0], dataset[1]])
    whole, clipped = ImageLearner(tiny), ImageLearner(replace(tiny, loss="l1-clipped"))
    for learner in (whole, clipped):
        nn.init.zeros_(learner.network.weight)  # type: ignore[arg-type]
        nn.init.zeros_(learner.network.bias)  # type: ignore[arg-type]
    codes = batch["codes"]
    ends = (codes == 0) | (codes == 255)
    mask = ends.any(-1) & ~(codes == 0).all(-1) & ~(codes == 255).all(-1)
    lost = batch["scene"] - SRGB.decode(codes.float() / 255)
    error = convert(lost, SRGB, PROPHOTO).abs()
    assert float(whole.objective(batch).detach()) == pytest.approx(float(error.mean()), rel=1e-4)
    expected = float(error[mask].mean())
    assert float(clipped.objective(batch).detach()) == pytest.approx(expected, rel=1e-4)


def test_a_discriminator_is_trained_against_it(tiny: RivalRecipe, manifest: Manifest) -> None:
    dataset = PatchDataset(manifest, PATCHES, 4)
    batch = collate([dataset[0], dataset[1]])
    learner = ImageLearner(replace(tiny, adversarial=True))
    assert learner._judge is not None
    before = [weight.clone() for weight in learner._judge.parameters()]
    with_judge = float(learner.objective(batch).detach())
    assert with_judge > float(ImageLearner(tiny).objective(batch).detach())
    assert not all(map(torch.equal, before, learner._judge.parameters()))


def test_letnet_learns_by_the_recipe_of_the_shipped_one(manifest: Manifest) -> None:
    recipe = replace(
        RECIPES["cpu"], patches=replace(RECIPES["cpu"].patches, size=32), photos=2, average=0.5
    )
    learner = LetNetLearner(recipe)
    start = [weight.clone() for weight in learner.network.parameters()]
    assert len(list(train_within(learner, manifest, recipe.patches, 2, 0.3))) >= 1
    assert learner.result.config == recipe.config
    assert not all(map(torch.equal, start, learner.result.parameters()))


def test_the_command_writes_model_card_and_costs(
    tiny: RivalRecipe, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        __import__("core.training.rivals", fromlist=["x"]).__dict__,
        "RIVALS",
        {**RIVALS, "gamutnet": tiny},
    )
    monkeypatch.setattr("core.engine.memory.keep_freed_memory", lambda: True)
    folder = tmp_path / "out"
    arguments = ["train-rival", "gamutnet", "--cache", str(manifest.folder)]
    arguments += ["--output", str(folder), "--cpu-minutes", "0.01", "--name", "mine"]
    assert main(arguments) == 0
    report = json.loads((folder / "mine.json").read_text())
    assert report["cpu_seconds"] >= 0.6
    assert report["steps"] >= 1
    assert "# mine" in (folder / "mine.md").read_text()
    trained = method(folder / "mine.safetensors")
    assert (trained.name, trained.trained) == ("mine", True)
    assert main(arguments) == 2, "nothing is overwritten unasked"


@pytest.mark.parametrize("change", [{"form": "gpt"}, {"photos": 0}, {"cpu_seconds": 0.0}])
def test_settings_out_of_range_are_named(change: dict[str, object]) -> None:
    with pytest.raises(PhotoError, match=next(iter(change))):
        replace(RIVALS["gamutnet"], **change)  # type: ignore[arg-type]
