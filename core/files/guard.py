"""What decoders raise, sorted: a damaged file, an unsupported one, too much work, or a surprise."""

from __future__ import annotations

import contextlib
import logging
import struct
import zlib
from typing import TYPE_CHECKING

import rawpy
import tifffile

from core.files.errors import (
    ExcessError,
    FileError,
    damaged,
    excessive,
    from_os_error,
    unreadable,
    unsupported,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

_UNSUPPORTED = (
    NotImplementedError,
    rawpy.NotSupportedError,
    rawpy.LibRawFileUnsupportedError,
    rawpy.LibRawNotImplementedError,
)
_DAMAGE = (
    ValueError,
    LookupError,
    EOFError,
    OSError,
    OverflowError,
    # Pillow's plugins raise SyntaxError; the errors of imagecodecs are RuntimeErrors.
    SyntaxError,
    RuntimeError,
    struct.error,
    zlib.error,
    tifffile.TiffFileError,
    rawpy.LibRawError,
)
"""What readers raise of a content that breaks off or contradicts itself."""


@contextlib.contextmanager
def guarded(path: Path, format_name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one sentence about a file.

    Parameters
    ----------
    path : Path
        The file.
    format_name : str
        "JPEG", "TIFF", ...

    Raises
    ------
    FileError
        That the file is damaged, that its kind is not supported, that it would take too much
        work or memory, or, where the error tells none of it, that this program cannot read it.

    Examples
    --------
    >>> from pathlib import Path
    >>> with guarded(Path("holiday.jpg"), "JPEG"):  # doctest: +NORMALIZE_WHITESPACE
    ...     raise EOFError("the stream breaks off")
    Traceback (most recent call last):
    core.files.errors.FileError: “holiday.jpg” is a damaged or incomplete JPEG file; use another
    copy of the photo.
    """
    try:
        yield
    except FileError:
        raise
    except ExcessError as error:
        raise excessive(path, error) from error
    except MemoryError as error:
        raise FileError(
            f"“{path}” is too large for the memory of this computer; make it smaller first."
        ) from error
    except PermissionError as error:
        raise from_os_error(error, path, "read") from error
    except _UNSUPPORTED as error:
        raise unsupported(path, f"this kind of {format_name} file") from error
    except _DAMAGE as error:
        raise damaged(path, format_name) from error
    except Exception as error:
        logger.info("reading %s failed in an unforeseen way", path, exc_info=True)
        raise unreadable(path, format_name, error) from error
