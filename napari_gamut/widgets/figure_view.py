"""A drawing of :mod:`core.pictures` inside a dock widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALLEST = 0.72
"""Share of its own width to which a drawing may shrink before its panels are stacked."""


_NARROWEST = 240


class Drawing(Protocol):
    """Draws a figure, its panels side by side or one above the other."""

    def __call__(self, *, stacked: bool) -> Figure:
        """Return the figure."""


class FigureView(QScrollArea):  # type: ignore[misc]
    """A place for one drawing at a time; matplotlib is imported with the first.

    Where it is too narrow for panels side by side, they are stacked. It is as high as its drawing
    and scrolls nothing: that is the business of the page around it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.figure: Figure | None = None
        self.canvas: Any = None
        self._drawing: Drawing | None = None
        self._stacked = False
        self._widest = 0
        self._size = (1.0, 1.0)
        self._cursor: _Cursor | None = None
        self._listeners: dict[str, Any] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(_NARROWEST)

    def show_figure(self, drawing: Drawing) -> None:
        """Replace the drawing."""
        self._drawing = drawing
        figure = drawing(stacked=False)
        self._widest = round(_SMALLEST * float(figure.bbox.width))
        self._stacked = self._is_narrow()
        self._put(drawing(stacked=True) if self._stacked else figure)
        self.show()

    def listen(self, event: str, listener: Any) -> None:
        """Call a listener at an event of matplotlib, in this drawing and all later ones."""
        self._listeners[event] = listener
        if self.canvas is not None:
            self.canvas.mpl_connect(event, listener)

    def mark(self, x: float) -> None:
        """Draw a line at a place of the horizontal axes, without drawing the figure again."""
        if self._cursor is not None:
            self._cursor.move_to(x)

    @property
    def marked(self) -> float | None:
        """Where the line is, None without one."""
        return None if self._cursor is None else self._cursor.x

    def resizeEvent(self, event: Any) -> None:
        """Stack the panels where they no longer fit, and the other way round."""
        super().resizeEvent(event)
        if self._drawing is None:
            return
        if self._is_narrow() != self._stacked:
            self._stacked = not self._stacked
            marked = self.marked
            self._put(self._drawing(stacked=self._stacked))
            if marked is not None:
                self.mark(marked)
        self._fit()

    def _is_narrow(self) -> bool:
        return bool(self.viewport().width() < self._widest)

    def _put(self, figure: Figure) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

        self.figure = figure
        self._size = (float(figure.bbox.width), float(figure.bbox.height))
        self.canvas = FigureCanvasQTAgg(figure)  # type: ignore[no-untyped-call]
        self._cursor = _Cursor(self.canvas, figure)
        for event, listener in self._listeners.items():
            self.canvas.mpl_connect(event, listener)
        self._fit()
        self.setWidget(self.canvas)

    def _fit(self) -> None:
        width, height = self._size
        shrunk = min(1.0, max(_SMALLEST, self.viewport().width() / width))
        self.canvas.setMinimumSize(1, round(shrunk * height))
        self.setFixedHeight(round(shrunk * height))


class _Cursor(QWidget):  # type: ignore[misc]
    """A vertical line over every panel of a figure, above its canvas.

    Drawing a figure again takes a tenth of a second and more; this line takes next to nothing.
    """

    def __init__(self, canvas: Any, figure: Figure) -> None:
        super().__init__(canvas)
        self.x: float | None = None
        self._canvas, self._figure = canvas, figure
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        canvas.mpl_connect("draw_event", self._cover)

    def move_to(self, x: float) -> None:
        """Move the line; only where it was and where it is, the drawing is painted again."""
        before = self._lines()
        self.x = x
        for first, last in before + self._lines():
            self.update(QRectF(first, last).normalized().adjusted(-3, -3, 3, 3).toAlignedRect())

    def _cover(self, _: object) -> None:
        self.setGeometry(self._canvas.rect())
        self.raise_()
        self.update()

    def paintEvent(self, _: Any) -> None:
        """Draw the line over each panel."""
        painter = QPainter(self)
        for axes, ends in zip(self._figure.axes, self._lines(), strict=False):
            colour = QColor(*(round(255 * part) for part in _text_colour(axes)))
            painter.setPen(QPen(colour, 1.2))
            painter.drawLine(*ends)
        painter.end()

    def _lines(self) -> list[tuple[QPointF, QPointF]]:
        if self.x is None:
            return []
        found = []
        for axes in self._figure.axes:
            ends = axes.get_xaxis_transform().transform([(self.x, 0.0), (self.x, 1.0)])
            places = [(x, self.height() - y) for x, y in ends / self._canvas.device_pixel_ratio]
            first, last = (QPointF(float(x), float(y)) for x, y in places)
            found.append((first, last))
        return found


def _text_colour(axes: Any) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(axes.xaxis.label.get_color())
