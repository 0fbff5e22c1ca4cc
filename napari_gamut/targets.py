"""Files that people name without an ending."""

from __future__ import annotations

from pathlib import Path

from napari_gamut.photos import LayerError


def whole_name(path: str | Path, suffix: str) -> Path:
    """Return the file that a name means: without an ending, one of a usual ending."""
    target = Path(path)
    return target if target.suffix else target.with_name(f"{target.name}{suffix}")


def completed(path: str | Path, suffix: str) -> Path:
    """Return the file that a name means, as :func:`whole_name` does, where nobody can be asked.

    Raises
    ------
    LayerError
        If the name had no ending and the file exists: whoever was asked was asked of another one.
    """
    target = whole_name(path, suffix)
    if target != Path(path) and target.exists():
        raise LayerError(
            f"“{target.name}” exists already; choose another name, or give this one with its "
            "ending to replace the file."
        )
    return target
