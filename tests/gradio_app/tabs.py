"""A tab without a server, and what it asks for and shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest

from core.progress import Stop
from gradio_app.asked import Asked, Last
from gradio_app.compare_tab import CompareTab
from gradio_app.expand_tab import ExpandTab
from gradio_app.wide_offers import connect_wide_offers

if TYPE_CHECKING:
    from gradio_app.context import Context
    from gradio_app.controls import Shown


def made_tab(context: Context) -> ExpandTab:
    """The tab "Expand", connected with the other that it hands photos to."""
    # Gradio makes event loops that nobody uses, and leaves them to the collector, which complains.
    made: list[asyncio.AbstractEventLoop] = []
    new = asyncio.new_event_loop

    def noted() -> asyncio.AbstractEventLoop:
        made.append(new())
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "new_event_loop", noted)
        with gr.Blocks():
            screen = gr.Textbox(visible=False)
            with gr.Tabs() as tabs:
                with gr.Tab(id="expand"):
                    tab = ExpandTab(context)
                with gr.Tab(id="compare"):
                    compare = CompareTab(context, screen)
            connect_wide_offers(context, tab, compare, tabs)
    asyncio.set_event_loop(None)
    for loop in made:
        loop.close()
    return tab


def expanded(tab: ExpandTab, asked: Asked, last: Last | None = None) -> tuple[Shown, Last]:
    """What is shown in the end of what was asked for, and what is there then."""
    *_, shown = tab.expand(Stop(), asked, last)
    there: Any = shown.get(tab.last)
    assert isinstance(there, Last), shown[tab.desk.buttons.status]
    return shown, there
