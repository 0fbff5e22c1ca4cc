"""Where a photo comes from: what its metadata say of the camera and the programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.files import exif, xmp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.files.metadata import Metadata

_CREATOR_TOOL = (xmp.XMP, "CreatorTool")


@dataclass(frozen=True)
class Provenance:
    """The few facts about a photo's origin; None, or empty, where nothing is recorded.

    Attributes
    ----------
    make, model : str or None
        The camera, as EXIF (or else XMP) names it.
    taken : str or None
        When, as recorded: ``2024:05:06 07:08:09`` in EXIF.
    software : str or None
        EXIF Software: a camera's firmware, or the last program.
    interop_index : str or None
        EXIF InteroperabilityIndex: ``R98`` for sRGB, ``R03`` for Adobe RGB (DCF 2.0).
    colour_space : int or None
        EXIF ColorSpace: 1 for sRGB, 65535 for uncalibrated.
    creator_tool : str or None
        xmp:CreatorTool: the program that made the first version.
    history : tuple of str
        The programs of XMP's history, first to last.
    camera_raw : mapping
        Settings of Camera Raw and Lightroom (``crs:``), name to text.
    darktable : mapping
        Records of darktable, name to text.
    rawtherapee : mapping
        Records of RawTherapee, name to text.
    """

    make: str | None = None
    model: str | None = None
    taken: str | None = None
    software: str | None = None
    interop_index: str | None = None
    colour_space: int | None = None
    creator_tool: str | None = None
    history: tuple[str, ...] = ()
    camera_raw: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    darktable: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rawtherapee: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def provenance_of(metadata: Metadata) -> Provenance:
    """Return what metadata say of a photo's origin.

    Parameters
    ----------
    metadata : Metadata
        As :func:`core.files.read` carries them.

    Returns
    -------
    Provenance
        Damaged records count as missing.

    Examples
    --------
    >>> from core.files.metadata import Metadata
    >>> provenance_of(Metadata()).make is None
    True
    """
    try:
        main = exif.parse(metadata.exif) if metadata.exif is not None else exif.Directory()
    except ValueError:
        main = exif.Directory()
    fields = main.child(exif.EXIF_IFD)
    said = xmp.properties(metadata.xmp)
    space = fields.entries.get(exif.COLOUR_SPACE)
    return Provenance(
        make=main.text(exif.MAKE) or _first(said, (xmp.TIFF, "Make")),
        model=main.text(exif.MODEL) or _first(said, (xmp.TIFF, "Model")),
        taken=fields.text(exif.DATE_TAKEN) or _first(said, (xmp.EXIF, "DateTimeOriginal")),
        software=main.text(exif.SOFTWARE) or _first(said, (xmp.TIFF, "Software")),
        interop_index=fields.child(exif.INTEROP_IFD).text(exif.INTEROP_INDEX) or None,
        colour_space=space.as_int() if space is not None else _number(said),
        creator_tool=_first(said, _CREATOR_TOOL),
        history=xmp.history(metadata.xmp),
        camera_raw=_records(said, lambda namespace: namespace == xmp.CAMERA_RAW),
        darktable=_records(said, lambda namespace: namespace == xmp.DARKTABLE),
        rawtherapee=_records(said, lambda namespace: "rawtherapee" in namespace.lower()),
    )


def _first(said: Mapping[xmp.Name, list[str]], name: xmp.Name) -> str | None:
    return next(iter(said.get(name, ())), None)


def _number(said: Mapping[xmp.Name, list[str]]) -> int | None:
    text = _first(said, (xmp.EXIF, "ColorSpace"))
    return int(text) if text is not None and text.isdecimal() else None


def _records(
    said: Mapping[xmp.Name, list[str]], belongs: Callable[[str], bool]
) -> Mapping[str, str]:
    return MappingProxyType(
        {name: "\n".join(texts) for (namespace, name), texts in said.items() if belongs(namespace)}
    )
