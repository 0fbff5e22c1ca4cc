"""What uploads cost that mean harm: the bytes they send, the seconds that a worker spends on each.

Run it as ``python -m tests.benchmarks.hostile_uploads``; it prints a table.
"""

from __future__ import annotations

import io
import struct
import sys
import tempfile
import time
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from core.errors import PhotoError
from core.files.formats import png
from core.progress import Stop
from gradio_app.context import Context, make_context
from gradio_app.jobs import Job, prepare
from gradio_app.photo_expansion import Request, expansion
from gradio_app.settings import DemoSettings
from tests.core.files.test_bounded_work import jpeg_of_scans, png_of, tiff_of_strips
from tests.gradio_app.test_server import HOSTILE, slow_jpeg
from tests.web_demo import MODEL_NAME, write_model, write_photo

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 60.0


def _webp_of_chunks() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "WEBP", lossless=True)
    body = buffer.getvalue()[12:] + b"junk\0\0\0\0" * 300_000
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _jpeg_of_segments() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG")
    data = buffer.getvalue()
    return data[:2] + b"\xff\xe5\0\2" * 3_000_000 + data[2:]


def _even_png() -> bytes:
    """A large photo of one colour, which is small as a file."""
    buffer = io.BytesIO()
    Image.new("RGB", (4800, 4900), (0, 255, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents."""
    yield from HOSTILE.items()
    text = png.chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(65 << 20), 9))
    yield "100,000 scans.jpg", slow_jpeg(100_000)
    yield "450 scans of 16 megapixels.jpg", slow_jpeg(450, 4000)
    yield "100,000 grey scans.jpg", jpeg_of_scans(2048, 100_000)
    yield "3 million segments.jpg", _jpeg_of_segments()
    for kind in (b"IDAT", b"tEXt"):
        yield f"a million {kind.decode()} chunks.png", png_of(png.chunk(kind, b"") * 1_000_000)
    yield "texts of 13 GB.png", png_of(text * 200)
    yield "300,000 chunks.webp", _webp_of_chunks()
    yield "5 million strips.tif", tiff_of_strips(5_000_000, 1)
    yield "strips that share bytes.tif", tiff_of_strips(100_000, 500_000, kind=4)
    yield "one colour.png", _even_png()


def cost(context: Context, name: str, data: bytes) -> tuple[float, str]:
    """Return the seconds that a file takes, and what is said of it."""
    with context.result_folder() as folder:
        upload = folder / name.replace("<", "(").replace(">", ")")
        upload.write_bytes(data)
        request = Request(MODEL_NAME)
        begin = partial(expansion, context.workplace, str(upload), request, folder, shown=True)
        job = Job(begin, context.settings.seconds, Stop())
        started = time.perf_counter()
        try:
            for _ in job.steps():
                pass
            said = "done"
        except PhotoError as error:
            said = str(error)
        return time.perf_counter() - started, said


def main() -> int:
    """Print the table; the exit code is 1 if a file took longer than it may."""
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        settings = DemoSettings(
            models=str(write_model(Path(name) / f"{MODEL_NAME}.safetensors")),
            device="cpu",
            seconds=_SECONDS,
        )
        prepare()
        context = make_context(settings, Path(name) / "server")
        sound = write_photo(Path(name) / "sound.png").read_bytes()
        sys.stdout.write("| Upload | kB | Seconds | What is said |\n|---|--:|--:|---|\n")
        for title, data in (("a sound photo.png", sound), *hostile()):
            seconds, said = cost(context, title, data)
            slowest = max(slowest, seconds)
            row = f"| {title} | {len(data) / 1e3:.1f} | {seconds:.1f} | {said} |\n"
            sys.stdout.write(row)
            sys.stdout.flush()
    return int(slowest > _SECONDS + 5.0)


if __name__ == "__main__":
    sys.exit(main())
