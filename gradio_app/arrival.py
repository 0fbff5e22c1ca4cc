"""What everybody sees on arrival: the first sample, expanded once for all."""

from __future__ import annotations

import logging
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.progress import Stop, Stopped
from gradio_app.context import SAMPLES
from gradio_app.jobs import Job
from gradio_app.photo_expansion import Request, expansion
from gradio_app.photo_pictures import write_card

if TYPE_CHECKING:
    from gradio_app.context import Context
    from gradio_app.photo_expansion import Outcome

logger = logging.getLogger(__name__)

CARD = "card.jpg"
"""The picture that previews of links show."""

_PATIENCE = 60.0
"""Seconds that somebody who comes right after the start waits for it."""


class Arrival:
    """The first sample, expanded in the background.

    Parameters
    ----------
    context : Context
        With the samples.

    Attributes
    ----------
    folder : Path
        Where its files are; they stay.
    path : str
        The sample, as an upload.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ready = threading.Event()
        self._outcome: Outcome | None = None
        self._stop = Stop()
        with context.result_folder() as self.folder:
            sample = Path(context.sample(SAMPLES[0]))
            self.path = str(shutil.copy(sample, self.folder))
        self._thread = threading.Thread(target=self._work, name="arrival", daemon=True)

    def begin(self) -> None:
        """Start the work."""
        self._thread.start()

    def end(self) -> None:
        """Give the work up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def outcome(self) -> Outcome | None:
        """Return what became of the sample; None if that failed or takes too long."""
        self._ready.wait(_PATIENCE)
        return self._outcome

    @property
    def card(self) -> Path:
        """Where the picture for previews of links is, once the work is done."""
        return self.folder / CARD

    def _work(self) -> None:
        context = self._context
        begin = partial(
            expansion,
            context.workplace,
            self.path,
            Request(context.default_method),
            self.folder,
            shown=True,
        )
        job = Job(begin, context.settings.seconds, self._stop)
        try:
            for _ in job.steps():
                pass
            assert job.result.pictures is not None
            write_card(job.result.pictures, self.card)
            self._outcome = job.result
        except Stopped:
            pass
        except Exception:
            logger.exception("the first sample could not be expanded")
        finally:
            self._ready.set()
