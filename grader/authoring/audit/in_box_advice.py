"""Says which checks in the box to move to the grader's process first, and how to write them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from operator import attrgetter, itemgetter

from grader.assignment.schema import CheckSpec
from grader.assignment.spec import Assignment
from grader.text import counted

MOST_LINES = 4  # suggested for one check


def in_box_advice(assignment: Assignment) -> tuple[str, ...]:
    """Return a sentence for each check in the box, by points; of equals, the easier one first."""
    found = []
    for check in assignment.spec.checks:
        if check.in_box:
            lines = list(_lines(assignment, check))
            found.append((-check.points, not lines, _sentence(check, lines)))
    found.sort(key=lambda one: one[:2])
    return tuple(map(itemgetter(2), found))


def _sentence(check: CheckSpec, lines: list[str]) -> str:
    rests = (
        f"`{check.id}` ({counted(check.points, 'point')}) relies on what the student's process"
        " reports"
    )
    if not lines:
        return (
            f"{rests}: it needs the student's own objects; if possible, compare what their"
            " functions return"
        )
    suggested = "; ".join(map("`{}`".format, lines[:MOST_LINES]))
    return f"{rests}; in the grader's process you would write {suggested}"


def _lines(assignment: Assignment, check: CheckSpec) -> Iterator[str]:
    """Yield an `expect` for each assertion that a call of a student's function equals something."""
    try:
        tree = ast.parse(assignment.in_box_path(check.id).read_text(encoding="utf-8-sig"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return
    for node in tree.body:
        test = node.test if isinstance(node, ast.Assert) else None
        sides: list[ast.expr] = []
        if isinstance(test, ast.Compare) and list(map(type, test.ops)) == [ast.Eq]:
            sides = [test.left, *test.comparators]
        for side in sides:
            call = side if isinstance(side, ast.Call) and not _passes_code(side) else None
            if call is not None and isinstance(call.func, ast.Name):
                text = ast.unparse(call)
                rest = text.removeprefix(call.func.id)
                yield f'expect({text!r}, notebook["{call.func.id}"]{rest})'
                break


def _passes_code(call: ast.Call) -> bool:
    """Return whether a call's arguments hold a function or a name, which only the box knows."""
    named = map(attrgetter("value"), call.keywords)
    given = ast.List([*call.args, *named], ast.Load())
    return any(isinstance(node, ast.Lambda | ast.Name) for node in ast.walk(given))
