"""In which colour space a photo's colours lay before it became sRGB, by what its file records.

The table ``cameras.csv`` beside this module names makes, beginnings of model names, the month
from which their photos lie in a space, and where that is said; cameras that can be set to Adobe
RGB say so in EXIF.
"""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING

from core.colour import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SPACES, ColourSpace
from core.files.provenance import provenance_of
from core.source_gamut import UNKNOWN

if TYPE_CHECKING:
    from core.engine.expansion import ExpansionSettings
    from core.engine.method import Method
    from core.files.metadata import Metadata
    from core.files.provenance import Provenance

_DEVELOPERS = re.compile(r"lightroom|camera raw|darktable|rawtherapee|capture one|dxo", re.I)
"""Programs that develop RAW files in ProPhoto RGB or a wider space."""

_CAMERA_MAKES = re.compile(
    r"canon|nikon|sony|fujifilm|olympus|om digital|panasonic|pentax|ricoh|leica|hasselblad", re.I
)
"""Makes whose cameras can be set to Adobe RGB."""

_UNCALIBRATED = 65535

_OVERRULED = (
    "The photo carries a record of where its colours lay, which your choice of the source "
    "overruled; it counts no longer how far they went."
)

SOURCE_CHOICES = (
    ("Telephone (Display P3)", DISPLAY_P3.key),
    ("Camera set to Adobe RGB", ADOBE_RGB.key),
    ("Video or HDR (Rec.2020)", REC2020.key),
    ("Developed from RAW (ProPhoto or wider)", PROPHOTO.key),
    ("I do not know", UNKNOWN),
)
"""Answers to where a photo comes from: for people, and as keys."""


@dataclass(frozen=True)
class Origin:
    """Where a photo's colours lay.

    Attributes
    ----------
    source : ColourSpace or None
        The space; None where nothing tells.
    reason : str
        One sentence for people; empty where nothing tells.
    """

    source: ColourSpace | None = None
    reason: str = ""


def origin_of(provenance: Provenance) -> Origin:
    """Return where a photo's colours lay, by what its file records.

    Parameters
    ----------
    provenance : Provenance
        As of :func:`core.files.provenance.provenance_of`.

    Returns
    -------
    Origin
        A development outranks the camera, since it decides how far colours may go.

    Examples
    --------
    >>> from core.engine.origin import origin_of
    >>> from core.files.provenance import Provenance
    >>> origin_of(Provenance(make="Apple", model="iPhone 12", taken="2021:05:01 10:00:00")).reason
    'Its colours lay in Display P3: iPhones photograph in Display P3 from the iPhone 7 on.'
    >>> origin_of(Provenance()).source is None
    True
    """
    developer = _developer(provenance)
    if developer:
        return _origin(PROPHOTO, f"it was developed by {developer}")
    if provenance.interop_index == "R03":
        return _origin(ADOBE_RGB, "its camera was set to Adobe RGB (EXIF)")
    for row in _cameras():
        if _is_of(provenance, row):
            return _origin(SPACES[row["source"]], row["reason"])
    camera = provenance.make or ""
    if provenance.colour_space == _UNCALIBRATED and _CAMERA_MAKES.search(camera):
        return _origin(ADOBE_RGB, "its camera was not set to sRGB (EXIF)")
    return Origin()


def sourced(
    settings: ExpansionSettings, method: Method, metadata: Metadata | None, *, detect: bool
) -> tuple[ExpansionSettings, tuple[str, ...]]:
    """Return settings with the source gamut of a photo, and sentences on why it is that one.

    A person's word counts more than what the file carries, and that more than its metadata.

    Parameters
    ----------
    settings : ExpansionSettings
        With the space that a person names, if anybody does.
    method : Method
        Bound to the photo, so that it knows what its file carries.
    metadata : Metadata or None
        Of the file.
    detect : bool
        Whether the file is asked where no person says it; else that no space is named is a
        person's word, too: nothing is limited.

    Examples
    --------
    >>> from core.colour import ADOBE_RGB
    >>> from core.engine.expansion import ExpansionSettings
    >>> from core.methods.registry import method
    >>> said = ExpansionSettings(source=ADOBE_RGB)
    >>> settings, notes = sourced(said, method("letnet-box"), None, detect=True)
    >>> settings.source.name, notes
    ('Adobe RGB (1998)', ())
    """
    if settings.source is not None or not detect:
        return settings, () if method.source in (None, settings.source) else (_OVERRULED,)
    if method.source is not None:
        return method.settled(settings), ()
    if metadata is None:
        return settings, ()
    origin = origin_of(provenance_of(metadata))
    return replace(settings, source=origin.source), (origin.reason,) if origin.reason else ()


def _origin(source: ColourSpace, because: str) -> Origin:
    return Origin(source, f"Its colours lay in {source.name}: {because}.")


def _developer(provenance: Provenance) -> str | None:
    if provenance.darktable:
        return "darktable"
    if provenance.rawtherapee:
        return "RawTherapee"
    programs = (provenance.software, provenance.creator_tool, *provenance.history)
    for program in programs:
        if program and _DEVELOPERS.search(program):
            return program
    return "Camera Raw" if provenance.camera_raw else None


def _is_of(provenance: Provenance, row: dict[str, str]) -> bool:
    make, model = (provenance.make or "").strip(), (provenance.model or "").strip()
    if make.lower() != row["make"].lower() or not model.lower().startswith(row["model"].lower()):
        return False
    month = (provenance.taken or "")[:7].replace(":", "-")
    return not month or month >= row["since"]


@functools.cache
def _cameras() -> tuple[dict[str, str], ...]:
    table = resources.files("core") / "engine" / "cameras.csv"
    return tuple(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
