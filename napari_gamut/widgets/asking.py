"""Files to be written: people choose them, and agree before one is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_gamut.targets import whole_name


def asked_file(parent: Any, title: str, proposed: str, kinds: str) -> Path | None:
    """Let people choose a file to be written; None if they cancel.

    The dialog asks before a file is replaced, but knows only the name that people typed: of a
    name that is completed, they are asked here.

    Parameters
    ----------
    parent : QWidget or None
        Above which the dialog stands.
    title : str
        Of the dialog.
    proposed : str
        A name, whose ending is that of names without one.
    kinds : str
        Endings to choose from, as Qt takes them.
    """
    name = proposed
    while True:
        name, _ = QFileDialog.getSaveFileName(parent, title, name, kinds)
        if not name:
            return None
        target = whole_name(name, Path(proposed).suffix)
        if target == Path(name) or not target.exists() or _may_replace(parent, title, target):
            return target


def _may_replace(parent: Any, title: str, target: Path) -> bool:
    button = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent,
        title,
        f"“{target.name}” exists already. Replace it?",
        button.Yes | button.No,
        button.No,
    )
    return bool(answer == button.Yes)
