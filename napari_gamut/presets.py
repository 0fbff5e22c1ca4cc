"""Settings that people gave a name: kept with what is remembered, from session to session."""

from __future__ import annotations

from typing import Any

from napari_gamut import remembered

_STATE = "Presets"


def names() -> tuple[str, ...]:
    """Return the names of all presets, in the order of the alphabet."""
    return tuple(sorted(remembered.recall(_STATE), key=str.lower))


def preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset: names of controls, and plain values; {} without one."""
    found = remembered.recall(_STATE).get(name, {})
    return dict(found) if isinstance(found, dict) else {}


def keep(name: str, values: dict[str, Any]) -> None:
    """Keep settings under a name; those that had it before are replaced."""
    remembered.store(_STATE, {name: values})


def forget(name: str) -> None:
    """Forget a preset."""
    remembered.drop(_STATE, name)
