"""What keeps a public server safe: no address is fetched, and browsers are told what they may do.

Gradio takes addresses in the place of files and fetches them. Nothing of this program needs it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import gradio as gr
from gradio.exceptions import InvalidPathError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_FETCHING = re.compile(r"(file|proxy|stream)[=/]+\s*[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")

_OTHER_PREVIEW = re.compile(
    rb"<meta\s+(property=\"(og|fb):|name=\"(twitter:|description\"))[^>]*>", re.IGNORECASE
)

_OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""This computer, whose own checks are always answered."""

_BUSY = 503
_AGAIN = 60
"""Seconds after which programs that find the queue full are told to come back."""

_SLOWDOWN = 2.0
"""Seconds that whoever gives a wrong password waits for the answer."""

_NO_ADDRESS = "Addresses are not fetched; download the photo and send the file itself."
_NO_VALUE = (
    "One of the values cannot be used; “Use via API” at the foot of the page lists what each has "
    "to be. A photo is uploaded first, and named by the path that the upload returns."
)

# Gradio's page writes its settings into a script of the page, and makes functions of texts.
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class SafePage(gr.Blocks):  # type: ignore[misc]
    """A page whose inputs are looked at before Gradio does anything with them."""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> list[Any]:
        """Refuse addresses; say what is wrong with other values."""
        if len(inputs) < len(block_fn.inputs):
            names = ", ".join(str(block.label) for block in block_fn.inputs)
            raise _error(f"{len(block_fn.inputs)} values are needed, not {len(inputs)}: {names}.")
        if has_address(inputs):
            raise _error(_NO_ADDRESS)
        try:
            values: list[Any] = await super().preprocess_data(
                block_fn, inputs, state, explicit_call
            )
        except gr.Error:
            raise
        except InvalidPathError as error:
            raise _error("This file was not sent with the request; upload it.") from error
        except Exception as error:
            raise _error(_NO_VALUE) from error
        return values


def _error(sentence: str) -> gr.Error:
    return gr.Error(sentence, print_exception=False)


def has_address(value: Any) -> bool:
    """Return whether there is a file among values that would have to be fetched."""
    if isinstance(value, dict):
        # The page sends its own address along with the path of an upload; it is not used.
        if _is_address(value.get("path") or value.get("url")):
            return True
        return any(has_address(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(has_address(each) for each in value)
    return False


def _is_address(text: Any) -> bool:
    return isinstance(text, str) and _ADDRESS.match(text) is not None


class Guard:
    """Stands before the page: refuses what is never right, and adds headers to every answer.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    hosts : sequence of str
        Names that the server answers to; empty for any.
    frames : sequence of str
        Sites that may show the page in a frame.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = (), frames: Sequence[str] = ()) -> None:
        self._app = app
        self._hosts = {host.lower() for host in (*hosts, *(_OWN_NAMES if hosts else ()))}
        allowed = " ".join(frames) or "'none'"
        policy = {**_POLICY, "frame-ancestors": allowed}
        self._headers = {
            "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin" if not frames else "unsafe-none",
        }
        if not frames:
            self._headers["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if message["status"] == _BUSY:
                    headers["Retry-After"] = str(_AGAIN)
            await send(message)

        refusal = self._refusal(scope)
        app: ASGIApp = self._app if refusal is None else refusal
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        for name in ("host", "x-forwarded-host"):
            for host in headers.getlist(name):
                if not self._is_own(host):
                    return PlainTextResponse("There is no such site here.", 400)
        path = scope["path"]
        for _ in range(3):
            if _FETCHING.search(path):
                return PlainTextResponse(_NO_ADDRESS, 403)
            path = unquote(path)
        return None

    def _is_own(self, host: str) -> bool:
        first = host.split(",")[0].strip()
        if _HOST.fullmatch(first) is None:
            return False
        return not self._hosts or re.sub(r":\d+$", "", first).lower() in self._hosts


class Preview:
    """Stands before the page: puts what previews of links show into it, in the place of Gradio's.

    Parameters
    ----------
    app : ASGI application
        What serves the page.
    head : str
        HTML for the head of the page.
    """

    def __init__(self, app: ASGIApp, head: str) -> None:
        self._app, self._head = app, head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] not in ("", "/"):
            await self._app(scope, receive, send)
            return
        # What is compressed could not be changed.
        kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Message = {}
        parts: list[bytes] = []

        async def send_changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            headers = MutableHeaders(raw=list(start["headers"]))
            if headers.get("content-type", "").startswith("text/html"):
                body = _OTHER_PREVIEW.sub(b"", body)
                body = body.replace(b"<head>", b"<head>\n" + self._head, 1)
                headers["content-length"] = str(len(body))
            await send({**start, "headers": headers.raw})
            await send({"type": "http.response.body", "body": body})

        await self._app({**scope, "headers": kept}, receive, send_changed)


def login(accounts: Sequence[tuple[str, str]]) -> Callable[[str, str], Awaitable[bool]] | None:
    """Return what lets people in who know a password; None where anybody may come in.

    Parameters
    ----------
    accounts : sequence of (str, str)
        Names and passwords.

    Returns
    -------
    asynchronous function
        Whoever gives a wrong one waits, and those who try the same name meanwhile with them.
    """
    if not accounts:
        return None
    known = {name.encode(): password.encode() for name, password in accounts}
    turns: dict[str, asyncio.Lock] = {name: asyncio.Lock() for name, _ in accounts}
    others = asyncio.Lock()

    async def is_known(name: str, password: str) -> bool:
        async with turns.get(name, others):
            wanted = known.get(name.encode(), b"")
            right = secrets.compare_digest(wanted, password.encode()) and name in turns
            if not right:
                await asyncio.sleep(_SLOWDOWN)
            return right

    return is_known
