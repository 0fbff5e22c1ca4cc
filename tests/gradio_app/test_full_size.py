from __future__ import annotations

import io
import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.colour import DISPLAY_P3
from core.files import read
from core.gamut import naive_inversion
from core.pictures.screens import screen_codes
from core.progress import finished
from gradio_app.full_size import TILE, full_size, tile
from gradio_app.photo_expansion import Request
from tests.gradio_app.test_photo_expansion import done
from tests.web_demo import MODEL_NAME, clipped_photo, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from gradio_app.context import Context


@pytest.fixture(scope="module")
def result(context: Context, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The token of a result, and its file."""
    folder = context.uploads / secrets.token_hex(20)
    folder.mkdir()
    photo = write_photo(folder / "photo.png", TILE + 30, TILE + 50)
    outcome = done(context, photo, Request(MODEL_NAME), folder)
    token = finished(full_size(context.workplace, str(photo), outcome), None)
    return token, outcome.target


def pixels(data: bytes | None) -> tuple[np.ndarray, str]:  # type: ignore[type-arg]
    assert data is not None
    picture = Image.open(io.BytesIO(data))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    name = ImageCms.getProfileDescription(profile).strip()
    return np.asarray(picture.convert("RGB")).astype(int), name


def test_tiles_are_the_parts_of_the_photo(context: Context, result: tuple[str, Path]) -> None:
    token, target = result
    naive = naive_inversion(clipped_photo(TILE + 30, TILE + 50))
    after = read(target).scene()
    for side, scene in (("before", naive), ("after", after)):
        whole = screen_codes(scene, naive, DISPLAY_P3).astype(int)
        for column, row in ((0, 0), (1, 0), (1, 1)):
            for kind, profile in (("wide", "Display P3"), ("muted", "sRGB")):
                part, name = pixels(tile(context.uploads, token, side, kind, column, row))
                place = whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
                assert part.shape == place.shape
                assert np.abs(part - place).mean() < 2
                assert name == profile


@pytest.mark.parametrize(
    ("token", "side", "kind", "column"),
    [
        ("", "before", "wide", 0),
        ("../" + "a" * 37, "before", "wide", 0),
        ("a" * 40, "before", "wide", 0),
        (None, "middle", "wide", 0),
        (None, "before", "other", 0),
        (None, "before", "wide", 2),
    ],
)
def test_what_is_no_tile_is_none(
    context: Context,
    result: tuple[str, Path],
    token: str | None,
    side: str,
    kind: str,
    column: int,
) -> None:
    own = result[0] if token is None else token
    assert tile(context.uploads, own, side, kind, column, 0) is None
