"""The table of figures between two photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_gamut.tables import HEADER, REGION_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEIGHT = 190


class MetricsTable(QTableWidget):  # type: ignore[misc]
    """A column for each region, a line for each figure."""

    def __init__(self) -> None:
        super().__init__(len(HEADER) - 1, len(REGION_NAMES))
        self.setHorizontalHeaderLabels(
            ["\n".join(name.rsplit(" ", 1)) for name in REGION_NAMES.values()]
        )
        self.setVerticalHeaderLabels(HEADER[1:])
        self.setToolTip("ΔE is CIEDE2000: its mean, and what 95 % of the pixels stay below.")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setFixedHeight(_HEIGHT)

    def fill(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Show a row of texts for each region, of which the first is its name."""
        for column, row in enumerate(rows):
            for line, text in enumerate(row[1:]):
                self.setItem(line, column, QTableWidgetItem(text))
