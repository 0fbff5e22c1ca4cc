"""Where a photo's colours lay before they became sRGB: the choice, and what the file says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.colour import SPACES
from core.engine.origin import SOURCE_CHOICES, Origin, origin_of
from core.files.provenance import provenance_of
from core.source_gamut import UNKNOWN
from napari_gamut.requests import AS_FILE
from napari_gamut.saving import metadata_of

if TYPE_CHECKING:
    from core.colour import ColourSpace
    from napari_gamut.photos import LayerPhoto


@dataclass(frozen=True)
class Recorded(Origin):
    """What a photo's file says of where its colours lay.

    Attributes
    ----------
    is_carried : bool
        Whether it is of what the file carries to recover its colours, which counts more than
        its metadata, and holds for people who do not know better.
    """

    is_carried: bool = False


def recorded(photo: LayerPhoto) -> Recorded:
    """Return what a photo's file records of where its colours lay."""
    source = _carried(photo)
    if source is not None:
        reason = f"Its colours lay in {source.name}: the file carries a record of it."
        return Recorded(source, reason, is_carried=True)
    return in_metadata(photo)


def in_metadata(photo: LayerPhoto) -> Recorded:
    """Return what the metadata alone say of where a photo's colours lay."""
    metadata = metadata_of(photo.record)
    if metadata is None:
        return Recorded()
    origin = origin_of(provenance_of(metadata))
    return Recorded(origin.source, origin.reason)


def carried_by(photo: LayerPhoto) -> bytes | None:
    """Return what a photo's file carries to recover its colours; None without such a file."""
    from core.files import carried_bytes

    if not photo.record.path:
        return None
    try:
        return carried_bytes(Path(photo.record.path))
    except OSError:  # A layer outlives its file.
        return None


def choices(origin: Recorded) -> tuple[tuple[str, str], ...]:
    """Return the choices for a photo, the one that is best made first."""
    if origin.source is None:
        return (SOURCE_CHOICES[-1], *SOURCE_CHOICES[:-1])
    return ((f"As the file says: {origin.source.name}", AS_FILE), *SOURCE_CHOICES)


def source_for(choice: str) -> str:
    """Return the source to ask for where a choice is made for several photos.

    Where people chose no space, it is what each photo's own file says.
    """
    return AS_FILE if choice == UNKNOWN else choice


def sentence(choice: str, origin: Recorded) -> str:
    """Return what a choice means for a photo, in one sentence."""
    if choice == AS_FILE and origin.source is not None:
        return origin.reason
    if choice in (AS_FILE, UNKNOWN):
        if origin.source is None:
            return "The file does not say where its colours lay; choose it if you know."
        if origin.is_carried:
            return f"{origin.reason} It is used, since you do not know better."
        return f"The file says {origin.source.name}, which you set aside: nothing is limited."
    chosen = SPACES[choice].name
    if origin.source is None:
        return f"What is restored stays within {chosen}; the file does not say it."
    if origin.source is SPACES[choice]:
        return origin.reason
    return f"What is restored stays within {chosen}; the file says {origin.source.name}."


def _carried(photo: LayerPhoto) -> ColourSpace | None:
    from core.payload.records import DamagedError, parsed

    payload = carried_by(photo)
    if payload is None:
        return None
    try:
        records = parsed(payload)
    except DamagedError:
        return None
    return next((record.source for record in records if record.source is not None), None)
