"""The header of an OpenEXR file (OpenEXR file layout, "Header"): its first part's attributes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.files import xmp

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAGIC_SIZE = 8
LONGEST_HEADER = 16 << 20
"""Bytes of the file in which its header ends."""
_MOST_ATTRIBUTES = 4096
_STRUCTURE = frozenset(
    "channels compression dataWindow displayWindow lineOrder pixelAspectRatio tiles name type "
    "screenWindowCenter screenWindowWidth version chunkCount view multiView chromaticities preview "
    "dwaCompressionLevel deepImageState maxSamplesPerPixel originalDataWindow xDensity".split()
)
"""Attributes about the storage and the colours of the pixels, which are read elsewhere or whose
meaning ends with the file."""


@dataclass(frozen=True)
class ExrHeader:
    """What the first part of a file says of itself.

    Attributes
    ----------
    attributes : mapping of str to (type, value)
        All of them, values as stored.
    """

    attributes: Mapping[str, tuple[str, bytes]]

    @property
    def is_subsampled(self) -> bool:
        """Whether a channel has fewer pixels than the image, as subsampled chroma has."""
        _, content = self.attributes["channels"]
        place = 0
        while content[place : place + 1] not in (b"\0", b""):
            place = content.index(b"\0", place) + 1
            across, down = struct.unpack_from("<8x2i", content, place)
            if (across, down) != (1, 1):
                return True
            place += 16
        return False

    @property
    def compression(self) -> int:
        """By its number."""
        return self.attributes["compression"][1][0]

    @property
    def stored_pixels(self) -> int:
        """How many pixels are stored, shown or not."""
        return self._area("dataWindow")

    @property
    def shown_pixels(self) -> int:
        """How many pixels are to be seen."""
        return self._area("displayWindow")

    def _area(self, window: str) -> int:
        left, top, right, bottom = struct.unpack("<4i", self.attributes[window][1])
        return int(max(0, right - left + 1) * max(0, bottom - top + 1))

    def as_properties(self) -> tuple[dict[xmp.Name, list[str]], tuple[str, ...]]:
        """Return what the header says of the photo as XMP properties, and the names of the rest.

        Returns
        -------
        properties : dict
            Texts by name: comment, owner, date and exposure (OpenEXR, "Standard attributes").
        others : tuple of str
            Attributes that say something else.
        """
        found: dict[xmp.Name, list[str]] = {}
        others = []
        for name, (kind, content) in self.attributes.items():
            if name in _STRUCTURE:
                continue
            text = _text(kind, content)
            if name in _AS_XMP and text:
                change = {"capDate": _date, "isoSpeed": _whole}.get(name, str)
                found[_AS_XMP[name]] = [change(text)]
            else:
                others.append(name)
        return found, tuple(others)

    @property
    def density(self) -> float:
        """Print resolution across, in pixels per inch; 0 if it is not stated."""
        kind, content = self.attributes.get("xDensity", ("", b""))
        return float(struct.unpack("<f", content)[0]) if kind == "float" else 0.0


_AS_XMP: Mapping[str, xmp.Name] = {
    "comments": (xmp.DC, "description"),
    "owner": (xmp.DC, "rights"),
    "capDate": (xmp.EXIF, "DateTimeOriginal"),
    "expTime": (xmp.EXIF, "ExposureTime"),
    "aperture": (xmp.EXIF, "FNumber"),
    "isoSpeed": (xmp.EXIF_EX, "PhotographicSensitivity"),
}


def parse(data: bytes) -> ExrHeader:
    """Return the header of a file's first part.

    Parameters
    ----------
    data : bytes
        The beginning of the file, `LONGEST_HEADER` bytes of it.

    Raises
    ------
    ValueError, KeyError, struct.error
        If it breaks off or lacks what every header has.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import OpenImageIO
    >>> with TemporaryDirectory() as folder:
    ...     output = OpenImageIO.ImageOutput.create("exr")
    ...     spec = OpenImageIO.ImageSpec(6, 4, 3, "half")
    ...     assert output.open(f"{folder}/scene.exr", spec) and output.close()
    ...     with open(f"{folder}/scene.exr", "rb") as file:
    ...         head = parse(file.read(LONGEST_HEADER))
    >>> head.stored_pixels, head.is_subsampled
    (24, False)
    """
    place, found = _MAGIC_SIZE, dict[str, tuple[str, bytes]]()
    while data[place : place + 1] != b"\0":
        name_end = data.index(b"\0", place)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<i", data, kind_end + 1)
        start = kind_end + 5
        if size < 0 or start + size > len(data) or len(found) >= _MOST_ATTRIBUTES:
            raise ValueError("a header that breaks off")
        name = data[place:name_end].decode("utf-8", "replace")
        kind = data[name_end + 1 : kind_end].decode("utf-8", "replace")
        found[name] = kind, data[start : start + size]
        place = start + size
    return ExrHeader(found)


def _text(kind: str, content: bytes) -> str:
    if kind == "string":
        text = content.decode("utf-8", "replace")
        # XML has no place for control characters.
        return "".join(sign for sign in text if sign >= " " or sign in "\t\n\r").strip()
    if kind == "float" and len(content) == 4:
        value = struct.unpack("<f", content)[0]
        return f"{round(value * 1_000_000)}/1000000" if 0 < value < 1e6 else ""
    return ""


def _date(text: str) -> str:
    """Return OpenEXR's ``YYYY:MM:DD hh:mm:ss`` as a date of XMP (ISO 8601)."""
    day, _, time = text.partition(" ")
    return f"{day.replace(':', '-')}T{time}" if time else day.replace(":", "-")


def _whole(fraction: str) -> str:
    numerator, _, denominator = fraction.partition("/")
    return str(round(int(numerator) / int(denominator or 1)))
