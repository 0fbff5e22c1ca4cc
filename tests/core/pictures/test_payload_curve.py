"""Gains against bytes of metadata."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.pictures import payload_figure
from core.pictures.payload_curve import PayloadPoint, _apart


def test_points_stand_where_they_belong() -> None:
    points = [PayloadPoint("net", 0, 7.0), PayloadPoint("mlp", 20_000, 15.0)]
    (axes,) = payload_figure(points, "Gain (dB)").axes
    free, carried = (line for line in axes.lines if line.get_marker() in ("o", "s"))
    assert (list(free.get_xdata()), list(free.get_ydata())) == ([0], [7.0])
    assert (list(carried.get_xdata()), list(carried.get_ydata())) == ([20_000], [15.0])
    assert [text.get_text() for text in axes.texts] == ["net", "mlp"]
    assert axes.get_ylabel() == "Gain (dB)"


def test_names_do_not_cover_each_other() -> None:
    moved = _apart([5.0, 1.0, 1.1, 1.05], 0.5)
    order = sorted(moved)
    assert all(upper - lower >= 0.5 - 1e-9 for lower, upper in pairwise(order))
    assert moved[1] < moved[3] < moved[2] < moved[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_pages_have_their_colours(theme: str) -> None:
    figure = payload_figure([PayloadPoint("a", 8, -1.0)], "dB", theme=theme)  # type: ignore[arg-type]
    assert (sum(figure.get_facecolor()[:3]) > 1.5) is (theme == "light")


def test_without_points_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no point"):
        payload_figure([], "dB")
