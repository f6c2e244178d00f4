"""Finds the values for nbgrader's AUTOTEST lines: what the author's solution shows there.

In the grader's process such a line is an `expect`, whose value `grader record` takes. A check in
the box has no `expect`: the notebook is run once here, and the line becomes an assertion of what it
showed.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from grader.assignment.schema import NotebookSpec
from grader.checking.api.notebook import NotebookRun
from grader.checking.run.remote import Remote
from grader.importing.drafts import code_cell, position_behind
from grader.limits import Limits
from grader.notebooks.definitions import tree_of
from grader.notebooks.format import parse
from grader.sandbox.box import Staging
from grader.sandbox.ladder import open_sandbox

LIMITS = Limits(cell_seconds=120, notebook_seconds=900, cpu_seconds=900)
CLOSE = 1e-6  # how near floats must be, relative to the author's
_SHOWN, _CELL = "_shown_by_the_solution", "shown-by-the-solution"
_SCALAR = re.compile(r"np\.(?:float|u?int)\d*\((.*)\)")  # as NumPy 2 shows a number
_ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")


def asks(code: str) -> bool:
    """Return whether a test asks for what is right by `expect`."""
    return "expect(" in code and "recordable(" in code


def answered(code: str, whole: str, notebook: Mapping[str, Any], after: str, links: Staging) -> str:
    """Return a test's code with assertions of what the solution shows; raise `LookupError` if it
    can't be told.

    whole: the code with what it needs ahead of it; after: the id of the cell behind which it
    stands.
    """
    lines = _Lines()
    asked = lines.visit(tree_of(whole))
    first = tree_of(f"{_SHOWN} = []").body
    last = tree_of(f"import json as _json\nprint(_json.dumps({_SHOWN}))").body
    cell = ast.unparse(ast.fix_missing_locations(ast.Module([*first, *asked.body, *last], [])))
    shown = _printed(cell, notebook, after, links)
    if any(map(_ADDRESS.search, shown)):
        raise LookupError("what it shows is another text in every run")
    made = _Asserts(shown).visit(tree_of(code))
    return ast.unparse(ast.fix_missing_locations(made))


class _Lines(ast.NodeTransformer):
    """Turns each `expect` into a line that keeps what is shown."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        asked = _asked(node)
        if asked is None:
            return node
        return tree_of(f'{_SHOWN}.append(" ".join(repr({ast.unparse(asked)}).split()))').body[0]


class _Asserts(ast.NodeTransformer):
    """Turns each `expect` into an assertion of what was shown, in the order of the lines."""

    def __init__(self, shown: list[str]) -> None:
        self._shown = iter(shown)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        asked = _asked(node)
        if asked is None:
            return node
        return tree_of(_assertion(ast.unparse(asked), next(self._shown, ""))).body[0]


def _asked(node: ast.Expr) -> ast.expr | None:
    """Return what an `expect` asks for, or None if the line is none."""
    call = node.value
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "expect":
        return None
    inner = call.args[1] if len(call.args) > 1 else None
    return inner.args[0] if isinstance(inner, ast.Call) and inner.args else None


def _assertion(text: str, shown: str) -> str:
    """Return the assertion that an expression is what was shown."""
    try:
        scalar = _SCALAR.fullmatch(shown)
        value = ast.literal_eval(scalar[1] if scalar else shown)
    except (ValueError, SyntaxError):
        return f'assert " ".join(repr({text}).split()) == {shown!r}'
    if isinstance(value, float):
        return f"assert abs(({text}) - {value!r}) <= {CLOSE * max(1.0, abs(value))!r}"
    return f"assert ({text}) == {value!r}"


def _printed(code: str, notebook: Mapping[str, Any], after: str, staging: Staging) -> list[str]:
    """Run the notebook with a cell added, and return the list that the cell prints."""
    cells = [*notebook["cells"]]
    cells.insert(position_behind(cells, after), code_cell(_CELL, code))
    data = json.dumps({**notebook, "cells": cells}).encode()
    with (
        open_sandbox("none", LIMITS, []) as sandbox,
        ThreadPoolExecutor(1) as pool,
        Remote(sandbox, staging, LIMITS, hide_numbers=False, notebook=True) as remote,
    ):
        spec = NotebookSpec(path="n.ipynb", source="n.ipynb")
        run = NotebookRun(spec, parse(data), data, remote, LIMITS)
        run.start(pool)
        failure = run.failure()
    executed = run.executed
    if failure is not None or executed is None:
        raise LookupError(f"the notebook could not be run: {failure}")
    printed = ""
    raised: list[str] = []
    for cell in executed.cells:
        if cell.get("id") == _CELL:
            printed, raised = _shown_by(cell.outputs)
    try:
        shown = json.loads(printed.strip().rpartition("\n")[2])
    except ValueError:
        raise LookupError(f"in the author's notebook it raises: {' '.join(raised)}") from None
    return list(map(str, shown))


def _shown_by(outputs: Iterable[Any]) -> tuple[str, list[str]]:
    """Return what a cell printed, and the messages of what it raised."""
    printed = ""
    raised = []
    for output in outputs:
        if output.output_type == "stream":
            printed += output.get("text", "")
        elif output.output_type == "error":
            raised.append(output.get("evalue", ""))
    return printed, raised
