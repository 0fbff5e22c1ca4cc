"""The page: its tabs and the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from gradio_app import page
from gradio_app.about_tab import add_about_tab
from gradio_app.api import add_api
from gradio_app.compare_tab import CompareTab
from gradio_app.controls import AT_ONCE
from gradio_app.convergence_tab import ConvergenceTab
from gradio_app.expand_tab import ExpandTab
from gradio_app.security import SafePage
from gradio_app.wide_offers import connect_wide_offers

if TYPE_CHECKING:
    from gradio_app.arrival import Arrival
    from gradio_app.context import Context


def build(context: Context, arrival: Arrival) -> gr.Blocks:
    """Return the page.

    Parameters
    ----------
    context : Context
        Models, samples, limits.
    arrival : Arrival
        What everybody sees at first.
    """
    settings = context.settings
    # Gradio deletes what it knows of; the sweeper, what it forgets.
    age = round(60 * settings.keep_minutes)
    blocks: gr.Blocks
    with SafePage(title=page.TITLE, analytics_enabled=False, delete_cache=(60, age)) as blocks:
        gr.Markdown(page.LEAD, elem_classes="lead")
        if settings.accounts:
            gr.HTML(page.LOGOUT)
        # Before the tabs, whose own events would take the endpoints' names.
        add_api(context)
        screen = gr.Textbox(visible=False)
        with gr.Tabs() as tabs:
            with gr.Tab("Expand", id="expand"):
                expand = ExpandTab(context)
            with gr.Tab("Convergence", id="convergence"):
                convergence = ConvergenceTab(context, screen)
            with gr.Tab("Compare", id="compare"):
                compare = CompareTab(context, screen)
            with gr.Tab("About", id="about"):
                add_about_tab(context, blocks)
        connect_wide_offers(context, expand, compare, tabs)
        for tab in (expand, convergence, compare):
            tab.desk.connect_cancel()
        blocks.load(None, None, screen, js=page.SCREEN_SCRIPT, api_visibility="private")
        query = gr.Textbox(visible=False)
        blocks.load(
            lambda query: expand.arrive(query, arrival),
            query,
            expand.arrival_outputs,
            js=page.QUERY_SCRIPT,
            **AT_ONCE,
        )
    blocks.queue(max_size=settings.queue, default_concurrency_limit=settings.concurrency)
    return blocks


def kept_files(blocks: gr.Blocks, arrival: Arrival) -> set[Path]:
    """Return what stays among the uploads as long as the page is served.

    Parameters
    ----------
    blocks : gr.Blocks
        The page, some of whose parts begin with files.
    arrival : Arrival
        What everybody sees at first.
    """
    parts = {
        Path(file)
        for block in blocks.blocks.values()
        for file in getattr(block, "keep_in_cache", ())
    }
    return {arrival.folder, *parts}
