"""The page Folder: photos in, wide-gamut files out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.types import FileDialogMode
from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QPlainTextEdit

from core.engine.origin import SOURCE_CHOICES
from core.errors import PhotoError
from core.source_gamut import UNKNOWN
from napari_gamut.folders import FileProgress, FolderReport, FolderRequest, expand_folder
from napari_gamut.requests import AS_FILE, Request
from napari_gamut.settings import preferences
from napari_gamut.widgets.controls import ExpansionChoice, file_edit
from napari_gamut.widgets.job import TimeLeft
from napari_gamut.widgets.page import Page

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

_FORMATS = (
    ("TIFF, 16 bits", "tiff"),
    ("PNG, 16 bits", "png"),
    ("JPEG XL, 16 bits", "jxl"),
    ("AVIF, 12 bits", "avif"),
)


class FolderPage(Page):
    """Expand every photo of a folder."""

    title = "Folder"

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        folder = FileDialogMode.EXISTING_DIRECTORY
        self.source = file_edit("Photos", folder, "A folder; those inside it are read, too.")
        self.target = file_edit(
            "Write to", folder, "The folder for the wide-gamut files; it keeps the names."
        )
        self.origin = ComboBox(
            label="Source",
            choices=[("As each file says", AS_FILE), *SOURCE_CHOICES],
            tooltip="Where the photos' colours lay before they became sRGB.",
        )
        self.choice = ExpansionChoice()
        self.choice.model.changed.connect(self.align_later)
        self.format = ComboBox(
            label="Format", choices=_FORMATS, value="tiff", tooltip="Of the files."
        )
        self.existing = ComboBox(
            label="Existing",
            choices=[("Keep", "keep"), ("Replace", "replace")],
            value="keep",
            tooltip="What happens to files that exist already.",
        )
        self.run.tooltip = "Expand photo after photo; press again to cancel."
        self._files_clock = TimeLeft()
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setPlaceholderText("Each photo gets a line here.")
        self.log.setToolTip("What became of each photo.")
        self.extend(
            [
                self.source,
                self.target,
                self.origin,
                *self.choice.widgets,
                self.format,
                self.existing,
            ]
        )
        self.add_run("Expand folder")
        self.finish_layout(stretch=False)
        self.add_native(self.log)
        self.log.setMinimumHeight(60)
        self.say("Choose two folders. Photos that are wide-gamut already are only converted.")
        self.remember(
            source=self.origin,
            **self.choice.kept,
            space=self.choice.space,
            strength=self.choice.strength,
            format=self.format,
            existing=self.existing,
        )

    def follow(self, layer: Layer | None) -> None:
        """Stay with the folder."""

    def begin(self) -> None:
        """Work through the folder in a worker."""
        texts = [str(edit.line_edit.value).strip() for edit in (self.source, self.target)]
        if not all(texts):
            raise PhotoError("Choose a folder of photos and one to write to.")
        source, target = (Path(text) for text in texts)
        chosen = preferences()
        request = Request(
            model=self.choice.name,
            space=self.choice.space.value,
            source=UNKNOWN if self.origin.value == AS_FILE else self.origin.value,
            strength=self.choice.strength.value,
            device=chosen.device,
            tile=chosen.tile,
        )
        folder = FolderRequest(
            source,
            target,
            self.format.value,
            self.existing.value,
            detect_source=self.origin.value == AS_FILE,
        )
        self.log.clear()
        self._files_clock = TimeLeft()
        self.start_job(partial(expand_folder, folder, request), self._on_report)

    def show_progress(self, value: Any) -> None:
        """Show photos done, the tiles of the current one, and finished photos."""
        step: FileProgress = value
        if step.line:
            self.log.appendPlainText(step.line)
        if not step.files:
            return
        left = self._files_clock.sentence(step.files_done, step.files)
        tiles = f", tile {step.done} of {step.total}" if step.total else ""
        self.say(
            f"Photo {min(step.files_done + 1, step.files)} of {step.files}: {step.name}{tiles}"
            f"{', ' + left if left else ''}"
        )
        self.show_bar(step.files_done, step.files)

    def _on_report(self, report: FolderReport) -> None:
        self.say(
            f"{report.expanded} expanded, {report.kept} kept from before, {report.failed} failed."
        )
