"""Where a photo's colours lay before they became sRGB: the choice, and what the file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.colour import SPACES
from core.engine.origin import SOURCE_CHOICES, Origin, origin_of
from core.files.provenance import provenance_of
from core.source_gamut import UNKNOWN
from napari_gamut.saving import metadata_of

if TYPE_CHECKING:
    from napari_gamut.photos import LayerPhoto

AS_FILE = "file"


def recorded(photo: LayerPhoto) -> Origin:
    """Return what a photo's file records of where its colours lay."""
    metadata = metadata_of(photo.record)
    return Origin() if metadata is None else origin_of(provenance_of(metadata))


def choices(origin: Origin) -> tuple[tuple[str, str], ...]:
    """Return the choices for a photo, the one that is best made first."""
    if origin.source is None:
        return (SOURCE_CHOICES[-1], *SOURCE_CHOICES[:-1])
    return ((f"As the file says: {origin.source.name}", AS_FILE), *SOURCE_CHOICES)


def source_key(choice: str, origin: Origin) -> str:
    """Return the key of the space that a choice means, or "unknown"."""
    if choice != AS_FILE:
        return choice
    return UNKNOWN if origin.source is None else origin.source.key


def source_for(choice: str, photo: LayerPhoto) -> str:
    """Return the key that a choice for several photos means for one of them.

    Where people chose no space, it is what the photo's own file says, or "unknown".
    """
    if choice not in (AS_FILE, UNKNOWN):
        return choice
    return source_key(AS_FILE, recorded(photo))


def sentence(choice: str, origin: Origin) -> str:
    """Return what a choice means for a photo, in one sentence."""
    if choice == AS_FILE and origin.source is not None:
        return origin.reason
    if choice == UNKNOWN:
        if origin.source is not None:
            return f"The file says {origin.source.name}, which you set aside: nothing is limited."
        return "The file does not say where its colours lay; choose it if you know."
    chosen = SPACES[choice].name
    if origin.source is None:
        return f"What is restored stays within {chosen}; the file does not say it."
    if origin.source is SPACES[choice]:
        return origin.reason
    return f"What is restored stays within {chosen}; the file says {origin.source.name}."
