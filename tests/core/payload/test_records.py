"""Records say what they are and whose; whatever else comes is refused, at no cost."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.colour import ADOBE_RGB, DISPLAY_P3
from core.engine.tiling import ArraySource
from core.payload.records import (
    HEAD_SIZE,
    LARGEST,
    DamagedError,
    Kind,
    Record,
    fingerprint,
    joined,
    model_mark,
    parsed,
)

HINT = Record(Kind.HINT, DISPLAY_P3, b"\x12\x34", b"12345", b"body", 7)
NETWORK = Record(Kind.NETWORK, None, b"\0\0", b"54321", bytes(300))


def test_records_come_back_as_they_were() -> None:
    assert parsed(joined([HINT, NETWORK])) == (HINT, NETWORK)
    assert len(HINT.serialise()) == HEAD_SIZE + 4 == 20
    assert parsed(b"") == ()


def test_every_flipped_bit_is_found() -> None:
    sound = HINT.serialise()
    for place in range(8 * len(sound)):
        changed = bytearray(sound)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(DamagedError):
            parsed(bytes(changed))


def test_what_breaks_off_or_comes_twice_is_refused() -> None:
    whole = joined([HINT, NETWORK])
    for cut in (1, 15, 19, 21, len(whole) - 1):
        with pytest.raises(DamagedError):
            parsed(whole[:cut])
    with pytest.raises(DamagedError, match="twice"):
        parsed(joined([HINT, HINT]))
    with pytest.raises(ValueError, match="too large"):
        Record(Kind.NETWORK, None, b"\0\0", b"54321", bytes(LARGEST)).serialise()


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    if noise:
        with pytest.raises(DamagedError):
            parsed(b"gM" + noise)


def test_a_claim_of_length_costs_no_memory() -> None:
    head = bytearray(HINT.serialise())
    head[3:5] = b"\xff\xff"
    tracemalloc.start()
    with pytest.raises(DamagedError):
        parsed(bytes(head))
    assert tracemalloc.get_traced_memory()[1] < 10_000
    tracemalloc.stop()


def test_pixels_are_known_by_depth_size_and_codes() -> None:
    codes = np.arange(600 * 5 * 3, dtype=np.uint16).reshape(600, 5, 3)
    prints = {
        fingerprint(ArraySource(changed))
        for changed in (
            codes,
            codes[:-1],
            codes.reshape(5, 600, 3),
            codes.astype(np.uint8),
            codes ^ (codes == 4000).astype(np.uint16),
        )
    }
    assert len(prints) == 5
    assert fingerprint(ArraySource(codes.copy())) in prints


def test_weights_are_known_by_the_start_of_their_hash() -> None:
    assert model_mark("a1b2c3") == b"\xa1\xb2"
    assert model_mark("") == b"\0\0"
    assert Record(Kind.HINT, ADOBE_RGB, b"\0\0", b"12345", b"").serialise()[5] == 2
