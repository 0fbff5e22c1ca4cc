"""The controls by which settings are kept under a name, and set again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, PushButton

from napari_gamut import presets

if TYPE_CHECKING:
    from collections.abc import Mapping


class _PresetBox(ComboBox):
    """A control in which a preset is chosen, or none."""

    null_string = "None"


class PresetRow:
    """A choice of presets, and buttons to keep one more or to forget the chosen one.

    Parameters
    ----------
    controls : mapping of str to widget
        Whose values a preset holds.
    """

    def __init__(self, controls: Mapping[str, Any]) -> None:
        self._controls = controls
        self.choice = _PresetBox(
            label="Preset",
            choices=lambda _: presets.names(),
            nullable=True,
            tooltip="Settings that you gave a name; choose one to set them again.",
        )
        self._keep = PushButton(
            text="Keep preset…", tooltip="Keep method, strength and so on under a name."
        )
        self._forget = PushButton(text="Forget preset", tooltip="Forget the chosen preset.")
        self.buttons: Container[Any] = Container(
            widgets=[self._keep, self._forget],
            layout="horizontal",
            labels=False,
            label=" ",
        )
        self.buttons.margins = (0, 0, 0, 0)
        self.buttons.tooltip = "Keep or forget settings."
        self._forget.enabled = False
        self.choice.changed.connect(self._on_choice)
        self._keep.changed.connect(self._on_keep)
        self._forget.changed.connect(self._on_forget)

    @property
    def widgets(self) -> list[Any]:
        """The controls, from top to bottom."""
        return [self.choice, self.buttons]

    def keep(self, name: str) -> None:
        """Keep what is set now under a name, and choose it."""
        presets.keep(name, {key: control.value for key, control in self._controls.items()})
        with self.choice.changed.blocked():
            self.choice.reset_choices()
            self.choice.value = name
        self._forget.enabled = True

    def _on_choice(self, name: str | None) -> None:
        self._forget.enabled = name is not None
        for key, value in presets.preset(name or "").items():
            try:
                self._controls[key].value = value
            except (KeyError, TypeError, ValueError):  # A control or a choice of another version.
                continue

    def _on_keep(self) -> None:
        from qtpy.QtWidgets import QInputDialog

        name, agreed = QInputDialog.getText(
            self.buttons.native, "Keep preset", "Name of the preset:", text=self.choice.value or ""
        )
        if agreed and name.strip():
            self.keep(name.strip())

    def _on_forget(self) -> None:
        if self.choice.value is not None:
            presets.forget(self.choice.value)
            self.choice.reset_choices()
            self._forget.enabled = self.choice.value is not None
