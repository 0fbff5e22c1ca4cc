"""The page: its tabs and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from gradio_app import page
from gradio_app.about_tab import add_about_tab
from gradio_app.api import add_api
from gradio_app.compare_tab import add_compare_tab
from gradio_app.convergence_tab import add_convergence_tab
from gradio_app.expand_tab import add_expand_tab

if TYPE_CHECKING:
    from gradio_app.context import Context

SWEEP_SECONDS = 60


def build(context: Context) -> gr.Blocks:
    """Return the page.

    Parameters
    ----------
    context : Context
        Models, samples, limits.
    """
    settings = context.settings
    age = max(SWEEP_SECONDS, round(60 * settings.keep_minutes))
    blocks: gr.Blocks
    with gr.Blocks(
        title=page.TITLE, analytics_enabled=False, delete_cache=(SWEEP_SECONDS, age)
    ) as blocks:
        gr.Markdown(page.LEAD)
        # Before the tabs, whose own events would take the endpoints' names.
        add_api(context)
        screen = gr.Textbox(visible=False)
        with gr.Tab("Expand"):
            add_expand_tab(context)
        with gr.Tab("Convergence"):
            add_convergence_tab(context, screen)
        with gr.Tab("Compare"):
            add_compare_tab(context, screen)
        with gr.Tab("About"):
            add_about_tab(context, blocks)
        blocks.load(None, None, screen, js=page.SCREEN_SCRIPT, api_visibility="private")
    blocks.queue(max_size=settings.queue, default_concurrency_limit=settings.concurrency)
    return blocks
