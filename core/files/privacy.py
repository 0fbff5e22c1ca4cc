"""EXIF without what tells of a person: the place, serial numbers, the owner's name."""

from __future__ import annotations

from core.files.metadata import EXIF_IFD, GPS_IFD, blob_from, parse

_MAIN = frozenset({0xC62F})
"""CameraSerialNumber (DNG 1.7)."""

_INNER = frozenset({0x927C, 0xA420, 0xA430, 0xA431, 0xA435})
"""MakerNote (which holds serial numbers in ways of its own), ImageUniqueID, CameraOwnerName,
BodySerialNumber, LensSerialNumber (CIPA DC-008-2023, tables 8 and 9)."""


def without_private(blob: bytes | None) -> bytes | None:
    """Return EXIF without the place where the photo was taken, serial numbers and the owner.

    Parameters
    ----------
    blob : bytes or None
        EXIF blob.

    Returns
    -------
    bytes or None
        The same bytes where nothing of the kind is in them; None if they are no EXIF.
    """
    if blob is None:
        return None
    try:
        main = parse(blob)
    except ValueError:
        return None
    inner = main.child(EXIF_IFD)
    found = [
        *(main.entries.pop(tag, None) for tag in _MAIN),
        *(inner.entries.pop(tag, None) for tag in _INNER),
        main.children.pop(GPS_IFD, None),
    ]
    return blob if not any(found) else blob_from(main)
