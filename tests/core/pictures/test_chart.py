from __future__ import annotations

import numpy as np

from core.colour import PROPHOTO, REC2020, SRGB, convert
from core.gamut import out_of_gamut_mask, share
from core.pictures.chart import wide_gamut_chart


def test_the_chart_lies_inside_prophoto_and_rec2020() -> None:
    chart = wide_gamut_chart(10)
    assert chart.shape == (110, 120, 3)
    assert chart.dtype == np.float32
    rec2020 = convert(chart, PROPHOTO, REC2020)
    assert rec2020.min() > -1e-3
    assert rec2020.max() < 1 + 1e-3


def test_srgb_holds_a_part_of_the_chart() -> None:
    outside = out_of_gamut_mask(convert(wide_gamut_chart(10), PROPHOTO, SRGB), 1e-4)
    assert 0.2 < share(outside) < 0.6


def test_the_last_row_is_grey() -> None:
    greys = convert(wide_gamut_chart(10), PROPHOTO, SRGB)[-5]
    assert np.abs(np.ptp(greys, axis=-1)).max() < 1e-4
