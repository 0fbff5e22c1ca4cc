"""Peak memory of a block."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from core.evaluation import peak_memory
from core.evaluation.peak_memory import PeakMemory

if TYPE_CHECKING:
    from pathlib import Path

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells it")


@linux
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_it_holds_the_memory_of_every_library_though_it_is_freed_again(library: str) -> None:
    with PeakMemory() as peak:
        if library == "numpy":
            del [np.ones(8_000_000)][0]
        else:
            del [torch.ones(8_000_000, dtype=torch.float64)][0]
    assert peak.bytes is not None
    assert 60e6 < peak.bytes < 100e6


@linux
def test_what_was_before_does_not_count() -> None:
    with PeakMemory() as large:
        held = np.ones(16_000_000)
    with PeakMemory() as small:
        held[:10] = 0.0
    assert large.bytes is not None
    assert small.bytes is not None
    assert small.bytes < 0.1 * large.bytes


def test_where_the_system_does_not_tell_there_is_no_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peak_memory, "_RESET", tmp_path / "none" / "clear_refs")
    with PeakMemory() as peak:
        pass
    assert peak.bytes is None
