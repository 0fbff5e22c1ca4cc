"""The tab "About": what this is, what it cannot do, where its networks come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import gradio as gr

from gradio_app import page

if TYPE_CHECKING:
    from gradio_app.context import Context

_CLASS = "reading"
"""Of texts, whose lines are no longer than can be read."""

_TEXT = """
## What it does
Cameras and phones see more colours than sRGB holds. When a photo is saved as sRGB, each colour
outside is clipped: at least one of its three channels stops at 0 or at the maximum. The network
looks at the photo around such a pixel, and at the channels that were not clipped, and estimates
how far outside the colour was. The result is a wide-gamut file (ProPhoto RGB, Display P3,
Rec. 2020 …) with its profile, for editing, for print and for wide-gamut screens.

## What is certain, and what is a guess
- **Certain:** pixels without a clipped channel keep their colour. Of the others, the channels that
  are not at an end of the range keep theirs. Reduced to sRGB again, the file gives back your
  photo, code for code (for JPEG and other lossy files: within their noise of 6 codes of 255).
- **A guess:** how far a clipped channel went. Nothing in the file tells; a black shadow and a deep
  colour can have the same code. Restored colours are plausible, not measured: do not use them
  where colour is evidence.
- **Impossible:** detail that was lost where all three channels are clipped (burnt-out white and
  black). Nothing is changed there. And an **sRGB screen** cannot show what is restored.

## Your photos
They are deleted from this server after {minutes:g} minutes. Place, serial numbers
and the owner's name are left out of the result unless you ask to keep them. Nothing is sent
anywhere else.

## Networks
"""

_OTHERS = """
**naive** — restores nothing: sRGB in a wider space, to compare with.

**embedded** (Expand) — the network that a photo carries itself, if its file was made from the
original with `gamut reduce --embed`. It brings back what was there, without guessing.

**gamut-mlp** (Compare) — such a network, fitted to the original, which the others never see.
"""

_PAPERS = """
## Papers
- Xiao et al.: *Learning Equilibrium Transformation for Gamut Expansion and Color Restoration*,
  ECCV 2024. The equilibrium network.
- Le et al.: *GamutMLP: A Lightweight MLP for Color Loss Recovery*, CVPR 2023. The
  network that a photo carries (“embedded”, “gamut-mlp”), the out-of-gamut mask
  and the metrics by region.
- Bai, Kolter and Koltun: *Deep Equilibrium Models*, NeurIPS 2019.
- Walker and Ni: *Anderson Acceleration for Fixed-Point Iterations*, SIAM J. Numer. Anal. 49, 2011.
"""

_PROGRAMS = """
## For programs
```python
from gradio_client import Client, handle_file

client = Client("{url}")
path, report = client.predict(
    photo=handle_file("photo.jpg"), space="display-p3", format="tiff", api_name="/expand"
)
print(path, report["restored_share"])
```
Endpoints: `/expand`, `/convergence`, `/compare`, `/health`; their parameters and the form of their
answers are listed under *Use via API* at the foot of the page (on a phone:
`client.view_api()`). `GET /health` answers load balancers.
"""


def add_about_tab(context: Context, blocks: gr.Blocks) -> None:
    """Add the tab.

    Parameters
    ----------
    context : Context
        Models and limits.
    blocks : gr.Blocks
        The page; its address, which only the browser knows behind a proxy, is in the example.
    """
    settings = context.settings
    gr.Markdown(_TEXT.format(minutes=settings.keep_minutes), elem_classes=_CLASS)
    for name, card in context.offer.cards.items():
        with gr.Accordion(f"{name}: {card['parameters']:,} parameters", open=False):
            text = json.dumps(card, indent=2, default=str)
            gr.Code(text, language="json", label="Model card")
    for text in (_OTHERS, _PAPERS):
        gr.Markdown(text, elem_classes=_CLASS)
    address = gr.Textbox(visible=False)
    programs = gr.Markdown(elem_classes=_CLASS)
    blocks.load(
        lambda url: _PROGRAMS.replace("{url}", url),
        address,
        programs,
        js=page.ADDRESS_SCRIPT,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
