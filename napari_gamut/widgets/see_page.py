"""The page See: before and after so that any screen shows what came back."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, FloatSlider
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel

from core.pictures.seen import STRONGEST
from napari_gamut.levels import levels, shown
from napari_gamut.photos import LayerError, same_size
from napari_gamut.places import in_stack, place_of
from napari_gamut.records import PICTURE
from napari_gamut.roles import counterpart_of, is_photo, is_wide
from napari_gamut.seeing import Pair, curtain, pair_of
from napari_gamut.widgets.controls import look_box, look_kept
from napari_gamut.widgets.layer_boxes import choose, layer_box
from napari_gamut.widgets.page import Page
from napari_gamut.widgets.shortcuts import BEFORE, GAINED, WARNING

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from napari_gamut.places import Index

_CURTAIN, _BEFORE, _AFTER = "curtain", "before", "after"
_SHOWN = (("Curtain", _CURTAIN), ("Before", _BEFORE), ("After", _AFTER))
_FIXED = ("scale", "translate")
_BREATH_MS = 120
_BREATH_S = 2.4


class SeePage(Page):
    """Look at two layers before and after."""

    title = "See"
    steps_name = "steps"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.before = layer_box(viewer, "Before", "The left or first photo.", is_photo)
        self.after = layer_box(viewer, "After", "The right or second photo.", is_photo)
        self.layer = self.after
        self.look = look_box()
        self.show_box = ComboBox(
            label="Show", choices=_SHOWN, value=_CURTAIN, tooltip="Which of the two is shown."
        )
        self.position = FloatSlider(
            label="Curtain",
            min=0.0,
            max=1.0,
            step=0.005,
            value=0.5,
            tooltip="Left of it is before, right of it after.",
        )
        self.gained = CheckBox(
            text="Light up what came back",
            tooltip="Marks pixels by how much of their restored colour the eye sees (ΔE2000).",
        )
        self.warning = CheckBox(
            text="Gamut warning",
            tooltip="Marks colours that the screen cannot show; the mark breathes.",
        )
        self.run.tooltip = "Add a picture of both photos, on top of all layers."
        self.extend([self.before, self.after, self.look])
        self.add_run("Compare")
        self.extend([self.show_box, self.position, self.gained, self.warning])
        hint = QLabel(
            f"Over the picture: hold {BEFORE} for before, {GAINED} for what came back, "
            f"{WARNING} for the warning."
        )
        hint.setWordWrap(True)
        hint.setContentsMargins(6, 0, 6, 0)
        self.add_native(hint)
        self.finish_layout()
        self.say("Compare two photos of the same size.")
        self.remember(**look_kept(self.look), gained=self.gained, warning=self.warning)
        self._pair: Pair | None = None
        self._place: dict[str, Any] = {}
        self._index: Index = ()
        self._shown: Image | None = None
        self._buffer: npt.NDArray[np.uint8] | None = None
        self._held = False
        self._overlays: dict[str, Image] = {}
        self._breath = QTimer(self.native)
        self._breath.setInterval(_BREATH_MS)
        self._breath.timeout.connect(self._breathe)
        self._phase = 0.0
        self._enable(False)
        self.position.changed.connect(self._on_position)
        self.show_box.changed.connect(self._on_show)
        self.look.changed.connect(self._on_look)
        self.gained.changed.connect(self._on_overlays)
        self.warning.changed.connect(self._on_overlays)

    def follow(self, layer: Layer | None) -> None:
        """Put the selected photo and the one that belongs to it before and after."""
        if layer is None or not is_photo(layer):
            return
        other = counterpart_of(layer, self.viewer.layers)
        if other is None:
            choose(self.after, layer)
            return
        if layer in (self.before.value, self.after.value) and other in (
            self.before.value,
            self.after.value,
        ):
            return  # The two are chosen already; which is before stays as it was.
        first, second = (other, layer) if is_wide(layer) and not is_wide(other) else (layer, other)
        choose(self.before, first)
        choose(self.after, second)

    @property
    def is_showing(self) -> bool:
        """Whether a picture of two photos is there."""
        return self._pair is not None and self._is_there(self._shown)

    def begin(self) -> None:
        """Render both photos in a worker, and show them."""
        layer: Image | None = self.after.value
        before, after = self.frame_in(self.before), self.frame_in(self.after)
        if self.before.value is self.after.value:
            if counterpart_of(self.after.value, self.viewer.layers) is None:
                raise LayerError(
                    f"There is nothing to compare “{after.name}” with yet; expand it first."
                )
            raise LayerError("Before and after are the same layer; choose two different ones.")
        same_size(before, after)
        assert layer is not None
        index = self.index_of(layer)

        def show(pair: Pair) -> None:
            self._index = index
            self._place = place_of(layer, index, step=pair.step)
            self._show(pair, f"{before.name} | {after.name}")

        self.start_job(partial(pair_of, before, after, self.look.value), show, layer=layer)

    def layer_changed(self, layer: Layer) -> None:
        """Render the picture again, if it is of a layer that was changed."""
        if layer in (self.before.value, self.after.value):
            self._renew_picture()

    def redraw(self, *_: object) -> None:
        """Show the curtain, or one of the two, as it is chosen or held."""
        if self._pair is None or self._buffer is None or not self._is_there(self._shown):
            return
        shown = _BEFORE if self._held else self.show_box.value
        width = self._buffer.shape[1]
        border = {
            _BEFORE: width,
            _AFTER: 0,
            _CURTAIN: round(self.position.value * width),
        }[shown]
        curtain(self._pair.before, self._pair.after, border, self._buffer)
        assert self._shown is not None
        self._shown.visible = True
        self._shown.refresh(thumbnail=False, highlight=False, extent=False)

    def hold(self, held: bool) -> None:
        """Show the photo before while a key is held."""
        self._held = held
        if held and not self.is_showing:
            self.say("Compare two photos first.")
        self.redraw()
        if held:
            self._tell_covering()

    def layer_removed(self, layer: Layer) -> None:
        """Let go of a picture that is gone, and of what it was drawn from."""
        super().layer_removed(layer)
        if layer is self._shown:
            self._pair = self._buffer = self._shown = None
            self._enable(False)
        self._overlays = {
            name: overlay for name, overlay in self._overlays.items() if overlay is not layer
        }

    def close_down(self) -> None:
        """Let the warning breathe no more."""
        super().close_down()
        self._breath.stop()

    def _tell_covering(self) -> None:
        above = self._covering()
        if above:
            self.say(f"“{above}” lies over the picture; hide it to see both photos.")

    def _covering(self) -> str:
        """Return the name of a layer that hides the picture; empty without one."""
        layers = list(self.viewer.layers)
        if not self._is_there(self._shown):
            return ""
        for layer in layers[layers.index(self._shown) + 1 :]:
            is_opaque = layer.__class__.__name__ == "Image" and layer.opacity > 0.9
            if layer.visible and is_opaque and layer not in self._overlays.values():
                return str(layer.name)
        return ""

    def _show(self, pair: Pair, name: str) -> None:
        self._pair = pair
        if self._fits(pair.after.shape):
            assert self._shown is not None
            self._shown.name = name
        else:
            for layer in (self._shown, *self._overlays.values()):
                if self._is_there(layer):
                    self.viewer.layers.remove(layer)
            self._overlays = {}
            self._buffer = pair.after.copy()
            self._shown = self._added(self._buffer, name)
        for overlay, picture in self._pictures().items():
            layer = self._overlays.get(overlay)
            if layer is not None and self._is_there(layer):
                layer.data = levels(in_stack(picture, self._index), self._axes)
        self._enable(True)
        self._on_overlays()
        self.redraw()
        self._tell()

    def _added(self, picture: npt.NDArray[np.uint8], name: str) -> Image:
        active = self.viewer.layers.selection.active
        added: Image = self.viewer.add_image(
            **shown(in_stack(picture, self._index), self._axes),
            name=name,
            rgb=True,
            contrast_limits=(0, 255),
            metadata=PICTURE,
            **self._place,
        )
        if active is not None:  # People go on with their photo, not with the picture of it.
            self.viewer.layers.selection.active = active
        return added

    @property
    def _axes(self) -> tuple[int, int]:
        """Rows and columns of a picture in its stack."""
        return len(self._index), len(self._index) + 1

    def _on_overlays(self, *_: object) -> None:
        if self._pair is None:
            return
        boxes = (self.gained, self.warning)
        for (name, picture), box in zip(self._pictures().items(), boxes, strict=True):
            layer = self._overlays.get(name)
            if box.value and not self._is_there(layer):
                self._overlays[name] = self._added(picture, name)
            elif layer is not None and self._is_there(layer):
                layer.visible = box.value
        if self.warning.value:
            self._breath.start()
        else:
            self._breath.stop()
        if not self.busy:
            self._tell()

    def _tell(self) -> None:
        """Say how much came back, and what the marks mean that are shown."""
        assert self._pair is not None
        told = [self._pair.gain.sentence]
        if self.gained.value:
            told.append(f"Lit up: the brighter, the more came back, up to ΔE {STRONGEST:g}.")
        if self.warning.value:
            told.append(f"Yellow: beyond {self._pair.screen}.")
        self.say(" ".join(told))

    def _pictures(self) -> dict[str, npt.NDArray[np.uint8]]:
        assert self._pair is not None
        return {"what came back": self._pair.gained, "gamut warning": self._pair.warning}

    def _fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether a picture may take the place of the one that is shown."""
        if self._shown is None or self._buffer is None or not self._is_there(self._shown):
            return False
        same = (np.array_equal(getattr(self._shown, key), self._place[key]) for key in _FIXED)
        return self._buffer.shape == shape and all(same)

    def _breathe(self) -> None:
        layer = self._overlays.get("gamut warning")
        if layer is None or not self._is_there(layer) or not layer.visible:
            self._breath.stop()
            return
        self._phase = (self._phase + _BREATH_MS / 1000 / _BREATH_S) % 1.0
        layer.opacity = 0.5 - 0.4 * math.cos(2 * math.pi * self._phase)

    def _on_show(self, *_: object) -> None:
        self.redraw()
        self._tell_covering()

    def _on_position(self, *_: object) -> None:
        if self.show_box.value != _CURTAIN:
            self.show_box.value = _CURTAIN
        else:
            self.redraw()

    def _on_look(self, *_: object) -> None:
        self._renew_picture()

    def _renew_picture(self) -> None:
        """Render again what is shown, or is about to be."""
        if self.busy or self.is_showing:
            self.start_again()

    def _enable(self, enabled: bool) -> None:
        self.position.enabled = self.show_box.enabled = enabled

    def _is_there(self, layer: Any) -> bool:
        return layer is not None and layer in self.viewer.layers
