"""How much memory a piece of work needs at its peak, as the operating system counts it."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class PeakMemory:
    """The growth of the process's resident memory while a block runs; a context manager.

    Python's and torch's own counts miss each other's memory and that of libraries; the
    system's peak holds everything. Freed blocks are given back to the system first, so that
    what ran before does not hide what is needed now.

    Attributes
    ----------
    bytes : int or None
        Peak of the block above the memory before it; None where the system does not tell
        (anything but Linux).
    """

    def __init__(self) -> None:
        self.bytes: int | None = None
        self._before: int | None = None

    def __enter__(self) -> PeakMemory:
        gc.collect()
        _give_back()
        try:
            _RESET.write_text(_RESET_PEAK)
            self._before = _resident("VmRSS")
        except OSError:
            self._before = None
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            self.bytes = max(0, _resident("VmHWM") - self._before)


def _give_back() -> None:
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _resident(name: str) -> int:
    """Return a line of the kernel's account, in bytes."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no line {name}")
