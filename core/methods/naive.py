"""The naive inversion: what the codes say, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.engine.method import Method
from core.methods.registry import NAIVE

if TYPE_CHECKING:
    from core.engine.expansion import ExpansionSettings
    from core.engine.tiling import Source
    from core.progress import Check


class NaiveInversion(Method):
    """The linear light of the codes; what every other method is measured against."""

    name = NAIVE
    summary = "Naive inversion: the colours of the codes; restores nothing"

    def worker(
        self, codes: Source, settings: ExpansionSettings, check: Check | None = None
    ) -> None:
        """Return nothing: the engine begins with the naive inversion."""
