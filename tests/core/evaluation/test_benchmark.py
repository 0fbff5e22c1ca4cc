"""Every system side by side: what is kept and resumed, and the page that shows it."""

from __future__ import annotations

import json
import math
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.cli import main
from core.cli.benchmark import _settings
from core.cli.main import build_parser
from core.engine.cluster import Cluster
from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.evaluation import benchmark as module
from core.evaluation.benchmark import (
    BenchmarkSettings,
    Measured,
    benchmark,
    every_method,
    pictures_of,
    plan,
    untrained,
)
from core.evaluation.benchmark_page import Content, Shown, machine, page
from core.evaluation.benchmark_tables import budget_table
from core.evaluation.cost import chart_codes, cost_of
from core.evaluation.papers import CLAIMS
from core.evaluation.protocol import EvaluationSettings
from core.evaluation.report import Column, Table, html
from core.evaluation.rows import Row
from core.gamut import clipped_mask
from core.methods import registry
from core.progress import finished
from core.styles import AS_IS, VIVID
from tests.core.conftest import wide_photo, write_untagged

if TYPE_CHECKING:
    from pathlib import Path

EVALUATION = EvaluationSettings(
    styles={"as-is": AS_IS, "vivid": VIVID},
    perceptual=False,
    expansion=ExpansionSettings(device="cpu"),
)
SETTINGS = BenchmarkSettings(("sampled", "soft-clip", "gamutnet"), evaluation=EVALUATION)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(2):
        write_untagged(folder / f"photo {seed}.png", wide_photo(seed))
    return sorted(folder.iterdir())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Which methods each call of the evaluation measured."""
    calls: list[list[str]] = []
    real = module.evaluate_photo

    def noting(methods, *rest):  # type: ignore[no-untyped-def]
        calls.append([method.name for method in methods])
        return real(methods, *rest)

    monkeypatch.setattr(module, "evaluate_photo", noting)
    return calls


def test_a_plan_names_photos_styles_and_protocols(photos: list[Path]) -> None:
    units = plan(photos, SETTINGS, shown=1)
    assert [(u.photo.name, u.style, u.protocol, u.method) for u in units[:12]] == [
        ("photo 0.png", style, protocol, name)
        for style in ("as-is", "vivid")
        for protocol in ("paper", "box")
        for name in ("naive", "sampled", "soft-clip")
    ]
    shown = {(u.photo.name, u.style, u.protocol) for u in units if u.shown}
    assert shown == {("photo 0.png", "vivid", "box")}


def test_rows_come_in_order_and_untrained_networks_have_none(
    photos: list[Path], tmp_path: Path
) -> None:
    units = plan(photos, SETTINGS)
    measured = finished(benchmark(units, SETTINGS, tmp_path / "out"))
    assert [one.row.method for one in measured[:3]] == ["naive", "sampled", "soft-clip"]
    assert [(one.protocol, one.row.method) for one in measured] == [
        (unit.protocol, unit.method) for unit in units
    ]
    assert [method.name for method in untrained(SETTINGS)] == ["gamutnet"]


def test_a_run_that_was_killed_goes_on_where_it_was(
    photos: list[Path], tmp_path: Path, counted: list[list[str]]
) -> None:
    units = plan(photos, SETTINGS)
    folder = tmp_path / "out"
    work = benchmark(units, SETTINGS, folder)
    for _ in range(3):
        next(work)
    work.close()
    assert len(counted) == 2
    first = finished(benchmark(units, SETTINGS, folder))
    assert len(counted) == len(units)
    again = finished(benchmark(units, SETTINGS, folder))
    assert len(counted) == len(units), "nothing is measured twice"
    assert [json.dumps(one.row.as_dict()) for one in first] == [
        json.dumps(one.row.as_dict()) for one in again
    ]


def test_only_a_method_that_is_new_is_measured(
    photos: list[Path], tmp_path: Path, counted: list[list[str]]
) -> None:
    finished(benchmark(plan(photos[:1], SETTINGS)[:3], SETTINGS, tmp_path))
    more = replace(SETTINGS, methods=(*SETTINGS.methods, "letnet-box"))
    units = plan(photos[:1], more)[:4]
    measured = finished(benchmark(units, more, tmp_path))
    assert counted == [[], ["sampled"], ["soft-clip"], ["letnet-box"]]
    assert [one.row.method for one in measured] == ["naive", "sampled", "soft-clip", "letnet-box"]
    smaller = replace(more, evaluation=replace(EVALUATION, max_side=32))
    finished(benchmark(units, smaller, tmp_path))
    assert len(counted) == 8, "other settings have figures of their own"
    finished(benchmark(units, replace(smaller, threads=1), tmp_path))
    assert len(counted) == 12, "and times are those of so many threads"


def test_a_photo_that_is_shown_later_gets_its_pictures(
    photos: list[Path], tmp_path: Path, counted: list[list[str]]
) -> None:
    finished(benchmark(plan(photos[:1], SETTINGS), SETTINGS, tmp_path))
    before = len(counted)
    units = plan(photos[:1], SETTINGS, shown=1)
    finished(benchmark(units, SETTINGS, tmp_path))
    shown = [unit for unit in units if unit.shown]
    assert len(counted) == before + len(shown)
    assert len(pictures_of(tmp_path, shown, SETTINGS)) == len(shown) + 1


def test_several_processes_measure_the_same(photos: list[Path], tmp_path: Path) -> None:
    settings = replace(SETTINGS, methods=("sampled",), protocols=("box",))
    settings = replace(settings, threads=1)
    units = plan(photos, settings)
    alone = finished(benchmark(units, settings, tmp_path / "one"))
    together = finished(benchmark(units, settings, tmp_path / "two", place=Cluster(workers=2)))
    assert [one.row.metrics for one in alone] == [one.row.metrics for one in together]


def test_a_photo_that_cannot_be_read_is_named(photos: list[Path], tmp_path: Path) -> None:
    photos[0].write_bytes(b"nothing")
    units = plan(photos, SETTINGS)
    errors: list[PhotoError] = []
    measured = finished(benchmark(units, SETTINGS, tmp_path / "out", failed=errors.append))
    assert {one.row.photo for one in measured} == {"photo 1.png"}
    assert "photo 0.png" in str(errors[0])
    with pytest.raises(PhotoError, match=r"photo 0\.png"):
        finished(benchmark(units, SETTINGS, tmp_path / "out"))


def test_photos_of_one_name_are_told_apart(photos: list[Path], tmp_path: Path) -> None:
    namesake = tmp_path / "other" / photos[0].name
    namesake.parent.mkdir()
    write_untagged(namesake, wide_photo(5))
    units = plan([photos[0], namesake], replace(SETTINGS, methods=("sampled",)), shown=2)
    measured = finished(benchmark(units, SETTINGS, tmp_path))
    assert {one.row.photo for one in measured} == {"photos/photo 0.png", "other/photo 0.png"}
    shown = [unit for unit in units if unit.shown and unit.method == "sampled"]
    first, second = (
        np.load(pictures_of(tmp_path, [unit], SETTINGS)["original"])["screen"] for unit in shown
    )
    assert (first != second).any()


def test_the_page_follows_the_iterations_of_a_photo_that_can_be_read(
    photos: list[Path], tmp_path: Path
) -> None:
    photos[0].write_bytes(b"nothing")
    out = tmp_path / "out"
    arguments = ["benchmark", str(photos[0].parent), "-o", str(out), "--methods", "letnet-box"]
    arguments += ["--styles", "vivid", "--protocols", "box", "--no-perceptual", "--sides", "64"]
    assert main([*arguments, "--shown", "2"]) == 1
    assert "photo 1" in (out / "benchmark.html").read_text()


def test_a_report_of_something_else_is_no_budget(
    tmp_path: Path, photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_text("[1]")
    arguments = ["benchmark", str(photos[0].parent), "-o", str(tmp_path / "out")]
    assert main([*arguments, "--budgets", str(tmp_path / "x.json")]) == 2
    assert "is no report of gamut train-rival" in capsys.readouterr().err


def test_pictures_of_shown_photos_are_kept(photos: list[Path], tmp_path: Path) -> None:
    units = plan(photos, SETTINGS, shown=1)
    finished(benchmark(units, SETTINGS, tmp_path))
    shown = [unit for unit in units if unit.shown]
    assert pictures_of(tmp_path, [unit for unit in units if unit not in shown], SETTINGS) == {}
    arrays = {name: np.load(path) for name, path in pictures_of(tmp_path, shown, SETTINGS).items()}
    assert list(arrays) == ["original", "naive", "sampled", "soft-clip"]
    assert arrays["original"]["screen"].shape == (48, 64, 3)
    assert arrays["sampled"]["error"].mean() < arrays["naive"]["error"].mean()


def test_rows_come_back_from_json(photos: list[Path], tmp_path: Path) -> None:
    (one, *_) = finished(benchmark(plan(photos, SETTINGS)[:1], SETTINGS, tmp_path))
    told = json.loads(json.dumps(one.row.as_dict(), allow_nan=False))
    assert Row.from_dict(told) == one.row
    told["metrics"]["regions"]["in_gamut"]["psnr"] = "Infinity"
    told["gain"]["in_gamut"] = None
    again = Row.from_dict(told)
    assert again.metrics.regions["in_gamut"].psnr == math.inf
    assert math.isnan(again.gain["in_gamut"])


@pytest.mark.parametrize("change", [{"methods": ()}, {"protocols": ()}, {"protocols": ("x",)}])
def test_settings_that_mean_nothing_are_refused(change: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(PhotoError, match=next(iter(change))[:-1]):
        replace(SETTINGS, **change)  # type: ignore[arg-type]


def test_all_methods_but_what_files_carry_are_measured() -> None:
    names = every_method()
    assert "embedded" not in names
    assert {"letnet", "gamut-mlp", "gamut-mlp-paper-11kb", "siren", "restormer"} <= set(names)


class TestCost:
    def test_every_tile_of_the_chart_is_clipped(self) -> None:
        codes = chart_codes(700)
        assert codes.shape == (700, 700, 3)
        mask = clipped_mask(codes)
        assert all(
            mask[top : top + 128, left : left + 128].any()
            for top in range(0, 640, 128)
            for left in range(0, 640, 128)
        )

    def test_it_can_be_measured_before_any_training(self) -> None:
        cost = cost_of(registry.method("gamutnet"), 64, ExpansionSettings(device="cpu"))
        assert (cost.method, cost.side) == ("gamutnet", 64)
        assert cost.seconds > 0.0


class _Reader(HTMLParser):
    """Notes tags, the links that leave the page, and whether every tag is closed."""

    VOID = ("meta", "img", "source", "br", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "href"):
                self.links.append(value or "")
            if name == "id":
                self.ids.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


class TestPage:
    def measured(self, photos: list[Path], folder: Path) -> tuple[list[Measured], list[Shown]]:
        units = plan(photos, SETTINGS, shown=1)
        measured = finished(benchmark(units, SETTINGS, folder))
        pictures = pictures_of(folder, [unit for unit in units if unit.shown], SETTINGS)
        return measured, [Shown("photo 0", pictures)]

    def test_it_needs_nothing_beside_it(self, photos: list[Path], tmp_path: Path) -> None:
        measured, shown = self.measured(photos, tmp_path)
        budgets = [{"network": "sampled", "method": "sampled", "cpu_seconds": 300.0, "steps": 12}]
        ablations = [
            {
                "variant": "<ReLU>",
                "style": "vivid",
                "parameters": 39_108,
                "gain_all": 1.0,
                "gain_out_of_gamut": 2.0,
                "saved_bytes": 1e6,
                "seconds_per_step": 0.5,
            }
        ]
        methods = registry.methods(SETTINGS.methods)
        text = page(
            Content(2, methods, measured, (), shown, (), budgets, ablations, "gamut benchmark")
        )
        reader = read_page(text)
        assert all(link.startswith(("data:image/", "#")) for link in reader.links)
        assert {link[1:] for link in reader.links if link[0] == "#"} <= reader.ids
        assert "<ReLU>" in reader.text, "names are text, whatever they hold"
        assert "gamutnet (not trained)" in reader.text
        assert "prefers-color-scheme: dark" in text
        assert "@media print" in text
        assert sum(link.startswith("data:image/png") for link in reader.links) == 2 * 3

    def test_an_untrained_network_has_no_figure_of_quality(
        self, photos: list[Path], tmp_path: Path
    ) -> None:
        measured, _ = self.measured(photos, tmp_path)
        text = page(Content(2, registry.methods(SETTINGS.methods), measured))
        (line, *_) = re.findall(r"<tr><td[^>]*>gamutnet \(not trained\).*?</tr>", text)
        assert not re.search(r"\d", re.sub(r"<[^>]*>", "", line))

    def test_it_says_what_the_papers_say(self, photos: list[Path], tmp_path: Path) -> None:
        measured, _ = self.measured(photos, tmp_path)
        reader = read_page(page(Content(2, registry.methods(SETTINGS.methods), measured)))
        assert "4,366,131" in reader.text
        for claim in CLAIMS:
            assert claim.says in reader.text

    def test_the_machine_is_told(self) -> None:
        told = machine()
        assert {"Processor", "Python", "torch"} <= told.keys()
        assert all(told.values())


def test_tables_are_escaped_and_numbers_stand_at_the_right() -> None:
    table = Table("A < B", (Column("Name"), Column("dB")), (("<b>", 1.5), ("x", math.nan)))
    text = html(table)
    assert "<caption><span>A &lt; B</span></caption>" in text
    assert '<tr><td>&lt;b&gt;</td><td class="number">1.50</td></tr>' in text
    assert '<td class="number">–</td>' in text


def test_a_budget_is_told_of_its_own_weights_not_of_the_shipped_ones() -> None:
    def summary(method: str, gain: float) -> Any:
        gains = {"all": gain, "out_of_gamut": gain}
        return SimpleNamespace(method=method, style="vivid", gain=gains, worst={"all": ("a", gain)})

    spent = {"network": "letnet", "method": "mine.safetensors", "cpu_seconds": 600.0, "steps": 9}
    methods = registry.methods(["letnet"])
    found = {"box": [summary("letnet", 4.0), summary("mine.safetensors", 1.0)]}
    (row,) = budget_table([spent], methods, found).rows
    assert row[0] == "letnet"
    assert row[-3:] == (1.0, 1.0, 1.0)


def test_a_network_that_was_trained_to_a_budget_is_not_listed_as_untrained() -> None:
    given = ["benchmark", "photos", "-o", "out", "--methods", "gamutnet", "letnet", "swinir"]
    given += ["--budgets", "rivals/gamutnet.json", "rivals/letnet.json"]
    settings = _settings(build_parser().parse_args(given), ["gamutnet", "letnet"])
    trained = ("rivals/gamutnet.safetensors", "rivals/letnet.safetensors")
    assert settings.methods == ("letnet", "swinir", *trained)


def test_the_command_writes_page_and_report(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engine.memory.keep_freed_memory", lambda: True)
    out = tmp_path / "out"
    arguments = ["benchmark", str(photos[0].parent), "-o", str(out), "--styles", "vivid"]
    arguments += ["--methods", "letnet-box", "sampled", "gamutnet", "--sides", "64"]
    arguments += ["--no-perceptual", "--device", "cpu", "--shown", "1", "--max-side", "48"]
    assert main(arguments) == 0
    report = json.loads((out / "benchmark.json").read_text())
    assert report["command"] == shlex.join(["gamut", *arguments])
    assert {row["method"] for row in report["rows"]} == {"naive", "letnet-box", "sampled"}
    assert {cost["method"] for cost in report["costs"]} == {"letnet-box", "gamutnet"}
    assert {m["name"]: m["trained"] for m in report["methods"]}["gamutnet"] is False
    reader = read_page((out / "benchmark.html").read_text())
    assert {"quality", "bytes", "groups", "cost", "photos", "convergence", "how"} <= reader.ids
    (tmp_path / "empty").mkdir()
    assert main(["benchmark", str(tmp_path / "empty"), "-o", str(out)]) == 2
