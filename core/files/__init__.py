"""Photo files: to pixels with their colour space, EXIF and alpha, and back, safely."""

from core.files.errors import FileError
from core.files.header import Limits
from core.files.metadata import Metadata, Resolution
from core.files.payloads import carried_bytes
from core.files.profile import icc_profile
from core.files.provenance import Provenance, provenance_of
from core.files.reading import PHOTO_FORMATS, Photo, PhotoInfo, inspect, pixel_count, read
from core.files.rows import RowReader, open_rows
from core.files.safe_write import check_target, is_same_file, write_bytes
from core.files.sample import sample_photo
from core.files.writing import (
    OUTPUT_FORMATS,
    REDUCED_FORMATS,
    OutputFormat,
    PhotoWriter,
    check_output,
    format_of,
    is_own_reduction,
    is_own_result,
    write,
    write_codes,
)

__all__ = [
    "OUTPUT_FORMATS",
    "PHOTO_FORMATS",
    "REDUCED_FORMATS",
    "FileError",
    "Limits",
    "Metadata",
    "OutputFormat",
    "Photo",
    "PhotoInfo",
    "PhotoWriter",
    "Provenance",
    "Resolution",
    "RowReader",
    "carried_bytes",
    "check_output",
    "check_target",
    "format_of",
    "icc_profile",
    "inspect",
    "is_own_reduction",
    "is_own_result",
    "is_same_file",
    "open_rows",
    "pixel_count",
    "provenance_of",
    "read",
    "sample_photo",
    "write",
    "write_bytes",
    "write_codes",
]
