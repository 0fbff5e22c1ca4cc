import dataclasses
import pickle
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.colour import ADOBE_RGB, PROPHOTO, SRGB, WIDE_SPACES, ColourSpace, convert
from core.engine.devices import device_named
from core.engine.expansion import (
    ExpansionSettings,
    expand,
    expand_bands,
)
from core.engine.finishing import finish
from core.engine.method import Place, WindowMethod
from core.engine.tiling import ArraySource
from core.errors import PhotoError
from core.gamut import Codes, clipped_mask, naive_inversion, reduce
from core.methods import letnet
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.network.letnet import BOX, PAPER, LetNetConfig
from core.network.models import Model, random_model
from core.network.solver import SolverSettings, Status
from core.source_gamut import SOURCES

CPU = ExpansionSettings(device="cpu", tile=64, solver=SolverSettings(max_steps=4))
SMALL_BOX = replace(BOX, channels=8)
SMALL_PAPER = replace(PAPER, channels=8)


def extreme_codes(rng: np.random.Generator, shape: tuple[int, int], depth: int) -> Codes:
    """Random codes with many at the two ends of the range."""
    top = 2**depth - 1
    codes = rng.integers(0, top + 1, (*shape, 3))
    ends = rng.random((*shape, 3))
    codes[ends < 0.3] = 0
    codes[ends > 0.8] = top
    return codes.astype(np.uint8 if depth == 8 else np.uint16)


@pytest.fixture(scope="module", params=[SMALL_BOX, SMALL_PAPER], ids=["box", "paper"])
def model(request: pytest.FixtureRequest) -> Model:
    return LetNetMethod(random_model(request.param, seed=1, scale=20.0))


@pytest.mark.parametrize("source", [None, *SOURCES])
@pytest.mark.parametrize("space", WIDE_SPACES.values())
def test_settings_mean_the_same_in_another_process(
    space: ColourSpace, source: ColourSpace | None
) -> None:
    codes = extreme_codes(np.random.default_rng(4), (24, 40), 8)
    method = LetNetMethod(random_model(SMALL_BOX, seed=1, scale=20.0))
    here = replace(CPU, space=space, source=source)
    there = pickle.loads(pickle.dumps(here))
    assert there.space is not here.space
    np.testing.assert_array_equal(
        expand(codes, method, there).values, expand(codes, method, here).values
    )


@settings(max_examples=25)
@given(
    data=st.data(),
    depth=st.sampled_from([8, 16]),
    space=st.sampled_from(list(WIDE_SPACES)),
    scale=st.sampled_from([0.1, 10.0, 1e6]),
    config=st.sampled_from([SMALL_BOX, SMALL_PAPER]),
)
def test_reducing_any_expansion_gives_back_the_codes(
    data: st.DataObject, depth: int, space: str, scale: float, config: object
) -> None:
    kind = np.uint8 if depth == 8 else np.uint16
    shape = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3)))
    top = 2**depth - 1
    elements = st.one_of(st.sampled_from([0, top]), st.integers(0, top))
    codes = data.draw(hnp.arrays(kind, shape, elements=elements))
    weights = LetNetMethod(random_model(config, seed=data.draw(st.integers(0, 3)), scale=scale))
    wide = WIDE_SPACES[space]
    values = expand(codes, weights, dataclasses.replace(CPU, space=wide)).values
    assert np.isfinite(values).all()
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert np.array_equal(reduce(convert(values, wide, SRGB), depth), codes)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("space", list(WIDE_SPACES))
def test_the_round_trip_holds_over_many_tiles(model: Model, depth: int, space: str) -> None:
    codes = extreme_codes(np.random.default_rng(depth), (150, 201), depth)
    result = expand(codes, model, dataclasses.replace(CPU, space=WIDE_SPACES[space]))
    assert len(result.tiles) == 12
    back = reduce(convert(result.values, WIDE_SPACES[space], SRGB), depth)
    assert np.array_equal(back, codes)


def test_pixels_that_lost_nothing_equal_the_naive_inversion(model: Model) -> None:
    codes = extreme_codes(np.random.default_rng(3), (90, 110), 8)
    result = expand(codes, model, CPU)
    naive = np.clip(convert(naive_inversion(codes), SRGB, PROPHOTO), 0.0, 1.0)
    kept = ~clipped_mask(codes)
    assert np.array_equal(result.clipped, ~kept)
    assert np.array_equal(result.values[kept], naive[kept])
    assert not np.array_equal(result.values, naive)


def test_without_a_model_the_result_is_the_naive_inversion() -> None:
    codes = extreme_codes(np.random.default_rng(4), (70, 80), 8)
    result = expand(codes, NaiveInversion(), CPU)
    expected = np.clip(convert(naive_inversion(codes), SRGB, PROPHOTO), 0.0, 1.0)
    assert np.array_equal(result.values, expected)
    assert (result.model, result.tiles) == ("naive", ())


def test_a_small_space_keeps_the_gain_of_the_channels_that_it_can_hold() -> None:
    """Adobe RGB shares sRGB's red and blue: it holds reds above 1, but no green below 0."""
    codes = np.array([[[255, 0, 40]]], np.uint8)
    naive = naive_inversion(codes)
    scene = naive + np.float32([0.2, -0.05, 0.0])
    adobe = dataclasses.replace(CPU, space=ADOBE_RGB)
    back = convert(finish(codes, scene, clipped_mask(codes), adobe), ADOBE_RGB, SRGB)
    assert back[0, 0, 0] > 1.15
    assert np.array_equal(reduce(back), codes)


def test_only_tiles_with_a_clipped_pixel_are_solved(model: Model) -> None:
    codes = np.full((200, 200, 3), 100, np.uint8)
    codes[70, 130, 0] = 0
    (tile,) = expand(codes, model, CPU).tiles
    assert (tile.top, tile.left, tile.height, tile.width) == (64, 128, 64, 64)
    assert 1 <= tile.steps <= 4


def test_a_photo_that_lost_nothing_is_not_solved_at_all(model: Model) -> None:
    codes = np.full((80, 80, 3), 100, np.uint8)
    assert expand(codes, model, CPU).tiles == ()


def test_strength_scales_what_is_restored(model: Model) -> None:
    codes = extreme_codes(np.random.default_rng(5), (64, 64), 8)
    none, half, full = (
        expand(codes, model, dataclasses.replace(CPU, strength=s)).values for s in (0.0, 0.5, 1.0)
    )
    naive = expand(codes, NaiveInversion(), CPU).values
    assert np.allclose(none, naive, atol=1e-6)
    assert np.abs(half - naive).sum() < np.abs(full - naive).sum()


def test_the_papers_way_changes_all_pixels() -> None:
    codes = np.full((64, 64, 3), 100, np.uint8)
    model = LetNetMethod(random_model(SMALL_PAPER, scale=1.0))
    plain = dataclasses.replace(CPU, project=False, adaptation="CAT02")
    result = expand(codes, model, plain)
    assert len(result.tiles) == 1
    assert not np.allclose(result.values, expand(codes, NaiveInversion(), plain).values, atol=1e-5)


def test_codes_of_a_lossy_file_stay_within_the_tolerance(model: Model) -> None:
    codes = extreme_codes(np.random.default_rng(6), (64, 64), 8)
    values = expand(codes, model, dataclasses.replace(CPU, tolerance=3.0)).values
    back = reduce(convert(values, PROPHOTO, SRGB)).astype(int)
    moved = np.abs(back - codes.astype(int))
    assert moved.max() <= 3
    assert moved.max() > 0


def test_the_noise_of_a_lossy_file_makes_no_steps() -> None:
    """Between a code that is taken for clipped and one that is not, the colour glides."""
    codes = np.full((32, 32, 3), 120, np.uint8)
    codes[..., 2] = np.arange(32)[None] // 4
    model = LetNetMethod(random_model(SMALL_BOX, scale=0.01))
    values = expand(codes, model, dataclasses.replace(CPU, tolerance=6.0)).values
    naive = expand(codes, NaiveInversion(), CPU).values
    step = np.abs(values - naive)[8:24, 2:-2:4].max((0, 2))
    assert step[0] > 0.0
    assert step[5] == pytest.approx(step[4] / 2, rel=0.35)
    assert step[6] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("config", [BOX, PAPER], ids=["box", "paper"])
def test_tiles_make_no_seams(config: object) -> None:
    """Below one 16-bit code, at a tight tolerance: with held attention tiles see the same photo."""
    model = LetNetMethod(random_model(config, seed=2, scale=1.0))
    codes = np.kron(
        extreme_codes(np.random.default_rng(7), (24, 24), 8), np.ones((8, 8, 1), np.uint8)
    )
    tight = SolverSettings(max_steps=40, tolerance=1e-7)
    whole = expand(codes, model, dataclasses.replace(CPU, solver=tight, tile=512)).values
    tiled = expand(codes, model, dataclasses.replace(CPU, solver=tight, tile=64, halo=48)).values
    difference = np.abs(PROPHOTO.encode(whole) - PROPHOTO.encode(tiled)) * 65535
    assert difference.max() < 1.0
    apart = expand(codes, model, dataclasses.replace(CPU, solver=tight, tile=64, halo=0)).values
    assert np.abs(PROPHOTO.encode(whole) - PROPHOTO.encode(apart)).max() * 65535 > 1.0


@pytest.mark.parametrize("config", [BOX, PAPER], ids=["box", "paper"])
def test_pieces_around_clipped_pixels_give_what_whole_tiles_give(config: LetNetConfig) -> None:
    """Below one 16-bit code, near what float32 resolves; batches of tiles are not cut."""
    model = LetNetMethod(random_model(config, seed=2, scale=1.0))
    codes = np.random.default_rng(7).integers(1, 255, (320, 330, 3)).astype(np.uint8)
    codes[10:14, 20:30] = codes[200, 300] = codes[315, 160:164] = (0, 255, 90)
    tight = dataclasses.replace(
        CPU, solver=SolverSettings(max_steps=40, tolerance=1e-6), tile=512, halo=48
    )
    cut = expand(codes, model, tight)
    whole = expand(codes, model, dataclasses.replace(tight, batch=2))
    difference = np.abs(PROPHOTO.encode(whole.values) - PROPHOTO.encode(cut.values)) * 65535
    assert 0.0 < difference.max() < 1.0
    (report,) = cut.tiles
    assert (report.height, report.width, report.status) == (320, 330, Status.CONVERGED)
    near = dataclasses.replace(tight, halo=0)
    apart = expand(codes, model, near).values
    assert np.abs(PROPHOTO.encode(whole.values) - PROPHOTO.encode(apart)).max() * 65535 > 1.0


def test_only_the_surroundings_of_clipped_pixels_are_estimated() -> None:
    class Listening(WindowMethod):
        name, summary, halo = "listening", "", 32
        seen: ClassVar[list[tuple[Place, tuple[int, ...]]]] = []

        def estimate(self, window: Codes, place: Place, settings: ExpansionSettings) -> np.ndarray:
            self.seen.append((place, window.shape))
            return naive_inversion(window) + np.float32(0.1)

    codes = np.full((512, 1000, 3), 100, np.uint8)
    codes[100, 100] = codes[400, 700] = (0, 9, 9)
    result = expand(codes, Listening(), dataclasses.replace(CPU, tile=512))
    assert Listening.seen == [
        (Place(64, 64, 512, 1000), (80, 80, 3)),
        (Place(368, 656, 512, 1000), (80, 80, 3)),
    ]
    assert [tile.left for tile in result.tiles] == [0, 512]
    naive = expand(codes, NaiveInversion(), CPU).values
    assert set(zip(*np.nonzero((result.values != naive).any(-1)), strict=True)) == {
        (100, 100),
        (400, 700),
    }


def test_batches_of_tiles_give_what_single_tiles_give(model: Model) -> None:
    codes = extreme_codes(np.random.default_rng(8), (130, 300), 8)
    one = expand(codes, model, CPU)
    many = expand(codes, model, dataclasses.replace(CPU, batch=4))
    assert np.allclose(one.values, many.values, atol=2e-5)
    assert [tile.left for tile in one.tiles] == [tile.left for tile in many.tiles]


def test_bfloat16_is_close_to_float32() -> None:
    model = LetNetMethod(random_model(SMALL_BOX, scale=1.0))
    codes = extreme_codes(np.random.default_rng(9), (64, 64), 8)
    exact = expand(codes, model, CPU).values
    quick = expand(codes, model, dataclasses.replace(CPU, precision="bfloat16")).values
    assert 0.0 < np.abs(exact - quick).max() < 0.05


def test_bfloat16_does_not_iterate_below_its_own_rounding() -> None:
    model = LetNetMethod(random_model(SMALL_BOX, scale=1.0))
    codes = extreme_codes(np.random.default_rng(9), (64, 64), 8)
    tight = SolverSettings(max_steps=50, tolerance=1e-7)
    quick = dataclasses.replace(CPU, precision="bfloat16", solver=tight)
    (tile,) = expand(codes, model, quick).tiles
    assert tile.status is Status.CONVERGED
    assert tile.steps < 50


@pytest.mark.parametrize("mode", ["recurrent", "plain"])
def test_a_network_without_a_solver_does_not_fail_to_converge(
    mode: Literal["recurrent", "plain"],
) -> None:
    codes = extreme_codes(np.random.default_rng(13), (64, 64), 8)
    unrolled = LetNetMethod(random_model(LetNetConfig(channels=8, mode=mode)))
    (tile,) = expand(codes, unrolled, CPU).tiles
    assert tile.status is Status.NOT_SOUGHT
    assert not tile.status.failed


def test_another_device_gets_a_copy_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letnet, "device_named", lambda _: torch.device("meta"))
    model = random_model(SMALL_BOX)
    source = ArraySource(extreme_codes(np.random.default_rng(14), (64, 64), 8))
    work = letnet.NetworkAtWork(model, source, CPU)
    assert {weight.device.type for weight in work.network.parameters()} == {"meta"}
    assert {weight.device.type for weight in model.network.parameters()} == {"cpu"}


def test_bands_report_every_tile_and_come_from_top_to_bottom(model: Model) -> None:
    codes = extreme_codes(np.random.default_rng(10), (150, 150), 8)
    bands = list(expand_bands(ArraySource(codes), model, CPU))
    assert [band.done for band in bands if band.values is None] == list(range(1, 10))
    assert all(band.total == 9 for band in bands)
    finished = [band for band in bands if band.values is not None]
    assert [band.top for band in finished] == [0, 64, 128]
    assert sum(len(band.tiles) for band in finished) == 9
    assert all(tile.status in Status for band in finished for tile in band.tiles)


def test_closing_the_generator_cancels() -> None:
    class Counting(ArraySource):
        asked: list[int]

        def rows(self, start: int, stop: int) -> Codes:
            if stop - start > 1:  # Single rows are sampled for the photo's statistics.
                self.asked.append(stop)
            return super().rows(start, stop)

    source = Counting(extreme_codes(np.random.default_rng(11), (640, 64), 8))
    object.__setattr__(source, "asked", [])
    model = LetNetMethod(random_model(SMALL_BOX))
    work = expand_bands(source, model, CPU)
    next(work)
    work.close()
    # It read what the first tiles look at, and nothing of the rest.
    assert 0 < max(source.asked) < 640


def test_progress_ends_with_all_tiles(model: Model) -> None:
    codes = extreme_codes(np.random.default_rng(12), (100, 100), 8)
    seen: list[tuple[int, int]] = []
    expand(codes, model, CPU, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (np.zeros((4, 4), np.uint8), "shape"),
        (np.zeros((4, 4, 4), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros((4, 4, 3), np.float32), "8 or 16 bits"),
        (np.zeros((4, 4, 3), np.int16), "8 or 16 bits"),
    ],
)
def test_what_is_no_srgb_photo_is_refused(codes: np.ndarray, sentence: str) -> None:
    with pytest.raises(PhotoError, match=sentence):
        expand(codes, NaiveInversion(), CPU)


@pytest.mark.parametrize(
    "change",
    [
        {"space": SRGB},
        {"tolerance": -1.0},
        {"strength": 2.5},
        {"tile": 8},
        {"halo": -1},
        {"batch": 0},
        {"precision": "float16"},
    ],
)
def test_a_setting_out_of_range_is_named(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        ExpansionSettings(**change)


def test_a_missing_device_is_a_sentence() -> None:
    with pytest.raises(PhotoError, match="no device"):
        device_named("cuda:7" if not torch.cuda.is_available() else "hip:9")


@settings(deadline=None, max_examples=60)
@given(data=st.data(), source=st.sampled_from(SOURCES), space=st.sampled_from(sorted(WIDE_SPACES)))
def test_a_source_gamut_limits_what_is_restored_and_keeps_the_codes(
    data: st.DataObject, source: ColourSpace, space: str
) -> None:
    kind = data.draw(st.sampled_from([np.uint8, np.uint16]))
    most = np.iinfo(kind).max
    elements = st.one_of(st.sampled_from([0, most]), st.integers(0, most))
    codes = data.draw(hnp.arrays(kind, (3, 5, 3), elements=elements))
    reach = data.draw(st.sampled_from([0.1, 1.0, 1e5]))
    scene = naive_inversion(codes) + data.draw(
        hnp.arrays(np.float32, codes.shape, elements=st.floats(-1, 1, width=32))
    ) * np.float32(reach)
    wide = WIDE_SPACES[space]
    limited = dataclasses.replace(CPU, source=source, space=wide)
    values = finish(codes, scene, clipped_mask(codes), limited)
    back = convert(values, wide, SRGB)
    assert np.array_equal(reduce(back, 8 if kind is np.uint8 else 16), codes)
    inside = convert(back, SRGB, source)
    assert inside.min() >= -3e-6
    assert inside.max() <= 1.0 + 3e-6


def test_a_source_that_does_not_hold_srgb_is_refused() -> None:
    narrow = dataclasses.replace(
        PROPHOTO, key="narrow", primaries=((0.5, 0.3), (0.3, 0.5), (0.2, 0.1))
    )
    for source in (SRGB, narrow):
        with pytest.raises(ValueError, match="source"):
            ExpansionSettings(source=source)
