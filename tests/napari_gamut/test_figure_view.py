"""Drawings in docks of any width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.pictures import QualityTrace, convergence_figure
from napari_gamut.widgets.figure_view import FigureView

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drawing(*, stacked: bool) -> Figure:
    trace = QualityTrace([1, 2], {"all": [0.1, 0.01]})
    return convergence_figure({"Anderson": [0.1, 0.01]}, trace, stacked=stacked)


@pytest.fixture
def view(qtbot: Any) -> FigureView:
    view = FigureView()
    qtbot.addWidget(view)
    view.resize(320, 500)
    view.show()
    view.show_figure(drawing)
    return view


def lefts(view: FigureView) -> set[float]:
    view.canvas.draw()
    return {round(axes.get_position().x0, 3) for axes in view.figure.axes}


@pytest.mark.parametrize("width", [300, 380, 450])
def test_panels_are_stacked_in_a_narrow_dock(view: FigureView, qtbot: Any, width: int) -> None:
    view.resize(width, 500)
    qtbot.waitUntil(lambda: view.canvas.width() == view.viewport().width())
    assert len(lefts(view)) == 1


def test_panels_stand_side_by_side_where_there_is_room(view: FigureView) -> None:
    view.resize(1200, 500)
    assert len(lefts(view)) == 3
    view.resize(320, 500)
    assert len(lefts(view)) == 1


def test_the_mark_stays_when_the_panels_are_stacked_anew(view: FigureView, qtbot: Any) -> None:
    view.mark(2)
    view.resize(1200, 500)
    assert view.marked == 2
    qtbot.waitUntil(lambda: view.canvas.width() == view.viewport().width())
    view.canvas.draw()
    marked = view.canvas.grab().toImage()
    view.mark(1)
    moved = view.canvas.grab().toImage()
    ratio = view.canvas.device_pixel_ratio
    axes = view.figure.axes[0]
    x, y = axes.get_xaxis_transform().transform((2, 0.75)) / ratio
    place = (round(x), round(view.canvas.height() - y))
    assert marked.pixelColor(*place).lightness() < moved.pixelColor(*place).lightness()


def test_events_reach_listeners_in_later_drawings(view: FigureView) -> None:
    heard: list[Any] = []
    view.listen("draw_event", heard.append)
    for _ in range(2):
        heard.clear()
        view.show_figure(drawing)
        view.canvas.draw()
        assert heard
    assert np.isfinite(view.figure.axes[0].get_xlim()).all()
