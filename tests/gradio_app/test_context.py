from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import PhotoError
from core.files import inspect, read
from core.gamut import clipped_mask
from gradio_app.context import REQUESTS, SAMPLES, load_methods
from tests.web_demo import MODEL_NAME

if TYPE_CHECKING:
    from gradio_app.context import Context


def test_networks_come_first_and_what_a_file_carries_last(context: Context) -> None:
    assert list(context.methods) == [MODEL_NAME, "naive", "embedded"]
    fitted = ["hint", "gamut-mlp", "gamut-mlp-paper", "siren", "sampled", "soft-clip"]
    assert list(context.comparable) == [MODEL_NAME, "naive", *fitted]
    assert context.default_method == MODEL_NAME
    assert context.equilibrium_methods == [MODEL_NAME]


def test_models_are_known_by_name_and_never_by_path(context: Context, tmp_path: Path) -> None:
    for name in (MODEL_NAME, "naive", "embedded"):
        assert context.method(name).name == name
    for name in (str(tmp_path / "other.safetensors"), "", None, ["trial"]):
        with pytest.raises(PhotoError, match="choose one of trial, naive"):
            context.method(name)  # type: ignore[arg-type]


def test_without_names_the_shipped_networks_are_offered() -> None:
    from core.network.models import shipped_names

    photos, originals = load_methods([])
    assert sorted(photos) == sorted([*shipped_names(), "naive", "embedded"])
    fitted = ["hint", "gamut-mlp", "gamut-mlp-paper", "sampled", "siren", "soft-clip"]
    assert sorted(originals) == sorted([*shipped_names(), "naive", *fitted])


def test_samples_are_what_they_are_said_to_be(context: Context) -> None:
    for sample in SAMPLES:
        info = inspect(context.sample(sample))
        assert (info.space != "srgb") is sample.wide


def test_the_first_sample_lost_the_most(context: Context) -> None:
    lost = [
        clipped_mask(read(context.sample(sample)).pixels).mean()  # type: ignore[arg-type]
        for sample in SAMPLES
        if not sample.wide
    ]
    assert lost == sorted(lost, reverse=True)
    assert lost[0] > 0.1 > lost[-1]


def test_a_request_leaves_nothing_behind(context: Context) -> None:
    with context.request_folder() as folder:
        (Path(folder) / "file").touch()
    assert not Path(folder).exists()


def test_what_requests_left_is_deleted_when_it_is_old(context: Context) -> None:
    old, new = (Path(tempfile.mkdtemp(dir=context.folder / REQUESTS)) for _ in range(2))
    (old / "picture.png").touch()
    long_ago = time.time() - 60 * context.settings.keep_minutes - 2 * context.settings.seconds
    os.utime(old, (long_ago, long_ago))
    context.sweep()
    assert not old.exists()
    assert new.exists()
