"""What people chose in the panel: kept beside napari's own settings, from session to session."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

_NAME = "napari-gamut.json"
_session: dict[str, dict[str, Any]] = {}
_log = logging.getLogger(__name__)


def recall(page: str) -> dict[str, Any]:
    """Return what was chosen on a page: names of controls, and plain values."""
    if not _session:
        _session.update(_read())
    return dict(_session.get(page, {}))


def store(page: str, values: dict[str, Any]) -> None:
    """Keep what is chosen on a page."""
    recall(page)
    if _session.get(page) == values:
        return
    _session[page] = dict(values)
    path = _path()
    if path is None:
        return
    try:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(_session, indent=1, sort_keys=True), encoding="utf-8")
        part.replace(path)
    except OSError:
        _log.info("the panel's settings cannot be kept in %s", path, exc_info=True)


def forget() -> None:
    """Forget what was set since napari started, as a new start does."""
    _session.clear()


def _read() -> dict[str, dict[str, Any]]:
    path = _path()
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {page: values for page, values in found.items() if isinstance(values, dict)}


def _path() -> Path | None:
    """Return the file beside napari's settings; None where napari keeps none."""
    from napari.settings import get_settings

    own = get_settings().config_path
    return None if own is None else Path(own).with_name(_NAME)
