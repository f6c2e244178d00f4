"""Adds a cell behind each task of a handout's notebooks that checks the work; grading skips it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence

from grader.assignment.expectations import Expectations
from grader.assignment.schema import CheckSpec, Spec
from grader.notebooks.cells import Cell, is_students, text_of
from grader.notebooks.definitions import definitions, parsed

SOURCE = """\
# Check your work: run this cell as often as you like. It is not graded.
from grader.notebook import check

{calls}"""
_NO_ID = re.compile(r"[^A-Za-z0-9_-]+")


def subjects(stored: Expectations) -> dict[str, str]:
    """Return the function that each check judges: the last one that it calls."""
    found = {}
    for (check, _), record in stored.cases.items():
        if record.calls:
            found[check] = record.calls[-1].function
    return found


def with_check_cells(text: str, path: str, spec: Spec, judged: Mapping[str, str]) -> str:
    """Return a handout's notebook with a checking cell behind each task.

    text: the notebook as JSON, as `strip_notebook` writes it
    path: the notebook's name in the handout
    judged: check -> the function that it judges, methods as `Class.method`
    """
    notebook = json.loads(text)
    cells: list[Cell] = notebook["cells"]
    behind: dict[int, list[str]] = {}
    for check in spec.checks:
        place = _place(cells, path, spec, check, judged.get(check.id, check.id))
        if place is not None:
            behind.setdefault(place, []).append(check.id)
    made: list[Cell] = []
    for index, cell in enumerate(cells):
        made.append(cell)
        if index in behind:
            made.append(_cell(behind[index]))
    notebook["cells"] = made
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _place(
    cells: Sequence[Cell], path: str, spec: Spec, check: CheckSpec, function: str
) -> int | None:
    """Return the index of the cell that a check's own cell follows, or None.

    A function that a cell defines is checked behind the last of the student's cells that define
    it. A function of a file is checked behind the first cell that uses it, and a whole notebook
    at its end.
    """
    code = [index for index, cell in enumerate(cells) if cell.get("cell_type") == "code"]
    if check.notebook:
        if check.notebook != path or not code:
            return None
        names = {function.partition(".")[0], check.id}
        for index in reversed(code):
            if is_students(cells[index]) and definitions(text_of(cells[index])) & names:
                return index
        return code[-1]
    questions = {other.question for other in spec.checks if other.notebook == path}
    if questions and check.question not in questions:
        return None
    name = function.rpartition(".")[2]
    for index in code:
        if name in _used(text_of(cells[index])):
            return index
    return None


def _used(source: str) -> frozenset[str]:
    """Return the names and attributes that a cell reads; an import alone reads none."""
    tree = parsed(source)
    found = set()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return frozenset(found)


def _cell(ids: Sequence[str]) -> Cell:
    calls = "\n".join(map('check("{}")'.format, ids))
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": _NO_ID.sub("-", f"check-{ids[0]}")[:64],
        "metadata": {},
        "outputs": [],
        "source": SOURCE.format(calls=calls).splitlines(keepends=True),
    }
