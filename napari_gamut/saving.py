"""Saving layers as photos with a colour profile, 16 bits and their EXIF, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import SRGB
from core.errors import PhotoError
from core.images import row_bands
from core.spaces import space_named
from napari_gamut.naming import counted
from napari_gamut.photos import LayerError
from napari_gamut.stacks import Frames
from napari_gamut.targets import completed

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt

    from core.colour import ColourSpace
    from core.files import Metadata
    from core.gamut import FloatImage
    from core.progress import Check
    from napari_gamut.photos import LayerPhoto
    from napari_gamut.places import Index
    from napari_gamut.records import Record

    Steps = Generator[tuple[int, int], None, tuple[str, ...]]

SUFFIXES = (".tif", ".tiff", ".png", ".jxl", ".avif")
"""Endings of the files that hold wide colours in 16 (AVIF: 12) bits."""

FILTER = f"Wide-gamut photos ({' '.join('*' + suffix for suffix in SUFFIXES)})"


@dataclass(frozen=True)
class Saved:
    """What became of a layer.

    Attributes
    ----------
    paths : tuple of Path
        The files: one, or one for each frame of a stack.
    notes : tuple of str
        Sentences for people about what the files do not hold.
    """

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What people are told."""
        first = self.paths[0]
        if len(self.paths) == 1:
            told = f"Saved as {first.name}."
        else:
            told = f"Saved as {counted(len(self.paths), 'file')}, {first.name} and so on."
        return " ".join([told, *self.notes])


def target_of(path: str | Path) -> Path:
    """Return the file that people mean: without an ending, a TIFF.

    Raises
    ------
    LayerError
        If no file of this ending holds wide colours, or if the name had none and the TIFF exists.
    """
    target = completed(path, ".tif")
    if target.suffix.lower() not in SUFFIXES:
        raise LayerError(
            f"“{target.name}” cannot hold wide colours; end its name in {', '.join(SUFFIXES[:-1])} "
            f"or {SUFFIXES[-1]}."
        )
    return target


def saving(
    photo: LayerPhoto, path: str | Path, check: Check | None = None
) -> Generator[tuple[int, int], None, Saved]:
    """Save what a layer shows: its wide colours where it has some, else its sRGB codes.

    Parameters
    ----------
    photo : LayerPhoto
        A photo, or a stack, of which each frame becomes a file with a number.
    path : path
        The file; an existing one is replaced, since people were asked. Of the numbered files of
        a stack none may exist.
    check : callable, optional
        Called often, and last before the file takes its name; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Rows done and in all. Closing the generator leaves no file.

    Returns
    -------
    Saved

    Raises
    ------
    PhotoError
        If the layer was edited so that its colours fit no longer, or a file cannot be written.
    """
    target = target_of(path)
    height = photo.size[0]
    yield 0, 0
    if not photo.leading:
        notes = yield from _save_frame(photo, target, 0, height, check)
        return Saved((target,), notes)
    indices = list(np.ndindex(photo.leading))
    paths = tuple(_numbered(target, index, photo.leading) for index in indices)
    taken = [path.name for path in paths if path.exists()]
    if taken:
        raise LayerError(f"{taken[0]} exists already; choose another name for the stack.")
    total = height * len(indices)
    for number, (index, each) in enumerate(zip(indices, paths, strict=True)):
        notes = yield from _save_frame(photo, each, number * height, total, check, index)
    return Saved(paths, notes)


def metadata_of(record: Record) -> Metadata | None:
    """Return the metadata of the photo that a layer came from, None if there are none."""
    from core.files.header import Limits
    from core.files.reading import read_header

    if record.metadata is not None or not record.path:
        return record.metadata
    try:
        return read_header(Path(record.path), Limits()).metadata.upright()
    except PhotoError:
        return None


def _numbered(target: Path, index: Index, leading: Index) -> Path:
    digits = [f"{i + 1:0{len(str(n))}d}" for i, n in zip(index, leading, strict=True)]
    return target.with_name(f"{target.stem}-{'-'.join(digits)}{target.suffix}")


def _save_frame(
    photo: LayerPhoto,
    path: Path,
    done: int,
    total: int,
    check: Check | None,
    index: Index = (),
) -> Steps:
    from core.files import format_of, write_codes
    from core.gamut import naive_inversion

    settings: dict[str, Any] = {
        "metadata": metadata_of(photo.record),
        "software": _software(photo.record),
        "overwrite": not index,
        "check": check,
    }
    if isinstance(photo.data, Frames):
        wide = photo.record.wide
        assert wide is not None
        values = yield from _told(photo.data.solved(index, check), done, total)
        return (yield from _write(path, values, space_named(wide.space), done, total, settings))
    frame = photo.frame(index)
    wide = frame.fitted.wide
    settings["alpha"] = frame.alpha()
    if wide is not None:
        values = np.asarray(wide.values, np.float32)
        return (yield from _write(path, values, space_named(wide.space), done, total, settings))
    codes = frame.codes()
    if format_of(path) in ("tiff", "png"):
        notes = write_codes(path, codes, **settings)
        yield done + len(codes), total
        return notes
    return (yield from _write(path, naive_inversion(codes), SRGB, done, total, settings))


def _told(
    work: Generator[tuple[int, int], None, FloatImage], done: int, total: int
) -> Generator[tuple[int, int], None, FloatImage]:
    """Do work whose own steps are too small to be counted."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            values: FloatImage = end.value
            return values
        yield done, total


def _write(
    path: Path,
    values: npt.NDArray[np.float32],
    space: ColourSpace,
    done: int,
    total: int,
    settings: dict[str, Any],
) -> Steps:
    from core.files import PhotoWriter

    height, width = values.shape[:2]
    with PhotoWriter(path, width, height, space, **settings) as writer:
        for rows in row_bands(values):
            writer.write_rows(values[rows])
            yield done + writer.rows_written, total
    return writer.notes


def _software(record: Record) -> str:
    from importlib.metadata import version

    product = f"napari-gamut {version('napari-gamut')}"
    if record.made is None or not record.made.sha256:
        return product
    return f"{product}; {record.made.model} {record.made.sha256[:12]}"
