"""IPTC-IIM: the older way of stating who made a photo and what it shows (IIM 4.2).

The records travel as they are, in JPEG and PNG inside of a Photoshop resource block. Formats
without a place for them (JPEG XL, AVIF) get the same statements as XMP.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from core.files.xmp import DC, IPTC_CORE, PHOTOSHOP, RIGHTS, Name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PHOTOSHOP_MARKER = b"Photoshop 3.0\0"
_RESOURCE, _IPTC_RESOURCE = b"8BIM", 0x0404
_COPYRIGHT_FLAG, _ADDRESS, _PATHS = 0x040A, 0x040B, range(2000, 2998)
_RECORD_MARK = 0x1C
_UTF8 = b"\x1b%G"
_ENVELOPE, _APPLICATION = 1, 2
_VERSIONS = {(_ENVELOPE, 0), (_ENVELOPE, 90), (_APPLICATION, 0)}
_DATE, _TIME = 55, 60

_AS_XMP: Mapping[int, Name] = {
    5: (DC, "title"),
    10: (PHOTOSHOP, "Urgency"),
    15: (PHOTOSHOP, "Category"),
    20: (PHOTOSHOP, "SupplementalCategories"),
    25: (DC, "subject"),
    40: (PHOTOSHOP, "Instructions"),
    _DATE: (PHOTOSHOP, "DateCreated"),
    _TIME: (PHOTOSHOP, "DateCreated"),
    80: (DC, "creator"),
    85: (PHOTOSHOP, "AuthorsPosition"),
    90: (PHOTOSHOP, "City"),
    92: (IPTC_CORE, "Location"),
    95: (PHOTOSHOP, "State"),
    100: (IPTC_CORE, "CountryCode"),
    101: (PHOTOSHOP, "Country"),
    103: (PHOTOSHOP, "TransmissionReference"),
    105: (PHOTOSHOP, "Headline"),
    110: (PHOTOSHOP, "Credit"),
    115: (PHOTOSHOP, "Source"),
    116: (DC, "rights"),
    120: (DC, "description"),
    122: (PHOTOSHOP, "CaptionWriter"),
}
"""Datasets of record 2, and the properties that say the same (IPTC Photo Metadata Standard)."""

_HARMLESS = {
    (_ENVELOPE, 0): re.compile(rb"..", re.DOTALL),
    (_ENVELOPE, 90): re.compile(re.escape(_UTF8)),
    (_APPLICATION, 0): re.compile(rb"..", re.DOTALL),
    **dict.fromkeys(((2, 55), (2, 62)), re.compile(rb"[0-9]{8}")),
    **dict.fromkeys(((2, 60), (2, 63)), re.compile(rb"[0-9]{6}[-+][0-9]{4}")),
}
"""Versions, and when the photo was made."""


def from_photoshop(block: bytes) -> bytes | None:
    """Return the IPTC records of a Photoshop resource block, None if it has none.

    Examples
    --------
    >>> caption = bytes([28, 2, 120, 0, 5]) + b"Crete"  # record 2, dataset 120
    >>> from_photoshop(photoshop(caption)) == caption
    True
    >>> from_photoshop(b"something else") is None
    True
    """
    return next((data for kind, data in _resources(block) if kind == _IPTC_RESOURCE), None) or None


def rights_in_photoshop(block: bytes) -> dict[Name, list[str]]:
    r"""Return what a Photoshop resource block says of rights, as XMP properties.

    Examples
    --------
    >>> block = b"8BIM" + struct.pack(">HHI", 1034, 0, 1) + b"\1\0"  # the flag "copyrighted"
    >>> rights_in_photoshop(block)
    {('http://ns.adobe.com/xap/1.0/rights/', 'Marked'): ['True']}
    """
    found: dict[Name, list[str]] = {}
    for kind, data in _resources(block):
        if kind == _COPYRIGHT_FLAG and data[:1] == b"\1":
            found[RIGHTS, "Marked"] = ["True"]
        elif kind == _ADDRESS and data.strip(b"\0 "):
            found[RIGHTS, "WebStatement"] = [_text(data, None)]
    return found


def has_paths(block: bytes) -> bool:
    """Return whether a Photoshop resource block holds paths, which cut out parts of the photo.

    Examples
    --------
    >>> has_paths(b"8BIM" + struct.pack(">HHI", 2000, 0, 26) + bytes(26))  # the first path
    True
    >>> has_paths(photoshop(b""))
    False
    """
    return any(kind in _PATHS for kind, _ in _resources(block))


PATHS_LEFT_OUT = "The paths that Photoshop stored with the photo were left out."


def _resources(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of Photoshop's image resources (Adobe Photoshop File Formats)."""
    place = len(PHOTOSHOP_MARKER) if block.startswith(PHOTOSHOP_MARKER) else 0
    while block[place : place + 4] == _RESOURCE and place + 12 <= len(block):
        (kind,) = struct.unpack_from(">H", block, place + 4)
        name = 1 + block[place + 6]
        head = place + 6 + name + name % 2
        if head + 4 > len(block):
            return
        (size,) = struct.unpack_from(">I", block, head)
        yield kind, block[head + 4 : head + 4 + size]
        place = head + 4 + size + size % 2


def photoshop(records: bytes) -> bytes:
    r"""Return the Photoshop resource block of IPTC records.

    Examples
    --------
    >>> photoshop(bytes([28, 2, 120, 0, 5]) + b"Crete")
    b'8BIM\x04\x04\x00\x00\x00\x00\x00\n\x1c\x02x\x00\x05Crete'
    """
    head = _RESOURCE + struct.pack(">HHI", _IPTC_RESOURCE, 0, len(records))
    return head + records + bytes(len(records) % 2)


def as_properties(records: bytes) -> tuple[dict[Name, list[str]], bool]:
    """Return IPTC records as XMP properties.

    Parameters
    ----------
    records : bytes
        As stored.

    Returns
    -------
    properties : dict
        Values by name.
    complete : bool
        Whether every record has a property that says the same.

    Examples
    --------
    >>> as_properties(bytes([28, 2, 120, 0, 5]) + b"Crete")
    ({('http://purl.org/dc/elements/1.1/', 'description'): ['Crete']}, True)
    """
    found: dict[Name, list[str]] = {}
    dates: dict[int, str] = {}
    complete = True
    encoding = "utf-8" if _UTF8 in dict(_datasets(records)).get((_ENVELOPE, 90), b"") else None
    for (record, number), value in _datasets(records):
        if (record, number) in _VERSIONS:
            continue
        name = _AS_XMP.get(number) if record == _APPLICATION else None
        text = _text(value, encoding)
        if name is None:
            complete = False
        elif number in (_DATE, _TIME):
            dates[number] = text
        elif text:
            found.setdefault(name, []).append(text)
    stamp = _stamp(dates.get(_DATE, ""), dates.get(_TIME, ""))
    if stamp:
        found[_AS_XMP[_DATE]] = [stamp]
    return found, complete


def without_private(records: bytes | None) -> bytes | None:
    """Return IPTC records of nothing but the date, None if there is none.

    Examples
    --------
    >>> date = bytes([28, 2, 55, 0, 8]) + b"20240517"
    >>> creator = bytes([28, 2, 80, 0, 3]) + b"Ada"
    >>> without_private(date + creator) == date
    True
    >>> without_private(creator) is None
    True
    """
    kept = [
        (key, value)
        for key, value in _datasets(records or b"")
        if key in _HARMLESS and _HARMLESS[key].fullmatch(value)
    ]
    if all(key in _VERSIONS for key, _ in kept):
        return None
    return b"".join(
        struct.pack(">BBBH", _RECORD_MARK, *key, len(value)) + value for key, value in kept
    )


def _datasets(records: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    place = 0
    while place + 5 <= len(records) and records[place] == _RECORD_MARK:
        record, number, size = struct.unpack_from(">BBH", records, place + 1)
        place += 5
        if size & 0x8000:
            # An extended dataset: the number of bytes that its size takes.
            width = size & 0x7FFF
            size = int.from_bytes(records[place : place + width], "big")
            place += width
        if place + size > len(records):
            return
        yield (record, number), records[place : place + size]
        place += size


def _text(value: bytes, encoding: str | None) -> str:
    try:
        text = value.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    # XML has no place for control characters.
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n\r").strip()


def _stamp(date: str, time: str) -> str:
    """Return IPTC's CCYYMMDD and HHMMSS±HHMM as a date of XMP (ISO 8601)."""
    if len(date) != 8 or not date.isdigit():
        return ""
    stamp = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if len(time) < 6 or not time[:6].isdigit():
        return stamp
    stamp += f"T{time[:2]}:{time[2:4]}:{time[4:6]}"
    zone = time[6:]
    return f"{stamp}{zone[:3]}:{zone[3:]}" if len(zone) == 5 else stamp
