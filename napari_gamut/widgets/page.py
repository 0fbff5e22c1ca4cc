"""What the pages of the panel share: controls, running one job, and telling people."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container, ProgressBar, PushButton
from napari.utils import progress as activity
from napari.utils.notifications import show_warning
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtWidgets import QComboBox, QFrame, QLabel

from core.errors import PhotoError
from napari_gamut import remembered
from napari_gamut.conversions import conversion
from napari_gamut.photos import LayerError, photo_of, record_of
from napari_gamut.places import place_in_colour, shown_index
from napari_gamut.records import KEY
from napari_gamut.regions import region_of
from napari_gamut.widgets.job import Job, TimeLeft, Work
from napari_gamut.widgets.layer_boxes import LayerBox, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from magicgui.widgets.bases import ValueWidget
    from napari.layers import Layer
    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from core.pictures import ThemeName
    from napari_gamut.photos import LayerPhoto
    from napari_gamut.places import Index
    from napari_gamut.regions import Region


_NARROWEST_BOX = 90
_LAID_OUT_MS = 50
"""Until a page has found its layout after something was added to it."""


class Page(Container[Any]):
    """A page of labelled controls, of which one job at a time runs.

    Parameters
    ----------
    viewer : Viewer
        Whose layers are worked on.

    Attributes
    ----------
    title : str
        On its tab.
    panel : GamutPanel
        Which holds the page.
    steps_name : str
        What progress counts, in the plural.
    told_before : str
        What comes before a job's progress, such as which of several photos it is of.
    """

    title = ""
    steps_name = "tiles"
    told_before = ""
    layer: ComboBox
    panel: Any = None

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(labels=True, scrollable=True)
        self._content: Any = super().native
        self.native.setFrameShape(QFrame.Shape.NoFrame)
        self.native.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewer = viewer
        self._job: Job | None = None
        self._again = False
        self._convertible: Hashable = None
        self._activity: Any = None
        self._is_drawing = False
        self._watched: Layer | None = None
        self._alive = True
        self._caption = ""
        self._clock = TimeLeft()
        self._kept: dict[str, ValueWidget[Any]] = {}
        self.run = PushButton(text="Run")
        self.progress = ProgressBar(value=0, min=0, max=1, visible=False)
        self.remedy = PushButton(
            text="Convert", visible=False, tooltip="Add a layer of the same values as a photo."
        )
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._note.setContentsMargins(6, 2, 6, 2)
        self._aligning = QTimer(self.native)
        self._aligning.setSingleShot(True)
        self._aligning.timeout.connect(self._align_labels)
        self._wanted: QWidget | None = None
        self._scrolling = QTimer(self.native)
        self._scrolling.setSingleShot(True)
        self._scrolling.setInterval(_LAID_OUT_MS)
        self._scrolling.timeout.connect(self._scroll)
        self.run.changed.connect(self._on_run)
        self.remedy.changed.connect(self._on_remedy)

    @property
    def native(self) -> Any:
        """The widget to be shown: everything scrolls where a window is too low."""
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
        """What the page says below its controls."""
        return str(self._note.text())

    def say(self, sentence: str) -> None:
        """Write a sentence below the controls."""
        if not self._alive:
            return
        self._note.setText(sentence)
        self._note.setVisible(bool(sentence))

    def add_run(self, caption: str) -> None:
        """Put the run button below the controls that were added."""
        self.name_run(caption)
        self.append(self.run)

    def name_run(self, caption: str) -> None:
        """Say what the run button does."""
        self._caption = self.run.text = caption

    def rename_run(self, caption: str) -> None:
        """Call the run button otherwise."""
        self._caption = caption
        if not self.busy:
            self.run.text = caption

    def finish_layout(self, *, stretch: bool = True) -> None:
        """Put progress and notes below everything that was added."""
        for widget in (self.progress.native, self._note, self.remedy.native):
            self.add_native(widget)
        if stretch:
            self._content.layout().addStretch()
        _let_shrink(self._content)
        # magicgui asks for the width that the controls would have had without it.
        self.native.setMinimumWidth(0)
        self.align_later()

    def bring_into_sight(self, widget: QWidget) -> None:
        """Scroll to a widget, once it has its place."""
        self._wanted = widget
        self._scrolling.start()

    def _scroll(self) -> None:
        widget = self._wanted
        if self._alive and widget is not None and widget.isVisible():
            top = widget.mapTo(self._content, QPoint(0, 0)).y()
            bar = self.native.verticalScrollBar()
            room = self.native.viewport().height()
            if top + widget.height() > bar.value() + room:
                bar.setValue(min(top, top + widget.height() - room))

    def align_later(self, *_: object) -> None:
        """Line up the controls once the page is in the window: then its fonts are known."""
        self._aligning.start()

    def add_native(self, widget: QWidget) -> None:
        """Put a Qt widget over the whole width below the controls."""
        self._content.layout().addWidget(widget)
        _let_shrink(widget)

    def remember(self, **controls: ValueWidget[Any]) -> None:
        """Set controls as they were left the last time, and keep what is chosen in them."""
        self._kept = controls
        for name, value in remembered.recall(self.title).items():
            if name in controls:
                try:
                    controls[name].value = value
                except (TypeError, ValueError):  # A choice or a range of another version.
                    continue
        for name, control in controls.items():
            control.changed.connect(partial(self._store, name))

    def renew(self) -> None:
        """Offer the layers that there are now."""
        for control in self:
            if isinstance(control, LayerBox):
                control.renew()

    def follow(self, layer: Layer | None) -> None:
        """Turn to the layer that people selected."""
        if layer is not None:
            choose(self.layer, layer)

    def start(self) -> None:
        """Do what the run button says, or tell people why it cannot be done."""
        try:
            self.begin()
        except PhotoError as error:
            self.fail(error)

    def start_again(self) -> None:
        """Do what the run button says; if that is being done already, once more after it."""
        if self.busy:
            self._again = True
        else:
            self.start()

    def begin(self) -> None:
        """Start the page's job; subclasses raise a PhotoError if a control is set wrongly."""

    def start_job(
        self,
        begin: Work[Any],
        done: Callable[[Any], None],
        *,
        layer: Layer | None = None,
    ) -> None:
        """Run a job; the button becomes Cancel, and removing the layer cancels, too.

        One that runs already is given up: nobody waits for what it brings.
        """
        if self._job is not None:
            self._job.abandon()
            self._end_activity()
        if self.panel is not None:
            self.panel.watch_window()
        self._watched = layer
        self._clock = TimeLeft()
        self.say("")
        self.remedy.visible = False
        # An empty bar, not a moving one: each of its moves would draw the whole window again.
        self.progress.max, self.progress.value = 1, 0
        self.progress.visible = True
        self.run.text = "Cancel"
        self._job = Job(
            begin, progress=self.show_progress, done=done, failed=self.fail, ended=self._on_end
        )

    def cancel(self, because: str = "Cancelled.") -> None:
        """Cancel the job, if one runs; the page is free at once."""
        self._again = False
        if self._job is not None:
            self._job.abandon()
            self._on_end()
            self.say(because)

    def close_down(self) -> None:
        """Stop everything: the panel is going away."""
        self._alive = False
        if self._job is not None:
            self._job.abandon()
            self._job = None
        self._end_activity()

    def layer_removed(self, layer: Layer) -> None:
        """Cancel the job if it works on a layer that is gone."""
        if self._watched is not None and layer is self._watched:
            self.cancel("Cancelled, since the layer was removed.")

    def layer_changed(self, layer: Layer) -> None:
        """Heed that a layer's photo was made anew; most pages show nothing of it."""

    def show_progress(self, value: tuple[int, int]) -> None:
        """Show steps done and steps in all."""
        done, total = value
        left = self._clock.sentence(done, total)
        counted = f"{done} of {total} {self.steps_name if total != 1 else self.steps_name[:-1]}"
        self.say(f"{self.told_before}{counted}{', ' + left if left else ''}" if total else "")
        self.show_bar(done, total)

    def _is_idle(self) -> bool:
        return self._job is None

    def show_bar(self, done: int, total: int) -> None:
        """Show steps done and in all as bars, here and in napari's activity dock.

        napari handles events meanwhile, so that the job may be over when it returns: this comes
        last. What is told in the meantime is left out, or each report would wait in the one before.
        """
        if not total or self._job is None or self._is_drawing:
            return
        self._is_drawing = True
        try:
            self._draw_bar(done, total)
        finally:
            self._is_drawing = False

    def _draw_bar(self, done: int, total: int) -> None:
        self.progress.max, self.progress.value = total, min(done, total)
        if self._activity is None:
            self._activity = activity(total=total, desc=self._caption)
            if self._is_idle():
                self._end_activity()
                return
        if self._activity is None:
            return
        self._activity.total = total
        self._activity.update(min(done, total) - self._activity.n)

    def warn(self, sentence: str) -> None:
        """Tell people that something did not work and what to do."""
        self.say(sentence)
        show_warning(sentence)

    def fail(self, error: PhotoError) -> None:
        """Tell people of an error, and offer what mends it."""
        self.warn(str(error))
        self._convertible = error.convertible if isinstance(error, LayerError) else None
        self.remedy.visible = self._convertible is not None

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

    def region_in(self, box: ComboBox, layer: Layer, feather: float = 0.0) -> Region | None:
        """Return what is marked on the frame that is shown of a layer; None for all of it.

        Parameters
        ----------
        box : ComboBox
            In which a layer of shapes or labels may be chosen.
        layer : Layer
            The photo.
        feather : float
            Pixels of the soft edge.

        Raises
        ------
        LayerError
            If nothing is marked there.
        """
        if box.value is None:
            return None
        return region_of(box.value, layer, self.index_of(layer), feather)

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
        bar = self.native.verticalScrollBar().sizeHint().width()
        self._content.setContentsMargins(0, 0, bar // 2, 0)
        if self.panel is not None:
            self.panel.widen(self._content.minimumSizeHint().width() + bar)

    def _store(self, name: str, *_: object) -> None:
        remembered.store(self.title, {name: self._kept[name].value})

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
        self._end_activity()
        self.progress.visible = False
        self.run.text = self._caption
        again, self._again = self._again, False
        if again:
            self.start()

    def _end_activity(self) -> None:
        if self._activity is not None:
            self._activity.close()
            self._activity = None

    def _on_remedy(self) -> None:
        found = [layer for layer in self.viewer.layers if layer.unique_id == self._convertible]
        if not found or self.busy:
            return
        layer: Any = found[0]
        data = layer.data[0] if layer.multiscale else layer.data
        try:
            record = record_of(layer)
        except PhotoError as error:
            self.fail(error)
            return

        def add(values: Any) -> None:
            top = {"u1": 255, "u2": 65535}.get(values.dtype.str[1:], 1)
            self.viewer.add_image(
                values,
                name=f"{layer.name} (converted)",
                rgb=True,
                contrast_limits=(0, top),
                metadata={KEY: record},
                **place_in_colour(layer),
            )
            self.say("The converted layer can be used now.")

        work = partial(conversion, layer.name, np.asarray(data))
        self.start_job(lambda _: work(), add, layer=layer)


def _let_shrink(widget: QWidget) -> None:
    """Let combo boxes be narrower than what they offer; Qt keeps the hint that it had first."""
    for box in widget.findChildren(QComboBox):
        box.setMinimumWidth(_NARROWEST_BOX)
