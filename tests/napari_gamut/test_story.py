"""The whole story: open a sample, expand it, slide, measure, save, open it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.files import read
from napari_gamut.reader import get_reader
from napari_gamut.records import record_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari import Viewer


def test_from_a_sample_to_a_wide_gamut_file_and_back(
    viewer: Viewer,
    dock: Callable[[str], Any],
    finish: Callable[[Any], None],
    weights: Path,
    tmp_path: Path,
    warnings_shown: list[str],
) -> None:
    viewer.open_sample("napari-gamut", "chart")
    original, photo = viewer.layers

    expand = dock("Expand")
    expand.layer.value = photo
    expand.choice.model.value = "file"
    expand.choice.weights.value = weights
    expand.start()
    finish(expand)
    expanded = viewer.layers[-1]
    assert expanded.name.startswith("chart (sRGB) · 100% · random")

    convergence = dock("Iterations")
    convergence.layer.value, convergence.reference.value = photo, original
    convergence.choice.model.value = "file"
    convergence.choice.weights.value = weights
    convergence.start()
    finish(convergence)
    convergence.player.slider.value = 2
    convergence.player.view.value = "error"
    error = viewer.layers["error (ΔE2000)"]
    assert np.array_equal(error.data, convergence.trace.kept[1].error)

    measure = dock("Measure")
    measure.layer.value, measure.reference.value = expanded, original
    measure.start()
    finish(measure)
    assert np.isfinite([float(row[1]) for row in measure.measured.rows]).all()

    path = tmp_path / "chart.tif"
    assert expanded.save(str(path), plugin="napari-gamut") == [str(path)]
    assert read(path).space.key == "prophoto"

    assert get_reader(str(path)) is not None
    (again,) = viewer.open(str(path), plugin="napari-gamut")
    wide = record_in(again.metadata).wide
    assert np.allclose(wide.values, record_in(expanded.metadata).wide.values, atol=1e-4)
    assert np.array_equal(again.data, photo.data)
    assert warnings_shown == []
