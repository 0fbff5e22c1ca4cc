"""The tab "Expand": an sRGB photo in, a wide-gamut file out."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import gradio as gr

from core.colour import WIDE_SPACES
from core.errors import PhotoError
from core.pictures.previews import file_previews
from gradio_app import page
from gradio_app.controls import connect, controls, photo_input
from gradio_app.jobs import Job
from gradio_app.photo_expansion import Request, expansion, maps, photos
from gradio_app.uploads import checked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.engine.files import FileReport
    from core.progress import Stop
    from gradio_app.context import Context
    from gradio_app.controls import Shown

logger = logging.getLogger(__name__)

_FORMATS = [
    ("TIFF", "tiff"),
    ("PNG", "png"),
    ("JPEG XL", "jxl"),
    ("AVIF", "avif"),
]
_FORMATS_NOTE = "TIFF, PNG and JPEG XL hold 16 bits, AVIF holds 12."

_HINT = "Your photo before and after, and the file to download, will appear here."


@dataclass(frozen=True)
class Done:
    """What was expanded last in a session, to be written in another format."""

    path: str
    request: Request


def add_expand_tab(context: Context) -> None:
    """Add the tab, with the models, samples and limits of a server."""
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            photo = photo_input(context, "Your sRGB photo", wide=False)
            buttons = controls("Expand")
            with gr.Accordion("Settings", open=False):
                model = gr.Dropdown(
                    list(context.methods),
                    value=context.default_method,
                    label="Network",
                    info="“naive” restores nothing: it only changes the space. “embedded” is the "
                    "one that a photo carries itself, if it does.",
                )
                strength = gr.Slider(
                    0.0,
                    2.0,
                    value=1.0,
                    step=0.05,
                    label="Strength",
                    info="1 is what the network estimates.",
                    buttons=[],
                )
                space = gr.Dropdown(
                    [(value.name, key) for key, value in WIDE_SPACES.items()],
                    value="prophoto",
                    label="Colour space of the file",
                )
                private = gr.Checkbox(
                    label="Keep place and serial numbers",
                    info="Otherwise GPS, serial numbers and the owner's name are left out.",
                )
        with gr.Column(scale=5, min_width=320):
            hint = gr.HTML(page.hint(_HINT))
            slider = gr.ImageSlider(
                label="sRGB photo | restored",
                format="png",
                type="filepath",
                interactive=False,
                buttons=["fullscreen"],
                max_height=620,
                elem_id="before-after",
                visible=False,
            )
            note = gr.HTML(page.SCREEN_NOTE, visible=False)
            numbers = gr.HTML(visible=False)
            with gr.Row(visible=False) as saving:
                file_format = gr.Radio(
                    _FORMATS, value="tiff", label="File format", info=_FORMATS_NOTE, scale=5
                )
                download = gr.DownloadButton(
                    "Download", variant="primary", scale=2, elem_id="download"
                )
            with gr.Row(visible=False) as pictures:
                beyond = _picture("Colours beyond sRGB (pink)", "srgb-screen")
                clipped = _picture("Clipped pixels (amber)")
                difference = _picture("Change of colour")
    last = gr.State(None, time_to_live=60 * context.settings.keep_minutes)

    def expand(
        stop: Stop,
        path: str | None,
        model: str,
        strength: float,
        space: str,
        private: bool,
        file_format: str,
    ) -> Iterator[Shown]:
        yield buttons.busy(page.said("Looking at the photo …"))
        try:
            request = Request(model, space, file_format, strength, private)  # type: ignore[arg-type]
            upload = checked(path, context.uploads, context.settings)
            with context.request_folder() as folder:
                begin = partial(expansion, context, path, request, folder)
                job = Job(begin, context.settings.seconds, stop)
                with closing(job.steps()) as steps:
                    for done, total in steps:
                        yield buttons.busy(page.progress(done, total))
                target, report = job.result
                yield buttons.busy(page.said("Making the pictures …"))
                shown = file_previews(upload.path, target, tolerance=report.tolerance)
                result = {
                    **buttons.busy(page.said("Making the maps …")),
                    hint: gr.HTML(visible=False),
                    slider: gr.ImageSlider(
                        tuple(map(str, photos(shown, folder))),
                        label=f"{upload.path.name}: {_sides(report)}",
                        visible=True,
                    ),
                    # It speaks of restored colours.
                    note: gr.HTML(visible=shown.beyond_share > 0.0 and not report.converted),
                    numbers: gr.HTML(
                        page.figures(_figures(report, shown.beyond_share)), visible=True
                    ),
                    saving: gr.Row(visible=True),
                    download: _download(target),
                    last: Done(str(upload.path), request),
                }
                yield result
                view = maps(shown, folder)
                yield {
                    **result,
                    **buttons.idle(page.said(_sentence(report))),
                    pictures: gr.Row(visible=True),
                    beyond: str(view.beyond),
                    clipped: gr.Image(str(view.clipped), visible=not report.converted),
                    difference: gr.Image(
                        str(view.difference),
                        label=f"Change of colour: white is ΔE {view.largest_difference:.2g}",
                    ),
                }
        except PhotoError as error:
            yield buttons.idle(page.problem(str(error)))
        except Exception:
            logger.exception("an expansion failed")
            yield buttons.idle(page.problem(page.UNEXPECTED))

    def write_again(stop: Stop, last: Done | None, file_format: str) -> Iterator[Shown]:
        if last is None:
            yield buttons.idle(page.problem(context.settings.expired))
            return
        yield buttons.busy(page.said("Writing the file …"))
        try:
            request = replace(last.request, format=file_format)  # type: ignore[arg-type]
            with context.request_folder() as folder:
                begin = partial(expansion, context, last.path, request, folder)
                job = Job(begin, context.settings.seconds, stop)
                with closing(job.steps()) as steps:
                    for done, total in steps:
                        yield buttons.busy(page.progress(done, total))
                target, _ = job.result
                yield {
                    **buttons.idle(page.said("The file is ready.")),
                    download: _download(target),
                }
        except PhotoError as error:
            yield buttons.idle(page.problem(str(error)))
        except Exception:
            logger.exception("a file could not be written")
            yield buttons.idle(page.problem(page.UNEXPECTED))

    connect(
        photo,
        buttons,
        expand,
        [model, strength, space, private, file_format],
        [download, beyond, clipped, difference, last],
        context,
        hint=hint,
        results=[slider, note, numbers, saving, pictures],
        more=[(file_format.input, write_again, [last, file_format])],
    )


def _picture(label: str, *classes: str) -> gr.Image:
    return gr.Image(
        label=label,
        format="png",
        type="filepath",
        interactive=False,
        buttons=["fullscreen"],
        elem_classes=list(classes),
    )


def _download(target: Path) -> gr.DownloadButton:
    size = target.stat().st_size / 1e6
    return gr.DownloadButton(
        f"Download {target.suffix[1:].upper()} ({size:.1f} MB)", value=str(target)
    )


def _sentence(report: FileReport) -> str:
    return " ".join(("Done.", *report.notes))


def _sides(report: FileReport) -> str:
    """Return what is to the left and to the right of the slider."""
    return "reduced to sRGB | as it is" if report.converted else "sRGB | restored"


def _figures(report: FileReport, beyond_share: float) -> dict[str, str]:
    values = {}
    if not report.converted:
        values["Clipped pixels"] = f"{report.clipped_share:.2%}"
        values["Restored pixels"] = f"{report.restored_share:.2%}"
    values |= {
        "Beyond sRGB": f"{beyond_share:.2%}",
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
