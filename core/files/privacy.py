"""Metadata without anything that may identify a person: what is known to be harmless stays.

The rule is a list of what is allowed, since nobody can list every place in which makers and
programs put names, addresses, serial numbers and places. Free text (titles, captions,
keywords, comments) may hold anything, and goes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from core.files import exif, iptc, xmp
from core.files.exif import Directory, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.files.metadata import Metadata

_NUMBERS, _RATIOS, _LONGEST = {1, 3, 4, 8, 9}, {3, 4, 5, 10}, 64

_MAIN: Mapping[int, str] = {
    271: "text",  # Make
    272: "text",  # Model
    274: "number",  # Orientation
    282: "ratio",  # XResolution
    283: "ratio",  # YResolution
    296: "number",  # ResolutionUnit
    305: "text",  # Software
    306: "date",  # DateTime
    531: "number",  # YCbCrPositioning
    18246: "number",  # Rating
    18249: "number",  # RatingPercent
}
_EXIF: Mapping[int, str] = {
    33434: "ratio",  # ExposureTime
    33437: "ratio",  # FNumber
    34850: "number",  # ExposureProgram
    34855: "number",  # PhotographicSensitivity
    34864: "number",  # SensitivityType
    34865: "number",  # StandardOutputSensitivity
    34866: "number",  # RecommendedExposureIndex
    34867: "number",  # ISOSpeed
    36864: "version",  # ExifVersion
    36867: "date",  # DateTimeOriginal
    36868: "date",  # DateTimeDigitized
    36880: "date",  # OffsetTime
    36881: "date",  # OffsetTimeOriginal
    36882: "date",  # OffsetTimeDigitized
    37121: "version",  # ComponentsConfiguration
    37122: "ratio",  # CompressedBitsPerPixel
    37377: "ratio",  # ShutterSpeedValue
    37378: "ratio",  # ApertureValue
    37379: "ratio",  # BrightnessValue
    37380: "ratio",  # ExposureBiasValue
    37381: "ratio",  # MaxApertureValue
    37382: "ratio",  # SubjectDistance
    37383: "number",  # MeteringMode
    37384: "number",  # LightSource
    37385: "number",  # Flash
    37386: "ratio",  # FocalLength
    37520: "date",  # SubSecTime
    37521: "date",  # SubSecTimeOriginal
    37522: "date",  # SubSecTimeDigitized
    40960: "version",  # FlashpixVersion
    40961: "number",  # ColorSpace
    40962: "number",  # PixelXDimension
    40963: "number",  # PixelYDimension
    41486: "ratio",  # FocalPlaneXResolution
    41487: "ratio",  # FocalPlaneYResolution
    41488: "number",  # FocalPlaneResolutionUnit
    41493: "ratio",  # ExposureIndex
    41495: "number",  # SensingMethod
    41728: "version",  # FileSource
    41729: "version",  # SceneType
    41985: "number",  # CustomRendered
    41986: "number",  # ExposureMode
    41987: "number",  # WhiteBalance
    41988: "ratio",  # DigitalZoomRatio
    41989: "number",  # FocalLengthIn35mmFilm
    41990: "number",  # SceneCaptureType
    41991: "number",  # GainControl
    41992: "number",  # Contrast
    41993: "number",  # Saturation
    41994: "number",  # Sharpness
    41996: "number",  # SubjectDistanceRange
    42034: "ratio",  # LensSpecification
    42035: "text",  # LensMake
    42036: "text",  # LensModel
    42080: "number",  # CompositeImage
    42240: "ratio",  # Gamma
}
_INTEROP: Mapping[int, str] = {1: "index", 2: "version"}
"""Harmless fields of the three directories (CIPA DC-008-2023, tables 4 to 15) and their form."""

_XMP_TEXTS = frozenset(
    {
        *((xmp.TIFF, name) for name in ("Make", "Model")),
        *((xmp.EXIF_EX, name) for name in ("LensMake", "LensModel")),
        *((xmp.AUX, name) for name in ("Lens", "LensInfo", "LensID")),
        (xmp.XMP, "CreatorTool"),
        (xmp.PHOTOSHOP, "ICCProfile"),
        (xmp.DC, "format"),
    }
)
_XMP_NUMBERS = frozenset(
    {
        *((xmp.TIFF, name) for name in ("Orientation", "ImageWidth", "ImageLength")),
        *((xmp.TIFF, name) for name in ("XResolution", "YResolution", "ResolutionUnit")),
        *((xmp.EXIF, name) for name in ("ExposureTime", "FNumber", "ExposureProgram")),
        *((xmp.EXIF, name) for name in ("ISOSpeedRatings", "DateTimeOriginal", "ExifVersion")),
        *((xmp.EXIF, name) for name in ("DateTimeDigitized", "ShutterSpeedValue", "FocalLength")),
        *((xmp.EXIF, name) for name in ("ApertureValue", "BrightnessValue", "ColorSpace")),
        *((xmp.EXIF, name) for name in ("ExposureBiasValue", "MaxApertureValue", "MeteringMode")),
        *((xmp.EXIF, name) for name in ("LightSource", "ExposureMode", "WhiteBalance")),
        *((xmp.EXIF, name) for name in ("FocalLengthIn35mmFilm", "SceneCaptureType")),
        *((xmp.EXIF, name) for name in ("PixelXDimension", "PixelYDimension")),
        *((xmp.EXIF_EX, name) for name in ("PhotographicSensitivity", "SensitivityType")),
        (xmp.EXIF_EX, "LensSpecification"),
        *((xmp.XMP, name) for name in ("CreateDate", "ModifyDate", "Rating")),
        *((xmp.PHOTOSHOP, name) for name in ("DateCreated", "ColorMode")),
    }
)
"""Harmless properties of XMP: the same, in its words."""
_XMP_NUMBER = re.compile(r"[-+0-9.:/ TZ]+")


def without_private(metadata: Metadata) -> Metadata:
    """Return what is known to be harmless: camera, lens, exposure, date, print resolution.

    Parameters
    ----------
    metadata : Metadata
        Of a photo.

    Returns
    -------
    Metadata
        Built anew, so that nothing hides between the fields: no place, no name, no serial
        number, no free text, no makers' note, no thumbnail.

    Examples
    --------
    >>> from core.files.metadata import Metadata
    >>> camera, artist = exif.Entry.text("X100V"), exif.Entry.text("Ada")
    >>> main = exif.Directory({exif.MODEL: camera, exif.ARTIST: artist})
    >>> metadata = Metadata(exif.blob_from(main), texts=(("Author", "Ada"),))
    >>> public = without_private(metadata)
    >>> left = exif.parse(public.exif)
    >>> left.text(exif.MODEL), left.text(exif.ARTIST), public.texts
    ('X100V', '', ())
    """
    return replace(
        metadata,
        exif=_exif(metadata.exif),
        xmp=xmp.only(metadata.xmp, _allows),
        iptc=iptc.without_private(metadata.iptc),
        texts=(),
    )


def _exif(blob: bytes | None) -> bytes | None:
    try:
        main = exif.parse(blob) if blob is not None else None
    except ValueError:
        return None
    if main is None:
        return None
    inner = main.child(exif.EXIF_IFD)
    interop = _allowed(inner.child(exif.INTEROP_IFD), _INTEROP, {})
    fields = _allowed(inner, _EXIF, {exif.INTEROP_IFD: interop})
    kept = _allowed(main, _MAIN, {exif.EXIF_IFD: fields})
    return exif.blob_from(kept) if kept.entries or kept.children else None


def _allows(name: xmp.Name, text: str) -> bool:
    if name in _XMP_NUMBERS:
        return len(text) <= _LONGEST and _XMP_NUMBER.fullmatch(text) is not None
    return name in _XMP_TEXTS and len(text) <= _LONGEST


def _allowed(
    directory: Directory, forms: Mapping[int, str], children: Mapping[int, Directory]
) -> Directory:
    entries = {}
    for tag, entry in directory.entries.items():
        kept = _in_form(entry, forms.get(tag, ""))
        if kept is not None:
            entries[tag] = kept
    filled = {tag: child for tag, child in children.items() if child.entries or child.children}
    return Directory(entries, filled, directory.order)


def _in_form(entry: Entry, form: str) -> Entry | None:
    """Return a field if its value has the form that the standard gives it, else None."""
    text = entry.as_text()
    if form == "number":
        fits = entry.kind in _NUMBERS and entry.count <= 4
    elif form == "ratio":
        fits = entry.kind in _RATIOS and entry.count <= 4
    elif form == "version":
        fits = entry.kind == 7 and entry.count <= 4
    elif form == "index":
        fits = entry.kind == 2 and entry.count <= 4
    elif form == "date":
        fits = entry.kind == 2 and entry.count <= 20 and not any(sign.isalpha() for sign in text)
    else:
        fits = form == "text" and entry.kind in (2, 129) and len(text) <= _LONGEST
    if not fits:
        return None
    # What stands behind a text's end is no text.
    return (
        Entry.text(text) if entry.kind in (2, 129) else Entry(entry.kind, entry.count, entry.data)
    )
