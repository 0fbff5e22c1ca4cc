"""Measure: figures between two layers, and where their colours lie."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container, PushButton
from qtpy.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableWidget
from qtpy.QtWidgets import QTableWidgetItem as Item

from core.colour import SRGB
from core.errors import PhotoError
from core.gamut import ROUNDING, out_of_gamut_mask
from napari_gamut._figure_view import FigureView
from napari_gamut._panel import Panel
from napari_gamut.layer_data import LayerError, frame_index, photo_of, same_size
from napari_gamut.tables import HEADER, rows_of, separated

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt
    from napari.layers import Image, Shapes
    from napari.viewer import Viewer

    from core.metrics import PhotoMetrics
    from napari_gamut.layer_data import Index, LayerPhoto

_DIAGRAMS = (("CIE 1931 x, y", "xy"), ("CIE 1976 u′, v′", "uv"))


class MeasureWidget(Panel):
    """Measure a layer against a reference, and draw chromaticities.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers are worked on.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.layer = self.layer_box("Photo", "The layer to be measured.")
        self.reference = self.layer_box(
            "Reference", "The wide-gamut original that the photo is compared with.", optional=True
        )
        self.region = self.layer_box(
            "Region",
            "A shapes layer: the diagram is drawn for the pixels inside its shapes.",
            optional=True,
            shapes=True,
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
        self.save_plot = PushButton(
            text="Save diagram…", tooltip="As PNG, SVG or PDF.", enabled=False
        )
        self.rows: list[tuple[str, ...]] = []
        self.table = QTableWidget(0, len(HEADER))
        self.table.setHorizontalHeaderLabels(HEADER)
        self.table.setToolTip("ΔE is CIEDE2000: its mean, and what 95 % of the pixels stay below.")
        self.table.verticalHeader().setVisible(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.setMinimumHeight(130)
        self.table.setMaximumHeight(140)
        self.plot = FigureView(360)
        self.extend([self.layer, self.reference, self.region, self.diagram])
        self.add_run("Measure")
        self.append(self.draw)
        self.add_native(self.table)
        buttons: Container[Any] = Container(
            widgets=[self.copy, self.save_table, self.save_plot], layout="horizontal", labels=False
        )
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
        self._theme.connect(self._on_theme)

    def start(self) -> None:
        """Measure in a worker."""
        layer: Image | None = self.layer.value
        step = self.viewer.dims.current_step
        try:
            photo = photo_of(layer)
            if self.reference.value is None:
                raise LayerError("Measuring needs the wide-gamut original; choose a reference.")
            reference = photo_of(self.reference.value)
            same_size(photo, reference)
        except PhotoError as error:
            self.warn(str(error))
            return
        index, other = frame_index(photo, step), frame_index(reference, step)

        def work() -> Generator[tuple[int, int], None, PhotoMetrics]:
            yield 0, 0
            return measured(photo, reference, index, other)

        self.start_job(work(), self.show_metrics, layer=layer)

    def show_metrics(self, metrics: PhotoMetrics) -> None:
        """Fill the table."""
        self.rows = rows_of(metrics)
        self.table.setRowCount(len(self.rows))
        for line, row in enumerate(self.rows):
            for column, text in enumerate(row):
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
        """Draw the chromaticities of photo and reference."""
        from core.figures import chromaticity_figure

        step = self.viewer.dims.current_step
        try:
            layers = [self.layer.value, self.reference.value]
            photos = [photo_of(layers[0])] + [photo_of(item) for item in layers[1:] if item]
            mask = inside(self.region.value, photos[0]) if self.region.value else None
            images = {}
            for photo in photos:
                values = photo.prophoto(frame_index(photo, step))
                if mask is not None and mask.shape != values.shape[:2]:
                    raise LayerError(
                        f"“{photo.name}” is not as large as “{photos[0].name}”; choose two layers "
                        "of the same size, or no region."
                    )
                images[photo.name] = values if mask is None else values[mask]
        except PhotoError as error:
            self.warn(str(error))
            return
        self.plot.show_figure(
            partial(chromaticity_figure, images, diagram=self.diagram.value, theme=self.theme)
        )
        self.save_plot.enabled = True

    def save_drawing(self, path: Path) -> None:
        """Write the diagram as PNG, SVG or PDF."""
        from core.figures import save_figure

        if self.plot.figure is None:
            self.warn("There is no diagram yet; draw one first.")
            return
        try:
            save_figure(self.plot.figure, path, overwrite=True)
        except PhotoError as error:
            self.warn(str(error))
        else:
            self.say(f"The diagram was saved as {path.name}.")

    def _on_theme(self) -> None:
        if self.plot.figure is not None:
            self.draw_diagram()

    def _on_destroyed(self) -> None:
        self._theme.disconnect(self._on_theme)
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


def measured(
    photo: LayerPhoto, reference: LayerPhoto, index: Index, reference_index: Index
) -> PhotoMetrics:
    """Return the figures of a frame against its reference (:func:`core.metrics.compare`)."""
    from core.metrics import compare

    mask = out_of_gamut_mask(reference.linear(SRGB, reference_index), ROUNDING)
    return compare(reference.prophoto(reference_index), photo.prophoto(index), mask)


def inside(shapes: Shapes, photo: LayerPhoto) -> npt.NDArray[np.bool_]:
    """Return the pixels of a photo inside the shapes of a layer.

    Parameters
    ----------
    shapes : Shapes
        In the photo's own coordinates.
    photo : LayerPhoto
        Gives the size.

    Raises
    ------
    LayerError
        If the shapes hold no pixel of the photo.
    """
    mask = np.zeros(photo.size, np.bool_)
    if len(shapes.data):
        mask = shapes.to_masks(mask_shape=photo.size).any(axis=0)
    if not mask.any():
        raise LayerError(f"“{shapes.name}” holds no pixel of the photo; draw a shape over it.")
    return mask
