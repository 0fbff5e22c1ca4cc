"""The parts that several tabs have: a place for a photo, buttons to run and to cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from gradio_app import page
from gradio_app.context import CONCURRENCY_ID, SAMPLES, Context, Sample
from gradio_app.jobs import stoppable
from gradio_app.uploads import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gradio.blocks import Block
    from gradio.components import Component

Shown = dict[Any, Any]
"""What parts of the page show from now on, by part."""


@dataclass(frozen=True)
class PhotoInput:
    """A place for a photo, and sample photos to choose instead."""

    file: gr.File
    gallery: gr.Gallery
    samples: tuple[Sample, ...]


def photo_input(context: Context, label: str, *, wide: bool) -> PhotoInput:
    """Add a place for a photo.

    Parameters
    ----------
    context : Context
        With the samples.
    label : str
        Of the place.
    wide : bool
        Whether the samples are wide-gamut originals instead of sRGB photos.
    """
    file = gr.File(label=label, file_types=SUFFIXES, height=150)
    samples = tuple(sample for sample in SAMPLES if sample.wide is wide)
    gallery = gr.Gallery(
        [(context.sample(sample), sample.title) for sample in samples],
        label="Or take an example",
        columns=3,
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_classes="samples",
    )
    return PhotoInput(file, gallery, samples)


@dataclass(frozen=True)
class Controls:
    """Buttons and the line below them that says how far a job is."""

    run: gr.Button
    cancel: gr.Button
    status: gr.HTML

    @property
    def components(self) -> list[Component]:
        """The components that :meth:`busy` and :meth:`idle` change."""
        return [self.run, self.cancel, self.status]

    def busy(self, status: str) -> Shown:
        """Return what the components show while a job is worked on."""
        return {
            self.run: gr.Button(interactive=False),
            self.cancel: gr.Button(visible=True),
            self.status: status,
        }

    def idle(self, status: str) -> Shown:
        """Return what the components show between jobs."""
        return {
            self.run: gr.Button(interactive=True),
            self.cancel: gr.Button(visible=False),
            self.status: status,
        }


def controls(label: str) -> Controls:
    """Add the buttons of a tab."""
    with gr.Row():
        run = gr.Button(label, variant="primary")
        cancel = gr.Button("Cancel", variant="stop", visible=False)
    status = gr.HTML("", elem_classes="status")
    return Controls(run, cancel, status)


def connect(
    photo: PhotoInput,
    buttons: Controls,
    handler: Callable[..., Any],
    inputs: Sequence[Component],
    outputs: Sequence[Component],
    context: Context,
    *,
    hint: gr.HTML,
    results: Sequence[Block],
    more: Sequence[tuple[Any, Callable[..., Any], Sequence[Component]]] = (),
) -> None:
    """Run a job when a photo arrives or the button is pressed; let Cancel stop it.

    Parameters
    ----------
    photo : PhotoInput
        A photo that is dropped or chosen starts the job, too.
    buttons : Controls
        Run and cancel.
    handler : callable
        A generator. Its first input is the photo; it yields what components show, by component.
        Each value that it yields has to hold what the last one held: the page gets differences.
    inputs, outputs : sequence of components
        Beside the photo and the buttons; outputs also beside the hint and the results.
    context : Context
        With the limits of the pool.
    hint : gr.HTML
        Stands in the place of the results until there are any, and again where another photo has
        come or none is left.
    results : sequence of blocks
        What is hidden then.
    more : sequence of (event, handler, inputs)
        Other jobs with the same outputs that Cancel stops.
    """
    pool: dict[str, Any] = {
        "outputs": [*buttons.components, hint, *results, *outputs],
        "concurrency_id": CONCURRENCY_ID,
        "concurrency_limit": context.settings.concurrency,
        # What is asked for while a job runs comes after it, and is not forgotten.
        "trigger_mode": "always_last",
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    # Not in the queue: what the page says has to be said when the queue is full, too.
    shown: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    everything = [photo.file, *inputs]

    def choose(event: gr.SelectData) -> str:
        return context.sample(photo.samples[event.index])

    def wait() -> Shown:
        return buttons.busy(page.said(page.WAITING))

    def nothing() -> Shown:
        return {
            hint: gr.update(visible=True),
            **{part: gr.update(visible=False) for part in results},
        }

    def wait_for_another() -> Shown:
        return {**wait(), **nothing()}

    def refuse(status: str) -> Shown:
        # The handlers themselves do not fail: it was not taken into the queue, or it was cancelled.
        if status == page.said(page.WAITING):
            return buttons.idle(page.problem(page.BUSY))
        return {buttons.run: gr.Button(interactive=True), buttons.cancel: gr.Button(visible=False)}

    chosen = photo.gallery.select(choose, outputs=photo.file, **shown)
    # A second press has to do nothing, also while the job is still in the queue.
    waits = [
        *(
            (event(wait_for_another, outputs=pool["outputs"], **shown), handler, everything)
            for event in (photo.file.upload, chosen.then)
        ),
        *(
            (event(wait, outputs=buttons.components, **shown), work, needed)
            for event, work, needed in ((buttons.run.click, handler, everything), *more)
        ),
    ]
    jobs = [wait.then(stoppable(work), list(needed), **pool) for wait, work, needed in waits]
    for job in jobs:
        job.failure(refuse, buttons.status, buttons.components, **shown)
    buttons.cancel.click(lambda: page.said("Cancelling …"), outputs=buttons.status, **shown)
    # The job's last message may come after the click; what is said then has to be said later.
    buttons.cancel.click(None, cancels=jobs).then(
        lambda: buttons.idle(page.said("Cancelled.")), outputs=buttons.components, **shown
    )
    photo.file.clear(None, cancels=jobs).then(
        lambda: {**buttons.idle(""), **nothing()}, outputs=pool["outputs"], **shown
    )
