"""What the tab "Expand" says of a photo, of its result, and of how to get the same elsewhere."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from core.colour import SPACES
from core.engine.origin import SOURCE_CHOICES
from core.files import OUTPUT_FORMATS
from gradio_app import page
from gradio_app.photo_expansion import AUTO, Request

if TYPE_CHECKING:
    from core.engine.files import FileReport
    from core.engine.origin import Origin
    from gradio_app.photo_expansion import Outcome
    from gradio_app.photo_reduction import Reduced

SOURCE_QUESTION = "This tells how far beyond sRGB its colours may have been."

_SILENT = "It is not known how far beyond sRGB its colours were; choose it here if you know."


def source_choices(origin: Origin | None = None) -> list[tuple[str, str]]:
    """Return the answers to where a photo comes from, by what its file says.

    Parameters
    ----------
    origin : Origin, optional
        Of the photo; none where there is no photo yet.
    """
    said = "As the file says"
    if origin is not None:
        said = f"{said}: {origin.source.name}" if origin.source else "The file does not say"
    return [(said, AUTO), *SOURCE_CHOICES]


def source_evidence(origin: Origin) -> str:
    """Return in one sentence what a file says of where its colours lay."""
    return origin.reason or _SILENT


def sentence(outcome: Outcome) -> str:
    """Return what came of a photo: one sentence, and beneath it what else there is to know."""
    report = outcome.report
    if report.converted or outcome.pictures is None or outcome.pictures.gain is None:
        first, *notes = report.notes or ("Done.",)
    else:
        first, notes = outcome.pictures.gain.sentence, list(report.notes)
    return page.result(outcome.name, first, notes)


def reduced(made: Reduced) -> str:
    """Return what there is to know of an sRGB file that carries what it lost."""
    return (
        f"{made.lost_share:.1%} of the pixels are outside sRGB and were clipped; the file carries "
        f"{made.carried / 1e3:.0f} kB to bring them back: choose the network “embedded” for it. "
        "Any edit of the file makes them useless."
    )


def figures(report: FileReport) -> dict[str, str]:
    """Return the figures of a result, for those who ask."""
    values = {}
    if not report.converted:
        values["Clipped pixels"] = f"{report.clipped_share:.2%}"
        values["Changed pixels"] = f"{report.restored_share:.2%}"
        taken = SPACES[report.source].name if report.source in SPACES else "not known"
        values["Source"] = taken
    values |= {
        "Size": f"{report.width} × {report.height}",
        "Time": f"{report.seconds:.1f} s",
        "Network": report.model,
    }
    # The naive inversion and the network of a photo do not iterate.
    if report.residual_most > 0.0:
        values["Solver steps"] = f"{report.steps_mean:.1f}"
        values["Largest residual"] = f"{report.residual_most:.1e}"
    if report.unconverged:
        values["Tiles at the step limit"] = str(report.unconverged)
    return values


def command(name: str, target: str, request: Request) -> str:
    """Return the command that makes the same file of a photo.

    Parameters
    ----------
    name, target : str
        The files.
    request : Request
        With the settings; those that are usual are left out.
    """
    words = ["gamut", "expand", name, "-o", target]
    usual = Request(request.model)
    for flag in ("model", "source", "strength", "space"):
        value = getattr(request, flag)
        if flag == "model" or value != getattr(usual, flag):
            words += [f"--{flag}", f"{value:g}" if isinstance(value, float) else str(value)]
    if not request.private:
        words.append("--drop-private")
    return shlex.join(words)


def script(name: str, target: str, request: Request) -> str:
    """Return the Python that makes the same file of a photo.

    Parameters
    ----------
    name, target, request
        As for :func:`command`.
    """
    expansion = [f'space=SPACES["{request.space}"]', f"strength={float(request.strength):g}"]
    if request.source in SPACES:
        expansion.append(f'source=SPACES["{request.source}"]')
    files = [f"keep_private={request.private}", f"detect_source={request.source == AUTO}"]
    return (
        "import core\n"
        "from core.colour import SPACES\n\n"
        "core.expand_file(\n"
        f"    {json.dumps(name)},\n"
        f"    {json.dumps(target)},\n"
        f"    core.method({json.dumps(request.model)}),\n"
        f"    core.ExpansionSettings({', '.join(expansion)}),\n"
        f"    core.FileSettings({', '.join(files)}),\n"
        ")\n"
    )


def file_label(suffix: str, size: int) -> str:
    """Return what the button says that downloads a file.

    Parameters
    ----------
    suffix : str
        Of its name.
    size : int
        In bytes.
    """
    kind = {suffix: key for key, suffix in OUTPUT_FORMATS.items()}.get(suffix, suffix[1:])
    # In a narrow place the size goes to the next line in one piece.
    return f"Download {kind.upper()} ({size / 1e6:.1f}\N{NO-BREAK SPACE}MB)"
