"""Methods measured on photos: averages, groups, protocols, figures, tables."""

from __future__ import annotations

import csv
import functools
import io
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pytest

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.evaluation import measuring
from core.evaluation.figures import (
    ConvergenceData,
    convergence_data,
    draw_convergence,
    draw_photos,
)
from core.evaluation.measuring import evaluate, evaluate_photo
from core.evaluation.protocol import PROTOCOLS, EvaluationSettings, reduced
from core.evaluation.report import render
from core.evaluation.summary import summarise
from core.evaluation.tables import (
    complete_table,
    cost_table,
    group_table,
    quality_table,
    worst_table,
)
from core.gamut import naive_inversion, out_of_gamut_mask, reduce
from core.methods.convergence import Window
from core.methods.gamut_mlp import GamutMlpMethod
from core.methods.letnet import LetNetMethod
from core.methods.naive import NaiveInversion
from core.methods.registry import methods
from core.metrics import REGIONS, PhotoMetrics, compare
from core.network.letnet import BOX, PAPER, LetNetConfig
from core.network.models import random_model, to_bytes
from core.network.solver import SolverSettings
from core.payload.gamut_mlp import FitSettings
from core.pictures import QualityTrace
from core.styles import AS_IS, VIVID, Style
from tests.core.conftest import wide_photo, write_untagged

if TYPE_CHECKING:
    from pathlib import Path

    from core.engine.method import Method
    from core.evaluation.rows import Row

NAIVE = NaiveInversion()
BOX_METHOD = LetNetMethod(random_model(replace(BOX, channels=8), scale=0.1), "box")
PAPER_METHOD = LetNetMethod(random_model(replace(PAPER, channels=8), scale=0.2), "paper")
QUICK = EvaluationSettings(
    styles={"as-is": AS_IS}, perceptual=False, expansion=ExpansionSettings(device="cpu")
)


def rows_of(settings: EvaluationSettings = QUICK, photos: int = 3, *methods: Method) -> list[Row]:
    rows: list[Row] = []
    for seed in range(photos):
        chosen = methods or (BOX_METHOD,)
        rows += evaluate_photo(chosen, f"photo{seed}", wide_photo(seed), settings)
    return rows


@functools.cache
def usual_rows() -> tuple[Row, ...]:
    """Three photos, naive inversion and box, measured once for many tests."""
    return tuple(rows_of())


class TestNaiveInversion:
    def test_it_is_measured_first_and_once(self) -> None:
        rows = rows_of(QUICK, 1, BOX_METHOD, NAIVE, PAPER_METHOD)
        assert [row.method for row in rows] == ["naive", "box", "paper"]

    def test_its_figures_are_those_of_the_definition(self) -> None:
        original = wide_photo(0)
        scene = convert(original, PROPHOTO, SRGB)
        codes = reduce(scene)
        values = convert(naive_inversion(codes), SRGB, PROPHOTO).clip(0, 1)
        expected = compare(original, values, out_of_gamut_mask(scene), codes=codes)
        (row,) = rows_of(QUICK, 1, NAIVE)
        for region in REGIONS:
            ours, theirs = row.metrics.regions[region], expected.regions[region]
            assert ours.psnr == pytest.approx(theirs.psnr, abs=1e-3)
            assert ours.delta_e_mean == pytest.approx(theirs.delta_e_mean, abs=1e-3)

    def test_it_gains_nothing(self) -> None:
        (row,) = rows_of(QUICK, 1, NAIVE)
        assert set(row.gain.values()) == {0.0}
        assert row.steps == 0.0


class TestRows:
    def test_gains_are_differences_of_psnr(self) -> None:
        naive, box = usual_rows()[:2]
        for region in REGIONS:
            difference = box.metrics.regions[region].psnr - naive.metrics.regions[region].psnr
            assert box.gain[region] == pytest.approx(difference)
        assert box.gain["all"] != 0.0

    def test_every_code_returns_also_through_the_written_file(self) -> None:
        for row in rows_of(replace(QUICK, written=True)):
            assert row.metrics.round_trip == row.kept == row.kept_in_file == 1.0

    def test_without_asking_no_file_is_written(self) -> None:
        assert all(row.kept_in_file is None for row in usual_rows()[:2])

    def test_time_size_and_steps_are_told(self) -> None:
        _, box = usual_rows()[:2]
        assert box.seconds > 0.0
        assert box.megapixels == pytest.approx(48 * 64 / 1e6)
        assert box.steps >= 2.0

    def test_perceptual_metrics_are_left_out_on_demand(self) -> None:
        _, box = usual_rows()[:2]
        assert box.flip is None
        assert box.lpips is None

    def test_flip_is_measured_by_region(self) -> None:
        naive, _ = rows_of(replace(QUICK, perceptual=True), 1)
        assert naive.flip is not None
        assert naive.flip["out_of_gamut"] > naive.flip["in_gamut"]

    def test_lpips_without_published_weights_is_not_available(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(measuring, "published_lpips", lambda: None)
        _, box = rows_of(replace(QUICK, perceptual=True), 1)
        assert box.lpips is None

    def test_lpips_is_taken_where_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        values = dict.fromkeys(REGIONS, 0.25)
        monkeypatch.setattr(measuring, "published_lpips", lambda: lambda *_: values)
        _, box = rows_of(replace(QUICK, perceptual=True), 1)
        assert box.lpips == values

    def test_they_are_plain_json(self) -> None:
        inside = convert(0.3 + 0.4 * wide_photo(0), SRGB, PROPHOTO)
        rows = list(evaluate_photo([BOX_METHOD], "inside", inside, QUICK))
        text = json.dumps([row.as_dict() for row in rows], allow_nan=False)
        first = json.loads(text)[0]
        assert first["gain"]["all"] == 0.0
        assert first["group"] == "A"


class TestSettings:
    def test_every_style_is_measured(self) -> None:
        styles = {"as-is": AS_IS, "vivid": VIVID, "pale": Style(saturation=0.5)}
        rows = rows_of(replace(QUICK, styles=styles), 1)
        shares = {row.style: row.metrics.out_of_gamut_share for row in rows}
        assert list(shares) == ["as-is", "vivid", "pale"]
        assert shares["pale"] < shares["as-is"] < shares["vivid"]

    def test_the_paper_s_protocol_is_cat02_without_projection(self) -> None:
        settings = replace(QUICK, protocol=PROTOCOLS["paper"])
        expansion = settings.expansion_settings(PAPER_METHOD)
        assert (expansion.adaptation, expansion.project) == ("CAT02", False)
        codes, outside = reduced(wide_photo(0), settings)
        scene = convert(wide_photo(0), PROPHOTO, SRGB, "CAT02")
        np.testing.assert_array_equal(codes, reduce(scene))
        np.testing.assert_array_equal(outside, out_of_gamut_mask(scene))
        _, free = rows_of(settings, 1, PAPER_METHOD)
        _, held = rows_of(QUICK, 1, PAPER_METHOD)
        assert free.kept < 1.0 == held.kept
        assert free.metrics.regions["in_gamut"].psnr < held.metrics.regions["in_gamut"].psnr - 3

    def test_naive_inversion_keeps_its_codes_under_the_paper_s_protocol(self) -> None:
        (row,) = rows_of(replace(QUICK, protocol=PROTOCOLS["paper"], written=True), 1, NAIVE)
        assert row.kept == row.kept_in_file == 1.0

    def test_jpeg_makes_it_harder_and_is_kept_within_its_tolerance(self) -> None:
        clean = usual_rows()[:2]
        lossy = rows_of(replace(QUICK, jpeg_quality=60, written=True), 1)
        for one, other in zip(clean, lossy, strict=True):
            assert other.metrics.regions["all"].psnr < one.metrics.regions["all"].psnr
            assert other.kept == other.kept_in_file == 1.0

    def test_the_solver_s_settings_arrive(self) -> None:
        _, box = rows_of(replace(QUICK, steps=2), 1)
        assert box.steps == 2.0

    def test_one_setting_of_the_solver_leaves_the_others_as_the_model_has_them(self) -> None:
        (letnet,) = methods(["letnet"])
        solver = replace(QUICK, steps=7).expansion_settings(letnet).solver
        assert solver == replace(letnet.solver, max_steps=7) != SolverSettings(max_steps=7)
        assert QUICK.expansion_settings(NAIVE).solver is None

    def test_large_photos_can_be_reduced(self) -> None:
        _, box = rows_of(replace(QUICK, max_side=32), 1)
        assert box.megapixels == pytest.approx(24 * 32 / 1e6)

    @pytest.mark.parametrize(
        "change", [{"jpeg_quality": 0}, {"jpeg_quality": 101}, {"max_side": 4}, {"styles": {}}]
    )
    def test_a_value_out_of_range_is_named(self, change: dict[str, object]) -> None:
        with pytest.raises(PhotoError, match=next(iter(change))):
            replace(QUICK, **change)  # type: ignore[arg-type]


class TestFolders:
    def test_photos_are_read_by_their_profiles_or_as_prophoto(self, tmp_path: Path) -> None:
        write_untagged(tmp_path / "photo.png", wide_photo(0))
        row, _ = evaluate([BOX_METHOD], [tmp_path / "photo.png"], QUICK)
        known, _ = usual_rows()[:2]
        assert row.photo == "photo.png"
        assert row.metrics.regions["all"].psnr == pytest.approx(
            known.metrics.regions["all"].psnr, abs=0.01
        )

    def test_a_bad_photo_is_named_and_the_others_are_measured(self, tmp_path: Path) -> None:
        write_untagged(tmp_path / "good.png", wide_photo(0))
        (tmp_path / "bad.png").write_bytes(b"nothing")
        errors: list[PhotoError] = []
        rows = list(evaluate([NAIVE], sorted(tmp_path.iterdir()), QUICK, failed=errors.append))
        assert [row.photo for row in rows] == ["good.png"]
        assert "bad.png" in str(errors[0])

    def test_it_is_an_error_otherwise(self, tmp_path: Path) -> None:
        (tmp_path / "bad.png").write_bytes(b"nothing")
        with pytest.raises(PhotoError, match=r"bad\.png"):
            list(evaluate([NAIVE], [tmp_path / "bad.png"], QUICK))


class TestMethods:
    def test_files_of_one_name_are_told_apart(self, tmp_path: Path) -> None:
        paths = []
        for name in ("first", "second"):
            model = random_model(LetNetConfig(channels=8), seed=len(name))
            path = tmp_path / f"{name}.safetensors"
            path.write_bytes(to_bytes(model.network, replace(model.descriptor, name="candidate")))
            paths.append(str(path))
        one, other = methods(paths)
        assert [one.name, other.name] == paths
        assert methods(paths[:1])[0].name == "candidate"

    def test_one_given_twice_is_an_error(self) -> None:
        with pytest.raises(PhotoError, match="twice"):
            methods(["naive", "naive"])

    def test_parameters_are_counted(self) -> None:
        assert NAIVE.parameters == 0
        assert LetNetMethod(random_model(PAPER)).parameters == 39_108
        assert GamutMlpMethod().parameters == 21_631

    @pytest.mark.parametrize("protocol", ["box", "paper"])
    def test_one_that_is_fitted_sees_the_original(self, protocol: str) -> None:
        fitted = GamutMlpMethod(FitSettings(steps=200, batch=512)).renamed("fitted")
        settings = replace(QUICK, protocol=PROTOCOLS[protocol])
        naive, ours = evaluate_photo([fitted], "photo", wide_photo(1), settings)
        assert ours.gain["out_of_gamut"] > 10.0
        assert (naive.method, ours.method) == ("naive", "fitted")


class TestSummaries:
    def test_averages_are_over_photos(self) -> None:
        rows = usual_rows()
        naive, box = summarise(rows)
        ours = [row for row in rows if row.method == "box"]
        assert (naive.method, box.method, box.photos) == ("naive", "box", 3)
        assert box.gain["all"] == pytest.approx(np.mean([row.gain["all"] for row in ours]))
        psnr = np.mean([row.metrics.regions["all"].psnr for row in ours])
        assert box.metrics.regions["all"].psnr == pytest.approx(psnr)

    def test_the_worst_photo_is_named(self) -> None:
        rows = usual_rows()
        _, box = summarise(rows)
        gains = {row.photo: row.gain["all"] for row in rows if row.method == "box"}
        worst = min(gains, key=lambda photo: gains[photo])
        assert box.worst["all"] == (worst, gains[worst])

    def test_a_guarantee_is_as_good_as_its_worst_photo(self) -> None:
        rows = list(usual_rows()[:4])
        rows[1] = replace(rows[1], kept=0.5)
        assert summarise(rows)[1].kept == 0.5

    def test_photos_without_a_region_are_left_out_of_its_means(self) -> None:
        inside = convert(0.3 + 0.4 * wide_photo(0), SRGB, PROPHOTO)
        rows = [*usual_rows()[:2], *evaluate_photo([BOX_METHOD], "inside", inside, QUICK)]
        _, box = summarise(rows)
        assert box.gain["out_of_gamut"] == rows[1].gain["out_of_gamut"]
        assert box.worst["out_of_gamut"][0] == "photo0"

    def test_where_no_photo_has_a_region_there_is_no_figure(self) -> None:
        inside = convert(0.3 + 0.4 * wide_photo(0), SRGB, PROPHOTO)
        _, box = summarise(evaluate_photo([BOX_METHOD], "inside", inside, QUICK))
        assert math.isnan(box.gain["out_of_gamut"])
        assert box.worst["out_of_gamut"][0] == ""

    def test_groups_follow_the_share_of_out_of_gamut_pixels(self) -> None:
        rows = usual_rows()[:2]
        shares = {"A": 0.1, "B": 0.3, "D": 0.9}
        spread = [
            replace(row, photo=group, metrics=with_share(row.metrics, share))
            for group, share in reversed(shares.items())
            for row in rows
        ]
        summaries = summarise(spread, by_group=True)
        assert [(s.method, s.group) for s in summaries] == [
            (method, group) for method in ("naive", "box") for group in "ABD"
        ]

    def test_time_is_weighed_by_size(self) -> None:
        rows = rows_of(QUICK, 2, NAIVE)
        rows[0] = replace(rows[0], seconds=1.0, megapixels=1.0)
        rows[1] = replace(rows[1], seconds=1.0, megapixels=9.0)
        assert summarise(rows)[0].seconds_per_megapixel == pytest.approx(0.2)

    def test_the_largest_peak_counts(self) -> None:
        rows = [replace(row, peak_memory=n) for n, row in enumerate(rows_of(QUICK, 3, NAIVE))]
        assert summarise(rows)[0].peak_memory == 2
        assert summarise([replace(rows[0], peak_memory=None)])[0].peak_memory is None


def with_share(metrics: PhotoMetrics, share: float) -> PhotoMetrics:
    return replace(metrics, out_of_gamut_share=share)


class TestTables:
    def test_quality_says_under_which_conditions(self) -> None:
        settings = replace(QUICK, jpeg_quality=90, protocol=PROTOCOLS["paper"])
        table = quality_table(summarise(usual_rows()[:2]), settings)
        assert table.title == "Quality (CAT02, not projected, blind, JPEG quality 90, 4:2:0)"

    def test_quality_holds_the_figures(self) -> None:
        summaries = summarise(usual_rows())
        table = quality_table(summaries, QUICK)
        heads = [column.title for column in table.columns]
        cells = dict(zip(heads, table.rows[1], strict=True))
        assert cells["Method"] == "box"
        assert cells["Gain all (dB)"] == summaries[1].gain["all"]
        assert cells["ΔE2000 out"] == summaries[1].metrics.regions["out_of_gamut"].delta_e_mean
        assert cells["Codes kept (%)"] == 100.0
        assert "-" in render([table], "text")

    def test_the_naive_inversion_is_not_among_those_that_gained_least(self) -> None:
        table = worst_table(summarise(usual_rows()))
        assert {row[1] for row in table.rows} == {"box"}

    def test_costs_name_parameters(self) -> None:
        table = cost_table(summarise(usual_rows()), [NAIVE, BOX_METHOD])
        assert [row[2] for row in table.rows] == [0, BOX_METHOD.parameters]

    def test_groups(self) -> None:
        table = group_table(summarise(usual_rows(), by_group=True))
        assert {row[2] for row in table.rows} <= set("ABCD")

    def test_the_complete_table_holds_everything(self) -> None:
        rows = usual_rows()
        table = complete_table(summarise(rows), summarise(rows, by_group=True), [BOX_METHOD])
        lines = list(csv.DictReader(io.StringIO(render([table], "csv"))))
        (line,) = [
            one
            for one in lines
            if (one["method"], one["group"], one["region"]) == ("box", "all", "in_gamut")
        ]
        _, box = summarise(rows)
        assert float(line["psnr"]) == box.metrics.regions["in_gamut"].psnr
        assert int(line["photos"]) == 3
        assert int(line["parameters"]) == BOX_METHOD.parameters
        assert float(line["payload_bytes"]) == float(line["fitting_per_megapixel"]) == 0.0


class TestFigures:
    def test_quality_by_iteration_ends_at_the_method_s(self) -> None:
        assert BOX_METHOD is not None
        data = convergence_data(BOX_METHOD, wide_photo(0), QUICK, (2, 5, 12))
        naive, box = usual_rows()[:2]
        psnr = [-10 * math.log10(mse) for mse in data.quality.mse["all"]]
        assert len(psnr) == 13 == len(data.residuals) + 1
        assert psnr[0] == pytest.approx(naive.metrics.regions["all"].psnr, abs=1e-3)
        assert psnr[-1] == pytest.approx(box.metrics.regions["all"].psnr, abs=0.05)
        assert list(data.error_maps) == [2, 5, 12]
        assert data.error_maps[12].shape == (48, 64)

    def test_all_are_drawn(self) -> None:
        plain = LetNetMethod(random_model(LetNetConfig(channels=8, mode="plain")), "plain")
        photos = [("first", wide_photo(0), None), ("second", wide_photo(1), DISPLAY_P3)]
        figures = dict(draw_photos([BOX_METHOD, plain], photos, VIVID, QUICK))
        assert list(figures) == [
            *(f"first {kind}" for kind in ("gamuts", "convergence box", "errors box")),
            *(f"second {kind}" for kind in ("gamuts", "convergence box", "errors box")),
            "average convergence box",
        ]
        titles = [axes.get_title() for axes in figures["first gamuts"].axes]
        assert titles[:4] == ["Original", "sRGB", "box", "plain"]
        assert any("K = 50" in axes.get_title() for axes in figures["first errors box"].axes)
        assert isinstance(figures["first gamuts"], matplotlib.figure.Figure)

    def test_an_average_is_that_of_the_photos_over_their_common_iterations(self) -> None:
        def data(residuals: list[float], mse: list[float]) -> ConvergenceData:
            quality = QualityTrace(range(len(mse)), {"all": mse, "in_gamut": [math.nan] * len(mse)})
            return ConvergenceData(residuals, quality, {}, Window(0, 0, 1, 1))

        every = [data([1e-1, 1e-2, 0.0], [0.1, 0.01, 1e-3, 1e-3]), data([1e-3], [0.01, 1e-4])]
        residuals, decibels, errors = draw_convergence(every, "box", SolverSettings()).axes
        assert residuals.lines[0].get_ydata() == pytest.approx([1e-2])
        assert decibels.lines[0].get_ydata() == pytest.approx([15.0, 30.0])
        assert errors.lines[0].get_ydata() == pytest.approx([(0.1**0.5 + 0.1) / 2, 0.055])
