"""Why a name that a check asks for is not defined: which cell would have defined it, and what
stopped that cell.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from grader.checking.cells.cell_runs import Ran, Trouble, place_of
from grader.errors import (
    CellStopped,
    GraderError,
    GraderFault,
    NotImplementedYet,
    StudentException,
    SubmissionFailed,
)
from grader.notebooks.cells import cell_key, ours, text_of
from grader.notebooks.definitions import definitions, stubs
from grader.notebooks.restore import Restored

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_STEPS = 10  # from a cell that missed a name to the one that would have defined it


def _and_behind(count: int) -> str:
    """Return how many cells stopped for want of what another defines."""
    if not count:
        return ""
    return (
        f"; {count} cell{'s' if count > 1 else ''} that need{'' if count > 1 else 's'} what it"
        " defines stopped too"
    )


class MissingNames:
    """Looks for the cause of a missing name in the cells of a notebook that ran."""

    def __init__(self, restored: Restored, ran: Ran) -> None:
        self._restored = restored
        self._cells: list[NotebookNode] = restored.notebook.cells
        self._ran = ran

    def why(self, name: str) -> GraderError:
        """Return the failure to be told for a name that is not there; a kill from outside is the
        grader's.
        """
        index = self._defining(name)
        root = None if index is None else self._root(index)
        if root is not None and root.unexplained:
            return GraderFault(f"{root.error}, twice, and none of our limits did that")
        if index is None:
            return self._nowhere(name)
        trouble = self._root(index)
        place = place_of(self._cells[index])
        if trouble is None:
            if self._ran.died is not None:
                ended = self._ran.troubles[self._ran.died]
                return CellStopped(f"`{name}` is lost: {ended.error}", cell=ended.place)
            if name in stubs(text_of(self._cells[index])):
                return NotImplementedYet(name)
            return StudentException(
                f"`{name}` is not defined: {place} defines it, but it is gone when the notebook"
                " ends"
            )
        if isinstance(trouble.error, NotImplementedYet):
            return NotImplementedYet(name)
        trace = str(getattr(trouble.error, "trace", ""))
        if trouble.place == place:
            return CellStopped(
                f"`{name}` is not defined, since {trouble.error}", trace, trouble.place
            )
        return CellStopped(
            f"`{name}` is not defined: {place} defines it, but lacks what another cell defines;"
            f" {trouble.error}",
            trace,
            trouble.place,
        )

    def notes(self) -> list[str]:
        """Return a sentence for each cell that stopped, and with it how many lacked what it
        defines.
        """
        behind: Counter[str] = Counter()
        own: dict[str, str] = {}
        for index, trouble in self._ran.troubles.items():
            root = self._root(index)
            if root is None or not root.is_told:
                continue
            if root is trouble:
                own[root.place] = str(root.error)
            else:
                behind[root.place] += 1
        return [f"{said}{_and_behind(behind[place])}" for place, said in own.items()]

    def _defining(self, name: str) -> int | None:
        """Return the cell that defines a name: the last one that stopped, or else the last one."""
        found = set()
        for index, cell in enumerate(self._cells):
            if cell.cell_type == "code" and name in definitions(text_of(cell)):
                found.add(index)
        return max(found & self._ran.troubles.keys() or found, default=None)

    def _root(self, index: int) -> Trouble | None:
        """Return what stopped a cell; if it lacked a name, what stopped the cell that defines that
        name.
        """
        trouble = self._ran.troubles.get(index)
        seen = {index}
        for _ in range(MOST_STEPS):
            if trouble is None or not trouble.missing:
                break
            before = self._defining(trouble.missing)
            if before is None or before in seen or before not in self._ran.troubles:
                break
            seen.add(before)
            trouble = self._ran.troubles[before]
        return trouble

    def _nowhere(self, name: str) -> SubmissionFailed:
        """Return the failure for a name that no cell defines."""
        matching = self._restored.matching
        # the notebook was not handed in: the assignment's ran in its place, its tasks empty
        if matching is None:
            return NotImplementedYet(name)
        for author in matching.author:
            if not author.is_task or name not in author.names:
                continue
            mine = next((cell for cell in self._cells if cell_key(cell) == author.key), None)
            if mine is None or matching.of(author) is None:
                return StudentException(
                    f"`{name}` is not defined: the cell in which it is to be written is not in the"
                    " notebook, and no other cell defines it"
                )
            return self._unwritten(name, mine)
        # in a handout, a task's cell does not tell what it is to define
        if self._some_task_is_unwritten():
            return NotImplementedYet(name)
        return StudentException(f"`{name}` is not defined: no cell of the notebook defines it")

    def _some_task_is_unwritten(self) -> bool:
        return any(isinstance(one.error, NotImplementedYet) for one in self._ran.troubles.values())

    def _unwritten(self, name: str, cell: NotebookNode) -> SubmissionFailed:
        """Return the failure for a task's cell that does not define what it asks for."""
        if not text_of(cell).strip():
            return StudentException(
                f"`{name}` is not defined: the cell in which it is to be written is empty"
            )
        index = self._cells.index(cell)
        trouble = self._ran.troubles.get(index)
        if trouble is not None:
            trace = str(getattr(trouble.error, "trace", ""))
            if isinstance(trouble.error, NotImplementedYet):
                return NotImplementedYet(name)
            return CellStopped(
                f"`{name}` is not defined, since {trouble.error}", trace, trouble.place
            )
        number = ours(cell).get("number")
        place = place_of(cell) if number else "the cell"
        return StudentException(
            f"`{name}` is not defined: {place}, in which it is to be written, does not define it"
        )
