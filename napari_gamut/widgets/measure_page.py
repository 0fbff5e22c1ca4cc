"""The page Measure: figures between two layers, and where their colours lie."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, PushButton
from qtpy.QtWidgets import QApplication, QLabel

from core.errors import PhotoError
from napari_gamut.measuring import chosen_colours, measure
from napari_gamut.naming import counted, percentage
from napari_gamut.photos import LayerError, same_size
from napari_gamut.roles import is_photo, reference_of
from napari_gamut.tables import Table, rows_of
from napari_gamut.widgets.exporting import asked_path, save_drawing
from napari_gamut.widgets.figure_view import FigureView
from napari_gamut.widgets.layer_boxes import choose, layer_box, reference_box, region_box
from napari_gamut.widgets.metrics_table import MetricsTable
from napari_gamut.widgets.page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image
    from napari.viewer import Viewer

    from core.metrics import PhotoMetrics
    from napari_gamut.measuring import Colours

_CODES = "codes"
_DRAWINGS = (
    ("CIE 1931 x, y", "xy"),
    ("CIE 1976 u′, v′", "uv"),
    ("Histogram of the codes", _CODES),
)


class MeasurePage(Page):
    """Measure a layer against a reference, and draw chromaticities."""

    title = "Measure"
    steps_name = "steps"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.layer = layer_box(viewer, "Photo", "The layer to be measured.", is_photo)
        self.reference = reference_box(viewer)
        self.region = region_box(
            viewer,
            "Shapes or labels: only the pixels inside are measured and drawn.",
        )
        self.diagram = ComboBox(
            label="Drawing",
            choices=_DRAWINGS,
            value="xy",
            tooltip="Where colours lie in a chromaticity diagram, or how often each code occurs.",
        )
        self.overlaid = CheckBox(
            text="Both photos in one diagram",
            tooltip="Photo and reference over each other, instead of side by side.",
        )
        self.run.tooltip = "PSNR, SSIM and CIEDE2000 between photo and reference, by region."
        self.draw = PushButton(
            text="Draw", tooltip="Draw the colours of photo and reference, below."
        )
        self.copy = PushButton(text="Copy table", tooltip="For a spreadsheet.", enabled=False)
        self.save_table = PushButton(
            text="Save table…", tooltip="As comma-separated values (CSV).", enabled=False
        )
        self.save_plot = PushButton(text="Save plot…", tooltip="As PNG, SVG or PDF.", enabled=False)
        self._colours: dict[str, Colours] = {}
        self.measured: Table | None = None
        self.table = MetricsTable()
        self.measured_label = QLabel()
        self.measured_label.setContentsMargins(6, 2, 6, 0)
        self.measured_label.setWordWrap(True)
        self.measured_label.hide()
        self.plot = FigureView()
        self.extend([self.layer, self.reference, self.region, self.diagram, self.overlaid])
        self.name_run("Measure")
        self._actions: Container[Any] = Container(
            widgets=[self.run, self.draw], layout="horizontal", labels=False
        )
        self._actions.margins = (0, 0, 0, 0)
        self.add_native(self._actions.native)
        self.add_native(self.measured_label)
        self.add_native(self.table)
        self.table.hide()
        self._buttons: Container[Any] = Container(
            widgets=[self.copy, self.save_table, self.save_plot], layout="horizontal", labels=False
        )
        self._buttons.margins = (0, 0, 0, 0)
        self.add_native(self._buttons.native)
        self.finish_layout(stretch=False)
        self.hovered = QLabel()
        self.hovered.setContentsMargins(6, 0, 6, 0)
        self.hovered.setWordWrap(True)
        self.hovered.hide()
        self.add_native(self.hovered)
        self.add_native(self.plot)
        self.plot.hide()
        self.plot.listen("motion_notify_event", self._on_hover)
        self._content.layout().addStretch()
        self._buttons.visible = False
        self.say("Choose a photo and its wide-gamut original, and measure.")
        self.remember(diagram=self.diagram, overlaid=self.overlaid)
        self.layer.changed.connect(self._on_layer)
        self._on_layer(self.layer.value)
        self.draw.changed.connect(self.draw_diagram)
        self.copy.changed.connect(self.copy_table)
        self.save_table.changed.connect(self._on_save_table)
        self.save_plot.changed.connect(self._on_save_plot)
        self._theme = viewer.events.theme
        self._theme.connect(self._draw)
        self.diagram.changed.connect(self._draw)
        self.overlaid.changed.connect(self._draw)

    def begin(self) -> None:
        """Measure in a worker."""
        layer: Image | None = self.layer.value
        photo = self.frame_in(self.layer)
        if self.reference.value is None:
            raise LayerError("Measuring needs the wide-gamut original; choose a reference.")
        reference = self.frame_in(self.reference)
        same_size(photo, reference)
        region = self.region_in(self.region, self.layer.value)
        inside = "" if region is None else region.name

        def show(metrics: PhotoMetrics) -> None:
            rows = rows_of(metrics)
            self.show_metrics(metrics, Table(photo.name, reference.name, inside, rows))

        self.start_job(lambda _: measure(photo, reference, region), show, layer=layer)

    def show_metrics(self, metrics: PhotoMetrics, measured: Table) -> None:
        """Fill the table, and say what it is of: other layers may be chosen since."""
        self.measured = measured
        self.table.fill(measured.rows)
        self.table.show()
        self.measured_label.setText(measured.title)
        self.measured_label.show()
        self._buttons.visible = True
        self.copy.enabled = self.save_table.enabled = True
        where = f" inside “{measured.inside}”" if measured.inside else ""
        pixels = counted(metrics.regions["all"].pixels, "pixel")
        self.say(
            f"{pixels}{where}, of which {percentage(metrics.out_of_gamut_share)} lie outside sRGB "
            "in the reference."
        )

    def copy_table(self) -> None:
        """Put the table on the clipboard, for a spreadsheet."""
        if self.measured is None:
            return
        QApplication.clipboard().setText(self.measured.separated("\t"))
        self.say("The table is on the clipboard.")

    def save_rows(self, path: Path) -> None:
        """Write the table as CSV."""
        from core.files import write_bytes

        if self.measured is None:
            return
        try:
            write_bytes(path, self.measured.separated().encode("utf-8-sig"), overwrite=True)
        except PhotoError as error:
            self.warn(str(error))
        else:
            self.say(f"The table was saved as {path.name}.")

    def draw_diagram(self) -> None:
        """Draw the colours of photo and reference, once the page is free."""
        if self.busy:
            self.warn("Something is still being measured; wait for it or cancel it.")
            return
        try:
            photos = [self.frame_in(self.layer)]
            if self.reference.value:
                photos.append(self.frame_in(self.reference))
            region = self.region_in(self.region, self.layer.value)
            if region is not None:
                same_size(*photos)
        except PhotoError as error:
            self.fail(error)
            return
        work = chosen_colours(photos, region)
        self.start_job(lambda _: work, self.show_colours, layer=self.layer.value)

    def show_colours(self, colours: dict[str, Colours]) -> None:
        """Draw what was collected."""
        self._colours = colours
        self._draw()
        self.save_plot.enabled = True
        self._buttons.visible = True
        self.say(f"Colours of {' and '.join(f'“{name}”' for name in colours)}.")
        self.bring_into_sight(self.plot)

    def save_drawing(self, path: Path) -> None:
        """Write what is drawn as PNG, SVG or PDF."""
        save_drawing(self, self.plot, path)

    def close_down(self) -> None:
        """Listen to nothing any more."""
        super().close_down()
        self._theme.disconnect(self._draw)

    def _on_layer(self, layer: Image | None) -> None:
        if layer is not None:
            choose(self.reference, reference_of(layer, self.viewer.layers))

    def _draw(self, *_: object) -> None:
        from core.pictures import chromaticity_figure, code_figure, overlaid_figure

        self.overlaid.enabled = self.diagram.value != _CODES
        if not self._colours:
            return
        diagram, theme = self.diagram.value, self.theme
        self.hovered.setVisible(diagram != _CODES)
        self.hovered.setText("Point at the diagram: what it says of a colour stands here.")
        if diagram == _CODES:
            shares = {name: colours.codes for name, colours in self._colours.items()}
            self.plot.show_figure(partial(code_figure, shares, theme=theme))
            return
        values = {name: colours.values for name, colours in self._colours.items()}
        draw = overlaid_figure if self.overlaid.value else chromaticity_figure
        self.plot.show_figure(partial(draw, values, diagram=diagram, theme=theme))

    def _on_hover(self, event: Any) -> None:
        from core.pictures import pointed_at

        axes = event.inaxes
        if self.diagram.value == _CODES or axes is None or axes.get_label() == "<colorbar>":
            return
        found = pointed_at(event.xdata, event.ydata, self.diagram.value)
        swatch = f'<span style="background-color: rgb{found.colour}">{"&nbsp;" * 4}</span>'
        self.hovered.setText(f"{swatch}&nbsp; {found.sentence}")

    def _on_save_table(self) -> None:
        path = asked_path(self, "Save table", "table.csv", "Table (*.csv)")
        if path is not None:
            self.save_rows(path)

    def _on_save_plot(self) -> None:
        path = asked_path(self, "Save drawing", "colours.png")
        if path is not None:
            self.save_drawing(path)
