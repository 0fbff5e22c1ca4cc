"""The parts that several tabs have: a place for a photo, buttons to run and to cancel."""

from __future__ import annotations

from dataclasses import dataclass, field
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

# Not in the queue: what the page says has to be said when the queue is full, too.
AT_ONCE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""How handlers are connected that do no work."""


@dataclass(frozen=True)
class PhotoInput:
    """A place for a photo, and sample photos to choose instead."""

    file: gr.File
    gallery: gr.Gallery
    samples: tuple[Sample, ...]


def photo_input(context: Context, label: str, *, wide: bool) -> PhotoInput:
    """Add a place for a photo, with samples below it.

    Parameters
    ----------
    context : Context
        With the samples.
    label : str
        Of the place.
    wide : bool
        Whether the samples are wide-gamut originals instead of sRGB photos.
    """
    file = photo_file(context, label)
    return PhotoInput(file, *sample_gallery(context, wide=wide))


def photo_file(context: Context, label: str, *, several: bool = False) -> gr.File:
    """Add a place for a photo.

    Parameters
    ----------
    context : Context
        With the limits.
    label : str
        Of the place.
    several : bool
        Whether it takes several photos at once.
    """
    settings = context.settings
    file = gr.File(
        label=label,
        file_types=["image", *SUFFIXES],
        file_count="multiple" if several else "single",
        height=150,
        elem_classes="photo",
    )
    gr.HTML(page.limits(settings.max_megabytes, settings.max_megapixels, settings.keep_minutes))
    return file


def sample_gallery(context: Context, *, wide: bool) -> tuple[gr.Gallery, tuple[Sample, ...]]:
    """Add sample photos to choose from; return them with their place.

    Parameters
    ----------
    context : Context
        With the samples.
    wide : bool
        Whether they are wide-gamut originals instead of sRGB photos.
    """
    samples = tuple(sample for sample in SAMPLES if sample.wide is wide)
    gallery = gr.Gallery(
        [(context.thumbnail(sample), sample.title) for sample in samples],
        label="Or take an example",
        columns=3,
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_classes="samples",
    )
    return gallery, samples


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


@dataclass(frozen=True)
class Desk:
    """A tab's photo, its buttons, and what its jobs change.

    Attributes
    ----------
    context : Context
        With the limits of the pool.
    photo : PhotoInput
        A photo that is dropped or chosen starts the job, too.
    buttons : Controls
        Run and cancel.
    hint : gr.HTML
        Stands in the place of the results until there are any, and again where another photo has
        come or none is left.
    results : tuple of blocks
        What is hidden then.
    outputs : tuple of components
        What jobs change besides.
    """

    context: Context
    photo: PhotoInput
    buttons: Controls
    hint: gr.HTML
    results: tuple[Block, ...]
    outputs: tuple[Component, ...] = ()
    _jobs: list[Any] = field(default_factory=list)

    @property
    def everything(self) -> list[Any]:
        """What jobs may change."""
        return [*self.buttons.components, self.hint, *self.results, *self.outputs]

    def nothing(self) -> Shown:
        """Return what is shown where there is no result."""
        return {
            self.hint: gr.update(visible=True),
            **{part: gr.update(visible=False) for part in self.results},
        }

    def connect(
        self,
        handler: Callable[..., Any],
        inputs: Sequence[Component],
    ) -> None:
        """Run a job when a photo arrives or the button is pressed.

        Parameters
        ----------
        handler : callable
            A generator. Its first input is the photo; it yields what components show, by
            component. Each value that it yields has to hold what the last one held: the page gets
            differences.
        inputs : sequence of components
            Beside the photo.
        """
        everything = [self.photo.file, *inputs]
        for event in self.arrivals():
            self.add(event, handler, everything, self.nothing)
        self.add(self.buttons.run.click, handler, everything)

    def arrivals(self) -> tuple[Any, ...]:
        """Return the events after which another photo is here: sent, or taken from the samples."""
        photo = self.photo
        chosen = photo.gallery.select(self._choose, outputs=photo.file, **AT_ONCE)
        return photo.file.upload, chosen.then

    def add(
        self,
        event: Any,
        handler: Callable[..., Any],
        inputs: Sequence[Component],
        shown: Callable[[], Shown] = dict,
    ) -> Any:
        """Run a job after an event; return it, for what is to come after it.

        Parameters
        ----------
        event : callable
            Connects a handler.
        handler, inputs
            As for :meth:`connect`, without the photo.
        shown : callable, optional
            Returns what is shown as soon as it is asked for.
        """
        buttons = self.buttons

        def wait() -> Shown:
            # A second press has to do nothing, also while the job is still in the queue.
            return {**buttons.busy(page.said(page.WAITING)), **shown()}

        job = event(wait, outputs=self.everything, **AT_ONCE).then(
            stoppable(handler),
            list(inputs),
            outputs=self.everything,
            concurrency_id=CONCURRENCY_ID,
            concurrency_limit=self.context.settings.concurrency,
            # What is asked for while a job runs comes after it, and is not forgotten.
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        job.failure(self._refuse, buttons.status, buttons.components, **AT_ONCE)
        self._jobs.append(job)
        return job

    def connect_cancel(self) -> None:
        """Let Cancel stop every job, and so does whoever takes the photo away."""
        buttons = self.buttons
        buttons.cancel.click(lambda: page.said("Cancelling …"), outputs=buttons.status, **AT_ONCE)
        # The job's last message may come after the click; what is said then has to be said later.
        buttons.cancel.click(None, cancels=self._jobs).then(
            lambda: buttons.idle(page.said("Cancelled.")), outputs=buttons.components, **AT_ONCE
        )
        self.photo.file.clear(None, cancels=self._jobs).then(
            lambda: {**buttons.idle(""), **self.nothing()}, outputs=self.everything, **AT_ONCE
        )

    def _choose(self, event: gr.SelectData) -> Any:
        path = self.context.sample(self.photo.samples[event.index])
        return [path] if self.photo.file.file_count == "multiple" else path

    def _refuse(self, status: str) -> Shown:
        # The handlers themselves do not fail: it was not taken into the queue, or it was cancelled.
        buttons = self.buttons
        if status == page.said(page.WAITING):
            return buttons.idle(page.problem(page.BUSY))
        return {buttons.run: gr.Button(interactive=True), buttons.cancel: gr.Button(visible=False)}
