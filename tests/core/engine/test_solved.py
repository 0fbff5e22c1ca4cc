import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from core.colour import ACESCG, ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SRGB, convert
from core.engine.expansion import ExpansionSettings, expand
from core.engine.method import Method, Place, WindowMethod
from core.engine.solved import SolvedPhoto, kept_bytes, photo_solve, solve_photo
from core.errors import PhotoError
from core.gamut import Codes, FloatImage, clipped_mask, naive_inversion, reduce
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.network.letnet import BOX, PAPER
from core.network.models import random_model
from core.network.solver import SolverSettings
from core.progress import finished

CPU = ExpansionSettings(device="cpu", tile=64, solver=SolverSettings(max_steps=4))
UNTOLD = LetNetMethod(random_model(replace(BOX, channels=8, told=False), seed=1, scale=20.0))
TOLD = LetNetMethod(random_model(replace(BOX, channels=8), seed=1, scale=20.0))
RESIDUAL = LetNetMethod(random_model(replace(PAPER, channels=8), seed=1, scale=20.0))


class Constant(WindowMethod):
    """Adds the same step to every pixel; may look at anything, so far as the engine knows."""

    name, summary = "constant", "a step"

    def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> FloatImage:
        return naive_inversion(window) + np.float32([0.4, -0.3, 0.2])


def codes_of(depth: int, shape: tuple[int, int] = (150, 201), seed: int = 0) -> Codes:
    rng = np.random.default_rng(seed)
    top = 2**depth - 1
    codes = rng.integers(0, top + 1, (*shape, 3))
    ends = rng.random((*shape, 3))
    codes[ends < 0.1] = 0
    codes[ends > 0.95] = top
    return codes.astype(np.uint8 if depth == 8 else np.uint16)


SETTINGS = [
    {"strength": 0.0},
    {"strength": 0.35},
    {"strength": 2.0, "space": DISPLAY_P3},
    {"space": ACESCG},
    {"space": ADOBE_RGB, "adaptation": "CAT02"},
    {"source": DISPLAY_P3},
    {"source": ADOBE_RGB, "space": REC2020, "strength": 1.5},
]


@pytest.mark.parametrize("tolerance", [0.0, 6.0])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    "method",
    [UNTOLD, RESIDUAL, NaiveInversion()],
    ids=["box", "residual", "naive"],
)
def test_a_kept_solve_finishes_exactly_as_a_new_expansion(
    method: Method, depth: int, tolerance: float
) -> None:
    codes = codes_of(depth)
    solved_with = replace(CPU, tolerance=tolerance)
    kept = solve_photo(codes, method, solved_with)
    for change in SETTINGS:
        wanted = dataclasses.replace(solved_with, **change)  # type: ignore[arg-type]
        assert kept.serves(wanted)
        fresh = expand(codes, method, wanted)
        assert np.array_equal(kept.finish(wanted), fresh.values), change
    assert [tile.left for tile in kept.tiles] == [tile.left for tile in fresh.tiles]
    assert np.array_equal(kept.clipped, fresh.clipped)


def test_a_source_gamut_changes_what_is_finished() -> None:
    """Else the test above could not fail."""
    kept = solve_photo(codes_of(8), UNTOLD, CPU)
    plain, limited = kept.finish(), kept.finish(replace(CPU, source=DISPLAY_P3))
    assert np.abs(plain - limited).max() > 0.01


def test_a_network_that_is_told_the_source_needs_a_new_solve() -> None:
    codes = codes_of(8)
    kept = solve_photo(codes, TOLD, replace(CPU, source=DISPLAY_P3))
    assert kept.told
    other = replace(CPU, source=ADOBE_RGB)
    assert not kept.serves(other)
    with pytest.raises(ValueError, match="new solve"):
        kept.finish(other)
    weaker = replace(CPU, source=DISPLAY_P3, strength=0.5, space=DISPLAY_P3)
    assert np.array_equal(kept.finish(weaker), expand(codes, TOLD, weaker).values)


def test_any_method_of_windows_is_taken_to_look_at_the_source() -> None:
    kept = solve_photo(codes_of(8), Constant(), CPU)
    assert not kept.serves(replace(CPU, source=DISPLAY_P3))
    half = replace(CPU, strength=0.5)
    assert np.array_equal(kept.finish(half), expand(codes_of(8), Constant(), half).values)


@pytest.mark.parametrize(
    "change",
    [
        {"tolerance": 3.0},
        {"project": False},
        {"tile": 128},
        {"halo": 0},
        {"solver": SolverSettings(max_steps=5)},
        {"precision": "bfloat16"},
    ],
)
def test_what_is_part_of_the_solve_needs_a_new_one(change: dict[str, object]) -> None:
    kept = solve_photo(codes_of(8), UNTOLD, CPU)
    assert not kept.serves(dataclasses.replace(CPU, **change))  # type: ignore[arg-type]


def test_without_a_projection_every_pixel_is_kept() -> None:
    codes = codes_of(8)
    plain = replace(CPU, project=False)
    kept = solve_photo(codes, RESIDUAL, plain)
    for wanted in (plain, replace(plain, strength=0.5, space=DISPLAY_P3)):
        assert np.array_equal(kept.finish(wanted), expand(codes, RESIDUAL, wanted).values)
    assert kept.nbytes == kept_bytes(codes, plain) == 13 * 150 * 201


def test_rows_are_those_of_the_whole() -> None:
    kept = solve_photo(codes_of(8), UNTOLD, CPU)
    wanted = replace(CPU, strength=0.7, space=DISPLAY_P3)
    whole = kept.finish(wanted)
    for start, stop in [(0, 150), (0, 1), (149, 150), (40, 41), (63, 65), (10, 140), (7, 7)]:
        assert np.array_equal(kept.rows(start, stop, wanted), whole[start:stop])
    assert [(top, len(values)) for top, values in kept.bands()] == [(0, 64), (64, 64), (128, 22)]
    assert np.array_equal(np.concatenate([v for _, v in kept.bands(wanted)]), whole)
    with pytest.raises(ValueError, match="Rows 140 to 151"):
        kept.rows(140, 151)


def test_an_earlier_result_is_brought_up_to_date() -> None:
    kept = solve_photo(codes_of(8), UNTOLD, CPU)
    values = kept.finish(CPU)
    address = values.ctypes.data
    for strength in (0.2, 1.7):
        wanted = replace(CPU, strength=strength)
        again = kept.finish(wanted, out=values)
        assert again.ctypes.data == address
        assert np.array_equal(again, kept.finish(wanted))


def test_the_guarantee_holds_whatever_is_finished() -> None:
    codes = codes_of(8)
    kept = solve_photo(codes, UNTOLD, CPU)
    for change in SETTINGS:
        wanted = dataclasses.replace(CPU, **change)  # type: ignore[arg-type]
        back = convert(kept.finish(wanted), wanted.space, SRGB, wanted.adaptation)
        assert np.array_equal(reduce(back), codes)


def test_the_memory_is_known_before_and_bounded() -> None:
    codes = codes_of(8)
    kept = solve_photo(codes, UNTOLD, CPU)
    clipped = int(clipped_mask(codes).sum())
    assert kept.nbytes == kept_bytes(codes) == 150 * 201 + 12 * clipped
    with pytest.raises(PhotoError, match="smaller copy"):
        solve_photo(codes, UNTOLD, CPU, most=kept.nbytes - 1)
    assert isinstance(solve_photo(codes, UNTOLD, CPU, most=kept.nbytes), SolvedPhoto)


def test_a_photo_that_lost_nothing_keeps_next_to_nothing() -> None:
    codes = np.full((70, 80, 3), 100, np.uint8)
    kept = solve_photo(codes, UNTOLD, CPU)
    assert kept.nbytes == 70 * 80
    expected = np.clip(convert(naive_inversion(codes), SRGB, PROPHOTO), 0.0, 1.0)
    assert np.array_equal(kept.finish(), expected)


def test_progress_is_that_of_an_expansion_and_closing_cancels() -> None:
    seen: list[tuple[int, int]] = []
    solve_photo(codes_of(8), UNTOLD, CPU, progress=lambda *step: seen.append(step))
    assert seen[-1] == (12, 12)
    work = photo_solve(codes_of(8), UNTOLD, CPU)
    assert next(work) == (1, 12)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


@pytest.mark.parametrize("method", [UNTOLD, RESIDUAL], ids=["box", "residual"])
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(None), slice(None)),
        (slice(None, None, 7), slice(None, None, 7)),
        (slice(61, 140, 3), slice(5, 200, 2)),
        (slice(70, 71), slice(0, 1)),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_some_pixels_are_finished_as_those_of_the_whole(
    method: Method, rows: slice, columns: slice, weighted: bool
) -> None:
    codes = codes_of(8)
    weight = None
    if weighted:
        weight = np.linspace(0.0, 1.0, codes.shape[0] * codes.shape[1], dtype=np.float32)
        weight = weight.reshape(codes.shape[:2])
    solved = finished(photo_solve(codes, method, CPU, weight=weight))
    part = solved.thinned(rows, columns)
    assert np.array_equal(part.codes, codes[rows, columns])
    for changes in SETTINGS[:3]:
        settings = replace(solved.settings, **changes)
        whole = solved.finish(settings)[rows, columns]
        assert np.allclose(part.finish(settings), whole, atol=1e-6)
