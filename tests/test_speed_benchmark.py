"""The benchmarks still run: on tiny inputs, whose figures say nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "benchmarks" / "speed.py"


@pytest.mark.parametrize("part", "abcdefghi")
def test_a_benchmark_runs_and_reports(part: str, tmp_path: Path) -> None:
    output = tmp_path / "speed"
    command = [sys.executable, str(SCRIPT), "--tiny", "--rounds", "1", "--only", part]
    subprocess.run([*command, "--output", str(output)], check=True, capture_output=True)
    (rows,) = json.loads(output.with_suffix(".json").read_text())["parts"].values()
    assert rows
    for row in rows:
        figures = {name: value for name, value in row.items() if isinstance(value, float)}
        # So little memory may not be noticed.
        assert all(v > 0.0 for name, v in figures.items() if "MB" not in name and "mem" not in name)
    table = output.with_suffix(".md").read_text()
    assert f"## ({part})" in table
    assert table.count("\n|") == len(rows) + 2
