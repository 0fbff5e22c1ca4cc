"""Measure: figures between two layers, and where their colours lie."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, PushButton
from qtpy.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableWidget
from qtpy.QtWidgets import QTableWidgetItem as Item

from core.colour import SRGB
from core.errors import PhotoError
from core.gamut import ROUNDING, out_of_gamut_mask
from napari_gamut._figure_view import FigureView
from napari_gamut._panel import Panel
from napari_gamut.layer_data import LayerError, inside, same_size
from napari_gamut.tables import HEADER, REGION_NAMES, rows_of, separated

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import numpy as np
    import numpy.typing as npt
    from napari.layers import Image
    from napari.viewer import Viewer

    from core.gamut import FloatImage
    from core.metrics import PhotoMetrics
    from napari_gamut.layer_data import LayerPhoto

_DIAGRAMS = (("CIE 1931 x, y", "xy"), ("CIE 1976 u′, v′", "uv"))


class MeasureWidget(Panel):
    """Measure a layer against a reference, and draw chromaticities."""

    steps_name = "steps"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.layer = self.photo_box("The layer to be measured.")
        self.reference = self.reference_box()
        self.region = self.region_box(
            "A shapes layer: the diagram is drawn for the pixels inside its shapes."
        )
        self.diagram = ComboBox(
            label="Diagram", choices=_DIAGRAMS, value="xy", tooltip="Chromaticity coordinates."
        )
        self.run.tooltip = "PSNR, SSIM and CIEDE2000 between photo and reference, by region."
        self.draw = PushButton(
            text="Draw chromaticities", tooltip="Where the colours of the layers lie."
        )
        self.copy = PushButton(text="Copy table", tooltip="For a spreadsheet.", enabled=False)
        self.save_table = PushButton(
            text="Save table…", tooltip="As comma-separated values (CSV).", enabled=False
        )
        self.save_plot = PushButton(text="Save plot…", tooltip="As PNG, SVG or PDF.", enabled=False)
        self._colours: dict[str, FloatImage] = {}
        self.rows: list[tuple[str, ...]] = []
        self.table = QTableWidget(len(HEADER) - 1, len(REGION_NAMES))
        self.table.setHorizontalHeaderLabels(
            ["\n".join(name.rsplit(" ", 1)) for name in REGION_NAMES.values()]
        )
        self.table.setVerticalHeaderLabels(HEADER[1:])
        self.table.setToolTip("ΔE is CIEDE2000: its mean, and what 95 % of the pixels stay below.")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for header in (self.table.horizontalHeader(), self.table.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setFixedHeight(190)
        self.plot = FigureView(360)
        self.extend([self.layer, self.reference, self.region, self.diagram])
        self.add_run("Measure")
        self.append(self.draw)
        self.add_native(self.table)
        buttons: Container[Any] = Container(
            widgets=[self.copy, self.save_table, self.save_plot], layout="horizontal", labels=False
        )
        buttons.margins = (0, 0, 0, 0)
        self._buttons = buttons
        self.add_native(buttons.native)
        self.finish_layout(stretch=False)
        self.add_native(self.plot)
        self.say("Choose a photo and its wide-gamut original, and measure.")
        self.draw.changed.connect(self.draw_diagram)
        self.copy.changed.connect(self.copy_table)
        self.save_table.changed.connect(self._on_save_table)
        self.save_plot.changed.connect(self._on_save_plot)
        self._theme = napari_viewer.events.theme
        self._theme.connect(self._draw)
        self.diagram.changed.connect(self._draw)

    def begin(self) -> None:
        """Measure in a worker."""
        layer: Image | None = self.layer.value
        photo = self.frame_in(self.layer)
        if self.reference.value is None:
            raise LayerError("Measuring needs the wide-gamut original; choose a reference.")
        reference = self.frame_in(self.reference)
        same_size(photo, reference)
        self.start_job(lambda _: measure(photo, reference), self.show_metrics, layer=layer)

    def show_metrics(self, metrics: PhotoMetrics) -> None:
        """Fill the table."""
        self.rows = rows_of(metrics)
        for column, row in enumerate(self.rows):
            for line, text in enumerate(row[1:]):
                self.table.setItem(line, column, Item(text))
        self.copy.enabled = self.save_table.enabled = True
        self.say(
            f"{metrics.out_of_gamut_share:.1%} of the reference is out of the sRGB gamut "
            f"(group {metrics.group})."
        )

    def copy_table(self) -> None:
        """Put the table on the clipboard, for a spreadsheet."""
        QApplication.clipboard().setText(separated(self.rows, "\t"))
        self.say("The table is on the clipboard.")

    def save_rows(self, path: Path) -> None:
        """Write the table as CSV."""
        from core.files import write_bytes

        try:
            write_bytes(path, separated(self.rows).encode("utf-8-sig"), overwrite=True)
        except PhotoError as error:
            self.warn(str(error))
        else:
            self.say(f"The table was saved as {path.name}.")

    def draw_diagram(self) -> None:
        """Draw the chromaticities of photo and reference, once the panel is free."""
        if self.busy:
            self.warn("Something is still being measured; wait for it or cancel it.")
            return
        try:
            photos = [self.frame_in(self.layer)]
            if self.reference.value:
                photos.append(self.frame_in(self.reference))
            mask = None
            if self.region.value:
                same_size(*photos)
                layer = self.layer.value
                mask = inside(self.region.value, layer, self.index_of(layer))
        except PhotoError as error:
            self.warn(str(error))
            return
        work = chosen_colours(photos, mask)
        self.start_job(lambda _: work, self.show_colours, layer=self.layer.value)

    def show_colours(self, colours: dict[str, FloatImage]) -> None:
        """Draw chromaticities."""
        self._colours = colours
        self._draw()
        self.save_plot.enabled = True
        self.say(f"Chromaticities of {' and '.join(f'“{name}”' for name in colours)}.")

    def _draw(self) -> None:
        from core.pictures import chromaticity_figure

        if not self._colours:
            return
        diagram, theme = self.diagram.value, self.theme
        self.plot.show_figure(
            partial(chromaticity_figure, self._colours, diagram=diagram, theme=theme)
        )

    def save_drawing(self, path: Path) -> None:
        """Write the diagram as PNG, SVG or PDF."""
        from core.pictures import save_figure

        if self.plot.figure is None:
            self.warn("There is no diagram yet; draw one first.")
            return
        try:
            save_figure(self.plot.figure, path, overwrite=True)
        except PhotoError as error:
            self.warn(str(error))
        else:
            self.say(f"The diagram was saved as {path.name}.")

    def _on_destroyed(self) -> None:
        self._theme.disconnect(self._draw)
        super()._on_destroyed()

    def _on_save_table(self) -> None:
        path = self._asked("Save table", "table.csv", "Table (*.csv)")
        if path is not None:
            self.save_rows(path)

    def _on_save_plot(self) -> None:
        path = self._asked("Save diagram", "chromaticities.png", "Drawings (*.png *.svg *.pdf)")
        if path is not None:
            self.save_drawing(path)

    def _asked(self, title: str, name: str, kinds: str) -> Path | None:
        from qtpy.QtWidgets import QFileDialog

        path, _ = QFileDialog.getSaveFileName(self.native, title, name, kinds)
        return Path(path) if path else None
