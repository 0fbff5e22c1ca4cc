"""Where the parts of the tab "Expand" stand, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.colour import WIDE_SPACES
from gradio_app import expand_texts, page
from gradio_app.controls import PhotoInput, controls, photo_file, sample_gallery
from gradio_app.photo_expansion import AUTO, Request

if TYPE_CHECKING:
    from gradio.blocks import Block
    from gradio.components import Component

    from gradio_app.context import Context
    from gradio_app.controls import Controls

_FORMATS = [
    ("TIFF (16 bits)", "tiff"),
    ("PNG (16 bits)", "png"),
    ("JPEG XL (16 bits)", "jxl"),
    ("AVIF (12 bits)", "avif"),
]

_KEEPING = "Otherwise only camera, lens, exposure and date are kept. A file with them has no link."
_KEEPING_FOREIGN = (
    "This photo came by a link, which gives none of them away; drop your own photo to choose."
)

_HINT = "Your photo before and after, and the file to download, will appear here."


@dataclass(frozen=True)
class Choices:
    """The settings, in the order in which handlers take them."""

    model: gr.Dropdown
    source: gr.Dropdown
    strength: gr.Slider
    space: gr.Dropdown
    format: gr.Dropdown
    private: gr.Checkbox

    @property
    def components(self) -> list[Component]:
        """All of them."""
        return [self.model, self.source, self.strength, self.space, self.format, self.private]

    @staticmethod
    def request(
        model: str, source: str, strength: float, space: str, form: Any, private: bool
    ) -> Request:
        """Return what is asked for.

        Raises
        ------
        PhotoError
            If it cannot be done.
        """
        return Request(model, space, form, strength, private, source)

    @staticmethod
    def of(request: Request) -> tuple[Any, ...]:
        """Return the settings of a request."""
        of = request
        return (of.model, of.source, of.strength, of.space, of.format, of.private)


@dataclass(frozen=True)
class Results:
    """The places for a result."""

    result: gr.HTML
    colours: gr.HTML
    sentence: gr.HTML
    table: gr.HTML
    details: gr.Accordion
    figures: gr.HTML
    command: gr.Code
    script: gr.Code
    wide: Block
    download: gr.DownloadButton
    problem: gr.HTML

    @property
    def hidden(self) -> tuple[Block, ...]:
        """What is hidden where there is no result."""
        return (
            *(self.result, self.colours, self.sentence, self.table),
            *(self.details, self.wide, self.download),
        )

    @property
    def outputs(self) -> tuple[Component, ...]:
        """What jobs change besides."""
        return (self.figures, self.command, self.script, self.problem)


@dataclass(frozen=True)
class Offers:
    """What is offered for a wide photo.

    Attributes
    ----------
    place : Block
        Where it stands.
    reduce, compare : gr.Button
        Make an sRGB file of it; compare methods on it.
    reduced : gr.DownloadButton
        The file that comes of the first offer.
    note : gr.HTML
        What there is to know of it.
    """

    place: Block
    reduce: gr.Button
    compare: gr.Button
    reduced: gr.DownloadButton
    note: gr.HTML


@dataclass(frozen=True)
class Parts:
    """All parts of the tab.

    Attributes
    ----------
    photo : PhotoInput
        Where photos come in.
    buttons : Controls
        Run and cancel.
    notice : gr.HTML
        What there is to say of the link that somebody has followed.
    hint : gr.HTML
        In the place of a result until there is one.
    choices : Choices
        The settings.
    results : Results
        The places for a result.
    offers : Offers
        For a wide photo.
    closer : gr.Button
        The page's script presses it when somebody looks closer.
    full : gr.HTML
        Tells that script what there is to be seen then.
    """

    photo: PhotoInput
    buttons: Controls
    notice: gr.HTML
    hint: gr.HTML
    choices: Choices
    results: Results
    offers: Offers
    closer: gr.Button
    full: gr.HTML


def lay_out(context: Context) -> Parts:
    """Add the parts: a photo in, its result, examples and more settings, its colours.

    Parameters
    ----------
    context : Context
        Models, samples, limits.
    """
    with gr.Row(elem_classes=["tab", "expand"]):
        with gr.Column(elem_classes="entrance"):
            file = photo_file(context, "Your sRGB photos", several=True)
            buttons = controls("Expand")
            notice = gr.HTML(visible=False)
        with gr.Column(elem_classes="outcome"):
            hint = gr.HTML(page.hint(_HINT))
            sentence, result, table = (gr.HTML(visible=False) for _ in range(3))
            source, strength = _how_far()
            space, form, download = _file()
            problem = gr.HTML(visible=False)
            offers = _offers()
            details, figures, command, script = _details()
        with gr.Column(elem_classes="others"):
            photo = PhotoInput(file, *sample_gallery(context, wide=False))
            model, private = _more_settings(context)
        with gr.Column(elem_classes="beside"):
            colours = gr.HTML(visible=False)
        closer = gr.Button(elem_id="full-size", elem_classes="unseen")
        full = gr.HTML(elem_classes="unseen")
    results = Results(
        result=result,
        colours=colours,
        sentence=sentence,
        table=table,
        details=details,
        figures=figures,
        command=command,
        script=script,
        wide=offers.place,
        download=download,
        problem=problem,
    )
    choices = Choices(model, source, strength, space, form, private)
    return Parts(photo, buttons, notice, hint, choices, results, offers, closer, full)


def keeping(*, foreign: bool = False) -> Any:
    """Return whether it may be chosen that place and names stay.

    Parameters
    ----------
    foreign : bool
        Whether the photo came by a link: what is kept of its owner is for the owner alone to say.
    """
    if foreign:
        return gr.update(value=False, interactive=False, info=_KEEPING_FOREIGN)
    return gr.update(interactive=True, info=_KEEPING)


def _more_settings(context: Context) -> tuple[gr.Dropdown, gr.Checkbox]:
    with gr.Accordion("More settings", open=False):
        model = gr.Dropdown(
            context.methods,
            value=context.default_method,
            label="Network",
            info="“naive” restores nothing: it only changes the space. “embedded” is the one that "
            "a photo carries itself, if it does.",
        )
        private = gr.Checkbox(
            label="Keep place, names and serial numbers", info=_KEEPING, interactive=True
        )
    return model, private


def _how_far() -> tuple[gr.Dropdown, gr.Slider]:
    with gr.Row(elem_classes="choices"):
        source = gr.Dropdown(
            expand_texts.source_choices(),
            value=AUTO,
            label="Where does the photo come from?",
            info=expand_texts.SOURCE_QUESTION,
            scale=5,
            min_width=260,
        )
        strength = gr.Slider(
            0.0,
            2.0,
            value=1.0,
            step=0.05,
            label="Strength",
            info="1 is what is estimated.",
            buttons=[],
            scale=4,
            min_width=220,
            elem_id="strength",
        )
    return source, strength


def _file() -> tuple[gr.Dropdown, gr.Dropdown, gr.DownloadButton]:
    spaces = [(value.name, key) for key, value in WIDE_SPACES.items()]
    with gr.Row(elem_classes="choices"):
        space = gr.Dropdown(spaces, value="prophoto", label="Colour space", scale=3, min_width=180)
        form = gr.Dropdown(_FORMATS, value="tiff", label="File format", scale=3, min_width=180)
        download = gr.DownloadButton(
            "Download", variant="primary", scale=3, min_width=200, visible=False, elem_id="download"
        )
    return space, form, download


def _offers() -> Offers:
    with gr.Column(visible=False, elem_classes="offers") as place:
        gr.HTML(page.WIDE_OFFER)
        with gr.Row():
            reduce = gr.Button("Make an sRGB file that carries what it loses")
            reduced = gr.DownloadButton("Download", variant="primary", visible=False)
            compare = gr.Button("Compare how well methods restore it")
        note = gr.HTML(visible=False)
    return Offers(place, reduce, compare, reduced, note)


def _details() -> tuple[gr.Accordion, gr.HTML, gr.Code, gr.Code]:
    with gr.Accordion("Details", open=False, visible=False) as details:
        figures = gr.HTML()
        command, script = (
            gr.Code(language=language, label=label, interactive=False, wrap_lines=True, lines=1)
            for language, label in (
                ("shell", "The same as a command"),
                ("python", "The same in Python"),
            )
        )
    return details, figures, command, script
