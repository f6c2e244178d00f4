"""Where tasks are done: processes of this machine, or a Dask cluster, both behind
`concurrent.futures.Executor`.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

from grader import machine
from grader.classroom.run.worker import environment, prepare
from grader.errors import UsageError
from grader.text import counted

TASKS_OF_A_PROCESS = 200  # then a fresh one takes its place: what a library leaks is bounded
RESERVED_MB = 400  # of a worker for itself and its sandbox's warm process


class Room(NamedTuple):
    """How much is graded at a time on this machine, and why."""

    workers: int
    boxes: int  # of each worker
    why: str


def room(needed_mb: int, asked: int | None = None) -> Room:
    """Return how many workers this machine bears: as many as cores, as far as memory goes.

    needed_mb: what one box may take; asked: as many as these, if memory holds them
    """
    total, most = machine.memory_mb(), asked or machine.cores()
    holds = most * max(1, machine.cores() // most)
    if total is not None:
        holds = max(1, int((total * 0.8 - RESERVED_MB) / (needed_mb + RESERVED_MB / 2)))
    workers = min(most, holds)
    boxes = max(1, min(machine.cores() // workers, holds // workers))
    why = f"{counted(workers, 'submission')} at a time"
    if total is not None and workers < most:
        why += f", not {most}"
    if total is not None:
        why += f": {total} MiB of memory for boxes of up to {needed_mb} MiB"
    if total is not None and total < needed_mb:
        why += "; one that takes what it may will find less, and is then not marked"
    return Room(workers, boxes, why)


class Lanes(Executor):
    """Processes of this machine, each in a pool of its own: one that dies takes its own submission
    with it, no other.

    ``capacity`` tasks run at once; whoever submits more waits.
    """

    def __init__(self, workers: int, temporary: Path, boxes: int = 1) -> None:
        """Start the processes. ``boxes``: how many each may have at work at a time."""
        self.capacity = workers
        self._boxes = boxes
        self._temporary = str(temporary)
        self._idle: queue.SimpleQueue[ProcessPoolExecutor] = queue.SimpleQueue()
        self._pools: set[ProcessPoolExecutor] = set()
        self._lock = threading.Lock()
        self._ended = False
        for _ in range(workers):
            self._idle.put(self._new())

    def _new(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=prepare,
            initargs=(self._temporary, environment(), self._boxes),
            max_tasks_per_child=TASKS_OF_A_PROCESS,
        )
        with self._lock:
            self._pools.add(pool)
        return pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a process that is idle."""
        pool = self._idle.get()
        try:
            future = pool.submit(fn, *args, **kwargs)
        except BrokenProcessPool:  # it died idle
            pool = self._replaced(pool)
            future = pool.submit(fn, *args, **kwargs)
        future.add_done_callback(lambda done: self._release(pool, done))
        return future

    def _release(self, pool: ProcessPoolExecutor, done: Future[Any]) -> None:
        broken = not done.cancelled() and isinstance(done.exception(), BrokenProcessPool)
        if not self._ended:
            self._idle.put(self._replaced(pool) if broken else pool)

    def _replaced(self, pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """Return a new pool for one whose process has died, which ends by itself.

        To be called from that pool's own thread, too, which holds its lock then: it may not be shut
        down there.
        """
        with self._lock:
            self._pools.discard(pool)
        return self._new()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End every process once its task is done."""
        self._ended = True
        for pool in list(self._pools):
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def abort(self) -> None:
        """End every process now: what it was at is lost, and its sandbox ends with it."""
        self._ended = True
        for pool in list(self._pools):
            # The pool's own list: there is no public way to end a task that runs (before Python
            # 3.14).
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
                # nothing is written into the scratch folder any more when that is removed
                process.join(5)
            pool.shutdown(wait=False, cancel_futures=True)


class DaskExecutor(Executor):
    """A Dask cluster through its own executor face."""

    def __init__(self, address: str) -> None:
        try:
            distributed = importlib.import_module("distributed")
        except ImportError as error:
            raise UsageError("--dask needs the extra: pip install 'grader[dask]'") from error
        try:
            self._client = distributed.Client(address, timeout="8s", set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(f"there is no Dask scheduler at {address} ({error})") from error
        threads = sum(self._client.nthreads().values())
        if not threads:
            self._client.close()
            raise UsageError(
                f"the scheduler at {address} has no workers: start some with `dask worker"
                f" {address}`"
            )
        self.capacity = 2 * threads  # a task waits at each worker while another is done
        self._executor = self._client.get_executor(pure=False, retries=2)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function somewhere on the cluster."""
        future: Future[Any] = self._executor.submit(fn, *args, **kwargs)
        return future

    @property
    def alive(self) -> bool:
        """Whether the scheduler is still there."""
        return bool(self._client.status == "running")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; what is still under way is given up."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close(timeout=5)

    def abort(self) -> None:
        """Leave at once."""
        with contextlib.suppress(Exception):  # whatever it complains about, we are going
            self._executor.shutdown(wait=False)
            self._client.close(timeout=0.3)
