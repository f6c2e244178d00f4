"""Reads nbgrader's markup: solution cells, test cells with points, hidden tests, automatic tests,
tasks.

Test cells become checks, so that they run in the grader's process and not beside the student's
code. The markup stands in the metadata of cells, and in lines that contain its words, however they
are written around these.
"""

from __future__ import annotations

import ast
import math
import re
import textwrap
from collections.abc import Iterator
from itertools import chain
from typing import Any

from grader.importing.drafts import (
    Cell,
    Draft,
    Names,
    Test,
    answer_cell,
    check_id,
    expected,
    identify,
    numbered,
    to_students,
)
from grader.importing.source_code import IMPORTS, parses, plain_python, unguarded
from grader.markers import BEGIN, END
from grader.notebooks.definitions import tree_of

QUESTION = "q1"
HIDDEN_BEGIN, HIDDEN_END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
SOLUTION_BEGIN, SOLUTION_END = "BEGIN SOLUTION", "END SOLUTION"
SCHEME_BEGIN, SCHEME_END = "BEGIN MARK SCHEME", "END MARK SCHEME"
_CAPTURE = re.compile(r"%%capture\s+([^\W\d]\w*)\s*$")
_AUTOTEST = re.compile(r"^(\s*)(?:#\s*)+(?:HASHED\s+)?AUTOTEST\s+(.+?)\s*;?\s*$")


def is_nbgraders(cells: list[Cell]) -> bool:
    """Return whether cells bear nbgrader's markup."""
    return any("nbgrader" in cell.get("metadata", {}) for cell in cells)


def asks_for_work(cells: list[Cell]) -> bool:
    """Return whether nbgrader's markup names a solution, a test or a task."""
    for cell in cells:
        mark = cell.get("metadata", {}).get("nbgrader") or {}
        if mark.get("solution") or mark.get("grade") or mark.get("task"):
            return True
    return False


def draft(cells: list[Cell], title: str) -> Draft:
    """Sort the cells of a notebook."""
    made = Draft(questions={QUESTION: title})
    ids, names = Names("-"), Names("_")
    for number, cell in enumerate(cells, start=1):
        markup = cell.get("metadata", {}).pop("nbgrader", {})
        identify(cell, markup.get("grade_id") or "", number, ids)
        points = _points(markup)
        place = f"cell {number} ({cell['id']}, {points:g} points)"
        if markup.get("task"):
            cell["source"], _ = split(cell["source"], SCHEME_BEGIN, SCHEME_END)
            made.cells += [cell, answer_cell(ids.take(f"{cell['id']}-answer", ""), points)]
            made.notes.append(
                f"{place} is a task: an answer in words stands behind it, for a person to grade"
            )
        elif markup.get("solution"):
            _solution(cell, markup, place, made)
        elif not markup.get("grade"):
            _plain(cell, place, made)
        elif cell["cell_type"] != "code":
            made.notes.append(f"{place} is left out: it is a test cell and no code")
        else:
            found = list(_tests(cell, markup, place, names, made))
            made.tests += found
            if not found:
                made.notes.append(f"{place} is left out: it tests nothing")
    return made


def _points(markup: dict[str, Any]) -> float:
    """Return the points of a cell, as nbgrader reads them: never less than 0."""
    try:
        points = float(markup.get("points") or 0)
    except (TypeError, ValueError):
        return 0.0
    return max(points, 0.0) if math.isfinite(points) else 0.0


def _plain(cell: Cell, place: str, made: Draft) -> None:
    """Keep a cell that is neither a solution nor a test; what is marked as hidden in it stays with
    the author.
    """
    for what, begin, end in (
        ("tests", HIDDEN_BEGIN, HIDDEN_END),
        ("lines", SOLUTION_BEGIN, SOLUTION_END),
        ("lines", SCHEME_BEGIN, SCHEME_END),
    ):
        shown, hidden = split(cell["source"], begin, end)
        if hidden:
            made.notes.append(
                f"{place}: its hidden {what} are left out, since it is neither a test nor a"
                " solution"
            )
            cell["source"] = shown
    made.cells.append(cell)


def split(source: str, begin: str, end: str) -> tuple[str, str]:
    """Return the lines outside and inside of marked regions, without the lines of the markers."""
    shown: list[str] = []
    hidden: list[str] = []
    inside = False
    for line in source.split("\n"):
        if begin in line or end in line:
            inside = begin in line
        else:
            (hidden if inside else shown).append(line)
    return "\n".join(shown), "\n".join(hidden)


def marked(source: str) -> str:
    """Return a solution's cell with markers as we write them, whatever stood around their words."""
    lines: list[str] = []
    inside = False
    for line in source.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        if SOLUTION_BEGIN in line and not inside:
            lines.append(f"{indent}{BEGIN}")
            inside = True
        elif SOLUTION_END in line and inside:
            lines.append(f"{indent}{END}")
            inside = False
        elif SOLUTION_BEGIN not in line and SOLUTION_END not in line:
            lines.append(line)
    return "\n".join([*lines, END] if inside else lines)


def _solution(cell: Cell, markup: dict[str, Any], place: str, made: Draft) -> None:
    """Give a solution cell to the students; one with points is for a person to grade, code too."""
    cell["source"] = marked(cell["source"])
    for begin, end in ((HIDDEN_BEGIN, HIDDEN_END), (SCHEME_BEGIN, SCHEME_END)):
        cell["source"], _ = split(cell["source"], begin, end)
    if markup.get("grade") and cell["cell_type"] == "code":
        made.notes.append(
            f"{place} is code that a person graded, and still is: its code waits for a person"
        )
    to_students(cell, _points(markup) if markup.get("grade") else None)
    made.cells.append(cell)


def _tests(
    cell: Cell, markup: dict[str, Any], place: str, names: Names, made: Draft
) -> Iterator[Test]:
    """Yield a cell's tests: the visible ones, and all of them as a hidden check if some are hidden.

    The cell's points are those of all its tests together, so they are the hidden check's if there
    is one.
    """
    source = captured(cell["source"])
    lines = "\n".join(chain.from_iterable(map(_automatic, source.splitlines())))
    visible, hidden = split(lines, HIDDEN_BEGIN, HIDDEN_END)
    every = unguarded(numbered(_without_markers(lines)))
    shown = unguarded(numbered(visible))
    id_ = names.take(check_id(cell["id"]).removeprefix("test_"), "test")
    points = _points(markup)
    after = made.cells[-1]["id"] if made.cells else ""
    told = {"place": place, "question": QUESTION, "after": after, "cell": cell["id"]}
    told["by_number"] = True
    hides = bool(hidden.strip()) and _does_something(every)
    shows = _does_something(shown) and (not hides or _reads(shown) or not _reads(every))
    if shows:
        yield Test(id=id_, code=shown, points=0.0 if hides else points, **told)
    if hides:
        name = names.take(f"{id_}_hidden", "") if shows else id_
        yield Test(id=name, code=every, points=points, hidden=True, **told)
    if points and not (shows or hides):  # which nbgrader gives to everybody
        yield Test(id=id_, code="pass", points=points, **told)


def captured(source: str) -> str:
    """Return a cell below `%%capture NAME` as plain Python, since later tests read the name."""
    first, _, rest = source.lstrip().partition("\n")
    found = _CAPTURE.match(first)
    if found is None or not rest.strip():
        return source
    head = "from IPython.utils.capture import capture_output\n"
    return f"{head}with capture_output() as {found[1]}:\n{textwrap.indent(rest, '    ')}"


def _without_markers(lines: str) -> str:
    kept = []
    for line in lines.split("\n"):
        if HIDDEN_BEGIN not in line and HIDDEN_END not in line:
            kept.append(line)
    return "\n".join(kept)


def _reads(code: str) -> bool:
    """Return whether code can be read, magics aside: what is left of a test without its hidden
    lines may not be.
    """
    return parses(plain_python(code))


def _automatic(line: str) -> list[str]:
    """Return a line; if it asks for an automatic test, lines that record what the reference
    answers.
    """
    found = _AUTOTEST.match(line)
    if found is None:
        return [line]
    try:
        body = tree_of(found[2]).body
    except SyntaxError:
        return [line]
    return [found[1] + expected(ast.unparse(node)) for node in body]


def _does_something(code: str) -> bool:
    try:
        body = tree_of(code).body
    except SyntaxError:
        return True
    return not all(isinstance(node, IMPORTS) or _is_text(node) for node in body)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
