"""Notebooks: run by nbclient from the first cell to the last in a box, and asked for what their cells defined.

Theory of operation. nbclient runs here, in the trusted process; the kernel is the worker in the box (`Remote`). What a
finished notebook defines is read as data, and its functions are called, in the process that ran it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from grader.assignment.schema import NotebookSpec
from grader.checking.kernel import WireKernelClient
from grader.checking.remote import Remote
from grader.checking.restore import cell_key, parse, restore
from grader.checking.student import Case, Value
from grader.errors import (
    GraderError,
    GraderFault,
    LimitExceeded,
    NotImplementedYet,
    StudentException,
    SubmissionFailed,
    WorkerDied,
)
from grader.sandbox.limits import Limits
from grader.text import clean


class _Manager:
    """Stands where nbclient expects a kernel manager: the box is started and ended by others."""

    has_kernel = True


async def _run_cells(notebook: NotebookNode, remote: Remote, limits: Limits) -> GraderError | None:
    """Run all code cells; return why it stopped, or None."""
    client: Any = NotebookClient(notebook, timeout=None)
    client.km, kernel = _Manager(), WireKernelClient(remote, limits)
    client.kc = kernel
    for index, cell in enumerate(notebook.cells):
        try:
            await client.async_execute_cell(cell, index)
        except CellExecutionError as error:
            if kernel.failure is not None:
                return _at(cell, kernel.failure)
            return _raised(cell, error)
        finally:
            if kernel.pending is not None:
                await kernel.pending
    return None


def _at(cell: NotebookNode, failure: GraderError) -> GraderError:
    if isinstance(failure, LimitExceeded):
        return LimitExceeded(f"cell `{cell_key(cell)}`: {failure}")
    if isinstance(failure, WorkerDied):
        return WorkerDied(f"cell `{cell_key(cell)}`: {failure}", unexplained=failure.unexplained)
    return failure if isinstance(failure, GraderFault) else type(failure)(f"cell `{cell_key(cell)}`: {failure}")


def _raised(cell: NotebookNode, error: CellExecutionError) -> SubmissionFailed:
    name, text = clean(str(error.ename), 100), clean(str(error.evalue), 500)
    if name == "NotImplementedError":
        return NotImplementedYet(text.split(" is not")[0] or cell_key(cell))
    trace = "\n".join(
        clean(str(line), 2000) for line in (cell.outputs[-1].get("traceback", []) if cell.outputs else [])
    )
    return StudentException(
        f"cell `{cell_key(cell)}` raised {name}: {text}" if text else f"cell `{cell_key(cell)}` raised {name}", trace
    )


class NotebookRun:
    """One notebook of a submission, run in a thread of its own; asking for its outcome waits for it."""

    def __init__(
        self, spec: NotebookSpec, provided: NotebookNode, submitted: bytes | None, remote: Remote, limits: Limits
    ) -> None:
        self.spec = spec
        self.remote = remote
        self.notes: list[str] = []
        self.executed: NotebookNode | None = None
        self._provided = provided
        self._submitted = submitted
        self._limits = limits
        self._future: Future[GraderError | None] | None = None

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Begin the run."""
        self._future = pool.submit(self._run)

    @property
    def running(self) -> bool:
        """Whether the run has begun and not come to its end."""
        return self._future is not None and not self._future.done()

    def failure(self) -> GraderError | None:
        """Wait for the run's end; return why it stopped early, or None."""
        assert self._future is not None
        return self._future.result()

    def stop(self) -> None:
        """Come to an end at once, where the run has not come to its own."""
        if self.running:
            self.remote.cancel()
            self.failure()

    def _run(self) -> GraderError | None:
        try:
            submitted = None
            if self._submitted is not None:
                submitted = parse(self._submitted)
            elif self.spec.required:
                return StudentException(f"`{self.spec.path}` is not in the submission")
            else:
                self.notes.append("it is not in the submission: the notebook of the assignment was run in its place")
            notebook, notes = restore(self._provided, submitted, keep_extra=self.spec.keep_extra_cells)
            self.notes += notes
            self.executed = notebook
            return asyncio.run(_run_cells(notebook, self.remote, self._limits))
        except GraderError as error:
            return error
        except Exception as error:
            return GraderFault(f"running `{self.spec.path}` failed: {error!r}")


class Notebook:
    """`notebook`: a finished notebook in a check. ``notebook["x"]`` names what its cells defined as ``x``."""

    def __init__(self, run: NotebookRun, case: Case) -> None:
        self._run = run
        self._case = case

    def must_run(self) -> None:
        """Raise why the notebook stopped, if it did not run from the first cell to the last."""
        failure = self._run.failure()
        if failure is not None:
            raise failure

    def __getitem__(self, name: str) -> Value:
        """Return what the notebook's cells defined under a name, to be fetched or called."""
        self.must_run()
        return Value(self._case, [["name", name]], name)
