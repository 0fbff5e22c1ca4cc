"""The page opens a photo once and hands it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.colour import DISPLAY_P3, SRGB
from core.files import write_codes
from core.progress import finished
from gradio_app.photo_expansion import Request, expansion
from gradio_app.photo_reduction import reduction
from tests.openings import Openings
from tests.web_demo import MODEL_NAME, clipped_photo

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.context import Context


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif", "jxl"])
def test_to_expand_it(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = uploads / f"photo.{suffix}"
    write_codes(photo, clipped_photo(60, 80), SRGB)
    openings = Openings(monkeypatch, photo)
    work = expansion(context.workplace, str(photo), Request(MODEL_NAME), tmp_path, shown=True)
    for _ in work:
        pass
    assert openings.taken() == (1, 1)


@pytest.mark.parametrize("suffix", ["jpg", "tif", "jxl"])  # Each fits a network.
def test_to_reduce_it(
    context: Context, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    photo = uploads / f"photo.{suffix}"
    write_codes(photo, clipped_photo(60, 80), DISPLAY_P3)
    openings = Openings(monkeypatch, photo)
    finished(reduction(context.workplace, str(photo), False, tmp_path))
    assert openings.taken() == (1, 1)
