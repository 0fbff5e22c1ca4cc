"""No file is replaced that people were not asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
)

from napari_gamut import reducing, saving
from napari_gamut.photos import LayerError
from napari_gamut.widgets.asking import asked_file
from tests.napari_gamut.test_saving import expanded_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

KINDS = "Photos (*.tif *.png)"


def answering(*answers: str) -> list[str]:
    """Answer one question after the other: with a name, or with a button's; what was asked."""
    asked: list[str] = []
    waiting: Iterator[str] = iter(answers)
    answer = next(waiting)

    def look() -> None:
        nonlocal answer
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            QTimer.singleShot(20, look)
            return
        if isinstance(dialog, QFileDialog):
            asked.append("file")
            dialog.findChild(QLineEdit, "fileNameEdit").setText(answer)
            box = dialog.findChild(QDialogButtonBox)
            box.button(QDialogButtonBox.StandardButton.Save).click()
        else:
            asked.append(dialog.text())
            dialog.button(QMessageBox.StandardButton[answer]).click()
        following = next(waiting, None)
        if following is not None:
            answer = following
            QTimer.singleShot(20, look)

    QTimer.singleShot(20, look)
    return asked


def test_people_are_asked_about_the_file_that_a_name_means(qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "photo.tif").write_bytes(b"old")
    name, exists = str(tmp_path / "photo"), "“photo.tif” exists already. Replace it?"
    asked = answering(name, "No", str(tmp_path / "other"))
    assert asked_file(None, "Save", "photo.tif", KINDS) == tmp_path / "other.tif"
    assert asked == ["file", exists, "file"]
    asked = answering(name, "Yes")
    assert asked_file(None, "Save", "photo.tif", KINDS) == tmp_path / "photo.tif"
    assert asked == ["file", exists]
    asked = answering(str(tmp_path / "photo.png"))
    assert asked_file(None, "Save", "photo.tif", KINDS) == tmp_path / "photo.png"
    assert asked == ["file"]


@pytest.mark.parametrize(
    ("target_of", "name"), [(saving.target_of, "photo.tif"), (reducing.target_of, "photo.jpg")]
)
def test_where_nobody_is_asked_nothing_is_replaced(
    tmp_path: Path, target_of: Any, name: str
) -> None:
    assert target_of(tmp_path / "photo").name == name
    (tmp_path / name).write_bytes(b"old")
    assert target_of(tmp_path / name).name == name  # Whoever gave it was asked about it.
    with pytest.raises(LayerError, match=f"“{name}” exists already"):
        target_of(tmp_path / "photo")


def test_naparis_own_save_replaces_nothing_unasked(
    viewer: Any, dock: Any, finish: Any, codes: np.ndarray, tmp_path: Path
) -> None:
    layer = expanded_in(viewer, dock, finish, codes)
    viewer.layers.selection = {layer}
    (tmp_path / "wide.tif").write_bytes(b"old")
    for plugin in (None, "napari-gamut"):
        with pytest.raises(LayerError, match="exists already"):
            viewer.layers.save(str(tmp_path / "wide"), selected=True, plugin=plugin)
    assert (tmp_path / "wide.tif").read_bytes() == b"old"
    assert viewer.layers.save(str(tmp_path / "wide.tif"), selected=True)
    assert (tmp_path / "wide.tif").read_bytes() != b"old"
