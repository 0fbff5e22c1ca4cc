"""Controls that several pages offer: network, source, target space, strength, look, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.types import FileDialogMode
from magicgui.widgets import ComboBox, FileEdit, FloatSlider, Label, PushButton

from core.colour import PROPHOTO, WIDE_SPACES
from core.errors import PhotoError
from napari_gamut import origins
from napari_gamut.requests import OWN_FILE, method_choices
from napari_gamut.seeing import LOOKS, MUTED
from napari_gamut.settings import SCREENS, preferences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from magicgui.widgets.bases import BaseValueWidget, ButtonWidget, ValueWidget

    from napari_gamut.photos import LayerPhoto


class ModelChoice:
    """The controls by which a network is chosen."""

    def __init__(self, *, carried: bool = False) -> None:
        self.model = ComboBox(
            label="Method",
            choices=method_choices(carried=carried),
            tooltip="Which method estimates the lost colours. Naive inversion only converts.",
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
    def kept(self) -> dict[str, ValueWidget[Any]]:
        """What is remembered of the choice."""
        return {"method": self.model, "weights": self.weights.line_edit}

    @property
    def name(self) -> str:
        """What the engine loads: a name or a path.

        Raises
        ------
        PhotoError
            If no file of weights is chosen.
        """
        if self.model.value != OWN_FILE:
            return str(self.model.value)
        path = str(self.weights.line_edit.value).strip()
        if not path:
            raise PhotoError("Choose a file of weights (.safetensors), or another method.")
        return path

    def _on_model(self, value: str) -> None:
        self.weights.visible = value == OWN_FILE


class SourceChoice:
    """The control that says where a photo's colours lay, and what its file says."""

    def __init__(self) -> None:
        self._origin = origins.Recorded()
        self._has_photo = False
        self.source = ComboBox(
            label="Source",
            choices=origins.choices(self._origin),
            tooltip="Where the photo's colours lay before it became sRGB: what is restored stays "
            "within it. The right answer makes the result much better.",
        )
        self.said = Label(label=" ", value="", tooltip="What the photo's file records.")
        self.said.native.setWordWrap(True)
        self.source.changed.connect(self._explain)
        self._explain()

    @property
    def widgets(self) -> list[BaseValueWidget[Any]]:
        """The controls, from top to bottom."""
        return [self.source, self.said]

    def turn_to(self, photo: LayerPhoto | None, choice: str | None = None) -> None:
        """Offer what fits a photo; unless a choice was made, what its file says comes first."""
        self._has_photo = photo is not None
        self._origin = origins.Recorded() if photo is None else origins.recorded(photo)
        offered = origins.choices(self._origin)
        with self.source.changed.blocked():
            self.source.choices = offered
            self.source.value = choice if choice in dict(offered).values() else offered[0][1]
        self.source.changed.emit(self.source.value)

    def _explain(self, *_: object) -> None:
        self.said.value = (
            origins.sentence(self.source.value, self._origin)
            if self._has_photo
            else "What the photo’s file records is shown here."
        )


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
        return [*super().widgets, self.strength, self.space]


class Fold:
    """A button that shows and hides controls which few people need."""

    def __init__(self, widgets: Sequence[Any]) -> None:
        self.widgets = list(widgets)
        self.button: ButtonWidget = PushButton(
            text="More settings", tooltip="Settings that few photos need."
        )
        self.button.changed.connect(self.turn)
        for widget in self.widgets:
            widget.visible = False

    def turn(self, *_: object) -> None:
        """Show what is hidden, or hide it."""
        shown = not self.widgets[0].visible
        for widget in self.widgets:
            widget.visible = shown
        self.button.text = "Fewer settings" if shown else "More settings"


def screen_box() -> ComboBox:
    """Return the control for the screen's colours, set to the preference."""
    return ComboBox(
        label="Screen",
        choices=SCREENS,
        value=preferences().display,
        tooltip="napari sends pixels to the screen as they are. Choose Display P3 only if this "
        "screen is one; an sRGB screen cannot show the restored colours.",
    )


def look_box() -> ComboBox:
    """Return the control for how pictures are rendered."""
    return ComboBox(
        label="Look",
        choices=LOOKS,
        value=MUTED if preferences().display == "srgb" else preferences().display,
        tooltip="Muted: both photos as a wide-gamut screen shows them, less saturated alike, so "
        "that any screen shows their difference.",
    )


def look_kept(box: ComboBox) -> dict[str, ValueWidget[Any]]:
    """Return what is remembered of a look: it is a choice for the screen of the preference."""
    return {f"look, {preferences().display}": box}


def file_edit(label: str, mode: FileDialogMode, tooltip: str, kinds: str | None = None) -> FileEdit:
    """Return a control for a path, empty until somebody chooses one."""
    edit = FileEdit(label=label, mode=mode, filter=kinds, tooltip=tooltip)
    edit.line_edit.value = ""  # Else it is the working folder, which nobody chose.
    edit.choose_btn.text = "Choose…"
    edit.line_edit.tooltip = edit.choose_btn.tooltip = tooltip
    return edit
