from __future__ import annotations

from core.files import metadata
from core.files.metadata import EXIF_IFD, GPS_IFD, Directory, Entry
from core.files.privacy import without_private

CAMERA = {271: Entry.text("Maker"), 272: Entry.text("Model 1")}
EXPOSURE = {33434: Entry.rational(1, 60)}


def blob(main: dict = {}, inner: dict = {}, gps: dict = {}) -> bytes:  # noqa: B006
    children = {EXIF_IFD: Directory({**EXPOSURE, **inner})}
    if gps:
        children[GPS_IFD] = Directory(gps)
    return metadata.blob_from(Directory({**CAMERA, **main}, children))


def test_the_place_goes_and_the_rest_stays() -> None:
    located = blob(gps={1: Entry.text("N"), 2: Entry.rational(48, 1)})
    assert metadata.summary(located).has_gps
    assert without_private(located) == blob()


def test_serial_numbers_and_the_owner_go() -> None:
    secret = Entry.text("SECRET-12345")
    private = blob(
        main={0xC62F: secret},
        inner={
            0x927C: Entry.opaque(b"SECRET-12345"),
            0xA420: secret,
            0xA430: secret,
            0xA431: secret,
            0xA435: secret,
        },
    )
    cleaned = without_private(private)
    assert cleaned == blob()
    assert b"SECRET" not in cleaned


def test_exif_without_anything_private_keeps_its_bytes() -> None:
    assert without_private(blob()) == blob()
    big_endian = b"MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x04Abc\0\0\0\0\0"
    assert without_private(big_endian) == big_endian


def test_what_is_no_exif_is_left_out() -> None:
    assert without_private(b"hello, this is not EXIF") is None
    assert without_private(None) is None
