"""Runs a notebook's cells one after the other, and notes of each that failed what stopped it."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grader.checking.cells.kernel_client import WireKernelClient
from grader.checking.run.remote import Remote
from grader.errors import (
    GraderFault,
    LimitExceeded,
    NotImplementedYet,
    StudentException,
    SubmissionFailed,
    WorkerDied,
)
from grader.limits import Limits
from grader.notebooks.cells import in_words, may_raise, ours, text_of
from grader.notebooks.definitions import definitions, only_defines

if TYPE_CHECKING:
    from grader.notebooks.jupyter_format import NotebookNode

_INPUT = re.compile(r"<ipython-input-[\w-]*>")  # what IPython calls a cell in a syntax error
DENIED = {  # what a cell may want and a box does not have
    "semaphores": (
        "notebooks are graded in a box without the shared semaphores that pools, queues and locks"
        " of `multiprocessing` need: use a loop or threads"
    ),
    "network": "notebooks are graded in a box without a network",
}
RESERVE = 0.1  # of a notebook's whole time
NO_TIME = "was not run: the cells before it took the notebook's whole time"


class Clock:
    """The time that all runs of one notebook have together; it stands still between them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._used = 0.0
        self._since: float | None = None

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        assert self._since is not None
        self._used += time.monotonic() - self._since
        self._since = None

    @property
    def left(self) -> float:
        """Seconds that are left."""
        running = 0.0 if self._since is None else time.monotonic() - self._since
        return self.limits.notebook_seconds - self._used - running


@dataclass(frozen=True)
class Trouble:
    """A cell that did not run to its end."""

    place: str  # the cell in words
    error: SubmissionFailed
    missing: str = ""  # the name that it did not find, if that stopped it
    meant: bool = False  # its tag says that it may raise

    @property
    def unexplained(self) -> bool:
        """Whether the cell's process was killed, and not by a limit of ours: the machine may have
        done that.
        """
        return isinstance(self.error, WorkerDied) and self.error.unexplained

    @property
    def is_told(self) -> bool:
        """Whether a report says of it: what is not written yet is said at the checks that need
        it.
        """
        return not (self.meant or isinstance(self.error, NotImplementedYet))


@dataclass
class Ran:
    """What came of running the cells: those in trouble by their places, and those that ended their
    process.
    """

    troubles: dict[int, Trouble] = field(default_factory=dict)
    dead: dict[int, Trouble] = field(default_factory=dict)  # not to be run again
    # names of the assignment's that a cell took away and that were given back: the cell in words
    mended: dict[str, str] = field(default_factory=dict)
    # settings that cells before had changed: the cell that was run once more without them
    again: dict[str, str] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)  # dead ones whose definitions end the process, too
    # the cell in which the last run ended: nothing that was defined is left
    died: int | None = None


class _Manager:
    """Stands where nbclient expects a kernel manager: the box is started and ended by others."""

    has_kernel = True


async def run_cells(
    notebook: NotebookNode,
    remote: Remote,
    clock: Clock,
    before: Ran,
    wanted: frozenset[str],
    behind: Callable[[NotebookNode | None], None] = lambda cell: None,
) -> Ran:
    """Run all code cells; raise `GraderFault` if the grader itself failed.

    Of a cell that was dead ``before`` only the definitions are made, as far as they end no process.

    ``behind`` is called behind each cell of any kind, and with None behind the last, while the
    process lives.

    A run ends early only in a cell that ends its process, which is then dead as well. The last part
    of the whole time is kept for cells that define a wanted name or do nothing but define: slow
    cells before them take nothing away.
    """
    from nbclient import NotebookClient  # behind nbformat, see `grader.notebooks.jupyter_format`

    client: Any = NotebookClient(notebook, timeout=None, allow_errors=True)
    client.km, client.kc = _Manager(), WireKernelClient(remote, clock)
    ran = Ran(dead=dict(before.dead), lost=set(before.lost))
    with clock:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and cell.source.strip():
                await _run_cell(client, index, ran, wanted)
                if ran.died is not None:
                    return ran
            behind(cell)
        behind(None)
    return ran


async def _run_cell(client: Any, index: int, ran: Ran, wanted: frozenset[str]) -> None:
    """Run one code cell, unless it is dead or there is no time left, and note what stopped it."""
    cell, kernel = client.nb.cells[index], client.kc
    source = text_of(cell)
    kernel.defines = index in ran.dead
    if kernel.defines:
        ran.troubles[index] = ran.dead[index]
        if index in ran.lost or not definitions(source):
            return
    reserve = 0.0 if _is_dear(source, wanted) else RESERVE * kernel.clock.limits.notebook_seconds
    if kernel.clock.left <= reserve:
        ran.troubles[index] = _not_run(cell, NO_TIME)
        return
    task = definitions(source) & wanted
    kernel.reserve, kernel.keep = reserve, sorted(task)
    kernel.provided = not task and not ours(cell).get("own")
    try:
        await client.async_execute_cell(cell, index)
    finally:
        if kernel.pending is not None:
            await kernel.pending
        cell.outputs = in_one_piece(cell.outputs)
    if kernel.defines:
        _defined(cell, index, kernel, ran)
        return
    ran.mended |= dict.fromkeys(kernel.reply.get("mended", ()), place_of(cell))
    ran.again |= dict.fromkeys(kernel.reply.get("again", ()), place_of(cell))
    trouble = _trouble(cell, kernel)
    if trouble is None:
        return
    ran.troubles[index] = trouble
    if kernel.failure is not None:
        _show(cell, trouble)
        ran.dead[index] = trouble
        ran.died = index


def in_one_piece(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Return a cell's outputs with text that was sent in pieces put together: where it was cut
    depends on how busy the machine is.
    """
    joined: list[NotebookNode] = []
    streams = itertools.groupby(outputs, lambda one: one.get("name", ""))
    for name, pieces in streams:
        first, *others = pieces
        if name:
            first.text = "".join([first.text, *(piece.text for piece in others)])
            joined.append(first)
        else:
            joined += [first, *others]
    return joined


def _defined(cell: NotebookNode, index: int, kernel: WireKernelClient, ran: Ran) -> None:
    """Note what came of a dead cell's definitions; raise `GraderFault` if the grader failed."""
    if isinstance(kernel.failure, GraderFault):
        raise kernel.failure
    _show(cell, ran.dead[index])
    if kernel.failure is not None:
        ran.lost.add(index)
        ran.died = index


def _is_dear(source: str, wanted: frozenset[str]) -> bool:
    """Return whether a cell may use what is kept of the whole time."""
    return only_defines(source) or bool(definitions(source) & wanted)


def place_of(cell: NotebookNode) -> str:
    """Return a cell in words, as the student knows it."""
    number = ours(cell).get("number", 0)
    return in_words(number if isinstance(number, int) else 0, text_of(cell))


def _not_run(cell: NotebookNode, why: str) -> Trouble:
    place = place_of(cell)
    return Trouble(place, LimitExceeded(f"{place} {why}"))


def _trouble(cell: NotebookNode, kernel: WireKernelClient) -> Trouble | None:
    """Return what stopped a cell, or None; raise `GraderFault` if the grader did."""
    place = place_of(cell)
    failure, reply = kernel.failure, kernel.reply
    if isinstance(failure, GraderFault):
        raise failure
    if failure is not None:
        if isinstance(failure, LimitExceeded):
            return Trouble(place, LimitExceeded(f"{place}: {failure}"))
        text = f"{place}: {failure}"
        if not isinstance(failure, WorkerDied):
            return Trouble(place, WorkerDied(text))
        died = WorkerDied(text, unexplained=failure.unexplained, how=failure.how)
        return Trouble(place, died)
    if reply.get("status") == "ok":
        return None
    if reply.get("interrupted"):
        seconds = kernel.seconds
        why = f"{place}: the cell was still running after the limit of {seconds:g} seconds"
        return Trouble(place, LimitExceeded(why), meant=may_raise(cell))
    name, text = reply["ename"], _INPUT.sub("the cell", reply["evalue"])
    if name == "NotImplementedError":
        return Trouble(
            place, NotImplementedYet(text.split(" is not")[0] or place), meant=may_raise(cell)
        )
    said = f"{place} raised {name}: {text}" if text else f"{place} raised {name}"
    if reply["denied"] in DENIED:
        said = f"{said}; {DENIED[reply['denied']]}"
    trace = "\n".join(line[:2000] for line in reply["traceback"])
    return Trouble(place, StudentException(said, trace), reply["missing"], may_raise(cell))


def _show(cell: NotebookNode, trouble: Trouble) -> None:
    """Let the notebook as it ran say in the cell's own output what ended it."""
    from grader.notebooks.jupyter_format import nbformat

    output = nbformat.v4.new_output(
        "error", ename="Stopped", evalue=str(trouble.error), traceback=[str(trouble.error)]
    )
    kept = [one for one in cell.get("outputs", []) if one.get("output_type") != "error"]
    cell["outputs"] = [*kept, output]
