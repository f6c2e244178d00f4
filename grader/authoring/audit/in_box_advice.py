"""Which checks that run in the box to move to the grader's process first, and the lines to write
for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.assignment.schema import CheckSpec
from grader.assignment.spec import Assignment
from grader.text import counted

MOST_LINES = 4  # that are written out for one check


def in_box_advice(assignment: Assignment) -> tuple[str, ...]:
    """Return a sentence for each check in the box: those with most points first, those easily moved
    before others.
    """
    found = [check for check in assignment.spec.checks if check.in_box]
    lines = {check.id: list(_lines(assignment, check)) for check in found}
    ranked = sorted(found, key=lambda check: (-check.points, not lines[check.id]))
    return tuple(_sentence(check, lines[check.id]) for check in ranked)


def _sentence(check: CheckSpec, lines: list[str]) -> str:
    rests = (
        f"`{check.id}` ({counted(check.points, 'point')}) rests on the word of the student's"
        " process"
    )
    if not lines:
        return (
            f"{rests}: it needs the student's own objects; ask for what their functions return, if"
            " that can be said"
        )
    return (
        f"{rests}; in the grader's process you would write"
        f" {'; '.join(f'`{line}`' for line in lines[:MOST_LINES])}"
    )


def _lines(assignment: Assignment, check: CheckSpec) -> Iterator[str]:
    """Yield an `expect` for each assertion that a call of a student's function equals something."""
    try:
        tree = ast.parse(assignment.in_box_path(check.id).read_text(encoding="utf-8-sig"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return
    for node in tree.body:
        test = node.test if isinstance(node, ast.Assert) else None
        if (
            not isinstance(test, ast.Compare)
            or len(test.ops) != 1
            or not isinstance(test.ops[0], ast.Eq)
        ):
            continue
        for side in (test.left, test.comparators[0]):
            if (
                isinstance(side, ast.Call)
                and isinstance(side.func, ast.Name)
                and not _passes_code(side)
            ):
                text = ast.unparse(side)
                rest = text.removeprefix(side.func.id)
                yield f'expect({text!r}, notebook["{side.func.id}"]{rest})'
                break


def _passes_code(call: ast.Call) -> bool:
    """Return whether a call is given a function or a name, which stand on the student's side."""
    given = ast.List([*call.args, *(keyword.value for keyword in call.keywords)], ast.Load())
    return any(isinstance(node, ast.Lambda | ast.Name) for node in ast.walk(given))
