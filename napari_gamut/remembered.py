"""What people chose in the panel: kept beside napari's own settings, from session to session.

What is chosen is written a moment later, once nobody changes it any more, and beside the window.
Other windows of napari may write meanwhile: of the file, only what was chosen here is changed.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
from pathlib import Path
from threading import Lock, Timer
from typing import Any

_NAME = "napari-gamut.json"
_REST_S = 1.0
"""Seconds without a change until it is written."""

_GONE = object()
"""Stands for a value that was dropped."""

_chosen: dict[str, dict[str, Any]] = {}
"""Since napari started: pages, names of controls, and plain values."""
_unwritten: dict[Path, dict[str, dict[str, Any]]] = {}
_lock = Lock()
_timer: Timer | None = None
_log = logging.getLogger(__name__)


def recall(page: str) -> dict[str, Any]:
    """Return what was chosen on a page: names of controls, and plain values."""
    path = _path()
    kept = {} if path is None else _read(path)
    return _with(kept.get(page, {}), _chosen.get(page, {}))


def store(page: str, values: dict[str, Any]) -> None:
    """Keep what is chosen on a page; what else was chosen there stays."""
    _change(page, values)


def drop(page: str, name: str) -> None:
    """Forget one of the things that were chosen on a page."""
    _change(page, {name: _GONE})


def write() -> None:
    """Write what has not been written yet."""
    global _timer
    with _lock:
        waiting, _timer = dict(_unwritten), None
        _unwritten.clear()
        for path, pages in waiting.items():
            _write(path, pages)


def forget() -> None:
    """Forget what was set since napari started, as a new start does."""
    _chosen.clear()


def _change(page: str, values: dict[str, Any]) -> None:
    global _timer
    _chosen.setdefault(page, {}).update(values)
    path = _path()
    if path is None:
        return
    with _lock:
        _unwritten.setdefault(path, {}).setdefault(page, {}).update(values)
        if _timer is not None:
            _timer.cancel()
        _timer = Timer(_REST_S, write)
        _timer.daemon = True
        _timer.start()


def _with(kept: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (kept | changes).items() if value is not _GONE}


def _write(path: Path, pages: dict[str, dict[str, Any]]) -> None:
    found = _read(path)
    for page, values in pages.items():
        found[page] = _with(found.get(page, {}), values)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
        part.replace(path)
    except OSError:
        _log.info("the panel's settings cannot be kept in %s", path, exc_info=True)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {page: values for page, values in found.items() if isinstance(values, dict)}


def _path() -> Path | None:
    """Return the file beside napari's settings; None where napari keeps none."""
    from napari.settings import get_settings

    own = get_settings().config_path
    return None if own is None else Path(own).with_name(_NAME)


atexit.register(write)
