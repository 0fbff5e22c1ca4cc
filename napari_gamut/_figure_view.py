"""A drawing of :mod:`core.figures` inside a dock widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFrame, QScrollArea

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALLEST = 0.72
"""Share of its own size to which a drawing may shrink before it is scrolled."""


class FigureView(QScrollArea):  # type: ignore[misc]
    """A place for one drawing at a time; matplotlib is imported with the first.

    Parameters
    ----------
    height : int
        Of the place, in pixels, at least.
    """

    def __init__(self, height: int) -> None:
        super().__init__()
        self.figure: Figure | None = None
        self.canvas: Any = None
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumSize(260, height)

    def show_figure(self, figure: Figure) -> None:
        """Replace the drawing."""
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

        self.figure = figure
        width, height = (round(_SMALLEST * float(pixels)) for pixels in figure.bbox.size)
        self.canvas = FigureCanvasQTAgg(figure)  # type: ignore[no-untyped-call]
        self.canvas.setMinimumSize(width, height)
        self.setWidget(self.canvas)
