from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from gradio_app.page import head
from gradio_app.security import Guard, Preview, has_address, login


def guarded(**settings: Any) -> TestClient:
    inner = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("inside"))])
    return TestClient(Guard(inner, **settings), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    "path",
    [
        "http://example.org/photo.jpg",
        "HTTPS://example.org",
        " https://example.org",
        "//example.org/photo.jpg",
        "ftp://example.org/photo.jpg",
        "file:///etc/passwd",
    ],
)
def test_addresses_are_known_wherever_they_stand(path: str) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    assert has_address([file, 1.0])
    assert has_address([1.0, [{"inside": file}]])
    assert has_address([{"url": path, "meta": {"_type": "gradio.FileData"}}])


def test_what_the_page_itself_sends_is_no_address() -> None:
    file = {"path": "/tmp/a/photo.jpg", "url": "http://127.0.0.1/gradio_api/file=/tmp/a/photo.jpg"}
    assert not has_address([file, "prophoto", 1.0, None, ["naive"], "http://example.org"])


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://example.org/",
        "/gradio_api/file=https:/example.org/",
        "/gradio_api/proxy=http://example.org/",
        "/gradio_api/file/http://example.org/",
        "/gradio_api/file=http%253A%252F%252Fexample.org",
        "/gradio_api/file=file:///etc/passwd",
    ],
)
def test_no_route_fetches(path: str) -> None:
    answer = guarded().get(path)
    assert answer.status_code == 403
    assert "Addresses are not fetched" in answer.text


def test_other_routes_are_answered() -> None:
    for path in ("/", "/gradio_api/file=/tmp/a/photo.jpg", "/config"):
        assert guarded().get(path).text == "inside"


def test_who_finds_the_queue_full_is_told_when_to_come_back() -> None:
    full = Starlette(routes=[Route("/", lambda _: PlainTextResponse("full", 503))])
    answer = TestClient(Guard(full), base_url="http://127.0.0.1").get("/")
    assert answer.headers["retry-after"] == "60"
    assert "retry-after" not in guarded().get("/").headers


def test_every_answer_has_headers_for_browsers() -> None:
    for path in ("/", "/gradio_api/file=http://example.org/"):
        headers = guarded().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]


def test_sites_that_are_named_may_show_the_page_in_a_frame() -> None:
    headers = guarded(frames=["https://example.org"]).get("/").headers
    assert "frame-ancestors https://example.org" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


@pytest.mark.parametrize("host", ['evil"><script>', "a b", "", "example.org/path"])
def test_a_host_that_is_no_name_is_refused(host: str) -> None:
    assert guarded().get("/", headers={"host": host}).status_code == 400
    assert guarded().get("/", headers={"x-forwarded-host": host}).status_code == 400


def test_only_the_names_that_are_given_are_answered() -> None:
    client = guarded(hosts=["Example.org"])
    for host in ("example.org", "example.org:443", "127.0.0.1:7860", "localhost", "[::1]:80"):
        assert client.get("/", headers={"host": host}).status_code == 200
    for host in ("other.org", "example.org.other.org"):
        assert client.get("/", headers={"host": host}).status_code == 400
    assert client.get("/", headers={"x-forwarded-host": "other.org"}).status_code == 400


def test_without_accounts_nobody_needs_a_password() -> None:
    assert login([]) is None


def test_a_wrong_password_takes_time_and_a_right_one_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio_app import security

    log: list[str] = []

    async def slept(seconds: float) -> None:
        assert seconds == security._SLOWDOWN > 1.0
        log.append("begins")
        await real(0.01)
        log.append("ends")

    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", slept)
    known = login([("ada", "secret"), ("bob", "other")])
    assert known is not None

    async def tried(*attempts: tuple[str, str]) -> list[bool]:
        return await asyncio.gather(*(known(*attempt) for attempt in attempts))

    assert asyncio.run(tried(("ada", "secret"), ("bob", "other"))) == [True, True]
    assert log == []
    assert asyncio.run(tried(("ada", "guess"), ("ada", "another"))) == [False, False]
    assert log == ["begins", "ends"] * 2, "guesses of one name wait for each other"
    assert asyncio.run(tried(("eve", ""), ("ada", "other"))) == [False, False]


def test_previews_show_the_product_and_nothing_of_others() -> None:
    inside = """<html><head><title>x</title>
      <meta property="og:title" content="Other" />
      <meta
        property="og:image"
        content="https://example.org/other.jpg" />
      <meta name="twitter:creator" content="@other" /><meta name="viewport" content="w">
      </head><body>text</body></html>"""
    inner = Starlette(routes=[Route("/{path:path}", lambda _: HTMLResponse(inside))])
    client = TestClient(Preview(inner, head("https://example.org/gamut", "card.jpg")))
    page = client.get("/").text
    assert "ther" not in page
    assert 'property="og:image" content="https://example.org/gamut/card.jpg"' in page
    assert page.count("og:title") == 1
    assert 'name="viewport"' in page
    assert page.endswith("<body>text</body></html>")
    assert client.get("/config").text == inside
