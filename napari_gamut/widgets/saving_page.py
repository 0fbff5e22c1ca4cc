"""A page from which wide colours are saved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from core.errors import PhotoError
from napari_gamut.photos import photo_of
from napari_gamut.roles import is_wide, result_of
from napari_gamut.saving import Saved, saving, target_of
from napari_gamut.widgets.dialogs import asked_target
from napari_gamut.widgets.page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer


class SavingPage(Page):
    """Saves the layer that people mean, beside the window."""

    _saving = False

    def save(self, path: str | Path, layer: Layer | None = None) -> None:
        """Write a layer's wide colours in a worker, by default those of the active layer."""
        chosen = layer if layer is not None else self._wide_layer()
        try:
            photo, target = photo_of(chosen), target_of(path)
        except PhotoError as error:
            self.fail(error)
            return

        def tell(saved: Saved) -> None:
            self.say(saved.sentence)

        self._saving = True
        self.start_job(partial(saving, photo, target), tell, layer=chosen)

    def show_progress(self, value: tuple[int, int]) -> None:
        """Show tiles, or rows of a file."""
        done, total = value
        self.steps_name = "rows" if self._saving else "tiles"
        if self._saving and total and done >= total:
            self.say("Packing the file …")
        else:
            super().show_progress(value)

    def start(self) -> None:
        """Do what the run button says."""
        self._saving = False
        super().start()

    def _wide_layer(self) -> Any:
        """Return the expanded layer that people mean: selected, or made of the photo."""
        active = self.viewer.layers.selection.active
        if active is not None and is_wide(active):
            return active
        if self.layer.value is not None:
            made = result_of(self.layer.value, self.viewer.layers)
            if made is not None:
                return made
        wide = [layer for layer in self.viewer.layers if is_wide(layer)]
        return wide[-1] if wide else None

    def _on_save(self) -> None:
        if self.busy:
            self.warn("Something is still being done; wait for it or cancel it.")
            return
        layer = self._wide_layer()
        if layer is None:
            self.warn("There is no expanded layer yet; expand a photo first.")
            return
        try:
            target = asked_target(self.native, layer)
        except PhotoError as error:
            self.fail(error)
            return
        if target is not None:
            self.save(target, layer)
