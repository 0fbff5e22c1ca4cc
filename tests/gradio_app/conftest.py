from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web_demo import Demo, running_demo, write_model

pytest.importorskip("gradio", reason="the demo's tests need Gradio: napari-gamut[demo]")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradio_app.context import Context


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo."""
    with running_demo(tmp_path_factory.mktemp("demo")) as server:
        yield server


@pytest.fixture(scope="package")
def forked() -> None:
    """Fork the processes of jobs from one that has imported what they need, as a server does."""
    from gradio_app import jobs

    with pytest.MonkeyPatch.context() as patch:
        # They import what runs the tests, too.
        patch.setattr(jobs, "_PRELOADED", ("pytest", *jobs._PRELOADED))
        jobs.prepare()


@pytest.fixture(scope="package")
def context(forked: None, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """What the tabs share, without a server."""
    from gradio_app.context import make_context
    from gradio_app.settings import DemoSettings

    folder = tmp_path_factory.mktemp("context")
    model = write_model(folder / "trial.safetensors")
    settings = DemoSettings(models=str(model), device="cpu", max_megapixels=1.0)
    return make_context(settings, folder / "server")


@pytest.fixture
def uploads(context: Context) -> Path:
    """A folder of one request among the uploads."""
    return Path(tempfile.mkdtemp(dir=context.uploads))
