"""Training: it learns, it resumes exactly, it is shared by processes, it tells of trouble."""

from __future__ import annotations

import csv
import logging
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from core.errors import PhotoError
from core.gamut import naive_inversion
from core.network.letnet import LetNetConfig
from core.network.solver import SolverSettings
from core.styles import StyleMixture
from core.training import run as run_module
from core.training.objective import inputs_of, squared_error
from core.training.patches import Item, PatchDataset, PatchSettings, collate
from core.training.recipes import RECIPES, Recipe
from core.training.run import StepSampler, TrainingModule, train

if TYPE_CHECKING:
    from core.training.prepared import Manifest

CONFIG = LetNetConfig(channels=8, scale=2, attention="photo", output="room")
# Channel attention has a start of the iteration, which no implicit gradient reaches.
WITH_START = LetNetConfig(channels=8, scale=2, attention="channel", output="room")
RECIPE = Recipe(
    CONFIG,
    PatchSettings(size=16, styles=StyleMixture(as_is=1.0, vivid=0.0)),
    photos=4,
    steps=6,
    learning_rate=3e-3,
    warm_up=2,
    loss="log-gain",
    solver=SolverSettings(max_steps=4, tolerance=3e-3),
    average=0.9,
)


def weights(recipe: Recipe, manifest: Manifest, folder: Path, **how: int) -> dict[str, Tensor]:
    how = {"steps_per_epoch": 2, "workers": 0, **how}
    network = train(recipe, manifest, folder, accelerator="cpu", progress=False, **how)
    return network.state_dict()


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def logged(folder: Path, name: str) -> list[float]:
    """A column of the logs of a run, over all of its parts."""
    values = []
    for log in sorted(folder.glob("csv/*/metrics.csv")):
        with log.open() as file:
            values += [float(row[name]) for row in csv.DictReader(file) if row.get(name)]
    return values


@pytest.fixture(scope="module")
def uninterrupted(
    manifest: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Tensor]:
    recipe = replace(RECIPE, regularisation=0.1)
    return weights(recipe, manifest, tmp_path_factory.mktemp("whole"))


class TestLearning:
    def test_the_loss_falls(self, manifest: Manifest, tmp_path: Path) -> None:
        recipe = replace(RECIPE, steps=60, learning_rate=1e-2, average=0.0)
        dataset = PatchDataset(manifest, recipe.patches, 8, seed=9)
        batch = collate([dataset[index] for index in range(8)])

        def loss(module: TrainingModule) -> float:
            with torch.no_grad():
                return float(module.objective(batch).loss)

        before, after = TrainingModule(recipe), TrainingModule(recipe)
        after.network.load_state_dict(weights(recipe, manifest, tmp_path, steps_per_epoch=60))
        assert loss(after) < loss(before) - 0.3

    @pytest.mark.parametrize("project", [True, False])
    def test_a_projecting_loss_sees_only_what_is_restored(
        self, manifest: Manifest, project: bool
    ) -> None:
        """A network that is wrong everywhere costs nothing where the codes tell the colour."""
        recipe = replace(RECIPE, config=LetNetConfig(channels=8), project=project)
        dataset = PatchDataset(manifest, recipe.patches, 1)
        batch = collate([dataset[0]])
        batch["codes"].clamp_(1, 254)
        module = TrainingModule(recipe)
        with torch.no_grad():
            assert float(module.objective(batch).loss) == pytest.approx(0.0, abs=1e-6)
            module.network.head.bias.fill_(1.0)
            costs = float(module.objective(batch).loss) > 0.1
        assert costs is not project

    def test_a_step_logs_loss_quality_and_what_the_solver_did(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        weights(RECIPE, manifest, tmp_path)
        for name in ("loss", "gain_db", "psnr", "solver_steps", "residual", "spectral_radius"):
            assert all(map(math.isfinite, logged(tmp_path, name)))
            assert len(logged(tmp_path, name)) >= 3
        assert list(tmp_path.glob("board/version_0/events.*"))

    def test_the_outcome_is_the_average_of_the_weights(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        """With one step, the average starts at the weights after it."""
        one = replace(RECIPE, steps=1)
        averaged = weights(one, manifest, tmp_path / "a", steps_per_epoch=1)
        last = weights(replace(one, average=0.0), manifest, tmp_path / "b", steps_per_epoch=1)
        assert equal(averaged, last)
        two = replace(RECIPE, steps=3)
        averaged = weights(two, manifest, tmp_path / "c")
        last = weights(replace(two, average=0.0), manifest, tmp_path / "d")
        assert not equal(averaged, last)

    def test_the_length_need_not_be_a_multiple_of_the_epoch(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        recipe = replace(RECIPE, steps=5)
        short = weights(recipe, manifest, tmp_path / "a", steps_per_epoch=2)
        assert equal(short, weights(recipe, manifest, tmp_path / "b", steps_per_epoch=5))

    def test_worker_processes_change_nothing(
        self, manifest: Manifest, tmp_path: Path, uninterrupted: dict[str, Tensor]
    ) -> None:
        recipe = replace(RECIPE, regularisation=0.1)
        assert equal(weights(recipe, manifest, tmp_path, workers=1), uninterrupted)

    def test_every_setting_of_the_loss_counts(self, manifest: Manifest) -> None:
        dataset = PatchDataset(manifest, RECIPE.patches, 4)
        batch = collate([dataset[index] for index in range(4)])

        def gradient(recipe: Recipe) -> Tensor:
            module = TrainingModule(recipe)
            torch.nn.init.normal_(module.network.head.weight, std=0.3)
            module.objective(batch).loss.backward()  # type: ignore[no-untyped-call]
            return torch.cat([p.grad.flatten() for p in module.network.parameters()])  # type: ignore[union-attr]

        base = gradient(RECIPE)
        for changed in (
            replace(RECIPE, loss="l2"),
            replace(RECIPE, regularisation=1.0),
            replace(RECIPE, order=2),
        ):
            torch.manual_seed(0)
            assert not torch.allclose(gradient(changed), base, rtol=1e-3, atol=0.0)

    def test_harm_counts_photos_that_end_worse_alone(self, manifest: Manifest) -> None:
        """With codes at 0 that are true zeros, whatever is restored is wrong."""
        dataset = PatchDataset(manifest, RECIPE.patches, 2)
        good, bad = dataset[0], dataset[1]
        bad["scene"] = torch.from_numpy(naive_inversion(bad["codes"].numpy())) + 1e-4

        def loss(item: Item, harm: float) -> float:
            module = TrainingModule(replace(RECIPE, harm=harm, harm_blind=harm))
            return float(module.objective(collate([item])).loss.detach())

        assert loss(good, 5.0) == loss(good, 0.0) < 0.0
        assert loss(bad, 5.0) == pytest.approx(6.0 * loss(bad, 0.0))
        assert loss(bad, 0.0) > 0.0

    def test_the_outcome_lies_part_of_the_way_from_the_start(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        start = TrainingModule(replace(RECIPE, seed=5)).network
        ends = [
            train(
                replace(RECIPE, steps=2, share=share),
                manifest,
                tmp_path / str(share),
                start=start,
                accelerator="cpu",
                progress=False,
            )
            for share in (1.0, 0.25)
        ]
        for begin, whole, part in zip(
            start.parameters(), *(end.parameters() for end in ends), strict=True
        ):
            torch.testing.assert_close(part, begin.lerp(whole, 0.25))

    def test_weights_that_no_gradient_reaches_stay(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        """The start of the iteration has no influence on the fixed point."""
        recipe = replace(RECIPE, config=LetNetConfig(8), steps=2)
        before = TrainingModule(recipe).network.state_dict()
        after = weights(recipe, manifest, tmp_path)
        moved = {
            name.split(".")[0] for name in before if not torch.equal(before[name], after[name])
        }
        assert moved == {"encoder", "transform", "excite", "head"}

    def test_bfloat16_is_near(self, manifest: Manifest, tmp_path: Path) -> None:
        full = weights(RECIPE, manifest, tmp_path / "a")
        half = train(
            RECIPE,
            manifest,
            tmp_path / "b",
            steps_per_epoch=2,
            workers=0,
            accelerator="cpu",
            precision="bf16-mixed",
            progress=False,
        ).state_dict()
        assert not equal(full, half)
        for name, value in full.items():
            assert half[name].dtype == torch.float32
            torch.testing.assert_close(half[name], value, atol=0.03, rtol=0.03)


class TestResuming:
    def test_a_finished_run_is_not_trained_again(
        self, manifest: Manifest, tmp_path: Path, uninterrupted: dict[str, Tensor]
    ) -> None:
        recipe = replace(RECIPE, regularisation=0.1)
        weights(recipe, manifest, tmp_path)
        steps = len(logged(tmp_path, "loss"))
        assert equal(weights(recipe, manifest, tmp_path), uninterrupted)
        assert len(logged(tmp_path, "loss")) == steps

    def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(
        self, manifest: Manifest, tmp_path: Path, uninterrupted: dict[str, Tensor]
    ) -> None:
        """The kill falls between two checkpoints, with random numbers in the loss."""
        script = tmp_path / "run.py"
        script.write_text(
            textwrap.dedent("""
            from dataclasses import replace
            import sys, time
            from pathlib import Path
            import torch
            torch.set_num_threads(1)
            from core.training.prepared import Manifest
            from core.training.run import TrainingModule
            from tests.core.training.test_run import RECIPE, weights

            follow = TrainingModule.on_train_batch_end

            def hang_in_the_fourth_step(self, *arguments):
                follow(self, *arguments)
                if self.global_step == 3:
                    Path(sys.argv[3]).touch()
                    time.sleep(600)

            TrainingModule.on_train_batch_end = hang_in_the_fourth_step
            weights(
                replace(RECIPE, regularisation=0.1), Manifest.load(Path(sys.argv[1])),
                Path(sys.argv[2]),
            )
            """)
        )
        run, mark = tmp_path / "run", tmp_path / "mark"
        root = Path(run_module.__file__).parents[2]
        process = subprocess.Popen(
            [sys.executable, str(script), str(manifest.folder), str(run), str(mark)],
            env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 120
        while not mark.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        _, complaint = process.communicate()
        assert mark.exists(), complaint.decode()
        assert (run / "last.ckpt").exists()
        resumed = weights(replace(RECIPE, regularisation=0.1), manifest, run)
        assert equal(resumed, uninterrupted)
        assert len(list(run.glob("csv/*/metrics.csv"))) == 2

    def test_an_interruption_is_passed_on(
        self, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lightning would end the whole program."""

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        before = signal.getsignal(signal.SIGINT)
        monkeypatch.setattr(TrainingModule, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            weights(RECIPE, manifest, tmp_path)
        assert signal.getsignal(signal.SIGINT) is before


class TestProcesses:
    def test_they_share_out_what_one_would_see(self) -> None:
        alone = list(StepSampler(40, 12, 1))
        shares = [list(StepSampler(40, 12, 1, rank, 2)) for rank in range(2)]
        assert alone == list(range(12, 24))
        for step in range(3):
            joint = sorted(i for share in shares for i in share[2 * step : 2 * step + 2])
            assert joint == alone[4 * step : 4 * step + 4]

    def test_the_last_epoch_has_what_is_left(self) -> None:
        assert list(StepSampler(40, 12, 3)) == [36, 37, 38, 39]
        assert len(StepSampler(40, 12, 3, 0, 2)) == 2

    def test_two_give_the_weights_of_one_with_the_joint_batch(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        recipe = replace(RECIPE, config=WITH_START)
        alone = weights(recipe, manifest, tmp_path / "alone")
        script = tmp_path / "run.py"
        script.write_text(
            textwrap.dedent("""
            from dataclasses import replace
            import sys
            from pathlib import Path
            import torch
            torch.set_num_threads(1)
            from core.training.prepared import Manifest
            from core.training.run import is_first_process
            from tests.core.training.test_run import RECIPE, WITH_START, weights

            if __name__ == "__main__":
                recipe = replace(RECIPE, config=WITH_START)
                trained = weights(
                    recipe, Manifest.load(Path(sys.argv[1])), Path(sys.argv[2]), devices=2
                )
                if is_first_process():
                    torch.save(trained, sys.argv[3])
            """)
        )
        outcome = tmp_path / "outcome.pt"
        root = Path(run_module.__file__).parents[2]
        subprocess.run(
            [sys.executable, script, manifest.folder, tmp_path / "run", outcome],
            env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
            check=True,
            capture_output=True,
            timeout=280,
        )
        together = torch.load(outcome, weights_only=True)
        start = TrainingModule(recipe).network.state_dict()
        for name, value in alone.items():
            torch.testing.assert_close(together[name], value, atol=1e-5, rtol=1e-4)
        assert not equal(start, alone)

    def test_a_batch_that_cannot_be_shared_is_an_error(self, manifest: Manifest) -> None:
        module = run_module.PatchModule(manifest, RECIPE, 2, 0)

        class ThreeProcesses:
            world_size, global_rank, current_epoch = 3, 0, 0

        module.trainer = ThreeProcesses()  # type: ignore[assignment]
        with pytest.raises(PhotoError, match="4 photos"):
            module.train_dataloader()


class TestTrouble:
    def expanding(self, network: torch.nn.Module) -> None:
        """Give the cell gains far above 1, so that no iteration settles."""
        with torch.no_grad():
            for layer in network.transform:  # type: ignore[union-attr]
                layer.weight.mul_(60.0)

    def test_a_diverging_fixed_point_is_told(
        self,
        manifest: Manifest,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        initialise = TrainingModule.__init__

        def initialise_badly(module: TrainingModule, *arguments: object) -> None:
            initialise(module, *arguments)  # type: ignore[arg-type]
            self.expanding(module.network)

        monkeypatch.setattr(TrainingModule, "__init__", initialise_badly)
        with caplog.at_level(logging.WARNING, "core.training.run"):
            weights(replace(RECIPE, steps=2), manifest, tmp_path)
        assert "diverging" in caplog.text

    def test_a_settled_one_is_not(
        self, manifest: Manifest, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "core.training.run"):
            weights(replace(RECIPE, steps=2), manifest, tmp_path)
        assert "diverging" not in caplog.text

    def test_regularisation_holds_the_jacobian_down(
        self, manifest: Manifest, tmp_path: Path
    ) -> None:
        free = replace(RECIPE, steps=30, learning_rate=1e-2)
        held = replace(free, regularisation=20.0)
        norms = []
        for name, recipe in (("free", free), ("held", held)):
            weights(recipe, manifest, tmp_path / name, steps_per_epoch=30)
            norms.append(logged(tmp_path / name, "spectral_radius")[-1])
        assert norms[1] < 0.8 * norms[0]

    def test_a_loss_that_is_no_number_ends_the_run(
        self, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        objective = TrainingModule.objective

        def broken(module: TrainingModule, batch: object) -> object:
            outcome = objective(module, batch)  # type: ignore[arg-type]
            return replace(outcome, loss=outcome.loss * math.nan)

        monkeypatch.setattr(TrainingModule, "objective", broken)
        with pytest.raises(PhotoError, match="step 1 is not a finite"):
            weights(RECIPE, manifest, tmp_path)


class TestRecipes:
    def test_the_paper_s(self) -> None:
        """Sections 3.3 and 4.1 of Xiao et al. 2024: 15,000 patches, 200 epochs of batches of 64."""
        paper = RECIPES["paper"]
        assert paper.config == LetNetConfig(36, 1, "tanh", True, "channel", "residual", "implicit")
        assert paper.patches.size == 128
        assert paper.photos * paper.patches.per_photo == 64
        assert paper.steps == 200 * (15_000 // 64)
        assert paper.loss == "l2"
        assert paper.order == 0
        assert paper.solver.max_steps == 50
        assert (paper.average, paper.regularisation, paper.patches.lossy_share) == (0.0, 0.0, 0.0)

    def test_adam_follows_the_paper_and_the_rate_a_cosine(self) -> None:
        recipe = replace(RECIPE, steps=1000, warm_up=10, learning_rate=2e-3)
        optimiser = TrainingModule(recipe).configure_optimizers()["optimizer"]
        schedule = TrainingModule(recipe).configure_optimizers()["lr_scheduler"]["scheduler"]
        assert optimiser.param_groups[0]["betas"] == (0.9, 0.99)
        rates = []
        for _ in range(1000):
            rates.append(schedule.get_last_lr()[0])
            schedule.optimizer.step()
            schedule.step()
        assert rates[0] == pytest.approx(2e-4)
        assert max(rates) == pytest.approx(2e-3, rel=1e-3)
        assert rates[500] == pytest.approx(0.51 * 2e-3, rel=1e-3)
        assert rates[-1] == pytest.approx(0.02 * 2e-3, rel=1e-2)
        assert rates[10:] == sorted(rates[10:], reverse=True)

    @pytest.mark.parametrize(
        "change",
        [{"photos": 0}, {"steps": 0}, {"average": 1.0}, {"loss": "l1"}, {"order": -1}],
    )
    def test_a_number_out_of_range_is_named(self, change: dict[str, object]) -> None:
        with pytest.raises(ValueError, match=next(iter(change))):
            replace(RECIPE, **change)

    def test_a_misspelt_one_is_refused(self) -> None:
        with pytest.raises(TypeError):
            replace(RECIPE, stepz=3)

    def test_every_recipe_trains_a_small_network(self, manifest: Manifest) -> None:
        for recipe in RECIPES.values():
            small = replace(
                recipe,
                config=replace(recipe.config, channels=8),
                patches=replace(recipe.patches, size=16),
                photos=2,
            )
            dataset = PatchDataset(manifest, small.patches, 2)
            module = TrainingModule(small)
            outcome = module.objective(collate([dataset[0], dataset[1]]))
            outcome.loss.backward()  # type: ignore[no-untyped-call]
            assert math.isfinite(float(outcome.values["psnr"]))
            trained = [p for p in module.network.parameters() if p.requires_grad]
            assert all(p.grad is not None for p in trained)


class TestInputs:
    def test_lossy_photos_of_a_batch_have_their_own_tolerance(self, manifest: Manifest) -> None:
        clean = PatchDataset(manifest, PatchSettings(16), 1)[0]
        lossy = PatchDataset(manifest, PatchSettings(16, lossy_share=1.0), 1)[0]
        for item in (clean, lossy):
            item["codes"][:] = 2
        inputs = inputs_of(collate([clean, lossy]), "cpu")
        assert not inputs.low[0].any()
        assert inputs.low[1].all()

    def test_errors_are_taken_photo_by_photo_in_prophoto(self) -> None:
        scene = torch.zeros(4, 3, 2, 2)
        target = torch.zeros(4, 3, 2, 2)
        # White: 1 in every channel of both spaces.
        target[2:] = 0.5
        errors = squared_error(scene, target, photos=2)
        torch.testing.assert_close(errors, torch.tensor([0.0, 0.25]))
