"""``gamut info``: what a photo file says about itself, and how much of it is clipped."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.engine import batches

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "info",
        help="tell the colour space of photos and how much colour they have lost",
        description="Tell the colour space and profile of photos, how many of their pixels are "
        "clipped (sRGB) or lie outside sRGB (wide-gamut), and what metadata they carry.",
    )
    common.add_photos(parser)
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    reports: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for path, _ in batches.find_photos(options.inputs):
        try:
            report = _describe(path)
        except Exception as error:
            batches.log_unforeseen(path, error)
            failures.append({"input": str(path), "error": batches.sentence(error)})
            if not options.json:
                common.say(f"{path}\n  {batches.sentence(error)}")
            continue
        reports.append(report)
        if not options.json:
            common.say(_text(report))
    if options.json:
        common.say(json.dumps({"files": reports, "failed": failures}, indent=2))
    return 1 if failures else 0


def _describe(path: Path) -> dict[str, Any]:
    from core.engine.origin import origin_of
    from core.files import read
    from core.files.provenance import provenance_of
    from core.gamut import LOSSY_TOLERANCE, ROUNDING, clipped_mask, out_of_gamut_mask, share

    photo = read(path)
    info = photo.info
    report: dict[str, Any] = {"input": str(path), **asdict(info)}
    codes = photo.srgb_codes()
    if codes is None:
        report["out_of_gamut_share"] = share(out_of_gamut_mask(photo.scene(), ROUNDING))
    else:
        tolerance = LOSSY_TOLERANCE if info.lossy else 0.0
        report["clipped_share"] = share(clipped_mask(codes, tolerance))
        report["origin"] = origin_of(provenance_of(photo.metadata)).reason
    report["carried"] = []
    if photo.payload is not None:
        from core.engine.tiling import ArraySource
        from core.payload.carried import described

        source = None if codes is None else ArraySource(codes)
        report["carried"] = described(photo.payload, source)
    return report


def _text(report: dict[str, Any]) -> str:
    kind = "float" if report["is_float"] else "bits"
    lossy = ", lossy" if report["lossy"] else ""
    lines = [
        str(report["input"]),
        f"{report['format']}, {report['width']} × {report['height']}, "
        f"{report['channels']} × {report['bits']} {kind}{lossy}",
        f"colour: {report['profile_name']}",
    ]
    if "clipped_share" in report:
        lines.append(f"clipped: {report['clipped_share']:.2%} of the pixels may have lost colour")
    else:
        lines.append(f"outside sRGB: {report['out_of_gamut_share']:.2%} of the pixels")
    taken = " ".join(text for text in (report["camera"], report["date"]) if text)
    kinds = ", ".join(report["metadata"]) or "none"
    said = (f" ({taken})" if taken else "") + (", with a place" if report["has_gps"] else "")
    lines.append(f"metadata: {kinds}{said}")
    lines.extend(report["carried"])
    if report.get("origin"):
        lines.append(report["origin"])
    lines.extend(report["notes"])
    return "\n  ".join(lines)
