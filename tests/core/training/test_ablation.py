"""Variants trained on an equal budget, measured on held-out scenes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.engine.finishing import finish
from core.errors import PhotoError
from core.evaluation.protocol import EvaluationSettings
from core.evaluation.report import render
from core.gamut import clipped_mask, reduce
from core.methods.letnet import LetNetMethod
from core.network.letnet import PAPER, Inputs, LetNetConfig, positions
from core.network.models import random_model
from core.network.solver import SolverSettings
from core.network.statistics import photo_statistics
from core.styles import VIVID
from core.training import ablation
from core.training.ablation import (
    BASE,
    VARIANTS,
    AblationSettings,
    Outcome,
    ablate,
    ablation_table,
    step_cost,
)
from core.training.patches import PatchDataset, PatchSettings, collate
from core.training.prepared import Manifest
from core.training.recipes import Recipe
from tests.core.conftest import wide_photo

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {name: replace(config, channels=8, steps=6) for name, config in VARIANTS.items()}
RECIPE = Recipe(
    patches=PatchSettings(size=16),
    photos=2,
    steps=2,
    loss="log-gain",
    solver=SolverSettings(max_steps=4, tolerance=1e-2),
)
SETTINGS = AblationSettings(
    recipe=RECIPE,
    held_out=0.3,
    photos=1,
    cost_steps=1,
    evaluation=EvaluationSettings(
        styles={"vivid": VIVID}, perceptual=False, expansion=ExpansionSettings(device="cpu")
    ),
)


def outcomes(manifest: Manifest, folder: Path, *names: str) -> list[Outcome]:
    chosen = {name: SMALL[name] for name in names or SMALL}
    return list(ablate(manifest, folder, SETTINGS, chosen, workers=0))


@pytest.fixture(scope="module")
def all_outcomes(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return outcomes(manifest, tmp_path_factory.mktemp("runs"))


class TestVariants:
    def test_each_differs_from_the_paper_s_network_in_one_thing(self) -> None:
        changes = {
            name: {
                field: getattr(config, field)
                for field in LetNetConfig.__dataclass_fields__
                if getattr(config, field) != getattr(PAPER, field)
            }
            for name, config in VARIANTS.items()
        }
        assert changes == {
            BASE: {},
            "ReLU": {"activation": "relu"},
            "sin": {"activation": "sin"},
            "without input injection": {"injection": False},
            "without channel attention": {"attention": "none"},
            "plain": {"mode": "plain"},
            "recurrent": {"mode": "recurrent"},
        }


class TestOutcomes:
    def test_every_variant_is_measured_on_held_out_photos(
        self, all_outcomes: list[Outcome]
    ) -> None:
        assert [outcome.variant for outcome in all_outcomes] == list(VARIANTS)
        for outcome in all_outcomes:
            assert outcome.style == "vivid"
            assert outcome.photos == 1
            assert outcome.gain_all != 0.0
            assert outcome.worst_gain == outcome.gain_all
            assert outcome.seconds_per_step > 0.0

    def test_attention_costs_weights(self, all_outcomes: list[Outcome]) -> None:
        count = {outcome.variant: outcome.parameters for outcome in all_outcomes}
        assert count["without channel attention"] < count[BASE] == count["plain"]

    def test_unrolling_costs_memory_and_the_implicit_gradient_does_not(
        self, all_outcomes: list[Outcome]
    ) -> None:
        memory = {outcome.variant: outcome.saved_bytes for outcome in all_outcomes}
        assert memory["recurrent"] > 3 * memory["plain"]
        assert memory[BASE] < 1.3 * memory["plain"]

    def test_the_table_holds_them(self, all_outcomes: list[Outcome]) -> None:
        table = ablation_table(all_outcomes, 2)
        assert table.title == "Ablations, 2 steps each"
        assert len(table.rows) == len(VARIANTS)
        assert "without input injection" in render([table], "latex")


class TestUnrolledNetworks:
    @pytest.mark.parametrize("name", ["plain", "recurrent"])
    def test_they_are_applied_as_they_were_trained(self, name: str) -> None:
        """Without a fixed point there is no average that attention could hold on to."""
        codes = reduce(convert(wide_photo(0), PROPHOTO, SRGB))
        model = random_model(SMALL[name], scale=0.3)
        settings = ExpansionSettings(device="cpu", project=False)
        statistics = photo_statistics(codes)[None]
        places = positions(0, 0, *codes.shape[:2], *codes.shape[:2])[None]
        scene = model.network(Inputs.from_codes(codes[None], statistics, places)).scene
        direct = finish(codes, scene[0].movedim(0, -1).numpy(), clipped_mask(codes), settings)
        np.testing.assert_allclose(
            expand(codes, LetNetMethod(model), settings).values, direct, atol=1e-6
        )


class TestResuming:
    def test_finished_variants_are_not_trained_again(
        self, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = outcomes(manifest, tmp_path, "plain")

        def fail(*_: object, **__: object) -> None:
            raise AssertionError("trained again")

        monkeypatch.setattr(ablation, "train", fail)
        assert outcomes(manifest, tmp_path, "plain") == first
        with pytest.raises(AssertionError, match="again"):
            outcomes(manifest, tmp_path, "plain", "ReLU")

    def test_another_budget_is_another_run(
        self, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outcomes(manifest, tmp_path, "plain")

        def fail(*_: object, **__: object) -> None:
            raise AssertionError("trained")

        monkeypatch.setattr(ablation, "train", fail)
        longer = replace(SETTINGS, recipe=replace(RECIPE, steps=3))
        with pytest.raises(AssertionError, match="trained"):
            next(ablate(manifest, tmp_path, longer, {"plain": SMALL["plain"]}))


class TestCost:
    def test_saved_memory_grows_with_the_patches(self, manifest: Manifest) -> None:
        saved = []
        for size in (16, 32):
            recipe = replace(
                RECIPE, config=SMALL["plain"], patches=PatchSettings(size=size), photos=2
            )
            dataset = PatchDataset(manifest, recipe.patches, 2)
            saved.append(step_cost(recipe, collate([dataset[0], dataset[1]]), 1).saved_bytes)
        assert 3.0 < saved[1] / saved[0] < 4.5

    def test_it_does_not_depend_on_the_solver_s_steps(self, manifest: Manifest) -> None:
        saved = []
        for steps in (2, 12):
            solver = SolverSettings(max_steps=steps, tolerance=0.0)
            recipe = replace(RECIPE, config=SMALL[BASE], solver=solver)
            dataset = PatchDataset(manifest, recipe.patches, 2)
            saved.append(step_cost(recipe, collate([dataset[0], dataset[1]]), 1).saved_bytes)
        assert saved[0] == saved[1]


class TestErrors:
    def test_too_few_photos(self, manifest: Manifest, tmp_path: Path) -> None:
        few = Manifest(manifest.folder, manifest.sources[:1])
        with pytest.raises(PhotoError, match="too few"):
            next(ablate(few, tmp_path, SETTINGS))

    @pytest.mark.parametrize("change", [{"held_out": 1.0}, {"photos": 0}, {"cost_steps": 0}])
    def test_a_value_out_of_range_is_named(self, change: dict[str, float]) -> None:
        with pytest.raises(PhotoError, match=next(iter(change))):
            replace(SETTINGS, **change)  # type: ignore[arg-type]
