"""The page around the tabs: its colours, its style sheet, its texts about the screen."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Literal

import gradio as gr

if TYPE_CHECKING:
    from core.figures import ThemeName

TITLE = "Gamut expansion"

UNEXPECTED = "Something went wrong on the server; try again, or try another photo."

LEAD = """
# Gamut expansion
A photo saved as sRGB has lost every colour that sRGB cannot hold: the deep cyan of a lagoon, the
orange of a sunset, the green of a frog. A small equilibrium network estimates what they were.
**All you need is the sRGB file.** Reduced to sRGB again, the result gives back your photo.
"""

SCREEN_NOTE = """
<p class="wide-screen note">Your screen shows more than sRGB: the colours to the right of the
slider are the restored ones (in Display P3).</p>
<p class="srgb-screen note">Your screen shows <b>sRGB only</b>, so both sides of the slider look
almost the same here. The picture below marks the restored colours that it cannot show; they are
in the downloaded file.</p>
"""

# Which of the notes is seen is the screen's matter, which only the browser knows.
CSS = """
.gradio-container { max-width: 1320px !important; }
.wide-screen { display: none !important; }
@media (color-gamut: p3) {
  .wide-screen { display: block !important; }
  .srgb-screen { display: none !important; }
}
.note { margin: 0.2rem 0; color: var(--body-text-color); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: 0.5rem;
  margin: 0; }
.figures div { background: var(--block-background-fill); border: 1px solid
  var(--border-color-primary); border-radius: 8px; padding: 0.5rem 0.7rem; }
.figures dt { font-size: 0.8rem; color: var(--body-text-color); margin: 0; }
.figures dd { font-size: 1.2rem; font-weight: 600; margin: 0; color: var(--body-text-color); }
.status { color: var(--body-text-color); min-height: 1.6rem; }
.status progress { width: 100%; height: 0.7rem; accent-color: var(--color-accent); }
.status .problem { border-left: 4px solid #d55e00; padding-left: 0.6rem; }
.samples .grid-wrap { padding-top: 1.9rem; height: auto !important; }
.samples .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
.drawing img { padding-top: 2.1rem; }
.samples .thumbnail-item { aspect-ratio: 4 / 3 !important; min-width: 0; width: 100%; }
.samples .caption-label { font-size: 0.75rem; max-width: 100%; opacity: 1 !important; }
@media (max-width: 480px) { .tab-container button { padding: 0 0.45rem; font-size: 0.85rem; } }
footer { margin-top: 1rem !important; }
body:not(.dark) .token:is(.string, .builtin) { color: #3f6212 !important; }
"""

# Gradio's pictures open in full size when they are pressed, but do not say what they are.
SCRIPT = """
() => {
  let count = 0;
  const name = () => {
    for (const button of document.querySelectorAll('.image-container > button')) {
      const label = button.closest('.block')?.querySelector('[data-testid=block-label]');
      if (label && !button.hasAttribute('aria-labelledby')) {
        label.id ||= `picture-label-${++count}`;
        button.setAttribute('aria-labelledby', label.id);
      }
    }
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
"""

THEME_SCRIPT = "() => document.body.classList.contains('dark') ? 'dark' : 'light'"
"""Tells a handler which page is shown, so that drawings fit it."""


def theme() -> gr.themes.Base:
    """Return the page's theme, with the fonts of the reader's own system."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    # Neutral greys, so that the page does not tint the judgement of colours.
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.neutral,
        font=fonts,
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#0f766e",
        button_primary_background_fill_hover_dark="#115e59",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        body_background_fill_dark="#1a1a1a",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
    )


def progress(done: int, total: int, unit: str = "tiles") -> str:
    """Return a bar that says how far a job is."""
    return (
        f'<div role="status">{done} of {total} {unit}</div>'
        f'<progress max="{total}" value="{done}" aria-label="Progress"></progress>'
    )


def said(text: str) -> str:
    """Return a sentence for people as HTML."""
    return f'<div role="status">{html.escape(text)}</div>'


def problem(text: str) -> str:
    """Return a sentence about what went wrong as HTML."""
    return f'<div role="alert" class="problem">{html.escape(text)}</div>'


def figures(values: dict[str, str]) -> str:
    """Return named figures as HTML."""
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in values.items()
    )
    return f'<dl class="figures">{cells}</dl>'


def figure_theme(shown: str) -> ThemeName:
    """Return the theme of drawings for what the browser said; light unless it said dark."""
    chosen: Literal["light", "dark"] = "dark" if shown == "dark" else "light"
    return chosen
