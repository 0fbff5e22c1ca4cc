"""Controls that several panels offer: network, target space, strength, screen, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.types import FileDialogMode
from magicgui.widgets import ComboBox, FileEdit, FloatSlider

from core.colour import PROPHOTO, WIDE_SPACES
from napari_gamut._settings import SCREENS, preferences
from napari_gamut.engine import OWN_FILE, method_choices

if TYPE_CHECKING:
    from magicgui.widgets.bases import BaseValueWidget


class ModelChoice:
    """The controls by which a network is chosen."""

    def __init__(self, *, carried: bool = False) -> None:
        self.model = ComboBox(
            label="Model",
            choices=method_choices(carried=carried),
            tooltip="Which network estimates the lost colours. Naive inversion only converts.",
        )
        self.weights = file_edit(
            "Weights",
            FileDialogMode.EXISTING_FILE,
            "A .safetensors file, as gamut train writes it.",
            "*.safetensors",
        )
        self.weights.visible = False
        self.model.changed.connect(self._on_model)

    @property
    def widgets(self) -> list[BaseValueWidget[Any]]:
        """The controls, from top to bottom."""
        return [self.model, self.weights]

    @property
    def name(self) -> str:
        """What the engine loads: a name or a path."""
        return str(self.weights.value) if self.model.value == OWN_FILE else str(self.model.value)

    def _on_model(self, value: str) -> None:
        self.weights.visible = value == OWN_FILE


class ExpansionChoice(ModelChoice):
    """The controls that an expansion has, be it of a layer or of a folder."""

    def __init__(self) -> None:
        super().__init__(carried=True)
        self.space = ComboBox(
            label="Space",
            choices=[(space.name, key) for key, space in WIDE_SPACES.items()],
            value=PROPHOTO.key,
            tooltip="The wide space of the result, which limits its colours.",
        )
        self.strength = FloatSlider(
            label="Strength",
            min=0.0,
            max=2.0,
            step=0.05,
            value=1.0,
            tooltip="0 restores nothing, 1 what the network estimates, more exaggerates.",
        )

    @property
    def widgets(self) -> list[BaseValueWidget[Any]]:
        """The controls, from top to bottom."""
        return [*super().widgets, self.space, self.strength]


def screen_box() -> ComboBox:
    """Return the control for the screen's colours, set to the preference."""
    return ComboBox(
        label="Screen",
        choices=SCREENS,
        value=preferences().display,
        tooltip="napari sends pixels to the screen as they are. Choose Display P3 only if this "
        "screen is one; an sRGB screen cannot show the restored colours.",
    )


def file_edit(label: str, mode: FileDialogMode, tooltip: str, kinds: str | None = None) -> FileEdit:
    """Return a control for a path, empty until somebody chooses one."""
    edit = FileEdit(label=label, mode=mode, filter=kinds, tooltip=tooltip)
    edit.line_edit.value = ""  # Else it is the working folder, which nobody chose.
    edit.line_edit.tooltip = edit.choose_btn.tooltip = tooltip
    return edit
