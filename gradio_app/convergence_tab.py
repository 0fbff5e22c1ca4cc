"""The tab "Convergence": how the colours emerge while the fixed point is being sought."""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import PhotoError
from core.pictures import convergence_figure, save_figure
from gradio_app import page
from gradio_app.context import REQUESTS
from gradio_app.controls import connect, controls, photo_input
from gradio_app.jobs import Job
from gradio_app.photo_convergence import (
    LARGEST,
    MOST_MEMORY,
    MOST_STEPS,
    SMALLEST,
    Trace,
    convergence,
    solver_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def add_convergence_tab(context: Context, screen: gr.Textbox) -> None:
    """Add the tab.

    Parameters
    ----------
    context : Context
        Models, samples, limits.
    screen : gr.Textbox
        Says what drawings are made for.
    """
    names = context.equilibrium_methods
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(_NOTE)
            photo = photo_input(context, "An sRGB photo", wide=False)
            model = gr.Dropdown(names, value=next(iter(names), None), label="Network")
            method = gr.Radio(
                [("Anderson", "anderson"), ("Picard", "picard")], value="anderson", label="Solver"
            )
            memory = gr.Slider(
                1, MOST_MEMORY, value=5, step=1, label="Memory m (Anderson)", buttons=[]
            )
            damping = gr.Slider(0.1, 1.5, value=1.0, step=0.05, label="Damping β", buttons=[])
            steps = gr.Slider(2, MOST_STEPS, value=30, step=1, label="Most steps", buttons=[])
            side = gr.Slider(
                SMALLEST,
                LARGEST,
                value=320,
                step=32,
                label="Part of the photo (pixels)",
                info="The square that lost the most colour.",
                buttons=[],
            )
            buttons = controls("Iterate")
        with gr.Column(scale=5, min_width=320):
            hint = gr.HTML(page.hint(_HINT))
            iteration = gr.Slider(
                1, 2, value=1, step=1, label="Iteration", buttons=[], visible=False
            )
            with gr.Row():
                picture = _picture("The photo at this iteration")
                difference = _picture("Still to go")
            drawing = gr.Image(
                label="Residual",
                format="png",
                type="filepath",
                interactive=False,
                buttons=["fullscreen", "download"],
                elem_classes="drawing",
                visible=False,
            )
    watched = gr.State(
        None, time_to_live=60 * context.settings.keep_minutes, delete_callback=_forget
    )

    views = [picture, difference, drawing]

    def watch(
        stop: Stop,
        path: str | None,
        name: str,
        method: str,
        memory: float,
        damping: float,
        most: float,
        side: float,
        shown: str,
        before: Watched | None,
    ) -> Iterator[Shown]:
        yield buttons.busy(page.said("Reading the photo …"))
        folder = tempfile.mkdtemp(dir=context.folder / REQUESTS)
        kept = False
        try:
            solver = solver_settings(context.solver(name), method, memory, damping, most)
            begin = partial(convergence, context, path, name, solver, int(side), folder)
            job = Job(begin, context.settings.seconds, stop)
            with closing(job.steps()) as steps:
                for done, total in steps:
                    yield buttons.busy(page.progress(done, total, "iterations"))
            trace = job.result
            subject = (path, name, int(side))
            earlier = before.residuals if before and before.subject == subject else {}
            residuals = {**earlier, trace.title: trace.residuals}
            now = Watched(folder, trace, dict(list(residuals.items())[-_CURVES:]), subject)
            last = len(trace.residuals)
            sentence = f"{last} iterations to a residual of {trace.residuals[-1]:.1e}."
            if trace.reduced:
                sentence += " The photo is wide-gamut; it was reduced to sRGB first."
            yield {
                **buttons.idle(page.said(sentence)),
                hint: gr.HTML(visible=False),
                iteration: gr.Slider(1, max(2, last), value=1, visible=True),
                **dict(zip(views, _views(now, 1, page.Screen.told(shown)), strict=True)),
                watched: now,
            }
            # Only now has the page got them; whoever cancels before keeps the earlier ones.
            kept = True
            _forget(before)
        except PhotoError as error:
            yield buttons.idle(page.problem(str(error)))
        except Exception:
            logger.exception("a convergence failed")
            yield buttons.idle(page.problem(page.UNEXPECTED))
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)

    def show(watched: Watched | None, number: float, shown: str) -> list[Any]:
        if watched is None:
            return [gr.skip()] * 3
        place = min(max(int(number), 1), len(watched.trace.residuals))
        return _views(watched, place, page.Screen.told(shown))

    connect(
        photo,
        buttons,
        watch,
        [model, method, memory, damping, steps, side, screen, watched],
        [watched],
        context,
        hint=hint,
        results=[iteration, *views],
    )
    iteration.input(
        show,
        [watched, iteration, screen],
        views,
        queue=False,
        trigger_mode="always_last",
        show_progress="hidden",
        api_visibility="private",
    )


def _picture(label: str) -> gr.Image:
    return gr.Image(
        label=label,
        format="png",
        type="filepath",
        interactive=False,
        buttons=["fullscreen"],
        visible=False,
    )


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


def _forget(watched: Watched | None) -> None:
    """Delete the pictures of a run."""
    if watched is not None:
        shutil.rmtree(watched.folder, ignore_errors=True)
