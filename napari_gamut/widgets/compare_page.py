"""Compare: a curtain, a toggle, and zoomed crops of two layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import FloatSlider, PushButton, SpinBox
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_gamut._controls import screen_box
from napari_gamut._panel import Panel
from napari_gamut.layer_data import same_size, spatial_2d

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy.typing as npt
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    Halves = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

_CROP = 160


class CompareWidget(Panel):
    """Look at two layers before and after."""

    steps_name = "layers"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.before = self.layer_box("Before", "The left or first layer.")
        self.after = self.layer_box("After", "The right or second layer.")
        self.screen = screen_box()
        self.position = FloatSlider(
            label="Curtain",
            min=0.0,
            max=1.0,
            step=0.005,
            value=0.5,
            tooltip="Left of it is before, right of it after.",
        )
        self.toggle = PushButton(
            text="Show the other one", tooltip="Show either the layer before or the one after."
        )
        self.zoom = SpinBox(
            label="Zoom", min=1, max=16, value=4, tooltip="Screen pixels to a pixel of the crops."
        )
        self.run.tooltip = "Add a layer that shows before at the left and after at the right."
        self._shown: Image | None = None
        self._halves: Halves | None = None
        self._crops = [QLabel(), QLabel()]
        for crop in self._crops:
            crop.setFixedSize(_CROP, _CROP)
            crop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.extend([self.before, self.after, self.screen])
        self.add_run("Draw curtain")
        self.extend([self.position, self.toggle, self.zoom])
        self._row = self._crop_row()
        self._row.setVisible(False)
        self.add_native(self._row)
        self.finish_layout()
        self.say("Draw the curtain to compare; the crops follow the middle of the view.")
        self.position.enabled = False
        self.position.changed.connect(self.move)
        self.toggle.changed.connect(self.show_other)
        self.zoom.changed.connect(self.show_crops)
        self._camera = napari_viewer.scene.camera.events
        self._camera.center.connect(self.show_crops)

    def begin(self) -> None:
        """Render both layers for the screen in a worker, and draw the curtain."""
        photos = [self.frame_in(self.before), self.frame_in(self.after)]
        same_size(*photos)
        layer, display = self.before.value, self.screen.value
        place = spatial_2d(layer, self.index_of(layer))

        def work() -> Generator[tuple[int, int], None, Halves]:
            yield 0, 2
            left = photos[0].shown(display)
            yield 1, 2
            return left, photos[1].shown(display)

        def show(halves: Halves) -> None:
            self._show(halves, place)
            self.say(f"Left: {photos[0].name}. Right: {photos[1].name}.")

        self.start_job(lambda _: work(), show, layer=layer)

    def _show(self, halves: Halves, place: dict[str, Any]) -> None:
        self._halves = halves
        if self._shown is not None and self._shown in self.viewer.layers:
            self.viewer.layers.remove(self._shown)
        self._shown = self.viewer.add_image(
            self._composed(),
            name="before | after",
            rgb=True,
            contrast_limits=(0, 255),
            **place,
        )
        self.position.enabled = True
        self.show_crops()

    def move(self) -> None:
        """Move the curtain to where its slider is."""
        if self._shown is not None and self._shown in self.viewer.layers:
            self._shown.data = self._composed()

    def show_other(self) -> None:
        """Show the layer before if the one after is shown, and the other way round."""
        before: Layer | None = self.before.value
        after: Layer | None = self.after.value
        if before is None or after is None or before == after:
            self.warn("A toggle needs two different layers; choose them.")
            return
        if self._shown is not None:
            self._shown.visible = False
        first = not before.visible or after.visible
        before.visible, after.visible = first, not first
        self.say(f"Shown: {(before if first else after).name}")

    def show_crops(self, *_: object) -> None:
        """Show both layers enlarged around the middle of the view."""
        if self._halves is None or self._shown is None or self._shown not in self.viewer.layers:
            return
        self._row.setVisible(True)
        height, width = self._halves[0].shape[:2]
        centre = self._shown.world_to_data(self.viewer.scene.camera.center[-2:])
        side = max(1, _CROP // self.zoom.value)
        top = int(np.clip(centre[-2] - side / 2, 0, max(0, height - side)))
        left = int(np.clip(centre[-1] - side / 2, 0, max(0, width - side)))
        for label, half in zip(self._crops, self._halves, strict=True):
            crop = half[top : top + side, left : left + side]
            label.setPixmap(
                _pixmap(np.repeat(np.repeat(crop, self.zoom.value, 0), self.zoom.value, 1))
            )

    def _composed(self) -> npt.NDArray[np.uint8]:
        assert self._halves is not None
        left, right = self._halves
        border = round(self.position.value * left.shape[1])
        composed: npt.NDArray[np.uint8] = np.concatenate([left[:, :border], right[:, border:]], 1)
        return composed

    def _crop_row(self) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        for title, crop in zip(("Before, enlarged", "After, enlarged"), self._crops, strict=True):
            column = QVBoxLayout()
            caption = QLabel(title)
            caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(crop)
            column.addWidget(caption)
            layout.addLayout(column)
        return row

    def _on_destroyed(self) -> None:
        self._camera.center.disconnect(self.show_crops)
        super()._on_destroyed()


def _pixmap(image: npt.NDArray[np.uint8]) -> QPixmap:
    data = np.ascontiguousarray(image)
    height, width = data.shape[:2]
    return QPixmap.fromImage(
        QImage(data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    )
