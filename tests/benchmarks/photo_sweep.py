"""Run the program over a folder of other projects' test photos, and compare with other readers.

    python tests/benchmarks/photo_sweep.py FOLDER [--json OUT] [--markdown OUT] [--seconds 60]

Each folder below FOLDER is a collection. Every file with a photo's suffix goes through `info` and
`expand --model naive`, in a process with limits on memory and on time of the processor. What comes
out is reduced to sRGB again and compared with what libvips (`vips`, where it is installed) or
Pillow with littleCMS make of the same file: mean CIEDE2000, where nothing is transparent.

A crash is a dead process or an error that was not foreseen, a hang takes longer than the limit and
a second a megapixel, chatter is anything that libraries print. All three must be 0, and
disagreements explained.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

AGREES = 0.4
"""Mean CIEDE2000 that two sound readers stay below."""
MOST_COMPARED = 300_000
MEMORY = 4 << 30
KILLED = 5
"""After so many times the limit nobody waits any longer, however large the photo may be."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--json", type=Path, default=Path("sweep.json"))
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the processor, for a file")
    parser.add_argument("--only", help="one collection")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of N photos")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work()
        return
    from core.engine.batches import PHOTO_SUFFIXES

    photos = [
        path
        for path in sorted(options.folder.rglob("*"))
        if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES
        if options.only in (None, path.relative_to(options.folder).parts[0])
    ][:: options.every]
    records: list[dict[str, Any]] = []
    worker = Worker(options.seconds)
    for number, path in enumerate(photos, 1):
        record = {
            "collection": path.relative_to(options.folder).parts[0],
            "file": str(path.relative_to(options.folder)),
            **worker.ask(path),
        }
        records.append(record)
        if number % 50 == 0 or number == len(photos):
            options.json.write_text(json.dumps(records, indent=1))
            print(f"{number} of {len(photos)}", flush=True)
    worker.close()
    text = report(records)
    if options.markdown:
        options.markdown.write_text(text)
    print(text)


class Worker:
    """The process that reads photos; started again where it dies or does not come back."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def ask(self, path: Path) -> dict[str, Any]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert self._process.stdout is not None
            self._process.stdout.readline()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(str(path)) + "\n")
        self._process.stdin.flush()
        begun = self._used()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not selector.select(1.0):
                # Time of the processor: a busy machine is no fault of the photo.
                if self._used() - begun > KILLED * self._seconds:
                    self.close()
                    return {"outcome": "hang", "seconds": KILLED * self._seconds}
        answer = self._process.stdout.readline()
        if not answer:
            self.close()
            return {"outcome": "crash", "error": "the process died"}
        record: dict[str, Any] = json.loads(answer)
        across, down = record.get("size", (0, 0))
        if record["seconds"] > self._seconds + across * down / 1e6:
            record["outcome"] = "hang"
        return record

    def _used(self) -> float:
        assert self._process is not None
        with contextlib.suppress(OSError, IndexError):
            stat = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def work() -> None:
    """Answer for every photo that standard input names."""
    import torch

    from core.cli import main as command
    from core.methods.registry import method

    torch.set_num_threads(1)
    method("naive")
    answers = os.fdopen(os.dup(1), "w")
    with Path("/proc/self/statm").open() as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        with tempfile.TemporaryDirectory() as folder:
            record = examined(Path(json.loads(line)), Path(folder), command)
        answers.write(json.dumps(record) + "\n")
        answers.flush()


def examined(path: Path, folder: Path, command: Any) -> dict[str, Any]:
    """Return what came of one photo."""
    Path("/proc/self/clear_refs").write_text("5")
    started = time.process_time()
    told, told_chatter = ran(command, folder, "info", path)
    made, made_chatter = ran(
        command, folder, "expand", path, "-o", folder / "out.tif", "--model", "naive"
    )
    record: dict[str, Any] = {
        "seconds": round(time.process_time() - started, 2),
        "peak_mb": peak_mb(),
        "chatter": told_chatter or made_chatter,
    }
    failures = [*told["failed"], *made["failed"]]
    if failures:
        text = failures[0]["error"]
        unforeseen = "made the program fail" in text or "that this program cannot read (" in text
        consistent = len(told["failed"]) == len(made["failed"])
        outcome = "crash" if unforeseen else "sentence" if consistent else "only info"
        return record | {"outcome": outcome, "error": text.replace(str(path), path.name)}
    record |= {"outcome": "photo", "notes": made["files"][0]["notes"]}
    try:
        ours, alpha = our_codes(folder / "out.tif")
    except MemoryError:
        # The comparison holds more at once than the program, which works in bands.
        return record | {"uncompared": "too large for the limit on memory"}
    record["size"] = [ours.shape[1], ours.shape[0]]
    for name, reader in (("vips", vips_codes), ("Pillow", pillow_codes)):
        try:
            theirs = reader(path, folder)
        except Exception as error:
            record[f"{name}_error"] = f"{type(error).__name__}: {error}"[:160]
            continue
        record[name] = difference(ours, theirs, alpha)
        if record[name].get("delta_e", AGREES) < AGREES:
            break
    return record


def ran(command: Any, folder: Path, *arguments: object) -> tuple[dict[str, Any], str]:
    """Run a command of the program; returns its report and what libraries printed beside it."""
    kept = [os.dup(number) for number in (1, 2)]
    with (folder / "1").open("w+") as out, (folder / "2").open("w+") as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        old = sys.stdout
        sys.stdout = os.fdopen(os.dup(1), "w")
        try:
            command([str(argument) for argument in (*arguments, "--json")])
            sys.stdout.close()
        finally:
            sys.stdout = old
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
        out.seek(0)
        err.seek(0)
        printed, errors = out.read(), err.read()
    start = printed.index("{\n")
    report: dict[str, Any] = json.loads(printed[start:])
    said = " ".join(one["error"] for one in report["failed"])
    rest = [line for line in errors.splitlines() if line.strip() and line.strip() not in said]
    return report, (printed[:start] + " ".join(rest))[:200]


def peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def our_codes(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    from core.files import read
    from core.gamut import reduce

    photo = read(path)
    return reduce(photo.scene()), photo.alpha


def vips_codes(path: Path, folder: Path) -> np.ndarray:
    """What libvips makes of a file: upright, in sRGB."""
    if shutil.which("vips") is None:
        raise FileNotFoundError("vips is not installed")
    upright, out = folder / "upright.v", folder / "vips.png"
    vips("autorot", path, upright)
    kind = vips_field(upright, "interpretation")
    if kind == "scrgb":
        vips("colourspace", upright, out, "srgb")
    else:
        profile = "sgrey" if kind in ("b-w", "grey16") else "srgb"
        converts = ("icc_transform", upright, out, "srgb", "--embedded", "--intent", "relative")
        vips(*converts, "--input-profile", profile, "--depth", "8")
    return png_codes(out)


def vips(*arguments: object) -> None:
    done = subprocess.run(
        ["vips", *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise ValueError(done.stderr.strip()[:120])


def vips_field(path: Path, name: str) -> str:
    done = subprocess.run(
        ["vipsheader", "-f", name, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def pillow_codes(path: Path, folder: Path) -> np.ndarray:
    """What Pillow and littleCMS make of a file: upright, in sRGB."""
    import io
    import warnings

    from PIL import Image, ImageCms, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            profile = image.info.get("icc_profile")
            if upright.mode in ("1", "P", "PA", "LA", "La", "RGBa", "RGBX", "YCbCr"):
                upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            if upright.mode not in ("RGB", "RGBA", "L"):
                raise ValueError(f"mode {upright.mode}")
            colours = upright.convert("RGB") if upright.mode == "RGBA" else upright
            if profile:
                source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
                target = ImageCms.createProfile("sRGB")
                colours = ImageCms.profileToProfile(
                    colours,
                    source,
                    target,
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                )
            return np.asarray(colours.convert("RGB"))


def png_codes(path: Path) -> np.ndarray:
    import imagecodecs

    codes = imagecodecs.png_decode(path.read_bytes())
    codes = codes[..., None] if codes.ndim == 2 else codes
    if codes.dtype == np.uint16:
        codes = (codes >> 8).astype(np.uint8)
    return codes[..., :3] if codes.shape[2] >= 3 else np.repeat(codes[..., :1], 3, axis=2)


def difference(ours: np.ndarray, theirs: np.ndarray, alpha: np.ndarray | None) -> dict[str, Any]:
    """Return the mean CIEDE2000 of two sRGB pictures, or that their sizes differ."""
    from core.colour_difference import delta_e_2000

    if ours.shape != theirs.shape:
        return {"size": [theirs.shape[1], theirs.shape[0]]}
    step = max(1, int((ours.shape[0] * ours.shape[1] / MOST_COMPARED) ** 0.5))
    shown = np.ones(ours.shape[:2], bool)
    if alpha is not None:
        shown = alpha >= 0.999 * (np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1)
    shown = shown[::step, ::step]
    if not shown.any():
        return {"delta_e": 0.0}
    first, second = (lab(codes[::step, ::step][shown] / 255) for codes in (ours, theirs))
    away = delta_e_2000(first, second)
    return {"delta_e": round(float(away.mean()), 3), "most": round(float(away.max()), 2)}


def lab(encoded: np.ndarray) -> np.ndarray:
    from core.colour import PROPHOTO, SRGB, convert, lab_from_prophoto

    linear = np.asarray(SRGB.decode(encoded), np.float64)
    return lab_from_prophoto(convert(linear, SRGB, PROPHOTO))


def nearest(record: dict[str, Any]) -> float | None:
    """Return the difference from the reader that is nearer; None where no reader has the size."""
    found = [
        record[name]["delta_e"] for name in ("vips", "Pillow") if "delta_e" in record.get(name, {})
    ]
    return min(found, default=None)


def report(records: list[dict[str, Any]]) -> str:
    """Return the findings as Markdown."""
    lines = [
        "| collection | files | photos | sentences | crashes | hangs | chatter | compared "
        f"| ΔE < {AGREES} | above |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in [*sorted({one["collection"] for one in records}), "all"]:
        those = [one for one in records if name in (one["collection"], "all")]
        kinds = Counter(one["outcome"] for one in those)
        measured = [away for one in those if (away := nearest(one)) is not None]
        unread = kinds["sentence"] + kinds["only info"]
        chatty = sum(bool(one.get("chatter")) for one in those)
        near = sum(away < AGREES for away in measured)
        lines.append(
            f"| {name} | {len(those)} | {kinds['photo']} | {unread} "
            f"| {kinds['crash']} | {kinds['hang']} | {chatty} | {len(measured)} | {near} "
            f"| {len(measured) - near} |"
        )
    lines += ["", "Slowest:", ""]
    by_time = sorted(records, key=lambda one: -one.get("seconds", 0.0))
    lines += [f"- {one['seconds']:.1f} s: {one['file']}" for one in by_time[:8]]
    lines += ["", "Most memory:", ""]
    by_memory = sorted(records, key=lambda one: -one.get("peak_mb", 0))
    lines += [f"- {one.get('peak_mb', 0)} MB: {one['file']}" for one in by_memory[:5]]
    for title, chosen in (
        ("Crashes and hangs", [one for one in records if one["outcome"] in ("crash", "hang")]),
        ("Chatter", [one for one in records if one.get("chatter")]),
        ("Disagreements", [one for one in records if (nearest(one) or 0.0) >= AGREES]),
        (
            "Other sizes than both readers",
            [one for one in records if nearest(one) is None and ("vips" in one or "Pillow" in one)],
        ),
    ):
        lines += ["", f"{title}:", ""]
        lines += [f"- {one['file']}: {told(one)}" for one in chosen] or ["- none"]
    sentences = Counter(
        one["error"].split("” ", 1)[-1] for one in records if one["outcome"] == "sentence"
    )
    lines += ["", "Sentences:", ""]
    lines += [f"- {count} × {text}" for text, count in sentences.most_common(40)]
    return "\n".join(lines) + "\n"


def told(record: dict[str, Any]) -> str:
    keys = ("outcome", "error", "chatter", "size", "vips", "Pillow")
    return ", ".join(f"{key} {record[key]}" for key in keys if record.get(key))


if __name__ == "__main__":
    main()
