"""The engine, loaded while people look at the panel: their first photo does not wait for it."""

from __future__ import annotations

import gc
import logging
from functools import cache
from importlib import import_module
from threading import Thread

_ENGINE = "core.engine.expansion"


@cache
def get_ready() -> Thread:
    """Load the engine beside the window, once.

    PyTorch is large: while its libraries are opened and its objects are looked through for
    garbage, Python does nothing else, two or three times for a few tenths of a second. Better
    when the panel opens than in the middle of the first expansion.

    Returns
    -------
    Thread
        Which loads it, or has loaded it. The program does not end before it has, since a thread
        that loads libraries must not be cut off.
    """
    thread = Thread(target=_load, name="gamut-engine", daemon=False)
    thread.start()
    return thread


def _load() -> None:
    # What is loaded stays, so one search for garbage, at the end, is enough.
    looked = gc.isenabled()
    gc.disable()
    try:
        import_module(_ENGINE)
    except (ImportError, OSError):  # People learn it from their first job, which needs the engine.
        logging.getLogger(__name__).warning("the engine cannot be loaded", exc_info=True)
    finally:
        if looked:
            gc.collect()
            gc.enable()
