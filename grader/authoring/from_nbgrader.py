"""Reads nbgrader's markup: solution cells, test cells with points, hidden tests, automatic tests, tasks.

Test cells become checks, so that they run in the grader's process and not beside the student's code. The markup stands
in the metadata of cells, and in comments between three hash signs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from grader.authoring.from_parts import (
    BY_A_PERSON,
    Cell,
    Draft,
    Names,
    Test,
    answer_cell,
    check_id,
    identify,
    shared,
    to_students,
)

QUESTION = "q1"
HIDDEN_BEGIN, HIDDEN_END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_AUTOTEST = re.compile(r"^(\s*)(?:#\s*)+(?:HASHED\s+)?AUTOTEST\s+(.+?)\s*;?\s*$")


def is_nbgraders(cells: list[Cell]) -> bool:
    """Return whether cells bear nbgrader's markup."""
    return any("nbgrader" in cell.get("metadata", {}) for cell in cells)


def draft(cells: list[Cell], title: str) -> Draft:
    """Sort the cells of a notebook."""
    made = Draft(questions={QUESTION: title})
    ids, names = Names("-"), Names("_")
    for number, cell in enumerate(cells, start=1):
        markup = cell.get("metadata", {}).pop("nbgrader", {})
        identify(cell, markup.get("grade_id") or "", number, ids)
        place = f"cell {number} ({cell['id']}, {float(markup.get('points') or 0):g} points)"
        if markup.get("task"):
            made.cells += [cell, answer_cell(ids.take(f"{cell['id']}-answer", ""), float(markup.get("points") or 0))]
            made.notes.append(f"{place} is a task: an answer in words stands behind it, for a person to grade")
        elif markup.get("solution"):
            _solution(cell, markup, place, made)
        elif not markup.get("grade"):
            made.cells.append(cell)
        elif cell["cell_type"] != "code":
            made.notes.append(f"{place} is left out: it is a test cell and no code")
        else:
            found = list(_tests(cell, markup, place, names))
            made.tests += found
            if found and not markup.get("points"):
                made.notes.append(f"cell {number} ({cell['id']}) had no points: its check is worth 1")
            if not found:
                made.notes.append(f"{place} is left out: it tests nothing")
    return made


def _solution(cell: Cell, markup: dict[str, Any], place: str, made: Draft) -> None:
    """Give a solution cell to the students."""
    if markup.get("grade") and cell["cell_type"] == "code":
        made.notes.append(f"{place} {BY_A_PERSON}")
        to_students(cell)
    else:
        to_students(cell, float(markup.get("points") or 0) if markup.get("grade") else None)
    made.cells.append(cell)


def _tests(cell: Cell, markup: dict[str, Any], place: str, names: Names) -> Iterator[Test]:
    """Yield a cell's tests: the visible ones, and all of them as a hidden check where some are hidden."""
    visible, hiding = [], False
    lines = [line for raw in cell["source"].splitlines() for line in _automatic(raw)]
    for line in lines:
        if line.strip() in (HIDDEN_BEGIN, HIDDEN_END):
            hiding = line.strip() == HIDDEN_BEGIN
        elif not hiding:
            visible.append(line)
    every = _numbered("\n".join(line for line in lines if line.strip() not in (HIDDEN_BEGIN, HIDDEN_END)))
    shown = _numbered("\n".join(visible))
    id_ = names.take(check_id(cell["id"]).removeprefix("test_"), "test")
    parts = [(id_, shown, False)] if _does_something(shown) else []
    if HIDDEN_BEGIN in cell["source"] and every.strip() != shown.strip() and _does_something(every):
        parts.append((names.take(f"{id_}_hidden", "") if parts else id_, every, True))
    points = float(markup.get("points") or 0) or 1.0
    for (name, code, hidden), share in zip(parts, shared(points, len(parts)), strict=True):
        yield Test(id=name, place=place, question=QUESTION, points=share, code=code, hidden=hidden)


def _automatic(line: str) -> list[str]:
    """Return a line, or where it asks for an automatic test, one that records what the reference answers."""
    found = _AUTOTEST.match(line)
    if found is None:
        return [line]
    try:
        body = ast.parse(found[2]).body
    except SyntaxError:
        return [line]
    asked = [ast.unparse(node) for node in body]
    return [f"{found[1]}expect({text!r}, recordable({text}))" for text in asked]


def _numbered(code: str) -> str:
    """Return code in which no value is expected twice under the same name."""
    seen: dict[str, int] = {}
    lines = []
    for line in code.split("\n"):
        if line.lstrip().startswith("expect("):
            seen[line] = seen.get(line, 0) + 1
            again = f" [{seen[line]}]" if seen[line] > 1 else ""
            lines.append(re.sub(r"(['\"]), recordable\(", rf"{again}\1, recordable(", line, count=1))
        else:
            lines.append(line)
    return "\n".join(lines)


def _does_something(code: str) -> bool:
    try:
        body = ast.parse(code).body
    except SyntaxError:
        return True
    return any(not isinstance(node, ast.Import | ast.ImportFrom) for node in body if not _is_text(node))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
