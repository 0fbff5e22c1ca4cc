"""The page around the tabs: its colours, its style sheet, its texts about the screen."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

if TYPE_CHECKING:
    from core.pictures import ThemeName

TITLE = "Gamut expansion"

UNEXPECTED = "Something went wrong on the server; try again, or try another photo."

BUSY = (
    "The server has more photos to work on than it can take. Yours is still here: press the button "
    "again in a minute."
)

WAITING = "Waiting for the server …"
"""What is said until a job's turn has come."""

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
:focus-visible { outline: 3px solid #0f766e !important; outline-offset: 2px; }
.dark :focus-visible { outline-color: #5eead4 !important; }
.tab-container button.selected { color: #0f766e; }
.dark .tab-container button.selected { color: #5eead4; }
.html-container { padding: 0 !important; }
.note { margin: 0.2rem 0; color: var(--body-text-color); }
.hint { margin: 0; padding: 3rem 1.5rem; border: 1px dashed var(--border-color-primary);
  border-radius: 8px; text-align: center; color: var(--body-text-color-subdued); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.8rem, 1fr)); gap: 0.5rem;
  margin: 0; }
.figures div { background: var(--block-background-fill); border: 1px solid
  var(--border-color-primary); border-radius: 8px; padding: 0.5rem 0.7rem; }
.figures dt { font-size: 0.8rem; color: var(--body-text-color); margin: 0; }
.figures dd { font-size: 1.15rem; white-space: nowrap; font-weight: 600; margin: 0;
  color: var(--body-text-color); }
.status { color: var(--body-text-color); }
.status progress { width: 100%; height: 0.5rem; border: 0; border-radius: 0.25rem; overflow: hidden;
  appearance: none; background: var(--border-color-primary); }
.status progress::-webkit-progress-bar { background: var(--border-color-primary); }
.status progress::-webkit-progress-value { background: #0f766e; }
.status progress::-moz-progress-bar { background: #0f766e; }
.status .problem { border-left: 4px solid #d55e00; padding-left: 0.6rem; }
.samples .grid-wrap { min-height: 0 !important; padding-top: 1.9rem; }
.samples .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
.samples .thumbnail-item { display: flex; flex-direction: column; height: 100% !important;
  width: 100%; min-width: 0; aspect-ratio: auto !important; }
.samples .thumbnail-item img { aspect-ratio: 4 / 3; height: auto !important; }
.samples .gallery-item { height: 100%; }
.samples .caption-label { position: static !important; max-width: 100%; border: 0 !important;
  padding: 0.25rem 0.3rem; font-size: 0.75rem; line-height: 1.25; text-align: left;
  white-space: normal !important; overflow-wrap: anywhere; opacity: 1 !important;
  background: none !important; }
.drawing img { padding-top: 2.1rem; }
.table { overflow-x: auto; color: var(--body-text-color); }
.table table { width: 100%; border: 0 !important; border-collapse: collapse;
  font-variant-numeric: tabular-nums; }
.table caption { text-align: left; font-size: 0.85rem; padding-bottom: 0.4rem; }
.table th, .table td { padding: 0.35rem 0.5rem !important; border: 0 !important;
  text-align: right; white-space: nowrap; }
.table th { font-weight: 600; }
.table th[scope=row], .table th[scope=rowgroup], .table thead th:nth-child(-n+2) {
  text-align: left; }
.table th[scope=row] { font-weight: 400; }
.table th[scope=rowgroup] { vertical-align: top; }
.table tr { border: 0 !important; }
.table thead, .table tbody { border: 0 !important;
  border-bottom: 1px solid var(--border-color-primary) !important; }
.prose pre, .prose pre code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
#download { align-self: center; }
footer { margin-top: 1rem !important; }
footer .divider { display: none !important; }
body:not(.dark) .token:is(.string, .builtin) { color: #3f6212 !important; }
@media (max-width: 480px) {
  .tab-container button { padding: 0 0.45rem; font-size: 0.85rem; }
}
"""

# What Gradio's parts leave out: pictures that open in full size do not say what they are, the
# slider between two pictures obeys the pointer alone, and tabs do not heed the arrow keys.
SCRIPT = """
() => {
  let count = 0;

  const nameButton = (button) => {
    const label = button.closest('.block')?.querySelector('[data-testid=block-label]');
    if (label) {
      label.id ||= `picture-label-${++count}`;
      button.setAttribute('aria-labelledby', label.id);
    }
  };

  const nameSample = (button) => {
    const caption = button.querySelector('.caption-label');
    if (caption) {
      button.setAttribute('aria-label', caption.textContent.trim());
      button.querySelector('img')?.setAttribute('alt', '');
    }
  };

  const makeOperable = (handle) => {
    const frame = handle.parentElement;
    const place = () => new DOMMatrix(getComputedStyle(handle).transform).m41;
    // The pictures fill the frame in one direction and stand in its middle in the other.
    const picture = () => {
      const { clientWidth, clientHeight, naturalWidth, naturalHeight } = frame.querySelector('img');
      const width = Math.min(clientWidth, clientHeight * naturalWidth / naturalHeight) || 1;
      return { left: (clientWidth - width) / 2, width };
    };
    const tell = () => {
      const { left, width } = picture();
      const share = Math.round(100 * (place() - left) / width);
      handle.setAttribute('aria-valuenow', Math.min(100, Math.max(0, share)));
    };
    const move = (x) => {
      const box = frame.getBoundingClientRect();
      const clientX = Math.round(box.left + x);
      const event = { view: window, bubbles: true, cancelable: true, clientX, clientY: box.top };
      handle.dispatchEvent(new MouseEvent('mousedown', event));
      window.dispatchEvent(new MouseEvent('mouseup', event));
    };
    const step = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02,
      PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
    handle.addEventListener('keydown', (event) => {
      if (event.key in step) {
        event.preventDefault();
        const { left, width } = picture();
        const x = place() + step[event.key] * width;
        move(Math.min(left + width, Math.max(left, x)));
      }
    });
    new MutationObserver(tell).observe(handle, { attributeFilter: ['style'] });
    handle.setAttribute('role', 'slider');
    handle.setAttribute('tabindex', '0');
    handle.setAttribute('aria-label', 'Border between the sRGB photo and the restored one, in %');
    handle.setAttribute('aria-valuemin', '0');
    handle.setAttribute('aria-valuemax', '100');
    tell();
    ['The sRGB photo', 'The restored photo'].forEach((text, number) =>
      frame.querySelectorAll('img')[number]?.setAttribute('alt', text));
  };

  document.addEventListener('keydown', (event) => {
    const tab = event.target.closest('[role=tab]');
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (tab && step) {
      const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')];
      const next = tabs.at((tabs.indexOf(tab) + step) % tabs.length);
      next.click();
      next.focus();
    }
  });

  const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
  const complete = () => {
    each('.image-container > button:not([aria-labelledby])', nameButton);
    each('.samples button:has(img:not([alt=""]))', nameSample);
    each('#before-after [data-testid=slider]:not([role=slider])', makeOperable);
  };
  new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
  complete();
}
"""

SCREEN_SCRIPT = """() => [
  document.body.classList.contains('dark') ? 'dark' : 'light',
  innerWidth < 600 ? 'narrow' : 'wide',
].join(' ')"""
"""Tells a handler which page is shown, so that drawings fit it."""

ADDRESS_SCRIPT = "() => location.origin + location.pathname"
"""Tells a handler where the page is."""


@dataclass(frozen=True)
class Screen:
    """What drawings are made for.

    Attributes
    ----------
    theme : {"light", "dark"}
        Of the page.
    narrow : bool
        Whether the page is that of a phone.
    """

    theme: ThemeName
    narrow: bool

    @classmethod
    def told(cls, words: str) -> Screen:
        """Return what the browser said: any of the words "dark" and "narrow"."""
        return cls("dark" if "dark" in words.split() else "light", "narrow" in words.split())


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


def progress(done: int, total: int, unit: str | None = "tiles") -> str:
    """Return a bar that says how far a job is: in units, or as a share."""
    text = f"{done} of {total} {unit}" if unit else f"{done / total:.0%}"
    return (
        f'<div role="status">{text}</div>'
        f'<progress max="{total}" value="{done}" aria-label="Progress"></progress>'
    )


def hint(text: str) -> str:
    """Return what stands in the place of a result until there is one, as HTML."""
    return f'<p class="hint">{html.escape(text)}</p>'


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
