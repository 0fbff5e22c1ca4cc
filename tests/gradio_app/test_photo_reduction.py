from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.files import expand_file
from core.errors import PhotoError
from core.files import inspect, read, write, write_codes
from core.methods.registry import method
from core.payload.gamut_mlp import FitSettings
from core.progress import finished
from gradio_app import photo_reduction
from gradio_app.photo_reduction import reduction
from tests.core.conftest import wide_photo
from tests.web_demo import clipped_photo

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.context import Context


def test_the_file_carries_what_it_lost(context: Context, uploads: Path, tmp_path: Path) -> None:
    original = wide_photo(1, 24, 32)
    write(uploads / "wide.tif", original, PROPHOTO)
    path = str(uploads / "wide.tif")
    made = finished(reduction(context.workplace, path, False, tmp_path))
    assert made.target == tmp_path / "wide-srgb.png"
    assert inspect(made.target).space == "srgb"
    assert 0.1 < made.lost_share < 1.0
    assert 0 < made.carried <= 23_000
    scene = convert(original, PROPHOTO, SRGB)
    errors = []
    for name in ("embedded", "naive"):
        expand_file(made.target, tmp_path / f"{name}.tif", method(name))
        errors.append(np.abs(read(tmp_path / f"{name}.tif").scene() - scene).mean())
    assert errors[0] < 0.5 * errors[1]


def test_a_lossy_photo_becomes_a_jpeg(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_reduction, "FitSettings", partial(FitSettings, steps=20))
    write_codes(uploads / "wide.jpg", clipped_photo(24, 32), DISPLAY_P3)
    path = str(uploads / "wide.jpg")
    made = finished(reduction(context.workplace, path, False, tmp_path))
    assert made.target.name == "wide-srgb.jpg"
    assert inspect(made.target).payload_size == made.carried > 0


def test_what_cannot_be_read_is_refused_without_paths(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    (uploads / "broken.png").write_bytes(b"no photo")
    with pytest.raises(PhotoError, match="not a photo") as caught:
        finished(reduction(context.workplace, str(uploads / "broken.png"), False, tmp_path))
    assert str(uploads) not in str(caught.value)
