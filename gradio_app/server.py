"""The demo as a server: started, asked for its health, stopped."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from core.errors import PhotoError
from gradio_app.settings import DemoSettings, settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from gradio_app.arrival import Arrival
    from gradio_app.context import Context

logger = logging.getLogger(__name__)

HEALTH = "/health"
"""Path that answers with the state of the server, for load balancers and containers."""

_SESSIONS = 1000

_MISSING = {
    "gradio": 'Gradio is missing; install it with pip install "napari-gamut[demo]".',
    "napari-gamut": 'The program is not installed; type pip install ".[demo]" in its folder.',
}
"""What is said when a package is missing."""


@dataclass(frozen=True)
class Server:
    """A running demo.

    Attributes
    ----------
    url : str
        Where it is.
    context : Context
        Models, limits, folder.
    """

    url: str
    context: Context


@contextmanager
def serving(settings: DemoSettings) -> Iterator[Server]:
    """Serve the demo while the block runs; its files are gone afterwards.

    Parameters
    ----------
    settings : DemoSettings
        How.

    Raises
    ------
    PhotoError
        If a model is missing or the port is taken.
    """
    from gradio_app.folders import own_folder

    with own_folder() as folder, _environment(folder), _launched(settings, folder) as server:
        yield server


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Tell Gradio where it may keep files, and to report to nobody."""
    from gradio_app.folders import UPLOADS

    wanted = {
        "GRADIO_TEMP_DIR": str(folder / UPLOADS),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _launched(settings: DemoSettings, folder: Path) -> Iterator[Server]:
    from gradio_app import jobs
    from gradio_app.folders import SWEEP_SECONDS, note_sockets, swept

    jobs.prepare()
    note_sockets(folder)
    # Only now, while another process imports what jobs begin with: each takes seconds.
    from gradio_app.app import build, kept_files
    from gradio_app.arrival import Arrival
    from gradio_app.context import make_context

    context = make_context(settings, folder)
    arrival = Arrival(context)
    blocks = build(context, arrival)
    try:
        _, url, _ = blocks.launch(**_launch_settings(settings, context, arrival))
    except OSError as error:
        raise PhotoError(
            f"The demo cannot be served at port {settings.port}, which may be taken; choose "
            "another one with --port."
        ) from error
    arrival.begin()
    with swept(folder, settings, lambda: kept_files(blocks, arrival), SWEEP_SECONDS):
        try:
            yield Server(url.rstrip("/"), context)
        finally:
            arrival.end()
            blocks.close(verbose=False)


def _routes(context: Context, arrival: Arrival) -> list[BaseRoute]:
    """Return what is served beside the page."""
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route

    from gradio_app.api import health
    from gradio_app.arrival import CARD
    from gradio_app.full_size import tile

    def answer_tile(request: Request) -> Response:
        found = tile(context.uploads, **request.path_params)
        if found is None:
            return Response(status_code=404)
        # What a token stands for never changes.
        kept = {"Cache-Control": "private, max-age=3600, immutable"}
        return Response(found, media_type="image/jpeg", headers=kept)

    def answer_card(_: Request) -> Response:
        return FileResponse(arrival.card) if arrival.card.exists() else Response(status_code=404)

    return [
        Route(HEALTH, lambda _: JSONResponse(health(context))),
        Route("/tiles/{token}/{side}/{kind}/{column:int}/{row:int}.jpg", answer_tile),
        Route(f"/{CARD}", answer_card),
    ]


def _launch_settings(settings: DemoSettings, context: Context, arrival: Arrival) -> dict[str, Any]:
    """Return how Gradio serves the page."""
    from starlette.middleware import Middleware

    from gradio_app import page
    from gradio_app.arrival import CARD
    from gradio_app.security import Guard, Preview, login
    from gradio_app.theme import theme

    return {
        "server_name": settings.host,
        "server_port": settings.port or None,
        "root_path": settings.root_path or None,
        "auth": login(settings.accounts),
        "max_file_size": round(settings.max_megabytes * 1e6),
        "allowed_paths": [],
        "ssr_mode": False,
        "share": False,
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api"],
        "state_session_capacity": _SESSIONS,
        "prevent_thread_lock": True,
        "quiet": True,
        "theme": theme(),
        "favicon_path": str(page.ICON),
        "css": page.CSS,
        "js": page.SCRIPT,
        "app_kwargs": {
            "routes": _routes(context, arrival),
            "middleware": [
                Middleware(Guard, hosts=settings.own_hosts, frames=settings.own_frames),
                Middleware(Preview, head=page.head(settings.address, CARD)),
            ],
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the demo until it is interrupted.

    Parameters
    ----------
    arguments : sequence of str, optional
        Flags; those of the process unless given.

    Returns
    -------
    int
        The exit code: 0, or 2 if it cannot be served.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = settings_from(sys.argv[1:] if arguments is None else arguments)
        for package in _MISSING:
            # Folders that were left behind by an uninstallation can be imported, too.
            version(package)
        with serving(settings) as server:
            sys.stdout.write(f"The demo is at {server.url} (stop it with Ctrl+C)\n")
            sys.stdout.flush()
            stop.wait()
    except PhotoError as error:
        sys.stderr.write(f"gamut demo: {error}\n")
        return 2
    except ModuleNotFoundError as error:
        if error.name not in _MISSING:
            raise
        sys.stderr.write(f"gamut demo: {_MISSING[error.name]}\n")
        return 2
    return 0
