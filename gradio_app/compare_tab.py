"""The tab "Compare": a wide-gamut original, reduced and restored by several methods."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import PhotoError
from gradio_app import page
from gradio_app.controls import Desk, controls, photo_input
from gradio_app.jobs import Job
from gradio_app.photo_comparison import ASK, LONGEST, comparison
from gradio_app.viewer import viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.progress import Stop
    from gradio_app.context import Context
    from gradio_app.controls import Shown
    from gradio_app.photo_comparison import Compares

logger = logging.getLogger(__name__)

_NOTE = (
    "A **wide-gamut original** (ProPhoto, Adobe RGB, Display P3 …, RAW) is reduced to sRGB as a "
    "camera would, restored by each method and measured against what it was. Photos longer than "
    f"{LONGEST} pixels are averaged first."
)
_HINT = (
    "The original beside what each method made of it, figures, maps of the errors and the colours "
    "will appear here."
)
_ASSUMPTIONS = [
    ("ask me", ASK),
    ("ProPhoto RGB", "prophoto"),
    ("Adobe RGB", "adobe-rgb"),
    ("Display P3", "display-p3"),
    ("sRGB", "srgb"),
]


class CompareTab:
    """The tab; made where it is to be.

    Parameters
    ----------
    context : Context
        Models, samples, limits.
    screen : gr.Textbox
        Says what drawings are made for.
    """

    def __init__(self, context: Context, screen: gr.Textbox) -> None:
        self._context = context
        with gr.Row(elem_classes="tab"):
            with gr.Column(scale=2, min_width=300):
                gr.Markdown(_NOTE)
                photo = photo_input(context, "A wide-gamut original", wide=True)
                self._inputs = [*_settings(context), screen]
                buttons = controls("Compare")
            with gr.Column(scale=7, min_width=320):
                hint = gr.HTML(page.hint(_HINT))
                self._result = gr.HTML(visible=False)
                self._table = gr.HTML(visible=False)
                self._errors = _drawing("Colour errors")
                self._diagram = _drawing("Where the colours lie")
        self.photo = photo.file
        places = (self._result, self._table, self._errors, self._diagram)
        self.desk = Desk(context, photo, buttons, hint, places)
        self.desk.connect(self.compare, self._inputs)

    def run_after(self, event: Any) -> None:
        """Compare after an event that has put a photo here."""
        self.desk.add(event, self.compare, [self.photo, *self._inputs], self.desk.nothing)

    def compare(self, stop: Stop, path: str | None, *chosen: Any) -> Iterator[Shown]:
        """Compare the methods that were chosen."""
        busy, idle = self.desk.buttons.busy, self.desk.buttons.idle
        yield busy(page.said("Reading the photo …"))
        methods, style, assume, shown = chosen
        place, screen = self._context.workplace, page.Screen.told(shown)
        started = time.monotonic()
        try:
            with self._context.result_folder() as folder:
                begin = partial(comparison, place, path, methods, style, assume, folder, screen)
                job = Job(begin, place.settings.seconds, stop)
                with closing(job.steps()) as steps:
                    for step in steps:
                        yield busy(_said(step, time.monotonic() - started))
            yield {**self._shown(job.result), **idle(page.said(_sentence(job.result)))}
        except PhotoError as error:
            yield idle(page.problem(str(error)))
        except Exception:
            logger.exception("a comparison failed")
            yield idle(page.problem(page.UNEXPECTED))

    def _shown(self, result: Compares) -> Shown:
        assert result.pictures is not None
        return {
            self.desk.hint: gr.HTML(visible=False),
            self._result: gr.HTML(viewer(result.pictures), visible=True),
            self._table: gr.HTML(result.table, visible=True),
            self._errors: gr.Image(str(result.drawings[0]), visible=True),
            self._diagram: gr.Image(str(result.drawings[1]), visible=True),
        }


def _settings(context: Context) -> tuple[gr.CheckboxGroup, gr.Radio, gr.Dropdown]:
    methods = gr.CheckboxGroup(
        list(context.offer.comparable),
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
    assume = gr.Dropdown(
        _ASSUMPTIONS, value=ASK, label="If the photo does not say its colour space, take it as"
    )
    return methods, style, assume


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


def _said(step: tuple[int, int] | str, elapsed: float) -> str:
    if isinstance(step, str):
        return page.said(step)
    return page.progress(*step, unit=None, elapsed=elapsed)


def _sentence(result: Compares) -> str:
    return f"{result.out_of_gamut_share:.2%} of the original's pixels are outside sRGB."
