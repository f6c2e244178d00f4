"""What the cells of a finished notebook printed and displayed, by their ids. It is the student's: data, no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from grader.checking.notebook import NotebookRun
from grader.checking.restore import cell_key
from grader.errors import AssignmentError

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


def finished(run: NotebookRun) -> NotebookNode:
    """Wait for a notebook's end and return it as it was run; raise why it stopped, if it did not run to its end."""
    failure = run.failure()
    if failure is not None:
        raise failure
    assert run.executed is not None
    return run.executed


def cell_of(notebook: NotebookNode, id: str) -> NotebookNode:  # noqa: A002 - a cell's own word for it
    """Return a cell by its id; raise `AssignmentError` where the assignment's notebook has none of that id."""
    cells: dict[str, NotebookNode] = {cell_key(cell): cell for cell in notebook.cells}
    if id in cells:
        return cells[id]
    known = ", ".join(cells)
    raise AssignmentError(f"a check asks for the cell {id!r}, which the notebook does not have ({known})")


def printed(cell: NotebookNode) -> str:
    """Return what a cell printed, standard error left out."""
    texts = (output.get("text") for output in _outputs(cell) if output.get("name") == "stdout")
    return "".join(text for text in texts if isinstance(text, str))


def pictures(cell: NotebookNode) -> int:
    """Return how many pictures a cell displays."""
    shown = [output.get("data", {}) for output in _outputs(cell)]
    return sum(isinstance(data, dict) and any(kind in data for kind in PICTURES) for data in shown)


def _outputs(cell: NotebookNode) -> Iterator[dict[str, Any]]:
    return (output for output in cell.get("outputs", []) if isinstance(output, dict))
