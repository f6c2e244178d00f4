"""Notebooks: run from the first cell to the last in a box, and asked for what their cells defined.

Theory of operation. nbclient runs here, in the trusted process; the kernel is the worker in the box
(`Remote`). A cell that raises is noted and the next one is run. A cell that runs past its time is
interrupted in the box; one that ends its process, or can't be interrupted, is left out and the
others run again in a fresh box. All runs of a notebook together have one limit of time by the
trusted side's clock, so dying gains nothing. The values that a finished notebook defines are read
as data. Its functions are called in the process that ran it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from grader.assignment.schema import NotebookSpec
from grader.checking.api.value import Value
from grader.checking.case.case import Case
from grader.checking.cells.cell_runs import NO_TIME, Clock, Ran, run_cells
from grader.checking.cells.in_box import Answered, InBox, ask
from grader.checking.cells.kernel_client import names_told
from grader.checking.explain.missing_names import MissingNames
from grader.checking.run.remote import Remote, Request
from grader.errors import (
    GraderError,
    GraderFault,
    LimitExceeded,
    StudentException,
    SubmissionFailed,
    WorkerDied,
)
from grader.limits import Limits
from grader.notebooks.cells import cell_key
from grader.notebooks.format import parse
from grader.notebooks.restore import Restored, restored
from grader.text import quoted

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_RUNS = 3  # of one notebook: the first, and those without a cell that ended its process
MORE_RUNS = 1  # if the process ended in a module: without the statement that ended it
MAX_REVIVALS = 8  # after calls that ended the process of a finished notebook
MOST_NAMES = 50_000  # that a notebook may define and still be asked for each


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _by_place(told: dict[str, str]) -> list[tuple[str, str]]:
    """Return the names that belong to each cell."""
    names: dict[str, list[str]] = {}
    for name, place in told.items():
        names.setdefault(place, []).append(name)
    return [(place, quoted(found)) for place, found in names.items()]


class NotebookRun:
    """One notebook of a submission, run in a thread of its own; asking for its outcome waits for
    it.
    """

    def __init__(
        self,
        spec: NotebookSpec,
        provided: NotebookNode,
        submitted: bytes | None,
        remote: Remote,
        limits: Limits,
        in_box: tuple[InBox, ...] = (),
    ) -> None:
        self.spec = spec
        self.remote = remote
        self.notes: list[str] = []
        self.look: list[str] = []  # what a person should decide
        self.executed: NotebookNode | None = None
        self.ran = Ran()
        self._provided = provided
        self._submitted = submitted
        self._clock = Clock(limits)
        self._future: Future[GraderError | None] | None = None
        self._restored: Restored | None = None
        self._names: frozenset[str] = frozenset()
        self._rebound: frozenset[str] = frozenset()
        self._unshadowed: list[str] = []  # names of Python's own that a cell had bound
        self._revivals = 0
        self._stand_ins: Request | None = None  # in a second run: what puts them in their places
        self._in_box = in_box
        self._answered: dict[str, Answered] = {}

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Begin the run."""
        self._future = pool.submit(self._run)

    @property
    def running(self) -> bool:
        """Whether the run has begun and not come to its end."""
        return self._future is not None and not self._future.done()

    def failure(self) -> GraderError | None:
        """Wait for the run's end; return why there is no finished notebook, or None. Cells may have
        raised.
        """
        assert self._future is not None
        return self._future.result()

    def stop(self) -> None:
        """Come to an end at once, if the run has not come to its own."""
        if self.running:
            self.remote.cancel()
            self.failure()

    def stopped_early(self) -> GraderError | None:
        """Wait for the run's end; return the first failure of a cell that was not meant to raise,
        or None.
        """
        failure = self.failure()
        if failure is not None:
            return failure
        for trouble in self.ran.troubles.values():
            if not trouble.meant:
                return trouble.error
        return None

    # --- the run ----------------------------------------------------------------------------------

    def _run(self) -> GraderError | None:
        try:
            submitted = None
            if self._submitted is not None:
                submitted = parse(self._submitted)
            elif self.spec.required:
                return StudentException(f"`{self.spec.path}` is not in the submission")
            else:
                self.notes.append(
                    "it is not in the submission: the notebook of the assignment was run in its"
                    " place"
                )
            self._restored = restored(
                self._provided, submitted, keep_extra=self.spec.keep_extra_cells
            )
            self.notes += self._restored.notes
            self.executed = self._restored.notebook
            self._run_to_the_end(self.executed)
            self.look += [answered.look for answered in self._answered.values() if answered.look]
            self.notes += MissingNames(self._restored, self.ran).notes()
            for name in sorted(self._rebound):
                self.notes.append(
                    f"`{name}` was bound to something else, or deleted, by a later cell; the"
                    " function counts"
                )
            self.notes += self._notes_of_mended()
        except GraderError as error:
            if isinstance(error, SubmissionFailed):
                self.look.append(str(error))
            return error
        except Exception as error:
            return GraderFault(f"running `{self.spec.path}` failed: {error!r}")
        return None

    def _run_to_the_end(self, notebook: NotebookNode) -> None:
        """Run all cells, again without a cell that ended the process of the others, within the
        notebook's whole time.

        Raises `GraderFault` if the grader itself failed.
        """
        # the cell in which the process was killed from outside, if that came once
        killed: int | None = None
        runs, most = 0, MAX_RUNS
        while runs < most:
            runs += 1
            self.ran = asyncio.run(
                run_cells(
                    notebook,
                    self.remote,
                    self._clock,
                    self.ran,
                    self._wanted,
                    self._ask_in_box,
                )
            )
            died = self.ran.died
            if died is None or self._clock.left <= 0:
                break
            end = self.ran.dead[died]
            self.remote.close()
            if end.unexplained and killed != died:
                killed = died
                del self.ran.dead[died]  # it is run once more
            elif self.remote.may_come_further(end.error):
                most = MAX_RUNS + MORE_RUNS
                del self.ran.dead[died]
                self.ran.lost.discard(died)
        if self.ran.died is None:
            self._names = self._ask_for_names()

    def substitute(self, request: Request | None) -> None:
        """Let stand-ins take the place of functions that the cells have defined, whenever they have
        run again, too.
        """
        self._stand_ins = request
        if self.failure() is None and self.remote.is_open:
            self._put_stand_ins()

    def _put_stand_ins(self) -> None:
        if self._stand_ins is not None:
            with suppress(SubmissionFailed):  # which the next call tells
                self.remote.request(*self._stand_ins)

    def _notes_of_mended(self) -> Iterator[str]:
        """Yield notes on cells that took names away from the others, which have been given back."""
        for place, names in _by_place(self.ran.mended):
            what = f"name {names} away from the other cells; they have it all the same"
            if "," in names:
                what = f"names {names} away from the other cells; they have them all the same"
            yield f"{place} took the {what}"
        for place, names in _by_place(self.ran.again):
            yield f"{place} was run once more without what an earlier cell had set: {names}"
        for name in self._unshadowed:
            yield (
                f"a cell gave `{name}`, a function of Python's own or a library's, another value;"
                " for the checks it is what it was"
            )

    @property
    def _wanted(self) -> frozenset[str]:
        """The names that the author leaves to students."""
        matching = self._restored.matching if self._restored is not None else None
        return matching.wanted if matching is not None else frozenset()

    def _ask_in_box(self, cell: NotebookNode | None) -> None:
        """Run the checks in the box that stand behind a cell, or at the end those that are still to
        be run.
        """
        key = None if cell is None else cell_key(cell)
        for test in self._in_box:
            here = test.id not in self._answered if key is None else test.after == key != ""
            if not here or not self.remote.is_open:
                continue
            seconds = min(self._clock.limits.cell_seconds, self._clock.left)
            if seconds <= 0:
                self._answered[test.id] = Answered(LimitExceeded(f"`{test.id}` {NO_TIME}"))
            else:
                self._answered[test.id] = ask(test, self.remote, seconds)

    def passed_in_box(self, id: str) -> None:  # noqa: A002
        """Wait for the run's end; raise why a check in the box did not pass, if it did not."""
        failure = self.failure()
        if failure is not None:
            raise failure
        answered = self._answered.get(id)
        if answered is None:
            died = self.ran.troubles.get(-1 if self.ran.died is None else self.ran.died)
            raise (
                died.error
                if died is not None
                else WorkerDied(f"the notebook's process ended before `{id}` was run")
            )
        if answered.error is None:
            return
        missing = answered.missing
        if missing and missing not in self._names and self._restored is not None:
            raise MissingNames(self._restored, self.ran).why(missing)
        raise answered.error

    def _ask_for_names(self) -> frozenset[str]:
        """Return the names that the cells left in the notebook's process. What is not text is no
        name.
        """
        try:
            reply = self.remote.request("the notebook", {"op": "names"})
        except SubmissionFailed:
            return frozenset()
        told = reply.body.get("names")
        names = told[:MOST_NAMES] if isinstance(told, list) else []
        rebound = reply.body.get("rebound")
        self._rebound = self._wanted.intersection(
            filter(_is_text, rebound if isinstance(rebound, list) else [])
        )
        self._unshadowed = self._unshadowed or names_told(reply.body.get("mended"))
        return frozenset(filter(_is_text, names))

    def revive(self) -> None:
        """Run the cells again if a call has ended the process that they ran in, as long as there is
        time for it.
        """
        if self.failure() is not None or self.ran.died is not None or self.remote.is_open:
            return
        if self._revivals == MAX_REVIVALS or self._clock.left <= 0 or self.executed is None:
            return
        self._revivals += 1
        again = self.executed.copy()
        again.cells = [cell.copy() for cell in again.cells]  # outputs stay those of the first run
        with self._numbers_shown():
            asyncio.run(run_cells(again, self.remote, self._clock, self.ran, self._wanted))
            self._ask_for_names()  # which also takes away what hides Python's own functions
            self._put_stand_ins()

    @contextmanager
    def _numbers_shown(self) -> Iterator[None]:
        """Let messages keep their numbers: what a notebook's own cells work on is no hidden
        input.
        """
        hidden, self.remote.hide_numbers = self.remote.hide_numbers, False
        try:
            yield
        finally:
            self.remote.hide_numbers = hidden

    def cells_that_ran(self) -> list[NotebookNode]:
        """Return the cells of a finished notebook with their outputs."""
        assert self.executed is not None
        return list(self.executed.cells)

    # --- what it defines --------------------------------------------------------------------------

    def must_define(self, name: str) -> None:
        """Raise why a name is not there, if it is not."""
        failure = self.failure()
        if failure is not None:
            raise failure
        if self.ran.died is None and not self.remote.is_open:
            raise LimitExceeded(
                f"`{name}` can't be asked for: a function of the notebook ended its process"
                " earlier, and there was no time left to run the cells again"
            )
        if name in self._names or name in self._ask_for_names():
            return
        assert self._restored is not None
        raise MissingNames(self._restored, self.ran).why(name)


class Notebook:
    """`notebook`: a finished notebook in a check. ``notebook["x"]`` names what its cells defined as
    ``x``.
    """

    def __init__(self, run: NotebookRun, case: Case) -> None:
        self._run = run
        self._case = case

    def must_run(self) -> None:
        """Raise the first failure of a cell, if not all ran; cells with the tag
        ``raises-exception`` may raise.
        """
        failure = self._run.stopped_early()
        if failure is not None:
            raise failure

    def __getitem__(self, name: str) -> Value:
        """Return what the notebook's cells defined under a name, to be fetched or called.

        Raises the student's failure if that very name is missing; whatever else in the notebook
        raised is no matter.
        """
        self._run.must_define(name)
        return Value(self._case, [["name", name]], name)
