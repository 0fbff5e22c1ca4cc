"""AV1 streams that keep every value, and those that look as if they did."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from core.files import isobmff
from core.files.formats import av1


def stream(photo: np.ndarray, level: int, bits: int, speed: int) -> bytes:
    codes = photo if bits == 8 else photo.astype(np.uint16) << (bits - 8)
    file = bytes(
        imagecodecs.avif_encode(
            codes, level=level, speed=speed, bitspersample=bits, pixelformat="444",
            primaries=1, transfer=13, matrix=0,
        )
    )  # fmt: skip
    return isobmff.item_data(file, isobmff.read_images(file).photo)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("speed", [6, 9])
@pytest.mark.parametrize("size", [(90, 70), (1, 1), (64, 64)])
def test_only_the_lossless_stream_is_called_so(
    photo: np.ndarray, bits: int, speed: int, size: tuple[int, int]
) -> None:
    part = np.ascontiguousarray(photo[: size[0], : size[1]])
    assert av1.is_lossless(stream(part, 100, bits, speed))
    for level in (40, 90, 98):
        assert not av1.is_lossless(stream(part, level, bits, speed))


def test_a_large_picture_of_many_tiles_is_followed(photo: np.ndarray) -> None:
    large = np.tile(photo, (8, 70, 1))[:600, :4700]
    assert av1.is_lossless(stream(large, 100, 8, 10))
    assert not av1.is_lossless(stream(large, 95, 8, 10))


@pytest.mark.parametrize(
    "data", [b"", b"\x0a", b"\x0a\xff\xff\xff\xff\xff", bytes(40), b"\x32\x00"]
)
def test_what_cannot_be_followed_counts_as_lossy(data: bytes) -> None:
    assert not av1.is_lossless(data)
