"""What a wide photo is offered, of which there is nothing to restore."""

from __future__ import annotations

import logging
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import PhotoError
from gradio_app import expand_texts, page
from gradio_app.controls import AT_ONCE
from gradio_app.jobs import Job
from gradio_app.photo_reduction import reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.progress import Stop
    from gradio_app.asked import Last
    from gradio_app.compare_tab import CompareTab
    from gradio_app.context import Context
    from gradio_app.controls import Shown
    from gradio_app.expand_tab import ExpandTab

logger = logging.getLogger(__name__)


def connect_wide_offers(
    context: Context, expand: ExpandTab, compare: CompareTab, tabs: gr.Tabs
) -> None:
    """Let the buttons work that a wide photo is offered.

    Parameters
    ----------
    context : Context
        Limits.
    expand : ExpandTab
        Where the photo is and the buttons are.
    compare : CompareTab
        Where methods are compared on it.
    tabs : gr.Tabs
        Both.
    """
    work = _Reduction(context, expand)
    expand.desk.add(expand.offers.reduce.click, work.run, [expand.last, expand.choices.private])

    taken = expand.offers.compare.click(_taken, expand.last, [tabs, compare.photo], **AT_ONCE)
    compare.run_after(taken.then)


def _taken(last: Last | None) -> tuple[Any, Any]:
    """Return the other tab and its photo, which its visitor may download as it was sent."""
    own = last is not None and not last.foreign
    return gr.Tabs(selected="compare"), last.paths[0] if last and own else None


class _Reduction:
    """The photo as an sRGB file that carries what it loses, to be downloaded."""

    def __init__(self, context: Context, expand: ExpandTab) -> None:
        self._context, self._expand = context, expand

    def run(self, stop: Stop, last: Last | None, private: bool) -> Iterator[Shown]:
        """Make it."""
        buttons = self._expand.desk.buttons
        yield buttons.busy(page.said("Looking at the photo …"))
        path = last.paths[0] if last else None
        kept = private and not (last and last.foreign)
        place = self._context.workplace
        try:
            with self._context.result_folder() as folder:
                begin = partial(reduction, place, path, kept, folder)
                job = Job(begin, place.settings.seconds, stop)
                with closing(job.steps()) as steps:
                    for done, total in steps:
                        yield buttons.busy(page.progress(done, total, unit=None))
            made = job.result
            yield {
                **buttons.idle(page.said("Done.")),
                self._expand.offers.reduced: gr.DownloadButton(
                    expand_texts.file_label(made.target.suffix, made.target.stat().st_size),
                    value=str(made.target),
                    visible=True,
                ),
                self._expand.offers.note: gr.HTML(
                    page.note(expand_texts.reduced(made)), visible=True
                ),
            }
        except PhotoError as error:
            yield buttons.idle(page.problem(str(error)))
        except Exception:
            logger.exception("a reduction failed")
            yield buttons.idle(page.problem(page.UNEXPECTED))
