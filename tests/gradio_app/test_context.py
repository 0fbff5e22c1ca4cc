from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import PhotoError
from core.files import inspect, read
from core.gamut import clipped_mask
from gradio_app.context import SAMPLES, offered
from tests.web_demo import MODEL_NAME

if TYPE_CHECKING:
    from gradio_app.context import Context


def test_networks_come_first_and_what_a_file_carries_last(context: Context) -> None:
    assert context.methods == [MODEL_NAME, "naive", "embedded"]
    fitted = ["hint", "gamut-mlp", "gamut-mlp-paper", "siren", "sampled", "soft-clip"]
    assert list(context.offer.comparable) == [MODEL_NAME, "naive", *fitted]
    assert context.default_method == MODEL_NAME
    assert context.offer.equilibrium == (MODEL_NAME,)
    assert context.offer.cards[MODEL_NAME]["channels"] == 8


def test_models_are_known_by_name_and_never_by_path(context: Context, tmp_path: Path) -> None:
    for name in (MODEL_NAME, "naive", "embedded"):
        assert context.workplace.method(name).name == name
    others: list[Any] = [str(tmp_path / "other.safetensors"), "", None, ["trial"]]
    for other in others:
        with pytest.raises(PhotoError, match="choose one of trial, naive"):
            context.workplace.method(other)


def test_without_names_the_shipped_networks_are_offered() -> None:
    from core.network.models import shipped_names

    offer = offered([])
    assert set(shipped_names()) | {"naive", "embedded"} <= set(offer.methods)
    assert set(shipped_names()) | {"naive", "gamut-mlp"} <= set(offer.comparable)
    assert "embedded" not in offer.comparable
    assert "gamut-mlp" not in offer.methods


def test_samples_are_what_they_are_said_to_be(context: Context) -> None:
    for sample in SAMPLES:
        info = inspect(context.sample(sample))
        assert (info.space != "srgb") is sample.wide
        assert max(inspect(context.thumbnail(sample)).width, 1) <= 320


def test_every_sample_lost_much(context: Context) -> None:
    for sample in SAMPLES:
        if not sample.wide:
            assert clipped_mask(read(context.sample(sample)).pixels).mean() > 0.05  # type: ignore[arg-type]


def test_what_is_shown_of_a_result_stays_unless_it_fails(context: Context) -> None:
    with context.result_folder() as folder:
        (folder / "file").touch()
    assert (folder / "file").exists()
    assert folder.parent == context.uploads
    with pytest.raises(RuntimeError), context.result_folder() as folder:
        (folder / "file").touch()
        raise RuntimeError
    assert not folder.exists()


def test_a_request_leaves_nothing_behind(context: Context) -> None:
    with context.request_folder() as folder:
        (Path(folder) / "file").touch()
    assert not Path(folder).exists()
