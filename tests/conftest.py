from __future__ import annotations

import gc
import os

import pytest
import torch
from hypothesis import settings

# No deadline: machines differ. On CI the same examples are drawn every time.
settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("suite")
torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def nothing_old_is_searched_for_garbage() -> None:
    """All that napari, Gradio and torch import would take a second of every collection."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let what is left be collected: nanobind lists, at the end, what was not."""
    gc.unfreeze()
