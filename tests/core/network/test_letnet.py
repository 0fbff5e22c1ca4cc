"""The network: its forms, what each part of it promises, and what tiles have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from core.colour import ADOBE_RGB, PROPHOTO, SRGB, ColourSpace, convert
from core.gamut import clipped_channels, naive_inversion
from core.network.letnet import (
    BOX,
    PAPER,
    Estimate,
    Inputs,
    LetNet,
    LetNetConfig,
    between,
    positions,
    reach_out,
)
from core.network.models import random_model
from core.network.solver import SolverSettings, Status
from core.network.statistics import photo_statistics
from core.source_gamut import SOURCES, told

TIGHT = SolverSettings(tolerance=1e-6, max_steps=100)
SMALL = LetNetConfig(channels=8)
SMALL_BOX = LetNetConfig(channels=8, scale=2, attention="photo", output="room")
MODES = ["implicit", "recurrent", "plain"]


def saturated_codes(photos: int, size: int, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    levels = random.normal(128, 110, (photos, size, size, 3))
    return np.clip(levels, 0, 255).astype(np.uint8)


def inputs_for(codes: Any, tolerance: float = 0.0) -> Inputs:
    count, height, width, _ = codes.shape
    statistics = np.stack([photo_statistics(photo, tolerance) for photo in codes])
    places = np.stack([positions(0, 0, height, width, height, width)] * count)
    return Inputs.from_codes(codes, statistics, places, tolerance)


def network_of(config: LetNetConfig, seed: int = 0) -> LetNet:
    """A network whose output is not yet that of naive inversion."""
    torch.manual_seed(seed)
    network = LetNet(config)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    return network


def estimate(config: LetNetConfig, codes: Any, settings: SolverSettings = TIGHT) -> Estimate:
    with torch.no_grad():
        answer: Estimate = network_of(config)(inputs_for(codes), settings)
    return answer


class TestForms:
    def test_the_papers_form_has_about_40_thousand_weights(self) -> None:
        assert LetNet(PAPER).parameters_count == 39_108

    def test_the_box_form_has_at_most_50_thousand(self) -> None:
        assert 30_000 < LetNet(BOX).parameters_count <= 50_000

    @pytest.mark.parametrize("config", [PAPER, BOX, SMALL, SMALL_BOX])
    @pytest.mark.parametrize("mode", MODES)
    def test_estimates_are_photos_like_the_input(self, config: LetNetConfig, mode: Any) -> None:
        codes = saturated_codes(2, 12)
        answer = estimate(replace(config, mode=mode), codes)
        assert answer.scene.shape == (2, 3, 12, 12)
        assert answer.scene.dtype == torch.float32
        assert answer.scene.isfinite().all()

    @pytest.mark.parametrize("config", [PAPER, BOX])
    def test_an_untrained_network_is_gentle(self, config: LetNetConfig) -> None:
        """Training starts at naive inversion, or at a small share of the room."""
        inputs = inputs_for(saturated_codes(1, 8))
        with torch.no_grad():
            scene = LetNet(config)(inputs).scene
        share = torch.sigmoid(torch.tensor(-2.0)) if config is BOX else torch.tensor(0.0)
        shares = share.expand_as(inputs.naive)
        expected = reach_out(inputs.naive, inputs.low, inputs.high, shares, inputs.source)
        torch.testing.assert_close(scene, expected)

    @pytest.mark.parametrize(
        "change",
        [
            {"channels": 12},
            {"scale": 2},
            {"activation": "relu"},
            {"activation": "sin"},
            {"injection": False},
            {"attention": "photo"},
            {"attention": "none"},
            {"output": "room"},
            {"mode": "recurrent", "steps": 2},
            {"mode": "plain"},
        ],
        ids=lambda change: "-".join(str(value) for value in next(iter(change.items()))),
    )
    def test_every_setting_changes_the_output(self, change: dict[str, Any]) -> None:
        codes = saturated_codes(1, 8)
        base = estimate(SMALL, codes).scene
        changed = estimate(replace(SMALL, **change), codes).scene
        assert float((base - changed).abs().max()) > 1e-4

    def test_the_steps_of_the_recurrent_mode_change_the_output(self) -> None:
        codes = saturated_codes(1, 8)
        scenes = [
            estimate(replace(SMALL, mode="recurrent", steps=steps), codes).scene
            for steps in (1, 3, 10)
        ]
        assert float((scenes[0] - scenes[1]).abs().max()) > 1e-4
        assert float((scenes[1] - scenes[2]).abs().max()) > 1e-6

    def test_channel_attention_changes_the_output(self) -> None:
        codes = saturated_codes(1, 8)
        network = network_of(SMALL)
        inputs = inputs_for(codes)
        with torch.no_grad():
            held = network(inputs, TIGHT, pooled=torch.zeros(1, 8)).scene
            own = network(inputs, TIGHT).scene
        assert float((held - own).abs().max()) > 1e-4

    @pytest.mark.parametrize("which", ["low", "high"])
    def test_the_box_form_sees_which_channels_are_clipped_at_either_end(self, which: str) -> None:
        network = network_of(SMALL_BOX)
        inputs = inputs_for(saturated_codes(1, 8))
        flipped = replace(inputs, **{which: ~getattr(inputs, which)})
        with torch.no_grad():
            features = [network.encode(given_inputs)[1][0] for given_inputs in (inputs, flipped)]
        assert float((features[0] - features[1]).abs().max()) > 1e-3

    def test_statistics_steer_both_features_and_gates_of_the_box_form(self) -> None:
        network = network_of(SMALL_BOX)
        inputs = inputs_for(saturated_codes(1, 8))
        other = replace(inputs, statistics=inputs.statistics + 0.3)
        with torch.no_grad():
            contexts = [network.encode(given_inputs)[1] for given_inputs in (inputs, other)]
        for one, another in zip(*contexts, strict=True):
            assert float((one - another).abs().max()) > 1e-3

    def test_the_start_is_periodic_in_the_position(self) -> None:
        """Cosine and sine of a coordinate in -1..1 go round once over the photo."""
        network = network_of(SMALL)
        inputs = inputs_for(saturated_codes(1, 8))
        starts = []
        for shift in (0.0, 1.0, 2.0):
            with torch.no_grad():
                moved = replace(inputs, positions=inputs.positions + shift)
                starts.append(network.encode(moved)[0])
        torch.testing.assert_close(starts[0], starts[2], rtol=0, atol=1e-5)
        assert float((starts[0] - starts[1]).abs().max()) > 0.1

    def test_without_injection_the_photo_starts_the_first_application(self) -> None:
        network = network_of(replace(SMALL, injection=False, mode="recurrent", steps=2))
        corrections = []
        for seed in (0, 1):
            inputs = inputs_for(saturated_codes(1, 8, seed))
            with torch.no_grad():
                corrections.append(network(inputs).scene - inputs.naive)
        assert float((corrections[0] - corrections[1]).abs().max()) > 1e-4

    def test_statistics_steer_the_output_of_the_box_form(self) -> None:
        network = network_of(SMALL_BOX)
        inputs = inputs_for(saturated_codes(1, 8))
        other = replace(inputs, statistics=inputs.statistics + 0.3)
        with torch.no_grad():
            scenes = [network(given_inputs, TIGHT).scene for given_inputs in (inputs, other)]
        assert float((scenes[0] - scenes[1]).abs().max()) > 1e-4

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("channels", 3),
            ("scale", 3),
            ("activation", "gelu"),
            ("attention", "self"),
            ("output", "both"),
            ("mode", "explicit"),
            ("steps", 0),
        ],
    )
    def test_an_unknown_value_is_named(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=rf"^Network setting {name} = .* is unknown\.$"):
            replace(PAPER, **{name: value})

    def test_an_unknown_setting_is_an_error(self) -> None:
        with pytest.raises(TypeError, match="width"):
            LetNetConfig(width=3)  # type: ignore[call-arg]

    def test_the_paper_s_form_is_the_default(self) -> None:
        assert LetNetConfig() == PAPER


class TestCell:
    def test_it_is_equation_3_of_the_paper(self) -> None:
        network = network_of(SMALL).requires_grad_(False)
        inner, outer = network.transform
        squeeze, excite = network.excite[0], network.excite[2]
        state, features = torch.randn(2, 2, 6, 6, 8, generator=torch.Generator().manual_seed(0))
        change = outer(torch.tanh(inner(torch.tanh((state + features).permute(0, 3, 1, 2)))))
        gate = torch.sigmoid(excite(torch.relu(squeeze(change.mean((2, 3))))))
        expected = (change * gate[:, :, None, None]).permute(0, 2, 3, 1) + features
        torch.testing.assert_close(network.cell(state, features), expected)

    def test_the_papers_end_adds_a_tenth_of_its_last_layer(self) -> None:
        network = LetNet(SMALL).requires_grad_(False)
        network.head.bias.fill_(0.5)
        inputs = inputs_for(saturated_codes(1, 6))
        torch.testing.assert_close(network(inputs).scene, inputs.naive + 0.05)


class TestModes:
    def test_the_implicit_mode_finds_the_fixed_point_of_the_cell(self) -> None:
        for config in (SMALL, SMALL_BOX):
            network = network_of(config)
            inputs = inputs_for(saturated_codes(2, 8))
            with torch.no_grad():
                solution = network(inputs, TIGHT).solution
                start, context = network.encode(inputs)
                again = network.cell(solution.value, *context)
            assert solution.converged
            assert start.shape == solution.value.shape
            torch.testing.assert_close(again, solution.value, rtol=0, atol=1e-4)

    def test_the_recurrent_mode_is_the_cell_applied_in_turn(self) -> None:
        network = network_of(replace(SMALL, mode="recurrent", steps=3))
        inputs = inputs_for(saturated_codes(1, 8))
        with torch.no_grad():
            state, context = network.encode(inputs)
            for _ in range(3):
                state = network.cell(state, *context)
            torch.testing.assert_close(network(inputs).scene, network.decode(state, inputs))

    def test_the_plain_mode_is_one_application(self) -> None:
        codes = saturated_codes(1, 8)
        plain = estimate(replace(SMALL, mode="plain"), codes)
        once = estimate(replace(SMALL, mode="recurrent", steps=1), codes)
        torch.testing.assert_close(plain.scene, once.scene)

    @pytest.mark.parametrize("mode", ["recurrent", "plain"])
    def test_modes_without_a_solver_claim_no_steps(self, mode: Any) -> None:
        solution = estimate(replace(SMALL, mode=mode), saturated_codes(2, 8)).solution
        assert solution.steps == [0, 0]
        assert not solution.converged

    def test_many_unrolled_steps_come_to_the_fixed_point(self) -> None:
        codes = saturated_codes(1, 8)
        many = estimate(replace(SMALL, mode="recurrent", steps=60), codes).scene
        torch.testing.assert_close(many, estimate(SMALL, codes).scene, rtol=0, atol=1e-4)

    def test_solver_settings_are_heeded(self) -> None:
        answer = estimate(SMALL, saturated_codes(2, 8), SolverSettings(max_steps=2, tolerance=0.0))
        assert answer.solution.steps == [2, 2]
        assert answer.solution.status == [Status.STEP_LIMIT] * 2

    @pytest.mark.parametrize("config", [SMALL, SMALL_BOX])
    @pytest.mark.parametrize("mode", MODES)
    def test_gradient_flows_to_every_weight(self, config: LetNetConfig, mode: Any) -> None:
        network = network_of(replace(config, mode=mode)).train()
        network(inputs_for(saturated_codes(2, 8))).scene.square().sum().backward()
        for name, parameter in network.named_parameters():
            # The start of the iteration has no influence on its fixed point.
            if mode == "implicit" and name.startswith("start."):
                assert parameter.grad is None
                continue
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert float(parameter.grad.abs().max()) > 0.0, name

    def test_the_order_of_the_gradient_is_passed_on(self) -> None:
        gradients = []
        for order in (0, 3):
            network = network_of(SMALL)
            network(inputs_for(saturated_codes(1, 8)), TIGHT, order).scene.sum().backward()
            gradient = network.transform[1].weight.grad
            assert isinstance(gradient, Tensor)
            gradients.append(gradient)
        assert not torch.allclose(gradients[0], gradients[1], rtol=1e-3)


class TestBatches:
    @pytest.mark.parametrize("config", [SMALL, SMALL_BOX])
    @pytest.mark.parametrize("mode", MODES)
    def test_a_photo_does_not_depend_on_its_neighbours(
        self, config: LetNetConfig, mode: Any
    ) -> None:
        codes = saturated_codes(3, 8)
        config = replace(config, mode=mode)
        together = estimate(config, codes)
        for i in range(3):
            alone = estimate(config, codes[i : i + 1])
            # Convolutions round differently for other sizes of the batch.
            steps = zip(alone.solution.steps, together.solution.steps[i : i + 1], strict=True)
            assert all(abs(one - other) <= 1 for one, other in steps)
            torch.testing.assert_close(alone.scene, together.scene[i : i + 1], rtol=0, atol=1e-5)


class TestInputs:
    @pytest.mark.parametrize("depth", [8, 16])
    def test_codes_become_encoded_values_and_clip_maps(self, depth: int) -> None:
        maximum = 2**depth - 1
        codes = (saturated_codes(2, 5).astype(np.uint32) * maximum // 255).astype(
            np.uint8 if depth == 8 else np.uint16
        )
        inputs = inputs_for(codes)
        low, high = clipped_channels(codes)
        np.testing.assert_array_equal(inputs.low.numpy(), np.moveaxis(low, -1, 1))
        np.testing.assert_array_equal(inputs.high.numpy(), np.moveaxis(high, -1, 1))
        np.testing.assert_allclose(
            inputs.encoded.numpy(), np.moveaxis(codes / maximum, -1, 1), rtol=0, atol=1e-7
        )
        assert inputs.encoded.dtype == torch.float32
        np.testing.assert_allclose(
            inputs.naive.numpy(), np.moveaxis(naive_inversion(codes), -1, 1), rtol=0, atol=2e-7
        )

    def test_tolerance_widens_the_clip_maps(self) -> None:
        codes = np.array([[[[1, 254, 128], [0, 255, 2]]]], np.uint8)
        exact, wide = inputs_for(codes), inputs_for(codes, tolerance=1.0)
        assert (int(exact.low.sum()), int(exact.high.sum())) == (1, 1)
        assert (int(wide.low.sum()), int(wide.high.sum())) == (2, 2)


class TestPositions:
    def test_they_are_pixel_centres_between_minus_one_and_one(self) -> None:
        grid = positions(0, 0, 2, 4, 2, 4)
        assert grid.shape == (2, 2, 4)
        assert grid.dtype == np.float32
        np.testing.assert_allclose(grid[0], [[-0.5] * 4, [0.5] * 4])
        np.testing.assert_allclose(grid[1], [[-0.75, -0.25, 0.25, 0.75]] * 2)

    @given(st.data())
    def test_those_of_a_tile_are_a_part_of_the_photos(self, data: st.DataObject) -> None:
        height, width = (data.draw(st.integers(1, 40)) for _ in range(2))
        top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        rows = data.draw(st.integers(1, height - top))
        columns = data.draw(st.integers(1, width - left))
        whole = positions(0, 0, height, width, height, width)
        tile = positions(top, left, rows, columns, height, width)
        np.testing.assert_array_equal(tile, whole[:, top : top + rows, left : left + columns])
        assert np.abs(whole).max() < 1.0


class TestPool:
    """Attention's average over a photo, held for its tiles."""

    def test_held_for_the_photo_itself_it_changes_nothing(self) -> None:
        for injection in (True, False):
            network = network_of(replace(SMALL, injection=injection))
            inputs = inputs_for(saturated_codes(1, 16))
            with torch.no_grad():
                pooled = network.pool(inputs, TIGHT)
                held = network(inputs, TIGHT, pooled=pooled[None])
                own = network(inputs, TIGHT)
            assert pooled.shape == (8,)
            torch.testing.assert_close(held.scene, own.scene, rtol=0, atol=1e-5)

    def test_equal_patches_pool_to_what_one_of_them_does(self) -> None:
        network = network_of(SMALL)
        inputs = inputs_for(np.repeat(saturated_codes(1, 16), 3, axis=0))
        with torch.no_grad():
            one = network.pool(inputs_for(saturated_codes(1, 16)), TIGHT)
            three = network.pool(inputs, TIGHT)
        torch.testing.assert_close(three, one, rtol=0, atol=1e-5)

    def test_it_is_the_average_of_the_patches_where_it_is_held(self) -> None:
        network = network_of(SMALL)
        inputs = inputs_for(
            np.concatenate([saturated_codes(1, 16), saturated_codes(1, 16, seed=1) // 4])
        )
        with torch.no_grad():
            pooled = network.pool(inputs, TIGHT)
            state = network(inputs, TIGHT, pooled=pooled.expand(2, -1)).solution.value
            _, (features, gate) = network.encode(inputs, pooled.expand(2, -1))
        change = (state - features) / gate[:, None, None, :]
        torch.testing.assert_close(change.mean((0, 1, 2)), pooled, rtol=0, atol=1e-5)

    def test_patches_share_one_average(self) -> None:
        network = network_of(SMALL)
        codes = np.concatenate([saturated_codes(1, 16), saturated_codes(1, 16) // 4])
        with torch.no_grad():
            shared = network.pool(inputs_for(codes), TIGHT)
            alone = [network.pool(inputs_for(codes[i : i + 1]), TIGHT) for i in range(2)]
        low, high = torch.minimum(*alone) - 0.05, torch.maximum(*alone) + 0.05
        assert ((low <= shared) & (shared <= high)).all()
        assert not any(torch.allclose(shared, one, atol=1e-3) for one in alone)


@st.composite
def clipped_colours(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Naive inversion, clip maps and shares of a few colours, shape (N, 3, 1, 1)."""
    shape = (draw(st.integers(1, 12)), 3)
    values = st.one_of(st.sampled_from([0, 255]), st.integers(0, 255))
    codes = draw(arrays(np.uint8, shape, elements=values))
    low, high = clipped_channels(codes, draw(st.sampled_from([0.0, 2.0])))
    share = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0, width=32))
    shares = draw(arrays(np.float32, shape, elements=share))
    pieces = (naive_inversion(codes), low, high, shares)
    naive, low_map, high_map, moves = (torch.from_numpy(a)[..., None, None] for a in pieces)
    return naive, low_map, high_map, moves


def sources(naive: Tensor, source: ColourSpace | None = None) -> Tensor:
    return torch.from_numpy(np.tile(told(source), (len(naive), 1)))


class TestReachOut:
    @given(given_colours=clipped_colours())
    @pytest.mark.parametrize("source", [None, *SOURCES], ids=str)
    def test_it_never_leaves_the_source_gamut(
        self, given_colours: Any, source: ColourSpace | None
    ) -> None:
        naive, low, high, shares = given_colours
        scene = reach_out(naive, low, high, shares, sources(naive, source))
        wide = convert(scene, SRGB, source or PROPHOTO, axis=1)
        assert float(wide.min()) >= -2e-6
        assert float(wide.max()) <= 1.0 + 2e-6

    def test_a_channel_without_room_stays(self) -> None:
        """Adobe RGB shares its green with sRGB: none of its colours has less than no green."""
        naive = torch.tensor([0.5, 0.0, 0.3]).reshape(1, 3, 1, 1)
        low = naive == 0.0
        every = torch.ones_like(naive)
        scene = reach_out(naive, low, ~low & False, every, sources(naive, ADOBE_RGB))
        assert float(scene[0, 1]) == 0.0
        wide = reach_out(naive, low, ~low & False, every, sources(naive, None))
        assert float(wide[0, 1]) < -0.01

    @given(given_colours=clipped_colours())
    def test_it_moves_clipped_channels_alone_and_outwards(self, given_colours: Any) -> None:
        naive, low, high, shares = given_colours
        scene = reach_out(naive, low, high, shares, sources(naive))
        untouched = ~low & ~high
        torch.testing.assert_close(scene[untouched], naive[untouched], rtol=0, atol=0)
        assert (scene[low] <= naive[low]).all()
        assert (scene[high] >= naive[high]).all()

    @given(given_colours=clipped_colours())
    def test_no_share_is_the_naive_inversion(self, given_colours: Any) -> None:
        naive, low, high, shares = given_colours
        scene = reach_out(naive, low, high, torch.zeros_like(shares), sources(naive))
        torch.testing.assert_close(scene, naive, rtol=0, atol=0)

    @given(given_colours=clipped_colours())
    def test_the_whole_share_reaches_the_boundary(self, given_colours: Any) -> None:
        naive, low, high, shares = given_colours
        scene = reach_out(naive, low, high, torch.ones_like(shares), sources(naive))
        prophoto = convert(scene, SRGB, PROPHOTO, axis=1)
        margin = torch.minimum(prophoto, 1.0 - prophoto).amin(1)
        clipped = (low | high).any(1)
        assert float(margin[clipped].abs().max() if clipped.any() else 0.0) < 1e-6

    def test_a_half_share_goes_half_the_way_of_a_single_channel(self) -> None:
        codes = np.array([[0, 120, 90], [255, 120, 90]], np.uint8)
        naive = torch.from_numpy(naive_inversion(codes))[..., None, None]
        low, high = (torch.from_numpy(m)[..., None, None] for m in clipped_channels(codes))
        half, whole = (
            reach_out(naive, low, high, torch.full_like(naive, share), sources(naive))
            for share in (0.5, 1.0)
        )
        torch.testing.assert_close(half - naive, (whole - naive) / 2, rtol=0, atol=1e-6)

    @given(given_colours=clipped_colours(), aim=arrays(np.float64, (3,), elements=st.floats(0, 1)))
    def test_gradients_are_finite(self, given_colours: Any, aim: Any) -> None:
        naive, low, high, shares = given_colours
        shares = shares.clone().requires_grad_()
        scene = reach_out(naive, low, high, shares, sources(naive))
        scene.sub(torch.from_numpy(aim).float()[:, None, None]).square().sum().backward()
        assert shares.grad is not None
        assert shares.grad.isfinite().all()

    @pytest.mark.parametrize("upper", [False, True], ids=["at 0", "at the maximum"])
    def test_every_colour_that_was_clipped_at_one_end_can_be_reached(self, upper: bool) -> None:
        """Shares exist that take the reduced colour back to the one it came from."""
        random = np.random.default_rng(0)
        scene = convert(random.random((2000, 3)), PROPHOTO, SRGB)
        scene = scene[(scene >= 0).all(-1) if upper else (scene <= 1).all(-1)]
        low, high = (torch.from_numpy(m)[..., None, None] for m in (scene < 0, scene > 1))
        assert int((high if upper else low).any(1).sum()) > 100
        naive = torch.from_numpy(np.clip(scene, 0, 1))[..., None, None]
        target = torch.from_numpy(scene)[..., None, None]
        shares = torch.zeros_like(naive)
        # In the order of the moves, each share is found from the way at full share.
        for channel in (0, 1, 2) if upper else (2, 1, 0):
            clipped = (high if upper else low)[:, channel]
            trial = shares.clone()
            trial[:, channel] = 1.0
            way = (reach_out(naive, low, high, trial, sources(naive)) - naive)[:, channel]
            wanted = (target - naive)[:, channel]
            shares[:, channel] = torch.where(clipped, wanted / way, 0.0)
        assert float(shares.min()) >= 0.0
        assert float(shares.max()) <= 1.0 + 1e-9
        torch.testing.assert_close(
            reach_out(naive, low, high, shares, sources(naive)), target, rtol=0, atol=1e-9
        )


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_between_two_networks(share: float) -> None:
    start = random_model(replace(BOX, channels=8, told=False), seed=1).network
    end = random_model(replace(BOX, channels=8, told=True), seed=2).network
    found = between(start, end, share)
    begin = LetNet(end.config)
    begin.take_over(start)
    for name, value in found.state_dict().items():
        wanted = (1 - share) * begin.state_dict()[name] + share * end.state_dict()[name]
        torch.testing.assert_close(value, wanted)
        assert not value.requires_grad
