"""One large photo by several processes: each of them works on whole bands of it.

Every process opens the photo itself, and finds out of it what a network has to know of a whole
photo; so what it makes of a band is what a single process makes of it, to the last bit.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.engine.expansion import Band, BandPlan, ExpansionSettings
from core.engine.files import codes_of
from core.engine.method import Subject
from core.errors import PhotoError
from core.files import open_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from core.engine.cluster import Workers
    from core.engine.method import Method
    from core.engine.tiling import Source
    from core.files import Limits
    from core.progress import Check


@dataclass(frozen=True)
class SharedBands:
    """Expands a photo by several processes; what :func:`core.engine.files.file_expansion` takes.

    Attributes
    ----------
    workers : Workers
        They read the photo under the same name.
    path : Path
        The photo.
    load : callable
        Returns the method, in a worker, too: it can be pickled.
    limits : Limits, optional
        What is too large to be read.
    """

    workers: Workers
    path: Path
    load: Callable[[], Method]
    limits: Limits | None

    def __call__(
        self,
        source: Source,
        method: Method,
        settings: ExpansionSettings,
        check: Check | None = None,
    ) -> Generator[Band, None, None]:
        """Expand the photo; as :func:`core.engine.expansion.expand_bands`, whole bands at a time.

        Raises
        ------
        PhotoError
            If a worker cannot read the photo, or workers die of it again and again.
        """
        settings = method.projected(settings)
        plan = BandPlan.of(source, method, settings, check)
        token = uuid.uuid4().hex
        parts = [
            _Part(token, self.path, self.load, settings, self.limits, number)
            for number in range(len(plan.rows))
        ]
        try:
            with closing(self.workers.spread_in_order(_expanded, parts)) as outcomes:
                for outcome in outcomes:
                    if check is not None:
                        check()
                    yield outcome.get()
        finally:
            self.workers.call(_close)


@dataclass(frozen=True)
class _Part:
    """A band of a photo, and all that a worker has to know to expand it."""

    token: str
    path: Path
    load: Callable[[], Method]
    settings: ExpansionSettings
    limits: Limits | None
    number: int


class _OpenPhoto:
    """The photo whose bands a worker process was asked for last."""

    def __init__(self, part: _Part) -> None:
        self.token = part.token
        self.check: Check | None = None
        with ExitStack() as stack:
            reader = stack.enter_context(open_rows(part.path, limits=part.limits))
            codes, _ = codes_of(reader)
            if codes is None:
                raise PhotoError(f"{part.path} was replaced by another photo meanwhile; try again.")
            method = part.load().bound(Subject(codes, reader.payload, str(part.path)))
            self.plan = BandPlan.of(codes, method, part.settings, self._ask)
            self._stack = stack.pop_all()

    def _ask(self) -> None:
        if self.check is not None:
            self.check()

    def close(self) -> None:
        self._stack.close()


_lock = threading.Lock()
_open: _OpenPhoto | None = None


def _expanded(part: _Part, check: Check) -> Band:
    """Expand a band in a worker."""
    with _lock:
        photo = _photo_of(part)
        photo.check = check
        *_, last = photo.plan.solve(part.number)
        return last.finished(part.settings)


def _photo_of(part: _Part) -> _OpenPhoto:
    global _open
    if _open is None or _open.token != part.token:
        if _open is not None:
            _open.close()
        _open = None
        _open = _OpenPhoto(part)
    return _open


def _close() -> None:
    """Close the photo of a worker, which takes memory."""
    global _open
    with _lock:
        if _open is not None:
            _open.close()
        _open = None
