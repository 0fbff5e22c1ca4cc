"""The allocator setting is a favour: it may be refused, and it never does harm."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

import torch

from core.engine.memory import keep_freed_memory

if TYPE_CHECKING:
    import pytest


def test_glibc_takes_the_setting_and_memory_still_works() -> None:
    taken = keep_freed_memory()
    assert isinstance(taken, bool)
    for _ in range(3):
        block = torch.ones(3_000_000)
        assert float(block.sum()) == 3_000_000.0
        del block


def test_it_may_be_asked_twice() -> None:
    assert keep_freed_memory() == keep_freed_memory()


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert keep_freed_memory() is False
