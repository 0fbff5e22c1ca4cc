"""How often a photo's file is opened and decoded on its way through the program."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import reading, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Openings:
    """Counts, for one file, how often a format's reader reads the header and the pixels.

    Where the bands of a TIFF are decoded as they are asked for, its opening counts as its pixels.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self._path, self._found = path, Counter[str]()
        for module in reading._READERS.values():
            for name in ("read_header", "read_pixels"):
                self._count(monkeypatch, module, name, name)
        self._count(monkeypatch, rows._TiffSegments, "opened", "read_pixels")

    def _count(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, kind: str) -> None:
        whole = partial(self._counted, getattr(module, name), kind)
        monkeypatch.setattr(module, name, whole)

    def _counted(self, read: Callable[..., Any], kind: str, path: Path, *rest: Any) -> Any:
        found = read(path, *rest)
        if Path(path) == self._path and found is not None:
            self._found[kind] += 1
        return found

    def taken(self) -> tuple[int, int]:
        """Return how often the header and the pixels were read since the last time."""
        found = self._found["read_header"], self._found["read_pixels"]
        self._found.clear()
        return found
