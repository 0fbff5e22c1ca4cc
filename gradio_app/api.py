"""The named endpoints for programs; the page documents them under "Use via API"."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import gradio as gr

from core.colour import WIDE_SPACES
from core.errors import PhotoError
from core.files import OutputFormat
from core.styles import STYLES
from gradio_app import page
from gradio_app.context import CONCURRENCY_ID
from gradio_app.jobs import Job, stoppable
from gradio_app.photo_comparison import ASSUMED, comparison
from gradio_app.photo_convergence import LARGEST, SMALLEST, Watching, convergence
from gradio_app.photo_expansion import AUTO, SOURCE_NAMES, Request, expansion, public_report
from gradio_app.results import Compared, Converged, Expanded, Health, schema
from gradio_app.uploads import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradio.components import Component

    from core.progress import Stop
    from gradio_app.context import Context

logger = logging.getLogger(__name__)


_VERSION = version("napari-gamut")


def health(context: Context) -> Health:
    """Return the state of the server: what it is and what it offers."""
    return {
        "status": "ok",
        "version": _VERSION,
        "models": context.methods,
        "max_megapixels": context.settings.max_megapixels,
        "max_megabytes": context.settings.max_megabytes,
    }


def add_api(context: Context) -> None:
    """Add the endpoints ``/expand``, ``/convergence``, ``/compare`` and ``/health``."""
    with gr.Row(visible=False):
        photo = gr.File(label="photo", file_types=SUFFIXES)
        _add_expand(context, photo)
        _add_convergence(context, photo)
        _add_compare(context, photo)
        gr.Button(visible=False).click(
            lambda: health(context),
            outputs=[_report(Health)],
            api_name="health",
            api_description="Return what the server offers.",
            queue=False,
        )


def _add_expand(context: Context, photo: gr.File) -> None:
    def expand(
        stop: Stop,
        photo: str,
        model: str,
        space: str,
        format: str,  # noqa: A002
        strength: float,
        keep_private: bool,
        source: str,
    ) -> Iterator[tuple[Any, Expanded]]:
        with _errors("expand"), context.request_folder() as folder:
            request = Request(model, space, format, strength, keep_private, source)  # type: ignore[arg-type]
            job = _job(context, stop, expansion, photo, request, Path(folder))
            yield from _waited(job, gr.skip(), gr.skip())
            yield str(job.result.target), public_report(job.result.report)

    _endpoint(
        context,
        expand,
        [
            photo,
            gr.Dropdown(context.methods, value=context.default_method, label="model"),
            gr.Dropdown(list(WIDE_SPACES), value="prophoto", label="space"),
            gr.Dropdown(list(get_args(OutputFormat)), value="tiff", label="format"),
            gr.Number(1.0, minimum=0.0, maximum=2.0, label="strength"),
            gr.Checkbox(False, label="keep_private"),
            gr.Dropdown(list(SOURCE_NAMES), value=AUTO, label="source"),
        ],
        [gr.File(label="file"), _report(Expanded)],
        "expand",
        "Expand an sRGB photo into a wide-gamut file, and report what was done.",
    )


def _add_convergence(context: Context, photo: gr.File) -> None:
    def converge(
        stop: Stop,
        photo: str,
        model: str,
        method: str,
        memory: float,
        damping: float,
        max_steps: float,
        side: float,
    ) -> Iterator[Converged]:
        with _errors("convergence"):
            wanted = Watching(model, method, memory, damping, max_steps, side)
            job = _job(context, stop, convergence, photo, wanted, None)
            yield from _waited(job, gr.skip())
            trace = job.result
            yield {
                "solver": trace.title,
                "tolerance": trace.tolerance,
                "residuals": list(trace.residuals),
            }

    networks = list(context.offer.equilibrium)
    _endpoint(
        context,
        converge,
        [
            photo,
            gr.Dropdown(networks, value=next(iter(networks), None), label="model"),
            gr.Dropdown(["anderson", "picard"], value="anderson", label="method"),
            gr.Number(5, label="memory"),
            gr.Number(1.0, label="damping"),
            gr.Number(30, label="max_steps"),
            gr.Number(256, minimum=SMALLEST, maximum=LARGEST, label="side"),
        ],
        [_report(Converged)],
        "convergence",
        "Return the relative residual of each iteration on a part of a photo.",
    )


def _add_compare(context: Context, photo: gr.File) -> None:
    def compare(
        stop: Stop, photo: str, methods: list[str], style: str, assume: str
    ) -> Iterator[Compared]:
        with _errors("compare"):
            job = _job(context, stop, comparison, photo, methods, style, assume)
            yield from _waited(job, gr.skip())
            yield job.result.report

    _endpoint(
        context,
        compare,
        [
            photo,
            gr.CheckboxGroup(
                list(context.offer.comparable), value=context.quick_methods, label="methods"
            ),
            gr.Dropdown(list(STYLES), value="as-is", label="style"),
            gr.Dropdown(list(ASSUMED), value=ASSUMED[0], label="assume"),
        ],
        [_report(Compared)],
        "compare",
        "Reduce a wide-gamut original, restore it with each method, and measure.",
    )


def _job(context: Context, stop: Stop, work: Callable[..., Any], *arguments: Any) -> Job[Any]:
    return Job(partial(work, context.workplace, *arguments), context.settings.seconds, stop)


def _waited(job: Job[Any], *nothing: Any) -> Iterator[Any]:
    """Do a job; whoever asks for progress gets it from Gradio's stream of events."""
    with closing(job.steps()) as steps:
        for _ in steps:
            yield nothing if len(nothing) > 1 else nothing[0]


def _report(form: Any) -> gr.JSON:
    """Add an output whose form the API documents."""
    report = gr.JSON(label="report")
    form_schema = schema(form)
    report.api_info = lambda: form_schema
    return report


def _endpoint(
    context: Context,
    function: Callable[..., Any],
    inputs: list[Component],
    outputs: list[Component],
    name: str,
    description: str,
) -> None:
    gr.Button(visible=False).click(
        stoppable(function),
        inputs,
        outputs,
        api_name=name,
        api_description=description,
        concurrency_id=CONCURRENCY_ID,
        concurrency_limit=context.settings.concurrency,
    )


@contextmanager
def _errors(endpoint: str) -> Iterator[None]:
    """Turn what goes wrong into an answer for programs."""
    try:
        yield
    except PhotoError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:
        logger.exception("the endpoint %s failed", endpoint)
        raise gr.Error(page.UNEXPECTED, print_exception=False) from error
