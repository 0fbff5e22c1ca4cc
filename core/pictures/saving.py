"""Writing drawings to files."""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING

from core.errors import PhotoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

# What a file would otherwise tell of the moment and the version it was made with.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
_SETTINGS = threading.Lock()


def save_figure(
    figure: Figure, path: Path, *, dots_per_inch: int = 200, overwrite: bool = False
) -> None:
    """Write a drawing as PNG, SVG or PDF, by the ending of its name.

    The same drawing gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The drawing.
    path : Path
        Ends in ``.png``, ``.svg`` or ``.pdf``.
    dots_per_inch : int
        Resolution of a PNG, and of the images inside a drawing.
    overwrite : bool
        Whether a file of that name may be replaced.

    Raises
    ------
    PhotoError
        If the ending is another one, or the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from core.pictures.convergence import convergence_figure
    >>> with TemporaryDirectory() as folder:
    ...     save_figure(convergence_figure({"Anderson": [0.5, 0.1]}), Path(folder, "solver.svg"))
    ...     Path(folder, "solver.svg").read_text()[:5]
    '<?xml'
    >>> save_figure(convergence_figure({"Anderson": [0.5, 0.1]}), Path("solver.bmp"))
    Traceback (most recent call last):
    core.errors.PhotoError: “solver.bmp” is not a name for a drawing; end it in .png, .svg or .pdf.
    """
    from core.files.safe_write import write_bytes

    check_figure_name(path)
    content = figure_bytes(figure, path.suffix.lower(), dots_per_inch)
    write_bytes(path, content, overwrite=overwrite)


def check_figure_name(path: Path) -> None:
    """Refuse a name that ends in no format of drawings.

    Raises
    ------
    PhotoError
        With what it may end in.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_figure_name(Path("solver.svg"))
    >>> check_figure_name(Path("solver.bmp"))
    Traceback (most recent call last):
    core.errors.PhotoError: “solver.bmp” is not a name for a drawing; end it in .png, .svg or .pdf.
    """
    if path.suffix.lower() not in _METADATA:
        raise PhotoError(f"“{path}” is not a name for a drawing; end it in .png, .svg or .pdf.")


def figure_bytes(figure: Figure, ending: str, dots_per_inch: int = 200) -> bytes:
    """Return a drawing as the bytes of a file; the same drawing gives the same ones.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The drawing.
    ending : {".png", ".svg", ".pdf"}
        Which kind of file.
    dots_per_inch : int
        Resolution of a PNG, and of the images inside a drawing.

    Examples
    --------
    >>> from core.pictures.convergence import convergence_figure
    >>> figure = convergence_figure({"Anderson": [0.5, 0.1]})
    >>> figure_bytes(figure, ".png", 50)[1:4]
    b'PNG'
    """
    import matplotlib

    content = io.BytesIO()
    once = _laid_out(figure, dots_per_inch) if ending == ".png" else contextlib.nullcontext()
    # The names inside an SVG come from a global setting of matplotlib, random by default.
    with _SETTINGS, matplotlib.rc_context({"svg.hashsalt": "gamut"}), once:
        figure.savefig(content, format=ending[1:], dpi=dots_per_inch, metadata=_METADATA[ending])
    return content.getvalue()


def lay_out_like(figure: Figure, other: Figure) -> None:
    """Place the panels of a drawing as those of another one that has been saved.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        With the same panels and texts as `other`, in other colours: to lay it out, too, would
        take a third of the time of drawing it.
    other : matplotlib.figure.Figure
        Laid out.

    Examples
    --------
    >>> from core.pictures.convergence import convergence_figure
    >>> light, dark = (
    ...     convergence_figure({"Anderson": [0.5, 0.1]}, theme=theme) for theme in ("light", "dark")
    ... )
    >>> _ = figure_bytes(light, ".png", 50)
    >>> lay_out_like(dark, light)
    >>> dark.axes[0].get_position().bounds == light.axes[0].get_position().bounds
    True
    """
    figure.set_layout_engine(None)
    for axes, placed in zip(figure.axes, other.axes, strict=True):
        axes.set_position(placed.get_position(original=True))


@contextlib.contextmanager
def _laid_out(figure: Figure, dots_per_inch: int) -> Iterator[None]:
    """Lay a figure out before it is saved: matplotlib would draw it once more to do so."""
    engine, before = figure.get_layout_engine(), figure.dpi
    figure.set_dpi(dots_per_inch)
    try:
        if engine is not None:
            engine.execute(figure)
            figure.set_layout_engine(None)
        yield
    finally:
        figure.set_layout_engine(engine)
        figure.set_dpi(before)
