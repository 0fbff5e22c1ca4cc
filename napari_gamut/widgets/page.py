"""What the dock widgets share: choosing layers, running one job, and telling people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, ProgressBar, PushButton
from napari.layers import Image, Shapes
from napari.utils.notifications import show_warning
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QComboBox, QFrame, QLabel

from core.errors import PhotoError
from napari_gamut._job import Job, TimeLeft, Work
from napari_gamut.layer_data import photo_of, shown_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from core.pictures import ThemeName
    from napari_gamut.layer_data import Index, LayerPhoto

_LOWEST = 240


class Panel(Container[Any]):
    """A dock widget of labelled controls, of which one job at a time runs.

    Parameters
    ----------
    viewer : Viewer
        Whose layers are worked on.

    Attributes
    ----------
    steps_name : str
        What progress counts.
    """

    steps_name = "tiles"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(labels=True, scrollable=True)
        self._content: Any = super().native
        self.native.setFrameShape(QFrame.Shape.NoFrame)
        self.native.setSizeAdjustPolicy(self.native.SizeAdjustPolicy.AdjustToContents)
        self.native.setMinimumHeight(_LOWEST)
        self.viewer = viewer
        self._job: Job | None = None
        self._watched: Layer | None = None
        self._alive = True
        self._caption = ""
        self._clock = TimeLeft()
        self.run = PushButton(text="Run")
        self.progress = ProgressBar(value=0, min=0, max=1, visible=False)
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._note.setContentsMargins(6, 2, 6, 2)
        self.run.changed.connect(self._on_run)
        self._events = viewer.layers.events
        self._events.removed.connect(self._on_removed)
        window: Any = self.native
        window.destroyed.connect(self._on_destroyed)
        self._watcher = Watcher(window, self.cancel)

    @property
    def native(self) -> Any:
        """The widget that napari docks: everything scrolls where a window is too low."""
        return self.root_native_widget

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._job is not None

    @property
    def theme(self) -> ThemeName:
        """The page of drawings that goes with the viewer's theme."""
        from napari.utils.theme import get_theme

        lightness = sum(get_theme(self.viewer.theme).background.as_rgb_tuple()[:3])
        return "light" if lightness > 3 * 127 else "dark"

    @property
    def note(self) -> str:
        """What the panel says below its controls."""
        return str(self._note.text())

    def say(self, sentence: str) -> None:
        """Write a sentence below the controls."""
        if not self._alive:
            return
        self._note.setText(sentence)
        self._note.setVisible(bool(sentence))

    def add_run(self, caption: str) -> None:
        """Put the run button below the controls that were added."""
        self._caption = self.run.text = caption
        self.append(self.run)

    def finish_layout(self, *, stretch: bool = True) -> None:
        """Put progress and notes below everything that was added."""
        self.add_native(self.progress.native)
        self.add_native(self._note)
        if stretch:
            self._content.layout().addStretch()
        self.align_later()

    def align_later(self, *_: object) -> None:
        """Line up the controls once the panel is in the window: then its fonts are known."""
        QTimer.singleShot(0, self._align_labels)

    def add_native(self, widget: QWidget) -> None:
        """Put a Qt widget over the whole width below the controls."""
        self._content.layout().addWidget(widget)

    def start(self) -> None:
        """Do what the run button says, or tell people why it cannot be done."""
        try:
            self.begin()
        except PhotoError as error:
            self.warn(str(error))

    def begin(self) -> None:
        """Start the panel's job; subclasses raise a PhotoError if a control is set wrongly."""

    def start_job(
        self,
        begin: Work[Any],
        done: Callable[[Any], None],
        *,
        layer: Layer | None = None,
    ) -> None:
        """Run a job; the button becomes Cancel, and removing the layer cancels, too."""
        self._watched = layer
        self._watcher.watch_window()
        self._clock = TimeLeft()
        self.say("")
        self.progress.value, self.progress.max = 0, 0
        self.progress.visible = True
        self.run.text = "Cancel"
        self._job = Job(
            begin, progress=self.show_progress, done=done, failed=self.warn, ended=self._on_end
        )

    def cancel(self) -> None:
        """Cancel the job, if one runs."""
        if self._job is not None:
            self._job.cancel()
            self.say("Cancelled.")

    def show_progress(self, value: tuple[int, int]) -> None:
        """Show steps done and steps in all."""
        done, total = value
        self.progress.max = total
        self.progress.value = min(done, total)
        left = self._clock.sentence(done, total)
        counted = f"{done} of {total} {self.steps_name}"
        self.say(f"{counted}{', ' + left if left else ''}" if total else "")

    def warn(self, sentence: str) -> None:
        """Tell people that something did not work and what to do."""
        self.say(sentence)
        show_warning(sentence)

    def images(self, *_: object) -> list[tuple[str, Image]]:
        """Return the image layers for a combo box."""
        return [(layer.name, layer) for layer in self.viewer.layers if isinstance(layer, Image)]

    def shapes(self, *_: object) -> list[tuple[str, Shapes]]:
        """Return the shapes layers for a combo box."""
        return [(layer.name, layer) for layer in self.viewer.layers if isinstance(layer, Shapes)]

    def layer_box(
        self, label: str, tooltip: str, *, optional: bool = False, shapes: bool = False
    ) -> ComboBox:
        """Return a combo box of layers; the active layer is chosen first."""
        box = ComboBox(
            label=label,
            tooltip=tooltip,
            choices=self.shapes if shapes else self.images,
            nullable=optional,
        )
        active = self.viewer.layers.selection.active
        if not optional and active in box.choices:
            box.value = active
        return box

    def photo_box(self, tooltip: str = "The sRGB layer whose colours were clipped.") -> ComboBox:
        """Return a combo box for the photo that a panel works on."""
        return self.layer_box("Photo", tooltip)

    def reference_box(self) -> ComboBox:
        """Return a combo box for the original that a photo is compared with."""
        return self.layer_box(
            "Reference", "The wide-gamut original, if you have it.", optional=True
        )

    def region_box(self, tooltip: str) -> ComboBox:
        """Return a combo box for a shapes layer."""
        return self.layer_box("Region", tooltip, optional=True, shapes=True)

    def index_of(self, layer: Layer) -> Index:
        """Return which frame of a layer is shown."""
        return shown_index(layer, self.viewer.dims.point)

    def frame_in(self, box: ComboBox) -> LayerPhoto:
        """Return the photo that is shown of the layer in a combo box.

        Raises
        ------
        LayerError
            If the layer holds none.
        """
        photo = photo_of(box.value)
        return photo.frame(self.index_of(box.value))

    def containers(self) -> list[Container[Any]]:
        """Return the groups of labelled controls, each with a column of labels of its own."""
        return [self]

    def _align_labels(self) -> None:
        if not self._alive:
            return
        for container in self.containers():
            names = {widget.label for widget in container} - {""}
            found = container.native.findChildren(QLabel)
            labels = [label for label in found if label.text() in names]
            width = max((label.sizeHint().width() for label in labels), default=0)
            for label in labels:
                label.setFixedWidth(width)
        for box in self.native.findChildren(QComboBox):
            box.setSizeAdjustPolicy(box.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        bar = self.native.verticalScrollBar().sizeHint().width()
        self.native.setMinimumWidth(self._content.minimumSizeHint().width() + bar)

    def _on_run(self) -> None:
        if self.busy:
            self.cancel()
        else:
            self.start()

    def _on_end(self) -> None:
        if not self._alive:
            return
        self._job = None
        self._watched = None
        self.progress.visible = False
        self.run.text = self._caption

    def _on_removed(self, event: Any) -> None:
        if self._watched is not None and event.value == self._watched and self._job is not None:
            self._job.cancel()
            self.say("Cancelled, since the layer was removed.")

    def _on_destroyed(self) -> None:
        self._alive = False
        self._events.removed.disconnect(self._on_removed)
        if self._job is not None:
            self._job.abandon()
            self._job = None


class Watcher(QObject):  # type: ignore[misc]
    """Tells when a panel is taken out of its window, or the window closes."""

    def __init__(self, native: Any, gone: Callable[[], None]) -> None:
        super().__init__(native)
        self._native, self._gone = native, gone
        native.installEventFilter(self)

    def watch_window(self) -> None:
        """Look out for the end of the window that the panel is in now."""
        window = self._native
        while window.parentWidget() is not None:
            window = window.parentWidget()
        window.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Look at an event and let it pass."""
        kind = event.type()
        taken_out = kind == QEvent.Type.ParentChange and watched.parent() is None
        if kind == QEvent.Type.Close or taken_out:
            self._gone()
        return False
