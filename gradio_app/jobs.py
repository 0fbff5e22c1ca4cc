"""Work in a process of its own: it reports its progress, and ends in time whatever it does.

Whoever sends a photo decides what its decoder does. A decoder looks at no clock, so each job has
a process, which is killed when its time is over or nobody wants the result any more; what it took
of the memory goes with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.errors import PhotoError
from core.progress import Stop, Stopped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    Work = Generator[Any, None, "Result"]

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_END = object()

_WAIT = 0.1
"""Seconds between two looks at the clock, and at whether somebody has given up."""

_PRELOADED = (
    "torch",
    "core.engine.files",
    "core.evaluation.comparison",
    "core.methods.letnet",
    "core.methods.registry",
    "core.pictures.previews",
    "gradio_app.photo_comparison",
    "gradio_app.photo_convergence",
    "gradio_app.photo_expansion",
    "gradio_app.photo_reduction",
    "matplotlib.figure",
)
"""What processes begin with, so that a job has nothing to import."""


@dataclass(frozen=True)
class _Step:
    value: Any


@dataclass(frozen=True)
class _Done:
    result: Any


@dataclass(frozen=True)
class _Refused:
    sentence: str


@dataclass(frozen=True)
class _Failed:
    trace: str


class TimeOverError(PhotoError):
    """A job's time is over."""


class JobFailedError(Exception):
    """A job raised what nobody foresaw; its trace is the message."""


def prepare() -> None:
    """Start what processes are forked from, so that the first job need not wait for it.

    Raises
    ------
    PhotoError
        If the temporary folder cannot hold their sockets.
    """
    if isinstance(_context(), multiprocessing.context.ForkServerContext):
        multiprocessing.set_forkserver_preload(list(_PRELOADED))
        try:
            forkserver.ensure_running()
        except OSError as error:
            raise PhotoError(
                f"The processes of the demo cannot be reached through “{tempfile.gettempdir()}” "
                f"({error}); set TMPDIR to a folder of a short name that can be written to."
            ) from error


class Job(Generic[Result]):
    """A generator of the engine in a process of its own, with a time limit.

    Iterate over :meth:`steps`, then take :attr:`result`. Closing the iteration kills the process;
    what it has written is its caller's to delete.

    Parameters
    ----------
    begin : functools.partial
        Of a function of a module, since it goes to the process. Returns a generator, which yields
        what is told on the way and returns the result.
    seconds : float
        How long it may take, from the start of its process.
    stop : Stop
        Whether somebody wants it to end before.
    """

    result: Result

    def __init__(
        self, begin: functools.partial[Generator[Any, None, Result]], seconds: float, stop: Stop
    ) -> None:
        self._begin = functools.partial(begin.func, *_plain(begin.args), **_plain(begin.keywords))
        self._seconds, self._stop = seconds, stop

    def steps(self) -> Generator[Any, None, None]:
        """Yield what the work tells; of progress that comes faster than it is taken, the last.

        Raises
        ------
        TimeOverError
            If its time is over.
        PhotoError
            What the work refuses, or that its memory is over.
        JobFailedError
            If it fails in another way.
        """
        ours, its = _context().Pipe()
        process: ForkServerProcess = _context().Process(
            target=_work, args=(self._begin, its), daemon=True
        )
        end = time.monotonic() + self._seconds
        try:
            process.start()
            its.close()
            while True:
                message = self._next(ours, end)
                if isinstance(message, _Done):
                    self.result = message.result
                    return
                yield message.value
        except EOFError:
            process.join()
            logger.warning("a job's process ended with %s", process.exitcode)
            raise PhotoError(
                "The server could not finish this photo, perhaps for want of memory; choose a "
                "smaller one, or use the program on your own computer."
            ) from None
        finally:
            _end(process)
            ours.close()

    def _next(self, connection: Connection, end: float) -> _Step | _Done:
        """Return the next message that is not overtaken by another one."""
        while not connection.poll(_WAIT):
            self._check(end)
        self._check(end)
        message = connection.recv()
        while isinstance(message, _Step) and _is_progress(message.value) and connection.poll():
            message = connection.recv()
        if isinstance(message, _Refused):
            raise PhotoError(message.sentence)
        if isinstance(message, _Failed):
            raise JobFailedError(message.trace)
        told: _Step | _Done = message
        return told

    def _check(self, end: float) -> None:
        self._stop.check()
        if time.monotonic() > end:
            raise TimeOverError(
                f"The job took longer than {self._seconds:g} seconds; choose a smaller photo, or "
                "use the program on your own computer."
            )


def _plain(value: Any) -> Any:
    """Return arguments with Python's own texts: Gradio's would have each process import Gradio."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def _context() -> ForkServerContext:
    # Windows has no other way than to start afresh, which takes seconds a job.
    method = "spawn" if sys.platform == "win32" else "forkserver"
    context: Any = multiprocessing.get_context(method)
    return context  # type: ignore[no-any-return]


def _is_progress(step: Any) -> bool:
    return isinstance(step, tuple)


def _end(process: ForkServerProcess) -> None:
    """Make sure that a process is no more."""
    if process.pid is not None:
        process.join(_WAIT)
        process.kill()
        process.join()
        process.close()


def _work(begin: Callable[[], Work[Any]], connection: Connection) -> None:
    """Do the work, in its process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _offer_itself_first()
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    try:
        with closing(begin()) as work:
            while True:
                try:
                    step = next(work)
                except StopIteration as finished:
                    connection.send(_Done(finished.value))
                    return
                connection.send(_Step(step))
    except PhotoError as error:
        connection.send(_Refused(str(error)))
    except Exception:
        connection.send(_Failed(traceback.format_exc()))


def _offer_itself_first() -> None:
    """Let a system that runs out of memory end the job, and not the server."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def _end_with(connection: Connection) -> None:
    """End the process when the server has gone, which never sends anything."""
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
    os._exit(1)


def stoppable(handler: Callable[..., Iterator[Any]]) -> Callable[..., AsyncGenerator[Any]]:
    """Let whoever cancels a handler, or goes away, stop it in the middle of a step.

    Parameters
    ----------
    handler : generator function
        Takes a :class:`core.progress.Stop` before its other parameters, and does its work in a
        thread. When it is cancelled, work that checks the stop ends at once, as jobs do, and the
        handler with it; what else it does between two yields is finished.

    Returns
    -------
    asynchronous generator function
        With the other parameters and the same values.
    """

    @functools.wraps(handler)
    async def run(*arguments: Any) -> AsyncGenerator[Any]:
        stop = Stop()

        def step() -> Any:
            try:
                return next(work, _END)
            except Stopped:
                return _END

        work = handler(stop, *arguments)
        try:
            while True:
                running = asyncio.ensure_future(asyncio.to_thread(step))
                try:
                    value = await asyncio.shield(running)
                except asyncio.CancelledError:
                    stop.set()
                    await _ended(running)
                    raise
                if value is _END:
                    return
                yield value
        finally:
            work.close()  # type: ignore[attr-defined]

    # Gradio counts the parameters, and takes the types of an endpoint from them.
    signature = inspect.signature(handler)
    others = list(signature.parameters.values())[1:]
    run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    return run


async def _ended(running: asyncio.Future[Any]) -> None:
    """Wait for a step, however often it is cancelled: its thread still holds the generator."""
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([running])
