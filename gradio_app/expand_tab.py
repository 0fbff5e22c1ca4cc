"""The tab "Expand": sRGB photos in, wide-gamut files out."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.colour import WIDE_SPACES
from core.engine.origin import Origin
from core.errors import PhotoError
from core.files import check_output
from gradio_app import expand_texts, page
from gradio_app.asked import Asked, Last
from gradio_app.context import CONCURRENCY_ID
from gradio_app.controls import AT_ONCE, Desk
from gradio_app.expand_parts import Choices, keeping, lay_out
from gradio_app.full_size import full_size
from gradio_app.jobs import Job, TimeOverError, stoppable
from gradio_app.links import Links
from gradio_app.photo_expansion import Request, expansion
from gradio_app.several import archive_of, cut_short, planned
from gradio_app.viewer import Subject, drawings, viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.progress import Stop
    from gradio_app.arrival import Arrival
    from gradio_app.context import Context
    from gradio_app.controls import Shown
    from gradio_app.photo_expansion import Outcome

logger = logging.getLogger(__name__)

_OUT_OF_DATE = "Out of date"
_ANEW = "Working it out anew …"
_GONE = "The result of this link is no longer kept; its settings are set. Drop a photo to use them."


class ExpandTab:
    """The tab, with the models, samples and limits of a server; made where it is to be.

    Attributes
    ----------
    last : gr.State
        What was expanded last.
    desk : Desk
        Its photo, its buttons, and what its jobs change.
    choices : Choices
        The settings.
    offers : Offers
        What is offered for a wide photo.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._links = Links(context.methods)
        self._parts = parts = lay_out(context)
        self.choices, self._results, self.offers = parts.choices, parts.results, parts.offers
        kept = 60 * context.settings.keep_minutes
        self.last = gr.State(None, time_to_live=kept)
        self._asked = gr.State(None, time_to_live=kept)
        # Another text in it begins a job. A change of the state would do so in the queue only.
        self._bell = gr.Textbox(label="Bell", elem_classes="unseen")
        outputs = (
            *(*parts.results.outputs, *parts.choices.components, self.last, parts.notice),
            *(parts.offers.reduced, parts.offers.compare, parts.offers.note),
        )
        self.desk = Desk(
            context, parts.photo, parts.buttons, parts.hint, parts.results.hidden, outputs
        )
        self._connect()

    def _connect(self) -> None:
        chosen, desk, file = self.choices, self.desk, self.desk.photo.file
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
        closer = self._parts.closer.click(
            stoppable(self.look_closer),
            self.last,
            self._parts.full,
            concurrency_id=CONCURRENCY_ID,
            concurrency_limit=self._context.settings.concurrency,
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        closer.failure(lambda: page.full_size(""), outputs=self._parts.full, **AT_ONCE)
        for choice in (chosen.space, chosen.format):
            choice.input(
                _problem_of, [chosen.space, chosen.format], self._results.problem, **AT_ONCE
            )

    def _ask_anew(
        self, asked: Asked | None, last: Last | None, paths: list[str] | None, *chosen: Any
    ) -> Shown:
        """Ask for new photos; what is shown of others goes."""
        return {
            **self._ask_once_more(asked, last, paths, *chosen),
            **self.desk.nothing(),
            self.choices.private: keeping(),
        }

    def _ask_once_more(
        self, asked: Asked | None, last: Last | None, paths: list[str] | None, *chosen: Any
    ) -> Shown:
        """Ask for the photos that are here, whatever was asked for before."""
        number = asked.number + 1 if asked else 1
        if paths or last is None:
            return self._ask(Asked(number, tuple(map(str, paths or ())), chosen))
        return self._ask(Asked(number, last.paths, chosen, last.foreign))

    def _ask(self, asked: Asked) -> Shown:
        # The same text twice rings once: some choices tell of themselves twice.
        return {self._asked: asked, self._bell: f"{asked.number} {asked.chosen}"}

    def _ask_again(self, asked: Asked | None, last: Last | None, *chosen: Any) -> Shown:
        """Ask for the same photos with other settings, if they are others."""
        before = asked or last
        # Who leaves a choice as it was says so, too.
        if last is None or before is None or before.chosen == chosen or not before.paths:
            return {self._asked: gr.skip()}
        if len(before.paths) > 1:
            return self._out_of_date("The settings have changed; press Expand.")
        number = asked.number if asked else 0
        return {**self._ask(Asked(number, before.paths, chosen, before.foreign)), **self._stale()}

    def _given_up(self, asked: Asked | None, last: Last | None) -> Any:
        """Say of what is there whether it is what was asked for."""
        if asked is None or (last is not None and last.chosen == asked.chosen):
            return gr.skip()
        return gr.DownloadButton(_OUT_OF_DATE, interactive=False)

    def expand(self, stop: Stop, asked: Asked, last: Last | None) -> Iterator[Shown]:
        """Expand what is asked for: one photo, or several into an archive."""
        if last is not None and last.outcome and last.is_there and last.asked == asked:
            shown = {self._results.download: _download(last.outcome.target)}
            return iter([{**self.desk.buttons.idle(page.said("Done.")), **shown}])
        work = self._many if len(asked.paths) > 1 else self._one
        return self._safely(partial(work, stop, asked, last), asked)

    def look_closer(self, stop: Stop, last: Last | None) -> Iterator[Any]:
        """Put the last result down in its own pixels, for whoever looks at them and waits."""
        if last is None or last.outcome is None:
            yield page.full_size("")
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
                **self._shown(outcome, request, path, fresh=False, foreign=True),
                **self._set(request),
                self.choices.private: keeping(foreign=True),
                self.last: Last((path,), Choices.of(request), outcome, foreign=True),
            }
        shown = self._arrived(arrival)
        wanted = self._links.request(query)
        if wanted is not None:
            shown |= self._set(wanted)
            shown |= self._ask(Asked(0, (arrival.path,), Choices.of(wanted)))
        if self._links.names_a_result(query):
            shown[self._parts.notice] = gr.HTML(page.note(_GONE), visible=True)
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
        pairs = zip(self.choices.components, Choices.of(request), strict=True)
        return {choice: gr.update(value=value) for choice, value in pairs}

    @property
    def arrival_outputs(self) -> list[Any]:
        """What :meth:`arrive` changes."""
        return [self._asked, self._bell, *self.desk.everything]

    def _safely(self, work: Callable[[Request], Iterator[Shown]], asked: Asked) -> Iterator[Shown]:
        """Do work; say what goes wrong, and that what is there is not what was asked for."""
        try:
            request = asked.request()
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
                if isinstance(step, Origin):
                    shown = self._looked(step)
                yield {**shown, **busy(said)}
        yield {
            **shown,
            **self.desk.buttons.idle(page.said("Done.")),
            **self._shown(job.result, request, path, foreign=asked.foreign),
            self.last: Last.of(asked, job.result),
        }

    def _many(self, stop: Stop, asked: Asked, _: Last | None, request: Request) -> Iterator[Shown]:
        """Expand several photos, one after the other; one that fails stops none.

        They have the time of one job between them: others wait, too.
        """
        settings = self._context.settings
        entries = planned(asked.paths, settings.max_photos)
        first: Shown = {self._results.result: gr.update()}
        said = page.said("Done.")
        end = time.monotonic() + settings.seconds
        with self._context.result_folder() as folder:
            for entry in entries:
                left = end - time.monotonic()
                job = self._job(stop, entry.path, request, entry.folder_in(folder), seconds=left)
                try:
                    for _, told in _told(job, f"Photo {entry.number} of {len(entries)}: "):
                        yield {**first, **self._table(entries), **self.desk.buttons.busy(told)}
                except TimeOverError:
                    said = page.problem(cut_short(entries, settings.seconds))
                    break
                except PhotoError as error:
                    entry.problem = str(error)
                    continue
                entry.outcome = job.result
                if len(first) == 1:
                    first = self._shown(job.result, request, several=True)
            archive = archive_of(entries, folder)
        yield {
            **first,
            **self._table(entries),
            **self.desk.buttons.idle(said),
            **({} if archive is None else {self._results.download: _download(archive)}),
            self.last: Last.of(asked),
        }

    def _job(
        self,
        stop: Stop,
        path: str | None,
        request: Request,
        folder: Path,
        earlier: Outcome | None = None,
        *,
        seconds: float | None = None,
    ) -> Job[Outcome]:
        """Return the job of a photo, with all the time that a job may take or what is left."""
        place = self._context.workplace
        solved = earlier.target.parent if earlier else None
        begin = partial(expansion, place, path, request, folder, shown=True, earlier=solved)
        return Job(begin, place.settings.seconds if seconds is None else seconds, stop)

    def _looked(self, origin: Origin) -> Shown:
        """Return what is shown as soon as a file was looked at."""
        choices = expand_texts.source_choices(origin)
        evidence = expand_texts.source_evidence(origin)
        return {self.choices.source: gr.Dropdown(choices, info=evidence)}

    def _table(self, entries: list[Any]) -> Shown:
        rows = [(entry.name, entry.said) for entry in entries]
        return {self._results.table: gr.HTML(page.queue(rows), visible=True)}

    def _shown(
        self,
        outcome: Outcome,
        request: Request,
        path: str | None = None,
        *,
        fresh: bool = True,
        foreign: bool = False,
        several: bool = False,
    ) -> Shown:
        """Return what is shown of a result; a link leads to it where its upload is given.

        Of a foreign photo the upload itself is not handed on; of several photos the file is in the
        archive alone, and nobody looks at its own pixels.
        """
        places, report = self._results, outcome.report
        assert outcome.pictures is not None
        drawing = drawings(
            outcome.pictures.chromaticities or {}, "Chromaticities, before and after"
        )
        names = (outcome.file, outcome.target.name)
        subject = self._subject(outcome, request, path, several=several)
        return {
            self.desk.hint: gr.HTML(visible=False),
            self._parts.notice: gr.HTML(visible=False),
            places.result: gr.HTML(viewer(outcome.pictures, subject, fresh=fresh), visible=True),
            places.colours: gr.HTML(drawing, visible=True),
            places.sentence: gr.HTML(expand_texts.sentence(outcome), visible=True),
            places.table: gr.HTML(visible=False),
            places.details: gr.Accordion(visible=True),
            places.figures: page.figures(expand_texts.figures(report)),
            places.command: expand_texts.command(*names, request),
            places.script: expand_texts.script(*names, request),
            places.wide: gr.Column(visible=report.converted),
            self.offers.reduced: gr.DownloadButton(visible=False),
            self.offers.compare: gr.Button(visible=not foreign),
            self.offers.note: gr.HTML(visible=False),
            places.download: _download(outcome.target),
            places.problem: gr.HTML(visible=False),
        }

    def _subject(
        self, outcome: Outcome, request: Request, path: str | None, *, several: bool
    ) -> Subject:
        report, pictures = outcome.report, outcome.pictures
        assert pictures is not None
        size = report.width, report.height
        return Subject(
            outcome.photo,
            size,
            token="" if several or size == pictures.size else outcome.target.parent.name,
            strength=0.0 if report.converted else request.strength,
            link=self._links.remember(outcome, request, path) if path else "",
            shared=not request.private,
        )


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
