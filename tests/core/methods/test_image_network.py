"""Image networks as methods: refused until they are trained, loaded from their files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from core.engine.expansion import ExpansionSettings, expand
from core.engine.method import Needs
from core.errors import PhotoError
from core.gamut import naive_inversion
from core.methods.image_network import ImageNetworkMethod, not_trained, with_random_weights
from core.methods.registry import entries, method
from core.network.models import ModelError
from core.network.rivals.image_model import (
    FORMAT,
    FORMS,
    Form,
    ImageModel,
    load_image_model,
    to_bytes,
)
from core.network.tensor_file import format_of

if TYPE_CHECKING:
    from pathlib import Path

CPU = ExpansionSettings(device="cpu", tile=64, project=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = FORMS["gamutnet"].make()
    nn.init.normal_(network.last.weight, std=0.1)  # type: ignore[union-attr, arg-type]
    path = tmp_path / "mine.safetensors"
    path.write_bytes(to_bytes(ImageModel(FORMS["gamutnet"], "mine", network.eval(), {"seed": 0})))
    return path


@pytest.mark.parametrize("name", FORMS)
def test_without_weights_they_refuse_with_one_sentence(name: str) -> None:
    rival = method(name)
    assert (rival.name, rival.needs, rival.trained) == (name, Needs.WEIGHTS, False)
    assert rival.parameters > 3_000_000
    with pytest.raises(PhotoError, match=r"has not been trained.*\.safetensors"):
        expand(np.zeros((8, 8, 3), np.uint8), rival, CPU)


def test_lists_to_choose_from_leave_them_out() -> None:
    assert all(entries()[name].study for name in FORMS)


def test_one_that_was_trained_is_a_method_like_any_other(file: Path) -> None:
    rival = method(file)
    assert (rival.name, rival.trained, len(rival.sha256)) == ("mine", True, 64)
    codes = np.random.default_rng(0).integers(0, 256, (37, 45, 3)).astype(np.uint8)
    result = expand(codes, rival, CPU)
    assert result.model == "mine"
    assert np.abs(result.values - expand(codes, method("naive")).values).max() > 1e-3


def test_costs_can_be_seen_without_training() -> None:
    made = with_random_weights(not_trained("gamutnet"))
    assert made.trained is False
    codes = np.full((20, 20, 3), 255, np.uint8)
    assert expand(codes, made, CPU).values.shape == (20, 20, 3)


class Bright(nn.Module):
    """Says how much of the window it sees: the mean of all pixels, everywhere."""

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        return planes.mean((2, 3), keepdim=True).expand_as(planes)


def test_windows_are_filled_up_to_the_grid_and_cut_again() -> None:
    sizes: list[tuple[int, ...]] = []

    class Noted(Bright):
        def forward(self, planes: torch.Tensor) -> torch.Tensor:
            sizes.append(tuple(planes.shape[2:]))
            return torch.zeros_like(planes).requires_grad_(False)

    form = Form("noted", "for the test", lambda: nn.Sequential(nn.Linear(1, 1)), 16, halo=8)
    network = nn.Sequential(Noted(), nn.Identity())
    network.register_parameter("none", nn.Parameter(torch.zeros(1)))
    rival = ImageNetworkMethod(form, ImageModel(form, "noted", network))
    codes = np.random.default_rng(0).integers(0, 256, (70, 130, 3)).astype(np.uint8)
    values = expand(codes, rival, replace(CPU, strength=1.0)).values
    assert all(side % 16 == 0 for size in sizes for side in size)
    naive = expand(codes, method("naive"), replace(CPU, project=False)).values
    np.testing.assert_allclose(values, naive, atol=1e-6)
    assert naive_inversion(codes).shape == values.shape


def test_damaged_files_are_refused(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-5] ^= 0xFF
    file.write_bytes(data)
    assert format_of(file) == FORMAT
    with pytest.raises(ModelError, match="damaged"):
        load_image_model(file)


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, (5).to_bytes(8, "little") + b"[1,2]"])
def test_other_files_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    assert format_of(path) == ""
    nested = b"[" * 100_000
    path.write_bytes(len(nested).to_bytes(8, "little") + nested)
    assert format_of(path) == ""
    with pytest.raises(ModelError):
        method(path)
