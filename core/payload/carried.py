"""What a photo's file carries, beside the photo: whether it is sound, and still true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.payload.hint import Hint
from core.payload.records import DamagedError, Kind, Record, fingerprint, model_mark, parsed

if TYPE_CHECKING:
    from core.colour import ColourSpace
    from core.engine.tiling import Source

_DAMAGED = "What the photo carries to recover its colours is damaged or from another version."
_NETWORK = (
    "The photo carries a network of its own as well, which knows its lost colours; choose the "
    "model “embedded”, or gamut recover, to use it."
)


@dataclass(frozen=True)
class Carried:
    """What is true of a photo, of all that its file carries.

    Attributes
    ----------
    source : ColourSpace or None
        The space in which the colours of the original lay; true of an edited photo, too.
    hint : Hint or None
        Where it was made for these pixels and these weights.
    network : Record or None
        The photo's own network, whether it fits or not.
    is_edited : bool
        Whether the pixels are no longer those that the records were made for.
    is_damaged : bool
        Whether nothing can be read of it.
    notes : tuple of str
        Sentences for people who expand the photo by a network with hints.
    """

    source: ColourSpace | None = None
    hint: Hint | None = None
    network: Record | None = None
    is_edited: bool = False
    is_damaged: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, payload: bytes, codes: Source, sha256: str) -> Carried:
        """Return what a payload is worth for a photo and a network.

        Parameters
        ----------
        payload : bytes
            What the file carries; from anybody.
        codes : Source
            The photo's sRGB codes.
        sha256 : str
            Of the network's weights.
        """
        try:
            records = {record.kind: record for record in parsed(payload)}
            known = records.get(Kind.HINT)
            hint = None if known is None else Hint.from_record(known)
        except (DamagedError, ValueError):
            return cls(is_damaged=True, notes=(f"{_DAMAGED[:-1]}, and was ignored.",))
        network = records.get(Kind.NETWORK)
        source = next((r.source for r in records.values() if r.source is not None), None)
        pixels = fingerprint(codes)
        is_edited = any(record.pixels != pixels for record in records.values())
        said = "" if source is None else f" only the space of its colours, {source.name}, is used."
        notes: tuple[str, ...] = ()
        if is_edited:
            notes = (f"The photo was edited or saved again since it was reduced to sRGB:{said}",)
        elif known is not None and known.model != model_mark(sha256):
            notes = (f"The photo's hint was made for another network:{said}",)
            hint = None
        elif hint is not None:
            notes = (_hinted(source),)
        if network is not None and not is_edited:
            notes = (*notes, _NETWORK)
        hint = None if is_edited else hint
        return cls(source, hint, network, is_edited, notes=notes)


def described(payload: bytes, codes: Source | None) -> list[str]:
    """Return sentences on what a file carries, for people.

    Parameters
    ----------
    payload : bytes
        From anybody.
    codes : Source or None
        The photo's sRGB codes, to see whether the records are still its own; None where it is
        no sRGB photo.

    Examples
    --------
    >>> described(b"anything else", None)  # doctest: +NORMALIZE_WHITESPACE
    ['payload: 13 bytes; what the photo carries to recover its colours is damaged or from
        another version.']
    """
    try:
        records = parsed(payload)
    except DamagedError:
        return [f"payload: {len(payload)} bytes; {_DAMAGED[0].lower()}{_DAMAGED[1:]}"]
    pixels = None if codes is None else fingerprint(codes)
    lines = []
    for record in records:
        size = len(record.serialise())
        name = {Kind.HINT: "hint", Kind.NETWORK: "network of its own"}[record.kind]
        source = "" if record.source is None else f"; its colours lay in {record.source.name}"
        own = "" if record.pixels == pixels else "; the photo was changed since it got it"
        lines.append(f"{name}: {size} bytes to recover its colours{source}{own}")
    return lines


def _hinted(source: ColourSpace | None) -> str:
    where = "" if source is None else f" Its colours lay in {source.name}."
    return f"The photo carries a hint of its original, which says how far to go.{where}"
