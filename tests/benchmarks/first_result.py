"""How soon the page shows a first result, against the engine alone.

Run it as ``python -m tests.benchmarks.first_result --rounds 5``. In each round a photo of one
megapixel is expanded by :func:`core.engine.expansion.expand` in this process, then dropped on the
page in a real Chromium, which starts the work; the page's time runs until both pictures stand.
While the server works, the page's answer to a press on another tab is timed, too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

from core.engine.expansion import ExpansionSettings, expand
from core.files import write_codes
from core.methods.registry import method
from tests.end_to_end.conftest import CHROMIUM, arguments
from tests.end_to_end.visits import DESK, Visit, visiting
from tests.web_demo import clipped_photo, running_demo

_SIDE = 1000
_MODEL = "letnet-box"


def _shown(visit: Visit, photo: Path) -> tuple[float, float]:
    """Return the seconds until the result stands, and until another tab opened meanwhile."""
    started = time.perf_counter()
    visit.upload(photo)
    visit.page.get_by_role("button", name="Cancel").locator("visible=true").first.wait_for()
    pressed = time.perf_counter()
    visit.tab("About")
    visit.panel.get_by_text("Papers").first.wait_for()
    turned = time.perf_counter() - pressed
    visit.tab("Expand")
    visit.both_pictures()
    return time.perf_counter() - started, turned


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, settings = method(_MODEL), ExpansionSettings(device="cpu")
    alone: list[float] = []
    page: list[float] = []
    turned: list[float] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments())
        with running_demo(Path(name), f"--models={_MODEL}", f"--threads={options.threads}") as demo:
            for number in range(options.rounds):
                codes = clipped_photo(_SIDE, _SIDE, number)
                photo = Path(name) / f"photo{number}.png"
                write_codes(photo, codes)
                started = time.perf_counter()
                expand(codes, model, settings)
                alone.append(time.perf_counter() - started)
                with visiting(chromium, demo, **DESK) as visit:
                    seconds, tab = _shown(visit, photo)
                page.append(seconds)
                turned.append(tab)
        chromium.close()
    ratios = [shown / engine for shown, engine in zip(page, alone, strict=True)]
    report = {
        "megapixels": _SIDE**2 / 1e6,
        "threads": options.threads,
        "engine_alone_seconds": [round(value, 2) for value in alone],
        "page_seconds": [round(value, 2) for value in page],
        "ratios": [round(value, 2) for value in ratios],
        "median_ratio": round(statistics.median(ratios), 2),
        "another_tab_meanwhile_seconds": [round(value, 3) for value in turned],
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
