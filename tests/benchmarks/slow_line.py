"""How soon the pictures of a result stand on a slow line, once the page says "Done.".

Run it as ``python -m tests.benchmarks.slow_line --rounds 3``. The line is what browsers call fast
3G: 1.6 Mbit/s down, 750 kbit/s up, 150 ms. Each photo is dropped on the page, in a browser that has
nothing kept; the time runs from "Done." to the moment when the pictures before and after are there.
The photos are the examples, and one of six megapixels with grain, of which little can be left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.end_to_end.conftest import CHROMIUM, arguments
from tests.end_to_end.visits import DESK, PATIENCE, visiting
from tests.web_demo import running_demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.web_demo import Demo

_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
_GOAL = 3.0

_SECONDS = """name => new Promise(resolve => {
  let done = null;
  const look = () => {
    const said = document.querySelector('.status')?.innerText ?? '';
    const shown = document.querySelector('.verdict span')?.innerText;
    if (done === null && said.includes('Done.') && shown === name) {
      done = performance.now();
    }
    const pictures = [...document.querySelectorAll('.viewer .stage img[data-wide]')];
    const stand = pictures.length > 1
      && pictures.every(picture => picture.complete && picture.naturalWidth);
    if (done !== null && stand) {
      const bytes = pictures.map(picture =>
        performance.getEntriesByName(picture.currentSrc).at(-1)?.encodedBodySize ?? 0);
      resolve({
        seconds: (performance.now() - done) / 1000,
        kilobytes: bytes.reduce((sum, each) => sum + each, 0) / 1000,
      });
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})"""


def _photos(folder: Path, demo: Demo) -> list[Path]:
    """Return the examples, and make the photo with grain."""
    examples = sorted((demo.folder / "samples").glob("*-vivid.png"))
    with resources.as_file(resources.files("core") / "samples" / "coffee-vivid.png") as sample:
        large = Image.open(sample).convert("RGB").resize((3000, 2000), Image.Resampling.LANCZOS)
    grain = np.random.default_rng(0).normal(0.0, 6.0, (2000, 3000, 1))
    codes = np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8)
    photo = folder / "grain.jpg"
    Image.fromarray(codes).save(photo, quality=90)
    return [*examples, photo]


def _measured(chromium: Browser, demo: Demo, photo: Path) -> dict[str, float]:
    with visiting(chromium, demo, **DESK) as visit:
        visit.both_pictures()
        line = visit.page.context.new_cdp_session(visit.page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", _LINE)
        # The upload itself may take longer than people are asked to wait elsewhere.
        visit.page.set_default_timeout(4 * PATIENCE)
        visit.upload(photo)
        found: dict[str, float] = visit.page.evaluate(_SECONDS, photo.stem)
        return found


def main() -> int:
    """Measure and print JSON; the exit code is 1 if a picture stood later than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    loads = [os.getloadavg()[0]]
    # A short name: sockets are in it.
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        served, made = Path(name) / "s", Path(name) / "m"
        served.mkdir()
        made.mkdir()
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments())
        with running_demo(served, "--models=letnet-box", "--max-megapixels=8") as demo:
            for photo in _photos(made, demo):
                found = [_measured(chromium, demo, photo) for _ in range(options.rounds)]
                seconds = [each["seconds"] for each in found]
                figures[photo.stem] = {
                    "photo_kilobytes": round(photo.stat().st_size / 1e3),
                    "pictures_kilobytes": round(found[0]["kilobytes"]),
                    "seconds": [round(each, 2) for each in seconds],
                    "median": round(statistics.median(seconds), 2),
                }
                loads.append(os.getloadavg()[0])
                sys.stderr.write(f"{photo.name}: {figures[photo.stem]['median']} s\n")
        chromium.close()
    report = {"goal_seconds": _GOAL, "load": [round(load, 1) for load in loads], **figures}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return int(any(each["median"] > _GOAL for each in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
