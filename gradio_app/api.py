"""The named endpoints for programs."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio_app.context import Context


def health(context: Context) -> dict[str, Any]:
    """Return the state of the server: what it is and what it offers."""
    return {
        "status": "ok",
        "version": version("napari-gamut"),
        "models": list(context.methods),
        "max_megapixels": context.settings.max_megapixels,
        "max_megabytes": context.settings.max_megabytes,
    }
