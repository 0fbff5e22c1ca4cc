"""The benchmarks still run: on tiny inputs, whose figures say nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "benchmarks" / "speed.py"
PARTS = "abcdefghi"

# The first test waits for all parts.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the report of a run of all parts is, without its suffix."""
    output = tmp_path_factory.mktemp("speed") / "speed"
    command = [sys.executable, str(SCRIPT), "--tiny", "--rounds", "1", "--only", *PARTS]
    subprocess.run([*command, "--output", str(output)], check=True, capture_output=True)
    return output


@pytest.mark.parametrize("part", PARTS)
def test_a_benchmark_runs_and_reports(output: Path, part: str) -> None:
    parts: dict[str, list[dict[str, Any]]] = json.loads(output.with_suffix(".json").read_text())[
        "parts"
    ]
    assert list(parts) == list(PARTS)
    rows = parts[part]
    assert rows
    for row in rows:
        figures = {name: value for name, value in row.items() if isinstance(value, float)}
        # So little memory may not be noticed.
        assert all(v > 0.0 for name, v in figures.items() if "MB" not in name and "mem" not in name)
    sections = output.with_suffix(".md").read_text().split("\n## ")
    (table,) = [section for section in sections if section.startswith(f"({part})")]
    assert table.count("\n|") == len(rows) + 2
