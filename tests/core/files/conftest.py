from __future__ import annotations

import struct

import numpy as np
import pytest
import skimage.data

from core.files.metadata import Directory, Entry, blob_from

ORIENTATION = 274


def exif_blob(orientation: int = 1, colour_space: int = 1, interop: str = "R98") -> bytes:
    """EXIF of an invented camera, with a place."""
    degrees = Entry(5, 3, struct.pack("<6I", 50, 1, 26, 1, 231, 10))
    return blob_from(
        Directory(
            {
                271: Entry.text("Maker"),
                272: Entry.text("Model 1"),
                ORIENTATION: Entry.shorts(orientation),
            },
            {
                34665: Directory(
                    {
                        36867: Entry.text("2024:05:06 07:08:09"),
                        37500: Entry.opaque(bytes(range(64))),
                        40961: Entry.shorts(colour_space),
                    },
                    {40965: Directory({1: Entry.text(interop)})},
                ),
                34853: Directory({1: Entry.text("N"), 2: degrees}),
            },
        )
    )


def with_curve(profile: bytes, curve: bytes, *names: bytes) -> bytes:
    """A profile whose curves (all three unless named) are replaced."""
    (count,) = struct.unpack_from(">I", profile, 128)
    table = bytearray(profile[132 : 132 + 12 * count])
    for index in range(count):
        if table[12 * index : 12 * index + 4] in (names or (b"rTRC", b"gTRC", b"bTRC")):
            struct.pack_into(">II", table, 12 * index + 4, len(profile), len(curve))
    return profile[:132] + bytes(table) + profile[132 + 12 * count :] + curve


@pytest.fixture
def exif() -> bytes:
    return exif_blob()


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A real photo, 8-bit sRGB, (90, 70, 3)."""
    return np.ascontiguousarray(skimage.data.astronaut()[0:360:4, 100:380:4])


@pytest.fixture(scope="session")
def wide() -> np.ndarray:
    """Linear values over the whole of 0..1, float32, (300, 270, 3): more than a tile each way."""
    random = np.random.default_rng(7)
    values = random.random((300, 270, 3)).astype(np.float32) ** 2
    values[0] = np.linspace(0.0, 1.0, 270, dtype=np.float32)[:, None]
    return values
