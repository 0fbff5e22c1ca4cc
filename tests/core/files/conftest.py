from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import OpenImageIO
import pillow_heif
import pytest
import skimage.data
import tifffile
from PIL import Image

from core.colour import ACESCG, PROPHOTO
from core.files import icc_profile, write, write_codes
from core.files.exif import Directory, Entry, blob_from
from core.files.metadata import Metadata

ORIENTATION = 274


DNG_FIELDS = [
    (33421, 3, 2, (2, 2), True),
    (33422, 1, 4, bytes([0, 1, 1, 2]), True),
    (50706, 1, 4, bytes([1, 4, 0, 0]), True),
    (50708, 2, 5, "Invt", True),
    (50717, 4, 1, 4095, True),
    (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
    (50728, 5, 3, (1, 2, 1, 1, 1, 2), True),
]
"""Tags that make a TIFF of a Bayer mosaic a DNG."""


def exif_blob(orientation: int = 1, colour_space: int = 1, interop: str = "R98") -> bytes:
    """EXIF of an invented camera, with a place."""
    degrees = Entry(5, 3, struct.pack("<6I", 50, 1, 26, 1, 231, 10))
    return blob_from(
        Directory(
            {
                271: Entry.text("Maker"),
                272: Entry.text("Model 1"),
                ORIENTATION: Entry.shorts(orientation),
            },
            {
                34665: Directory(
                    {
                        36867: Entry.text("2024:05:06 07:08:09"),
                        37500: Entry.opaque(bytes(range(64))),
                        40961: Entry.shorts(colour_space),
                    },
                    {40965: Directory({1: Entry.text(interop)})},
                ),
                34853: Directory({1: Entry.text("N"), 2: degrees}),
            },
        )
    )


NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "darktable": "http://darktable.sf.net/",
    "rt": "http://www.rawtherapee.com/1.0/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
}


def packet_of(attributes: str = "", elements: str = "") -> bytes:
    """An XMP packet whose one description has attributes and elements."""
    spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {spaces}>'
        f'<rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>" + " " * 20 + '<?xpacket end="w"?>'
    ).encode()


def with_curve(profile: bytes, curve: bytes, *names: bytes) -> bytes:
    """A profile whose curves (all three unless named) are replaced."""
    (count,) = struct.unpack_from(">I", profile, 128)
    table = bytearray(profile[132 : 132 + 12 * count])
    for index in range(count):
        if table[12 * index : 12 * index + 4] in (names or (b"rTRC", b"gTRC", b"bTRC")):
            struct.pack_into(">II", table, 12 * index + 4, len(profile), len(curve))
    return profile[:132] + bytes(table) + profile[132 + 12 * count :] + curve


@pytest.fixture
def exif() -> bytes:
    return exif_blob()


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A real photo, 8-bit sRGB, (90, 70, 3)."""
    return np.ascontiguousarray(skimage.data.astronaut()[0:360:4, 100:380:4])


@pytest.fixture(scope="session")
def wide() -> np.ndarray:
    """Linear values over the whole of 0..1, float32, (300, 270, 3): more than a tile each way."""
    random = np.random.default_rng(7)
    values = random.random((300, 270, 3)).astype(np.float32) ** 2
    values[0] = np.linspace(0.0, 1.0, 270, dtype=np.float32)[:, None]
    return values


def pillow(photo: np.ndarray, format_name: str, **arguments) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, format_name, **arguments)
    return buffer.getvalue()


class Samples(list[bytes]):
    """Files; too long to be shown where an example fails."""

    def __repr__(self) -> str:
        return f"{len(self)} files"


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Samples:
    """A small sound file of every format and kind, with profile and EXIF."""
    folder = tmp_path_factory.mktemp("samples")
    linear = (photo / 255).astype(np.float32)
    exif, profile = exif_blob(), icc_profile(PROPHOTO, 2)
    more = {"icc_profile": profile, "exif": b"Exif\0\0" + exif}
    files = [pillow(photo, name, **more) for name in ("JPEG", "WEBP", "AVIF")]
    heic = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(photo)).save(heic, icc_profile=profile, exif=exif)
    files.append(heic.getvalue())
    for name in ("tif", "png", "jxl", "avif"):
        write(folder / f"a.{name}", linear, PROPHOTO, metadata=Metadata(exif))
        files.append((folder / f"a.{name}").read_bytes())
    write(folder / "float.tif", linear, ACESCG)
    write_codes(folder / "alpha.tif", photo, alpha=photo[..., 0], extra_metadata=b"x" * 99)
    files += [(folder / name).read_bytes() for name in ("float.tif", "alpha.tif")]
    for compression, big in ((None, True), ("lzw", False), ("jpeg", False)):
        buffer = io.BytesIO()
        tifffile.imwrite(
            buffer, photo, photometric="rgb", compression=compression, rowsperstrip=9, bigtiff=big
        )
        files.append(buffer.getvalue())
    buffer = io.BytesIO()
    cfa = (np.arange(64 * 64, dtype=np.uint16) % 4096).reshape(64, 64)
    tifffile.imwrite(buffer, cfa, photometric="cfa", extratags=[(50706, 1, 4, b"\1\4\0\0", True)])
    files.append(buffer.getvalue())
    spec = OpenImageIO.ImageSpec(photo.shape[1], photo.shape[0], 3, "half")
    output = OpenImageIO.ImageOutput.create("exr")
    output.open(str(folder / "a.exr"), spec)
    output.write_image(linear)
    output.close()
    files.append((folder / "a.exr").read_bytes())
    files.append(bytes(imagecodecs.jpegxl_encode(photo, distance=1.0)))
    return Samples(files)
