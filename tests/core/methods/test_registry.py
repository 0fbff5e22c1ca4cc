"""Methods by name, by file, and from other packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import core
from core.engine.expansion import expand
from core.engine.method import Needs, Place, Subject, WindowMethod
from core.engine.tiling import ArraySource
from core.errors import PhotoError
from core.gamut import naive_inversion
from core.methods import registry
from core.network.letnet import BOX
from core.network.models import random_model, to_bytes
from tests.core.conftest import wide_photo, write_untagged

PACKAGE = '''
import core
from core.gamut import naive_inversion


class Brighter(core.WindowMethod):
    """Half as far again from black, wherever something was clipped."""

    name = "brighter"
    summary = "Makes clipped pixels brighter"
    parameters = 1
    halo = 8

    def estimate(self, window, place, settings):
        return 1.5 * naive_inversion(window)


class Broken(core.WindowMethod):
    def __init__(self):
        raise RuntimeError("its weights are missing")

    def estimate(self, window, place, settings):
        raise NotImplementedError
'''
POINTS = """[gamut.methods]
brighter = gamut_brighter:Brighter
broken = gamut_brighter:Broken
naive = gamut_brighter:Brighter
number = math:sqrt
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with a package that adds methods, installed by pip."""
    folder = tmp_path_factory.mktemp("other")
    wheel = folder / "gamut_brighter-1.0-py3-none-any.whl"
    info = "gamut_brighter-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gamut_brighter.py", PACKAGE)
        archive.writestr(f"{info}/entry_points.txt", POINTS)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: gamut-brighter\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    place = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(place), str(wheel)], check=True)
    root = Path(core.__file__).parents[1]
    return {**os.environ, "PYTHONPATH": f"{place}{os.pathsep}{root}", "OMP_NUM_THREADS": "1"}


def gamut(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "core.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_methods_of_another_package_are_listed(installed: dict[str, str]) -> None:
    answer = gamut(installed, "methods", "--json")
    report = json.loads(answer.stdout)
    found = {row["name"]: row for row in report["methods"]}
    assert found["brighter"] == {
        "name": "brighter",
        "summary": "Makes clipped pixels brighter",
        "needs": "nothing",
        "parameters": 1,
        "payload_size": 0,
        "trained": True,
    }
    assert found["naive"]["summary"].startswith("Naive inversion"), "a taken name stays ours"
    assert answer.returncode == 1
    errors = {row["name"]: row["error"] for row in report["failed"]}
    assert "its weights are missing" in errors["broken"]
    assert "number" in errors
    assert "Traceback" not in answer.stderr


def test_they_are_evaluated_like_ours(installed: dict[str, str], tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    write_untagged(photos / "wide.png", wide_photo(1))
    report = tmp_path / "rows.json"
    answer = gamut(
        installed,
        *("evaluate", "brighter", "--photos", str(photos), "--styles", "as-is"),
        *("--no-perceptual", "--json", str(report)),
    )
    assert answer.returncode == 0, answer.stderr
    rows = {row["method"]: row for row in json.loads(report.read_text())}
    assert rows.keys() == {"naive", "brighter"}
    assert rows["brighter"]["kept"] == 1.0
    assert rows["brighter"]["gain"]["all"] != 0.0


def test_napari_offers_them(installed: dict[str, str]) -> None:
    code = "from napari_gamut.requests import method_choices; print(method_choices())"
    answer = subprocess.run(
        [sys.executable, "-c", code], env=installed, capture_output=True, text=True, check=True
    )
    assert "('brighter (gamut-brighter)', 'brighter')" in answer.stdout
    assert "gamut-mlp" not in answer.stdout, "which needs the original"


WITHOUT_WEIGHTS = ("naive", "embedded", "sampled", "soft-clip")


class Doubled(WindowMethod):
    name = "doubled"
    summary = "for the test"
    halo = 3

    def __init__(self) -> None:
        self.places: list[tuple[Place, tuple[int, ...]]] = []

    def estimate(self, window, place, settings):  # type: ignore[no-untyped-def]
        self.places.append((place, window.shape))
        return 2.0 * naive_inversion(window)


def test_a_window_method_sees_each_tile_with_its_halo() -> None:
    codes = np.full((70, 130, 3), 255, np.uint8)
    codes[..., 1] = 40
    method = Doubled()
    result = expand(codes, method, core.ExpansionSettings(tile=64))
    assert [(p.top, p.left, *shape[:2]) for p, shape in method.places] == [
        *((0, 0, 67, 67), (0, 61, 67, 69), (0, 125, 67, 5)),
        *((61, 0, 9, 67), (61, 61, 9, 69), (61, 125, 9, 5)),
    ]
    assert {(p.photo_height, p.photo_width) for p, _ in method.places} == {(70, 130)}
    assert result.model == "doubled"
    assert (result.values != expand(codes, registry.method("naive")).values).any(-1).all()


def test_every_built_in_method_says_what_it_is() -> None:
    for name, entry in registry.entries().items():
        method = entry.load()
        assert method.name == name
        assert method.summary
        assert entry.needs_original is (method.needs is Needs.ORIGINAL)
        assert (method.parameters > 0) is (name not in WITHOUT_WEIGHTS)


def test_the_default_comes_first() -> None:
    assert next(iter(registry.entries())) == registry.DEFAULT


def test_weights_are_found_by_their_path(tmp_path: Path) -> None:
    model = random_model(BOX)
    path = tmp_path / "mine.safetensors"
    path.write_bytes(to_bytes(model.network, model.descriptor))
    method = registry.method(path)
    assert (method.name, method.needs) == (model.name, Needs.WEIGHTS)
    first, second = registry.methods([path, "naive"])
    assert (first.name, second.name) == (model.name, "naive")


def test_networks_of_one_name_are_called_by_their_files(tmp_path: Path) -> None:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for path in paths:
        model = random_model(BOX)
        path.write_bytes(to_bytes(model.network, model.descriptor))
    assert [method.name for method in registry.methods(paths)] == [str(path) for path in paths]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [(["gpt"], "no method named 'gpt'"), (["naive", "naive"], "given twice")],
)
def test_what_does_not_exist_is_refused(names: list[str], sentence: str) -> None:
    with pytest.raises(PhotoError, match=sentence):
        registry.methods(names)


def test_a_method_that_needs_more_than_codes_says_so() -> None:
    codes = np.full((4, 4, 3), 255, np.uint8)
    with pytest.raises(PhotoError, match="wide-gamut original"):
        expand(codes, registry.method("gamut-mlp"))
    with pytest.raises(PhotoError, match="carry no network"):
        expand(codes, registry.method("embedded"))
    with pytest.raises(PhotoError, match="carries no network of its own"):
        registry.method("embedded").bound(Subject(ArraySource(codes), origin="a.png"))
