"""Small wide-gamut photos, made by numbers, and a data set prepared from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest

from core.colour import PROPHOTO
from core.engine.method import Subject
from core.engine.tiling import ArraySource
from core.files import read
from core.files.payloads import carried_bytes
from core.methods.gamut_mlp import Embedded, FittedGamutMlp
from core.training.prepared import Manifest, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from core.gamut import Codes


def wide_photo(seed: int, height: int = 48, width: int = 64) -> npt.NDArray[np.float32]:
    """Linear ProPhoto, 0..1: soft waves of colour, about half of which sRGB cannot hold."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    planes = []
    for _ in range(3):
        across, down, phase = rng.uniform(-9, 9), rng.uniform(-9, 9), rng.uniform(0, 6)
        planes.append(0.5 + 0.48 * np.sin(across * x + down * y + phase))
    return (np.stack(planes, -1) ** 2).astype(np.float32)


def write_untagged(path: Path, linear: npt.NDArray[np.float32]) -> None:
    """Write a 16-bit PNG of encoded ProPhoto without a profile: the GE data set's layout."""
    codes = np.rint(PROPHOTO.encode(linear) * 65535).astype(np.uint16)
    path.write_bytes(imagecodecs.png_encode(codes))


@pytest.fixture(scope="session")
def wide_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six wide-gamut photos."""
    folder = tmp_path_factory.mktemp("wide")
    for seed in range(6):
        write_untagged(folder / f"scene{seed:02d}.png", wide_photo(seed))
    return folder


@pytest.fixture(scope="session")
def manifest(wide_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The same photos, prepared."""
    return prepare([wide_folder], tmp_path_factory.mktemp("cache"))


def network_in(path: Path, codes: Codes | None = None) -> FittedGamutMlp:
    """Return the network that a file carries, for its photo or for other codes."""
    photo = read(path).srgb_codes() if codes is None else codes
    assert photo is not None
    return Embedded().bound(Subject(ArraySource(photo), carried_bytes(path), str(path)))
