"""``gamut evaluate``: measure methods on wide-gamut photos."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from core.cli.arguments import (
    add_place,
    add_selection,
    add_styles,
    at_least,
    place_of,
    set_threads,
    within,
)
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from core.engine.method import Method
    from core.evaluation.protocol import EvaluationSettings
    from core.evaluation.rows import Row
    from core.gamut import FloatImage

Item = TypeVar("Item")

_PROTOCOLS = ("box", "paper")
_FORMATS = ("text", "csv", "markdown", "latex")

_DESCRIPTION = """\
Reduce wide-gamut photos to sRGB, restore them by each method, and measure how near they come:
PSNR, SSIM, CIEDE2000, FLIP and LPIPS (where its published weights are on disk) for all, the
out-of-gamut and the in-gamut pixels, gains over the naive inversion, groups A to D by the share
of out-of-gamut pixels, the round trip, time and memory. METHOD is one that "gamut methods" lists,
or a .safetensors file. Those that are fitted to each original know more than the others may;
their time includes the fitting.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "evaluate", help="measure methods on wide-gamut photos", description=_DESCRIPTION
    )
    parser.add_argument("methods", metavar="METHOD", nargs="+", help="what to measure")
    parser.add_argument(
        "--photos", metavar="FOLDER", nargs="+", type=Path, required=True, help="the originals"
    )
    add_styles(parser)
    parser.add_argument(
        "--protocol",
        choices=_PROTOCOLS,
        default="box",
        help="box: Bradford, estimates projected; paper: CAT02, not projected "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--source",
        choices=("unknown", "known"),
        default="unknown",
        help="whether methods are told the space in which the original's colours lay: as an "
        "INDEX.csv beside the photos says (columns file and source_gamut), else their profile; "
        "ProPhoto for the vivid style (default: %(default)s)",
    )
    parser.add_argument(
        "--jpeg", metavar="QUALITY", type=at_least(1), help="pass the sRGB photo through JPEG"
    )
    parser.add_argument("--subsampling", choices=("420", "444"), help="of the JPEG (default: 420)")
    parser.add_argument(
        "--written", action="store_true", help="measure the round trip through a written file too"
    )
    add_selection(parser)
    _add_output(parser)
    _add_solver(parser)
    _add_machine(parser)
    parser.set_defaults(run=run)


def _add_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("--format", choices=_FORMATS, default="text", help="default: text")
    output.add_argument("--output", metavar="FILE", type=Path, help="write the tables to a file")
    output.add_argument("--overwrite", action="store_true", help="replace files that exist")
    output.add_argument("--json", metavar="FILE", type=Path, help="write every photo's figures")
    output.add_argument(
        "--figures",
        metavar="DIR",
        type=Path,
        help="draw gamuts, quality by iteration and error maps of the median photo",
    )
    output.add_argument(
        "--figure-photos",
        metavar="N",
        type=at_least(1),
        help="draw N photos, from the one that gained least to the one that gained most, and "
        "their average quality by iteration (default: 1, the median)",
    )


def _add_solver(parser: argparse.ArgumentParser) -> None:
    solver = parser.add_argument_group("solver")
    solver.add_argument(
        "--steps", metavar="K", type=at_least(1), help="most iterations (default: the model's)"
    )
    solver.add_argument(
        "--residual", metavar="R", type=within(0.0, 1.0), help="relative residual to stop at"
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    machine = parser.add_argument_group(
        "the machine", "(--workers and --cluster need napari-gamut[cluster])"
    )
    add_place(machine)
    machine.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default: auto)")
    machine.add_argument("--threads", type=at_least(1), help="of the processor")
    machine.add_argument("--tile", metavar="PIXELS", type=at_least(64), default=512)


def run(options: argparse.Namespace) -> int:
    """Measure, write tables, rows and figures; 1 if a photo could not be read."""
    from core.cli.progress import ProgressBar
    from core.evaluation.measuring import evaluate
    from core.evaluation.originals import distinct_names, evenly, photos_in
    from core.evaluation.spread import evaluate_spread
    from core.files import check_target
    from core.methods import registry

    set_threads(options)
    for name, needed in (("subsampling", "jpeg"), ("figure_photos", "figures")):
        if getattr(options, name) is not None and getattr(options, needed) is None:
            raise PhotoError(f"--{name.replace('_', '-')} does nothing without --{needed}.")
    for path in (options.output, options.json):
        if path is not None:
            check_target(path, overwrite=options.overwrite)
    if options.figures is not None and not options.overwrite and any(options.figures.glob("*.png")):
        raise PhotoError(
            f"The folder {options.figures} holds figures already; name another one, or --overwrite."
        )
    methods = registry.methods(options.methods)
    settings = _settings(options)
    photos = evenly(photos_in(options.photos), options.limit)
    names = distinct_names(photos)
    rows: list[Row] = []
    unread = 0

    def keep(photo: Path, found: Sequence[Row]) -> None:
        rows.extend(replace(row, photo=names[photo]) for row in found)

    def report(error: PhotoError) -> None:
        nonlocal unread
        unread += 1
        bar.note(f"left out: {error}")

    with ProgressBar("photos") as bar:
        place = place_of(options)
        if place is None:
            for number, photo in enumerate(photos):
                bar.show(number, len(photos), photo.name)
                keep(photo, list(evaluate(methods, [photo], settings, failed=report)))
        else:
            work = evaluate_spread(options.methods, photos, settings, place, failed=report)
            for number, (photo, found) in enumerate(zip(photos, work, strict=True), start=1):
                bar.show(number, len(photos), "measuring")
                keep(photo, found)
    if not rows:
        raise PhotoError("None of the folders holds a readable photo; check their names.")
    _write_tables(options, rows, methods, settings)
    if options.figures is not None:
        _draw(options, rows, {name: path for path, name in names.items()}, methods, settings)
    return 1 if unread else 0


def _settings(options: argparse.Namespace) -> EvaluationSettings:
    from core.engine.expansion import ExpansionSettings
    from core.evaluation.protocol import PROTOCOLS, EvaluationSettings
    from core.styles import STYLES

    return EvaluationSettings(
        styles={name: STYLES[name] for name in options.styles},
        protocol=PROTOCOLS[options.protocol],
        source_known=options.source == "known",
        jpeg_quality=options.jpeg,
        subsampling=options.subsampling or "420",
        max_side=options.max_side,
        perceptual=not options.no_perceptual,
        written=options.written,
        steps=options.steps,
        residual=options.residual,
        expansion=ExpansionSettings(device=options.device, tile=options.tile),
    )


def _write_tables(
    options: argparse.Namespace,
    rows: Sequence[Row],
    methods: Sequence[Method],
    settings: EvaluationSettings,
) -> None:
    from core.evaluation.report import render
    from core.evaluation.summary import summarise
    from core.evaluation.tables import (
        complete_table,
        cost_table,
        group_table,
        quality_table,
        source_table,
        worst_table,
    )
    from core.files import write_bytes

    whole, groups = summarise(rows), summarise(rows, by_group=True)
    if options.format == "csv":
        tables = [complete_table(whole, groups, methods)]
    else:
        tables = [
            quality_table(whole, settings),
            worst_table(whole),
            group_table(groups),
            source_table(rows),
            cost_table(whole, methods),
        ]
    text = render(tables, options.format)
    if options.output is None:
        sys.stdout.write(text)
    else:
        write_bytes(options.output, text.encode(), overwrite=options.overwrite)
    if options.json is not None:
        content = json.dumps([row.as_dict() for row in rows], indent=1)
        write_bytes(options.json, content.encode(), overwrite=options.overwrite)


def _draw(
    options: argparse.Namespace,
    rows: Sequence[Row],
    paths: Mapping[str, Path],
    methods: Sequence[Method],
    settings: EvaluationSettings,
) -> None:
    """Draw photos that lie evenly in the order of what the first network gained."""
    from core.engine.method import Needs
    from core.evaluation.figures import draw_photos
    from core.evaluation.originals import source_of
    from core.pictures import save_figure

    drawn = [method for method in methods if method.needs is Needs.WEIGHTS]
    if not drawn:
        raise PhotoError("There is no network among the methods to draw; name one.")
    options.figures.mkdir(parents=True, exist_ok=True)
    for style_name, style in settings.styles.items():
        ordered = sorted(
            (row for row in rows if row.style == style_name and row.method == drawn[0].name),
            key=lambda row: row.gain["all"],
        )
        chosen = [row.photo for row in spread(ordered, options.figure_photos or 1)]
        originals = (
            (_title(name), _original(paths[name], settings.max_side), source_of(paths[name]))
            for name in chosen
        )
        for title, figure in draw_photos(drawn, originals, style, settings):
            name = f"{style_name} {title}".replace("/", "-").replace(" ", "-")
            save_figure(figure, options.figures / f"{name}.png", overwrite=options.overwrite)


def _title(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _original(path: Path, max_side: int | None) -> FloatImage:
    from core.evaluation.originals import read_original
    from core.images import area_reduced

    original = read_original(path)
    return original if max_side is None else area_reduced(original, max_side)


def spread(ordered: Sequence[Item], count: int) -> list[Item]:
    """Return the middle item, or `count` items spread from the first to the last.

    Examples
    --------
    >>> spread(["worst", "b", "middle", "d", "best"], 1)
    ['middle']
    >>> spread(["worst", "b", "middle", "d", "best"], 3)
    ['worst', 'middle', 'best']
    """
    if count == 1:
        return [ordered[len(ordered) // 2]]
    places = {round(number * (len(ordered) - 1) / (count - 1)) for number in range(count)}
    return [ordered[place] for place in sorted(places)]
