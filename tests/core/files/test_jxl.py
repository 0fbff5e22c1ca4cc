"""JPEG XL of kinds that are no photo, or no RGB: told apart by the header, never "damaged"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pytest

from core.files import FileError, read

if TYPE_CHECKING:
    from pathlib import Path

ALPHA, DEPTH, SPOT, BLACK, THERMAL = 0, 1, 2, 4, 6
CHOICES = {
    ALPHA: (0, 0, 0),
    DEPTH: (1, 0, 0),
    SPOT: (2, 0, 4),
    BLACK: (2, 2, 4),
    THERMAL: (2, 4, 4),
}
"""Selector, value and width of the kinds of channels (ISO/IEC 18181-1, annex D)."""


def codestream(*extras: int, animated: bool = False) -> bytes:
    """The header of an 8 × 8 image of 8 bits that is not XYB, and nothing behind it."""
    bits: list[int] = []

    def put(value: int, width: int) -> None:
        bits.extend(value >> i & 1 for i in range(width))

    put(1, 1)  # small
    put(0, 5)
    put(1, 3)  # square
    put(0, 1)  # not all default
    put(int(animated), 1)
    if animated:
        put(0, 3)  # orientation
        put(0, 1)
        put(0, 1)
        put(1, 1)
        put(0, 2 + 2 + 2 + 1)
    put(0, 1 + 2)  # integers of 8 bits
    put(1, 1)
    put({0: 0, 1: 1}.get(len(extras), 2), 2)
    if len(extras) > 1:
        put(len(extras) - 2, 4)
    for kind in extras:
        put(0, 1)
        selector, value, width = CHOICES[kind]
        put(selector, 2)
        put(value, width)
        put(0, 1 + 2)
        put(0, 2 + 2)
        put(0, {ALPHA: 1, SPOT: 64}.get(kind, 0))
    put(0, 1)  # not XYB
    whole = sum(bit << i for i, bit in enumerate(bits))
    return b"\xff\x0a" + whole.to_bytes(200, "little")


@pytest.mark.parametrize(
    ("extras", "words"),
    [
        ((SPOT,), "spot colours is not supported"),
        ((ALPHA, SPOT), "spot colours is not supported"),
        ((BLACK,), "is a CMYK JPEG XL for printing; convert it to RGB"),
        ((BLACK, ALPHA), "is a CMYK JPEG XL for printing; convert it to RGB"),
        ((ALPHA, DEPTH), "several channels beside its colours is not supported"),
        ((DEPTH, THERMAL, ALPHA), "several channels beside its colours is not supported"),
    ],
)
def test_channels_that_no_rgb_photo_has(tmp_path: Path, extras: tuple, words: str) -> None:
    (tmp_path / "a.jxl").write_bytes(codestream(*extras))
    with pytest.raises(FileError, match=words):
        read(tmp_path / "a.jxl")


def test_an_animation_is_no_photo(tmp_path: Path) -> None:
    # OpenImageIO would hand out the last picture as if it were the first.
    frames = np.zeros((3, 64, 64, 3), np.uint8)
    frames[1:] = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3))
    for name, data in (
        ("made", bytes(imagecodecs.jpegxl_encode(frames, lossless=True))),
        ("header", codestream(ALPHA, animated=True)),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FileError, match="is an animated JPEG XL; save one of its pictures"):
            read(tmp_path / name)


def test_a_file_shorter_than_a_signature_is_looked_for_is_a_photo(tmp_path: Path) -> None:
    data = bytes(imagecodecs.jpegxl_encode(np.full((16, 16, 3), 77, np.uint8), lossless=True))
    assert len(data) < 128
    (tmp_path / "a.jxl").write_bytes(data)
    assert (read(tmp_path / "a.jxl").pixels == 77).all()
