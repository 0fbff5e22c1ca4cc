"""The tab "Convergence": how the colours emerge while the fixed point is being sought."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import PhotoError
from core.pictures import convergence_figure, save_figure
from gradio_app import page
from gradio_app.controls import Desk, controls, photo_input
from gradio_app.jobs import Job
from gradio_app.photo_convergence import (
    LARGEST,
    MOST_MEMORY,
    MOST_STEPS,
    SMALLEST,
    Trace,
    Watching,
    convergence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradio.components import Component

    from core.progress import Stop
    from gradio_app.context import Context
    from gradio_app.controls import Shown

logger = logging.getLogger(__name__)

_NOTE = (
    "An equilibrium network repeats **one** cell until its state no longer changes. Move the "
    "slider to see the photo after each iteration. Run it again with other settings to compare "
    "the residuals."
)
_HINT = "The photo at each iteration, what is still to go, and the residuals will appear here."
_CURVES = 4
"""Earlier runs that stay in the drawing."""


@dataclass(frozen=True)
class Watched:
    """The last run of a session, and the residuals of those before it.

    Attributes
    ----------
    folder : str
        Holds the pictures of the last run.
    trace : Trace
        The last run.
    residuals : mapping of title to tuple of float
        Of all runs on this photo, the last one included.
    subject : tuple
        What the runs have in common: photo, network, side.
    """

    folder: str
    trace: Trace
    residuals: dict[str, tuple[float, ...]]
    subject: tuple[Any, ...]


class ConvergenceTab:
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
                photo = photo_input(context, "An sRGB photo", wide=False)
                settings = _settings(context)
                buttons = controls("Iterate")
            with gr.Column(scale=7, min_width=320):
                hint = gr.HTML(page.hint(_HINT))
                self._iteration = gr.Slider(
                    1, 2, value=1, step=1, label="Iteration", buttons=[], visible=False
                )
                with gr.Row():
                    picture = _picture("The photo at this iteration")
                    difference = _picture("Still to go")
                drawing = _picture("Residual", "download", elem_classes="drawing")
        self._views = [picture, difference, drawing]
        self._watched = gr.State(None, time_to_live=60 * context.settings.keep_minutes)
        results = (self._iteration, *self._views)
        self.desk = Desk(context, photo, buttons, hint, results, (self._watched,))
        self.desk.connect(self.watch, [*settings, screen, self._watched])
        self._iteration.input(
            self.show,
            [self._watched, self._iteration, screen],
            self._views,
            queue=False,
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )

    def watch(self, stop: Stop, path: str | None, *chosen: Any) -> Iterator[Shown]:
        """Watch the solver that was chosen."""
        busy, idle = self.desk.buttons.busy, self.desk.buttons.idle
        *settings, shown, before = chosen
        yield busy(page.said("Reading the photo …"))
        started = time.monotonic()
        try:
            wanted = Watching(*settings)
            with self._context.result_folder() as folder:
                begin = partial(convergence, self._context.workplace, path, wanted, folder)
                job = Job(begin, self._context.settings.seconds, stop)
                with closing(job.steps()) as steps:
                    for done, total in steps:
                        elapsed = time.monotonic() - started
                        yield busy(page.progress(done, total, "iterations", elapsed=elapsed))
                now = _watched(job.result, folder, (path, wanted.model, wanted.side), before)
                views = _views(now, 1, page.Screen.told(shown))
            yield {
                **idle(page.said(_sentence(now.trace))),
                self.desk.hint: gr.HTML(visible=False),
                self._iteration: gr.Slider(
                    1, max(2, len(now.trace.residuals)), value=1, visible=True
                ),
                **dict(zip(self._views, views, strict=True)),
                self._watched: now,
            }
        except PhotoError as error:
            yield idle(page.problem(str(error)))
        except Exception:
            logger.exception("a convergence failed")
            yield idle(page.problem(page.UNEXPECTED))

    def show(self, watched: Watched | None, number: float, shown: str) -> list[Any]:
        """Return what is seen of an iteration."""
        if watched is None or not Path(watched.folder).exists():
            return [gr.skip()] * len(self._views)
        place = min(max(int(number), 1), len(watched.trace.residuals))
        return _views(watched, place, page.Screen.told(shown))


def _settings(context: Context) -> list[Component]:
    """Add the settings, in the order of :class:`Watching`."""
    names = list(context.offer.equilibrium)
    return [
        gr.Dropdown(names, value=next(iter(names), None), label="Network"),
        gr.Radio(
            [("Anderson", "anderson"), ("Picard", "picard")], value="anderson", label="Solver"
        ),
        gr.Slider(1, MOST_MEMORY, value=5, step=1, label="Memory m (Anderson)", buttons=[]),
        gr.Slider(0.1, 1.5, value=1.0, step=0.05, label="Damping β", buttons=[]),
        gr.Slider(2, MOST_STEPS, value=30, step=1, label="Most steps", buttons=[]),
        gr.Slider(
            SMALLEST,
            LARGEST,
            value=320,
            step=32,
            label="Part of the photo (pixels)",
            info="The square that lost the most colour.",
            buttons=[],
        ),
    ]


def _picture(label: str, *buttons: Any, elem_classes: str = "") -> gr.Image:
    return gr.Image(
        label=label,
        format="png",
        type="filepath",
        interactive=False,
        buttons=["fullscreen", *buttons],
        elem_classes=elem_classes,
        visible=False,
    )


def _watched(
    trace: Trace, folder: Path, subject: tuple[Any, ...], before: Watched | None
) -> Watched:
    earlier = before.residuals if before and before.subject == subject else {}
    residuals = {**earlier, trace.title: trace.residuals}
    return Watched(str(folder), trace, dict(list(residuals.items())[-_CURVES:]), subject)


def _sentence(trace: Trace) -> str:
    said = f"{len(trace.residuals)} iterations to a residual of {trace.residuals[-1]:.1e}."
    if trace.reduced:
        said += " The photo is wide-gamut; it was reduced to sRGB first."
    return said


def _views(watched: Watched, number: int, screen: page.Screen) -> list[Any]:
    trace = watched.trace
    figure = convergence_figure(
        watched.residuals,
        tolerance=trace.tolerance,
        cursor=number,
        stacked=screen.narrow,
        theme=screen.theme,
    )
    if not screen.narrow:
        figure.set_size_inches(9.0, 3.4)
    path = Path(watched.folder) / f"residual-{number:02d}.png"
    save_figure(figure, path, dots_per_inch=110, overwrite=True)
    scale = f"white is ΔE {trace.largest_difference:.2g}"
    return [
        gr.Image(
            trace.pictures[number - 1], label=f"The photo at iteration {number}", visible=True
        ),
        gr.Image(trace.differences[number - 1], label=f"Still to go: {scale}", visible=True),
        gr.Image(str(path), visible=True),
    ]
