"""Where a photo comes from, as its metadata record it."""

from __future__ import annotations

import pytest

from core.files.exif import EXIF_IFD, Directory, Entry, blob_from
from core.files.metadata import Metadata
from core.files.provenance import Provenance, provenance_of
from tests.core.files.conftest import exif_blob, packet_of

LIGHTROOM = packet_of(
    'xmp:CreatorTool="Adobe Lightroom 13.0" crs:Version="16.0" crs:CameraProfile="Adobe Color"',
    "<xmpMM:History><rdf:Seq>"
    '<rdf:li stEvt:action="derived" stEvt:softwareAgent="Adobe Lightroom 13.0"/>'
    '<rdf:li rdf:parseType="Resource"><stEvt:softwareAgent>GIMP 2.10</stEvt:softwareAgent></rdf:li>'
    '<rdf:li stEvt:softwareAgent="GIMP 2.10"/>'
    "</rdf:Seq></xmpMM:History>",
)
DARKTABLE = packet_of('darktable:xmp_version="5" darktable:auto_presets_applied="1"')
RAWTHERAPEE = packet_of('rt:version="5.10"')


def test_a_camera_jpeg() -> None:
    found = provenance_of(Metadata(exif=exif_blob(1, 65535, "R03")))
    assert found == Provenance(
        make="Maker",
        model="Model 1",
        taken="2024:05:06 07:08:09",
        interop_index="R03",
        colour_space=65535,
    )


def test_the_program_that_wrote_the_file() -> None:
    blob = blob_from(Directory({305: Entry.text("RawTherapee 5.10")}))
    assert provenance_of(Metadata(exif=blob)).software == "RawTherapee 5.10"


def test_a_photo_developed_in_lightroom() -> None:
    found = provenance_of(Metadata(xmp=LIGHTROOM))
    assert found.creator_tool == "Adobe Lightroom 13.0"
    assert dict(found.camera_raw) == {"Version": "16.0", "CameraProfile": "Adobe Color"}
    assert found.history == ("Adobe Lightroom 13.0", "GIMP 2.10")


def test_a_photo_developed_in_darktable_or_rawtherapee() -> None:
    darktable = provenance_of(Metadata(xmp=DARKTABLE))
    assert dict(darktable.darktable) == {"xmp_version": "5", "auto_presets_applied": "1"}
    assert dict(darktable.camera_raw) == {}
    assert dict(provenance_of(Metadata(xmp=RAWTHERAPEE)).rawtherapee) == {"version": "5.10"}


def test_xmp_speaks_where_exif_is_silent() -> None:
    packet = packet_of('tiff:Make="Other" tiff:Model="M" exif:ColorSpace="1"')
    alone = provenance_of(Metadata(xmp=packet))
    assert (alone.make, alone.model, alone.colour_space) == ("Other", "M", 1)
    assert provenance_of(Metadata(exif=exif_blob(), xmp=packet)).make == "Maker"


@pytest.mark.parametrize(
    "metadata",
    [Metadata(), Metadata(exif=b"no EXIF", xmp=b"<no XMP"), Metadata(xmp=b"<a/>")],
    ids=["none", "damaged", "another XML"],
)
def test_without_records_there_are_no_facts(metadata: Metadata) -> None:
    assert provenance_of(metadata) == Provenance()


def test_numbers_that_are_none_count_as_missing() -> None:
    packet = packet_of('exif:ColorSpace="sRGB"')
    assert provenance_of(Metadata(xmp=packet)).colour_space is None
    blob = blob_from(Directory({271: Entry.shorts(3)}, {EXIF_IFD: Directory({1: Entry.shorts(1)})}))
    assert provenance_of(Metadata(exif=blob)).make is None
