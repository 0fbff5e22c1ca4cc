from __future__ import annotations

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.errors import PhotoError
from core.progress import Stop, Stopped
from gradio_app.jobs import _PRELOADED, Job, JobFailedError, stoppable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.usefixtures("forked")

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _findable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of jobs find this module."""
    monkeypatch.syspath_prepend(ROOT)


def told(folder: Path) -> Generator[object, None, str]:
    (folder / "pid").write_text(str(os.getpid()))
    yield "looked"
    for done in (1, 2, 3):
        yield done, 3
    yield "drawn"
    return "result"


def endless(folder: Path) -> Generator[tuple[int, int], None, str]:
    (folder / "pid").write_text(str(os.getpid()))
    yield 1, 2
    # As a decoder does: it looks at no clock.
    while True:
        np.linalg.svd(np.ones((200, 200)))


def refusing() -> Generator[tuple[int, int], None, str]:
    yield 1, 2
    raise PhotoError("Choose another photo.")


def failing() -> Generator[tuple[int, int], None, str]:
    yield 1, 2
    raise ZeroDivisionError("the reason")


def dying() -> Generator[tuple[int, int], None, str]:
    yield 1, 2
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def importing(texts: dict[str, list[str]]) -> Generator[object, None, tuple[list[type], bool]]:
    yield "begun"
    return [type(text) for text in texts["photos"]], "gradio" in sys.modules


def lives(folder: Path) -> bool:
    """Whether the process of a job still runs."""
    pid = (folder / "pid").read_text()
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_it_tells_what_it_does_and_then_the_result(tmp_path: Path) -> None:
    job = Job(partial(told, tmp_path), 60, Stop())
    steps = list(job.steps())
    assert job.result == "result"
    assert [step for step in steps if isinstance(step, str)] == ["looked", "drawn"]
    progress = [step for step in steps if isinstance(step, tuple)]
    assert progress == [step for step in ((1, 3), (2, 3), (3, 3)) if step in progress]
    assert not lives(tmp_path)


def test_progress_that_comes_too_fast_is_told_late(tmp_path: Path) -> None:
    steps = Job(partial(told, tmp_path), 60, Stop()).steps()
    assert next(steps) == "looked"
    time.sleep(2.0)
    assert next(steps) == "drawn"


def test_it_works_in_a_process_of_its_own(tmp_path: Path) -> None:
    list(Job(partial(told, tmp_path), 60, Stop()).steps())
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_closing_it_ends_the_process(tmp_path: Path) -> None:
    steps = Job(partial(endless, tmp_path), 60, Stop()).steps()
    next(steps)
    assert lives(tmp_path)
    steps.close()
    assert not lives(tmp_path)


def test_work_that_takes_too_long_is_killed_whatever_it_does(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"longer than 0\.5 seconds"):
        list(Job(partial(endless, tmp_path), 0.5, Stop()).steps())
    assert not (tmp_path / "pid").exists() or not lives(tmp_path)


def test_work_that_somebody_stops_ends(tmp_path: Path) -> None:
    stop = Stop()
    steps = Job(partial(endless, tmp_path), 60, stop).steps()
    next(steps)
    stop.set()
    with pytest.raises(Stopped):
        next(steps)
    assert not lives(tmp_path)


def test_what_it_refuses_is_refused_here() -> None:
    with pytest.raises(PhotoError, match=r"^Choose another photo\.$"):
        list(Job(partial(refusing), 60, Stop()).steps())


def test_what_nobody_foresaw_comes_with_its_trace() -> None:
    with pytest.raises(JobFailedError, match="ZeroDivisionError: the reason"):
        list(Job(partial(failing), 60, Stop()).steps())


def test_a_process_that_dies_is_no_riddle() -> None:
    with pytest.raises(PhotoError, match="want of memory"):
        list(Job(partial(dying), 60, Stop()).steps())


class Endless:
    """A handler whose second step would never end, and what became of it."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.log: list[str] = []

    def handler(self, stop: Stop, first: str) -> Iterator[str]:
        try:
            yield first
            self.started.set()
            while True:
                stop.check()
                time.sleep(0.01)
        except Exception:
            self.log.append("taken for a failure")
        finally:
            self.log.append("cleaned up")


def test_a_handler_can_be_stopped_in_the_middle_of_a_step() -> None:
    endless = Endless()

    async def main() -> None:
        values = stoppable(endless.handler)("first")
        assert await anext(values) == "first"
        second = asyncio.ensure_future(anext(values))
        await asyncio.to_thread(endless.started.wait)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(main())
    assert endless.log == ["cleaned up"]


def test_who_cancels_twice_waits_for_the_step_all_the_same() -> None:
    log: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def handler(stop: Stop) -> Iterator[str]:
        try:
            started.set()
            go_on.wait()
            yield "never"
        finally:
            log.append("cleaned up")

    async def main() -> None:
        task = asyncio.ensure_future(anext(stoppable(handler)()))
        await asyncio.to_thread(started.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert log == ["cleaned up"]


def test_a_handler_can_be_closed_between_two_steps() -> None:
    endless = Endless()

    async def main() -> None:
        values = stoppable(endless.handler)("first")
        await anext(values)
        await values.aclose()

    asyncio.run(main())
    assert endless.log == ["cleaned up"]
    assert not endless.started.is_set()


def test_a_stoppable_handler_passes_on_values_and_errors() -> None:
    def handler(stop: Stop) -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("three")

    async def main() -> list[int]:
        values = []
        with pytest.raises(ValueError, match="three"):
            async for value in stoppable(handler)():
                values.append(value)
        return values

    assert asyncio.run(main()) == [1, 2]


def test_a_stoppable_handler_has_the_parameters_that_a_page_fills_in() -> None:
    def handler(stop: Stop, photo: str, strength: float) -> Iterator[int]:
        yield 1

    assert list(inspect.signature(stoppable(handler)).parameters) == ["photo", "strength"]


def test_a_temporary_folder_of_a_long_name_is_one_sentence(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    answer = subprocess.run(
        [sys.executable, "-m", "gradio_app", "--port=0"],
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "set TMPDIR to a folder of a short name" in answer.stderr
    assert "Traceback" not in answer.stderr


class TestWhatAJobNeedNotImport:
    """Importing Gradio takes longer than most photos."""

    def test_texts_of_gradio_are_python_s_own_in_the_process(self) -> None:
        # The processes import this module, too.
        from gradio.utils import NamedString

        job = Job(partial(importing, {"photos": [NamedString("photo.png")]}), 60, Stop())
        list(job.steps())
        assert job.result == ([str], False)

    def test_what_a_process_imports_leaves_gradio_out(self) -> None:
        modules = ", ".join(["gradio_app.__main__", *_PRELOADED])
        code = f"import sys, {modules}; sys.exit('gradio' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
