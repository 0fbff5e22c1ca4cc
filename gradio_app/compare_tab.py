"""The tab "Compare": a wide-gamut original, reduced and restored by several methods."""

from __future__ import annotations

import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from core.errors import PhotoError
from core.pictures import chromaticity_figure, error_figure, save_figure
from gradio_app import page, tables
from gradio_app.controls import connect, controls, photo_input
from gradio_app.jobs import Job
from gradio_app.photo_comparison import LONGEST, comparison, is_untagged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.evaluation.comparison import Comparison
    from core.progress import Stop
    from gradio_app.context import Context
    from gradio_app.controls import Shown

logger = logging.getLogger(__name__)

_DOTS_PER_INCH = 130
_NOTE = (
    "A **wide-gamut original** (ProPhoto, Adobe RGB, Display P3 …, RAW) is reduced to sRGB as a "
    "camera would, restored by each method and measured against what it was. Photos longer than "
    f"{LONGEST} pixels are averaged first; those without a profile are taken as ProPhoto."
)
_HINT = "The figures of each method, maps of the errors and the colours will appear here."


def add_compare_tab(context: Context, screen: gr.Textbox) -> None:
    """Add the tab.

    Parameters
    ----------
    context : Context
        Models, samples, limits.
    screen : gr.Textbox
        Says what drawings are made for.
    """
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(_NOTE)
            photo = photo_input(context, "A wide-gamut original", wide=True)
            methods = gr.CheckboxGroup(
                list(context.comparable),
                value=context.quick_methods,
                label="Methods",
                info="“gamut-mlp” is fitted to the original, which the others never see.",
            )
            style = gr.Radio(
                [("As it is", "as-is"), ("Vivid", "vivid")],
                value="as-is",
                label="Finish",
                info="“Vivid” raises the saturation of the original first.",
            )
            buttons = controls("Compare")
        with gr.Column(scale=5, min_width=320):
            hint = gr.HTML(page.hint(_HINT))
            table = gr.HTML(visible=False)
            errors = _drawing("Colour errors")
            diagram = _drawing("Where the colours lie")

    def compare(
        stop: Stop, path: str | None, methods: list[str], style: str, shown: str
    ) -> Iterator[Shown]:
        yield buttons.busy(page.said("Reading the photo …"))
        try:
            begin = partial(comparison, context, path, methods, style)
            job = Job(begin, context.settings.seconds, stop)
            with closing(job.steps()) as steps:
                for done, total in steps:
                    yield buttons.busy(page.progress(done, total, unit=None))
            yield buttons.busy(page.said("Drawing …"))
            with context.request_folder() as folder:
                drawings = _draw(job.result, Path(folder), page.Screen.told(shown))
                share = job.result.out_of_gamut.mean()
                sentence = f"{share:.2%} of the original's pixels are outside sRGB."
                if path and is_untagged(Path(path)):
                    sentence += (
                        " It has no profile and was taken as ProPhoto: if it is an sRGB photo, "
                        "these figures mean nothing."
                    )
                yield {
                    **buttons.idle(page.said(sentence)),
                    hint: gr.HTML(visible=False),
                    table: gr.HTML(tables.markup(job.result), visible=True),
                    errors: gr.Image(str(drawings[0]), visible=True),
                    diagram: gr.Image(str(drawings[1]), visible=True),
                }
        except PhotoError as error:
            yield buttons.idle(page.problem(str(error)))
        except Exception:
            logger.exception("a comparison failed")
            yield buttons.idle(page.problem(page.UNEXPECTED))

    connect(
        photo,
        buttons,
        compare,
        [methods, style, screen],
        [],
        context,
        hint=hint,
        results=[table, errors, diagram],
    )


def _drawing(label: str) -> gr.Image:
    return gr.Image(
        label=label,
        format="png",
        type="filepath",
        interactive=False,
        buttons=["fullscreen", "download"],
        elem_classes="drawing",
        visible=False,
    )


def _draw(result: Comparison, folder: Path, screen: page.Screen) -> list[Path]:
    maps = {one.method: one.delta_e for one in result.restorations}
    photos = {one.method: one.values for one in result.restorations}
    figures = {
        "errors.png": error_figure(maps, "ΔE2000", stacked=screen.narrow, theme=screen.theme),
        "chromaticities.png": chromaticity_figure(
            {"Original": result.original, **photos},
            diagram="uv",
            stacked=screen.narrow,
            theme=screen.theme,
        ),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / name, dots_per_inch=_DOTS_PER_INCH)
    return [folder / name for name in figures]
