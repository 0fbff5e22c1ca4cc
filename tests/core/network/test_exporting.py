"""What another program computes with the exported graphs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

from core.cli import main
from core.colour import DISPLAY_P3, PROPHOTO
from core.engine.expansion import ExpansionSettings, expand
from core.engine.finishing import finish
from core.errors import PhotoError
from core.gamut import clipped_mask
from core.methods.letnet import LetNetMethod
from core.network.exporting import export_onnx
from core.network.letnet import BOX, PAPER, LetNetConfig, positions
from core.network.models import Model, random_model
from core.network.solver import SolverSettings
from core.network.statistics import photo_statistics
from core.source_gamut import SOURCES, told

if TYPE_CHECKING:
    from pathlib import Path

    from core.gamut import Codes

# The exporter uses what its own next version will not.
pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 4  # More than what is remembered, so that something is forgotten.
CONFIGS = {"box": replace(BOX, channels=8), "paper": replace(PAPER, channels=8)}


def codes_of(height: int, width: int) -> Codes:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 256, (height, width, 3))
    codes[rng.random(codes.shape) < 0.2] = 0
    codes[rng.random(codes.shape) < 0.1] = 255
    return codes.astype(np.uint8)


@pytest.fixture(scope="module", params=CONFIGS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Model, Path]:
    """A network and the folder of its graphs."""
    model = random_model(CONFIGS[request.param], seed=2, scale=1.0)
    solver = SolverSettings(max_steps=STEPS, tolerance=0.0, memory=2)
    model = replace(model, descriptor=replace(model.descriptor, solver=solver))
    folder = tmp_path_factory.mktemp(request.param)
    export_onnx(model, folder / "n.onnx", STEPS)
    return model, folder


def run(path: Path, **inputs: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(path)
    names = [one.name for one in session.get_inputs()]
    return session.run(None, {name: inputs[name] for name in names})


def inputs_of(codes: Codes, config: LetNetConfig, tolerance: float) -> dict[str, Any]:
    size = codes.shape[:2]
    return {
        "encoded": np.moveaxis(codes / np.float32(255), -1, 0)[None].astype(np.float32),
        "tolerance": np.float32([tolerance]),
        "source": told(DISPLAY_P3)[None],
        "statistics": photo_statistics(codes, tolerance)[None],
        "positions": positions(0, 0, *size, *size)[None],
    }


@pytest.mark.parametrize("tolerance", [0.0, 6.0])
@pytest.mark.parametrize("size", [(40, 56), (24, 32)])
def test_the_graph_gives_what_the_engine_gives(
    exported: tuple[Model, Path], tolerance: float, size: tuple[int, int]
) -> None:
    """To within half an 8-bit code, finished as the engine does it."""
    model, folder = exported
    codes = codes_of(*size)
    (scene,) = run(folder / "n.onnx", **inputs_of(codes, model.network.config, tolerance))
    settings = ExpansionSettings(source=DISPLAY_P3, tolerance=tolerance, device="cpu")
    values = finish(codes, np.moveaxis(scene[0], 0, -1), clipped_mask(codes, tolerance), settings)
    expected = expand(codes, LetNetMethod(model), settings).values
    away = np.abs(PROPHOTO.encode(values) - PROPHOTO.encode(expected)) * 255
    assert away.max() < 0.5
    assert np.quantile(away, 0.99) < 0.05
    none = expand(codes, LetNetMethod(model), replace(settings, strength=0.0)).values
    assert np.abs(PROPHOTO.encode(none) - PROPHOTO.encode(expected)).max() * 255 > 5.0


def test_graphs_hold_nothing_that_can_be_left_out(exported: tuple[Model, Path]) -> None:
    """Neither functions nor constants that are computed, nor the same weights twice."""
    _, folder = exported
    for path in folder.glob("*.onnx"):
        model = onnx.load(path)
        assert not model.functions, path
        assert "Constant" not in {node.op_type for node in model.graph.node}, path
        held = [(i.data_type, tuple(i.dims), i.raw_data) for i in model.graph.initializer]
        assert len(set(held)) == len(held), path


def test_a_program_can_iterate_by_itself(exported: tuple[Model, Path]) -> None:
    model, folder = exported
    codes = codes_of(24, 40)
    inputs = inputs_of(codes, model.network.config, 0.0)
    start, *context = run(folder / "n-encoder.onnx", **inputs)
    parts = dict(zip(("features", "gate"), context, strict=False))
    state = start
    for _ in range(40):
        (state,) = run(folder / "n-cell.onnx", state=state, **parts)
    (scene,) = run(folder / "n-head.onnx", state=state, **inputs)
    settings = ExpansionSettings(
        source=DISPLAY_P3,
        device="cpu",
        solver=SolverSettings(method="picard", max_steps=40, tolerance=0.0),
    )
    values = finish(codes, np.moveaxis(scene[0], 0, -1), clipped_mask(codes), settings)
    expected = expand(codes, LetNetMethod(model), settings).values
    np.testing.assert_allclose(values, expected, atol=1e-3)


def test_the_photos_statistics_are_those_of_the_engine(exported: tuple[Model, Path]) -> None:
    model, folder = exported
    if model.network.config.attention != "photo":
        assert not (folder / "n-statistics.onnx").exists()
        return
    for tolerance in (0.0, 6.0):
        codes = codes_of(31, 45)
        inputs = inputs_of(codes[:30, :44], model.network.config, tolerance)
        (found,) = run(folder / "n-statistics.onnx", **inputs)
        np.testing.assert_allclose(found, inputs["statistics"], atol=1e-4)


def test_the_readme_names_every_input_and_output(exported: tuple[Model, Path]) -> None:
    model, folder = exported
    text = (folder / "n.md").read_text()
    whole = model.network.config.attention == "channel"
    assert ("hand it the whole photo" in text) is whole
    assert ("Tiles need a halo of" in text) is not whole
    for path in folder.glob("*.onnx"):
        session = onnxruntime.InferenceSession(path)
        assert path.name in text
        for one in (*session.get_inputs(), *session.get_outputs()):
            assert text.count(f"`{one.name}`") >= 2
    assert all(space.name in text for space in SOURCES)


def test_what_cannot_be_exported_is_a_sentence(tmp_path: Path) -> None:
    plain = random_model(replace(BOX, channels=8, mode="plain"))
    with pytest.raises(PhotoError, match="does not iterate"):
        export_onnx(plain, tmp_path / "a.onnx")
    box = random_model(CONFIGS["box"])
    with pytest.raises(PhotoError, match=r"end it in \.onnx"):
        export_onnx(box, tmp_path / "a.bin")
    (tmp_path / "a-cell.onnx").touch()
    with pytest.raises(PhotoError, match="exists"):
        export_onnx(box, tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a-cell.onnx"]
    assert main(["export", "--model", "absent", "--onnx", str(tmp_path / "b.onnx")]) == 2
