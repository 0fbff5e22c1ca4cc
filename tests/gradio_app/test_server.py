"""The demo as programs and attackers meet it, over HTTP."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import re
import socket
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import gradio_app
from core.cli import main as gamut
from core.engine.files import expand_file
from core.files import write_codes
from core.gamut import LOSSY_TOLERANCE
from core.methods.registry import method
from gradio_app.results import Compared, Converged, Expanded, Health
from tests.core.conftest import wide_photo, write_untagged
from tests.gradio_app.test_uploads import png_header
from tests.web_demo import (
    MODEL_NAME,
    PATIENCE,
    Demo,
    clipped_photo,
    has_the_form,
    running_demo,
    wait_for,
    write_photo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@contextmanager
def connected(demo: Demo, downloads: Path, **settings: Any) -> Iterator[Client]:
    client = Client(
        demo.url,
        verbose=False,
        download_files=downloads,
        httpx_kwargs={"timeout": PATIENCE},
        **settings,
    )
    try:
        yield client
    finally:
        client.close()
        del client
        # It leaves sockets and an event loop to the collector, which complains of them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="module")
def client(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with connected(demo, tmp_path_factory.mktemp("downloads")) as client:
        yield client


def requests_left(demo: Demo) -> list[Path]:
    return list((demo.folder / "requests").iterdir())


def call(demo: Demo, endpoint: str, data: list[Any]) -> str:
    """Call an endpoint without a client's help; returns the stream of events."""
    address = f"/gradio_api/call/{endpoint}"
    event = demo.post(address, json={"data": data}).json()["event_id"]
    return demo.get(f"{address}/{event}").text


def test_health_answers_without_a_client(demo: Demo) -> None:
    answer = demo.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["models"] == [MODEL_NAME, "naive", "embedded"]


def test_endpoints_are_named_and_their_parameters_too(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/expand", "/convergence", "/compare", "/health"}
    names = [parameter["parameter_name"] for parameter in endpoints["/expand"]["parameters"]]
    wanted = ["photo", "model", "space", "format", "strength", "keep_private", "source"]
    assert names == wanted


def test_health_is_an_endpoint_too(client: Client) -> None:
    report = client.predict(api_name="/health")
    assert has_the_form(report, Health)
    assert report["status"] == "ok"


def test_the_forms_of_answers_are_documented(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    words = {
        "/expand": "restored_share: float",
        "/convergence": "residuals: list[float]",
        "/compare": "out_of_gamut: dict(psnr",
        "/health": "max_megapixels: float",
    }
    for name, word in words.items():
        report = endpoints[name]["returns"][-1]
        assert word in report["python_type"]["type"]
        assert endpoints[name]["description"]


@pytest.mark.parametrize("form", ["tiff", "avif"])
def test_expand_returns_the_file_of_the_command_line(
    client: Client, demo: Demo, tmp_path: Path, form: str
) -> None:
    photo = write_photo(tmp_path / "photo.jpg")
    path, report = client.predict(
        photo=handle_file(photo), space="display-p3", format=form, api_name="/expand"
    )
    other = tmp_path / f"other{Path(path).suffix}"
    flags = ["--space", "display-p3", "--model", str(demo.model), "--quiet", "--drop-private"]
    assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
    assert Path(path).read_bytes() == other.read_bytes()
    assert Path(path).name == f"photo-display-p3{other.suffix}"
    assert has_the_form(report, Expanded)
    assert report["restored_share"] > 0.0
    assert report["tolerance"] == LOSSY_TOLERANCE


def test_convergence_returns_falling_residuals(client: Client, tmp_path: Path) -> None:
    photo = handle_file(write_photo(tmp_path / "photo.png"))
    report = client.predict(photo=photo, max_steps=12, api_name="/convergence")
    assert has_the_form(report, Converged)
    assert 1 <= len(report["residuals"]) <= 12
    assert report["residuals"][-1] < report["residuals"][0]


def test_compare_returns_the_figures_of_every_method(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    write_untagged(path, wide_photo(2))
    with pytest.raises(AppError, match=r"“wide\.png” does not say its colour space; choose"):
        client.predict(photo=handle_file(path), api_name="/compare")
    report = client.predict(photo=handle_file(path), assume="prophoto", api_name="/compare")
    assert has_the_form(report, Compared)
    assert list(report["methods"]) == [MODEL_NAME, "naive"]
    assert report["methods"]["naive"]["regions"]["all"]["psnr"] > 0.0


def test_everybody_gets_the_answer_to_their_own_photo(demo: Demo, tmp_path: Path) -> None:
    model = method(demo.model)
    photos, expected = [], []
    for seed in range(8):
        photos.append(tmp_path / f"photo{seed}.png")
        write_codes(photos[-1], clipped_photo(60, 50 + seed, seed))
        target = tmp_path / f"expected{seed}.tif"
        expand_file(photos[-1], target, model)
        expected.append(target.read_bytes())

    def ask(client: Client, photo: Path) -> bytes:
        path, _ = client.predict(photo=handle_file(photo), api_name="/expand")
        return Path(path).read_bytes()

    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        clients = [
            stack.enter_context(connected(demo, tmp_path / str(number))) for number in range(4)
        ]
        answers = list(pool.map(ask, clients * 2, photos))
    assert answers == expected
    assert len(set(answers)) == 8


def cut(suffix: str) -> bytes:
    """The first half of a photo."""
    with tempfile.TemporaryDirectory() as folder:
        whole = write_photo(Path(folder) / f"photo{suffix}").read_bytes()
    return whole[: len(whole) // 2]


HOSTILE = {
    "bomb.png": png_header(65535, 65535),
    "large.png": png_header(2000, 2000),
    "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "page.jpg": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "polyglot.jpg": b"\xff\xd8\xff\xe0<script>alert(1)</script>PK\x03\x04",
    "polyglot.pdf.jpg": b"%PDF-1.7\n\xff\xd8\xff\xe0\0\x10JFIF\0",
    "empty.png": b"",
    "noise.tif": b"II*\0" + bytes(range(200)),
    "cut.jxl": b"\xff\x0a\xfa\x7f\x01",
    "cut.jpg": cut(".jpg"),
    "cut.png": cut(".png"),
    "cut.tif": cut(".tif"),
    "<img src=x onerror=alert(1)>.png": b"nothing",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_files_get_a_sentence_and_do_no_harm(
    client: Client, demo: Demo, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    with pytest.raises(AppError) as caught:
        client.predict(photo=handle_file(path), api_name="/expand")
    assert re.fullmatch(r"[^\n<]+\.", str(caught.value))
    assert str(demo.folder) not in str(caught.value)
    assert demo.get("/health").status_code == 200
    assert wait_for(lambda: not requests_left(demo))


def test_paths_of_the_server_are_not_opened(demo: Demo) -> None:
    photo = write_photo(demo.folder / "samples" / "private.png")
    for path in (str(photo), "/etc/passwd", f"{demo.folder}/uploads/../samples/private.png"):
        data = {"path": path, "meta": {"_type": "gradio.FileData"}}
        answer = call(demo, "expand", [data, MODEL_NAME, "prophoto", "tiff", 1.0, False, "auto"])
        assert "event: error" in answer
        assert "event: complete" not in answer


def test_files_of_the_server_are_not_served(demo: Demo, tmp_path: Path) -> None:
    """Whatever the way: plain, upwards, encoded, linked, by another route, from another host."""
    secret = demo.folder / "samples" / "secret.txt"
    secret.write_text("the secret")
    link = demo.folder / "uploads" / "link.txt"
    link.symlink_to(secret)
    uploads = f"{demo.folder}/uploads"
    paths = [
        "/etc/passwd",
        "/proc/self/environ",
        str(demo.model),
        str(secret),
        str(link),
        f"{uploads}/../samples/secret.txt",
        f"{uploads}/%2e%2e/samples/secret.txt",
        f"{uploads}/..%2fsamples%2fsecret.txt",
        f"{uploads}/%252e%252e/samples/secret.txt",
        "../samples/secret.txt",
        "gradio_app/server.py",
        uploads,
        f"file://{secret}",
        f"{demo.url}/health",
        "http://127.0.0.1:1/",
    ]
    routes = ["gradio_api/file=", "gradio_api/file/", "file=", "gradio_api/proxy=", "static/",
              "assets/", "gradio_api/upload_progress?upload_id=", "gradio_api/stream/"]  # fmt: skip
    host, port = demo.url.removeprefix("http://").split(":")

    def answered(asked: tuple[str, str]) -> tuple[int, bytes]:
        # Without a client's help, which would tidy up the dots.
        connection = HTTPConnection(host, int(port), timeout=PATIENCE)
        connection.request("GET", "/" + "".join(asked))
        answer = connection.getresponse()
        body = answer.read() if answer.status == 200 else b""
        connection.close()
        return answer.status, body

    # Some are answered after seconds, so they are asked for at a time.
    asked = list(product(routes, paths))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(answered, asked))
    for which, (status, body) in zip(asked, answers, strict=True):
        assert status >= 400 or b"html" in body[:200], (which, status)
        assert b"the secret" not in body
        assert b"root:" not in body
    sent = demo.post("/gradio_api/upload", files={"files": ("a.txt", b"mine")})
    (path,) = sent.json()
    assert demo.get(f"/gradio_api/file={path}").content == b"mine"


def test_an_upload_cannot_be_put_elsewhere(demo: Demo) -> None:
    for name in ("../../escaped.png", "/tmp/escaped.png", "..\\escaped.png", ".", "a\0b.png"):
        answer = demo.post("/gradio_api/upload", files={"files": (name, b"content")})
        if answer.status_code == 200:
            (path,) = answer.json()
            assert Path(path).resolve().is_relative_to(demo.folder / "uploads")


def test_addresses_tell_no_more_than_the_folder_for_temporary_files(demo: Demo) -> None:
    config = demo.get("/config").text
    for path in (str(Path.home()), str(Path(gradio_app.__file__).parent), str(demo.model)):
        assert path not in config


def test_models_are_not_loaded_from_paths(demo: Demo, client: Client, tmp_path: Path) -> None:
    photo = handle_file(write_photo(tmp_path / "photo.png"))
    with pytest.raises(AppError):
        client.predict(photo=photo, model=str(demo.model), api_name="/expand")


def test_a_file_that_is_too_large_is_refused_while_it_arrives(demo: Demo) -> None:
    files = {"files": ("large.png", bytes(9_000_000))}
    answer = demo.post("/gradio_api/upload", files=files)
    assert answer.status_code == 413


def test_the_page_names_no_other_host(demo: Demo) -> None:
    config = demo.get("/config").json()
    assert config["analytics_enabled"] is False
    assert "fonts.googleapis" not in json.dumps(config)


def test_giving_up_a_job_ends_it_and_deletes_its_files(
    demo: Demo, client: Client, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "large.png", 1200, 1600)
    job = client.submit(photo=handle_file(photo), format="avif", api_name="/expand")
    assert wait_for(lambda: bool(requests_left(demo)))
    job.cancel()
    assert wait_for(lambda: not requests_left(demo))
    small = handle_file(write_photo(tmp_path / "small.png"))
    assert client.predict(photo=small, api_name="/expand")


def test_a_client_that_goes_away_ends_its_job(demo: Demo, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "large.png", 1200, 1600)
    with photo.open("rb") as file:
        (path,) = demo.post("/gradio_api/upload", files={"files": file}).json()
    data = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [data, MODEL_NAME, "prophoto", "jxl", 1.0, False, "auto"]}
    address = "/gradio_api/call/expand"
    event = demo.post(address, json=body).json()["event_id"]
    with httpx.stream("GET", f"{demo.url}{address}/{event}", timeout=PATIENCE) as stream:
        next(stream.iter_lines())
        assert wait_for(lambda: bool(requests_left(demo)))
    assert wait_for(lambda: not requests_left(demo))
    assert demo.get("/health").status_code == 200


def file_data(**values: str) -> dict[str, Any]:
    return {**values, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize("key", ["path", "url"])
def test_no_address_is_fetched(demo: Demo, key: str) -> None:
    """Neither one of this computer, nor one that would have to be looked up."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(1.0)
        port = listener.getsockname()[1]
        for host in (f"127.0.0.1:{port}", "no-such-name.example"):
            photo = file_data(**{key: f"http://{host}/photo.jpg"})
            answer = call(
                demo, "expand", [photo, MODEL_NAME, "prophoto", "tiff", 1.0, False, "auto"]
            )
            assert "Addresses are not fetched" in answer
            for route in ("file=", "proxy=", "file/"):
                fetched = demo.get(f"/gradio_api/{route}http://{host}/photo.jpg")
                assert fetched.status_code == 403
        with pytest.raises(TimeoutError):
            listener.accept()


def test_programs_are_told_what_was_wrong(demo: Demo, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.png")
    with photo.open("rb") as file:
        (path,) = demo.post("/gradio_api/upload", files={"files": file}).json()
    right = [file_data(path=path), MODEL_NAME, "prophoto", "tiff", 1.0, False, "auto"]

    def told(number: int, value: Any) -> str:
        answer = call(demo, "expand", [*right[:number], value, *right[number + 1 :]])
        assert "event: error" in answer
        data = answer.split("data: ")[-1]
        return str(json.loads(data)["error"])

    assert "Choose a photo first" in told(0, None)
    assert "upload it" in told(0, file_data(path="/etc/passwd"))
    assert "cannot be used" in told(0, "photo.png")
    assert "other" in told(1, "other")
    assert "sepia" in told(3, "sepia")
    assert "7" in told(4, 7.0) or "2" in told(4, 7.0)
    assert "srgb" in told(6, "srgb")
    short = call(demo, "expand", right[:2])
    assert "7 values are needed, not 2: photo, model, space" in short


def test_every_answer_has_headers(demo: Demo) -> None:
    for path in ("/", "/config", "/health", "/gradio_api/info"):
        headers = demo.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_no_host_is_reflected(demo: Demo) -> None:
    for name in ("Host", "X-Forwarded-Host"):
        answer = demo.get("/", headers={name: "evil.example/'><b>"})
        assert answer.status_code == 400
        assert "evil" not in answer.text


def slow_jpeg(scans: int, side: int = 1000) -> bytes:
    """A progressive JPEG, one of whose scans is there again and again."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side), 128, np.uint8)).save(buffer, "JPEG", progressive=True)
    file = buffer.getvalue()
    begins = [place.start() for place in re.finditer(b"\xff\xda", file)]
    first, second, third = begins[:3]
    assert second > first
    # The first scan has other tables; the second is one of the finer ones.
    scan = file[second:third]
    return file[:third] + scan * scans + file[third:]


@pytest.mark.timeout(900)
def test_what_decodes_for_ever_holds_nobody_up(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither beyond its own time, nor others meanwhile; and a killed server leaves nothing."""
    bomb = tmp_path / "slow.jpg"
    bomb.write_bytes(slow_jpeg(100_000))
    assert bomb.stat().st_size < 5_000_000
    small = write_photo(tmp_path / "small.png")
    folder = tmp_path_factory.mktemp("demo")  # A short name: sockets are in it.
    limits = ("--seconds=40", "--concurrency=2", "--max-megapixels=17")
    with running_demo(folder, *limits) as hasty:
        with (
            connected(hasty, tmp_path / "a") as client,
            connected(hasty, tmp_path / "b") as other,
        ):
            job = client.submit(photo=handle_file(bomb), api_name="/expand")
            assert other.predict(photo=handle_file(small), api_name="/expand")
            with pytest.raises(AppError, match="more than 500 scans"):
                job.result()
            assert wait_for(lambda: not requests_left(hasty))
            # Its worker is free again.
            assert client.predict(photo=handle_file(small), api_name="/expand")
            bomb.write_bytes(slow_jpeg(450, 4000))
            job = client.submit(photo=handle_file(bomb), api_name="/expand")
            assert wait_for(lambda: bool(requests_left(hasty)))
            hasty.process.kill()
            hasty.process.wait()
            with contextlib.suppress(Exception):
                job.result(10)
    left = list(folder.glob("gamut-demo-*"))
    assert left == [hasty.folder]
    (model,) = folder.glob("*.safetensors")
    model.unlink()
    with running_demo(folder, "--auth=ada:secret") as again:
        assert not hasty.folder.exists()
        assert wait_for(lambda: "slow.jpg" not in processes())
        assert list(folder.glob("pymp-*")) == [sockets_of(again)]
        nobody_without_an_account_gets_in(again, tmp_path)
    assert not again.folder.exists()


def sockets_of(demo: Demo) -> Path:
    return Path((demo.folder / ".sockets").read_text())


def processes() -> str:
    """What is open in any process of this computer."""
    names = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            names.append(str(link.readlink()))
    return "\n".join(names)


def nobody_without_an_account_gets_in(demo: Demo, downloads: Path) -> None:
    assert demo.get("/health").status_code == 200
    assert demo.get("/config").status_code == 401
    with connected(demo, downloads, auth=("ada", "secret")) as client:
        assert client.predict(api_name="/health")["status"] == "ok"
