"""The tab "Expand": sRGB photos in, wide-gamut files out."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.colour import WIDE_SPACES
from core.errors import PhotoError
from core.files import check_output
from gradio_app import expand_texts, page
from gradio_app.context import CONCURRENCY_ID
from gradio_app.controls import AT_ONCE, Desk, controls, photo_input
from gradio_app.full_size import full_size
from gradio_app.jobs import Job, stoppable
from gradio_app.links import Links
from gradio_app.photo_expansion import AUTO, Looked, Request, expansion
from gradio_app.several import archive_of, planned
from gradio_app.viewer import Subject, drawings, viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gradio.blocks import Block
    from gradio.components import Component

    from core.progress import Stop
    from gradio_app.arrival import Arrival
    from gradio_app.context import Context
    from gradio_app.controls import Shown
    from gradio_app.photo_expansion import Outcome

logger = logging.getLogger(__name__)

_FORMATS = [
    ("TIFF (16 bits)", "tiff"),
    ("PNG (16 bits)", "png"),
    ("JPEG XL (16 bits)", "jxl"),
    ("AVIF (12 bits)", "avif"),
]

_HINT = "Your photo before and after, and the file to download, will appear here."
_OUT_OF_DATE = "Out of date"
_ANEW = "Working it out anew …"
_GONE = "The result of this link is no longer kept; its settings are set. Drop a photo to use them."


@dataclass(frozen=True, eq=False)
class Last:
    """What was expanded last in a session.

    Attributes
    ----------
    paths : tuple of str
        The uploads.
    chosen : tuple
        The settings, in the order of :class:`Choices`.
    outcome : Outcome, optional
        What became of it, where it was one photo.
    number : int
        That of what was asked for.
    """

    paths: tuple[str, ...]
    chosen: tuple[Any, ...] = ()
    outcome: Outcome | None = None
    number: int = 0

    @property
    def is_there(self) -> bool:
        """Whether its file is still kept."""
        return self.outcome is not None and self.outcome.target.exists()


@dataclass(frozen=True)
class Asked:
    """What somebody wants to be expanded.

    Attributes
    ----------
    number : int
        Of the photos and presses of the button; other settings for the same photo have the same.
    paths : tuple of str
        The uploads.
    chosen : tuple
        The settings, in the order of :class:`Choices`.
    """

    number: int
    paths: tuple[str, ...]
    chosen: tuple[Any, ...]


@dataclass(frozen=True)
class Choices:
    """The settings, in the order in which handlers take them."""

    model: gr.Dropdown
    source: gr.Dropdown
    strength: gr.Slider
    space: gr.Dropdown
    format: gr.Dropdown
    private: gr.Checkbox

    @property
    def components(self) -> list[Component]:
        """All of them."""
        return [self.model, self.source, self.strength, self.space, self.format, self.private]

    @staticmethod
    def request(
        model: str, source: str, strength: float, space: str, form: Any, private: bool
    ) -> Request:
        """Return what is asked for.

        Raises
        ------
        PhotoError
            If it cannot be done.
        """
        return Request(model, space, form, strength, private, source)

    @staticmethod
    def of(request: Request) -> tuple[Any, ...]:
        """Return the settings of a request."""
        of = request
        return (of.model, of.source, of.strength, of.space, of.format, of.private)


@dataclass(frozen=True)
class Results:
    """The places for a result."""

    result: gr.HTML
    colours: gr.HTML
    sentence: gr.HTML
    table: gr.HTML
    details: gr.Accordion
    figures: gr.HTML
    command: gr.Code
    script: gr.Code
    wide: Block
    download: gr.DownloadButton
    problem: gr.HTML

    @property
    def hidden(self) -> tuple[Block, ...]:
        """What is hidden where there is no result."""
        return (
            *(self.result, self.colours, self.sentence, self.table),
            *(self.details, self.wide, self.download),
        )

    @property
    def outputs(self) -> tuple[Component, ...]:
        """What jobs change besides."""
        return (self.figures, self.command, self.script, self.problem)


class ExpandTab:
    """The tab, with the models, samples and limits of a server; made where it is to be.

    Attributes
    ----------
    last : gr.State
        What was expanded last.
    desk : Desk
        Its photo, its buttons, and what its jobs change.
    reduce, compare : gr.Button
        What is offered for a wide photo.
    reduced : gr.DownloadButton
        The file that comes of the first offer.
    reduced_note : gr.HTML
        What there is to know of it.
    private : gr.Checkbox
        Whether the place and the owner's name stay in files.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._links = Links(context.methods)
        minutes = context.settings.keep_minutes
        with gr.Row(elem_classes="tab"):
            with gr.Column(scale=2, min_width=300):
                photo = photo_input(context, "Your sRGB photos", wide=False, several=True)
                buttons = controls("Expand")
                self._notice = gr.HTML(visible=False)
                model, private = _more_settings(context)
            with gr.Column(scale=7, min_width=320):
                hint = gr.HTML(page.hint(_HINT))
                sentence = gr.HTML(visible=False)
                result = gr.HTML(visible=False)
                table = gr.HTML(visible=False)
                with gr.Row(elem_classes="choices"):
                    source, strength = _how_far()
                with gr.Row(elem_classes="choices"):
                    space, form, download = _file()
                problem = gr.HTML(visible=False)
                wide = self._offers()
                details, figures, command, script = _details()
            with gr.Column(scale=2, min_width=280):
                colours = gr.HTML(visible=False)
            # The page's script presses the button when somebody looks closer.
            self._closer = gr.Button(elem_id="full-size", elem_classes="unseen")
            self._full = gr.HTML(elem_classes="unseen")
        self.last = gr.State(None, time_to_live=60 * minutes)
        self._asked = gr.State(None, time_to_live=60 * minutes)
        # Another text in it begins a job. A change of the state would do so in the queue only.
        self._bell = gr.Textbox(label="Bell", elem_classes="unseen")
        self.private = private
        self._choices = Choices(model, source, strength, space, form, private)
        self._results = Results(
            result,
            colours,
            sentence,
            table,
            details,
            figures,
            command,
            script,
            wide,
            download,
            problem,
        )
        self.desk = Desk(
            context,
            photo,
            buttons,
            hint,
            self._results.hidden,
            (
                *(*self._results.outputs, *self._choices.components, self.last, self._notice),
                *(self.reduced, self.reduced_note),
            ),
        )
        self._connect()

    def _offers(self) -> gr.Column:
        with gr.Column(visible=False, elem_classes="offers") as wide:
            gr.HTML(page.WIDE_OFFER)
            with gr.Row():
                self.reduce = gr.Button("Make an sRGB file that carries what it loses")
                self.reduced = gr.DownloadButton("Download", variant="primary", visible=False)
                self.compare = gr.Button("Compare how well methods restore it")
            self.reduced_note = gr.HTML(visible=False)
        return wide

    def _connect(self) -> None:
        chosen, desk, file = self._choices, self.desk, self.desk.photo.file
        anew = [self._asked, self.last, file, *chosen.components]
        everything = [self._asked, self._bell, *desk.everything]
        for event in desk.arrivals():
            event(self._ask_anew, anew, everything, **AT_ONCE)
        desk.buttons.run.click(self._ask_once_more, anew, [self._asked, self._bell], **AT_ONCE)
        file.clear(lambda: None, outputs=self.last, **AT_ONCE)
        settings = [self._asked, self.last, *chosen.components]
        for changed in (
            *(each.input for each in (chosen.model, chosen.source, chosen.space, chosen.format)),
            chosen.strength.release,
            chosen.private.input,
        ):
            changed(self._ask_again, settings, everything, **AT_ONCE)
        # One event for all that is asked for, so that of two jobs the later one ends last.
        job = desk.add(self._bell.change, self.expand, [self._asked, self.last])
        for given_up in (job.failure, desk.buttons.cancel.click):
            given_up(self._given_up, [self._asked, self.last], self._results.download, **AT_ONCE)
        closer = self._closer.click(
            stoppable(self.look_closer),
            self.last,
            self._full,
            concurrency_id=CONCURRENCY_ID,
            concurrency_limit=self._context.settings.concurrency,
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        closer.failure(lambda: page.full_size(""), outputs=self._full, **AT_ONCE)
        for choice in (chosen.space, chosen.format):
            choice.input(
                _problem_of, [chosen.space, chosen.format], self._results.problem, **AT_ONCE
            )

    def _ask_anew(
        self, asked: Asked | None, last: Last | None, paths: list[str] | None, *chosen: Any
    ) -> Shown:
        """Ask for new photos; what is shown of others goes."""
        return {**self._ask_once_more(asked, last, paths, *chosen), **self.desk.nothing()}

    def _ask_once_more(
        self, asked: Asked | None, last: Last | None, paths: list[str] | None, *chosen: Any
    ) -> Shown:
        """Ask for the photos that are here, whatever was asked for before."""
        several = tuple(map(str, paths or (last.paths if last else ())))
        return self._ask(Asked(asked.number + 1 if asked else 1, several, chosen))

    def _ask(self, asked: Asked) -> Shown:
        # The same text twice rings once: some choices tell of themselves twice.
        return {self._asked: asked, self._bell: f"{asked.number} {asked.chosen}"}

    def _ask_again(self, asked: Asked | None, last: Last | None, *chosen: Any) -> Shown:
        """Ask for the same photos with other settings, if they are others."""
        before = asked or last
        # Who leaves a choice as it was says so, too.
        if last is None or before is None or before.chosen == chosen:
            return {self._asked: gr.skip()}
        if len(last.paths) > 1:
            return self._out_of_date("The settings have changed; press Expand.")
        number = asked.number if asked else 0
        return {**self._ask(Asked(number, last.paths, chosen)), **self._stale()}

    def _given_up(self, asked: Asked | None, last: Last | None) -> Any:
        """Say of what is there whether it is what was asked for."""
        if asked is None or (last is not None and last.chosen == asked.chosen):
            return gr.skip()
        return gr.DownloadButton(_OUT_OF_DATE, interactive=False)

    def expand(self, stop: Stop, asked: Asked, last: Last | None) -> Iterator[Shown]:
        """Expand what is asked for: one photo, or several into an archive."""
        done = last and Asked(last.number, last.paths, last.chosen)
        if last is not None and last.outcome is not None and last.is_there and done == asked:
            shown = {self._results.download: _download(last.outcome.target)}
            return iter([{**self.desk.buttons.idle(page.said("Done.")), **shown}])
        work = self._many if len(asked.paths) > 1 else self._one
        return self._safely(partial(work, stop, asked, last), asked.chosen)

    def look_closer(self, stop: Stop, last: Last | None) -> Iterator[Any]:
        """Put the last result down in its own pixels, for whoever looks at them."""
        if last is None or last.outcome is None:
            return
        place = self._context.workplace
        job = Job(
            partial(full_size, place, last.paths[0], last.outcome), place.settings.seconds, stop
        )
        try:
            with closing(job.steps()) as steps:
                for _ in steps:
                    yield gr.skip()
            yield page.full_size(job.result)
        except PhotoError as error:
            logger.info("no closer look: %s", error)
            yield page.full_size("")
        except Exception:
            logger.exception("a closer look failed")
            yield page.full_size("")

    def arrive(self, query: str, arrival: Arrival) -> Shown:
        """Return what is seen at first.

        Parameters
        ----------
        query : str
            Of the page's address: a link to a result shows it, one to settings sets them.
        arrival : Arrival
            A sample, expanded before, for everybody else.
        """
        linked = self._links.result(query)
        if linked is not None:
            outcome, request, path = linked
            return {
                **self._shown(outcome, request, path, fresh=False),
                **self._set(request),
                self.last: Last((path,), Choices.of(request), outcome),
            }
        shown = self._arrived(arrival)
        wanted = self._links.request(query)
        if wanted is not None:
            shown |= self._set(wanted)
            shown |= self._ask(Asked(0, (arrival.path,), Choices.of(wanted)))
        if self._links.names_a_result(query):
            shown[self._notice] = gr.HTML(page.note(_GONE), visible=True)
        return shown

    def _arrived(self, arrival: Arrival) -> Shown:
        outcome, request = arrival.outcome(), Request(self._context.default_method)
        if outcome is None:
            return {self._results.sentence: gr.update()}
        return {
            **self._shown(outcome, request, fresh=False),
            self.last: Last((arrival.path,), Choices.of(request), outcome),
        }

    def _set(self, request: Request) -> Shown:
        """Return the choices as a link has them."""
        pairs = zip(self._choices.components, Choices.of(request), strict=True)
        return {choice: gr.update(value=value) for choice, value in pairs}

    @property
    def arrival_outputs(self) -> list[Any]:
        """What :meth:`arrive` changes."""
        return [self._asked, self._bell, *self.desk.everything]

    def _safely(
        self, work: Callable[[Request], Iterator[Shown]], chosen: tuple[Any, ...]
    ) -> Iterator[Shown]:
        """Do work; say what goes wrong, and that what is there is not what was asked for."""
        try:
            request = self._choices.request(*chosen)
        except PhotoError as error:
            problem = gr.HTML(page.problem(str(error)), visible=True)
            yield {**self._out_of_date(None), self._results.problem: problem}
            return
        try:
            yield from work(request)
        except PhotoError as error:
            yield self._out_of_date(str(error))
        except Exception:
            logger.exception("an expansion failed")
            yield self._out_of_date(page.UNEXPECTED)

    def _stale(self) -> Shown:
        return {self._results.download: gr.DownloadButton(_ANEW, interactive=False)}

    def _out_of_date(self, problem: str | None) -> Shown:
        return {
            **self.desk.buttons.idle(page.problem(problem) if problem else ""),
            self._results.download: gr.DownloadButton(_OUT_OF_DATE, interactive=False),
        }

    def _one(
        self, stop: Stop, asked: Asked, last: Last | None, request: Request
    ) -> Iterator[Shown]:
        """Expand one photo."""
        busy = self.desk.buttons.busy
        path = asked.paths[0] if asked.paths else None
        earlier = last.outcome if last is not None and last.paths == asked.paths else None
        yield busy(page.said("Looking at the photo …"))
        shown: Shown = {}
        with self._context.result_folder() as folder:
            job = self._job(stop, path, request, folder, earlier)
            for step, said in _told(job):
                if isinstance(step, Looked):
                    shown = self._looked(step)
                yield {**shown, **busy(said)}
        yield {
            **shown,
            **self.desk.buttons.idle(page.said("Done.")),
            **self._shown(job.result, request, path),
            self.last: Last((str(path),), asked.chosen, job.result, asked.number),
        }

    def _many(self, stop: Stop, asked: Asked, _: Last | None, request: Request) -> Iterator[Shown]:
        """Expand several photos, one after the other; one that fails stops none."""
        entries = planned(asked.paths, self._context.settings.max_photos)
        first: Shown = {self._results.result: gr.update()}
        with self._context.result_folder() as folder:
            for entry in entries:
                job = self._job(stop, entry.path, request, entry.folder_in(folder))
                try:
                    for _, said in _told(job, f"Photo {entry.number} of {len(entries)}: "):
                        yield {**first, **self._table(entries), **self.desk.buttons.busy(said)}
                except PhotoError as error:
                    entry.problem = str(error)
                    continue
                entry.outcome = job.result
                if len(first) == 1:
                    first = self._shown(job.result, request)
            archive = archive_of(entries, folder)
        yield {
            **first,
            **self._table(entries),
            **self.desk.buttons.idle(page.said("Done.")),
            **({} if archive is None else {self._results.download: _download(archive)}),
            self.last: Last(asked.paths, asked.chosen, number=asked.number),
        }

    def _job(
        self,
        stop: Stop,
        path: str | None,
        request: Request,
        folder: Path,
        earlier: Outcome | None = None,
    ) -> Job[Outcome]:
        place = self._context.workplace
        solved = earlier.target.parent if earlier else None
        begin = partial(expansion, place, path, request, folder, shown=True, earlier=solved)
        return Job(begin, place.settings.seconds, stop)

    def _looked(self, looked: Looked) -> Shown:
        """Return what is shown as soon as a file was looked at."""
        origin = looked.origin
        choices = expand_texts.source_choices(origin)
        evidence = expand_texts.source_evidence(origin)
        return {self._choices.source: gr.Dropdown(choices, info=evidence)}

    def _table(self, entries: list[Any]) -> Shown:
        rows = [(entry.name, entry.said) for entry in entries]
        return {self._results.table: gr.HTML(page.queue(rows), visible=True)}

    def _shown(
        self, outcome: Outcome, request: Request, path: str | None = None, *, fresh: bool = True
    ) -> Shown:
        """Return what is shown of a result; a link leads to it where its upload is given."""
        places, report = self._results, outcome.report
        assert outcome.pictures is not None
        drawing = drawings(
            outcome.pictures.chromaticities or {}, "Chromaticities, before and after"
        )
        names = (outcome.file, outcome.target.name)
        return {
            self.desk.hint: gr.HTML(visible=False),
            self._notice: gr.HTML(visible=False),
            places.result: gr.HTML(
                viewer(outcome.pictures, self._subject(outcome, request, path), fresh=fresh),
                visible=True,
            ),
            places.colours: gr.HTML(drawing, visible=True),
            places.sentence: gr.HTML(expand_texts.sentence(outcome), visible=True),
            places.table: gr.HTML(visible=False),
            places.details: gr.Accordion(visible=True),
            places.figures: page.figures(expand_texts.figures(report)),
            places.command: expand_texts.command(*names, request),
            places.script: expand_texts.script(*names, request),
            places.wide: gr.Column(visible=report.converted),
            self.reduced: gr.DownloadButton(visible=False),
            self.reduced_note: gr.HTML(visible=False),
            places.download: _download(outcome.target),
            places.problem: gr.HTML(visible=False),
        }

    def _subject(self, outcome: Outcome, request: Request, path: str | None) -> Subject:
        report, pictures = outcome.report, outcome.pictures
        assert pictures is not None
        size = report.width, report.height
        return Subject(
            outcome.file,
            size,
            token=outcome.target.parent.name if size != pictures.size else "",
            strength=0.0 if report.converted else request.strength,
            link=self._links.remember(outcome, request, path) if path else "",
        )


def _more_settings(context: Context) -> tuple[gr.Dropdown, gr.Checkbox]:
    with gr.Accordion("More settings", open=False):
        model = gr.Dropdown(
            context.methods,
            value=context.default_method,
            label="Network",
            info="“naive” restores nothing: it only changes the space. “embedded” is the one that "
            "a photo carries itself, if it does.",
        )
        private = gr.Checkbox(
            label="Keep place, names and serial numbers",
            info="Otherwise only camera, lens, exposure and date are kept.",
        )
    return model, private


def _how_far() -> tuple[gr.Dropdown, gr.Slider]:
    source = gr.Dropdown(
        expand_texts.source_choices(),
        value=AUTO,
        label="Where does the photo come from?",
        info=expand_texts.SOURCE_QUESTION,
        scale=5,
        min_width=260,
    )
    strength = gr.Slider(
        0.0,
        2.0,
        value=1.0,
        step=0.05,
        label="Strength",
        info="1 is what is estimated.",
        buttons=[],
        scale=4,
        min_width=220,
        elem_id="strength",
    )
    return source, strength


def _file() -> tuple[gr.Dropdown, gr.Dropdown, gr.DownloadButton]:
    spaces = [(value.name, key) for key, value in WIDE_SPACES.items()]
    space = gr.Dropdown(spaces, value="prophoto", label="Colour space", scale=3, min_width=180)
    form = gr.Dropdown(_FORMATS, value="tiff", label="File format", scale=3, min_width=180)
    download = gr.DownloadButton(
        "Download", variant="primary", scale=3, min_width=200, visible=False, elem_id="download"
    )
    return space, form, download


def _details() -> tuple[gr.Accordion, gr.HTML, gr.Code, gr.Code]:
    with gr.Accordion("Details", open=False, visible=False) as details:
        figures = gr.HTML()
        command, script = (
            gr.Code(language=language, label=label, interactive=False, wrap_lines=True, lines=1)
            for language, label in (
                ("shell", "The same as a command"),
                ("python", "The same in Python"),
            )
        )
    return details, figures, command, script


def _problem_of(space: str, form: str) -> Any:
    """Return what stands beside a choice that no file can hold."""
    try:
        check_output(form, WIDE_SPACES[space])
    except (PhotoError, KeyError) as error:
        return gr.HTML(page.problem(str(error)), visible=True)
    return gr.HTML(visible=False)


def _told(job: Job[Outcome], before: str = "") -> Iterator[tuple[Any, str]]:
    """Do a job; yield what it tells, and the same as HTML."""
    started = time.monotonic()
    with closing(job.steps()) as steps:
        for step in steps:
            if isinstance(step, tuple):
                elapsed = time.monotonic() - started
                yield step, page.progress(*step, elapsed=elapsed, before=before)
            else:
                yield step, page.said(before + (step if isinstance(step, str) else "reading …"))


def _download(target: Path) -> gr.DownloadButton:
    label = expand_texts.file_label(target.suffix, target.stat().st_size)
    return gr.DownloadButton(label, value=str(target), visible=True, interactive=True)
