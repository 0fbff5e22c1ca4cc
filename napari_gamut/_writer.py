"""Writer of layers as photos with a colour profile, 16 bits and their EXIF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.files import Metadata
    from napari_gamut.metadata import Record


def write_photo(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer: its wide colours where it has some, else its sRGB codes.

    Parameters
    ----------
    path : str
        Ends in .tif, .tiff, .png, .jxl or .avif. An existing file is replaced: napari has asked.
    data : array, shape (H, W, 3 or 4), or a list of levels of detail
        The layer's data.
    meta : dict
        The layer's attributes.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    PhotoError
        If the layer is no photo, or the file cannot be written.
    """
    import numpy as np

    from core.colour import SRGB
    from core.errors import PhotoError
    from core.files import format_of, write, write_codes
    from core.gamut import naive_inversion
    from core.images import codes_from_image
    from core.spaces import space_named
    from napari_gamut.metadata import record_in

    record = record_in(meta.get("metadata", {}))
    image = data[0] if isinstance(data, (list, tuple)) or meta.get("multiscale") else data
    if not meta.get("rgb"):
        raise PhotoError(f"“{meta.get('name')}” is no RGB layer; choose an RGB image layer.")
    if len(image.shape) != 3:
        raise PhotoError(
            f"“{meta.get('name')}” is a stack; show one frame and split the stack first "
            "(Layers > Layer type > Split stack)."
        )
    settings: dict[str, Any] = {"metadata": metadata_of(record), "overwrite": True}
    settings["software"] = _software(record)
    image = np.asarray(image)
    settings["alpha"] = image[..., 3] if image.shape[-1] == 4 else record.alpha
    if record.wide is not None:
        values = np.asarray(record.wide.values, np.float32)
        write(path, values, space_named(record.wide.space), **settings)
        return [path]
    codes = codes_from_image(image[..., :3])
    if format_of(Path(path)) in ("tiff", "png"):
        write_codes(path, codes, **settings)
    else:
        write(path, naive_inversion(codes), SRGB, **settings)
    return [path]


def metadata_of(record: Record) -> Metadata | None:
    """Return the metadata of the photo that a layer came from, None if there are none."""
    from core.errors import PhotoError
    from core.files.header import Limits
    from core.files.reading import read_header

    if record.metadata is not None or not record.path:
        return record.metadata
    try:
        return read_header(Path(record.path), Limits()).metadata.upright()
    except PhotoError:
        return None


def _software(record: Record) -> str:
    from importlib.metadata import version

    product = f"napari-gamut {version('napari-gamut')}"
    if record.made is None or not record.made.sha256:
        return product
    return f"{product}; {record.made.model} {record.made.sha256[:12]}"
