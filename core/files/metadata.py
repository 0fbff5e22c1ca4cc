"""What a photo carries beside its pixels: who made it, when, with what, and for which print."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import IO, TYPE_CHECKING

from core.colour import SRGB
from core.files import exif, iptc, xmp
from core.files.exif import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.colour import ColourSpace

GAIN_MAP_LEFT_OUT = (
    "The photo holds a gain map for HDR screens: its ordinary picture was used, the map left out."
)
_MIME: Mapping[str, str] = MappingProxyType(
    {
        "tiff": "image/tiff",
        "png": "image/png",
        "jxl": "image/jxl",
        "avif": "image/avif",
        "jpeg": "image/jpeg",
        "webp": "image/webp",
    }
)
COMMENT = "Comment"
"""The keyword of PNG for what JPEG calls a comment, and XMP exif:UserComment."""
_AS_XMP: Mapping[str, xmp.Name] = MappingProxyType(
    {
        "Title": (xmp.DC, "title"),
        "Author": (xmp.DC, "creator"),
        "Description": (xmp.DC, "description"),
        "Copyright": (xmp.DC, "rights"),
        COMMENT: (xmp.EXIF, "UserComment"),
    }
)
"""Keywords of PNG (11.3.3.2), and the properties that say the same."""
_HOLD_IPTC = {"tiff", "png", "jpeg"}
_LONGEST_IN_JPEG = 65533 - 6
_MOST_NAMED = 4


@dataclass(frozen=True)
class Resolution:
    """How large a photo is to be printed.

    Attributes
    ----------
    x, y : float
        Pixels per unit.
    per_inch : bool
        Whether the unit is the inch; otherwise it is the centimetre.
    """

    x: float
    y: float
    per_inch: bool = True

    @classmethod
    def per_metre(cls, x: int, y: int) -> Resolution | None:
        """Return the resolution that PNG states, None if it is empty.

        Whole numbers of metres are how PNG rounds whole numbers of inches.
        """
        if x <= 0 or y <= 0:
            return None
        across, down = round(x * 0.0254), round(y * 0.0254)
        if (round(across / 0.0254), round(down / 0.0254)) == (x, y):
            return cls(across, down)
        return cls(x / 100, y / 100, per_inch=False)

    @property
    def dots_per_inch(self) -> tuple[float, float]:
        """Pixels per inch, horizontally and vertically."""
        return (self.x, self.y) if self.per_inch else (self.x * 2.54, self.y * 2.54)

    def entries(self) -> tuple[Entry, Entry, Entry]:
        """Return XResolution, YResolution and ResolutionUnit of EXIF and TIFF."""
        x, y = (Fraction(value).limit_denominator(10_000) for value in (self.x, self.y))
        unit = Entry.shorts(2 if self.per_inch else 3)
        return (
            Entry.rational(x.numerator, x.denominator),
            Entry.rational(y.numerator, y.denominator),
            unit,
        )


@dataclass(frozen=True)
class Metadata:
    """A photo's metadata, each kind as its standard stores it.

    Attributes
    ----------
    exif : bytes or None
        EXIF blob (see :mod:`core.files.exif`).
    xmp : bytes or None
        XMP packet, with its extension.
    iptc : bytes or None
        IPTC-IIM records.
    resolution : Resolution or None
        Print resolution that the file itself states, beside EXIF.
    texts : tuple of (keyword, text)
        Texts of PNG; the comments of a JPEG, as ``"Comment"``.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution: Resolution | None = None
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def orientation(self) -> int:
        """How EXIF says the pixels must be turned: 1 to 8, 1 for not at all."""
        return exif.orientation(self.exif)

    @property
    def print_resolution(self) -> Resolution | None:
        """The print resolution: the file's own, or else EXIF's."""
        return self.resolution or _resolution(exif.described(self.exif)[0] if self.exif else None)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What there is, for people."""
        held = {"EXIF": self.exif, "XMP": self.xmp, "IPTC": self.iptc, "texts": self.texts}
        return tuple(kind for kind, content in held.items() if content)

    @property
    def origin(self) -> tuple[str, str]:
        """The camera and the date, for people; empty where unknown."""
        said = exif.summary(self.exif)
        stated = xmp.properties(self.xmp) if not (said.camera and said.date) else {}
        make, model, date, created = (
            next(iter(stated.get(name, ())), "")
            for name in (
                *((xmp.TIFF, word) for word in ("Make", "Model")),
                (xmp.EXIF, "DateTimeOriginal"),
                (xmp.PHOTOSHOP, "DateCreated"),
            )
        )
        camera = model if model.startswith(make) else f"{make} {model}".strip()
        return said.camera or camera, said.date or date or created

    @property
    def has_place(self) -> bool:
        """Whether EXIF or XMP say where the photo was taken."""
        if exif.summary(self.exif).has_gps:
            return True
        return any(
            namespace == xmp.EXIF and name.startswith("GPS") and name != "GPSVersionID"
            for namespace, name in xmp.properties(self.xmp)
        )

    def faults(self) -> tuple[str, ...]:
        """Return sentences for people about what cannot be carried over."""
        faults = []
        if self.exif is not None and exif.upright(self.exif) is None:
            faults.append("The photo's EXIF is damaged and was left out.")
        if self.xmp is not None and not xmp.is_sound(self.xmp):
            faults.append("The photo's XMP is damaged and was left out.")
        return tuple(faults)

    def upright(self) -> Metadata:
        """Return the same for pixels that have been turned upright, without a thumbnail."""
        turned = self.orientation >= 5
        resolution = self.resolution
        if resolution is not None and turned:
            resolution = replace(resolution, x=resolution.y, y=resolution.x)
        return replace(self, exif=exif.upright(self.exif), resolution=resolution)

    def fitted(
        self, format_key: str, width: int, height: int, space: ColourSpace
    ) -> tuple[Metadata, tuple[str, ...]]:
        """Return the metadata that a file of a format can hold and that are true of it.

        Parameters
        ----------
        format_key : {"tiff", "png", "jxl", "avif", "jpeg", "webp"}
            The format.
        width, height : int
            Of the photo, upright.
        space : ColourSpace
            Of the file.

        Returns
        -------
        metadata : Metadata
            What the file can hold.
        notes : tuple of str
            Sentences for people about what it cannot.
        """
        notes: list[str] = []
        blob, packet, records, texts = self.exif, self.xmp, self.iptc, self.texts
        if blob is not None:
            blob = exif.stating(blob, width, height, srgb=space == SRGB)
        if packet is not None:
            facts = xmp.Facts(width, height, space == SRGB, space.name, _MIME[format_key])
            packet = xmp.corrected(packet, facts)
        if records is not None and format_key not in _HOLD_IPTC:
            more, complete = iptc.as_properties(records)
            packet, records = xmp.with_properties(packet, more), None
            if not complete:
                notes.append("Some IPTC records have no counterpart in XMP and were left out.")
        kept = {"png": texts, "jpeg": tuple(one for one in texts if one[0] == COMMENT)}
        texts = tuple(one for one in texts if one not in kept.get(format_key, ()))
        if texts:
            said: dict[xmp.Name, list[str]] = {}
            for keyword, text in texts:
                if keyword in _AS_XMP:
                    said.setdefault(_AS_XMP[keyword], []).append(text)
            joined = {name: ["\n".join(parts)] for name, parts in said.items()}
            packet = xmp.with_properties(packet, joined)
            lost = [keyword for keyword, _ in texts if keyword not in _AS_XMP]
            if lost:
                notes.append(f"Texts that only PNG holds were left out: {named(lost)}.")
        if format_key in ("jxl", "avif", "webp") and self.resolution is not None:
            blob = exif.with_resolution(blob, *self.resolution.entries())
        if format_key == "jpeg" and blob is not None and len(blob) > _LONGEST_IN_JPEG:
            blob = exif.without_maker_note(blob)
            notes.append(exif.MAKER_NOTE_LEFT_OUT)
            if len(blob) > _LONGEST_IN_JPEG:
                blob = None
                notes.append("The photo's EXIF is too long for a JPEG and was left out.")
        written = Metadata(blob, packet, records, self.resolution, kept.get(format_key, ()))
        return written, tuple(notes)


def from_tiff(file: IO[bytes], page: int | None = None) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata of a TIFF file (or a TIFF-like RAW).

    Parameters
    ----------
    file : binary file
        Classic TIFF or BigTIFF.
    page : int, optional
        Where the directory of the photo stands, if it is not the first, which may speak of it,
        too: a thumbnail may stand before the photo.

    Returns
    -------
    metadata : Metadata
        Empty if it has none.
    notes : tuple of str
        Sentences for people about what had to be left out.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> import tifffile
    >>> file = io.BytesIO()
    >>> tifffile.imwrite(
    ...     file,
    ...     np.zeros((4, 6, 3), np.uint8),
    ...     metadata=None,
    ...     resolution=(300, 300),
    ...     resolutionunit="INCH",
    ...     extratags=[(271, "s", 0, "FUJIFILM", True)],
    ... )
    >>> metadata, notes = from_tiff(file)
    >>> metadata.origin[0], metadata.resolution, notes
    ('FUJIFILM', Resolution(x=300.0, y=300.0, per_inch=True), ())
    """
    try:
        whole = exif.parse_file(file)
        if page is not None:
            own = exif.parse_file(file, page)
            whole = exif.Directory(
                whole.entries | own.entries, whole.children | own.children, whole.order
            )
    except ValueError:
        return Metadata(), ()
    blob, notes = exif.blob_of_photo(whole)
    stored = {
        tag: whole.entries[tag].as_bytes(whole.order)
        for tag in (exif.XMP_TAG, exif.IPTC_TAG, exif.PHOTOSHOP_TAG)
        if tag in whole.entries
    }
    block = stored.get(exif.PHOTOSHOP_TAG, b"")
    records = stored.get(exif.IPTC_TAG) or iptc.from_photoshop(block)
    packet = xmp.with_properties(stored.get(exif.XMP_TAG), iptc.rights_in_photoshop(block))
    if iptc.has_paths(block):
        notes = (*notes, iptc.PATHS_LEFT_OUT)
    return Metadata(blob, packet, records, _resolution(whole)), notes


def _resolution(main: exif.Directory | None) -> Resolution | None:
    if main is None:
        return None
    x, y = (main.entries.get(tag) for tag in (exif.X_RESOLUTION, exif.Y_RESOLUTION))
    unit = main.entries.get(exif.RESOLUTION_UNIT, Entry.shorts(2)).as_int()
    across = x.as_float() if x is not None else None
    down = y.as_float() if y is not None else None
    if not across or not down or unit not in (2, 3):
        return None
    return Resolution(across, down, per_inch=unit == 2)


def named(keywords: Sequence[str]) -> str:
    """Return a list for people: the first few names, and how many more there are.

    Examples
    --------
    >>> named(["owner", "comments", "owner"])
    'owner, comments'
    >>> named(["a", "b", "c", "d", "e", "f"])
    'a, b, c, d and 2 more'
    """
    names = list(dict.fromkeys(keywords))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
