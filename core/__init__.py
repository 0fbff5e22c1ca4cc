"""Gamut expansion: the lost colours of an sRGB photo, restored.

The public face for scripts; each name is imported when it is first used, so that importing this
package costs next to nothing.

Examples
--------
>>> import numpy as np
>>> import core
>>> codes = np.full((2, 2, 3), 255, np.uint8)
>>> core.expand(codes, core.method("naive")).values.max().round(3).item()
1.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.engine.expansion import ExpansionSettings, expand
    from core.engine.files import FileSettings, expand_file
    from core.engine.method import Method, Needs, WindowMethod
    from core.engine.solved import solve_photo
    from core.files import read, write, write_codes
    from core.gamut import reduce
    from core.methods.registry import method
    from core.metrics import compare
    from core.payload.reduction import ReductionSettings, reduce_file

_ROOMS = {
    "ExpansionSettings": "engine.expansion",
    "FileSettings": "engine.files",
    "Method": "engine.method",
    "Needs": "engine.method",
    "ReductionSettings": "payload.reduction",
    "WindowMethod": "engine.method",
    "compare": "metrics",
    "expand": "engine.expansion",
    "expand_file": "engine.files",
    "method": "methods.registry",
    "read": "files",
    "reduce": "gamut",
    "solve_photo": "engine.solved",
    "reduce_file": "payload.reduction",
    "write": "files",
    "write_codes": "files",
}

__all__ = [
    "ExpansionSettings",
    "FileSettings",
    "Method",
    "Needs",
    "ReductionSettings",
    "WindowMethod",
    "compare",
    "expand",
    "expand_file",
    "method",
    "read",
    "reduce",
    "reduce_file",
    "solve_photo",
    "write",
    "write_codes",
]


def __getattr__(name: str) -> Any:
    """Import a name of the public face when it is first asked for."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"core.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value
