"""The definitions of a cell that did not run to its end: they are made all the same.

A cell may hold several tasks, and a statement that raises is one of them at the most. So the
imports, functions and classes behind that statement are executed, and what is assigned to the names
of tasks. If Python can't read the cell, this is done for each piece that it can read.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from types import CodeType, TracebackType
from typing import Any

from grader.sandbox.inside.work.exception_text import PassedOver
from grader.sandbox.inside.work.files.mending import RAISES, mended

# the first line of a cell that runs its other lines
_RUNS_THE_REST = re.compile(r"\A\s*%%(?:time|timeit|capture|prun)\b[^\n]*\n")
_DEFINITIONS = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign)


class CellDefinitions:
    """The definitions of one cell.

    transform: makes Python of IPython's own syntax
    wanted: names whose assignments count as well
    """

    def __init__(
        self, source: str, transform: Callable[[str], str], wanted: Collection[str]
    ) -> None:
        self._wanted = frozenset(wanted)
        self._passed_over = PassedOver()
        text = _RUNS_THE_REST.sub("", source, count=1)
        self._is_within = text != source  # whether a magic of the first line runs the others
        with suppress(SyntaxError):
            text = transform(text)
        self._statements = [*self._read(text)]

    def _read(self, text: str) -> Iterator[ast.stmt]:
        """Yield the statements that can be read; of a class, methods may be replaced."""
        readable, unreadable = mended(text, "<cell>")
        self._passed_over.raised += [piece.error for piece in unreadable]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                statements = ast.parse(readable).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for statement in statements:
            if not _is_unreadable(statement):
                yield statement

    def make(
        self,
        namespace: dict[str, Any],
        compiled: Callable[[ast.Module], CodeType],
        trace: TracebackType | None = None,
    ) -> None:
        """Execute the definitions and pass over those that raise.

        trace: of the statement that raised, if one did: only those behind it are executed
        """
        behind = self._raised_at(trace, namespace)
        if self._passed_over.raised:
            namespace[RAISES] = self._passed_over
        for statement in self._statements:
            if statement.lineno > behind and self._counts(statement):
                with suppress(Exception):
                    exec(compiled(ast.Module([statement], [])), namespace)  # noqa: S102 - as a cell

    def _raised_at(self, trace: TracebackType | None, namespace: dict[str, Any]) -> int:
        """Return the line at which the cell raised; 0 if no statement of it was run."""
        lines = []
        while trace is not None:
            frame = trace.tb_frame
            name = frame.f_code.co_name
            if frame.f_globals is namespace and name.startswith(("<module>", "<cell")):
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        at = 1 if self._is_within else 0
        return lines[at] if at < len(lines) else 0

    def _counts(self, statement: ast.stmt) -> bool:
        if isinstance(statement, _ASSIGNMENTS):
            return isinstance(statement.value, ast.Constant) or bool(self._bound_by(statement))
        return isinstance(statement, _DEFINITIONS)

    def _bound_by(self, statement: ast.stmt) -> set[str]:
        """Return which of the wanted names an assignment binds."""
        names = set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
        return names & self._wanted


def _is_unreadable(statement: ast.stmt) -> bool:
    """Return whether a function stands for one that can't be read."""
    if not isinstance(statement, ast.FunctionDef):
        return False
    return f"raise {RAISES}(" in ast.unparse(statement.body[0])
