"""Work by several processes, of this machine or of others, through dask.distributed.

The scheduler of ``dask.distributed`` hands out task after task, such as a photo or a part of a
large one, notices when a worker dies or falls silent, and gives its task to another one. Folders
are shared: every worker reads and writes the files under the same names. A photo's file gets its
name only when it is complete, and always holds the same bytes, so that work that was begun twice
does no harm.

Workers run what the scheduler sends them, so that whoever reaches a cluster can run anything
there: its machines belong in a network of their own.
"""

from __future__ import annotations

import itertools
import logging
import pickle
import time
import uuid
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from core.errors import PhotoError
from core.progress import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from typing import Self

    from core.progress import Check

Task = TypeVar("Task")

_DEATHS = 10
"""Workers that one task may outlive: they may have been killed while they happened to hold it."""

_STARTS = 3
"""How often workers are started before this is given up."""

_LISTENING = 0.5
"""Seconds between two questions of a worker whether its work is still wanted."""

_PACKAGE = "napari-gamut"

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
    """How the work on one task ended.

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

    def get(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.result


class Workers:
    """The processes of a cluster, ready to work; a context manager.

    Parameters
    ----------
    place : Cluster
        Where they are.

    Raises
    ------
    PhotoError
        On entering, if the cluster cannot be reached, dask.distributed is missing, or a worker has
        another version of this program.

    Examples
    --------
    >>> from distributed import LocalCluster
    >>> def measured(name, check):
    ...     check()  # stops the work where nobody wants it any more
    ...     return len(name)
    >>> local = LocalCluster(n_workers=1, processes=False, dashboard_address=None)
    >>> with local, Workers(Cluster(address=local.scheduler_address)) as workers:
    ...     for outcome in workers.spread(measured, ["beach.jpg"]):
    ...         print(outcome.task, outcome.result)
    beach.jpg 9
    """

    def __init__(self, place: Cluster) -> None:
        self._place = place
        self._stack = ExitStack()
        self._client: Any = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._client = _client(self._place, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def count(self) -> int:
        """How many there are now, at least 1."""
        return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def spread(
        self, work: Callable[[Task, Check], Any], tasks: Sequence[Task]
    ) -> Generator[Outcome[Task], None, None]:
        """Work on many tasks at once.

        Parameters
        ----------
        work : callable
            ``work(task, check)`` does one task in a worker, and calls `check` often, which raises
            when nobody wants the work any more. It may be called again for a task whose worker
            died. It and the tasks can be pickled.
        tasks : sequence
            Such as one for each photo.

        Yields
        ------
        Outcome
            As tasks are done, in any order. Closing the generator gives up all work, on all
            workers.
        """
        from distributed import as_completed

        with self._wanted(work) as submit:
            futures = {submit(task): task for task in tasks}
            for future in as_completed(futures):
                yield _outcome(future, futures[future])
                future.release()

    def spread_in_order(
        self, work: Callable[[Task, Check], Any], tasks: Iterable[Task], ahead: int | None = None
    ) -> Generator[Outcome[Task], None, None]:
        """Work on many tasks at once whose results are wanted one after the other.

        Parameters
        ----------
        work : callable
            As for :meth:`spread`.
        tasks : iterable
            In the order of the results.
        ahead : int, optional
            Tasks that are begun, or done and not yet fetched, at any time: they take memory. Twice
            as many as there are workers, unless given.

        Yields
        ------
        Outcome
            In the order of the tasks. Closing the generator gives up all work, on all workers.
        """
        ahead = ahead or 2 * self.count
        with self._wanted(work) as submit:
            begun: deque[tuple[Any, Task]] = deque()
            waiting = iter(tasks)
            while True:
                begun.extend(
                    (submit(task), task) for task in itertools.islice(waiting, ahead - len(begun))
                )
                if not begun:
                    return
                future, task = begun.popleft()
                yield _outcome(future, task)
                future.release()

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in every worker that is alive; one that has just died is passed over."""
        self._client.run(function, on_error="ignore")

    @contextmanager
    def _wanted(self, work: Callable[[Task, Check], Any]) -> Iterator[Callable[[Task], Any]]:
        """Give a function that submits tasks; at the end all unfinished ones are given up."""
        import cloudpickle
        from distributed import Event

        name = f"gamut-{uuid.uuid4().hex}"
        numbers = itertools.count()
        futures = []

        def submit(task: Task) -> Any:
            key = f"{name}-{next(numbers)}"
            # Pickled here: a worker that cannot unpickle its task would tell nobody.
            job = cloudpickle.dumps((work, task))
            future = self._client.submit(_done, job, name, key=key, pure=False, retries=2)
            futures.append(future)
            return future

        try:
            yield submit
        finally:
            unfinished = [future for future in futures if not future.done()]
            if unfinished:
                Event(name, client=self._client).set()
                self._client.cancel(unfinished, force=True)


def _client(cluster: Cluster, stack: ExitStack) -> Any:
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise PhotoError(
            "Working on several machines needs dask.distributed; install napari-gamut[cluster]."
        ) from error

    settings = {
        "distributed.scheduler.allowed-failures": _DEATHS,
        "distributed.worker.profile.enabled": False,  # Its records take memory with every photo.
    }
    stack.enter_context(dask.config.set(settings))
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    target: Any = cluster.address
    if cluster.workers is not None:
        target = stack.enter_context(_local_cluster(cluster.workers))
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
    if cluster.address is not None:
        _check_alike(client)
    return client


def _check_alike(client: Any) -> None:
    """Check that the machines of a cluster have this program, of the same version."""
    here = _version()
    others = client.run(version, _PACKAGE, on_error="return")
    for address, there in others.items():
        if there != here:
            has = "lacks" if isinstance(there, Exception) else f"has version {there} of"
            raise PhotoError(
                f"The worker at {address} {has} {_PACKAGE}, this machine has {here}; install the "
                "same version on all of them."
            )


def _version() -> str:
    return version(_PACKAGE)


def _local_cluster(workers: int) -> Any:
    """Start processes of this machine; where one of them dies at once, start them again."""
    from distributed import LocalCluster

    for _ in range(_STARTS):
        try:
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # The engine's own memory is bounded; a limit would kill it.
                dashboard_address=None,
                # Even so it listens; at a fixed port it would warn of other clusters.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError:
            logger.info("A worker died while it was started.", exc_info=True)
    raise PhotoError(
        f"{workers} workers could not be started, perhaps for want of memory; try fewer --workers."
    )


def _outcome(future: Any, task: Task) -> Outcome[Task]:
    try:
        result, worker = future.result()
    except Exception as error:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            error = PhotoError(
                f"{_DEATHS + 1} workers died over it, perhaps for want of memory; try it "
                "alone with --tile 256."
            )
        return Outcome(task, None, error, "")
    return Outcome(task, result, None, worker)


def _done(job: bytes, name: str) -> tuple[Any, str]:
    """Do one task in a worker; returns its result and the worker's address."""
    from distributed import get_worker

    address = get_worker().address
    check = _Wanted(name)
    check()
    try:
        work, task = pickle.loads(job)
    except (ImportError, AttributeError) as error:
        raise PhotoError(
            f"The worker at {address} lacks a part of this program ({error}); install the same "
            "packages there as here."
        ) from error
    return work(task, check), address


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
