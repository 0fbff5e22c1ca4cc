"""A wide-gamut original, reduced and restored: what the tab and the API have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.engine.expansion import ExpansionSettings
from core.errors import PhotoError
from core.evaluation.comparison import Comparison, compare_methods
from core.evaluation.originals import read_original
from core.evaluation.protocol import EvaluationSettings
from core.files import inspect
from core.images import area_reduced
from core.styles import STYLES
from gradio_app.uploads import checked, sentence

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from core.engine.method import Method
    from core.progress import Check
    from gradio_app.context import Context

LONGEST = 1024
"""Larger originals are averaged to this length of the longer side."""


def comparison(
    context: Context,
    path: str | None,
    names: Sequence[str],
    style: str,
    check: Check | None = None,
) -> Generator[tuple[int, int], None, Comparison]:
    """Compare methods on an upload.

    Parameters
    ----------
    context : Context
        Models and limits.
    path : str or None
        The upload; one without a profile is taken as ProPhoto.
    names : sequence of str
        Methods that the demo offers.
    style : str
        Key of :data:`core.styles.STYLES`.
    check : callable, optional
        Called often; what it raises gives up the work.

    Yields
    ------
    (int, int)
        Tiles done and in all.

    Raises
    ------
    PhotoError
        With a sentence that names no path of the server.
    """
    if style not in STYLES:
        raise PhotoError(f"Choose a style out of {', '.join(STYLES)}.")
    if not names:
        raise PhotoError("Choose at least one method.")
    methods = _chosen(context, names)
    upload = checked(path, context.uploads, context.settings)
    try:
        original = area_reduced(read_original(upload.path), LONGEST)
    except PhotoError as error:
        raise PhotoError(sentence(error, upload.path)) from error
    yield 0, 1
    settings = EvaluationSettings(
        perceptual=False, expansion=ExpansionSettings(device=context.settings.device)
    )
    return (yield from compare_methods(STYLES[style].apply(original), methods, settings, check))


def is_untagged(path: Path) -> bool:
    """Return whether a photo says nothing about its colours."""
    return inspect(path).profile_name.startswith("untagged")


def _chosen(context: Context, names: Sequence[str]) -> list[Method]:
    """Return methods under the names that the demo gives them, in its order."""
    known = context.comparable
    for name in names:
        if name not in known:
            raise PhotoError(f"There is no such method; choose out of {', '.join(known)}.")
    return [method for name, method in known.items() if name in names]
