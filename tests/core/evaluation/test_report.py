"""Tables as text, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import math

import pytest

from core.evaluation.report import FORMATS, Column, Table, render

TABLE = Table(
    "Gains & losses",
    (Column("Method"), Column("Gain (dB)", signed=True), Column("Photos"), Column("LPIPS", 4)),
    (("naive_one", 0.0, 24, math.nan), ("box", 6.5432, 1024, None), ("a|b", math.inf, 3, 0.12345)),
)


class TestText:
    def test_columns_stand_below_each_other(self) -> None:
        lines = render([TABLE], "text").splitlines()
        assert lines[0] == "Gains & losses"
        ends = {line.index("Photos") + 6 for line in lines[2:3]}
        (end,) = ends
        assert [line[:end].split()[-1] for line in lines[4:7]] == ["24", "1,024", "3"]
        assert all(len(line[:end].rstrip()) == end for line in lines[4:7])

    def test_signs_and_gaps(self) -> None:
        text = render([TABLE], "text")
        assert "+6.54" in text
        assert "∞" in text
        assert "nan" not in text
        assert text.splitlines()[4].split()[-1] == "-"


class TestCsv:
    def test_one_table_is_a_plain_file_with_all_digits(self) -> None:
        rows = list(csv.reader(io.StringIO(render([TABLE], "csv"))))
        assert rows[0] == ["Method", "Gain (dB)", "Photos", "LPIPS"]
        assert rows[2] == ["box", "6.5432", "1024", ""]
        assert rows[1][3] == ""
        assert rows[3][0] == "a|b"

    def test_several_tables_have_titles(self) -> None:
        rows = list(csv.reader(io.StringIO(render([TABLE, TABLE], "csv"))))
        assert [row for row in rows if row == ["Gains & losses"]] == [["Gains & losses"]] * 2


class TestMarkdown:
    def test_numbers_are_aligned_right_and_bars_escaped(self) -> None:
        lines = render([TABLE], "markdown").splitlines()
        assert lines[0] == "**Gains & losses**"
        assert lines[2] == "| Method | Gain (dB) | Photos | LPIPS |"
        assert lines[3] == "| :-- | --: | --: | --: |"
        assert lines[6].startswith(r"| a\|b | ")


class TestLatex:
    def test_special_characters_are_escaped(self) -> None:
        text = render([TABLE], "latex")
        assert r"\caption{Gains \& losses}" in text
        assert r"naive\_one & +0.00 & 24 & -- \\" in text
        assert r"$\infty$" in text
        assert r"\begin{tabular}{lrrr}" in text
        assert text.count(r"\begin") == text.count(r"\end") == 2


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_ends_with_a_line_break(form: str) -> None:
    assert render([TABLE], form).endswith("\n")  # type: ignore[arg-type]


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(ValueError, match="'html'"):
        render([TABLE], "html")  # type: ignore[arg-type]


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="Short"):
        Table("Short", (Column("a"), Column("b")), (("x",),))
