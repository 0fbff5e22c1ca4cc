"""Where networks run."""

from __future__ import annotations

import torch

from core.errors import PhotoError


def device_named(name: str) -> torch.device:
    """Return a device that is there; "auto" prefers CUDA, then Apple's GPU, then the CPU.

    Raises
    ------
    PhotoError
        If this computer has no such device.
    """
    if name == "auto":
        has_mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PhotoError(f"This computer has no device {name!r}; choose auto or cpu.") from error
    return device
