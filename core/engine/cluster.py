"""Work on many photos by several processes, of this machine or of others, through dask.distributed.

The scheduler of ``dask.distributed`` hands out photo after photo, notices when a worker dies or
falls silent, and gives its photo to another one. Folders are shared: every worker reads and
writes the files under the same names. A photo's file gets its name only when it is complete, and
always holds the same bytes, so that work that was begun twice does no harm.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.errors import PhotoError
from core.progress import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from core.progress import Check

Task = TypeVar("Task")

_DEATHS = 10
"""Workers that one photo may outlive: they may have been killed while they happened to hold it."""

_LISTENING = 0.5
"""Seconds between two questions of a worker whether its work is still wanted."""

_PATIENCE = 20.0
"""Seconds to wait for a cluster's answer."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cluster:
    """Where work is done.

    Attributes
    ----------
    workers : int, optional
        So many new processes of this machine, each with one thread.
    address : str, optional
        Of a scheduler that runs already, such as ``tcp://10.0.0.5:8786``; its workers are
        started with ``dask worker ADDRESS --nthreads 1``.
    """

    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        """Check that there is one place to work at."""
        if (self.workers is None) == (self.address is None):
            raise ValueError("A cluster has either a number of workers or an address.")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"Setting workers = {self.workers!r} is out of range.")


@dataclass(frozen=True)
class Outcome(Generic[Task]):
    """How the work on one photo ended.

    Attributes
    ----------
    task : object
        What was to be done.
    result : object
        What the work returned; None if it failed.
    error : Exception or None
        Why it failed.
    worker : str
        The address of the worker that did it; empty where it is not known.
    """

    task: Task
    result: Any
    error: Exception | None
    worker: str


def spread(
    work: Callable[[Task, Check], Any], tasks: Sequence[Task], cluster: Cluster
) -> Generator[Outcome[Task], None, None]:
    """Work on many photos at once.

    Parameters
    ----------
    work : callable
        ``work(task, check)`` does one photo in a worker, and calls `check` often, which raises
        when nobody wants the work any more. It may be called again for a photo whose worker
        died. It and the tasks can be pickled.
    tasks : sequence
        One for each photo.
    cluster : Cluster
        Where.

    Yields
    ------
    Outcome
        As photos are done, in any order. Closing the generator gives up all work, on all
        workers.

    Raises
    ------
    PhotoError
        If the cluster cannot be reached, or dask.distributed is missing.

    Examples
    --------
    >>> from distributed import LocalCluster
    >>> def measured(name, check):
    ...     check()  # stops the work where nobody wants it any more
    ...     return len(name)
    >>> with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as local:
    ...     for outcome in spread(
    ...         measured, ["beach.jpg"], Cluster(address=local.scheduler_address)
    ...     ):
    ...         print(outcome.task, outcome.result)
    beach.jpg 9
    """
    try:
        from distributed import Event, as_completed
    except ImportError as error:
        raise PhotoError(
            "Working on several machines needs dask.distributed; install napari-gamut[cluster]."
        ) from error
    with ExitStack() as stack:
        client = _client(cluster, stack)
        name = f"gamut-{uuid.uuid4().hex}"
        futures = {
            client.submit(
                _done, work, task, name, key=f"{name}-{number}", pure=False, retries=2
            ): task
            for number, task in enumerate(tasks)
        }
        try:
            for future in as_completed(futures):
                yield _outcome(future, futures[future])
                future.release()
        finally:
            unfinished = [future for future in futures if not future.done()]
            if unfinished:
                Event(name, client=client).set()
                client.cancel(unfinished, force=True)


def _client(cluster: Cluster, stack: ExitStack) -> Any:
    import dask
    from distributed import Client, LocalCluster

    stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": _DEATHS}))
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    target: Any = cluster.address
    if cluster.address is None:
        target = stack.enter_context(
            LocalCluster(
                n_workers=cluster.workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # The engine's own memory is bounded; a limit would kill it.
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        )
    try:
        client = stack.enter_context(Client(target, timeout=_PATIENCE))
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"There is no cluster at {cluster.address}; start one with dask scheduler and dask "
            "worker, or use --workers."
        ) from error
    if not client.scheduler_info()["workers"] and cluster.address is not None:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise PhotoError(
                f"The cluster at {cluster.address} has no workers; start some with dask worker "
                f"{cluster.address} --nthreads 1."
            ) from error
    return client


def _outcome(future: Any, task: Task) -> Outcome[Task]:
    try:
        result, worker = future.result()
    except Exception as error:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            error = PhotoError(
                f"{_DEATHS + 1} workers died over this photo, perhaps for want of memory; try it "
                "alone with --tile 256."
            )
        return Outcome(task, None, error, "")
    return Outcome(task, result, None, worker)


def _done(work: Callable[[Task, Check], Any], task: Task, name: str) -> tuple[Any, str]:
    """Do one photo in a worker; returns its result and the worker's address."""
    from distributed import get_worker

    check = _Wanted(name)
    check()
    return work(task, check), get_worker().address


class _Wanted:
    """Asks the scheduler now and then whether the work is still wanted."""

    def __init__(self, name: str) -> None:
        from distributed import Event, get_client

        self._event = Event(name, client=get_client())
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        if self._event.is_set():
            raise Stopped
        self._next = time.monotonic() + _LISTENING
