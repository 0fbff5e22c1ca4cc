"""Models come back from their files bit for bit, and damaged files are refused by a sentence."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from core.errors import PhotoError
from core.network import models
from core.network.letnet import Inputs, LetNet, LetNetConfig, positions
from core.network.models import (
    FORMAT,
    Descriptor,
    Model,
    ModelError,
    load_model,
    random_model,
    shipped_names,
    to_bytes,
)
from core.network.solver import SolverSettings
from core.network.statistics import photo_statistics

SMALL = LetNetConfig(channels=8, scale=2, attention="photo", output="room")
DESCRIPTOR = Descriptor(
    "small",
    SMALL,
    SolverSettings(method="picard", max_steps=7, tolerance=0.01, memory=3, damping=0.9, ridge=1e-6),
    halo=24,
    card={"seed": 3, "figures": {"psnr": 40.5}, "limits": ["none known"]},
)


@pytest.fixture
def small() -> Model:
    return random_model(SMALL, seed=1)


@pytest.fixture
def file(tmp_path: Path, small: Model) -> Path:
    path = tmp_path / "small.safetensors"
    path.write_bytes(to_bytes(small.network, DESCRIPTOR))
    return path


@pytest.fixture
def weights(tmp_path: Path, small: Model, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped weights that holds one model named "small"."""
    folder = tmp_path / "weights"
    folder.mkdir()
    data = to_bytes(small.network, DESCRIPTOR)
    (folder / "small.safetensors").write_bytes(data)
    (folder / "SHA256.json").write_text(json.dumps({"small": hashlib.sha256(data).hexdigest()}))
    monkeypatch.setattr(models, "_WEIGHTS", folder)
    return folder


def rewritten(path: Path, metadata: dict[str, str], network: LetNet) -> Path:
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    path.write_bytes(save(tensors, metadata))
    return path


def described(**changes: Any) -> str:
    return json.dumps({**asdict(DESCRIPTOR), **changes})


class TestRoundTrip:
    def test_weights_come_back_bit_for_bit(self, file: Path, small: Model) -> None:
        back = load_model(file)
        ours, theirs = small.network.state_dict(), back.network.state_dict()
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            assert value.numpy().tobytes() == theirs[name].numpy().tobytes()

    def test_so_does_the_descriptor(self, file: Path) -> None:
        back = load_model(file)
        assert back.descriptor == DESCRIPTOR
        assert back.name == "small"
        assert back.network.config == SMALL

    def test_a_path_may_be_a_string(self, file: Path) -> None:
        assert load_model(str(file)).descriptor == DESCRIPTOR

    def test_the_hash_is_that_of_the_file(self, file: Path) -> None:
        assert load_model(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()

    def test_saving_again_gives_the_same_bytes(self, file: Path) -> None:
        back = load_model(file)
        assert to_bytes(back.network, back.descriptor) == file.read_bytes()

    def test_estimates_are_the_same(self, file: Path, small: Model) -> None:
        codes = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)
        inputs = Inputs.from_codes(
            codes, photo_statistics(codes[0])[None], positions(0, 0, 8, 8, 8, 8)[None]
        )
        scenes = [model.network(inputs).scene for model in (small, load_model(file))]
        assert torch.equal(*scenes)

    def test_a_loaded_network_is_ready_for_use(self, file: Path) -> None:
        network = load_model(file).network
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())

    @pytest.mark.parametrize("mode", ["implicit", "recurrent", "plain"])
    @pytest.mark.parametrize("attention", ["channel", "photo", "none"])
    def test_every_form_has_a_file(self, tmp_path: Path, mode: Any, attention: Any) -> None:
        config = LetNetConfig(channels=4, mode=mode, attention=attention)
        model = random_model(config)
        path = tmp_path / "form.safetensors"
        path.write_bytes(to_bytes(model.network, model.descriptor))
        assert load_model(path).descriptor == model.descriptor
        assert load_model(path).sha256 == model.sha256


class TestRandomModels:
    def test_the_seed_says_which(self) -> None:
        first, again, other = (random_model(SMALL, seed) for seed in (1, 1, 2))
        assert first.sha256 == again.sha256
        assert first.sha256 != other.sha256
        assert (first.name, other.name) == ("random-1", "random-2")

    def test_other_random_numbers_are_not_disturbed(self) -> None:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        random_model(SMALL)
        assert torch.equal(torch.rand(3), expected)

    def test_the_scale_is_that_of_the_last_layer(self) -> None:
        one, huge = (random_model(SMALL, scale=scale).network for scale in (1.0, 1e6))
        torch.testing.assert_close(huge.head.weight, 1e6 * one.head.weight)
        assert torch.equal(huge.encoder[0].weight, one.encoder[0].weight)
        assert float(one.head.weight.std()) == pytest.approx(1.0, abs=0.1)


class TestShippedModels:
    def test_the_hashes_are_those_of_the_folder(self) -> None:
        """Every network has its hash, and every hash its network; cards name the hashes."""
        folder = Path(models.__file__).parents[1] / "weights"
        hashes = json.loads((folder / "SHA256.json").read_text())
        files = {path.stem: path for path in folder.glob("*.safetensors")}
        found = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
        }
        for name, sha256 in found.items():
            assert f"`{sha256}`" in (folder / f"{name}.md").read_text()
        del found["gamut-mlp-start"]  # No network, but where fits of networks begin.
        assert hashes == found
        assert shipped_names() == tuple(hashes)

    def test_each_loads_by_its_name_and_describes_itself(self) -> None:
        for name in shipped_names():
            model = load_model(name)
            assert model.name == name
            assert model.descriptor.card
            assert all(value.isfinite().all() for value in model.network.state_dict().values())

    def test_a_name_finds_the_file_of_the_folder(self, weights: Path) -> None:
        assert shipped_names() == ("small",)
        data = (weights / "small.safetensors").read_bytes()
        assert load_model("small").sha256 == hashlib.sha256(data).hexdigest()

    def test_a_single_changed_bit_is_found(self, weights: Path) -> None:
        path = weights / "small.safetensors"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"^The weights of small are damaged; install"):
            load_model("small")

    def test_a_missing_file_is_damage_too(self, weights: Path) -> None:
        (weights / "small.safetensors").unlink()
        with pytest.raises(ModelError, match=r"^The weights of small are damaged; install"):
            load_model("small")

    def test_an_unknown_name_gives_the_choices(self, weights: Path) -> None:
        sentence = (
            r"^There is no network named 'gpt'; choose one of small, or a \.safetensors file\.$"
        )
        with pytest.raises(ModelError, match=sentence):
            load_model("gpt")


class TestBadFiles:
    DAMAGED = r"^.*bad\.safetensors is damaged or from another version; get the model file again\.$"

    def test_the_error_is_one_that_people_are_shown(self) -> None:
        assert issubclass(ModelError, PhotoError)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"none\.safetensors cannot be read: No such file"):
            load_model(tmp_path / "none.safetensors")

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "folder.safetensors").mkdir()
        with pytest.raises(ModelError, match=r"folder\.safetensors cannot be read: Is a"):
            load_model(tmp_path / "folder.safetensors")

    @pytest.mark.parametrize("kept", [0, 4, 8, 100, -1, -1000])
    def test_a_truncated_file(self, tmp_path: Path, file: Path, kept: int) -> None:
        bad = tmp_path / "bad.safetensors"
        bad.write_bytes(file.read_bytes()[:kept])
        with pytest.raises(ModelError, match=self.DAMAGED):
            load_model(bad)

    def test_a_single_changed_bit_of_the_weights(self, tmp_path: Path, file: Path) -> None:
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        bad = tmp_path / "bad.safetensors"
        bad.write_bytes(data)
        with pytest.raises(ModelError, match=self.DAMAGED):
            load_model(bad)

    def test_a_damaged_header(self, tmp_path: Path, file: Path) -> None:
        data = file.read_bytes()
        for place in (0, 7, 8, 9, 60):
            bad = tmp_path / "bad.safetensors"
            bad.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
            with pytest.raises(ModelError):
                load_model(bad)

    @pytest.mark.parametrize("kind", ["torch", "pickle"])
    def test_a_pickle_is_refused_and_not_run(self, tmp_path: Path, small: Model, kind: str) -> None:
        trap = tmp_path / "trap"

        class Trap:
            def __reduce__(self) -> Any:
                return Path.touch, (trap,)

        bad = tmp_path / "bad.safetensors"
        if kind == "torch":
            torch.save({"weights": small.network.state_dict(), "trap": Trap()}, bad)
        else:
            bad.write_bytes(pickle.dumps(Trap()))
        with pytest.raises(ModelError, match=self.DAMAGED):
            load_model(bad)
        assert not trap.exists()

    @pytest.mark.parametrize(
        "metadata", [{}, {"format": "pt"}, {"format": "gamut-model-0", "descriptor": described()}]
    )
    def test_a_safetensors_file_of_something_else(
        self, tmp_path: Path, small: Model, metadata: dict[str, str]
    ) -> None:
        bad = rewritten(tmp_path / "bad.safetensors", metadata, small.network)
        with pytest.raises(ModelError, match=r"bad\.safetensors holds no gamut expansion model;"):
            load_model(bad)

    @pytest.mark.parametrize(
        "descriptor",
        [
            "",
            "[]",
            "3",
            "null",
            "{",
            described(config={**asdict(SMALL), "width": 3}),
            described(config={**asdict(SMALL), "channels": 16}),
            described(config={**asdict(SMALL), "activation": "gelu"}),
            described(config={**asdict(SMALL), "activation": []}),
            described(config={**asdict(SMALL), "channels": "8"}),
            described(config={**asdict(SMALL), "attention": "none"}),
            described(config=None),
            described(solver={**asdict(DESCRIPTOR.solver), "max_iter": 3}),
            described(solver={**asdict(DESCRIPTOR.solver), "memory": 0}),
            described(halo="wide"),
            described(halo=None),
            described(halo=-1),
            described(halo=10**9),
            described(name=3),
            described(card=[]),
            json.dumps({"name": "small"}),
        ],
    )
    def test_a_descriptor_that_does_not_fit(
        self, tmp_path: Path, small: Model, descriptor: str
    ) -> None:
        metadata = {"format": FORMAT, "descriptor": descriptor}
        bad = rewritten(tmp_path / "bad.safetensors", metadata, small.network)
        with pytest.raises(ModelError, match=self.DAMAGED):
            load_model(bad)

    @pytest.mark.parametrize("channels", [10**5, 10**9])
    def test_a_form_too_large_for_its_weights_takes_no_memory(
        self, tmp_path: Path, small: Model, channels: int
    ) -> None:
        config = {**asdict(SMALL), "channels": channels}
        metadata = {"format": FORMAT, "descriptor": described(config=config)}
        bad = rewritten(tmp_path / "bad.safetensors", metadata, small.network)
        with pytest.raises(ModelError, match=self.DAMAGED):
            load_model(bad)

    def test_weights_that_are_missing(self, tmp_path: Path, small: Model) -> None:
        del small.network.head.bias
        metadata = {"format": FORMAT, "descriptor": described()}
        bad = rewritten(tmp_path / "bad.safetensors", metadata, small.network)
        with pytest.raises(ModelError, match=self.DAMAGED):
            load_model(bad)
