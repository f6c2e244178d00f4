"""What the cells of a finished notebook printed and displayed, by their ids. It is the student's:
data, no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grader.checking.api.notebook import NotebookRun
from grader.errors import AssignmentError, NotImplementedYet
from grader.notebooks.cells import cell_key, ours, text_of
from grader.notebooks.definitions import is_untouched

if TYPE_CHECKING:
    from nbformat import NotebookNode

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


def shown_by(run: NotebookRun, id: str) -> list[NotebookNode]:  # noqa: A002 - a cell's own word
    """Wait for a notebook's end and return the cell of an id as it was run.

    If the student left that cell empty or as it was handed out, the cells that they added behind it
    stand for it. Raises what stopped the cell; `AssignmentError` if the assignment's notebook has
    none of that id.
    """
    failure = run.failure()
    if failure is not None:
        raise failure
    cells = run.cells_that_ran()
    index = _index_of(cells, id)
    trouble = run.ran.troubles.get(index)
    source = text_of(cells[index])
    unwritten = not source.strip() or is_untouched(source)
    unwritten = unwritten or (trouble is not None and isinstance(trouble.error, NotImplementedYet))
    added = list(_added_behind(run, index)) if unwritten else []
    if added:
        return added
    if trouble is not None:
        raise trouble.error
    return [cells[index]]


def _index_of(cells: list[NotebookNode], id: str) -> int:  # noqa: A002
    keys = [cell_key(cell) for cell in cells]
    if id in keys:
        return keys.index(id)
    known = ", ".join(keys)
    raise AssignmentError(
        f"a check asks for the cell {id!r}, which the notebook does not have ({known})"
    )


def _added_behind(run: NotebookRun, index: int) -> Iterator[NotebookNode]:
    """Yield the student's own code cells between a cell and the next one of the assignment, if they
    ran.
    """
    for place, cell in enumerate(run.cells_that_ran()[index + 1 :], start=index + 1):
        if not ours(cell).get("own"):
            return
        if cell.cell_type == "code" and place not in run.ran.troubles:
            yield cell


def printed(cells: list[NotebookNode]) -> str:
    """Return what cells printed, standard error left out."""
    texts = []
    for output in _outputs(cells):
        text = output.get("text")
        if output.get("name") == "stdout" and isinstance(text, str):
            texts.append(text)
    return "".join(texts)


def pictures(cells: list[NotebookNode]) -> int:
    """Return how many pictures cells display."""
    count = 0
    for output in _outputs(cells):
        data = output.get("data", {})
        count += isinstance(data, dict) and not data.keys().isdisjoint(PICTURES)
    return count


def _outputs(cells: list[NotebookNode]) -> Iterator[dict[str, Any]]:
    for cell in cells:
        for output in cell.get("outputs", []):
            if isinstance(output, dict):
                yield output
