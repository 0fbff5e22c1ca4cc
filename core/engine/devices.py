"""Where networks run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from core.errors import PhotoError

if TYPE_CHECKING:
    from collections.abc import Iterator


def device_named(name: str) -> torch.device:
    """Return a device that is there; "auto" prefers CUDA, then Apple's GPU, then the CPU.

    Raises
    ------
    PhotoError
        If this computer has no such device.

    Examples
    --------
    >>> device_named("cpu")
    device(type='cpu')
    >>> device_named("cuda:99")
    Traceback (most recent call last):
    core.errors.PhotoError: This computer has no device 'cuda:99'; choose auto or cpu.
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


@contextmanager
def at_most_threads(most: int) -> Iterator[None]:
    """Compute with few threads inside a block, which does nothing else.

    Threads that share tiny operations mostly wait for each other; on a busy machine, for long.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with at_most_threads(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, most))
    try:
        yield
    finally:
        torch.set_num_threads(before)
