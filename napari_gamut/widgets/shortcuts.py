"""The keys of the panel, which none of napari's own layers use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.viewer import Viewer

    from napari_gamut.widgets.panel import GamutPanel

BEFORE = "H"
EXPAND, SEE, GAINED, WARNING = "Shift+E", "K", "G", "J"
"""Of the last ones, J is that of clipping warnings in a well-known raw developer, too."""

KEYS = {
    EXPAND: "expand the selected photos, or cancel",
    SEE: "compare before and after",
    BEFORE: "hold to see the photo before",
    GAINED: "light up what came back",
    WARNING: "gamut warning",
}
"""What each key does, over the picture."""


def bind_keys(viewer: Viewer, panel: GamutPanel) -> None:
    """Let the keys of a viewer do what the panel does."""

    def hold(_: Viewer) -> Generator[None, None, None]:
        see: Any = panel.page("See")
        see.hold(True)
        yield
        see.hold(False)

    def expand(_: Viewer) -> None:
        page: Any = panel.open("Expand")
        page.run.changed.emit(True)

    def compare(_: Viewer) -> None:
        see: Any = panel.open("See")
        see.follow(viewer.layers.selection.active)
        see.run.changed.emit(True)

    def turn(name: str) -> Callable[[Viewer], None]:
        def press(_: Viewer) -> None:
            see: Any = panel.open("See")
            box = getattr(see, name)
            box.value = not box.value
            if box.value and not (see.is_showing or see.busy):
                compare(viewer)

        return press

    actions = {
        EXPAND: expand,
        SEE: compare,
        BEFORE: hold,
        GAINED: turn("gained"),
        WARNING: turn("warning"),
    }
    for key, action in actions.items():
        viewer.bind_key(key, action, overwrite=True)


def release_keys(viewer: Viewer) -> None:
    """Give the keys back."""
    for key in KEYS:
        viewer.bind_key(key, None, overwrite=True)
