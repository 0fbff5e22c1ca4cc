"""A drawing of :mod:`core.figures` inside a dock widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureView(QWidget):  # type: ignore[misc]
    """A place for one drawing at a time; matplotlib is imported with the first.

    Parameters
    ----------
    height : int
        Of the drawing, in pixels, at least.
    """

    def __init__(self, height: int) -> None:
        super().__init__()
        self.figure: Figure | None = None
        self.canvas: Any = None
        self._height = height
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)

    def show_figure(self, figure: Figure) -> None:
        """Replace the drawing."""
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

        if self.canvas is not None:
            self.layout().removeWidget(self.canvas)
            self.canvas.deleteLater()
        self.figure = figure
        self.canvas = FigureCanvasQTAgg(figure)
        self.canvas.setMinimumHeight(self._height)
        self.canvas.setMinimumWidth(240)
        self.canvas.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.layout().addWidget(self.canvas)
