"""Links to results: settings as a query, and a result for as long as it is kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from core.errors import PhotoError
from gradio_app.photo_expansion import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradio_app.photo_expansion import Outcome

_MOST = 2000
"""Results that are remembered; those of before are found no longer."""

_LONGEST = 1000

_RESULT = "result"
_SETTINGS = ("model", "space", "format", "strength", "source")
"""In links. What is kept of the owner is for the owner alone to say."""


class Links:
    """The results of a server, by their tokens.

    Parameters
    ----------
    models : sequence of str
        Those that may be chosen; the first is used unless another is, and links need not name it.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self._models = tuple(models)
        self._usual = Request(models[0])
        self._results: OrderedDict[str, tuple[Outcome, Request, str]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, outcome: Outcome, request: Request, path: str) -> str:
        """Return a link to a result; to its settings alone if it keeps what is the owner's.

        Who has a link to a result can fetch all files beside it.

        Parameters
        ----------
        outcome : Outcome
            What became of the photo.
        request : Request
            With which settings.
        path : str
            The upload.
        """
        if request.private:
            return self.settings(request)
        token = outcome.target.parent.name
        with self._lock:
            self._results[token] = outcome, request, path
            while len(self._results) > _MOST:
                self._results.popitem(last=False)
        return f"{self.settings(request)}&{_RESULT}={token}".replace("?&", "?")

    def settings(self, request: Request) -> str:
        """Return a link to the page with settings; those that are usual are left out."""
        values = {
            name: _text(getattr(request, name))
            for name in _SETTINGS
            if getattr(request, name) != getattr(self._usual, name)
        }
        return f"?{urlencode(values)}"

    def result(self, query: str) -> tuple[Outcome, Request, str] | None:
        """Return the result that a link leads to; None if there is none any more.

        Parameters
        ----------
        query : str
            The part of the address from the question mark on.
        """
        token = _values(query).get(_RESULT, "")
        with self._lock:
            found = self._results.get(token)
            if found is not None and not found[0].target.exists():
                del self._results[token]
                return None
        return found

    @staticmethod
    def names_a_result(query: str) -> bool:
        """Return whether a link is to a result, which need not be there any more."""
        return _RESULT in _values(query)

    def request(self, query: str) -> Request | None:
        """Return the settings of a link; None if they are the usual ones, or cannot be."""
        given = _values(query)
        kept: dict[str, Any] = {name: given[name] for name in _SETTINGS if name in given}
        try:
            if "strength" in kept:
                kept["strength"] = float(kept["strength"])
            request = Request(**{"model": self._usual.model, **kept})
        except (PhotoError, ValueError):
            return None
        return None if request == self._usual or request.model not in self._models else request


def _values(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query[:_LONGEST].lstrip("?")).items()}


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
