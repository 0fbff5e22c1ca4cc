"""Work during which Python can do nothing else, in another process where others must go on.

A few libraries never let other threads run while they work. Where a window lives in one of those
threads, such work is done by a fresh interpreter, which takes half a second to start. What the two
tell each other is pickled: functions and results of this program, never what a file says.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_PROGRAM = "from core.apart import _answer; _answer()"


class _Here(threading.local):
    apart = False


_here = _Here()


@contextmanager
def others_go_on() -> Iterator[None]:
    """Let other threads go on, whatever this thread does meanwhile.

    Examples
    --------
    >>> import os
    >>> with others_go_on():
    ...     called(os.getpid) == os.getpid()
    False
    >>> called(os.getpid) == os.getpid()
    True
    """
    before = _here.apart
    _here.apart = True
    try:
        yield
    finally:
        _here.apart = before


def called(
    function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Call a function that lets no other thread go on.

    Parameters
    ----------
    function : callable
        In another process inside of :func:`others_go_on`, otherwise here. It, its arguments and
        its result can be pickled.
    *args, **kwargs
        Its arguments.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    Exception
        What it raises; ValueError if the process died over it.

    Examples
    --------
    >>> called(divmod, 7, 2)
    (3, 1)
    >>> with others_go_on():
    ...     called(divmod, 7, 2)
    (3, 1)
    """
    if not _here.apart:
        return function(*args, **kwargs)
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM],  # Nothing is imported from the current folder.
        input=pickle.dumps((function, args, kwargs)),
        stdout=subprocess.PIPE,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        check=False,
    )
    if done.returncode:
        raise ValueError(f"the process that worked on it ended with {done.returncode}")
    result, error = pickle.loads(done.stdout)
    if error is not None:
        raise error
    return cast("Result", result)


def _answer() -> None:
    """Do what the standard input asks for, in the other process."""
    function, args, kwargs = pickle.load(sys.stdin.buffer)
    answered = sys.stdout.buffer
    sys.stdout = sys.stderr  # What libraries may print is no part of the answer.
    told: tuple[Any, Exception | None]
    try:
        told = function(*args, **kwargs), None
    except Exception as error:
        told = None, error
    pickle.dump(told, answered, protocol=pickle.HIGHEST_PROTOCOL)
