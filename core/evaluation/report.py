"""Tables of figures, for people, spreadsheets and papers."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = str | int | float | None
Format = Literal["text", "csv", "markdown", "latex"]
FORMATS: tuple[Format, ...] = get_args(Format)

_ABSENT = {"text": "-", "csv": "", "markdown": "–", "latex": "--"}
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "_": r"\_",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "Δ": r"$\Delta$",
        "∞": r"$\infty$",
    }
)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        With its unit.
    digits : int
        Decimals of its floats.
    signed : bool
        Whether positive numbers carry their sign: differences do.
    """

    title: str
    digits: int = 2
    signed: bool = False


@dataclass(frozen=True)
class Table:
    """A table of figures.

    Attributes
    ----------
    title : str
        What it shows.
    columns : tuple of Column
        Heads.
    rows : tuple of tuples of str, int, float or None
        None and nan mean that there is no such figure.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the columns."""
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"A row of {self.title!r} does not fit its columns.")


def render(tables: Sequence[Table], form: Format) -> str:
    """Write tables.

    Parameters
    ----------
    tables : sequence of Table
        In order.
    form : {"text", "csv", "markdown", "latex"}
        Text for a terminal, CSV (all digits; the title is a line of its own where there is
        more than one table), Markdown, or LaTeX with the rules of booktabs.

    Returns
    -------
    str
        Ends with a line break.

    Examples
    --------
    >>> columns = (Column("Method"), Column("Gain (dB)", signed=True))
    >>> gains = Table("Gains", columns, (("letnet", 1.234), ("naive", 0.0)))
    >>> print(render([gains], "markdown"), end="")
    **Gains**
    <BLANKLINE>
    | Method | Gain (dB) |
    | :-- | --: |
    | letnet | +1.23 |
    | naive | +0.00 |
    """
    if form not in FORMATS:
        raise ValueError(f"There is no table format {form!r}; choose one of {', '.join(FORMATS)}.")
    if form == "csv":
        return "\n".join(_csv(table, titled=len(tables) > 1) for table in tables)
    writer = {"text": _text, "markdown": _markdown, "latex": _latex}[form]
    return "\n".join(writer(table) for table in tables)


def html(table: Table) -> str:
    """Write one table as HTML, without classes and with its title as the caption.

    Examples
    --------
    >>> columns = (Column("Method"), Column("Gain (dB)", signed=True))
    >>> print(html(Table("Gains", columns, (("letnet", 1.234),))))
    <table>
    <caption><span>Gains</span></caption>
    <thead><tr><th>Method</th><th class="number">Gain (dB)</th></tr></thead>
    <tbody>
    <tr><td>letnet</td><td class="number">+1.23</td></tr>
    </tbody>
    </table>
    """
    head, *body = _cells(table, "markdown")
    marks = [' class="number"' if right else "" for right in _aligned_right(table)]

    def line(cells: list[str], tag: str) -> str:
        pairs = zip(cells, marks, strict=True)
        marked = "".join(f"<{tag}{mark}>{escape(cell)}</{tag}>" for cell, mark in pairs)
        return f"<tr>{marked}</tr>"

    return "\n".join(
        [
            "<table>",
            f"<caption><span>{escape(table.title)}</span></caption>",
            f"<thead>{line(head, 'th')}</thead>",
            "<tbody>",
            *(line(row, "td") for row in body),
            "</tbody>",
            "</table>",
        ]
    )


def _cells(table: Table, form: Format) -> list[list[str]]:
    head = [column.title for column in table.columns]
    body = [
        [_cell(value, column, form) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    return [head, *body]


def _cell(value: Cell, column: Column, form: Format) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _ABSENT[form]
    if isinstance(value, float):
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        return f"{value:{'+' if column.signed else ''}.{column.digits}f}"
    return f"{value:,}" if isinstance(value, int) else value


def _is_number(value: Cell) -> bool:
    return value is None or not isinstance(value, str)


def _aligned_right(table: Table) -> list[bool]:
    return [
        all(_is_number(row[place]) for row in table.rows) for place in range(len(table.columns))
    ]


def _text(table: Table) -> str:
    cells = _cells(table, "text")
    widths = [max(len(row[place]) for row in cells) for place in range(len(table.columns))]
    right = _aligned_right(table)
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    rule = "-" * max(len(line) for line in lines)
    return "\n".join([table.title, rule, lines[0], rule, *lines[1:], ""])


def _markdown(table: Table) -> str:
    cells = [[cell.replace("|", r"\|") for cell in row] for row in _cells(table, "markdown")]
    marks = ["--:" if right else ":--" for right in _aligned_right(table)]
    lines = ["| " + " | ".join(row) + " |" for row in [cells[0], marks, *cells[1:]]]
    return "\n".join([f"**{table.title}**", "", *lines, ""])


def _latex(table: Table) -> str:
    cells = [[cell.translate(_LATEX) for cell in row] for row in _cells(table, "latex")]
    form = "".join("r" if right else "l" for right in _aligned_right(table))
    lines = [" & ".join(row) + r" \\" for row in cells]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{table.title.translate(_LATEX)}}}",
            rf"\begin{{tabular}}{{{form}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _csv(table: Table, *, titled: bool) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    if titled:
        writer.writerow([table.title])
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow(
            ["" if isinstance(value, float) and math.isnan(value) else value for value in row]
        )
    return content.getvalue()
