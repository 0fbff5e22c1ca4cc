"""Photo files: to pixels with their colour space, EXIF and alpha, and back, safely."""

from core.files.errors import FileError
from core.files.header import Limits
from core.files.profile import icc_profile
from core.files.reading import Photo, PhotoInfo, inspect, read

__all__ = ["FileError", "Limits", "Photo", "PhotoInfo", "icc_profile", "inspect", "read"]
