"""The commands prepare, train, evaluate and ablate, run as a person runs them."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli import main
from core.cli.evaluate import spread
from core.methods.registry import methods
from core.network.letnet import BOX, PAPER
from core.network.models import Descriptor, load_model, random_model, to_bytes
from core.training.prepared import Manifest
from core.training.recipes import RECIPES
from tests.core.conftest import wide_photo, write_untagged

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos that are large enough for the recipes' patches."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        write_untagged(folder / f"lake{seed:02d}.png", wide_photo(seed, 100, 110))
    (folder / "notes.txt").write_text("where they were taken")
    return folder


@pytest.fixture(scope="module")
def cache(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    assert main(["prepare", str(photos), "--cache", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("networks")
    paths = []
    for name, form in (("tiny-box", BOX), ("tiny-paper", PAPER)):
        model = random_model(replace(form, channels=8), scale=0.1)
        path = folder / f"{name}.safetensors"
        path.write_bytes(to_bytes(model.network, Descriptor(name, model.descriptor.config)))
        paths.append(str(path))
    return paths


def test_the_parser_is_built_without_torch() -> None:
    script = "import sys; from core.cli.main import build_parser; build_parser(); "
    script += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT).returncode == 0


@pytest.mark.parametrize("command", ["prepare", "train", "evaluate", "ablate"])
def test_help_explains_the_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    assert f"gamut {command}" in capsys.readouterr().out


class TestPrepare:
    def test_it_tells_what_it_found(
        self, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["prepare", str(photos), "--cache", str(tmp_path / "cache")]) == 0
        assert capsys.readouterr().out.startswith("photos in ")
        assert len(Manifest.load(tmp_path / "cache").sources) == 4

    def test_a_bad_file_is_named_and_the_others_are_done(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_untagged(tmp_path / "good.png", wide_photo(0))
        (tmp_path / "bad.png").write_bytes(b"nothing")
        assert main(["prepare", str(tmp_path), "--cache", str(tmp_path / "cache")]) == 1
        told = capsys.readouterr()
        assert "bad.png" in told.err
        assert ": 1; " in told.out
        assert told.out.endswith("files left out: 1\n")

    def test_the_size_can_be_chosen(self, photos: Path, tmp_path: Path) -> None:
        assert main(["prepare", str(photos), "--cache", str(tmp_path), "--max-side", "64"]) == 0
        assert {source.width for source in Manifest.load(tmp_path).sources} == {64}

    def test_a_missing_folder_is_one_sentence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["prepare", str(tmp_path / "none"), "--cache", str(tmp_path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


class TestTrain:
    def arguments(self, cache: Path, run: Path, *more: str) -> list[str]:
        usual = ["--steps", "4", "--checkpoint-every", "2", "--workers", "0", "--name", "trial"]
        place = ["--cache", str(cache), "--output", str(run), "--accelerator", "cpu"]
        return ["train", *place, *usual, *more]

    @pytest.fixture(scope="class")
    @classmethod
    def run(cls, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("run")
        assert main(cls().arguments(cache, folder)) == 0
        return folder

    def test_the_model_can_be_used_and_knows_where_it_comes_from(
        self, cache: Path, run: Path
    ) -> None:
        model = load_model(run / "trial.safetensors")
        card = model.descriptor.card
        assert (model.name, model.descriptor.config) == ("trial", RECIPES["cpu"].config)
        recipe = RECIPES["cpu"]
        assert (model.descriptor.solver, model.descriptor.halo) == (recipe.inference, recipe.halo)
        assert card["data"]["photos"] == 4
        assert card["data"]["sha256"] == Manifest.load(cache).sha256
        assert card["recipe"]["steps"] == 4
        assert card["parameters"] == model.network.parameters_count

    def test_its_card_can_be_read(self, run: Path) -> None:
        text = (run / "trial.md").read_text()
        digest = hashlib.sha256((run / "trial.safetensors").read_bytes()).hexdigest()
        assert text.startswith("# trial\n")
        assert digest in text
        assert "| lake02.png |" in text
        assert "learning_rate" in text

    def test_a_terminated_run_goes_on_and_ends_with_the_same_model(
        self, cache: Path, run: Path, tmp_path: Path
    ) -> None:
        arguments = self.arguments(cache, tmp_path / "again")
        process = subprocess.Popen(
            [sys.executable, "-m", "core.cli", *arguments],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 120
        checkpoint = tmp_path / "again" / "last.ckpt"
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()
        assert process.returncode == 130, told.decode()
        assert b"interrupted" in told
        assert not (tmp_path / "again" / "trial.safetensors").exists()
        assert main(arguments) == 0
        again = (tmp_path / "again" / "trial.safetensors").read_bytes()
        assert again == (run / "trial.safetensors").read_bytes()

    def test_a_folder_of_another_run_is_refused(
        self, cache: Path, run: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(self.arguments(cache, run, "--learning-rate", "0.1")) == 2
        assert "other settings" in capsys.readouterr().err

    def test_photos_are_prepared_where_that_is_still_to_be_done(
        self, photos: Path, tmp_path: Path
    ) -> None:
        arguments = self.arguments(
            tmp_path / "cache", tmp_path / "run", "--data", str(photos), "--hold-out", "0.5"
        )
        assert main([*arguments, "--steps", "1"]) == 0
        card = load_model(tmp_path / "run" / "trial.safetensors").descriptor.card
        assert 0 < card["data"]["photos"] < 4
        assert len(Manifest.load(tmp_path / "cache").sources) == 4

    def test_every_number_that_can_be_given_arrives(self, cache: Path, tmp_path: Path) -> None:
        more = ["--steps", "1", "--seed", "7", "--regularisation", "0.25", "--damping", "0.75"]
        more += ["--learning-rate", "0.01", "--bfloat16", "--threads", "1"]
        assert main(self.arguments(cache, tmp_path, *more)) == 0
        recipe = load_model(tmp_path / "trial.safetensors").descriptor.card["recipe"]
        assert (recipe["steps"], recipe["seed"], recipe["regularisation"]) == (1, 7, 0.25)
        assert (recipe["solver"]["damping"], recipe["learning_rate"]) == (0.75, 0.01)

    def test_a_folder_that_is_not_prepared_is_one_sentence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(self.arguments(tmp_path, tmp_path / "run")) == 2
        assert "prepare" in capsys.readouterr().err


class TestEvaluate:
    def test_tables_for_people(
        self, photos: Path, networks: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["evaluate", "naive", *networks, "--photos", str(photos), "--limit", "1"]
        assert main([*arguments, "--no-perceptual", "--device", "cpu"]) == 0
        told = capsys.readouterr().out
        for word in ("Quality", "gained least", "Group", "Cost", "tiny-box", "vivid", "as-is"):
            assert word in told

    @pytest.mark.filterwarnings("ignore")  # The libraries of the cluster leave sockets open.
    def test_several_processes_measure_the_same(
        self,
        photos: Path,
        networks: list[str],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        damaged = tmp_path / "more" / "damaged.png"
        damaged.parent.mkdir()
        damaged.write_bytes(b"nothing")
        monkeypatch.chdir(Path(networks[0]).parent)
        arguments = ["evaluate", Path(networks[0]).name, "--no-perceptual", "--photos", str(photos)]
        arguments += [str(damaged.parent), "--styles", "vivid", "--steps", "3", "--threads", "1"]
        found = []
        for name, more in (("one", []), ("two", ["--workers", "2"])):
            rows = tmp_path / f"{name}.json"
            assert main([*arguments, "--json", str(rows), *more]) == 1
            assert "damaged.png" in capsys.readouterr().err
            found.append(json.loads(rows.read_text()))
        timed = {"seconds", "fitting", "peak_memory"}
        alone, together = (
            [{key: value for key, value in row.items() if key not in timed} for row in rows]
            for rows in found
        )
        assert len(alone) > 2
        assert alone == together

    def test_files_for_programs_and_papers(
        self, photos: Path, networks: list[str], tmp_path: Path
    ) -> None:
        arguments = ["evaluate", *networks, "--photos", str(photos), "--no-perceptual"]
        arguments += ["--styles", "vivid", "--limit", "2", "--jpeg", "90", "--steps", "3"]
        table, rows = tmp_path / "table.csv", tmp_path / "rows.json"
        more = ["--format", "csv", "--output", str(table), "--json", str(rows)]
        assert main([*arguments, *more]) == 0
        with table.open() as file:
            lines = list(csv.DictReader(file))
        assert {line["method"] for line in lines} == {"naive", "tiny-box", "tiny-paper"}
        entries = json.loads(rows.read_text())
        assert len(entries) == 2 * 3
        assert {entry["style"] for entry in entries} == {"vivid"}
        assert max(entry["steps"] for entry in entries) <= 3
        assert main([*arguments, *more]) == 2
        assert main([*arguments, *more, "--overwrite"]) == 0

    def test_the_paper_s_protocol(
        self, photos: Path, networks: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["evaluate", networks[1], "--photos", str(photos), "--limit", "1"]
        arguments += ["--protocol", "paper", "--no-perceptual", "--format", "markdown"]
        assert main(arguments) == 0
        assert "**Quality (CAT02, not projected, blind)**" in capsys.readouterr().out

    def test_figures(self, photos: Path, networks: list[str], tmp_path: Path) -> None:
        arguments = ["evaluate", networks[0], "--photos", str(photos), "--no-perceptual"]
        arguments += ["--styles", "vivid", "--max-side", "48"]
        assert main([*arguments, "--figures", str(tmp_path / "figures")]) == 0
        names = sorted(path.name for path in (tmp_path / "figures").iterdir())
        (photo,) = {name.split("-")[1] for name in names}
        assert names == [
            f"vivid-{photo}-{kind}.png"
            for kind in ("convergence-tiny-box", "errors-tiny-box", "gamuts")
        ]

    def test_several_photos_are_averaged(
        self, photos: Path, networks: list[str], tmp_path: Path
    ) -> None:
        arguments = ["evaluate", networks[0], "--photos", str(photos), "--no-perceptual"]
        arguments += ["--styles", "vivid", "--max-side", "48", "--figure-photos", "2"]
        assert main([*arguments, "--figures", str(tmp_path)]) == 0
        assert len(list(tmp_path.glob("vivid-*-convergence-tiny-box.png"))) == 3
        assert (tmp_path / "vivid-average-convergence-tiny-box.png").exists()

    def test_photos_to_draw_are_spread_from_the_least_gain_to_the_most(self) -> None:
        ordered = list(range(9))
        assert spread(ordered, 1) == [4]
        assert spread(ordered, 3) == [0, 4, 8]
        assert spread(ordered[:2], 5) == [0, 1]

    def test_a_bad_photo_is_named(
        self, networks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_untagged(tmp_path / "good.png", wide_photo(0))
        (tmp_path / "bad.png").write_bytes(b"nothing")
        assert main(["evaluate", "naive", "--photos", str(tmp_path), "--no-perceptual"]) == 1
        assert "bad.png" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (["nonsense", "--photos", "{photos}"], "nonsense"),
            (["naive", "--photos", "{photos}/none"], "none"),
            (["naive", "--photos", "{photos}", "--output", "{photos}/no/table"], "folder"),
            (["naive", "--photos", "{photos}", "--jpeg", "101"], "101"),
            (["naive", "--photos", "{empty}"], "readable"),
            (["naive", "--photos", "{photos}", "--limit", "1", "--figures", "{empty}"], "network"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(
        self,
        arguments: list[str],
        word: str,
        photos: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        filled = [text.format(photos=photos, empty=tmp_path) for text in arguments]
        assert main(["evaluate", *filled, "--no-perceptual"]) == 2
        told = capsys.readouterr().err
        assert word in told
        assert told.startswith("gamut: ")
        assert told.count("\n") == 1

    def test_methods_are_named_by_their_files(self, networks: list[str]) -> None:
        assert [method.name for method in methods(networks)] == ["tiny-box", "tiny-paper"]


class TestAblate:
    def test_a_variant_is_trained_and_measured(
        self, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["ablate", "--cache", str(cache), "--output", str(tmp_path), "--steps", "1"]
        arguments += ["--photos", "1", "--patch", "16", "--photos-per-step", "2"]
        arguments += ["--hold-out", "0.5", "--workers", "0", "--variants", "plain"]
        outcome = tmp_path / "outcome.json"
        assert main([*arguments, "--json", str(outcome)]) == 0
        assert "Ablations, 1 steps each" in capsys.readouterr().out
        entries = json.loads(outcome.read_text())
        assert [(e["variant"], e["style"]) for e in entries] == [
            ("plain", "as-is"),
            ("plain", "vivid"),
        ]

    def test_an_unknown_variant_is_named(
        self, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["ablate", "--cache", str(cache), "--output", str(tmp_path)]
        assert main([*arguments, "--variants", "cos"]) == 2
        assert "'cos'" in capsys.readouterr().err
